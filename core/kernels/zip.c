// out = a op b over any strides. A run of either operand is dense, or one number for the whole run; others are gathered in blocks.
#include "vector.h"

INLINE vec maximum_vec(vec a, vec b) { // NaN wins, and +0 over −0
  const vec top = pick(a > b, a, b);
  return pick(a == b, (vec)((ivec)a & (ivec)b), pick(a != a, a, top));
}
INLINE vec minimum_vec(vec a, vec b) {
  const vec low = pick(a < b, a, b);
  return pick(a == b, (vec)((ivec)a | (ivec)b), pick(a != a, a, low));
}

// Three loops an operation: both dense, or one of them a single number. `a` and `b` are vectors in RESULT.
#define EACH(RESULT, STORE) \
  if (as && bs) { \
    for (; i + LANES <= n; i += LANES) { const vec a = CVEC(x + i), b = CVEC(y + i); STORE(out + i, RESULT, LANES); } \
  } else if (as) { \
    const vec b = all(*y); \
    for (; i + LANES <= n; i += LANES) { const vec a = CVEC(x + i); STORE(out + i, RESULT, LANES); } \
  } else { \
    const vec a = all(*x); \
    for (; i + LANES <= n; i += LANES) { const vec b = bs ? CVEC(y + i) : all(*y); STORE(out + i, RESULT, LANES); } \
  } \
  if (i < n) { \
    const vec a = as ? take(x + i, n - i, 1) : all(*x), b = bs ? take(y + i, n - i, 1) : all(*y); \
    STORE(out + i, RESULT, n - i); \
  } \
  return

INLINE void store_floats(float *to, vec x, ptrdiff_t count) {
  if (count == LANES) VEC(to) = x;
  else put(to, x, count);
}

static void zip_floats(int op, ptrdiff_t n, const float *x, int as, const float *y, int bs, float *out) {
  ptrdiff_t i = 0;
  switch (op) {
    case OP_ADD: EACH(a + b, store_floats);
    case OP_SUB: EACH(a - b, store_floats);
    case OP_MUL: EACH(a * b, store_floats);
    case OP_DIV: EACH(a / b, store_floats);
    case OP_MAXIMUM: EACH(maximum_vec(a, b), store_floats);
    case OP_MINIMUM: EACH(minimum_vec(a, b), store_floats);
  }
}

typedef int8_t bytes __attribute__((vector_size(LANES), aligned(1), may_alias));
INLINE void store_bytes(uint8_t *to, ivec mask, ptrdiff_t count) {
  const bytes x = __builtin_convertvector(mask, bytes) & 1;
  if (count == LANES) *(bytes *)to = x;
  else for (ptrdiff_t i = 0; i < count; i++) to[i] = (uint8_t)x[i];
}

static void zip_bytes(int op, ptrdiff_t n, const float *x, int as, const float *y, int bs, uint8_t *out) {
  ptrdiff_t i = 0;
  switch (op) {
    case OP_EQ: EACH(a == b, store_bytes);
    case OP_NE: EACH(a != b, store_bytes);
    case OP_LT: EACH(a < b, store_bytes);
    case OP_LE: EACH(a <= b, store_bytes);
    case OP_GT: EACH(a > b, store_bytes);
    case OP_GE: EACH(a >= b, store_bytes);
  }
}
#undef EACH

static void zip_part(int op, ptrdiff_t n, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs, void *out, ptrdiff_t at,
                     ptrdiff_t os) {
  float left[BLOCK], right[BLOCK], floats[BLOCK];
  uint8_t small[BLOCK];
  const float *x = as ? gathered(a, as, n, left) : a, *y = bs ? gathered(b, bs, n, right) : b;
  if (op < OP_EQ) {
    float *to = (float *)out + at;
    zip_floats(op, n, x, as != 0, y, bs != 0, os == 1 ? to : floats);
    if (os != 1) scatter(floats, to, os, n);
  } else {
    uint8_t *to = (uint8_t *)out + at;
    zip_bytes(op, n, x, as != 0, y, bs != 0, os == 1 ? to : small);
    if (os != 1) for (ptrdiff_t i = 0; i < n; i++) to[i * os] = small[i];
  }
}

static void zip_row(int op, ptrdiff_t n, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs, void *out, ptrdiff_t at,
                    ptrdiff_t os) {
  const int dense = (as == 0 || as == 1) && (bs == 0 || bs == 1) && os == 1;
  if (dense && op < OP_EQ) return zip_floats(op, n, a, (int)as, b, (int)bs, (float *)out + at);
  for (ptrdiff_t i = 0; i < n; i += BLOCK)
    zip_part(op, n - i < BLOCK ? n - i : BLOCK, a + i * as, as, b + i * bs, bs, out, at + i * os, os);
}

typedef struct {
  const int32_t *d;
  const float *a, *b;
  void *out;
} ZipRun;

static void zip_run(void *job, ptrdiff_t part) {
  const ZipRun *r = job;
  const int32_t *d = r->d;
  const ptrdiff_t from = part * RUN_PART, n = smaller(RUN_PART, d[ZIP_SIZES] - from);
  const ptrdiff_t as = d[ZIP_A_STRIDES], bs = d[ZIP_B_STRIDES], os = d[ZIP_OUT_STRIDES];
  const float *a = r->a + d[ZIP_A_OFFSET] + from * as, *b = r->b + d[ZIP_B_OFFSET] + from * bs;
  zip_row(d[ZIP_OP], n, a, as, b, bs, r->out, d[ZIP_OUT_OFFSET] + from * os, os);
}

static void zip_walk(const int32_t *d, const float *a, const float *b, void *out) {
  const int inner = d[ZIP_RANK] - 1;
  const int32_t *sizes = d + ZIP_SIZES, *strides[3] = {d + ZIP_A_STRIDES, d + ZIP_B_STRIDES, d + ZIP_OUT_STRIDES};
  ptrdiff_t at[3] = {d[ZIP_A_OFFSET], d[ZIP_B_OFFSET], d[ZIP_OUT_OFFSET]};
  int32_t count[WALK_RANK] = {0};
  do {
    zip_row(d[ZIP_OP], sizes[inner], a + at[0], strides[0][inner], b + at[1], strides[1][inner], out, at[2], strides[2][inner]);
  } while (walk_next(inner, sizes, count, 3, strides, at));
}

int32_t gradus_zip(const int32_t *d, const float *a, const float *b, void *out) {
  const int rank = d[ZIP_RANK], state = walk_state(rank, d + ZIP_SIZES);
  if (state < 0 || d[ZIP_OP] < 0 || d[ZIP_OP] >= OP_ZIP_COUNT) return GRADUS_OUT_OF_BOUNDS;
  if (state == 0) return GRADUS_OK;
  for (int i = 0; i < 3; i++) {
    const int32_t *strides = d + ZIP_A_STRIDES + i * WALK_RANK;
    if (!walk_fits(rank, d + ZIP_SIZES, strides, d[ZIP_A_OFFSET + 2 * i], d[ZIP_A_LENGTH + 2 * i])) return GRADUS_OUT_OF_BOUNDS;
  }
  ZipRun run = {d, a, b, out};
  if (rank == 1) parallel(pieces(d[ZIP_SIZES], RUN_PART), zip_run, &run);
  else zip_walk(d, a, b, out);
  return GRADUS_OK;
}
