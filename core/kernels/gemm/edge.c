// Edges: tiles of which only a part exists, that C holds in other strides, or that an activation follows. The micro-kernel writes
// them to a small dense tile, `ld` wide, from which they are stored here. Additions have the micro-kernel's order, and so the same
// bits.
#include "gemm.h"
#include "../vector.h"

// The same code as the unary verb's, and so the same bits.
static void activate(int activation, ptrdiff_t rows, ptrdiff_t cols, Matrix c) {
  static const int ops[] = {OP_COPY, OP_RELU, OP_SIGMOID, OP_TANH};
  const Unary f = {.op = ops[activation]};
  if ((c.cs == 1 && c.rs == cols) || (c.rs == 1 && c.cs == rows)) {
    unary_run(f, rows * cols, c.data, c.data);
  } else if (c.cs == 1) {
    for (ptrdiff_t i = 0; i < rows; i++) unary_run(f, cols, c.data + i * c.rs, c.data + i * c.rs);
  } else if (c.rs == 1) {
    for (ptrdiff_t j = 0; j < cols; j++) unary_run(f, rows, c.data + j * c.cs, c.data + j * c.cs);
  } else {
    for (ptrdiff_t i = 0; i < rows; i++)
      for (ptrdiff_t j = 0; j < cols; j++) unary_run(f, 1, c.data + i * c.rs + j * c.cs, c.data + i * c.rs + j * c.cs);
  }
}

// The usual one, without a call.
INLINE void relu_tile(float *tile, int count) {
  for (int i = 0; i < count; i += LANES) VEC(tile + i) = relu_vec(CVEC(tile + i));
}

static void store_elements(const float *tile, int ld, int from, int rows, int cols, Matrix c, int add, Bias bias) {
  for (int i = from; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      float *to = c.data + i * c.rs + j * c.cs;
      float x = tile[i * ld + j];
      if (add) x = *to + x;
      if (bias.data) x += bias.data[i * bias.rs + j * bias.cs];
      *to = x;
    }
  }
}

// C's columns lie side by side: whole vectors, and a part of one.
static void store_rows(const float *tile, int ld, int rows, int cols, Matrix c, int add, const float *bias) {
  for (int i = 0; i < rows; i++, tile += ld) {
    float *to = c.data + i * c.rs;
    int j = 0;
    for (; j + LANES <= cols; j += LANES) {
      vec x = CVEC(tile + j);
      if (add) x = CVEC(to + j) + x;
      if (bias) x += CVEC(bias + j);
      VEC(to + j) = x;
    }
    const int left = cols - j;
    if (left == 0) continue;
    vec x = CVEC(tile + j);
    if (add) x = load_partial(to + j, left, 0) + x;
    if (bias) x += load_partial(bias + j, left, 0);
    store_partial(to + j, x, left);
  }
}

// C's rows lie side by side, as in a product that was transposed: the tile is transposed too, and stored column by column.
#if STRIP == 16
static void store_columns(const float *tile, int ld, int rows, int cols, Matrix c, int add, Bias bias) {
  for (int j = 0; j < cols; j += STRIP) {
    __m512 x[STRIP], column[STRIP];
    UNROLL for (int i = 0; i < STRIP; i++)
      x[i] = i < MR && i < rows ? _mm512_loadu_ps(tile + i * ld + j) : _mm512_setzero_ps();
    transpose_16x16(x, column);
    for (int q = 0; q < STRIP && j + q < cols; q++) {
      float *to = c.data + (j + q) * c.cs;
      vec y = (vec)column[q];
      if (add) y = load_partial(to, rows, 0) + y;
      if (bias.data) y += bias.rs == 1 ? load_partial(bias.data + (j + q) * bias.cs, rows, 0) : broadcast(bias.data[(j + q) * bias.cs]);
      store_partial(to, y, rows);
    }
  }
}
#else
static void store_columns(const float *tile, int ld, int rows, int cols, Matrix c, int add, Bias bias) {
  const int whole = rows & ~3;
  for (int i = 0; i < whole; i += 4) {
    for (int j = 0; j < cols; j += 4) {
      quad x[4];
      UNROLL for (int r = 0; r < 4; r++) x[r] = CQUAD(tile + (i + r) * ld + j);
      transpose_4x4(x);
      for (int q = 0; q < 4 && j + q < cols; q++) {
        float *to = c.data + i + (j + q) * c.cs;
        if (add) x[q] = CQUAD(to) + x[q];
        if (bias.data && bias.rs) x[q] += CQUAD(bias.data + i + (j + q) * bias.cs);
        else if (bias.data) x[q] += bias.data[(j + q) * bias.cs] - (quad){0};
        QUAD(to) = x[q];
      }
    }
  }
  store_elements(tile, ld, whole, rows, cols, c, add, bias);
}
#endif

static void store_sums(const float *tile, int ld, int rows, int cols, Matrix c, int add, Bias bias) {
  const int bias_in_rows = !bias.data || (bias.rs == 0 && bias.cs == 1), bias_in_columns = !bias.data || bias.rs == 0 || bias.rs == 1;
  if (c.cs == 1 && bias_in_rows) store_rows(tile, ld, rows, cols, c, add, bias.data);
  else if (c.rs == 1 && c.cs != 1 && bias_in_columns) store_columns(tile, ld, rows, cols, c, add, bias);
  else store_elements(tile, ld, 0, rows, cols, c, add, bias);
}

// Adds the bias within the tile; `ld` is a whole number of vectors.
static void add_bias(float *tile, int ld, int rows, int cols, Bias bias) {
  if (bias.cs != 0) return store_sums(tile, ld, rows, cols, (Matrix){tile, ld, 1}, 0, bias);
  for (int i = 0; i < rows; i++, tile += ld) {
    const vec x = broadcast(bias.data[i * bias.rs]);
    for (int j = 0; j < ld; j += LANES) VEC(tile + j) = CVEC(tile + j) + x;
  }
}

// Stores the first rows and columns of a tile. The activation is applied to the dense tile, unless C's old values are added before
// it.
static void store_tile(float *tile, int ld, int rows, int cols, Matrix c, int add, Bias bias, int activation) {
  if (activation && !add) {
    const int count = rows * ld;
    if (bias.data) add_bias(tile, ld, rows, cols, bias);
    if (activation == ACTIVATION_RELU) relu_tile(tile, count);
    else activate(activation, 1, count, (Matrix){tile, count, 1});
    store_sums(tile, ld, rows, cols, c, 0, (Bias){NULL, 0, 0});
  } else {
    store_sums(tile, ld, rows, cols, c, add, bias);
    if (activation) activate(activation, rows, cols, c);
  }
}
