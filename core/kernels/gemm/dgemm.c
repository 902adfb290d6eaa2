// Products of float64, which BLAS calls dgemm, by the five loops of loops.c around a micro-kernel of their own. Vectors hold half as many
// numbers, so that half as many steps of k make blocks of as many bytes. There is one way for all sizes and strides: A is packed, and so
// is B but where it stands as it would be packed and is read too rarely. A tile that is not whole goes through a small one of its own.
#include "gemm.h"
#include "../vector.h"

#define LANES64 (LANES / 2)
#define NR64 (LANES64 * NR_VECTORS)
#define KC64 (KC / 2)

typedef double vec64 __attribute__((vector_size(LANES * 4), aligned(8), may_alias));
#define VEC64(p) (*(vec64 *)(p))
#define CVEC64(p) (*(const vec64 *)(p))

typedef struct {
  const double *data;
  ptrdiff_t mn_stride, k_stride;
} Operand64;

// C = A·B + bias, or C + A·B + bias where `add` is set. One value of the bias a row and column; `bias` is NULL where there is none.
typedef struct {
  ptrdiff_t m, k, n;
  Operand64 a, b;
  double *c;
  ptrdiff_t c_rs, c_cs;
  const double *bias;
  ptrdiff_t bias_rs, bias_cs;
  int add;
} Product64;

// In one instruction, always, as multiply_add() does.
#if defined(__AVX512F__) && LANES == 16
INLINE vec64 multiply_add64(vec64 x, vec64 y, vec64 sum) { return (vec64)_mm512_fmadd_pd((__m512d)x, (__m512d)y, (__m512d)sum); }
#elif defined(__FMA__) && LANES == 8
INLINE vec64 multiply_add64(vec64 x, vec64 y, vec64 sum) { return (vec64)_mm256_fmadd_pd((__m256d)x, (__m256d)y, (__m256d)sum); }
#else
INLINE vec64 multiply_add64(vec64 x, vec64 y, vec64 sum) { return x * y + sum; }
#endif

// Four rows of four, as four columns.
typedef double quad64 __attribute__((vector_size(32), aligned(8), may_alias));
#define QUAD64(p) (*(quad64 *)(p))
#define CQUAD64(p) (*(const quad64 *)(p))
#if defined(__clang__)
#define SHUFFLE64(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d)
#else
typedef int64_t quad64_index __attribute__((vector_size(32)));
#define SHUFFLE64(x, y, a, b, c, d) __builtin_shuffle(x, y, (quad64_index){a, b, c, d})
#endif
INLINE void transpose64_4x4(const double *from, ptrdiff_t stride, double *to, ptrdiff_t ld) {
  const quad64 x0 = CQUAD64(from), x1 = CQUAD64(from + stride), x2 = CQUAD64(from + 2 * stride), x3 = CQUAD64(from + 3 * stride);
  const quad64 even01 = SHUFFLE64(x0, x1, 0, 4, 2, 6), odd01 = SHUFFLE64(x0, x1, 1, 5, 3, 7);
  const quad64 even23 = SHUFFLE64(x2, x3, 0, 4, 2, 6), odd23 = SHUFFLE64(x2, x3, 1, 5, 3, 7);
  QUAD64(to) = SHUFFLE64(even01, even23, 0, 1, 4, 5), QUAD64(to + ld) = SHUFFLE64(odd01, odd23, 0, 1, 4, 5);
  QUAD64(to + 2 * ld) = SHUFFLE64(even01, even23, 2, 3, 6, 7), QUAD64(to + 3 * ld) = SHUFFLE64(odd01, odd23, 2, 3, 6, 7);
}

// `there` rows of A or columns of B, padded with zeros to `ld`, in each of which a step of k follows the other.
static void pack64(Operand64 s, ptrdiff_t k, int there, int ld, double *to) {
  int j = 0;
  if (s.mn_stride == 1 && there == NR64) { // of constant size, for the compiler
    for (ptrdiff_t p = 0; p < k; p++) __builtin_memcpy(to + p * ld, s.data + p * s.k_stride, NR64 * sizeof(double));
    j = there;
  } else if (s.mn_stride == 1) {
    for (ptrdiff_t p = 0; p < k; p++)
      for (int q = 0; q < there; q++) to[p * ld + q] = s.data[p * s.k_stride + q];
    j = there;
  }
  for (; s.k_stride == 1 && j + 4 <= there; j += 4) {
    const double *from = s.data + j * s.mn_stride;
    ptrdiff_t p = 0;
    for (; p + 4 <= k; p += 4) transpose64_4x4(from + p, s.mn_stride, to + p * ld + j, ld);
    for (; p < k; p++)
      for (int q = 0; q < 4; q++) to[p * ld + j + q] = from[q * s.mn_stride + p];
  }
  for (; j < ld; j++)
    for (ptrdiff_t p = 0; p < k; p++) to[p * ld + j] = j < there ? s.data[j * s.mn_stride + p * s.k_stride] : 0;
}

// `rows` and `vectors` are constants wherever this is inlined. Steps of A, which is packed, are `rows` apart.
INLINE void micro_kernel64(const int rows, const int vectors, ptrdiff_t k, const double *a, const double *b, ptrdiff_t b_stride, double *c, ptrdiff_t c_rs, int add) {
  vec64 sum[MR][NR_VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = (vec64){0};
  }
  for (ptrdiff_t p = 0; p < k; p++, a += rows, b += b_stride) {
    vec64 right[NR_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = CVEC64(b + v * LANES64);
    UNROLL for (int i = 0; i < rows; i++) {
      const vec64 left = a[i] - (vec64){0};
      UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add64(left, right[v], sum[i][v]);
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      double *to = c + i * c_rs + v * LANES64;
      if (add) sum[i][v] = CVEC64(to) + sum[i][v];
      VEC64(to) = sum[i][v];
    }
  }
}

// One function for each number of rows, for a whole tile and for one vector of columns.
typedef void MicroKernel64(ptrdiff_t k, const double *a, const double *b, ptrdiff_t b_stride, double *c, ptrdiff_t c_rs, int add);
#define KERNEL64(R, V) \
  static void micro_kernel64_##R##_##V(ptrdiff_t k, const double *a, const double *b, ptrdiff_t b_stride, double *c, ptrdiff_t c_rs, int add) { \
    micro_kernel64(R, V ? NR_VECTORS : 1, k, a, b, b_stride, c, c_rs, add); \
  }
#define KERNELS64(R) KERNEL64(R, 0) KERNEL64(R, 1)
#define ENTRY64(R) {micro_kernel64_##R##_0, micro_kernel64_##R##_1},
EACH_MR(KERNELS64)
static MicroKernel64 *const micro_kernels64[MR][2] = {EACH_MR(ENTRY64)};

static void store_tile64(const double *tile, ptrdiff_t rows, ptrdiff_t cols, const Product64 *x, ptrdiff_t i, ptrdiff_t j) {
  const double *bias = x->bias ? x->bias + i * x->bias_rs + j * x->bias_cs : NULL;
  for (ptrdiff_t row = 0; row < rows; row++, tile += NR64) {
    for (ptrdiff_t col = 0; col < cols; col++) {
      double *to = x->c + (i + row) * x->c_rs + (j + col) * x->c_cs;
      double sum = x->add ? *to + tile[col] : tile[col];
      if (bias) sum += bias[row * x->bias_rs + col * x->bias_cs];
      *to = sum;
    }
  }
}

// Columns [j, j + cols) of B: where they stand, or packed.
typedef struct {
  const double *data;
  ptrdiff_t stride;
} Panel64;

// Few rows pass B, which is left where it stands then if it is as wide as the tile.
static Panel64 make_panel64(const Product64 *x, ptrdiff_t j, int cols, double *to) {
  const double *from = x->b.data + j * x->b.mn_stride;
  if (x->m <= 3 * MR && x->b.mn_stride == 1 && cols == NR64) return (Panel64){from, x->b.k_stride};
  pack64((Operand64){from, x->b.mn_stride, x->b.k_stride}, x->k, cols, NR64, to);
  return (Panel64){to, NR64};
}

// A block of columns and of k. Panels of B are packed when the first block of rows needs them, and kept for the others.
static void multiply_block64(const Product64 *x, double *w_a, double *w_b) {
  Panel64 panels[NC / LANES64];
  double tile[MR * NR64];
  const Parts blocks = even_parts(x->m, MC);
  for (ptrdiff_t block = 0, i = 0, m; block < blocks.count; block++, i += m) {
    m = part_size(blocks, block);
    const Parts rows = even_parts(m, MR);
    double *a = w_a;
    for (ptrdiff_t q = 0, row = i; q < rows.count; q++) {
      const int count = (int)part_size(rows, q);
      pack64((Operand64){x->a.data + row * x->a.mn_stride, x->a.mn_stride, x->a.k_stride}, x->k, count, count, a);
      row += count, a += count * x->k;
    }
    for (ptrdiff_t j = 0; j < x->n; j += NR64) {
      const int cols = (int)min(NR64, x->n - j), straight = (cols == NR64 || cols == LANES64) && x->c_cs == 1 && !x->bias;
      Panel64 *b = &panels[j / NR64];
      if (block == 0) *b = make_panel64(x, j, cols, w_b + j * x->k);
      a = w_a;
      for (ptrdiff_t q = 0, row = i; q < rows.count; q++) {
        const ptrdiff_t count = part_size(rows, q);
        MicroKernel64 *kernel = micro_kernels64[count - 1][cols > LANES64];
        if (straight) {
          kernel(x->k, a, b->data, b->stride, x->c + row * x->c_rs + j, x->c_rs, x->add);
        } else {
          kernel(x->k, a, b->data, b->stride, tile, NR64, 0);
          store_tile64(tile, count, cols, x, row, j);
        }
        row += count, a += count * x->k;
      }
    }
  }
}

// All parts of k but the first add to C, and the bias waits for the last.
static void multiply64(const Product64 *x, Workspace w) {
  const Parts depth = even_parts(x->k, KC64);
  for (ptrdiff_t j = 0; j < x->n; j += NC) {
    for (ptrdiff_t part = 0, p = 0; part < depth.count; p += part_size(depth, part), part++) {
      Product64 y = *x;
      y.n = min(NC, x->n - j), y.k = part_size(depth, part), y.add = x->add || part > 0;
      y.a.data += p * x->a.k_stride, y.b.data += p * x->b.k_stride + j * x->b.mn_stride, y.c += j * x->c_cs;
      if (part + 1 < depth.count) y.bias = NULL;
      else if (y.bias) y.bias += j * x->bias_cs;
      multiply_block64(&y, (double *)w.a, (double *)w.b);
    }
  }
}

// Parts are shares of the rows, or of the columns where there are more of these, in whole tiles.
typedef struct {
  Product64 x;
  ptrdiff_t parts;
  char undone[THREADS_MOST]; // by part: no memory was left for the workspace of the thread that took it
} Job64;

static void part64(void *job, ptrdiff_t part) {
  Job64 *j = job;
  Product64 x = j->x;
  const int by_rows = x.m >= x.n;
  const ptrdiff_t total = by_rows ? x.m : x.n, tile = by_rows ? MR : NR64;
  const ptrdiff_t from = share(total, tile, part, j->parts), end = share(total, tile, part + 1, j->parts);
  if (from == end) return;
  if (by_rows) x.m = end - from, x.a.data += from * x.a.mn_stride, x.c += from * x.c_rs;
  else x.n = end - from, x.b.data += from * x.b.mn_stride, x.c += from * x.c_cs;
  if (x.bias) x.bias += from * (by_rows ? x.bias_rs : x.bias_cs);
  const Workspace w = workspace();
  if (w.a) multiply64(&x, w);
  else j->undone[part] = 1;
}

// The transposed product, of the same operands in the other order, has its columns side by side where this one has its rows so.
static Product64 transposed64(const Product64 *x) {
  return (Product64){x->n, x->k, x->m, x->b, x->a, x->c, x->c_cs, x->c_rs, x->bias, x->bias_cs, x->bias_rs, x->add};
}

int32_t gradus_dgemm(const int32_t *d, const double *a, const double *b, double *c, const double *bias) {
  if (!product_fits(d) || d[GEMM_ACTIVATION] != ACTIVATION_NONE) return GRADUS_OUT_OF_BOUNDS;
  if (d[GEMM_M] == 0 || d[GEMM_N] == 0) return GRADUS_OK;
  if (!workspace().a) return GRADUS_OUT_OF_MEMORY;
  Job64 job = {.x = {
    d[GEMM_M], d[GEMM_K], d[GEMM_N],
    {a + d[GEMM_A_OFFSET], d[GEMM_A_RS], d[GEMM_A_CS]},
    {b + d[GEMM_B_OFFSET], d[GEMM_B_CS], d[GEMM_B_RS]},
    c + d[GEMM_C_OFFSET], d[GEMM_C_RS], d[GEMM_C_CS],
    d[GEMM_HAS_BIAS] ? bias + d[GEMM_BIAS_OFFSET] : NULL, 0, d[GEMM_BIAS_STRIDE],
    d[GEMM_BETA],
  }};
  if (job.x.c_cs != 1 && job.x.c_rs == 1) job.x = transposed64(&job.x);
  const int64_t worth = (int64_t)((double)job.x.m * (double)job.x.n * (double)job.x.k * 2 / PART_WORTH);
  job.parts = worth < 2 ? 1 : min((ptrdiff_t)min(worth, THREADS_MOST), thread_count());
  parallel(job.parts, part64, &job);
  for (ptrdiff_t part = 0; part < job.parts; part++)
    if (job.undone[part]) job.undone[part] = 0, part64(&job, part); // this thread has its memory
  return GRADUS_OK;
}
