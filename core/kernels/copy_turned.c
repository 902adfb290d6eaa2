// A transposing copy in squares of one cache line, four by four in registers.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

// Elements i, j stand at x + i + j·step and at out + i·row + j.
static void copy_turned(ptrdiff_t rows, ptrdiff_t cols, const float *x, ptrdiff_t step, float *out, ptrdiff_t row) {
  const ptrdiff_t whole = rows & ~(ptrdiff_t)3, square = 16;
  ptrdiff_t j0 = 0;
#if defined(TURN_WIDE)
  for (; j0 + TURN_WIDE <= cols; j0 += TURN_WIDE) {
    const float *from[TURN_WIDE];
    for (int q = 0; q < TURN_WIDE; q++) from[q] = x + (j0 + q) * step;
    for (ptrdiff_t i = 0; i < whole; i += 4) {
      vec turn[4];
      turn_wide(from, i, turn);
      UNROLL for (int q = 0; q < 4; q++) VEC(out + (i + q) * row + j0) = turn[q];
    }
    for (ptrdiff_t i = whole; i < rows; i++)
      for (int q = 0; q < TURN_WIDE; q++) out[i * row + j0 + q] = from[q][i];
  }
#endif
  for (; j0 < cols; j0 += square) {
    const ptrdiff_t j1 = j0 + square < cols ? j0 + square : cols, fours = j0 + ((j1 - j0) & ~(ptrdiff_t)3);
    for (ptrdiff_t i = 0; i < whole; i += 4) {
      for (ptrdiff_t j = j0; j < fours; j += 4) {
        quad turn[4];
        UNROLL for (int q = 0; q < 4; q++) turn[q] = CQUAD(x + i + (j + q) * step);
        transpose4(turn);
        UNROLL for (int q = 0; q < 4; q++) QUAD(out + (i + q) * row + j) = turn[q];
      }
      for (ptrdiff_t p = i; p < i + 4; p++)
        for (ptrdiff_t j = fours; j < j1; j++) out[p * row + j] = x[p + j * step];
    }
    for (ptrdiff_t i = whole; i < rows; i++)
      for (ptrdiff_t j = j0; j < j1; j++) out[i * row + j] = x[i + j * step];
  }
}
