// The functions that C's library has only for one number at a time. Each keeps NaN, takes infinities to their limits, and is
// within 2 units in the last place of float32 (tests/core/backend/map_accuracy.test.ts). Polynomials are minimax fits over
// the interval that each comment names, made for this file.
#include "vector.h"

#define LN2_HIGH 0.693359375f // few bits, so that n times it is exact
#define LN2_LOW -2.12194440e-4f

// e^r − 1 − r over r² for |r| ≤ ln 2 / 2.
INLINE vec exp_tail(vec r) {
  vec q = r * 1.99179726e-4f + 1.39461897e-3f;
  q = q * r + 8.33326516e-3f;
  q = q * r + 4.16662683e-2f;
  q = q * r + 0.166666669f;
  return q * r + 0.5f;
}

// x = n·ln 2 + r. Adding 1.5 · 2²³ leaves n in the low bits of the sum.
INLINE vec exp_reduce(vec x, ivec *n) {
  const vec shifted = x * 1.44269504f + 12582912.0f;
  *n = (ivec)shifted - 0x4b400000;
  const vec count = shifted - 12582912.0f;
  return (x - count * LN2_HIGH) - count * LN2_LOW;
}

// 2ⁿ for n from −126 to 127.
INLINE vec power_of_two(ivec n) { return (vec)((uvec)(n + 127) << 23); }

INLINE vec exp_vec(vec x) {
  x = blend(x > 89, broadcast(89), blend(x < -104, broadcast(-104), x));
  ivec n;
  const vec r = exp_reduce(x, &n), e = exp_tail(r) * (r * r) + r + 1;
  // In two steps, because 2ⁿ alone would overflow or vanish at both ends.
  const ivec half = n >> 1;
  return e * power_of_two(half) * power_of_two(n - half);
}

INLINE vec expm1_vec(vec x) {
  const vec near = blend(x > 60, broadcast(60), blend(x < -60, broadcast(-60), x));
  ivec n;
  const vec r = exp_reduce(near, &n), e = exp_tail(r) * (r * r) + r, scale = power_of_two(n);
  const vec y = blend(x > 60, exp_vec(x), scale * e + (scale - 1));
  return blend(x == 0, x, y); // keeps −0
}

INLINE vec log_vec(vec x) {
  const ivec tiny = x < 1.17549435e-38f;
  const vec normal = blend(tiny, x * 8388608, x);
  // m in [√½, √2): the exponent is counted from √½.
  const ivec bits = (ivec)((uvec)normal - 0x3f3504f3), exponent = bits >> 23; // of numbers below 0 the difference wraps
  const vec m = (vec)((bits & 0x007fffff) + 0x3f3504f3), f = m - 1;
  const vec n = __builtin_convertvector(exponent, vec) - blend(tiny, broadcast(23), broadcast(0));
  // ln(1 + f) − f + f²/2 over f³
  vec p = f * 0.0674660133f - 0.116756413f;
  p = p * f + 0.118881746f;
  p = p * f - 0.124055914f;
  p = p * f + 0.142195509f;
  p = p * f - 0.166679957f;
  p = p * f + 0.200021187f;
  p = p * f - 0.250000096f;
  p = p * f + 0.333333126f;
  const vec square = f * f, small = p * square * f + n * LN2_LOW;
  const vec y = (small - square * 0.5f) + f + n * LN2_HIGH;
  const vec limit = blend(x == 0, broadcast(-__builtin_inff()), blend(x < 0, broadcast(__builtin_nanf("")), x)); // 0, below, ∞, NaN
  return blend((x > 0) & (x < __builtin_inff()), y, limit);
}

// What the sum 1 + x lost is added back, divided by the slope.
INLINE vec log1p_vec(vec x) {
  const vec u = 1 + x, back = u - 1, lost = (x - back) + (1 - (u - back));
  const vec y = log_vec(u), exact = y + lost / u;
  return blend(x == 0, x, blend((u > 0) & (u < __builtin_inff()), exact, y));
}

INLINE vec tanh_vec(vec x) {
  const vec size = magnitude(x), u = x * x;
  // (tanh x − x) / x³ for |x| ≤ 0.65
  vec p = u * 2.06466204e-3f - 8.09196439e-3f;
  p = p * u + 2.1666345e-2f;
  p = p * u - 5.39405628e-2f;
  p = p * u + 0.133331579f;
  p = p * u - 0.333333296f;
  const vec near = p * (u * x) + x, far = 1 - 2 / (exp_vec(size + size) + 1);
  return blend(x != x, x, with_sign(blend(size < 0.65f, near, far), x)); // the sign of −0 too
}

// e^−|x| never overflows, and gives both sides without cancellation.
INLINE vec sigmoid_vec(vec x) {
  const vec e = exp_vec(-magnitude(x));
  return blend(x < 0, e, broadcast(1)) / (1 + e);
}

INLINE vec erf_vec(vec x) {
  const vec size = magnitude(x), u = x * x;
  // erf(x) / x for |x| ≤ 1
  vec p = u * -9.68013594e-6f + 1.12705443e-4f;
  p = p * u - 8.48471143e-4f;
  p = p * u + 5.22107488e-3f;
  p = p * u - 2.68654458e-2f;
  p = p * u + 0.112837827f;
  p = p * u - 0.376126385f;
  p = p * u + 0.128379167f; // and 1 more, which is added last because it is exact
  // erfc(2.5 + t) for 1 ≤ |x| ≤ 4
  const vec t = blend(size > 4, broadcast(4), size) - 2.5f;
  vec q = t * -8.96133198e-7f - 5.09334624e-7f;
  q = q * t + 1.57679759e-5f;
  q = q * t - 1.76817223e-5f;
  q = q * t - 8.12565494e-5f;
  q = q * t + 2.70398114e-4f;
  q = q * t - 2.58480836e-4f;
  q = q * t - 5.60064242e-4f;
  q = q * t + 2.797349e-3f;
  q = q * t - 6.10930283e-3f;
  q = q * t + 8.62268576e-3f;
  q = q * t - 8.35171569e-3f;
  q = q * t + 5.44567643e-3f;
  q = q * t - 2.17818892e-3f;
  q = q * t + 4.06952671e-4f;
  return blend(size < 1, p * x + x, blend(x != x, x, with_sign(1 - q, x)));
}

// √ has an instruction, but no operator on vectors.
INLINE vec sqrt_vec(vec x) {
  float y[LANES];
  __builtin_memcpy(y, &x, sizeof y);
  for (int i = 0; i < LANES; i++) y[i] = __builtin_sqrtf(y[i]);
  __builtin_memcpy(&x, y, sizeof y);
  return x;
}
