// A product as the loops see it, and the way out for a block that is finished.
#include <stddef.h>
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
static void activate(int activation, ptrdiff_t rows, ptrdiff_t cols, Matrix c) {
  static const int ops[] = {OP_COPY, OP_RELU, OP_SIGMOID, OP_TANH};
  const Map f = {.op = ops[activation]};
  if ((c.col == 1 && c.row == cols) || (c.row == 1 && c.col == rows)) {
    map_run(f, rows * cols, c.data, c.data);
  } else if (c.col == 1) {
    for (ptrdiff_t i = 0; i < rows; i++) map_run(f, cols, c.data + i * c.row, c.data + i * c.row);
  } else if (c.row == 1) {
    for (ptrdiff_t j = 0; j < cols; j++) map_run(f, rows, c.data + j * c.col, c.data + j * c.col);
  } else {
    for (ptrdiff_t i = 0; i < rows; i++)
      for (ptrdiff_t j = 0; j < cols; j++) map_run(f, 1, c.data + i * c.row + j * c.col, c.data + i * c.row + j * c.col);
  }
}

// A tile on its way into C. What follows the sums is done while they stand side by side, but where C is added to first.
static void leave(float *tile, int pitch, int rows, int cols, Matrix c, int add, Bias bias, int activation) {
  if (activation && !add) {
    const int count = rows * pitch;
    if (bias.data) edge_bias(tile, pitch, rows, cols, bias);
    activate(activation, 1, count, (Matrix){tile, count, 1});
    edge(tile, pitch, rows, cols, c, 0, (Bias){NULL, 0, 0});
  } else {
    edge(tile, pitch, rows, cols, c, add, bias);
    if (activation) activate(activation, rows, cols, c);
  }
}

static ptrdiff_t smaller(ptrdiff_t x, ptrdiff_t y) { return x < y ? x : y; }
// Where piece i of several even ones begins. The product passes 32 bits, which is all that wasm's ptrdiff_t has.
static ptrdiff_t dealt(ptrdiff_t total, ptrdiff_t i, ptrdiff_t pieces) { return (ptrdiff_t)((int64_t)total * i / pieces); }
static ptrdiff_t pieces(ptrdiff_t total, ptrdiff_t most) { return (total + most - 1) / most; }

static Product turn(Product x) {
  Product y = {x.n, x.k, x.m, x.b, x.a, {x.c.data, x.c.col, x.c.row}, {x.bias.data, x.bias.col, x.bias.row}, x.add, x.activation};
  return y;
}

static Matrix c_at(const Product *x, ptrdiff_t i, ptrdiff_t j) {
  return (Matrix){x->c.data + i * x->c.row + j * x->c.col, x->c.row, x->c.col};
}

static Bias bias_at(Bias bias, ptrdiff_t i, ptrdiff_t j) {
  return (Bias){bias.data ? bias.data + i * bias.row + j * bias.col : NULL, bias.row, bias.col};
}

static Product rows_between(Product x, ptrdiff_t from, ptrdiff_t end) {
  x.m = end - from;
  x.a.data += from * x.a.across;
  x.c = c_at(&x, from, 0);
  x.bias = bias_at(x.bias, from, 0);
  return x;
}

static Product columns_between(Product x, ptrdiff_t from, ptrdiff_t end) {
  return turn(rows_between(turn(x), from, end));
}
