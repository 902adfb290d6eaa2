// Activations that have a derivative of their input x, each with its backward under it: out = g · f′(x).
// Results are within 2.5 units in the last place of float32, theirs or, where that is larger, their input's; derivatives within 3,
// theirs or 1's (tests/core/backend/activation.test.ts). Finite x never make NaN; at ±∞ it is made where PyTorch makes it.
#include "vector.h"

#define SQRT1_2 0.707106781f
#define SQRT_2_PI 0.797884561f  // √(2/π)
#define DENSITY 0.398942280f    // 1/√(2π)
#define CUBIC 0.044715f

// In wasm, whose code travels with the module, a function stands once and is called.
#if defined(__wasm__)
#define ONCE static __attribute__((noinline))
#else
#define ONCE INLINE
#endif
ONCE vec exp_once(vec x) { return exp_vec(x); }

INLINE vec clamp_backward(vec g, vec x, float low, float high) { return blend((x >= low) & (x <= high), g, broadcast(0)); }
INLINE vec hardtanh_backward(vec g, vec x, float low, float high) { return blend((x > low) & (x < high), g, broadcast(0)); }

INLINE vec leaky_relu_vec(vec x, float slope) { return blend(x > 0, x, x * slope); }
INLINE vec leaky_relu_backward(vec g, vec x, float slope) { return blend(x > 0, g, g * slope); }

ONCE vec elu_vec(vec x, float alpha, float scale) { return blend(x > 0, x * scale, expm1_vec(x) * (alpha * scale)); }
ONCE vec elu_backward(vec g, vec x, float alpha, float scale) {
  return g * blend(x > 0, broadcast(scale), exp_once(x) * (alpha * scale));
}

ONCE vec normal_vec(vec x) { return erf_vec(x * SQRT1_2) * 0.5f + 0.5f; } // Φ
ONCE vec gelu_vec(vec x) { return x * normal_vec(x); }
ONCE vec gelu_backward(vec g, vec x) { return g * (normal_vec(x) + x * (exp_once(x * x * -0.5f) * DENSITY)); }

// σ(x) and σ(−x), each without cancellation.
INLINE vec sigmoid_pair(vec x, vec *other) {
  const vec e = exp_once(-magnitude(x)), high = 1 / (1 + e), low = e * high;
  *other = blend(x < 0, high, low);
  return blend(x < 0, low, high);
}

// ½(1 + tanh u) = σ(2u) with u = √(2/π)(x + 0.044715x³), and its slope is 2σ(2u)σ(−2u) times that of u.
INLINE vec gelu_tanh_pair(vec x, vec square, vec *other) { return sigmoid_pair(x * (square * CUBIC + 1) * (2 * SQRT_2_PI), other); }
ONCE vec gelu_tanh_vec(vec x) {
  vec other;
  return x * gelu_tanh_pair(x, x * x, &other);
}
ONCE vec gelu_tanh_backward(vec g, vec x) { // past ±16 σ is 0 or 1, and x² must not be infinite
  vec other;
  const vec near = blend(x > 16, broadcast(16), blend(x < -16, broadcast(-16), x)), square = near * near;
  const vec s = gelu_tanh_pair(near, square, &other);
  return g * (s + x * (s * other * (square * (3 * CUBIC) + 1) * (2 * SQRT_2_PI)));
}

ONCE vec silu_vec(vec x) {
  vec other;
  return x * sigmoid_pair(x, &other);
}
ONCE vec silu_backward(vec g, vec x) {
  vec other;
  const vec s = sigmoid_pair(x, &other);
  return g * (s * (1 + x * other));
}

// tanh(ln(1 + e)) = n / (n + 2) with e = eˣ and n = e(e + 2). Past 20 it is 1; e⁴⁰ has a square, whose square is infinite.
INLINE vec mish_exp(vec x) { return exp_once(blend(x > 40, broadcast(40), x)); }
ONCE vec mish_vec(vec x) {
  const vec e = mish_exp(x), n = e * (e + 2);
  return x * (n / (n + 2));
}
ONCE vec mish_backward(vec g, vec x) { // the slope of the tangent is 4(1 + e)² / (n + 2)², that of ln(1 + e) is e / (1 + e)
  const vec e = mish_exp(x), n = e * (e + 2), w = 1 / (n + 2);
  return g * (n * w + x * (4 * w * e * w * (1 + e)));
}

ONCE vec softplus_vec(vec x, float beta, float threshold) {
  const vec z = x * beta, bend = log1p_vec(exp_once(-magnitude(z)));
  return blend(z > threshold, x, (blend(z < 0, broadcast(0), z) + bend) / beta);
}
ONCE vec softplus_backward(vec g, vec x, float beta, float threshold) {
  const vec z = x * beta;
  vec other;
  return blend(z > threshold, g, g * sigmoid_pair(z, &other));
}

// The verb: out = g ⊙ op′, written through y = op(x) or through x, and the sum of its rows for the bias.
#define EACH(RESULT) \
  for (; n >= LANES; n -= LANES, g += LANES, y += LANES, out += LANES) { \
    const vec a = CVEC(g), b = CVEC(y); \
    VEC(out) = RESULT; \
  } \
  if (n) { \
    const vec a = load_partial(g, n, 0), b = load_partial(y, n, 0); \
    store_partial(out, RESULT, n); \
  } \
  return

typedef struct {
  int op;
  ptrdiff_t size;
  const float *g, *y;
  float *out, low, high;
} Backward;

static void backward_run(const Backward *f, ptrdiff_t n, const float *g, const float *y, float *out) {
  switch (f->op) {
    case ACTIVATION_NONE: __builtin_memmove(out, g, (size_t)n * sizeof(float)); return;
    case ACTIVATION_RELU: EACH(blend(b <= 0, broadcast(0), a));
    case ACTIVATION_SIGMOID: EACH(a * (b * (1 - b)));
    case ACTIVATION_TANH: EACH(a * (1 - b * b));
    case INPUT_ACTIVATION_CLAMP: EACH(clamp_backward(a, b, f->low, f->high));
    case INPUT_ACTIVATION_HARDTANH: EACH(hardtanh_backward(a, b, f->low, f->high));
    case INPUT_ACTIVATION_LEAKY_RELU: EACH(leaky_relu_backward(a, b, f->low));
    case INPUT_ACTIVATION_ELU: EACH(elu_backward(a, b, f->low, f->high));
    case INPUT_ACTIVATION_GELU: EACH(gelu_backward(a, b));
    case INPUT_ACTIVATION_GELU_TANH: EACH(gelu_tanh_backward(a, b));
    case INPUT_ACTIVATION_SILU: EACH(silu_backward(a, b));
    case INPUT_ACTIVATION_MISH: EACH(mish_backward(a, b));
    case INPUT_ACTIVATION_SOFTPLUS: EACH(softplus_backward(a, b, f->low, f->high));
  }
}
#undef EACH

static void backward_part(void *job, ptrdiff_t part) {
  const Backward *f = job;
  const ptrdiff_t from = part * RUN_PART;
  backward_run(f, min(RUN_PART, f->size - from), f->g + from, f->y + from, f->out + from);
}

int32_t gradus_activation_backward(const int32_t *d, const float *g, const float *y, float *out, float *db) {
  const int64_t rows = d[BACKWARD_ROWS], cols = d[BACKWARD_COLS], size = rows * cols;
  const int has_out = d[BACKWARD_HAS_OUT], has_db = d[BACKWARD_HAS_DB], op = d[BACKWARD_OP];
  const int fits = size <= d[BACKWARD_G_LENGTH] && (op == ACTIVATION_NONE || size <= d[BACKWARD_Y_LENGTH]) &&
                   (!has_out || size <= d[BACKWARD_OUT_LENGTH]) && (!has_db || cols <= d[BACKWARD_DB_LENGTH]);
  if (rows < 0 || cols < 0 || op < ACTIVATION_NONE || op >= INPUT_ACTIVATION_COUNT || !fits) return GRADUS_OUT_OF_BOUNDS;
  if (op != ACTIVATION_NONE && !has_out) return GRADUS_OUT_OF_BOUNDS;
  Backward f = {.op = op, .size = (ptrdiff_t)size, .g = g, .y = op == ACTIVATION_NONE ? g : y, .out = out};
  __builtin_memcpy(&f.low, d + BACKWARD_LOW, sizeof f.low);
  __builtin_memcpy(&f.high, d + BACKWARD_HIGH, sizeof f.high);
  if (has_out) parallel(ceil_div(f.size, RUN_PART), backward_part, &f);
  if (has_db) column_sums(has_out ? out : g, (ptrdiff_t)rows, (ptrdiff_t)cols, (ptrdiff_t)cols, db);
  return GRADUS_OK;
}
