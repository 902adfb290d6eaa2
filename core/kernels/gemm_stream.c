// Large products whose A may be read where it stands: columns of B that stay in L2, and all of A past them; then the next columns.
#include "kernels.h"
#include "tile.h"

static Product stream_block(const Product *x, ptrdiff_t j, ptrdiff_t n, ptrdiff_t p, ptrdiff_t k) {
  Product y = *x;
  y.b.data += j * x->b.across + p * x->b.along, y.a.data += p * x->a.along;
  y.c = c_at(x, 0, j), y.bias = bias_at(x->bias, 0, j);
  y.n = n, y.k = k, y.add = x->add || p > 0;
  if (p + k < x->k) y.bias.data = NULL, y.activation = ACTIVATION_NONE;
  return y;
}

static void multiply_stream(const Product *x, Scratch s) {
  const ptrdiff_t steps = pieces(x->k, DEPTH), panels = pieces(x->n, COLS);
  for (ptrdiff_t step = 0; step < steps; step++) {
    const ptrdiff_t p = x->k * step / steps, k = x->k * (step + 1) / steps - p;
    const ptrdiff_t blocks = pieces(panels, smaller(NEAR_L2 / k, NEAR_PANELS * LANES) / COLS);
    for (ptrdiff_t block = 0; block < blocks; block++) {
      const ptrdiff_t j = panels * block / blocks * COLS, end = smaller(x->n, panels * (block + 1) / blocks * COLS);
      const Product y = stream_block(x, j, end - j, p, k);
      near_rows(&y, 0, (Panel){NULL, 0, 0}, s.b);
    }
  }
}

static int stream_pays(const Product *x) {
  return NEAR_L2 > 0 && x->k > 0 && x->a.along == 1 && x->a.across % NEAR_CLASH != 0 && x->m >= 2 * BLOCK_ROWS;
}
