// Packing: a panel of either operand, whatever its strides, as [k, pitch], filled up from `width` to `pitch`.
// The filling keeps the micro-kernel free of edges; one routine serves rows of A and columns of B, for both are walked along k.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"
#include "vector.h"

// `across` steps between neighbours within the panel, `along` steps along k.
typedef struct {
  const float *data;
  ptrdiff_t across, along;
} Panel;

INLINE void transpose4(quad x[4]) {
  quad a = SHUFFLE(x[0], x[1], 0, 4, 1, 5), b = SHUFFLE(x[2], x[3], 0, 4, 1, 5);
  quad c = SHUFFLE(x[0], x[1], 2, 6, 3, 7), d = SHUFFLE(x[2], x[3], 2, 6, 3, 7);
  x[0] = SHUFFLE(a, b, 0, 1, 4, 5);
  x[1] = SHUFFLE(a, b, 2, 3, 6, 7);
  x[2] = SHUFFLE(c, d, 0, 1, 4, 5);
  x[3] = SHUFFLE(c, d, 2, 3, 6, 7);
}

#if defined(__AVX512F__)
#define TURN_WIDE 16
// Four floats from each of sixteen places, turned into four vectors with one float from each place. Loading into quarters of a
// vector leaves only the shuffles within them.
INLINE void turn_wide(const float *const from[16], ptrdiff_t at, vec x[4]) {
  UNROLL for (int q = 0; q < 4; q++) {
    __m512 quarters = _mm512_castps128_ps512(_mm_loadu_ps(from[q] + at));
    quarters = _mm512_mask_broadcast_f32x4(quarters, 0x00f0, _mm_loadu_ps(from[4 + q] + at));
    quarters = _mm512_mask_broadcast_f32x4(quarters, 0x0f00, _mm_loadu_ps(from[8 + q] + at));
    x[q] = (vec)_mm512_mask_broadcast_f32x4(quarters, 0xf000, _mm_loadu_ps(from[12 + q] + at));
  }
  const __m512 a = _mm512_unpacklo_ps((__m512)x[0], (__m512)x[1]), b = _mm512_unpacklo_ps((__m512)x[2], (__m512)x[3]);
  const __m512 c = _mm512_unpackhi_ps((__m512)x[0], (__m512)x[1]), d = _mm512_unpackhi_ps((__m512)x[2], (__m512)x[3]);
  x[0] = (vec)_mm512_shuffle_ps(a, b, 0x44);
  x[1] = (vec)_mm512_shuffle_ps(a, b, 0xee);
  x[2] = (vec)_mm512_shuffle_ps(c, d, 0x44);
  x[3] = (vec)_mm512_shuffle_ps(c, d, 0xee);
}

// Sixteen by sixteen: vector i of `x` holds row i, vector j of `to` column j.
INLINE void turn_square(const __m512 x[16], __m512 to[16]) {
  __m512 y[16];
  UNROLL for (int i = 0; i < 16; i += 4) {
    const __m512 a = _mm512_unpacklo_ps(x[i], x[i + 1]), b = _mm512_unpacklo_ps(x[i + 2], x[i + 3]);
    const __m512 c = _mm512_unpackhi_ps(x[i], x[i + 1]), d = _mm512_unpackhi_ps(x[i + 2], x[i + 3]);
    y[i] = _mm512_shuffle_ps(a, b, 0x44), y[i + 1] = _mm512_shuffle_ps(a, b, 0xee);
    y[i + 2] = _mm512_shuffle_ps(c, d, 0x44), y[i + 3] = _mm512_shuffle_ps(c, d, 0xee);
  }
  // Quarter q of y[4 g + s] now has rows 4 g to 4 g + 3 of column 4 q + s.
  UNROLL for (int s = 0; s < 4; s++) {
    const __m512 a = _mm512_shuffle_f32x4(y[s], y[4 + s], 0x88), b = _mm512_shuffle_f32x4(y[s], y[4 + s], 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(y[8 + s], y[12 + s], 0x88), d = _mm512_shuffle_f32x4(y[8 + s], y[12 + s], 0xdd);
    to[s] = _mm512_shuffle_f32x4(a, c, 0x88), to[8 + s] = _mm512_shuffle_f32x4(a, c, 0xdd);
    to[4 + s] = _mm512_shuffle_f32x4(b, d, 0x88), to[12 + s] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

// Sixteen floats from each of sixteen places: each line of the cache is read once, which matters where the places are a power of
// two apart.
INLINE void turn_full(const float *const from[16], ptrdiff_t at, float *to, ptrdiff_t row) {
  __m512 x[16], y[16];
  UNROLL for (int i = 0; i < 16; i++) x[i] = _mm512_loadu_ps(from[i] + at);
  turn_square(x, y);
  UNROLL for (int j = 0; j < 16; j++) _mm512_storeu_ps(to + j * row, y[j]);
}
#endif

// Any strides, one element at a time: steps [first, k) of the panel.
static void pack_gather(Panel s, ptrdiff_t first, ptrdiff_t k, int width, int pitch, float *to) {
  for (ptrdiff_t p = first; p < k; p++)
    for (int j = 0; j < pitch; j++) to[p * pitch + j] = j < width ? s.data[j * s.across + p * s.along] : 0;
}

#define FAR 8 // steps of k that are asked for ahead: their rows may be pages apart, which no CPU guesses

// Neighbours stand side by side: whole vectors move, past `width` too, as long as that stays before the panel's last element.
// What lands between width and pitch is then other data, not zeros, which does no harm: those sums are never stored.
INLINE void pack_copy(Panel s, ptrdiff_t k, int width, int pitch, float *to, const int lanes) {
  ptrdiff_t p = 0;
  for (; p < k && pitch - width <= (k - 1 - p) * s.along; p++, to += pitch) {
    const float *from = s.data + p * s.along;
    for (int j = 0; j < pitch; j += lanes) {
      __builtin_prefetch(from + j + FAR * s.along);
      __builtin_memcpy(to + j, from + j, lanes * sizeof(float));
    }
  }
  pack_gather((Panel){s.data + p * s.along, s.across, s.along}, 0, k - p, width, pitch, to);
}

// Steps of k stand side by side: blocks are turned in registers. Past `width` the last neighbour is read again. Panels narrower
// than a block reach into the next step, which is written after them.
static void pack_turn(Panel s, ptrdiff_t k, int width, int pitch, float *to) {
  const ptrdiff_t whole = k & ~(ptrdiff_t)3;
  int j = 0;
#if defined(TURN_WIDE)
  for (; j + TURN_WIDE <= pitch || j == 0; j += TURN_WIDE) {
    const float *from[TURN_WIDE];
    for (int i = 0; i < TURN_WIDE; i++) from[i] = s.data + (j + i < width ? j + i : width - 1) * s.across;
    float *here = to + j;
    ptrdiff_t p = 0;
    for (; p + 16 <= k && pitch >= TURN_WIDE; p += 16, here += 16 * pitch) turn_full(from, p, here, pitch);
    for (; p < whole; p += 4, here += 4 * pitch) {
      vec x[4];
      turn_wide(from, p, x);
      UNROLL for (int i = 0; i < 4; i++) VEC(here + i * pitch) = x[i];
    }
  }
#endif
  for (; j < pitch; j += 4) {
    const float *from[4];
    UNROLL for (int i = 0; i < 4; i++) from[i] = s.data + (j + i < width ? j + i : width - 1) * s.across;
    float *here = to + j;
    for (ptrdiff_t p = 0; p < whole; p += 4, here += 4 * pitch) {
      quad x[4];
      UNROLL for (int i = 0; i < 4; i++) x[i] = CQUAD(from[i] + p);
      transpose4(x);
      UNROLL for (int i = 0; i < 4; i++) QUAD(here + i * pitch) = x[i];
    }
  }
  pack_gather(s, whole, k, width, pitch, to);
}

static void pack(Panel s, ptrdiff_t k, int width, int pitch, float *to) {
  if (s.across == 1 && pitch % LANES == 0) pack_copy(s, k, width, pitch, to, LANES);
  else if (s.across == 1) pack_copy(s, k, width, pitch, to, 4);
  else if (s.along == 1) pack_turn(s, k, width, pitch, to);
  else pack_gather(s, 0, k, width, pitch, to);
}
