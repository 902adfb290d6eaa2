// The way out for blocks that do not lie in C as whole vectors in a row: the micro-kernel leaves them in a small tile, and this
// carries the part that exists into C, whatever C's strides. The order of additions is the micro-kernel's, so the bits are too.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"
#include "vector.h"

typedef struct {
  float *data;
  ptrdiff_t row, col;
} Matrix;

// One value a row and column of C; either step may be 0. `data` is NULL where there is none.
typedef struct {
  const float *data;
  ptrdiff_t row, col;
} Bias;

static void edge_each(const float *tile, int from, int rows, int cols, Matrix c, int add, Bias bias) {
  for (int i = from; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      float *to = c.data + i * c.row + j * c.col;
      float x = tile[i * COLS + j];
      if (add) x = *to + x;
      if (bias.data) x += bias.data[i * bias.row + j * bias.col];
      *to = x;
    }
  }
}

// C's columns stand side by side: whole vectors, and a part of one.
static void edge_rows(const float *tile, int rows, int cols, Matrix c, int add, const float *bias) {
  for (int i = 0; i < rows; i++, tile += COLS) {
    float *to = c.data + i * c.row;
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
    if (add) x = take(to + j, left, 0) + x;
    if (bias) x += take(bias + j, left, 0);
    put(to + j, x, left);
  }
}

// C's rows stand side by side (the product was taken the other way round): four rows leave at a time, turned.
static void edge_turn(const float *tile, int rows, int cols, Matrix c, int add, Bias bias) {
  const int whole = rows & ~3;
  for (int i = 0; i < whole; i += 4) {
    for (int j = 0; j < cols; j += 4) {
      quad x[4];
      UNROLL for (int r = 0; r < 4; r++) x[r] = CQUAD(tile + (i + r) * COLS + j);
      transpose4(x);
      for (int q = 0; q < 4 && j + q < cols; q++) {
        float *to = c.data + i + (j + q) * c.col;
        if (add) x[q] = CQUAD(to) + x[q];
        if (bias.data && bias.row == 1) x[q] += CQUAD(bias.data + i + (j + q) * bias.col);
        else if (bias.data)
          for (int r = 0; r < 4; r++) x[q][r] += bias.data[(i + r) * bias.row + (j + q) * bias.col];
        QUAD(to) = x[q];
      }
    }
  }
  edge_each(tile, whole, rows, cols, c, add, bias);
}

static void edge(const float *tile, int rows, int cols, Matrix c, int add, Bias bias) {
  const int along = !bias.data || (bias.row == 0 && bias.col == 1);
  if (c.col == 1 && along) edge_rows(tile, rows, cols, c, add, bias.data);
  else if (c.row == 1 && c.col != 1) edge_turn(tile, rows, cols, c, add, bias);
  else edge_each(tile, 0, rows, cols, c, add, bias);
}
