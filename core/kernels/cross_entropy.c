// Softmax and cross-entropy in one pass over the logits: the mean loss, and its gradient while a row is still near.
#include "vector.h"

// Rows whose logarithms are taken together.
typedef struct {
  int count;
  float sum[LANES], shifted[LANES]; // Σ e^(z − max), and z[target] − max
  double loss;
} Losses;

static void losses_fold(Losses *l) {
  const vec log_sum = log_vec(CVEC(l->sum));
  for (int i = 0; i < l->count; i++) l->loss += (double)log_sum[i] - l->shifted[i];
  l->count = 0;
}

INLINE void losses_add(Losses *l, float sum, float shifted) {
  l->sum[l->count] = sum, l->shifted[l->count++] = shifted;
  if (l->count == LANES) losses_fold(l);
}

INLINE vec logits(const float *z, ptrdiff_t j, ptrdiff_t cols) {
  return cols - j >= LANES ? CVEC(z + j) : load_partial(z + j, cols - j, -__builtin_inff());
}

// A row that fits in one vector never leaves the registers. Lanes past its end are kept from e^−∞, whose underflow is slow.
INLINE void narrow_row(const float *z, ptrdiff_t cols, int32_t target, float *dz, double rows, Losses *l) {
  const vec x = logits(z, 0, cols);
  const float max = max_of(x);
  const ivec inside = LANE_NUMBERS < (int32_t)cols;
  const vec e = blend(inside, exp_vec(blend(inside, x - max, broadcast(0))), broadcast(0));
  const float sum = sum_of(e);
  losses_add(l, sum, z[target] - max); // read before dz, which may be z
  if (!dz) return;
  const vec hit = blend(LANE_NUMBERS == target, broadcast((float)(1 / rows)), broadcast(0));
  const vec grad = e * (float)(1 / ((double)sum * rows)) - hit;
  if (cols == LANES) VEC(dz) = grad;
  else store_partial(dz, grad, cols);
}

// The largest of a row. A NaN may be passed over here: it spoils the sum.
static float row_max(const float *z, ptrdiff_t cols) {
  vec top = broadcast(-__builtin_inff());
  for (ptrdiff_t j = 0; j < cols; j += LANES) {
    const vec x = logits(z, j, cols);
    top = blend(x > top, x, top);
  }
  return max_of(top);
}

// Σ e^(z − max) of a row, a few vectors at a time in float32 and those in float64; the terms are left in `terms` if it is given.
static float row_exp(const float *z, ptrdiff_t cols, float max, float *terms) {
  double total = 0;
  for (ptrdiff_t j = 0; j < cols;) {
    vec sum = {0};
    for (const ptrdiff_t end = j + 16 * LANES; j < cols && j < end; j += LANES) {
      const vec e = exp_vec(logits(z, j, cols) - max);
      sum += e;
      if (!terms) continue;
      if (cols - j >= LANES) VEC(terms + j) = e;
      else store_partial(terms + j, e, cols - j);
    }
    total += (double)sum_of(sum);
  }
  return (float)total;
}

static void wide_row(const float *z, ptrdiff_t cols, int32_t target, float *dz, double rows, Losses *l) {
  const float max = row_max(z, cols), shifted = z[target] - max; // read before dz, which may be z
  const float sum = row_exp(z, cols, max, dz);
  losses_add(l, sum, shifted);
  if (!dz) return;
  unary_run((Unary){OP_SCALE, (float)(1 / ((double)sum * rows)), 0}, cols, dz, dz);
  dz[target] -= (float)(1 / rows);
}

static int loss_fits(const int32_t *d) {
  const int64_t rows = d[LOSS_ROWS], cols = d[LOSS_COLS], size = rows * cols;
  return rows >= 0 && cols >= 0 && size <= d[LOSS_Z_LENGTH] && rows <= d[LOSS_TARGETS_LENGTH] &&
         (!d[LOSS_HAS_DZ] || size <= d[LOSS_DZ_LENGTH]);
}

int32_t gradus_cross_entropy(const int32_t *d, const float *z, const int32_t *targets, float *dz, double *answer) {
  if (!loss_fits(d)) return GRADUS_OUT_OF_BOUNDS;
  const ptrdiff_t rows = d[LOSS_ROWS], cols = d[LOSS_COLS];
  for (ptrdiff_t i = 0; i < rows; i++) {
    if (targets[i] >= 0 && targets[i] < cols) continue;
    answer[0] = targets[i];
    return GRADUS_BAD_INDEX;
  }
  Losses losses = {0};
  for (ptrdiff_t i = 0; i < rows; i++) {
    float *here = d[LOSS_HAS_DZ] ? dz + i * cols : NULL;
    if (cols <= LANES) narrow_row(z + i * cols, cols, targets[i], here, (double)rows, &losses);
    else wide_row(z + i * cols, cols, targets[i], here, (double)rows, &losses);
  }
  losses_fold(&losses);
  answer[0] = losses.loss / (double)rows;
  return GRADUS_OK;
}
