// Activations whose slope is read off their argument x, each with the way back through it under it: out = g · f′(x).
// Results are within 2.5 units in the last place of float32, theirs or, where that is larger, their argument's; slopes within 3, theirs
// or 1's (tests/core/backend/activation.test.ts). Finite x never make NaN; at ±∞ it is made where PyTorch makes it.
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

INLINE vec clamp_back(vec g, vec x, float low, float high) { return pick((x >= low) & (x <= high), g, all(0)); }
INLINE vec hardtanh_back(vec g, vec x, float low, float high) { return pick((x > low) & (x < high), g, all(0)); }

INLINE vec leaky_relu_vec(vec x, float slope) { return pick(x > 0, x, x * slope); }
INLINE vec leaky_relu_back(vec g, vec x, float slope) { return pick(x > 0, g, g * slope); }

ONCE vec elu_vec(vec x, float alpha, float scale) { return pick(x > 0, x * scale, expm1_vec(x) * (alpha * scale)); }
ONCE vec elu_back(vec g, vec x, float alpha, float scale) { return g * pick(x > 0, all(scale), exp_once(x) * (alpha * scale)); }

ONCE vec normal_vec(vec x) { return erf_vec(x * SQRT1_2) * 0.5f + 0.5f; } // Φ
ONCE vec gelu_vec(vec x) { return x * normal_vec(x); }
ONCE vec gelu_back(vec g, vec x) { return g * (normal_vec(x) + x * (exp_once(x * x * -0.5f) * DENSITY)); }

// σ(x) and σ(−x), each without cancellation.
INLINE vec sigmoid_pair(vec x, vec *other) {
  const vec e = exp_once(-magnitude(x)), high = 1 / (1 + e), low = e * high;
  *other = pick(x < 0, high, low);
  return pick(x < 0, low, high);
}

// ½(1 + tanh u) = σ(2u) with u = √(2/π)(x + 0.044715x³), and its slope is 2σ(2u)σ(−2u) times that of u.
INLINE vec gelu_tanh_pair(vec x, vec square, vec *other) { return sigmoid_pair(x * (square * CUBIC + 1) * (2 * SQRT_2_PI), other); }
ONCE vec gelu_tanh_vec(vec x) {
  vec other;
  return x * gelu_tanh_pair(x, x * x, &other);
}
ONCE vec gelu_tanh_back(vec g, vec x) { // past ±16 σ is 0 or 1, and x² must not be infinite
  vec other;
  const vec near = pick(x > 16, all(16), pick(x < -16, all(-16), x)), square = near * near, s = gelu_tanh_pair(near, square, &other);
  return g * (s + x * (s * other * (square * (3 * CUBIC) + 1) * (2 * SQRT_2_PI)));
}

ONCE vec silu_vec(vec x) {
  vec other;
  return x * sigmoid_pair(x, &other);
}
ONCE vec silu_back(vec g, vec x) {
  vec other;
  const vec s = sigmoid_pair(x, &other);
  return g * (s * (1 + x * other));
}

// tanh(ln(1 + e)) = n / (n + 2) with e = eˣ and n = e(e + 2). Past 20 it is 1; e⁴⁰ has a square, whose square is infinite.
INLINE vec mish_exp(vec x) { return exp_once(pick(x > 40, all(40), x)); }
ONCE vec mish_vec(vec x) {
  const vec e = mish_exp(x), n = e * (e + 2);
  return x * (n / (n + 2));
}
ONCE vec mish_back(vec g, vec x) { // the slope of the tangent is 4(1 + e)² / (n + 2)², that of ln(1 + e) is e / (1 + e)
  const vec e = mish_exp(x), n = e * (e + 2), w = 1 / (n + 2);
  return g * (n * w + x * (4 * w * e * w * (1 + e)));
}

ONCE vec softplus_vec(vec x, float beta, float threshold) {
  const vec z = x * beta, bend = log1p_vec(exp_once(-magnitude(z)));
  return pick(z > threshold, x, (pick(z < 0, all(0), z) + bend) / beta);
}
ONCE vec softplus_back(vec g, vec x, float beta, float threshold) {
  const vec z = x * beta;
  vec other;
  return pick(z > threshold, g, g * sigmoid_pair(z, &other));
}
