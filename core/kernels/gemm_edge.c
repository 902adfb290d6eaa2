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

static void edge_each(const float *tile, int pitch, int from, int rows, int cols, Matrix c, int add, Bias bias) {
  for (int i = from; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      float *to = c.data + i * c.row + j * c.col;
      float x = tile[i * pitch + j];
      if (add) x = *to + x;
      if (bias.data) x += bias.data[i * bias.row + j * bias.col];
      *to = x;
    }
  }
}

// C's columns stand side by side: whole vectors, and a part of one.
static void edge_rows(const float *tile, int pitch, int rows, int cols, Matrix c, int add, const float *bias) {
  for (int i = 0; i < rows; i++, tile += pitch) {
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

// C's rows stand side by side (the product was taken the other way round): a column of the tile leaves at a time, turned.
#if defined(TURN_WIDE) && LANES == TURN_WIDE
static void edge_turn(const float *tile, int pitch, int rows, int cols, Matrix c, int add, Bias bias) {
  for (int j = 0; j < cols; j += TURN_WIDE) {
    __m512 x[TURN_WIDE], column[TURN_WIDE];
    UNROLL for (int i = 0; i < TURN_WIDE; i++) x[i] = i < ROWS && i < rows ? _mm512_loadu_ps(tile + i * pitch + j) : _mm512_setzero_ps();
    turn_square(x, column);
    for (int q = 0; q < TURN_WIDE && j + q < cols; q++) {
      float *to = c.data + (j + q) * c.col;
      vec y = (vec)column[q];
      if (add) y = take(to, rows, 0) + y;
      if (bias.data) y += bias.row == 1 ? take(bias.data + (j + q) * bias.col, rows, 0) : all(bias.data[(j + q) * bias.col]);
      put(to, y, rows);
    }
  }
}
#else
static void edge_turn(const float *tile, int pitch, int rows, int cols, Matrix c, int add, Bias bias) {
  const int whole = rows & ~3;
  for (int i = 0; i < whole; i += 4) {
    for (int j = 0; j < cols; j += 4) {
      quad x[4];
      UNROLL for (int r = 0; r < 4; r++) x[r] = CQUAD(tile + (i + r) * pitch + j);
      transpose4(x);
      for (int q = 0; q < 4 && j + q < cols; q++) {
        float *to = c.data + i + (j + q) * c.col;
        if (add) x[q] = CQUAD(to) + x[q];
        if (bias.data && bias.row) x[q] += CQUAD(bias.data + i + (j + q) * bias.col);
        else if (bias.data) x[q] += bias.data[(j + q) * bias.col] - (quad){0};
        QUAD(to) = x[q];
      }
    }
  }
  edge_each(tile, pitch, whole, rows, cols, c, add, bias);
}
#endif

static void edge(const float *tile, int pitch, int rows, int cols, Matrix c, int add, Bias bias) {
  const int along = !bias.data || (bias.row == 0 && bias.col == 1), across = !bias.data || bias.row == 0 || bias.row == 1;
  if (c.col == 1 && along) edge_rows(tile, pitch, rows, cols, c, add, bias.data);
  else if (c.row == 1 && c.col != 1 && across) edge_turn(tile, pitch, rows, cols, c, add, bias);
  else edge_each(tile, pitch, 0, rows, cols, c, add, bias);
}

// The tile itself plus its bias; `pitch` is a number of vectors.
static void edge_bias(float *tile, int pitch, int rows, int cols, Bias bias) {
  if (bias.col != 0) return edge(tile, pitch, rows, cols, (Matrix){tile, pitch, 1}, 0, bias);
  for (int i = 0; i < rows; i++, tile += pitch) {
    const vec x = all(bias.data[i * bias.row]);
    for (int j = 0; j < pitch; j += LANES) VEC(tile + j) = CVEC(tile + j) + x;
  }
}
