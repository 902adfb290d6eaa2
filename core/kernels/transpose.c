// Transposing: in registers, and from memory to memory.
#include "vector.h"

INLINE void transpose_4x4(quad x[4]) {
  quad a = SHUFFLE(x[0], x[1], 0, 4, 1, 5), b = SHUFFLE(x[2], x[3], 0, 4, 1, 5);
  quad c = SHUFFLE(x[0], x[1], 2, 6, 3, 7), d = SHUFFLE(x[2], x[3], 2, 6, 3, 7);
  x[0] = SHUFFLE(a, b, 0, 1, 4, 5);
  x[1] = SHUFFLE(a, b, 2, 3, 6, 7);
  x[2] = SHUFFLE(c, d, 0, 1, 4, 5);
  x[3] = SHUFFLE(c, d, 2, 3, 6, 7);
}

#if defined(__AVX512F__)
// Four floats from each of sixteen places, as four vectors with one float from each place. Loading into quarters of a
// vector leaves only the shuffles within them.
INLINE void transpose_16x4(const float *const from[16], ptrdiff_t at, vec x[4]) {
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
INLINE void transpose_16x16(const __m512 x[16], __m512 to[16]) {
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

// `n` floats, a multiple of 4, from each of STRIP places, as `n` rows of STRIP floats that begin `ld` apart and are written in order.
// Sixteen at a time read each line of the cache once, which matters where the places are a power of two apart.
#define STRIP 16
INLINE void transpose_strip(const float *const from[STRIP], ptrdiff_t n, float *to, ptrdiff_t ld) {
  ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16, to += 16 * ld) {
    __m512 x[16], y[16];
    UNROLL for (int q = 0; q < 16; q++) x[q] = _mm512_loadu_ps(from[q] + i);
    transpose_16x16(x, y);
    UNROLL for (int q = 0; q < 16; q++) _mm512_storeu_ps(to + q * ld, y[q]);
  }
  for (; i < n; i += 4, to += 4 * ld) {
    vec x[4];
    transpose_16x4(from, i, x);
    UNROLL for (int q = 0; q < 4; q++) VEC(to + q * ld) = x[q];
  }
}
#else
#define STRIP 4
INLINE void transpose_strip(const float *const from[STRIP], ptrdiff_t n, float *to, ptrdiff_t ld) {
  for (ptrdiff_t i = 0; i < n; i += 4, to += 4 * ld) {
    quad x[4];
    UNROLL for (int q = 0; q < 4; q++) x[q] = CQUAD(from[q] + i);
    transpose_4x4(x);
    UNROLL for (int q = 0; q < 4; q++) QUAD(to + q * ld) = x[q];
  }
}
#endif

// A copy in squares of one cache line. Elements i, j stand at x + i + j·step and at out + i·row + j.
static void copy_transposed(ptrdiff_t rows, ptrdiff_t cols, const float *x, ptrdiff_t step, float *out, ptrdiff_t row) {
  const ptrdiff_t whole = rows & ~(ptrdiff_t)3, square = 16;
  ptrdiff_t j0 = 0;
  for (; STRIP == 16 && j0 + STRIP <= cols; j0 += STRIP) {
    const float *from[STRIP];
    for (int q = 0; q < STRIP; q++) from[q] = x + (j0 + q) * step;
    transpose_strip(from, whole, out + j0, row);
    for (ptrdiff_t i = whole; i < rows; i++)
      for (int q = 0; q < STRIP; q++) out[i * row + j0 + q] = from[q][i];
  }
  for (; j0 < cols; j0 += square) {
    const ptrdiff_t j1 = j0 + square < cols ? j0 + square : cols, fours = j0 + ((j1 - j0) & ~(ptrdiff_t)3);
    for (ptrdiff_t i = 0; i < whole; i += 4) {
      for (ptrdiff_t j = j0; j < fours; j += 4) {
        quad four[4];
        UNROLL for (int q = 0; q < 4; q++) four[q] = CQUAD(x + i + (j + q) * step);
        transpose_4x4(four);
        UNROLL for (int q = 0; q < 4; q++) QUAD(out + (i + q) * row + j) = four[q];
      }
      for (ptrdiff_t p = i; p < i + 4; p++)
        for (ptrdiff_t j = fours; j < j1; j++) out[p * row + j] = x[p + j * step];
    }
    for (ptrdiff_t i = whole; i < rows; i++)
      for (ptrdiff_t j = j0; j < j1; j++) out[i * row + j] = x[i + j * step];
  }
}
