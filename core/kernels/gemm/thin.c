// Products that are thin in one dimension, of which tiles would be mostly edge or mostly stores. Dot products, for few columns:
// lanes run along k, so that they are full whatever m and n are, and each result is the sum of one vector. Outer products, for a
// short k: little more than writing C, which is done in whole rows, so that the memory sees one stream.
#include "gemm.h"
#include "../vector.h"

#if DOT_ROWS == 4
INLINE quad folded(vec x) {
  quad part[LANES / 4];
  __builtin_memcpy(part, &x, sizeof x);
  for (int n = LANES / 8; n; n /= 2)
    for (int i = 0; i < n; i++) part[i] += part[i + n];
  return part[0];
}

// Four sums at once, each in the order of sum_of: the bits of a row must not depend on the rows beside it.
INLINE quad sums_of(vec a, vec b, vec c, vec d) {
  quad x[4] = {folded(a), folded(b), folded(c), folded(d)};
  transpose_4x4(x);
  return (x[0] + x[1]) + (x[2] + x[3]);
}
#endif

typedef struct {
  ptrdiff_t k;
  const float *a; // rows every `a_rs` floats
  ptrdiff_t a_rs;
  const float *next; // a row that will be wanted in L2
  const float *b; // columns every `b_cs` floats
  ptrdiff_t b_cs;
  Matrix c;
  int add;
  Bias bias;
} Dot;

// `rows` and `cols` are constants wherever this is inlined.
INLINE void dot(const int rows, const int cols, const Dot *d) {
  const ptrdiff_t k = d->k, a_rs = d->a_rs, b_cs = d->b_cs;
  const float *a = d->a, *b = d->b;
  vec sum[DOT_ROWS][DOT_COLS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int j = 0; j < cols; j++) sum[i][j] = (vec){0};
  }
  ptrdiff_t p = 0;
  for (; p + LANES <= k; p += LANES) {
    __builtin_prefetch(d->next + p, 0, 2);
    vec left[DOT_ROWS];
    UNROLL for (int i = 0; i < rows; i++) {
      vec x = CVEC(a + i * a_rs + p);
      KEEP(x);
      left[i] = x;
    }
    UNROLL for (int j = 0; j < cols; j++) {
      vec right = CVEC(b + j * b_cs + p);
      KEEP(right);
      UNROLL for (int i = 0; i < rows; i++) sum[i][j] = multiply_add(left[i], right, sum[i][j]);
    }
  }
  if (p < k) {
    UNROLL for (int i = 0; i < rows; i++) {
      const vec left = load_partial(a + i * a_rs + p, k - p, 0);
      UNROLL for (int j = 0; j < cols; j++) sum[i][j] = multiply_add(left, load_partial(b + j * b_cs + p, k - p, 0), sum[i][j]);
    }
  }
  UNROLL for (int j = 0; j < cols; j++) {
    quad four = {0};
#if DOT_ROWS == 4
    if (rows == 4) four = sums_of(sum[0][j], sum[1][j], sum[2][j], sum[3][j]);
    else
#endif
    UNROLL for (int i = 0; i < rows; i++) four[i] = sum_of(sum[i][j]);
    if (d->add)
      UNROLL for (int i = 0; i < rows; i++) four[i] = d->c.data[i * d->c.rs + j * d->c.cs] + four[i];
    if (d->bias.data)
      UNROLL for (int i = 0; i < rows; i++) four[i] += d->bias.data[i * d->bias.rs + j * d->bias.cs];
    UNROLL for (int i = 0; i < rows; i++) d->c.data[i * d->c.rs + j * d->c.cs] = four[i];
  }
}

// Four rows at a time on most machines, and single rows for the rest.
typedef void DotKernel(const Dot *d);
#define DOT(NAME, R, C) \
  static void NAME##C(const Dot *d) { dot(R, C, d); }
#define DOT_PAIR(C) DOT(dot_one_, 1, C) DOT(dot_tall_, DOT_ROWS, C)
#define DOT_ENTRY(C) {dot_one_##C, dot_tall_##C}
DOT_PAIR(1) DOT_PAIR(2) DOT_PAIR(3) DOT_PAIR(4)
#if DOT_COLS > 4
DOT_PAIR(5) DOT_PAIR(6)
#endif
static DotKernel *const dot_kernels[DOT_COLS][2] = {
  DOT_ENTRY(1), DOT_ENTRY(2), DOT_ENTRY(3), DOT_ENTRY(4),
#if DOT_COLS > 4
  DOT_ENTRY(5), DOT_ENTRY(6),
#endif
};

// B by columns: where it stands, or transposed into `to`.
static Operand dot_columns(const Product *x, float *to) {
  if (x->b.k_stride == 1) return x->b;
  if (x->b.mn_stride == 1) copy_transposed(x->n, x->k, x->b.data, x->b.k_stride, to, x->k);
  else for (ptrdiff_t j = 0; j < x->n; j++)
    for (ptrdiff_t p = 0; p < x->k; p++) to[j * x->k + p] = *operand_at(x->b, j, p).data;
  return (Operand){to, x->k, 1};
}

// Rows [i, end), which stay in L2, times the columns from j on, which stay in L1. Meanwhile a part of the next rows is prefetched:
// those `ahead` of the first of each group.
static void dot_rows(const Product *x, Operand b, ptrdiff_t i, ptrdiff_t end, ptrdiff_t j, ptrdiff_t cols, ptrdiff_t ahead) {
  Dot d = {.k = x->k, .a = operand_at(x->a, i, 0).data, .a_rs = x->a.mn_stride, .b = b.data, .b_cs = b.mn_stride,
           .c = matrix_at(x->c, i, j), .add = x->add, .bias = bias_at(x->bias, i, j)};
  for (ptrdiff_t rows; i < end; i += rows) {
    rows = end - i >= DOT_ROWS ? DOT_ROWS : 1;
    d.next = d.a + ahead * d.a_rs;
    dot_kernels[cols - 1][rows > 1](&d);
    d.a += rows * d.a_rs, d.c.data += rows * d.c.rs;
    if (d.bias.data) d.bias.data += rows * d.bias.rs;
  }
}

static void multiply_dots(const Product *x, Operand b) {
  const ptrdiff_t groups = ceil_div(x->n, DOT_COLS), most = MC * KC / (2 * x->k);
  const ptrdiff_t blocks = ceil_div(x->m, most > DOT_ROWS ? most : DOT_ROWS);
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t i = part_begin(x->m, block, blocks), end = part_begin(x->m, block + 1, blocks);
    for (ptrdiff_t q = 0; q < groups; q++) {
      const ptrdiff_t j = part_begin(x->n, q, groups), cols = part_begin(x->n, q + 1, groups) - j;
      dot_rows(x, operand_at(b, j, 0), i, end, j, cols, q < DOT_ROWS ? end - i + q : 0);
    }
    if (x->activation) activate(x->activation, end - i, x->n, matrix_at(x->c, i, 0));
  }
}

// One row of C: `left` are the elements of A's row, `b` the rows of B.
INLINE void outer_row(const int steps, ptrdiff_t n, const vec *left, const float *const *b, float *c, int add, const float *bias) {
  ptrdiff_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    vec x = {0};
    UNROLL for (int p = 0; p < steps; p++) x = multiply_add(left[p], CVEC(b[p] + j), x);
    if (add) x = CVEC(c + j) + x;
    if (bias) x += CVEC(bias + j);
    VEC(c + j) = x;
  }
  if (j == n) return;
  vec x = {0};
  UNROLL for (int p = 0; p < steps; p++) x = multiply_add(left[p], load_partial(b[p] + j, n - j, 0), x);
  if (add) x = load_partial(c + j, n - j, 0) + x;
  if (bias) x += load_partial(bias + j, n - j, 0);
  store_partial(c + j, x, n - j);
}

// The product's fields are copied first: for all that the compiler knows, storing C may overwrite them.
INLINE void outer(const int steps, const Product *x, Operand right) {
  const ptrdiff_t m = x->m, n = x->n, a_rs = x->a.mn_stride, a_cs = x->a.k_stride, c_rs = x->c.rs;
  const float *a = x->a.data, *bias = x->bias.data, *b[OUTER_STEPS];
  float *c = x->c.data;
  const int add = x->add;
  UNROLL for (int p = 0; p < steps; p++) b[p] = right.data + p * right.k_stride;
  for (ptrdiff_t i = 0; i < m; i++, a += a_rs, c += c_rs) {
    vec left[OUTER_STEPS];
    UNROLL for (int p = 0; p < steps; p++) left[p] = broadcast(a[p * a_cs]);
    outer_row(steps, n, left, b, c, add, bias);
  }
}

typedef void Outer(const Product *x, Operand b);
#define OUTER(STEPS) \
  static void outer_##STEPS(const Product *x, Operand b) { outer(STEPS, x, b); }
OUTER(1) OUTER(2) OUTER(3) OUTER(4)
static Outer *const outer_kernels[OUTER_STEPS] = {outer_1, outer_2, outer_3, outer_4};

// C and its bias must lie in rows; B is packed into rows where it does not.
static int outer_pays(const Product *x) {
  return x->k >= 1 && x->k <= OUTER_STEPS && x->n * x->k <= WORKSPACE_B && x->c.cs == 1 &&
         (!x->bias.data || (x->bias.rs == 0 && x->bias.cs == 1));
}

static void multiply_outer(const Product *x, float *to) {
  Operand b = x->b;
  if (b.mn_stride != 1) {
    pack_elements(b, 0, x->k, (int)x->n, (int)x->n, to);
    b = (Operand){to, 1, x->n};
  }
  outer_kernels[x->k - 1](x, b);
  if (x->activation) activate(x->activation, x->m, x->n, x->c);
}
