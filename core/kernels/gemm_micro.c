// The micro-kernel: a rows x (vectors * LANES) block of C kept in registers while k runs. It knows nothing but registers.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"
#include "vector.h"

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

// The right operand: `head` rows of k from `data`, `step` floats apart, and the others packed in `tail`.
typedef struct {
  const float *data;
  ptrdiff_t step, head;
  const float *tail;
} Right;

#if defined(__wasm__)
#include "steps_wasm.h"
#else
// Steps of k before the end at which C is asked for: its rows lie apart, and what was asked for sooner would be gone again.
#define LATE 64

INLINE void steps(const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t across, ptrdiff_t along, const float *b,
                  ptrdiff_t step, Ahead next, vec sum[ROWS][VECTORS]) {
  for (ptrdiff_t p = 0; p < k; p++, a += along, b += step) {
    __builtin_prefetch(next.data + (p % AHEAD) * next.neighbour + (p / AHEAD) * next.line, 0, 2); // into L2
    vec right[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(all(a[i * across]), right[v], sum[i][v]);
    }
  }
}

#endif

// `rows` and `vectors` are constants wherever this is inlined, so that every loop but k's disappears.
INLINE void micro(const int rows, const int vectors, ptrdiff_t k, Panel left, Right b, Ahead next, Out out) {
  const float *a = left.data;
  const ptrdiff_t across = left.across, along = left.along;
  vec sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
  const ptrdiff_t early = b.head > LATE ? b.head - LATE : 0;
  steps(rows, vectors, early, a, across, along, b.data, b.step, next, sum);
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(out.c + i * out.row + v * LANES, 1);
  }
  const Ahead none = {a, 0, 0};
  steps(rows, vectors, b.head - early, a + early * along, across, along, b.data + early * b.step, b.step, none, sum);
  if (b.head < k) steps(rows, vectors, k - b.head, a + b.head * along, across, along, b.tail, vectors * LANES, none, sum);
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

// One instance a size, because a constant trip count is what puts the block into registers. `micro_…_1` and so on take rows that
// stand side by side, `micro_rows_…` any, but one vector only.
typedef void Micro(ptrdiff_t k, Panel a, Right b, Ahead next, Out out);
#define INSTANCE(R, V) \
  static void micro_##R##_##V(ptrdiff_t k, Panel a, Right b, Ahead next, Out out) { \
    a.across = 1; \
    micro(R, V, k, a, b, next, out); \
  }
#define APART(R) \
  static void micro_rows_##R(ptrdiff_t k, Panel a, Right b, Ahead next, Out out) { \
    a.along = 1; \
    micro(R, 1, k, a, b, next, out); \
  }
#if VECTORS == 3
#define ROW(R) INSTANCE(R, 1) INSTANCE(R, 2) INSTANCE(R, 3) APART(R)
#define ENTRY(R) {micro_rows_##R, micro_##R##_1, micro_##R##_2, micro_##R##_3}
#else
#define ROW(R) INSTANCE(R, 1) INSTANCE(R, 2) APART(R)
#define ENTRY(R) {micro_rows_##R, micro_##R##_1, micro_##R##_2}
#endif
ROW(1) ROW(2) ROW(3) ROW(4)
#if ROWS > 4
ROW(5)
#endif
#if ROWS > 5
ROW(6)
#endif
#if ROWS > 6
ROW(7) ROW(8)
#endif
#if ROWS > 8
ROW(9) ROW(10) ROW(11) ROW(12)
#endif

// By rows, and by vectors; at 0 for rows that stand apart.
static Micro *const micro_table[ROWS][VECTORS + 1] = {
  ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),
#if ROWS > 4
  ENTRY(5),
#endif
#if ROWS > 5
  ENTRY(6),
#endif
#if ROWS > 6
  ENTRY(7), ENTRY(8),
#endif
#if ROWS > 8
  ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12),
#endif
};
