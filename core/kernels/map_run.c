// One function of one argument along a dense run. The product's epilogue and the map verb call the same code, and so agree in
// every bit.
#include "vector.h"

enum { MAP_SCALE = OP_MAP_COUNT }; // for use within the kernels

typedef struct {
  int op;
  float low, high; // the bounds of a clamp, an activation's settings; MAP_SCALE is low · x
} Map;

INLINE vec sign_vec(vec x) { return pick(x > 0, all(1), pick(x < 0, all(-1), all(0))); } // 0 for NaN
INLINE vec relu_vec(vec x) { return pick(x < 0, all(0), x); }

// Past 2²³ every float is whole, and NaN is left alone.
INLINE vec whole(vec x, vec rounded) { return pick(magnitude(x) < 8388608, with_sign(rounded, x), x); }
INLINE vec truncated(vec x) {
  return __builtin_convertvector(__builtin_convertvector(pick(magnitude(x) < 8388608, x, all(0)), ivec), vec);
}
INLINE vec floor_vec(vec x) {
  const vec t = truncated(x);
  return whole(x, pick(t > x, t - 1, t));
}
INLINE vec ceil_vec(vec x) {
  const vec t = truncated(x);
  return whole(x, pick(t < x, t + 1, t));
}
// Halves go to the even side: that is how the sum with 2²³ is rounded.
INLINE vec round_vec(vec x) {
  const vec sum = magnitude(x) + 8388608;
  return whole(x, sum - 8388608);
}
// The upper bound wins where they cross, NaN passes through, and a bound of NaN wins.
INLINE vec clamp_vec(vec x, float low, float high) {
  const vec raised = pick((x >= low) | (x != x), x, all(low));
  return pick((raised <= high) | (raised != raised), raised, all(high));
}

#define EACH(RESULT) \
  for (; n >= LANES; n -= LANES, from += LANES, to += LANES) { \
    const vec x = CVEC(from); \
    VEC(to) = RESULT; \
  } \
  if (n) { \
    const vec x = take(from, n, 1); \
    put(to, RESULT, n); \
  } \
  return

static __attribute__((noinline)) void map_run(Map f, ptrdiff_t n, const float *from, float *to) {
  switch (f.op) {
    case OP_COPY: EACH(x);
#if !defined(__wasm__) // what JavaScript does as fast is left to it
    case OP_NEG: EACH(-x);
    case OP_ABS: EACH(magnitude(x));
    case OP_SIGN: EACH(sign_vec(x));
#endif
    case OP_EXP: EACH(exp_vec(x));
    case OP_EXPM1: EACH(expm1_vec(x));
    case OP_LOG: EACH(log_vec(x));
    case OP_LOG1P: EACH(log1p_vec(x));
#if !defined(__wasm__)
    case OP_SQRT: EACH(sqrt_vec(x));
    case OP_RSQRT: EACH(1 / sqrt_vec(x));
    case OP_RECIPROCAL: EACH(1 / x);
    case OP_SQUARE: EACH(x * x);
#endif
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
#if !defined(__wasm__)
    case OP_FLOOR: EACH(floor_vec(x));
    case OP_CEIL: EACH(ceil_vec(x));
    case OP_ROUND: EACH(round_vec(x));
    case OP_CLAMP: case OP_HARDTANH: EACH(clamp_vec(x, f.low, f.high));
    case OP_LEAKY_RELU: EACH(leaky_relu_vec(x, f.low));
    case MAP_SCALE: EACH(x * f.low);
#endif
  }
}
#undef EACH
