// Σ over rows of a matrix, lanes along the columns. Blocks of rows are summed in float32, their sums in float64: the error is
// below (SUM_BLOCK / 2 + 1) · 2⁻²³ · Σ|x|, whatever the number of rows.
#include "vector.h"

#define SUM_BLOCK 32 // rows
#define SUM_WIDTH 4  // vectors side by side, so that no sum waits for the one before

// The last vector of a row may reach into the next row: those lanes are never stored. Only the last rows have no next one.
INLINE vec row_part(const float *x, ptrdiff_t width, int whole) { return whole ? CVEC(x) : take(x, width, 0); }

INLINE void sum_strip(const float *x, ptrdiff_t rows, ptrdiff_t row, ptrdiff_t width, float *out, const int vectors) {
  double total[SUM_WIDTH * LANES] = {0};
  for (ptrdiff_t i0 = 0; i0 < rows; i0 += SUM_BLOCK) {
    const ptrdiff_t end = i0 + SUM_BLOCK < rows ? i0 + SUM_BLOCK : rows;
    vec sum[SUM_WIDTH];
    UNROLL for (int v = 0; v < vectors; v++) sum[v] = (vec){0};
    for (ptrdiff_t i = i0; i < end; i++) {
      UNROLL for (int v = 0; v < vectors; v++) {
        const ptrdiff_t left = width - v * LANES;
        sum[v] += row_part(x + i * row + v * LANES, left, left >= LANES || (rows - 1 - i) * row + left >= LANES);
      }
    }
    UNROLL for (int v = 0; v < vectors; v++)
      for (int j = 0; j < LANES; j++) total[v * LANES + j] += (double)sum[v][j];
  }
  for (ptrdiff_t j = 0; j < width; j++) out[j] = (float)total[j];
}

// x: [rows, cols], a row every `row` >= cols floats; out: [cols].
static void column_sums(const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t row, float *out) {
  const ptrdiff_t wide = SUM_WIDTH * LANES;
  for (; cols >= wide; cols -= wide, x += wide, out += wide) sum_strip(x, rows, row, wide, out, SUM_WIDTH);
  for (; cols > 0; cols -= LANES, x += LANES, out += LANES) sum_strip(x, rows, row, cols < LANES ? cols : LANES, out, 1);
}
