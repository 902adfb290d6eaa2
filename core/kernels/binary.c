// out = a op b, and out = mask ? a : b, over any strides. A run of either operand is dense, or one number for the whole run; others
// are gathered in blocks.
#include "vector.h"

INLINE vec maximum_vec(vec a, vec b) { // NaN wins, and +0 over −0
  const vec top = blend(a > b, a, b);
  return blend(a == b, (vec)((ivec)a & (ivec)b), blend(a != a, a, top));
}
INLINE vec minimum_vec(vec a, vec b) {
  const vec low = blend(a < b, a, b);
  return blend(a == b, (vec)((ivec)a | (ivec)b), blend(a != a, a, low));
}

// Three loops an operation: both dense, or one of them a single number. `a` and `b` are vectors in RESULT.
#define EACH(RESULT, STORE) \
  if (as && bs) { \
    for (; i + LANES <= n; i += LANES) { const vec a = CVEC(x + i), b = CVEC(y + i); STORE(out + i, RESULT, LANES); } \
  } else if (as) { \
    const vec b = broadcast(*y); \
    for (; i + LANES <= n; i += LANES) { const vec a = CVEC(x + i); STORE(out + i, RESULT, LANES); } \
  } else { \
    const vec a = broadcast(*x); \
    for (; i + LANES <= n; i += LANES) { const vec b = bs ? CVEC(y + i) : broadcast(*y); STORE(out + i, RESULT, LANES); } \
  } \
  if (i < n) { \
    const vec a = as ? load_partial(x + i, n - i, 1) : broadcast(*x), b = bs ? load_partial(y + i, n - i, 1) : broadcast(*y); \
    STORE(out + i, RESULT, n - i); \
  } \
  return

INLINE void store_floats(float *to, vec x, ptrdiff_t count) {
  if (count == LANES) VEC(to) = x;
  else store_partial(to, x, count);
}

static void binary_floats(int op, ptrdiff_t n, const float *x, int as, const float *y, int bs, float *out) {
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

static void binary_bytes(int op, ptrdiff_t n, const float *x, int as, const float *y, int bs, uint8_t *out) {
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

static void binary_block(int op, ptrdiff_t n, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs, void *out, ptrdiff_t at,
                     ptrdiff_t os) {
  float left[BLOCK], right[BLOCK], floats[BLOCK];
  uint8_t small[BLOCK];
  const float *x = as ? gathered(a, as, n, left) : a, *y = bs ? gathered(b, bs, n, right) : b;
  if (op < OP_EQ) {
    float *to = (float *)out + at;
    binary_floats(op, n, x, as != 0, y, bs != 0, os == 1 ? to : floats);
    if (os != 1) scatter(floats, to, os, n);
  } else {
    uint8_t *to = (uint8_t *)out + at;
    binary_bytes(op, n, x, as != 0, y, bs != 0, os == 1 ? to : small);
    if (os != 1) for (ptrdiff_t i = 0; i < n; i++) to[i * os] = small[i];
  }
}

static void binary_row(int op, ptrdiff_t n, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs, void *out, ptrdiff_t at,
                    ptrdiff_t os) {
  const int dense = (as == 0 || as == 1) && (bs == 0 || bs == 1) && os == 1;
  if (dense && op < OP_EQ) return binary_floats(op, n, a, (int)as, b, (int)bs, (float *)out + at);
  for (ptrdiff_t i = 0; i < n; i += BLOCK)
    binary_block(op, n - i < BLOCK ? n - i : BLOCK, a + i * as, as, b + i * bs, bs, out, at + i * os, os);
}

typedef struct {
  const int32_t *d;
  const float *a, *b;
  void *out;
} BinaryJob;

static void binary_part(void *job, ptrdiff_t part) {
  const BinaryJob *r = job;
  const int32_t *d = r->d;
  const ptrdiff_t from = part * RUN_PART, n = min(RUN_PART, d[BINARY_SIZES] - from);
  const ptrdiff_t as = d[BINARY_A_STRIDES], bs = d[BINARY_B_STRIDES], os = d[BINARY_OUT_STRIDES];
  const float *a = r->a + d[BINARY_A_OFFSET] + from * as, *b = r->b + d[BINARY_B_OFFSET] + from * bs;
  binary_row(d[BINARY_OP], n, a, as, b, bs, r->out, d[BINARY_OUT_OFFSET] + from * os, os);
}

static void binary_walk(const int32_t *d, const float *a, const float *b, void *out) {
  const int inner = d[BINARY_RANK] - 1;
  const int32_t *sizes = d + BINARY_SIZES, *strides[3] = {d + BINARY_A_STRIDES, d + BINARY_B_STRIDES, d + BINARY_OUT_STRIDES};
  ptrdiff_t at[3] = {d[BINARY_A_OFFSET], d[BINARY_B_OFFSET], d[BINARY_OUT_OFFSET]};
  int32_t count[WALK_RANK] = {0};
  do {
    binary_row(d[BINARY_OP], sizes[inner], a + at[0], strides[0][inner], b + at[1], strides[1][inner], out, at[2], strides[2][inner]);
  } while (walk_next(inner, sizes, count, 3, strides, at));
}

int32_t gradus_binary(const int32_t *d, const float *a, const float *b, void *out) {
  const int rank = d[BINARY_RANK], state = walk_state(rank, d + BINARY_SIZES);
  if (state < 0 || d[BINARY_OP] < 0 || d[BINARY_OP] >= OP_BINARY_COUNT) return GRADUS_OUT_OF_BOUNDS;
  if (state == 0) return GRADUS_OK;
  for (int i = 0; i < 3; i++) {
    const int32_t *strides = d + BINARY_A_STRIDES + i * WALK_RANK;
    if (!walk_fits(rank, d + BINARY_SIZES, strides, d[BINARY_A_OFFSET + 2 * i], d[BINARY_A_LENGTH + 2 * i])) return GRADUS_OUT_OF_BOUNDS;
  }
  BinaryJob run = {d, a, b, out};
  if (rank == 1) parallel(ceil_div(d[BINARY_SIZES], RUN_PART), binary_part, &run);
  else binary_walk(d, a, b, out);
  return GRADUS_OK;
}

INLINE ivec mask_of(const uint8_t *from) { return __builtin_convertvector(*(const bytes *)from != 0, ivec); }

// out = mask ? a : b. Runs that are dense, or one number for the whole run, are chosen a vector at a time.
static void where_row(ptrdiff_t n, const uint8_t *mask, ptrdiff_t ms, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs,
                      float *out, ptrdiff_t os) {
  ptrdiff_t i = 0;
  if (ms == 1 && os == 1 && (as == 0 || as == 1) && (bs == 0 || bs == 1))
    for (; i + LANES <= n; i += LANES)
      VEC(out + i) = blend(mask_of(mask + i), as ? CVEC(a + i) : broadcast(*a), bs ? CVEC(b + i) : broadcast(*b));
  for (; i < n; i++) out[i * os] = mask[i * ms] ? a[i * as] : b[i * bs];
}

int32_t gradus_where(const int32_t *d, const uint8_t *mask, const float *a, const float *b, float *out) {
  const int rank = d[WHERE_RANK], inner = rank - 1, state = walk_state(rank, d + WHERE_SIZES);
  if (state < 0) return GRADUS_OUT_OF_BOUNDS;
  if (state == 0) return GRADUS_OK;
  const int32_t *strides[4];
  ptrdiff_t at[4];
  for (int i = 0; i < 4; i++) {
    strides[i] = d + WHERE_STRIDES + i * WALK_RANK, at[i] = d[WHERE_OFFSET + i];
    if (!walk_fits(rank, d + WHERE_SIZES, strides[i], d[WHERE_OFFSET + i], d[WHERE_LENGTH + i])) return GRADUS_OUT_OF_BOUNDS;
  }
  int32_t count[WALK_RANK] = {0};
  do {
    where_row(d[WHERE_SIZES + inner], mask + at[0], strides[0][inner], a + at[1], strides[1][inner], b + at[2], strides[2][inner],
              out + at[3], strides[3][inner]);
  } while (walk_next(inner, d + WHERE_SIZES, count, 4, strides, at));
  return GRADUS_OK;
}
