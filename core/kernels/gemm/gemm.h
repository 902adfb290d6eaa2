// The types of a product, in the words of BLIS. The micro-kernel keeps an MR x NR tile of C in registers while it sums over k; the
// loops around it take KC of k, MC rows of A and NC columns of B at a time. `rs` and `cs` are row and column strides, in elements.
#ifndef GRADUS_GEMM_H
#define GRADUS_GEMM_H
#include <stddef.h>
#include "../kernels.h"
#include "../tile.h"

typedef struct {
  float *data;
  ptrdiff_t rs, cs;
} Matrix;

// One value a row and column of C; either stride may be 0. `data` is NULL where there is none.
typedef struct {
  const float *data;
  ptrdiff_t rs, cs;
} Bias;

// A or B. `mn_stride` is the stride between rows of A or columns of B, `k_stride` the one along k. Named so, both are packed by the
// same code, and the transposed product has the same operands in the other order.
typedef struct {
  const float *data;
  ptrdiff_t mn_stride, k_stride;
} Operand;

// C = activation(A·B + bias), or activation(C + A·B + bias) where `add` is set.
typedef struct {
  ptrdiff_t m, k, n;
  Operand a, b;
  Matrix c;
  Bias bias;
  int add;
  int activation;
} Product;

// C is prefetched so many steps of k before it is stored: its rows lie apart, and would not stay in L1 for longer.
#define LATE 64

// How the loops cut a product into blocks, and what of it they pack.
typedef struct {
  ptrdiff_t mc, kc, nc;  // at most so many rows, steps of k and columns in a block
  ptrdiff_t nr;          // and so many columns in a panel
  int a_passes;          // a block of A is a single panel of rows, and B stays in L2 while they pass
  int pack_a, pack_b;    // panels of B that end within a vector may be packed in any case
  ptrdiff_t dot_columns; // so many columns at the end of C are taken as dot products with those of dot_b
  Operand dot_b;
} Blocking;

// A panel of columns [j, j + cols), as the micro-kernel is told of it. The order of the fields matters to wasm: the engine shares the
// check of an address among loads that reach equally far, and should not keep one for the loop from a field that is read before it.
typedef struct {
  const float *b; // `b_rows` rows of B, `b_stride` apart; the remaining rows, up to k, are packed in `b_edge`
  ptrdiff_t b_stride, b_rows;
  ptrdiff_t k;
  const float *b_edge;
  ptrdiff_t c_rs;
  const float *bias; // a row of values, or NULL
  int add;
  int straight; // the result goes into C itself, whose columns lie side by side; else into a small tile for store_tile()
  int c_far;    // C is worth prefetching
  int cols, vectors;
  ptrdiff_t j;
} Panel;

// What will be needed next: the micro-kernel prefetches a line of it at each step of k, `stride` floats apart.
typedef struct {
  const float *data;
  ptrdiff_t stride;
} Prefetch;

INLINE Operand operand_at(Operand x, ptrdiff_t mn, ptrdiff_t k) {
  return (Operand){x.data + mn * x.mn_stride + k * x.k_stride, x.mn_stride, x.k_stride};
}

INLINE Matrix matrix_at(Matrix c, ptrdiff_t i, ptrdiff_t j) { return (Matrix){c.data + i * c.rs + j * c.cs, c.rs, c.cs}; }

INLINE Bias bias_at(Bias x, ptrdiff_t i, ptrdiff_t j) {
  return (Bias){x.data ? x.data + i * x.rs + j * x.cs : NULL, x.rs, x.cs};
}

// Cᵀ = Bᵀ·Aᵀ.
static Product transposed(const Product *x) {
  return (Product){x->n, x->k, x->m, x->b, x->a, {x->c.data, x->c.cs, x->c.rs}, {x->bias.data, x->bias.cs, x->bias.rs},
                   x->add, x->activation};
}

static Product rows_between(const Product *x, ptrdiff_t from, ptrdiff_t end) {
  return (Product){end - from, x->k, x->n, operand_at(x->a, from, 0), x->b, matrix_at(x->c, from, 0), bias_at(x->bias, from, 0),
                   x->add, x->activation};
}

static Product columns_between(const Product *x, ptrdiff_t from, ptrdiff_t end) {
  return (Product){x->m, x->k, end - from, x->a, operand_at(x->b, from, 0), matrix_at(x->c, 0, from), bias_at(x->bias, 0, from),
                   x->add, x->activation};
}

// A part of k: all parts but the first add to C, and bias and activation wait for the last.
static Product steps_between(const Product *x, ptrdiff_t from, ptrdiff_t end) {
  const int last = end == x->k;
  return (Product){x->m, end - from, x->n, operand_at(x->a, 0, from), operand_at(x->b, 0, from), x->c,
                   last ? x->bias : (Bias){NULL, 0, 0}, x->add || from > 0, last ? x->activation : ACTIVATION_NONE};
}

#endif
