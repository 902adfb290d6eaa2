// Thin products whose operands both run along k: lanes run along k too, so that they are full whatever m and n are, and neither
// operand is packed. Each result is the sum of the lanes of one vector.
#include "vector.h"

#if DOT_ROWS == 4
INLINE quad folded(vec x) {
  quad part[LANES / 4];
  __builtin_memcpy(part, &x, sizeof x);
  for (int n = LANES / 8; n; n /= 2)
    for (int i = 0; i < n; i++) part[i] += part[i + n];
  return part[0];
}

// Four sums at once, in the order of sum_of: a row's bits do not depend on the rows beside it.
INLINE quad sums_of(vec a, vec b, vec c, vec d) {
  quad x[4] = {folded(a), folded(b), folded(c), folded(d)};
  transpose4(x);
  return (x[0] + x[1]) + (x[2] + x[3]);
}
#endif

typedef struct {
  Matrix c;
  int add;
  Bias bias;
} DotOut;

// `rows` and `cols` are constants wherever this is inlined. a: rows every `across` floats; b: columns every `step` floats; `next`
// is a row that will be wanted in L2.
INLINE void dot(const int rows, const int cols, ptrdiff_t k, const float *a, ptrdiff_t across, const float *b, ptrdiff_t step,
                const float *next, DotOut out) {
  vec sum[DOT_ROWS][DOT_COLS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int j = 0; j < cols; j++) sum[i][j] = (vec){0};
  }
  ptrdiff_t p = 0;
  for (; p + LANES <= k; p += LANES) {
    __builtin_prefetch(next + p, 0, 2);
    vec left[DOT_ROWS];
    UNROLL for (int i = 0; i < rows; i++) {
      vec x = CVEC(a + i * across + p);
      KEEP(x);
      left[i] = x;
    }
    UNROLL for (int j = 0; j < cols; j++) {
      vec right = CVEC(b + j * step + p);
      KEEP(right);
      UNROLL for (int i = 0; i < rows; i++) sum[i][j] = multiply_add(left[i], right, sum[i][j]);
    }
  }
  if (p < k) {
    UNROLL for (int i = 0; i < rows; i++) {
      const vec left = take(a + i * across + p, k - p, 0);
      UNROLL for (int j = 0; j < cols; j++) sum[i][j] = multiply_add(left, take(b + j * step + p, k - p, 0), sum[i][j]);
    }
  }
  UNROLL for (int j = 0; j < cols; j++) {
    quad four = {0};
#if DOT_ROWS == 4
    if (rows == 4) four = sums_of(sum[0][j], sum[1][j], sum[2][j], sum[3][j]);
    else
#endif
    UNROLL for (int i = 0; i < rows; i++) four[i] = sum_of(sum[i][j]);
    if (out.add)
      UNROLL for (int i = 0; i < rows; i++) four[i] = out.c.data[i * out.c.row + j * out.c.col] + four[i];
    if (out.bias.data)
      UNROLL for (int i = 0; i < rows; i++) four[i] += out.bias.data[i * out.bias.row + j * out.bias.col];
    UNROLL for (int i = 0; i < rows; i++) out.c.data[i * out.c.row + j * out.c.col] = four[i];
  }
}

// Four rows at a time on most machines, and single rows for the rest.
typedef void Dot(ptrdiff_t k, const float *a, ptrdiff_t across, const float *b, ptrdiff_t step, const float *next, DotOut out);
#define DOT(NAME, R, C) \
  static void NAME##C(ptrdiff_t k, const float *a, ptrdiff_t across, const float *b, ptrdiff_t step, const float *next, DotOut out) { \
    dot(R, C, k, a, across, b, step, next, out); \
  }
#define DOT_PAIR(C) DOT(dot_one_, 1, C) DOT(dot_tall_, DOT_ROWS, C)
#define DOT_ENTRY(C) {dot_one_##C, dot_tall_##C}
DOT_PAIR(1) DOT_PAIR(2) DOT_PAIR(3) DOT_PAIR(4)
#if DOT_COLS > 4
DOT_PAIR(5) DOT_PAIR(6)
#endif
static Dot *const dot_table[DOT_COLS][2] = {
  DOT_ENTRY(1), DOT_ENTRY(2), DOT_ENTRY(3), DOT_ENTRY(4),
#if DOT_COLS > 4
  DOT_ENTRY(5), DOT_ENTRY(6),
#endif
};

// B by columns: where it stands, or turned into `to`.
static Panel dot_columns(const Product *x, float *to) {
  if (x->b.along == 1) return x->b;
  if (x->b.across == 1) copy_turned(x->n, x->k, x->b.data, x->b.along, to, x->k);
  else for (ptrdiff_t j = 0; j < x->n; j++)
    for (ptrdiff_t p = 0; p < x->k; p++) to[j * x->k + p] = x->b.data[j * x->b.across + p * x->b.along];
  return (Panel){to, x->k, 1};
}

// All rows of a block that stays in L2 against a few columns of B, from j on, which stay in L1. Meanwhile a part of the next block is asked for:
// row `ask` of each tile.
static void dot_rows(const Product *x, Panel b, ptrdiff_t i0, ptrdiff_t end, ptrdiff_t j, ptrdiff_t cols, ptrdiff_t ask) {
  Dot *const *run = dot_table[cols - 1];
  for (ptrdiff_t i = i0, rows; i < end; i += rows) {
    rows = end - i >= DOT_ROWS ? DOT_ROWS : 1;
    const float *a = x->a.data + i * x->a.across;
    const Matrix c = c_at(x, i, j);
    run[rows > 1](x->k, a, x->a.across, b.data, b.across, a + ask * x->a.across, (DotOut){c, x->add, bias_at(x->bias, i, j)});
  }
}

static void multiply_dots(const Product *x, Panel b) {
  const ptrdiff_t panels = pieces(x->n, DOT_COLS), most = BLOCK_ROWS * DEPTH / (2 * x->k);
  const ptrdiff_t blocks = pieces(x->m, most > DOT_ROWS ? most : DOT_ROWS);
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t i0 = dealt(x->m, block, blocks), end = dealt(x->m, block + 1, blocks);
    for (ptrdiff_t q = 0; q < panels; q++) {
      const ptrdiff_t j = x->n * q / panels;
      const Panel columns = {b.data + j * b.across, b.across, b.along};
      dot_rows(x, columns, i0, end, j, x->n * (q + 1) / panels - j, q < DOT_ROWS ? end - i0 + q : 0);
    }
    if (x->activation) activate(x->activation, end - i0, x->n, c_at(x, i0, 0));
  }
}
