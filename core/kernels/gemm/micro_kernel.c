// The micro-kernel: sums a tile of C in registers. One serves packed panels and operands that are read in place: for it they differ
// in their strides alone.
#include "gemm.h"
#include "../vector.h"

#if defined(__wasm__)
#define PREFETCHES 0
// Engines check the address of every load. So four rows of A are loaded at once and broadcast from that register, and each step has
// few loads beside its multiply-adds. There is no prefetch.
#define LANE(x, i) SHUFFLE(x, x, i, i, i, i)
INLINE vec lane(vec x, const int i) { return i == 0 ? LANE(x, 0) : i == 1 ? LANE(x, 1) : i == 2 ? LANE(x, 2) : LANE(x, 3); }

INLINE void multiply_steps(const int k_major, const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t a_stride,
                           const float *b, ptrdiff_t b_stride, Prefetch next, vec sum[MR][NR_VECTORS]) {
  (void)next;
  const int fours = k_major ? 0 : rows / 4 * 4;
  if (!k_major) a -= a_stride; // and moved on before it is read: engines know that a sum has 32 bits, of an argument they do not
  for (const float *end = b + k * b_stride; b != end; b += b_stride) {
    if (!k_major) a += a_stride;
    vec right[NR_VECTORS], four = {0};
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      if (i < fours && i % 4 == 0) four = CVEC(a + i);
      const vec left = i < fours ? lane(four, i % 4) : broadcast(k_major ? a[i * a_stride] : a[i]);
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(left, right[v], sum[i][v]);
    }
    if (k_major) a++;
  }
}
#else
#define PREFETCHES 1
// Rows of A that lie apart are reached from a pointer to every third of them: an address has room for one stride and its double.
INLINE void multiply_steps(const int k_major, const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t a_stride,
                           const float *b, ptrdiff_t b_stride, Prefetch next, vec sum[MR][NR_VECTORS]) {
  const float *third[(MR + 2) / 3];
  UNROLL for (int g = 0; g < (rows + 2) / 3; g++) third[g] = a + 3 * g * a_stride;
  for (ptrdiff_t p = 0; p < k; p++, b += b_stride, next.data += next.stride) {
    __builtin_prefetch(next.data, 0, 2); // into L2
    vec right[NR_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++) {
      const float left = k_major ? third[i / 3][i % 3 * a_stride] : a[i];
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(broadcast(left), right[v], sum[i][v]);
    }
    if (!k_major) a += a_stride;
    UNROLL for (int g = 0; g < (rows + 2) / 3; g++) third[g]++;
  }
}
#endif

#define PER_LINE (LINE / LANES)
INLINE void prefetch_c(const int rows, const int vectors, float *c, ptrdiff_t c_rs) {
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v += PER_LINE) __builtin_prefetch(c + i * c_rs + v * LANES, 1);
  }
}

INLINE void store_registers(const int rows, const int vectors, float *c, const Panel *p, vec sum[MR][NR_VECTORS]) {
  if (p->add) {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = CVEC(c + i * p->c_rs + v * LANES) + sum[i][v];
    }
  }
  if (p->bias) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const vec x = CVEC(p->bias + v * LANES);
      UNROLL for (int i = 0; i < rows; i++) sum[i][v] += x;
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) VEC(c + i * p->c_rs + v * LANES) = sum[i][v];
  }
}

// `k_major`, `rows` and `vectors` are constants wherever this is inlined, so that every loop but k's disappears. `k_major` says
// that rows of A run along k; `a_stride` is the stride of A that is not 1 then.
INLINE void micro_kernel(const int k_major, const int rows, const int vectors, const Panel *p, const float *a, ptrdiff_t a_stride,
                         float *c, Prefetch next) {
  vec sum[MR][NR_VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
  const ptrdiff_t a_step = k_major ? 1 : a_stride;
  const float *b = p->b;
  ptrdiff_t k = p->b_rows;
  if (PREFETCHES && p->c_far) {
    if (k > 2 * LATE) {
      const ptrdiff_t early = k - LATE;
      multiply_steps(k_major, rows, vectors, early, a, a_stride, b, p->b_stride, next, sum);
      a += early * a_step, b += early * p->b_stride, next.data += early * next.stride, k = LATE;
    }
    prefetch_c(rows, vectors, c, p->c_rs);
  }
  multiply_steps(k_major, rows, vectors, k, a, a_stride, b, p->b_stride, next, sum);
  if (p->b_rows < p->k) {
    a += k * a_step, next = (Prefetch){a, 0};
    multiply_steps(k_major, rows, vectors, p->k - p->b_rows, a, a_stride, p->b_edge, vectors * LANES, next, sum);
  }
  store_registers(rows, vectors, c, p, sum);
}

// One function for each size, because constant trip counts are what puts a tile into registers.
typedef void MicroKernel(const Panel *p, const float *a, ptrdiff_t a_stride, float *c, Prefetch next);
#define KERNEL(NAME, K_MAJOR, R, V) \
  static void NAME##_##R##_##V(const Panel *p, const float *a, ptrdiff_t a_stride, float *c, Prefetch next) { \
    micro_kernel(K_MAJOR, R, V, p, a, a_stride, c, next); \
  }
#if NR_VECTORS == 3
#define KERNELS_OF(NAME, K_MAJOR, R) KERNEL(NAME, K_MAJOR, R, 1) KERNEL(NAME, K_MAJOR, R, 2) KERNEL(NAME, K_MAJOR, R, 3)
#define ENTRY(NAME, R) {NAME##_##R##_1, NAME##_##R##_2, NAME##_##R##_3},
#else
#define KERNELS_OF(NAME, K_MAJOR, R) KERNEL(NAME, K_MAJOR, R, 1) KERNEL(NAME, K_MAJOR, R, 2)
#define ENTRY(NAME, R) {NAME##_##R##_1, NAME##_##R##_2},
#endif
#if defined(__wasm__) // where such rows are read in place for one vector of columns alone
#define KERNELS(R) KERNELS_OF(mn_major, 0, R) KERNEL(k_major, 1, R, 1)
#define K_MAJOR(R) {k_major_##R##_1},
#else
#define KERNELS(R) KERNELS_OF(mn_major, 0, R) KERNELS_OF(k_major, 1, R)
#define K_MAJOR(R) ENTRY(k_major, R)
#endif
#define MN_MAJOR(R) ENTRY(mn_major, R)
EACH_MR(KERNELS)

static MicroKernel *const micro_kernels[2][MR][NR_VECTORS] = {{EACH_MR(MN_MAJOR)}, {EACH_MR(K_MAJOR)}};
