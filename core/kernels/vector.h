// Vectors beyond loads and sums: choice by mask, and the ends of runs that do not fill a vector.
#ifndef GRADUS_VECTOR_H
#define GRADUS_VECTOR_H
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

typedef int32_t quad_bits __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint32_t uvec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
#define SIGN ((ivec){0} + INT32_MIN)

// 0, 1, 2, … one a lane.
#if LANES == 16
#define LANE_NUMBERS ((ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif LANES == 8
#define LANE_NUMBERS ((ivec){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define LANE_NUMBERS ((ivec){0, 1, 2, 3})
#endif

// Every lane the same. Subtracting 0 keeps −0, where adding it would not.
INLINE vec broadcast(float x) { return x - (vec){0}; }

// Lanes of `yes` where the mask is set, of `no` elsewhere.
INLINE vec blend(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }

// x · y + sum in one instruction, always: compilers that may choose do so in some tiles and not in others, and the bits of a row would
// depend on which tile it fell to.
#if defined(__AVX512F__) && LANES == 16
#include <immintrin.h>
INLINE vec multiply_add(vec x, vec y, vec sum) { return (vec)_mm512_fmadd_ps((__m512)x, (__m512)y, (__m512)sum); }
#elif defined(__FMA__) && LANES == 8
#include <immintrin.h>
INLINE vec multiply_add(vec x, vec y, vec sum) { return (vec)_mm256_fmadd_ps((__m256)x, (__m256)y, (__m256)sum); }
#elif defined(__wasm_relaxed_simd__)
INLINE vec multiply_add(vec x, vec y, vec sum) { return (vec)__builtin_wasm_relaxed_madd_f32x4(x, y, sum); }
#else
INLINE vec multiply_add(vec x, vec y, vec sum) { return x * y + sum; }
#endif

INLINE vec magnitude(vec x) { return (vec)((ivec)x & ~SIGN); }

// The size of one and the sign of the other.
INLINE vec with_sign(vec size, vec sign) {
  vec x = (vec)(((ivec)size & ~SIGN) | ((ivec)sign & SIGN));
#if defined(__clang__) // clang 19 would fold this into a choice around it, and choose wrongly on AVX-512
  KEEP(x);
#endif
  return x;
}

// The first `count` < LANES floats and nothing beyond; the other lanes hold `rest`. And the way back. This and the micro-kernel's
// tile are all that differs between instruction sets.
#if defined(__AVX512F__)
#include <immintrin.h>
INLINE vec load_partial(const float *from, ptrdiff_t count, float rest) {
  return (vec)_mm512_mask_loadu_ps((__m512)broadcast(rest), (__mmask16)((1u << count) - 1), from);
}
INLINE void store_partial(float *to, vec x, ptrdiff_t count) { _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)x); }
#elif defined(__wasm__)
#include <wasm_simd128.h>
INLINE vec load_partial(const float *from, ptrdiff_t count, float rest) {
  const v128_t filled = (v128_t)broadcast(rest);
  if (count == 1) return (vec)wasm_v128_load32_lane(from, filled, 0);
  const v128_t pair = wasm_v128_load64_lane(from, filled, 0);
  return (vec)(count == 2 ? pair : wasm_v128_load32_lane(from + 2, pair, 2));
}
INLINE void store_partial(float *to, vec x, ptrdiff_t count) {
  if (count == 1) return wasm_v128_store32_lane(to, (v128_t)x, 0);
  wasm_v128_store64_lane(to, (v128_t)x, 0);
  if (count == 3) wasm_v128_store32_lane(to + 2, (v128_t)x, 2);
}
#elif defined(__AVX__) && LANES == 8
#include <immintrin.h>
// −1 in the first `count` lanes.
INLINE __m256i first_lanes(ptrdiff_t count) {
  static const int32_t lanes[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(const void *)(lanes + LANES - count));
}
INLINE vec load_partial(const float *from, ptrdiff_t count, float rest) {
  const __m256i mask = first_lanes(count);
  const __m256 x = _mm256_maskload_ps(from, mask); // 0 elsewhere
  return (vec)_mm256_blendv_ps((__m256)broadcast(rest), x, _mm256_castsi256_ps(mask));
}
// In halves: a store under a mask takes some machines forty operations.
INLINE void store_partial(float *to, vec x, ptrdiff_t count) {
  __m128 part = _mm256_castps256_ps128((__m256)x);
  if (count & 4) {
    _mm_storeu_ps(to, part);
    part = _mm256_extractf128_ps((__m256)x, 1), to += 4;
  }
  if (count & 2) {
    _mm_storel_pi((__m64 *)(void *)to, part);
    part = _mm_movehl_ps(part, part), to += 2;
  }
  if (count & 1) _mm_store_ss(to, part);
}
#else
INLINE void copy_part(char *to, const char *from, ptrdiff_t count) {
  for (ptrdiff_t part = LANES / 2; part; part /= 2) {
    if (!(count & part)) continue;
    for (ptrdiff_t i = 0; i < part * 4; i += 4) __builtin_memcpy(to + i, from + i, 4);
    to += part * 4, from += part * 4;
  }
}
INLINE vec load_partial(const float *from, ptrdiff_t count, float rest) {
  vec x = broadcast(rest);
  copy_part((char *)&x, (const char *)from, count);
  return x;
}
INLINE void store_partial(float *to, vec x, ptrdiff_t count) { copy_part((char *)to, (const char *)&x, count); }
#endif

// Across the lanes: quarters first, which are registers of their own everywhere.
INLINE float sum_of(vec x) {
  quad part[LANES / 4];
  __builtin_memcpy(part, &x, sizeof x);
  for (int n = LANES / 8; n; n /= 2)
    for (int i = 0; i < n; i++) part[i] += part[i + n];
  return (part[0][0] + part[0][1]) + (part[0][2] + part[0][3]);
}
INLINE quad larger(quad x, quad y) {
  const quad_bits more = x > y;
  return (quad)((more & (quad_bits)x) | (~more & (quad_bits)y));
}
INLINE float max_of(vec x) { // of lanes that are no NaN
  quad part[LANES / 4];
  __builtin_memcpy(part, &x, sizeof x);
  for (int n = LANES / 8; n; n /= 2)
    for (int i = 0; i < n; i++) part[i] = larger(part[i], part[i + n]);
  const quad half = larger(part[0], SHUFFLE(part[0], part[0], 2, 3, 0, 1));
  return larger(half, SHUFFLE(half, half, 1, 0, 3, 2))[0];
}

// Every second lane of two vectors, and the lanes of two vectors by turns.
#if LANES == 16
#define EVENS(x, y) LANES_OF(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODDS(x, y) LANES_OF(x, y, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define TURNS_LOW(x, y) LANES_OF(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define TURNS_HIGH(x, y) LANES_OF(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define EVENS(x, y) LANES_OF(x, y, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS(x, y) LANES_OF(x, y, 1, 3, 5, 7, 9, 11, 13, 15)
#define TURNS_LOW(x, y) LANES_OF(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define TURNS_HIGH(x, y) LANES_OF(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define EVENS(x, y) LANES_OF(x, y, 0, 2, 4, 6)
#define ODDS(x, y) LANES_OF(x, y, 1, 3, 5, 7)
#define TURNS_LOW(x, y) LANES_OF(x, y, 0, 4, 1, 5)
#define TURNS_HIGH(x, y) LANES_OF(x, y, 2, 6, 3, 7)
#endif
#if defined(__clang__)
#define LANES_OF(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define LANES_OF(x, y, ...) __builtin_shuffle(x, y, (ivec){__VA_ARGS__})
#endif

#endif
