// C = activation(A·B + bias + beta·C): the five loops around the micro-kernel. They know sizes, strides and block sizes, and no instruction set.
//   columns of C in blocks (L3) > k in blocks > rows of C in blocks (L2) > column panels (L1) > row panels (registers)
#include "kernels.h"
#include "tile.h"

// A product after orientation: lanes run along the columns of `c`.
typedef struct {
  ptrdiff_t m, k, n;
  Panel a, b; // a: across rows, along k; b: across columns, along k
  Matrix c;
  Bias bias;
  int add;
  int activation;
} Product;

// A finished block leaves through the same code as the map verb.
static void activate(int activation, int rows, int cols, Matrix c) {
  static const int ops[] = {OP_COPY, OP_RELU, OP_SIGMOID, OP_TANH};
  const Map f = {.op = ops[activation]};
  if (c.col == 1) {
    for (int i = 0; i < rows; i++) map_run(f, cols, c.data + i * c.row, c.data + i * c.row);
  } else if (c.row == 1) {
    for (int j = 0; j < cols; j++) map_run(f, rows, c.data + j * c.col, c.data + j * c.col);
  } else {
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < cols; j++) map_run(f, 1, c.data + i * c.row + j * c.col, c.data + i * c.row + j * c.col);
  }
}

static ptrdiff_t smaller(ptrdiff_t x, ptrdiff_t y) { return x < y ? x : y; }
static ptrdiff_t pieces(ptrdiff_t total, ptrdiff_t most) { return (total + most - 1) / most; }

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

// One panel of B, packed or where it stands.
typedef struct {
  const float *data;
  ptrdiff_t step;
} Right;

// With a single panel of rows B is read once, so whole vectors of it are not worth moving.
static Right right_panel(const Product *x, ptrdiff_t j, int cols, ptrdiff_t p0, ptrdiff_t k, float *to) {
  Panel panel = {x->b.data + j * x->b.across + p0 * x->b.along, x->b.across, x->b.along};
  if (x->m <= ROWS && panel.across == 1 && cols % LANES == 0) return (Right){panel.data, panel.along};
  const int pitch = (cols + LANES - 1) / LANES * LANES;
  pack(panel, k, cols, pitch, to);
  return (Right){to, pitch};
}

// The part of the panel of B at column j that the i-th row panel's micro-kernel asks for; its own A where there is none left.
static Ahead ahead(const Product *x, ptrdiff_t j, ptrdiff_t p0, ptrdiff_t k, ptrdiff_t i, const float *a) {
  const Panel b = {x->b.data + j * x->b.across + p0 * x->b.along, x->b.across, x->b.along};
  if (b.along == 1 && i * (k / AHEAD) * 16 < k) return (Ahead){b.data + i * (k / AHEAD) * 16, b.across, 16};
  if (b.across == 1 && i == 0) return (Ahead){b.data, b.along, AHEAD * b.along};
  return (Ahead){a, 0, 0};
}

// The innermost loop: all row panels of a block against one panel of columns.
static void column_panel(const Product *x, const float *a, Right b, ptrdiff_t i0, ptrdiff_t m, ptrdiff_t j, int cols,
                         ptrdiff_t p0, ptrdiff_t k, int add, Bias bias, int activation) {
  const int vectors = (cols + LANES - 1) / LANES;
  const int direct = x->c.col == 1 && cols % LANES == 0 && (!bias.data || (bias.col == 1 && bias.row == 0));
  const ptrdiff_t panels = pieces(m, ROWS);
  for (ptrdiff_t i = 0; i < panels; i++) {
    const ptrdiff_t from = m * i / panels, rows = m * (i + 1) / panels - from, row = i0 + from;
    Matrix c = {x->c.data + row * x->c.row + j * x->c.col, x->c.row, x->c.col};
    Bias here = {bias.data ? bias.data + row * bias.row + j * bias.col : NULL, bias.row, bias.col};
    const Ahead next = i0 == 0 && j + COLS < x->n ? ahead(x, j + COLS, p0, k, i, a) : (Ahead){a, 0, 0};
    Micro *run = micro_table[rows - 1][vectors - 1];
    if (direct) {
      run(k, a, b.data, b.step, next, (Out){c.data, c.row, add, here.data});
    } else {
      float tile[ROWS * COLS];
      run(k, a, b.data, b.step, next, (Out){tile, COLS, 0, NULL});
      edge(tile, (int)rows, cols, c, add, here);
    }
    if (activation) activate(activation, (int)rows, cols, c);
    a += pitch_of(rows) * k;
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
    const ptrdiff_t i0 = x->m * i / blocks, m = x->m * (i + 1) / blocks - i0;
    pack_rows(x, i0, m, p0, k, s.a);
    for (ptrdiff_t j = 0; j < n; j += COLS) {
      const int cols = (int)smaller(COLS, n - j);
      if (i == 0) right[j / COLS] = right_panel(x, j0 + j, cols, p0, k, s.b + j * k);
      column_panel(x, s.a, right[j / COLS], i0, m, j0 + j, cols, p0, k, add, bias, activation);
    }
  }
}

static void multiply(const Product *x, Scratch s) {
  const ptrdiff_t column_blocks = pieces(x->n, BLOCK_COLS), k_blocks = x->k ? pieces(x->k, DEPTH) : 1;
  for (ptrdiff_t j = 0; j < column_blocks; j++) {
    const ptrdiff_t j0 = j * BLOCK_COLS;
    for (ptrdiff_t p = 0; p < k_blocks; p++) {
      const ptrdiff_t p0 = x->k * p / k_blocks;
      block(x, j0, smaller(BLOCK_COLS, x->n - j0), p0, x->k * (p + 1) / k_blocks - p0, s);
    }
  }
}

// How much of the lanes n columns fill: 1 for a whole number of vectors.
static double fill(ptrdiff_t n) { return (double)n / (double)(pieces(n, LANES) * LANES); }

// C = A·B is C' = B'·A'. Turned round, the lanes run down C's rows: for C stored by columns, and where the rows fill
// the lanes better than the columns do and k is long enough to pay for turning the result back.
static int turned(const Product *x) {
  if (x->c.col == 1 || x->c.row != 1) return x->k >= 2 * LANES && fill(x->m) > 1.1 * fill(x->n);
  return 1;
}

static Product turn(Product x) {
  Product y = {x.n, x.k, x.m, x.b, x.a, {x.c.data, x.c.col, x.c.row}, {x.bias.data, x.bias.col, x.bias.row}, x.add, x.activation};
  return y;
}

int32_t gradus_gemm(const int32_t *d, const float *a, const float *b, float *c, const float *bias) {
  if (!in_bounds(d)) return GRADUS_OUT_OF_BOUNDS;
  if (d[GEMM_M] == 0 || d[GEMM_N] == 0) return GRADUS_OK;
  const Scratch room = scratch();
  if (!room.a) return GRADUS_OUT_OF_MEMORY;
  Product x = {
    d[GEMM_M], d[GEMM_K], d[GEMM_N],
    {a + d[GEMM_A_OFFSET], d[GEMM_A_ROW], d[GEMM_A_COL]},
    {b + d[GEMM_B_OFFSET], d[GEMM_B_COL], d[GEMM_B_ROW]},
    {c + d[GEMM_C_OFFSET], d[GEMM_C_ROW], d[GEMM_C_COL]},
    {d[GEMM_HAS_BIAS] ? bias + d[GEMM_BIAS_OFFSET] : NULL, 0, d[GEMM_BIAS_STRIDE]},
    d[GEMM_BETA],
    d[GEMM_ACTIVATION],
  };
  if (turned(&x)) x = turn(x);
  multiply(&x, room);
  return GRADUS_OK;
}
