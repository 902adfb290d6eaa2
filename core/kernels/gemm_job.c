// A product from its descriptor: which way it is taken, and how it is shared among threads.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

// Below this many multiply-adds a part, waking a thread costs more than it brings.
#define PART_WORTH ((int64_t)4 << 20)

// A part is a share of the rows, or of the columns where they are more. Shares are whole tiles, so that there is nothing more to pad.
typedef struct {
  Product x;
  int dots;
  ptrdiff_t rest; // columns at the end that are taken as dots
  Panel columns; // B by columns, where the product or its last columns are taken as dots
  ptrdiff_t parts;
  char undone[THREADS_MOST]; // by part: no memory was left for the packed blocks of the thread that took it
} Job;

static ptrdiff_t share(ptrdiff_t total, ptrdiff_t tile, ptrdiff_t part, ptrdiff_t parts) {
  return smaller(total, pieces(total, tile) * part / parts * tile);
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
  else if (!room.a) j->undone[part] = 1;
  else if (by_rows && near_rows_pay(&x)) near_rows(&y, j->rest, j->columns, room.b);
  else if (!by_rows && near_columns_pay(&x)) near_columns(&y, room.b);
  else if (stream_pays(&x)) multiply_stream(&y, room);
  else multiply(&y, room);
}

static ptrdiff_t parts_worth(const Product *x) {
  const int64_t worth = (int64_t)((double)x->m * (double)x->n * (double)x->k / PART_WORTH);
  const ptrdiff_t most = thread_count();
  return worth < 2 ? 1 : worth < most ? (ptrdiff_t)worth : most;
}

static void run_job(Job *job) {
  job->parts = parts_worth(&job->x);
  if (job->parts == 1) {
    job->undone[0] = 0;
    gemm_part(job, 0);
    return;
  }
  for (ptrdiff_t part = 0; part < job->parts; part++) job->undone[part] = 0;
  parallel(job->parts, gemm_part, job);
  for (ptrdiff_t part = 0; part < job->parts; part++)
    if (job->undone[part]) gemm_part(job, part); // this thread has its memory
}

static void run(const Product *x, int way, Scratch room) {
  Job job;
  job.x = way & 1 ? turn(*x) : *x;
  job.dots = way >= DOTS, job.rest = 0;
  if (job.dots) job.columns = dot_columns(&job.x, room.b);
  run_job(&job);
}

// Few columns past the last whole vector are taken by themselves.
static int split(const Product *x, double cost, Scratch room) {
  const ptrdiff_t over = x->n % LANES;
  if (over == 0 || over > SPLIT || x->n < LANES || cost < SPLIT_COST) return 0;
  const Product whole = columns_between(*x, 0, x->n - over), rest = columns_between(*x, x->n - over, x->n);
  const Product whole_turned = turn(whole), rest_turned = turn(rest);
  double most, few;
  const int way = cheapest(&whole, &whole_turned, &most), end = cheapest(&rest, &rest_turned, &few);
  if (most + few + SPLIT_COST > cost) return 0;
  if (way == AS_IT_IS && end == DOTS && x->m >= x->n && near_rows_pay(&whole)) {
    Job job = {.x = *x, .dots = 0, .rest = over, .columns = dot_columns(&rest, room.b + ROOM_B - over * x->k)};
    run_job(&job);
    return 1;
  }
  if ((int64_t)x->m * x->k > NEAR_L2) return 0;
  run(&whole, way, room);
  run(&rest, end, room);
  return 1;
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
  if (outer_pays(&x)) {
    multiply_outer(&x);
    return GRADUS_OK;
  }
  const Product y = turn(x);
  double cost;
  const int way = cheapest(&x, &y, &cost);
  if (!split(&x, cost, room)) run(&x, way, room);
  return GRADUS_OK;
}
