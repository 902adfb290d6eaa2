// The loops for products small enough that one operand stays in L2: what stays is passed by what is read once. Nothing of A is packed.
#include "kernels.h"
#include "tile.h"

// Columns [j, j + cols) of B. They stay where they are if their vectors are whole, or if they are read so rarely that only the last
// steps of k are packed: the last vectors reach past the columns, which does no harm but at the end of the buffer.
static Right near_right(const Product *x, ptrdiff_t j, int cols, float *to) {
  const Panel panel = {x->b.data + j * x->b.across, x->b.across, x->b.along};
  const int pitch = (cols + LANES - 1) / LANES * LANES;
  const int beside = panel.across == 1 && panel.along >= 1;
  if (beside && (j + cols) % LANES == 0 && x->k * panel.along <= NEAR_STAYS) return (Right){panel.data, panel.along, x->k, NULL};
  if (!beside || x->m > 3 * ROWS) {
    pack(panel, x->k, cols, pitch, to);
    return (Right){to, pitch, x->k, NULL};
  }
  const ptrdiff_t over = smaller(x->k, (pitch - cols + panel.along - 1) / panel.along), head = x->k - over;
  pack((Panel){panel.data + head * panel.along, 1, panel.along}, over, cols, pitch, to);
  return (Right){panel.data, panel.along, head, to};
}

// What does not change from tile to tile.
static Tile near_start(const Product *x) { return (Tile){.k = x->k, .across = x->a.across, .along = x->a.along}; }

// Whether whole vectors may go straight into C.
static int near_whole(const Product *x, int activation) {
  return x->c.col == 1 && (!x->bias.data || (x->bias.col == 1 && x->bias.row == 0)) &&
         (activation == ACTIVATION_NONE || activation == ACTIVATION_RELU);
}

// C[i…, j…]: straight into C, or by way of a small tile. `whole` says that nothing but a broken vector stands against the former.
static void near_tile(const Product *x, Tile *t, const Right *right, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, int cols, int whole,
                      int activation) {
  const int vectors = (cols + LANES - 1) / LANES;
  Direct *run = direct_table[t->across != 1][rows - 1][vectors - 1];
  t->b = right->data, t->step = right->step, t->head = right->head, t->tail = right->tail;
  if (whole && cols % LANES == 0) {
    t->c = x->c.data + i * x->c.row + j, t->row = x->c.row, t->add = x->add;
    t->bias = x->bias.data ? x->bias.data + j : NULL, t->relu = activation == ACTIVATION_RELU;
    run(t);
  } else {
    float tile[ROWS * COLS];
    t->c = tile, t->row = vectors * LANES, t->add = 0, t->bias = NULL, t->relu = 0;
    run(t);
    leave(tile, vectors * LANES, (int)rows, cols, c_at(x, i, j), x->add, bias_at(x->bias, i, j), activation);
  }
}

static int near_width(const Product *x) { return x->k < NEAR_SHORT ? LANES : COLS; }

// B stays: A is read once, row panel by row panel, the next being asked for meanwhile. The last `rest` columns are taken as dots.
static void near_rows(const Product *x, ptrdiff_t rest, Panel last, float *to) {
  const ptrdiff_t n = x->n - rest;
  const int most = near_width(x);
  const ptrdiff_t panels = pieces(x->m, ROWS), columns = pieces(n, most);
  Right right[NEAR_PANELS];
  for (ptrdiff_t q = 0; q < columns; q++) right[q] = near_right(x, q * most, (int)smaller(most, n - q * most), to + q * most * x->k);
  Tile t = near_start(x);
  const int activation = rest ? ACTIVATION_NONE : x->activation, whole = near_whole(x, activation);
  for (ptrdiff_t p = 0; p < panels; p++) {
    const ptrdiff_t i = x->m * p / panels, end = x->m * (p + 1) / panels;
    t.a = x->a.data + i * x->a.across;
    t.next = x->a.data + end * x->a.across, t.next_step = x->a.across == 1 ? x->a.along : LINE;
    for (ptrdiff_t q = 0; q < columns; q++) {
      near_tile(x, &t, &right[q], i, end - i, q * most, (int)smaller(most, n - q * most), whole, activation);
      t.next_step = 0;
    }
    if (rest) dot_rows(x, last, i, end, n, rest, 0);
    if (rest && x->activation) activate(x->activation, end - i, x->n, c_at(x, i, 0));
  }
}

// A stays: B is read once, column panel by column panel.
static void near_columns(const Product *x, float *to) {
  const int most = near_width(x);
  const ptrdiff_t panels = pieces(x->m, ROWS);
  Tile t = near_start(x);
  const int whole = near_whole(x, x->activation);
  for (ptrdiff_t j = 0; j < x->n; j += most) {
    const int cols = (int)smaller(most, x->n - j);
    const Right right = near_right(x, j, cols, to);
    for (ptrdiff_t p = 0; p < panels; p++) {
      const ptrdiff_t i = x->m * p / panels, end = x->m * (p + 1) / panels;
      t.a = x->a.data + i * x->a.across;
      t.next = t.a, t.next_step = 0;
      if (j + most < x->n && p * LANES < most) {
        t.next = x->b.data + (j + most + p * LANES) * x->b.across;
        t.next_step = x->b.across == 1 ? x->b.along : LANES;
      }
      near_tile(x, &t, &right, i, end - i, j, cols, whole, x->activation);
    }
  }
}

// Whether the micro-kernel may read A where it stands.
static int near_stands(const Product *x) {
  if (NEAR_L2 == 0 || x->k > DEPTH) return 0;
  return x->a.along == 1 ? x->a.across % NEAR_CLASH != 0 : x->a.across == 1 && x->k * x->a.along <= NEAR_SPREAD;
}
static int near_rows_pay(const Product *x) {
  return near_stands(x) && (x->n + LANES) * x->k <= NEAR_L2 && x->n <= NEAR_PANELS * LANES;
}
static int near_columns_pay(const Product *x) { return near_stands(x) && x->m * x->k <= NEAR_L2; }
