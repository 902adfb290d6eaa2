// Products small enough that one operand stays in L2: A is read where it stands, and B as well where its columns stand side by
// side. Packing pays only for what is read often.
#include "vector.h"

// One call of the micro-kernel, passed by its address: to copy it would take longer than a short k.
typedef struct {
  ptrdiff_t k;
  const float *a;
  ptrdiff_t across, along;
  const float *b; // `head` rows of k, `step` floats apart; the others are packed in `tail`
  ptrdiff_t step, head;
  const float *tail;
  const float *next; // to be asked for at each step of k, `next_step` apart
  ptrdiff_t next_step;
  float *c;
  ptrdiff_t row;
  int add;
  const float *bias;
  int relu; // the one activation that costs nothing here
} Tile;

// Rows that stand apart are reached from every third of them: an address has room for one stride and its double.
INLINE void direct_steps(const int apart, const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t across, ptrdiff_t along,
                         const float *b, ptrdiff_t step, const float *next, ptrdiff_t next_step, vec sum[ROWS][VECTORS]) {
  const float *third[(ROWS + 2) / 3];
  UNROLL for (int g = 0; g < (rows + 2) / 3; g++) third[g] = a + 3 * g * across;
  for (ptrdiff_t p = 0; p < k; p++, b += step, next += next_step) {
    __builtin_prefetch(next, 0, 2);
    vec right[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      const float x = apart ? third[i / 3][i % 3 * across] : a[i];
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(all(x), right[v], sum[i][v]);
    }
    if (!apart) a += along;
    UNROLL for (int g = 0; g < (rows + 2) / 3; g++) third[g]++;
  }
}

INLINE void direct(const int apart, const int rows, const int vectors, const Tile *t) {
  vec sum[ROWS][VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
  const ptrdiff_t over = t->k - t->head;
  direct_steps(apart, rows, vectors, t->head, t->a, t->across, t->along, t->b, t->step, t->next, t->next_step, sum);
  if (over > 0)
    direct_steps(apart, rows, vectors, over, t->a + t->head * t->along, t->across, t->along, t->tail, vectors * LANES, t->tail, 0, sum);
  float *c = t->c;
  const float *bias = t->bias;
  if (t->add) {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = CVEC(c + i * t->row + v * LANES) + sum[i][v];
    }
  }
  if (bias) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const vec x = CVEC(bias + v * LANES);
      UNROLL for (int i = 0; i < rows; i++) sum[i][v] += x;
    }
  }
  if (t->relu) {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = relu_vec(sum[i][v]);
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) VEC(c + i * t->row + v * LANES) = sum[i][v];
  }
}

typedef void Direct(const Tile *t);
#define DIRECT(R, V) \
  static void direct_beside_##R##_##V(const Tile *t) { direct(0, R, V, t); } \
  static void direct_apart_##R##_##V(const Tile *t) { direct(1, R, V, t); }
#if VECTORS == 3
#define DIRECT_ROW(R) DIRECT(R, 1) DIRECT(R, 2) DIRECT(R, 3)
#define DIRECT_ENTRY(WAY, R) {direct_##WAY##_##R##_1, direct_##WAY##_##R##_2, direct_##WAY##_##R##_3}
#else
#define DIRECT_ROW(R) DIRECT(R, 1) DIRECT(R, 2)
#define DIRECT_ENTRY(WAY, R) {direct_##WAY##_##R##_1, direct_##WAY##_##R##_2}
#endif
DIRECT_ROW(1) DIRECT_ROW(2) DIRECT_ROW(3) DIRECT_ROW(4)
#define DIRECT_FOUR(WAY) DIRECT_ENTRY(WAY, 1), DIRECT_ENTRY(WAY, 2), DIRECT_ENTRY(WAY, 3), DIRECT_ENTRY(WAY, 4)
#if ROWS > 4
DIRECT_ROW(5)
#define DIRECT_FIVE(WAY) DIRECT_FOUR(WAY), DIRECT_ENTRY(WAY, 5)
#else
#define DIRECT_FIVE DIRECT_FOUR
#endif
#if ROWS > 5
DIRECT_ROW(6)
#define DIRECT_SIX(WAY) DIRECT_FIVE(WAY), DIRECT_ENTRY(WAY, 6)
#else
#define DIRECT_SIX DIRECT_FIVE
#endif
#if ROWS > 6
DIRECT_ROW(7) DIRECT_ROW(8)
#define DIRECT_EIGHT(WAY) DIRECT_SIX(WAY), DIRECT_ENTRY(WAY, 7), DIRECT_ENTRY(WAY, 8)
#else
#define DIRECT_EIGHT DIRECT_SIX
#endif
#if ROWS > 8
DIRECT_ROW(9) DIRECT_ROW(10) DIRECT_ROW(11) DIRECT_ROW(12)
#define DIRECT_ALL(WAY) \
  DIRECT_EIGHT(WAY), DIRECT_ENTRY(WAY, 9), DIRECT_ENTRY(WAY, 10), DIRECT_ENTRY(WAY, 11), DIRECT_ENTRY(WAY, 12)
#else
#define DIRECT_ALL DIRECT_EIGHT
#endif

// By whether rows stand apart, by rows, and by vectors.
static Direct *const direct_table[2][ROWS][VECTORS] = {{DIRECT_ALL(beside)}, {DIRECT_ALL(apart)}};
