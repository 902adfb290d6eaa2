// The micro-kernel: a rows x (vectors * LANES) block of C kept in registers while k runs. It knows nothing but registers.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

// Where a finished block goes, and what it is added to. `add` reads the old values; `bias` is one row of them, or NULL.
typedef struct {
  float *c;
  ptrdiff_t row;
  int add;
  const float *bias;
} Out;

// What will be packed next, asked for while the registers are busy: AHEAD neighbours, then the next cache line of each.
#define AHEAD 32
typedef struct {
  const float *data;
  ptrdiff_t neighbour, line;
} Ahead;

// a: [k, round4(rows)] packed; b: [k, vectors * LANES], a row every `step` floats.
// `rows` and `vectors` are constants wherever this is inlined, so that every loop but k's disappears.
INLINE void micro(const int rows, const int vectors, ptrdiff_t k, const float *a, const float *b, ptrdiff_t step, Ahead next, Out out) {
  const int pitch = (rows + 3) & ~3;
  // C's rows lie apart and would each stall the way out: ask for them now.
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(out.c + i * out.row + v * LANES, 1);
  }
  vec sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
  for (ptrdiff_t p = 0; p < k; p++, a += pitch, b += step) {
    __builtin_prefetch(next.data + (p % AHEAD) * next.neighbour + (p / AHEAD) * next.line);
    vec right[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] += a[i] * right[v];
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      float *c = out.c + i * out.row + v * LANES;
      vec x = sum[i][v];
      if (out.add) x = CVEC(c) + x;
      if (out.bias) x += CVEC(out.bias + v * LANES);
      VEC(c) = x;
    }
  }
}

// One instance a size, because a constant trip count is what puts the block into registers.
typedef void Micro(ptrdiff_t k, const float *a, const float *b, ptrdiff_t step, Ahead next, Out out);
#define INSTANCE(R, V) \
  static void micro_##R##_##V(ptrdiff_t k, const float *a, const float *b, ptrdiff_t step, Ahead next, Out out) { \
    micro(R, V, k, a, b, step, next, out); \
  }
#if VECTORS == 3
#define ROW(R) INSTANCE(R, 1) INSTANCE(R, 2) INSTANCE(R, 3)
#define ENTRY(R) {micro_##R##_1, micro_##R##_2, micro_##R##_3}
#else
#define ROW(R) INSTANCE(R, 1) INSTANCE(R, 2)
#define ENTRY(R) {micro_##R##_1, micro_##R##_2}
#endif
ROW(1) ROW(2) ROW(3) ROW(4)
#if ROWS > 4
ROW(5) ROW(6)
#endif
#if ROWS > 6
ROW(7) ROW(8)
#endif
#if ROWS > 8
ROW(9) ROW(10) ROW(11) ROW(12)
#endif

static Micro *const micro_table[ROWS][VECTORS] = {
  ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),
#if ROWS > 4
  ENTRY(5), ENTRY(6),
#endif
#if ROWS > 6
  ENTRY(7), ENTRY(8),
#endif
#if ROWS > 8
  ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12),
#endif
};
