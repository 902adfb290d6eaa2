// The bounds of a product, checked a second time on this side: nothing a caller gets wrong may become memory corruption.
#include <stddef.h>
#include "kernels.h"

// Whether a walk of (rows - 1) * row and (cols - 1) * col from `offset` stays inside a buffer. Steps may be negative or 0.
static int fits(const int32_t *at, ptrdiff_t rows, ptrdiff_t cols) {
  if (rows == 0 || cols == 0) return 1;
  const int64_t down = (int64_t)(rows - 1) * at[1], right = (int64_t)(cols - 1) * at[2];
  const int64_t low = at[0] + (down < 0 ? down : 0) + (right < 0 ? right : 0);
  const int64_t high = at[0] + (down > 0 ? down : 0) + (right > 0 ? right : 0);
  return low >= 0 && high < at[3];
}

static int in_bounds(const int32_t *d) {
  const ptrdiff_t m = d[GEMM_M], k = d[GEMM_K], n = d[GEMM_N];
  if (m < 0 || k < 0 || n < 0 || d[GEMM_ACTIVATION] < ACTIVATION_NONE || d[GEMM_ACTIVATION] >= ACTIVATION_COUNT) return 0;
  const int32_t bias[4] = {d[GEMM_BIAS_OFFSET], 0, d[GEMM_BIAS_STRIDE], d[GEMM_BIAS_LENGTH]};
  return fits(d + GEMM_A_OFFSET, m, k) && fits(d + GEMM_B_OFFSET, k, n) && fits(d + GEMM_C_OFFSET, m, n) &&
         (!d[GEMM_HAS_BIAS] || fits(bias, 1, n));
}
