// A product from its descriptor: which way it is taken, and how it is shared among threads.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

// Below this many multiply-adds a part, waking a thread costs more than it brings.
#define PART_WORTH ((int64_t)4 << 20)

// A part is a share of the rows, or of the columns where they are more. Shares are whole tiles, so that there is nothing more to pad.
typedef struct {
  Product x;
  Panel columns; // B by columns, where the product is taken as dots
  int dots;
  ptrdiff_t parts;
  char undone[THREADS_MOST]; // by part: no memory was left for the packed blocks of the thread that took it
} Job;

static ptrdiff_t share(ptrdiff_t total, ptrdiff_t tile, ptrdiff_t part, ptrdiff_t parts) {
  return smaller(total, pieces(total, tile) * part / parts * tile);
}

static Product rows_between(Product x, ptrdiff_t from, ptrdiff_t end) {
  x.m = end - from;
  x.a.data += from * x.a.across;
  x.c = c_at(&x, from, 0);
  x.bias = bias_at(x.bias, from, 0);
  return x;
}

static Product columns_between(Product x, ptrdiff_t from, ptrdiff_t end) {
  return turn(rows_between(turn(x), from, end));
}

static void gemm_part(void *job, ptrdiff_t part) {
  Job *j = job;
  const Product x = j->x;
  const Scratch room = scratch();
  const int by_rows = j->dots || x.m >= x.n;
  const ptrdiff_t total = by_rows ? x.m : x.n, tile = by_rows ? ROWS : COLS;
  const ptrdiff_t from = share(total, tile, part, j->parts), end = share(total, tile, part + 1, j->parts);
  const Product y = by_rows ? rows_between(x, from, end) : columns_between(x, from, end);
  if (j->dots) multiply_dots(&y, j->columns);
  else if (room.a) multiply(&y, room);
  else j->undone[part] = 1;
}

static ptrdiff_t parts_worth(const Product *x) {
  const int64_t worth = (int64_t)((double)x->m * (double)x->n * (double)x->k / PART_WORTH);
  const ptrdiff_t most = thread_count();
  return worth < 2 ? 1 : worth < most ? (ptrdiff_t)worth : most;
}

int32_t gradus_gemm(const int32_t *d, const float *a, const float *b, float *c, const float *bias) {
  if (!in_bounds(d)) return GRADUS_OUT_OF_BOUNDS;
  if (d[GEMM_M] == 0 || d[GEMM_N] == 0) return GRADUS_OK;
  const Scratch room = scratch();
  if (!room.a) return GRADUS_OUT_OF_MEMORY;
  const Product x = {
    d[GEMM_M], d[GEMM_K], d[GEMM_N],
    {a + d[GEMM_A_OFFSET], d[GEMM_A_ROW], d[GEMM_A_COL]},
    {b + d[GEMM_B_OFFSET], d[GEMM_B_COL], d[GEMM_B_ROW]},
    {c + d[GEMM_C_OFFSET], d[GEMM_C_ROW], d[GEMM_C_COL]},
    {d[GEMM_HAS_BIAS] ? bias + d[GEMM_BIAS_OFFSET] : NULL, 0, d[GEMM_BIAS_STRIDE]},
    d[GEMM_BETA],
    d[GEMM_ACTIVATION],
  };
  const Product y = turn(x);
  Job job = {.x = x, .dots = 1, .parts = parts_worth(&x)};
  if (dots_pay(&x)) job.columns = dot_columns(&x, room.b);
  else if (dots_pay(&y)) job.x = y, job.columns = dot_columns(&y, room.b);
  else job.x = turned(&x) ? y : x, job.dots = 0;
  parallel(job.parts, gemm_part, &job);
  for (ptrdiff_t part = 0; part < job.parts; part++)
    if (job.undone[part]) gemm_part(&job, part); // this thread has its memory
  return GRADUS_OK;
}
