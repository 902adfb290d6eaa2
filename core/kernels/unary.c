// out = op(x), element by element. A dense run is taken a vector at a time; other strides in blocks, and a transposed copy in squares.
#include "vector.h"

enum { OP_SCALE = OP_UNARY_COUNT }; // for use within the kernels

typedef struct {
  int op;
  float low, high; // the bounds of a clamp, an activation's settings; OP_SCALE is low · x
} Unary;

INLINE vec sign_vec(vec x) { return blend(x > 0, broadcast(1), blend(x < 0, broadcast(-1), broadcast(0))); } // 0 for NaN
INLINE vec relu_vec(vec x) { return blend(x < 0, broadcast(0), x); }

// Past 2²³ every float is whole, and NaN is left alone.
INLINE vec whole(vec x, vec rounded) { return blend(magnitude(x) < 8388608, with_sign(rounded, x), x); }
INLINE vec truncated(vec x) {
  return __builtin_convertvector(__builtin_convertvector(blend(magnitude(x) < 8388608, x, broadcast(0)), ivec), vec);
}
INLINE vec floor_vec(vec x) {
  const vec t = truncated(x);
  return whole(x, blend(t > x, t - 1, t));
}
INLINE vec ceil_vec(vec x) {
  const vec t = truncated(x);
  return whole(x, blend(t < x, t + 1, t));
}
// Halves go to the even side: that is how the sum with 2²³ is rounded.
INLINE vec round_vec(vec x) {
  const vec sum = magnitude(x) + 8388608;
  return whole(x, sum - 8388608);
}
// The upper bound wins where they cross, NaN passes through, and a bound of NaN wins.
INLINE vec clamp_vec(vec x, float low, float high) {
  const vec raised = blend((x >= low) | (x != x), x, broadcast(low));
  return blend((raised <= high) | (raised != raised), raised, broadcast(high));
}

// One function along a dense run. What ends a product calls the same code, and so agrees with this verb in every bit.
#define EACH(RESULT) \
  for (; n >= LANES; n -= LANES, from += LANES, to += LANES) { \
    const vec x = CVEC(from); \
    VEC(to) = RESULT; \
  } \
  if (n) { \
    const vec x = load_partial(from, n, 1); \
    store_partial(to, RESULT, n); \
  } \
  return

static __attribute__((noinline)) void unary_run(Unary f, ptrdiff_t n, const float *from, float *to) {
  switch (f.op) {
    case OP_COPY: EACH(x);
    case OP_NEG: EACH(-x);
    case OP_ABS: EACH(magnitude(x));
    case OP_SIGN: EACH(sign_vec(x));
    case OP_EXP: EACH(exp_vec(x));
    case OP_EXPM1: EACH(expm1_vec(x));
    case OP_LOG: EACH(log_vec(x));
    case OP_LOG1P: EACH(log1p_vec(x));
    case OP_SQRT: EACH(sqrt_vec(x));
    case OP_RSQRT: EACH(1 / sqrt_vec(x));
    case OP_RECIPROCAL: EACH(1 / x);
    case OP_SQUARE: EACH(x * x);
    case OP_TANH: EACH(tanh_vec(x));
    case OP_SIGMOID: EACH(sigmoid_vec(x));
    case OP_RELU: EACH(relu_vec(x));
    case OP_ERF: EACH(erf_vec(x));
    case OP_ELU: EACH(elu_vec(x, f.low, f.high));
    case OP_GELU: EACH(gelu_vec(x));
    case OP_GELU_TANH: EACH(gelu_tanh_vec(x));
    case OP_SILU: EACH(silu_vec(x));
    case OP_MISH: EACH(mish_vec(x));
    case OP_SOFTPLUS: EACH(softplus_vec(x, f.low, f.high));
    case OP_FLOOR: EACH(floor_vec(x));
    case OP_CEIL: EACH(ceil_vec(x));
    case OP_ROUND: EACH(round_vec(x));
    case OP_CLAMP: case OP_HARDTANH: EACH(clamp_vec(x, f.low, f.high));
    case OP_LEAKY_RELU: EACH(leaky_relu_vec(x, f.low));
    case OP_SCALE: EACH(x * f.low);
  }
}
#undef EACH

// Copies that change the kind of the elements. What lies outside int32, infinities and NaN become its least number.
#define TO_INT32(X) ((X) >= -2147483648.0f && (X) < 2147483648.0f ? (int32_t)(X) : INT32_MIN)

// Written out for steps of 1, which the compiler turns into vectors.
#define CONVERT(NAME, FROM, TO, RESULT) \
  static void NAME(ptrdiff_t n, const FROM *from, ptrdiff_t step, TO *to, ptrdiff_t out) { \
    if (step == 1 && out == 1) for (ptrdiff_t i = 0; i < n; i++) { const FROM x = from[i]; to[i] = RESULT; } \
    else for (ptrdiff_t i = 0; i < n; i++) { const FROM x = from[i * step]; to[i * out] = RESULT; } \
  }
CONVERT(bytes_to_floats, uint8_t, float, (float)x)
CONVERT(whole_to_floats, int32_t, float, (float)x)
CONVERT(floats_to_whole, float, int32_t, TO_INT32(x))
CONVERT(floats_to_not, float, uint8_t, x == 0)

static void unary_strided(Unary f, ptrdiff_t n, const float *x, ptrdiff_t step, float *out, ptrdiff_t to) {
  if (step == 1 && to == 1) return unary_run(f, n, x, out);
  float block[BLOCK];
  for (ptrdiff_t i = 0; i < n; i += BLOCK) {
    const ptrdiff_t part = n - i < BLOCK ? n - i : BLOCK;
    const float *from = gathered(x + i * step, step, part, block);
    if (to == 1) {
      unary_run(f, part, from, out + i);
    } else {
      unary_run(f, part, from, block);
      scatter(block, out + i * to, to, part);
    }
  }
}

// A run of any kinds that unary_kinds lets through.
static void unary_row(const int32_t *d, Unary f, ptrdiff_t n, const void *x, ptrdiff_t at, ptrdiff_t step, void *out, ptrdiff_t to,
                    ptrdiff_t out_step) {
  const float *floats = (const float *)x + at;
  if (f.op == OP_NOT) floats_to_not(n, floats, step, (uint8_t *)out + to, out_step);
  else if (d[UNARY_X_KIND] == d[UNARY_OUT_KIND]) unary_strided(f, n, floats, step, (float *)out + to, out_step);
  else if (d[UNARY_X_KIND] == KIND_UINT8) bytes_to_floats(n, (const uint8_t *)x + at, step, (float *)out + to, out_step);
  else if (d[UNARY_X_KIND] == KIND_INT32) whole_to_floats(n, (const int32_t *)x + at, step, (float *)out + to, out_step);
  else floats_to_whole(n, floats, step, (int32_t *)out + to, out_step);
}

// int32 to int32 is a copy of four bytes each, as is float32 to float32.
static int unary_kinds(int op, int x, int out) {
  if (op == OP_NOT) return x == KIND_FLOAT32 && out == KIND_UINT8;
  if (op != OP_COPY) return op > OP_COPY && op < OP_UNARY_COUNT && x == KIND_FLOAT32 && out == KIND_FLOAT32;
  if (x == KIND_UINT8) return out == KIND_FLOAT32;
  return (x == KIND_INT32 || x == KIND_FLOAT32) && (out == KIND_INT32 || out == KIND_FLOAT32);
}

typedef struct {
  const int32_t *d;
  Unary f;
  const void *x;
  void *out;
} UnaryJob;

static void unary_part(void *job, ptrdiff_t part) {
  const UnaryJob *r = job;
  const int32_t *d = r->d;
  const ptrdiff_t from = part * RUN_PART, n = min(RUN_PART, d[UNARY_SIZES] - from), step = d[UNARY_X_STRIDES], to = d[UNARY_OUT_STRIDES];
  unary_row(d, r->f, n, r->x, d[UNARY_X_OFFSET] + from * step, step, r->out, d[UNARY_OUT_OFFSET] + from * to, to);
}

static int unary_fits(const int32_t *d) {
  return walk_fits(d[UNARY_RANK], d + UNARY_SIZES, d + UNARY_X_STRIDES, d[UNARY_X_OFFSET], d[UNARY_X_LENGTH]) &&
         walk_fits(d[UNARY_RANK], d + UNARY_SIZES, d + UNARY_OUT_STRIDES, d[UNARY_OUT_OFFSET], d[UNARY_OUT_LENGTH]);
}

static void unary_walk(const int32_t *d, Unary f, const void *x, void *out) {
  const int rank = d[UNARY_RANK], inner = rank - 1;
  const int32_t *sizes = d + UNARY_SIZES, *strides[2] = {d + UNARY_X_STRIDES, d + UNARY_OUT_STRIDES};
  const int step = strides[0][inner], to = strides[1][inner];
  const int copy = f.op == OP_COPY && d[UNARY_X_KIND] != KIND_UINT8 && d[UNARY_X_KIND] == d[UNARY_OUT_KIND];
  const int transposed = rank > 1 && copy && to == 1 && step != 1 && strides[0][inner - 1] == 1;
  ptrdiff_t at[2] = {d[UNARY_X_OFFSET], d[UNARY_OUT_OFFSET]};
  int32_t count[WALK_RANK] = {0};
  do {
    if (transposed)
      copy_transposed(sizes[inner - 1], sizes[inner], (const float *)x + at[0], step, (float *)out + at[1], strides[1][inner - 1]);
    else unary_row(d, f, sizes[inner], x, at[0], step, out, at[1], to);
  } while (walk_next(transposed ? inner - 1 : inner, sizes, count, 2, strides, at));
}

int32_t gradus_unary(const int32_t *d, const void *x, void *out) {
  const int state = walk_state(d[UNARY_RANK], d + UNARY_SIZES);
  if (state < 0 || !unary_kinds(d[UNARY_OP], d[UNARY_X_KIND], d[UNARY_OUT_KIND])) return GRADUS_OUT_OF_BOUNDS;
  if (state == 0) return GRADUS_OK;
  if (!unary_fits(d)) return GRADUS_OUT_OF_BOUNDS;
  UnaryJob run = {d, {.op = d[UNARY_OP]}, x, out};
  __builtin_memcpy(&run.f.low, d + UNARY_LOW, sizeof run.f.low);
  __builtin_memcpy(&run.f.high, d + UNARY_HIGH, sizeof run.f.high);
  if (d[UNARY_RANK] == 1) parallel(ceil_div(d[UNARY_SIZES], RUN_PART), unary_part, &run);
  else unary_walk(d, run.f, x, out);
  return GRADUS_OK;
}
