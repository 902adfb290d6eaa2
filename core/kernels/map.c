// out = op(x) over any strides: dense runs go straight through map_run, others in blocks, and a transposed copy in squares.
#include "vector.h"

static void map_strided(Map f, ptrdiff_t n, const float *x, ptrdiff_t step, float *out, ptrdiff_t to) {
  if (step == 1 && to == 1) return map_run(f, n, x, out);
  float block[BLOCK];
  for (ptrdiff_t i = 0; i < n; i += BLOCK) {
    const ptrdiff_t part = n - i < BLOCK ? n - i : BLOCK;
    const float *from = gathered(x + i * step, step, part, block);
    if (to == 1) {
      map_run(f, part, from, out + i);
    } else {
      map_run(f, part, from, block);
      scatter(block, out + i * to, to, part);
    }
  }
}

// A run of any kinds that map_kinds lets through.
static void map_row(const int32_t *d, Map f, ptrdiff_t n, const void *x, ptrdiff_t at, ptrdiff_t step, void *out, ptrdiff_t to,
                    ptrdiff_t out_step) {
  const float *floats = (const float *)x + at;
  if (f.op == OP_NOT) floats_to_not(n, floats, step, (uint8_t *)out + to, out_step);
  else if (d[MAP_X_KIND] == d[MAP_OUT_KIND]) map_strided(f, n, floats, step, (float *)out + to, out_step);
  else if (d[MAP_X_KIND] == KIND_UINT8) bytes_to_floats(n, (const uint8_t *)x + at, step, (float *)out + to, out_step);
  else if (d[MAP_X_KIND] == KIND_INT32) whole_to_floats(n, (const int32_t *)x + at, step, (float *)out + to, out_step);
  else floats_to_whole(n, floats, step, (int32_t *)out + to, out_step);
}

// int32 to int32 is a copy of four bytes each, as is float32 to float32.
static int map_kinds(int op, int x, int out) {
  if (op == OP_NOT) return x == KIND_FLOAT32 && out == KIND_UINT8;
  if (op != OP_COPY) return op > OP_COPY && op < OP_MAP_COUNT && x == KIND_FLOAT32 && out == KIND_FLOAT32;
  if (x == KIND_UINT8) return out == KIND_FLOAT32;
  return (x == KIND_INT32 || x == KIND_FLOAT32) && (out == KIND_INT32 || out == KIND_FLOAT32);
}

// One long run is shared out in parts of fixed size.
#define RUN_PART ((ptrdiff_t)1 << 16)

typedef struct {
  const int32_t *d;
  Map f;
  const void *x;
  void *out;
} MapRun;

static void map_part(void *job, ptrdiff_t part) {
  const MapRun *r = job;
  const int32_t *d = r->d;
  const ptrdiff_t from = part * RUN_PART, n = smaller(RUN_PART, d[MAP_SIZES] - from), step = d[MAP_X_STRIDES], to = d[MAP_OUT_STRIDES];
  map_row(d, r->f, n, r->x, d[MAP_X_OFFSET] + from * step, step, r->out, d[MAP_OUT_OFFSET] + from * to, to);
}

static int map_fits(const int32_t *d) {
  return walk_fits(d[MAP_RANK], d + MAP_SIZES, d + MAP_X_STRIDES, d[MAP_X_OFFSET], d[MAP_X_LENGTH]) &&
         walk_fits(d[MAP_RANK], d + MAP_SIZES, d + MAP_OUT_STRIDES, d[MAP_OUT_OFFSET], d[MAP_OUT_LENGTH]);
}

static void map_walk(const int32_t *d, Map f, const void *x, void *out) {
  const int rank = d[MAP_RANK], inner = rank - 1;
  const int32_t *sizes = d + MAP_SIZES, *strides[2] = {d + MAP_X_STRIDES, d + MAP_OUT_STRIDES};
  const int step = strides[0][inner], to = strides[1][inner];
  const int turned = rank > 1 && f.op == OP_COPY && d[MAP_X_KIND] != KIND_UINT8 && d[MAP_X_KIND] == d[MAP_OUT_KIND] && to == 1 &&
                     step != 1 && strides[0][inner - 1] == 1;
  ptrdiff_t at[2] = {d[MAP_X_OFFSET], d[MAP_OUT_OFFSET]};
  int32_t count[WALK_RANK] = {0};
  do {
    if (turned) copy_turned(sizes[inner - 1], sizes[inner], (const float *)x + at[0], step, (float *)out + at[1], strides[1][inner - 1]);
    else map_row(d, f, sizes[inner], x, at[0], step, out, at[1], to);
  } while (walk_next(turned ? inner - 1 : inner, sizes, count, 2, strides, at));
}

int32_t gradus_map(const int32_t *d, const void *x, void *out) {
  const int state = walk_state(d[MAP_RANK], d + MAP_SIZES);
  if (state < 0 || !map_kinds(d[MAP_OP], d[MAP_X_KIND], d[MAP_OUT_KIND])) return GRADUS_OUT_OF_BOUNDS;
  if (state == 0) return GRADUS_OK;
  if (!map_fits(d)) return GRADUS_OUT_OF_BOUNDS;
  MapRun run = {d, {.op = d[MAP_OP]}, x, out};
  __builtin_memcpy(&run.f.low, d + MAP_LOW, sizeof run.f.low);
  __builtin_memcpy(&run.f.high, d + MAP_HIGH, sizeof run.f.high);
  if (d[MAP_RANK] == 1) parallel(pieces(d[MAP_SIZES], RUN_PART), map_part, &run);
  else map_walk(d, run.f, x, out);
  return GRADUS_OK;
}
