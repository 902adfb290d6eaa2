// The micro-kernel's steps for engines that check every address on its way to memory: four rows of A are read at once and spread
// over the lanes in registers, and a step has few reads beside its multiply-adds. There is no instruction to ask for anything ahead.
#include "vector.h"

#define LATE PTRDIFF_MAX // so that one loop does

#define SPREAD(x, i) SHUFFLE(x, x, i, i, i, i)
INLINE vec spread(vec x, const int i) { return i == 0 ? SPREAD(x, 0) : i == 1 ? SPREAD(x, 1) : i == 2 ? SPREAD(x, 2) : SPREAD(x, 3); }

// Rows of tiles that are more than one vector wide stand side by side, and B's rows apart.
INLINE void steps(const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t across, ptrdiff_t along, const float *b,
                  ptrdiff_t step, Ahead next, vec sum[ROWS][VECTORS]) {
  (void)next;
  const int fours = vectors > 1 ? rows / 4 * 4 : 0;
  for (const float *end = b + k * step; b != end; a += along, b += step) {
    vec right[VECTORS], four = {0};
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      if (i < fours && i % 4 == 0) four = CVEC(a + i);
      const vec left = i < fours ? spread(four, i % 4) : all(a[i * across]);
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(left, right[v], sum[i][v]);
    }
  }
}
