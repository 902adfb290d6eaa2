// The micro-kernels of a convolution: the product's, over segments of k instead of one run, since each tap of a kernel begins elsewhere
// in an image; and one whose lanes are pixels of several rows, for results of few channels.
#include "conv.h"
#include "../vector.h"

typedef void SumTile(const Segments *s, const float *a, const float *b, float *to, ptrdiff_t to_rs, int add);

// Rows of A lie apart, as channels do, or pixels of windows that move by more than one.
INLINE void multiply_apart(const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t a_row, ptrdiff_t a_stride,
                           const float *b, ptrdiff_t b_stride, vec sum[MR][NR_VECTORS]) {
  const float *third[(MR + 2) / 3];
  UNROLL for (int g = 0; g < (rows + 2) / 3; g++) third[g] = a + 3 * g * a_row;
  for (ptrdiff_t p = 0; p < k; p++, b += b_stride) {
    vec right[NR_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      const vec left = broadcast(third[i / 3][i % 3 * a_row]);
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(left, right[v], sum[i][v]);
    }
    UNROLL for (int g = 0; g < (rows + 2) / 3; g++) third[g] += a_stride;
  }
}

INLINE void sum_tile(const int apart, const int rows, const int vectors, const Segments *s, const float *a, const float *b, float *to,
                     ptrdiff_t to_rs, int add) {
  vec sum[MR][NR_VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
  const ptrdiff_t count = s->count, steps = s->steps, a_row = s->a_row, a_stride = s->a_stride, b_stride = s->b_stride, *from_a = s->a, *from_b = s->b;
  for (ptrdiff_t t = 0; t < count; t++) {
    const float *right = b + from_b[t];
    if (apart) multiply_apart(rows, vectors, steps, a + from_a[t], a_row, a_stride, right, b_stride, sum);
    else multiply_steps(0, rows, vectors, steps, a + from_a[t], a_stride, right, b_stride, (Prefetch){right, 0}, sum);
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      float *const at = to + i * to_rs + v * LANES;
      if (add) sum[i][v] = CVEC(at) + sum[i][v];
      VEC(at) = sum[i][v];
    }
  }
}

// Rows of A are neighbours for `sum_near`.
#define SUM_TILE(NAME, IS_APART, R, V) \
  static void NAME##_##R##_##V(const Segments *s, const float *a, const float *b, float *to, ptrdiff_t to_rs, int add) { \
    sum_tile(IS_APART, R, V, s, a, b, to, to_rs, add); \
  }
#if NR_VECTORS == 3
#define SUM_TILES_OF(NAME, IS_APART, R) SUM_TILE(NAME, IS_APART, R, 1) SUM_TILE(NAME, IS_APART, R, 2) SUM_TILE(NAME, IS_APART, R, 3)
#else
#define SUM_TILES_OF(NAME, IS_APART, R) SUM_TILE(NAME, IS_APART, R, 1) SUM_TILE(NAME, IS_APART, R, 2)
#endif
#define SUM_TILES(R) SUM_TILES_OF(sum_near, 0, R) SUM_TILES_OF(sum_apart, 1, R)
EACH_MR(SUM_TILES)
#define SUM_NEAR(R) ENTRY(sum_near, R)
#define SUM_APART(R) ENTRY(sum_apart, R)
static SumTile *const sum_tiles[2][MR][NR_VECTORS] = {{EACH_MR(SUM_NEAR)}, {EACH_MR(SUM_APART)}};

// Lanes are pixels: A are weights, a row for each channel, B vectors of the copy, `b_vector` apart: rows of pixels, or one long row.
#define PIXEL_VECTORS 4
#if defined(__wasm__)
#define PIXEL_ROWS 6
#else
#define PIXEL_ROWS (MR < 8 ? MR : 8)
#endif
#define EACH_PIXEL_ROW(X) X(1) X(2) X(3) X(4) PIXEL_ROWS_ABOVE(X)
#if MR >= 8
#define PIXEL_ROWS_ABOVE(X) X(5) X(6) X(7) X(8)
#elif MR >= 6 || defined(__wasm__)
#define PIXEL_ROWS_ABOVE(X) X(5) X(6)
#elif MR >= 5
#define PIXEL_ROWS_ABOVE(X) X(5)
#else
#define PIXEL_ROWS_ABOVE(X)
#endif

// Where a tile of pixels goes: rows and vectors begin so many floats apart. Each row gets its bias, or −0, which changes nothing.
typedef struct {
  float *to;
  ptrdiff_t row, vector;
  const float *bias;
  ptrdiff_t bias_row;
  int relu;
} PixelStore;
typedef void PixelTile(const Segments *s, const float *a, const float *b, ptrdiff_t b_vector, const PixelStore *store);

INLINE void pixel_tile(const int rows, const int vectors, const Segments *s, const float *a, const float *b, ptrdiff_t b_vector, const PixelStore *store) {
  vec sum[PIXEL_ROWS][PIXEL_VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
  const ptrdiff_t count = s->count, steps = s->steps, a_stride = s->a_stride, b_stride = s->b_stride, *from_a = s->a, *from_b = s->b;
  for (ptrdiff_t t = 0; t < count; t++) {
    const float *left = a + from_a[t], *at[PIXEL_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) at[v] = b + from_b[t] + v * b_vector;
    for (ptrdiff_t p = 0; p < steps; p++, left += a_stride) {
      vec right[PIXEL_VECTORS];
      UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(at[v]), at[v] += b_stride;
      UNROLL for (int i = 0; i < rows; i++) {
        const vec x = broadcast(left[i]);
        UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(x, right[v], sum[i][v]);
      }
    }
  }
  const PixelStore o = *store;
  UNROLL for (int i = 0; i < rows; i++) {
    const vec shift = broadcast(o.bias ? o.bias[i * o.bias_row] : -0.0f);
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] += shift;
  }
  if (o.relu) {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = relu_vec(sum[i][v]);
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) VEC(o.to + i * o.row + v * o.vector) = sum[i][v];
  }
}

// Few rows have more vectors, so that enough sums are in flight: as many as there are registers for.
#if LANES == 16 || defined(__aarch64__)
#define VECTORS_OF(R) ((R) <= 4 ? 4 : 2)
#else
#define VECTORS_OF(R) ((R) <= 2 ? 4 : (R) == 3 ? 3 : 2)
#endif
#define AT_MOST(V, R) ((V) <= VECTORS_OF(R) ? (V) : 1)
#define PIXELS(R, V) \
  static void pixels_##R##_##V(const Segments *s, const float *a, const float *b, ptrdiff_t b_vector, const PixelStore *store) { \
    pixel_tile(R, AT_MOST(V, R), s, a, b, b_vector, store); \
  }
#define PIXEL_TILE(R) PIXELS(R, 1) PIXELS(R, 2) PIXELS(R, 3) PIXELS(R, 4)
#define PIXEL_ENTRY(R) {pixels_##R##_1, pixels_##R##_2, pixels_##R##_3, pixels_##R##_4},
EACH_PIXEL_ROW(PIXEL_TILE)
static PixelTile *const pixel_tiles[PIXEL_ROWS][PIXEL_VECTORS] = {EACH_PIXEL_ROW(PIXEL_ENTRY)};
