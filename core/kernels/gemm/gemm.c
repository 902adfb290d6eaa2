// The entry: a product's descriptor is checked, the cheapest variant chosen, and the work shared among threads.
#include "gemm.h"

// Whether all elements of a matrix lie in its buffer; strides may be negative or 0. TypeScript has checked this already: nothing
// that a caller gets wrong may become memory corruption.
static int matrix_fits(const int32_t *at, ptrdiff_t rows, ptrdiff_t cols) {
  if (rows == 0 || cols == 0) return 1;
  const int64_t down = (int64_t)(rows - 1) * at[1], right = (int64_t)(cols - 1) * at[2];
  const int64_t low = at[0] + (down < 0 ? down : 0) + (right < 0 ? right : 0);
  const int64_t high = at[0] + (down > 0 ? down : 0) + (right > 0 ? right : 0);
  return low >= 0 && high < at[3];
}

static int product_fits(const int32_t *d) {
  const ptrdiff_t m = d[GEMM_M], k = d[GEMM_K], n = d[GEMM_N];
  if (m < 0 || k < 0 || n < 0 || d[GEMM_ACTIVATION] < ACTIVATION_NONE || d[GEMM_ACTIVATION] >= ACTIVATION_COUNT) return 0;
  const int32_t bias[4] = {d[GEMM_BIAS_OFFSET], 0, d[GEMM_BIAS_STRIDE], d[GEMM_BIAS_LENGTH]};
  return matrix_fits(d + GEMM_A_OFFSET, m, k) && matrix_fits(d + GEMM_B_OFFSET, k, n) && matrix_fits(d + GEMM_C_OFFSET, m, n) &&
         (!d[GEMM_HAS_BIAS] || matrix_fits(bias, 1, n));
}

// Costs are in multiply-adds of a vector; the weights were found by measuring.

INLINE double cost_of_packing(Operand s, double elements) {
  return elements * (s.mn_stride == 1 ? 2.0 / LANES : s.k_stride == 1 ? 4.0 / LANES : 2);
}

// For each element of C whose columns lie apart: store_columns() takes four rows at a time, and single ones one element after
// another.
#define COST_OF_TRANSPOSING (MR % 4 ? 2.5 : 0.6)

// Lanes run along the columns of C. A single row waits for the latency of its sums.
INLINE double cost_of_tiles(const Product *x) {
  const double m = (double)x->m, n = (double)x->n, k = (double)x->k, vectors = (double)ceil_div(x->n, LANES);
  const double packing = x->b.mn_stride == 1 && (x->n % LANES == 0 || x->m <= 2 * MR) ? 0 : cost_of_packing(x->b, n * k);
  const double storing = x->c.cs == 1 ? 0.1 : COST_OF_TRANSPOSING;
  return (m < 2 ? 2 : m) * vectors * k + packing + storing * m * n;
}

// Lanes run along k, as the rows of A must; columns of B are transposed where they do not.
INLINE double cost_of_dots(const Product *x) {
  const double m = (double)x->m, n = (double)x->n, k = (double)x->k;
  if (x->a.k_stride != 1 || n > DOT_WIDE || n * k > WORKSPACE_B) return 1e300;
  const double transposing = x->b.k_stride == 1 ? 0 : x->b.mn_stride == 1 ? n * k * 8 / LANES : n * k * 2;
  return m * n * ((double)ceil_div(x->k, LANES) + 6) + transposing;
}

// Tiles or dot products, of the product as it is or of the transposed one.
enum { TILES, TILES_TRANSPOSED, DOTS, DOTS_TRANSPOSED, VARIANTS };

static int cheapest(const Product *x, double *cost) {
  const Product y = transposed(x);
  const double costs[VARIANTS] = {cost_of_tiles(x), cost_of_tiles(&y), cost_of_dots(x), cost_of_dots(&y)};
  int best = TILES;
  for (int variant = TILES_TRANSPOSED; variant < VARIANTS; variant++)
    if (costs[variant] < costs[best]) best = variant;
  *cost = costs[best];
  return best;
}

// Whether the micro-kernel may read A where it stands.
static int a_in_place(const Product *x) {
  return x->a.k_stride == 1 ? x->a.mn_stride % L1_ALIAS != 0 : x->a.mn_stride == 1 && x->k * x->a.k_stride <= A_SPAN;
}

// Whether it pays to read A, whose rows run along k, in place once for each block of B.
static int a_passes_blocks(const Product *x) {
  return x->a.k_stride == 1 && x->m >= 2 * MC && x->k <= PASSING_K && (int64_t)x->m * x->k <= PASSING_FLOATS;
}

// If the work is shared by rows, B, or one block of it after another, may stay in L2 while A passes; if by columns, A may stay.
static void choose_blocking(Blocking *by, const Product *x, int by_rows) {
  const ptrdiff_t k = min(x->k, KC), nr = k < SHORT_K ? LANES : NR, spread = k * x->b.k_stride > B_SPAN;
  const int in_place = L2_FLOATS > 0 && a_in_place(x);
  const ptrdiff_t nc = min(k ? L2_FLOATS / k : NC, 64 * LANES);
  if (by_rows && in_place && ((x->k <= KC && x->n <= nc && (x->n + LANES) * k <= L2_FLOATS) || a_passes_blocks(x))) {
    *by = (Blocking){.mc = MR, .kc = KC, .nc = nc, .nr = nr, .a_passes = 1, .pack_b = spread};
    return;
  }
  if (!by_rows && in_place && x->k <= KC && x->m * x->k <= L2_FLOATS) {
    *by = (Blocking){.mc = x->m, .kc = KC, .nc = NC, .nr = nr, .pack_b = spread};
    return;
  }
  // With few columns A is read too rarely to be packed, if its rows lie side by side as packing would lay them, or if a single
  // vector of columns is all.
  const int a_rare = (x->a.mn_stride == 1 && x->n <= 4 * NR) || (x->a.k_stride == 1 && x->n <= LANES);
  *by = (Blocking){.mc = MC, .kc = KC, .nc = NC, .nr = NR, .pack_a = !a_rare, .pack_b = L2_FLOATS == 0 || x->m > MC || spread};
}

// Below this many multiply-adds a part, waking a thread costs more than it brings.
#define PART_WORTH ((int64_t)4 << 20)

// Parts are shares of the rows, or of the columns where there are more of these. They are whole tiles, so that no edges are added.
typedef struct {
  Product x;
  int by_rows;
  int dots; // whether all of it is dot products, with these columns of B; else it is cut by `blocking`
  Operand columns;
  Blocking blocking;
  ptrdiff_t parts;
  char undone[THREADS_MOST]; // by part: no memory was left for the workspace of the thread that took it
} Job;

static ptrdiff_t share(ptrdiff_t total, ptrdiff_t tile, ptrdiff_t part, ptrdiff_t parts) {
  return min(total, part_begin(ceil_div(total, tile), part, parts) * tile);
}

static void multiply_part(Job *j, ptrdiff_t part, const Product *x) {
  const Workspace w = workspace();
  if (j->dots) multiply_dots(x, j->columns);
  else if (!w.a) j->undone[part] = 1;
  else multiply(x, &j->blocking, w);
}

static void gemm_part(void *job, ptrdiff_t part) {
  Job *j = job;
  const Product *x = &j->x;
  const ptrdiff_t total = j->by_rows ? x->m : x->n, tile = j->by_rows ? MR : NR;
  const ptrdiff_t from = share(total, tile, part, j->parts), end = share(total, tile, part + 1, j->parts);
  if (from == end) return; // there are fewer tiles than parts
  const Product y = j->by_rows ? rows_between(x, from, end) : columns_between(x, from, end);
  multiply_part(j, part, &y);
}

static ptrdiff_t parts_worth(const Product *x) {
  const int64_t worth = (int64_t)((double)x->m * (double)x->n * (double)x->k / PART_WORTH);
  const ptrdiff_t most = thread_count();
  return worth < 2 ? 1 : worth < most ? (ptrdiff_t)worth : most;
}

static void run_job(Job *job) {
  job->parts = parts_worth(&job->x);
  if (job->parts == 1) return multiply_part(job, 0, &job->x);
  for (ptrdiff_t part = 0; part < job->parts; part++) job->undone[part] = 0;
  parallel(job->parts, gemm_part, job);
  for (ptrdiff_t part = 0; part < job->parts; part++)
    if (job->undone[part]) gemm_part(job, part); // this thread has its memory
}

static void run(const Product *x, int variant, Workspace w) {
  Job job;
  job.x = variant == TILES_TRANSPOSED || variant == DOTS_TRANSPOSED ? transposed(x) : *x;
  job.dots = variant >= DOTS;
  job.by_rows = job.dots || job.x.m >= job.x.n;
  if (job.dots) job.columns = dot_columns(&job.x, w.b);
  else choose_blocking(&job.blocking, &job.x, job.by_rows);
  run_job(&job);
}

// Takes a few columns past the last whole vector by themselves, if that is cheaper. As dot products with rows of A that pass
// anyway, they are taken along with the tiles.
static int split(const Product *x, double cost, Workspace w) {
  const ptrdiff_t over = x->n % LANES;
  if (over == 0 || over > SPLIT || x->n < LANES || cost < SPLIT_COST) return 0;
  const Product whole = columns_between(x, 0, x->n - over), rest = columns_between(x, x->n - over, x->n);
  double cost_of_whole, cost_of_rest;
  const int variant = cheapest(&whole, &cost_of_whole), variant_of_rest = cheapest(&rest, &cost_of_rest);
  if (cost_of_whole + cost_of_rest + SPLIT_COST > cost) return 0;
  if (variant == TILES && variant_of_rest == DOTS && x->m >= x->n) {
    Job job = {.x = *x, .by_rows = 1};
    choose_blocking(&job.blocking, &whole, 1);
    if (job.blocking.a_passes && x->k <= job.blocking.kc && x->n <= job.blocking.nc) {
      job.blocking.dot_columns = over;
      // Not at the very end: a vector that reaches past it, into a page that was never touched, is slow even where it is masked.
      job.blocking.dot_b = dot_columns(&rest, w.b + WORKSPACE_B - over * x->k - LANES);
      run_job(&job);
      return 1;
    }
  }
  if ((int64_t)x->m * x->k > L2_FLOATS) return 0;
  run(&whole, variant, w);
  run(&rest, variant_of_rest, w);
  return 1;
}

// By the cheapest variant, with this thread's workspace.
static void multiply_product(const Product *x, Workspace w) {
  if (outer_pays(x)) {
    multiply_outer(x, w.b);
    return;
  }
  double cost;
  const int variant = cheapest(x, &cost);
  if (!split(x, cost, w)) run(x, variant, w);
}

int32_t gradus_gemm(const int32_t *d, const float *a, const float *b, float *c, const float *bias) {
  if (!product_fits(d)) return GRADUS_OUT_OF_BOUNDS;
  if (d[GEMM_M] == 0 || d[GEMM_N] == 0) return GRADUS_OK;
  const Workspace w = workspace();
  if (!w.a) return GRADUS_OUT_OF_MEMORY;
  const Product x = {
    d[GEMM_M], d[GEMM_K], d[GEMM_N],
    {a + d[GEMM_A_OFFSET], d[GEMM_A_RS], d[GEMM_A_CS]},
    {b + d[GEMM_B_OFFSET], d[GEMM_B_CS], d[GEMM_B_RS]},
    {c + d[GEMM_C_OFFSET], d[GEMM_C_RS], d[GEMM_C_CS]},
    {d[GEMM_HAS_BIAS] ? bias + d[GEMM_BIAS_OFFSET] : NULL, 0, d[GEMM_BIAS_STRIDE]},
    d[GEMM_BETA],
    d[GEMM_ACTIVATION],
  };
  multiply_product(&x, w);
  return GRADUS_OK;
}
