// What each way to take a product would cost, in multiply-adds of a vector. The weights were found by measuring.
#include "kernels.h"
#include "tile.h"

// Moving a panel of either operand, which has `across` between neighbours and `along` between steps of k.
INLINE double cost_of_moving(Panel s, double elements) {
  return elements * (s.across == 1 ? 2.0 / LANES : s.along == 1 ? 4.0 / LANES : 2);
}

// Moving an element of a tile into C, where C's columns stand apart: four rows leave at a time, what is left one by one.
#define COST_OF_TURNING (ROWS % 4 ? 2.5 : 0.6)

// Lanes along the columns of C. The tiles of a row or two wait for their sums.
INLINE double cost_of_tiles(const Product *x) {
  const double m = (double)x->m, n = (double)x->n, k = (double)x->k, vectors = (double)pieces(x->n, LANES);
  const double moved = x->b.across == 1 && (x->n % LANES == 0 || x->m <= 2 * ROWS) ? 0 : cost_of_moving(x->b, n * k);
  const double out = x->c.col == 1 ? 0.1 : COST_OF_TURNING;
  return (m < 2 ? 2 : m) * vectors * k + moved + out * m * n;
}

// Lanes along k: A must run along it, and B is turned where it does not.
INLINE double cost_of_dots(const Product *x) {
  const double m = (double)x->m, n = (double)x->n, k = (double)x->k;
  if (x->a.along != 1 || n > DOT_WIDE || n * k > ROOM_B) return 1e300;
  const double turned = x->b.along == 1 ? 0 : x->b.across == 1 ? n * k * 8 / LANES : n * k * 2;
  return m * n * ((double)pieces(x->k, LANES) + 6) + turned;
}

enum { AS_IT_IS, TURNED, DOTS, DOTS_TURNED };

// C = A·B is C' = B'·A': y is x turned.
static int cheapest(const Product *x, const Product *y, double *cost) {
  const double costs[] = {cost_of_tiles(x), cost_of_tiles(y), cost_of_dots(x), cost_of_dots(y)};
  int best = AS_IT_IS;
  for (int way = TURNED; way <= DOTS_TURNED; way++)
    if (costs[way] < costs[best]) best = way;
  *cost = costs[best];
  return best;
}
