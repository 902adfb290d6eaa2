// Products of a short k, which are little more than writing C: whole rows at a time, so that the memory sees one stream.
#include "vector.h"

INLINE void outer_row(const int steps, ptrdiff_t n, const float *a, ptrdiff_t along, const float *b, ptrdiff_t step, float *c, int add,
                      const float *bias) {
  vec left[OUTER_STEPS];
  UNROLL for (int p = 0; p < steps; p++) left[p] = all(a[p * along]);
  ptrdiff_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    vec x = {0};
    UNROLL for (int p = 0; p < steps; p++) x = multiply_add(left[p], CVEC(b + p * step + j), x);
    if (add) x = CVEC(c + j) + x;
    if (bias) x += CVEC(bias + j);
    VEC(c + j) = x;
  }
  if (j == n) return;
  vec x = {0};
  UNROLL for (int p = 0; p < steps; p++) x = multiply_add(left[p], take(b + p * step + j, n - j, 0), x);
  if (add) x = take(c + j, n - j, 0) + x;
  if (bias) x += take(bias + j, n - j, 0);
  put(c + j, x, n - j);
}

// Everything stands in rows.
static int outer_pays(const Product *x) {
  return x->k >= 1 && x->k <= OUTER_STEPS && x->b.across == 1 && x->c.col == 1 && (!x->bias.data || (x->bias.row == 0 && x->bias.col == 1));
}

static void multiply_outer(const Product *x) {
  for (ptrdiff_t i = 0; i < x->m; i++) {
    const float *a = x->a.data + i * x->a.across;
    float *c = x->c.data + i * x->c.row;
    switch (x->k) {
      case 1: outer_row(1, x->n, a, x->a.along, x->b.data, x->b.along, c, x->add, x->bias.data); break;
      case 2: outer_row(2, x->n, a, x->a.along, x->b.data, x->b.along, c, x->add, x->bias.data); break;
      case 3: outer_row(3, x->n, a, x->a.along, x->b.data, x->b.along, c, x->add, x->bias.data); break;
      default: outer_row(4, x->n, a, x->a.along, x->b.data, x->b.along, c, x->add, x->bias.data);
    }
  }
  if (x->activation) activate(x->activation, x->m, x->n, x->c);
}
