// Folds over rows or columns. Sums are taken in float32 for at most SUM_BLOCK numbers at a time, and their sums in float64; the
// order depends on the sizes alone.
#include "vector.h"

// Σ over rows of a matrix, lanes along the columns. Blocks of rows are summed in float32, their sums in float64: the error is
// below (SUM_BLOCK / 2 + 1) · 2⁻²³ · Σ|x|, whatever the number of rows.
#define SUM_BLOCK 32 // rows
#define SUM_WIDTH 4  // vectors side by side, so that no sum waits for the one before

// The last vector of a row may reach into the next row: those lanes are never stored. Only the last rows have no next one.
INLINE vec row_part(const float *x, ptrdiff_t width, int whole) { return whole ? CVEC(x) : load_partial(x, width, 0); }

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

// A few sums side by side, so that none waits for another; SUM_BLOCK additions in each.
static double row_sum(const float *x, ptrdiff_t n) {
  double total = 0;
  while (n >= LANES) {
    vec sum[4] = {{0}};
    ptrdiff_t vectors = n / LANES < 4 * SUM_BLOCK ? n / LANES : 4 * SUM_BLOCK;
    n -= vectors * LANES;
    for (; vectors >= 4; vectors -= 4, x += 4 * LANES) {
      UNROLL for (int v = 0; v < 4; v++) sum[v] += CVEC(x + v * LANES);
    }
    for (; vectors; vectors--, x += LANES) sum[0] += CVEC(x);
    const vec both = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (int i = 0; i < LANES; i++) total += (double)both[i];
  }
  for (ptrdiff_t i = 0; i < n; i++) total += (double)x[i];
  return total;
}

static double row_prod(const float *x, ptrdiff_t n, ptrdiff_t step) {
  double total = 1;
  for (ptrdiff_t i = 0; i < n; i++) total *= (double)x[i * step];
  return total;
}

// Which of two is more extreme; NaN is, and +0 is more than −0.
INLINE vec extreme_vec(vec x, vec y, const int most) { return most ? maximum_vec(x, y) : minimum_vec(x, y); }
INLINE vec worst(const int most) { return broadcast(most ? -__builtin_inff() : __builtin_inff()); }

INLINE float row_extreme(const float *x, ptrdiff_t n, const int most) {
  vec some[4]; // side by side, so that none waits for another
  UNROLL for (int v = 0; v < 4; v++) some[v] = worst(most);
  for (; n >= 4 * LANES; n -= 4 * LANES, x += 4 * LANES) {
    UNROLL for (int v = 0; v < 4; v++) some[v] = extreme_vec(CVEC(x + v * LANES), some[v], most);
  }
  vec best = extreme_vec(extreme_vec(some[0], some[1], most), extreme_vec(some[2], some[3], most), most);
  for (; n >= LANES; n -= LANES, x += LANES) best = extreme_vec(CVEC(x), best, most);
  if (n) best = extreme_vec(load_partial(x, n, worst(most)[0]), best, most);
  // Every second lane against those between, until all are one.
  for (int left = LANES; left > 1; left /= 2) best = extreme_vec(EVENS(best, best), ODDS(best, best), most);
  return best[0];
}

// The first place of the extreme.
INLINE int32_t row_place(const float *x, ptrdiff_t n, const int most) {
  const float best = row_extreme(x, n, most);
  ptrdiff_t i = 0;
  while (i < n && !(x[i] == best || x[i] != x[i])) i++;
  return (int32_t)i;
}

static void rows_fold(int op, ptrdiff_t kept, ptrdiff_t step, ptrdiff_t n, const float *x, void *out) {
  float *values = out;
  int32_t *places = out;
  for (ptrdiff_t i = 0; i < kept; i++, x += step) {
    switch (op) {
      case OP_SUM: values[i] = (float)row_sum(x, n); break;
      case OP_PROD: values[i] = (float)row_prod(x, n, 1); break;
      case OP_MAX: values[i] = row_extreme(x, n, 1); break;
      case OP_MIN: values[i] = row_extreme(x, n, 0); break;
      case OP_ARGMAX: places[i] = row_place(x, n, 1); break;
      case OP_ARGMIN: places[i] = row_place(x, n, 0); break;
    }
  }
}

// One vector of columns: the extremes, and the first rows where they stand.
INLINE void strip_extreme(const float *x, ptrdiff_t rows, ptrdiff_t row, ptrdiff_t width, const int most, vec *best, ivec *place) {
  *best = worst(most);
  *place = (ivec){0};
  for (ptrdiff_t i = 0; i < rows; i++, x += row) {
    const vec here = width == LANES ? CVEC(x) : load_partial(x, width, 0);
    const ivec further = (most ? here > *best : here < *best) | ((here != here) & (*best == *best));
    *place = (further & ((ivec){0} + (int32_t)i)) | (~further & *place);
    *best = extreme_vec(here, *best, most);
  }
}

INLINE void columns_extreme(const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t row, const int most, const int arg, void *out) {
  for (ptrdiff_t j = 0; j < cols; j += LANES) {
    const ptrdiff_t width = cols - j < LANES ? cols - j : LANES;
    vec best;
    ivec place;
    strip_extreme(x + j, rows, row, width, most, &best, &place);
    if (arg) best = (vec)place; // as bits
    if (width == LANES) VEC((float *)out + j) = best;
    else store_partial((float *)out + j, best, width);
  }
}

static void columns_fold(int op, ptrdiff_t cols, ptrdiff_t rows, ptrdiff_t row, const float *x, void *out) {
  switch (op) {
    case OP_SUM: return column_sums(x, rows, cols, row, out);
    case OP_PROD:
      for (ptrdiff_t j = 0; j < cols; j++) ((float *)out)[j] = (float)row_prod(x + j, rows, row);
      return;
    case OP_MAX: return columns_extreme(x, rows, cols, row, 1, 0, out);
    case OP_MIN: return columns_extreme(x, rows, cols, row, 0, 0, out);
    case OP_ARGMAX: return columns_extreme(x, rows, cols, row, 1, 1, out);
    case OP_ARGMIN: return columns_extreme(x, rows, cols, row, 0, 1, out);
  }
}

int32_t gradus_reduce(const int32_t *d, const float *x, void *out) {
  const int op = d[REDUCE_OP], kept = d[REDUCE_KEPT], folded = d[REDUCE_FOLDED], outer = d[REDUCE_OUTER];
  const int32_t strides[3] = {d[REDUCE_OUTER_STRIDE], d[REDUCE_KEPT_STRIDE], d[REDUCE_FOLDED_STRIDE]}, sizes[3] = {outer, kept, folded};
  if (op < 0 || op >= OP_REDUCE_COUNT || outer < 0 || kept < 0 || folded < 0) return GRADUS_OUT_OF_BOUNDS;
  if ((int64_t)outer * kept > d[REDUCE_OUT_LENGTH]) return GRADUS_OUT_OF_BOUNDS;
  if (outer && kept && folded && !walk_fits(3, sizes, strides, d[REDUCE_X_OFFSET], d[REDUCE_X_LENGTH])) return GRADUS_OUT_OF_BOUNDS;
  const int by_rows = strides[2] == 1 || folded == 1;
  if (!by_rows && strides[1] != 1 && kept != 1) return GRADUS_OUT_OF_BOUNDS;
  for (ptrdiff_t i = 0; kept && i < outer; i++) {
    const float *from = folded ? x + d[REDUCE_X_OFFSET] + i * strides[0] : x;
    float *to = (float *)out + i * kept; // as wide as an int32
    if (by_rows) rows_fold(op, kept, strides[1], folded, from, to);
    else columns_fold(op, kept, folded, strides[2], from, to);
  }
  return GRADUS_OK;
}
