// The five loops around the micro-kernel. They know sizes, strides and block sizes, and no instruction set.
//   columns of C in blocks (L3) > k in blocks > rows of C in blocks (L2) > column panels (L1) > row panels (registers)
#include "kernels.h"
#include "tile.h"

// A panel of `rows` rows is packed `pitch` wide: the micro-kernel is told the same.
static int pitch_of(ptrdiff_t rows) { return ((int)rows + 3) & ~3; }

// Rows are dealt out evenly (50 rows as five tens, not four twelves and a two): every tile has enough sums in flight.
static void pack_rows(const Product *x, ptrdiff_t i0, ptrdiff_t m, ptrdiff_t p0, ptrdiff_t k, float *to) {
  const ptrdiff_t panels = pieces(m, ROWS);
  for (ptrdiff_t i = 0; i < panels; i++) {
    const ptrdiff_t from = m * i / panels, rows = m * (i + 1) / panels - from;
    Panel panel = {x->a.data + (i0 + from) * x->a.across + p0 * x->a.along, x->a.across, x->a.along};
    pack(panel, k, (int)rows, pitch_of(rows), to);
    to += pitch_of(rows) * k;
  }
}

// With few row panels B is read too rarely to be worth moving, and with whole vectors that lie in few pages not even with one block
// of rows. Its last vectors reach past the columns, which does no harm but at the end of the buffer: the last steps of k are packed.
static Right right_panel(const Product *x, ptrdiff_t j, int cols, ptrdiff_t p0, ptrdiff_t k, float *to) {
  const Panel panel = {x->b.data + j * x->b.across + p0 * x->b.along, x->b.across, x->b.along};
  const int pitch = (cols + LANES - 1) / LANES * LANES;
  const int stays = NEAR_L2 > 0 && x->m <= BLOCK_ROWS && cols == pitch && k * panel.along <= NEAR_STAYS;
  if ((x->m > 2 * ROWS && !stays) || panel.across != 1 || panel.along < 1) {
    pack(panel, k, cols, pitch, to);
    return (Right){to, pitch, k, NULL};
  }
  const ptrdiff_t over = smaller(k, (pitch - cols + panel.along - 1) / panel.along), head = k - over;
  pack((Panel){panel.data + head * panel.along, 1, panel.along}, over, cols, pitch, to);
  return (Right){panel.data, panel.along, head, to};
}

// What the micro-kernel at row panel i of column panel j asks for. While the first rows are at work, the next panel of B where it
// stands; later, where it was packed (`coming`). In the last two column panels, half each, the rows of A that are packed next. Else
// its own A, which costs nothing.
static Ahead ahead(const Product *x, const float *coming, ptrdiff_t i0, ptrdiff_t m, ptrdiff_t i, ptrdiff_t row, ptrdiff_t j,
                   ptrdiff_t p0, ptrdiff_t k, const float *own) {
  if (i0 == 0 && j + COLS < x->n) {
    const Panel b = {x->b.data + (j + COLS) * x->b.across + p0 * x->b.along, x->b.across, x->b.along};
    if (b.along == 1 && i * (k / AHEAD) * 16 < k) return (Ahead){b.data + i * (k / AHEAD) * 16, b.across, 16};
    if (b.across == 1 && i < COLS / 16) return (Ahead){b.data + i * 16, b.along, AHEAD * b.along};
  } else if (coming && i < COLS / 16) {
    return (Ahead){coming + i * k * 16, 16, AHEAD * 16};
  } else if (i0 + m < x->m && j + 2 * COLS >= x->n && x->a.along == 1) {
    const ptrdiff_t half = j + COLS >= x->n ? k / 2 : 0;
    return (Ahead){x->a.data + (row + m) * x->a.across + p0 + half, x->a.across, 16};
  }
  return (Ahead){own, 0, 0};
}

// Where the row panels stand: in A itself, or side by side in their packed block, each as wide as its rows need.
typedef struct {
  Panel panel;
  int packed;
} Left;

// With few column panels A is read too rarely to be moved: not where its rows stand side by side, which is what packing would
// make of them, and for a single vector of columns not where they stand along k.
static int left_stands(const Product *x) {
  return (x->a.across == 1 && x->n <= 4 * COLS) || (x->a.along == 1 && x->n <= LANES);
}

static Panel left_panel(Left a, ptrdiff_t from, ptrdiff_t rows, ptrdiff_t k, ptrdiff_t *used) {
  if (!a.packed) return (Panel){a.panel.data + from * a.panel.across, a.panel.across, a.panel.along};
  const ptrdiff_t pitch = pitch_of(rows);
  const Panel panel = {a.panel.data + *used, 1, pitch};
  *used += pitch * k;
  return panel;
}

// The innermost loop: all row panels of a block against one panel of columns.
static void column_panel(const Product *x, Left a, Right b, const float *coming, ptrdiff_t i0, ptrdiff_t m, ptrdiff_t j, int cols,
                         ptrdiff_t p0, ptrdiff_t k, int add, Bias bias, int activation) {
  const int vectors = (cols + LANES - 1) / LANES;
  const int direct = x->c.col == 1 && cols % LANES == 0 && (!bias.data || (bias.col == 1 && bias.row == 0));
  const ptrdiff_t panels = pieces(m, ROWS);
  ptrdiff_t used = 0;
  for (ptrdiff_t i = 0; i < panels; i++) {
    const ptrdiff_t from = m * i / panels, rows = m * (i + 1) / panels - from, row = i0 + from;
    const Matrix c = c_at(x, row, j);
    const Bias here = bias_at(bias, row, j);
    const Panel left = left_panel(a, from, rows, k, &used);
    const Ahead next = ahead(x, coming, i0, m, i, row, j, p0, k, left.data);
    Micro *run = micro_table[rows - 1][left.across == 1 ? vectors : 0];
    if (direct) {
      run(k, left, b, next, (Out){c.data, c.row, add, here.data});
      if (activation) activate(activation, (int)rows, cols, c);
    } else {
      float tile[ROWS * COLS];
      run(k, left, b, next, (Out){tile, vectors * LANES, 0, NULL});
      leave(tile, vectors * LANES, (int)rows, cols, c, add, here, activation);
    }
  }
}

// One block of columns and one of k. B is packed as the first row block reaches it, and kept for the others.
static void block(const Product *x, ptrdiff_t j0, ptrdiff_t n, ptrdiff_t p0, ptrdiff_t k, Scratch s) {
  const int add = x->add || p0 > 0;
  const int last = p0 + k == x->k, activation = last ? x->activation : ACTIVATION_NONE;
  const Bias bias = last ? x->bias : (Bias){NULL, 0, 0};
  const ptrdiff_t blocks = pieces(x->m, BLOCK_ROWS);
  Right right[BLOCK_COLS / COLS];
  for (ptrdiff_t i = 0; i < blocks; i++) {
    const ptrdiff_t i0 = dealt(x->m, i, blocks), m = dealt(x->m, i + 1, blocks) - i0;
    const Panel a = {x->a.data + i0 * x->a.across + p0 * x->a.along, x->a.across, x->a.along};
    const Left left = left_stands(x) ? (Left){a, 0} : (Left){{s.a, 1, 0}, 1};
    if (left.packed) pack_rows(x, i0, m, p0, k, s.a);
    for (ptrdiff_t j = 0; j < n; j += COLS) {
      const int cols = (int)smaller(COLS, n - j);
      if (i == 0) right[j / COLS] = right_panel(x, j0 + j, cols, p0, k, s.b + j * k);
      const float *coming = i > 0 && j + COLS < n ? right[j / COLS + 1].data : NULL;
      column_panel(x, left, right[j / COLS], coming, i0, m, j0 + j, cols, p0, k, add, bias, activation);
    }
  }
}

static __attribute__((noinline)) void multiply(const Product *x, Scratch s) {
  const ptrdiff_t column_blocks = pieces(x->n, BLOCK_COLS), k_blocks = x->k ? pieces(x->k, DEPTH) : 1;
  for (ptrdiff_t j = 0; j < column_blocks; j++) {
    const ptrdiff_t j0 = j * BLOCK_COLS;
    for (ptrdiff_t p = 0; p < k_blocks; p++) {
      const ptrdiff_t p0 = dealt(x->k, p, k_blocks);
      block(x, j0, smaller(BLOCK_COLS, x->n - j0), p0, dealt(x->k, p + 1, k_blocks) - p0, s);
    }
  }
}
