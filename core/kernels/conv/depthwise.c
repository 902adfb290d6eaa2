// Depthwise convolutions: each channel of the result sees one channel of the source. Whole planes are copied into a frame of zeros, so
// that every tap of every result lies in the copy; lanes are pixels, and rows of a tile are lines below each other, which share each weight.
#include "conv.h"
#include "../vector.h"

#define DEPTHWISE_TAPS 128 // in a kernel, all phases together
#define LINES_MOST 6       // of results in a tile

typedef struct {
  const Phase *phase;
  int phases;
  const Correlation *x; // that of the first phase
  Layout layout;
  ptrdiff_t shares, together; // phases that are stored together
  int padded;
  char special[SHARES_MOST];
} Planes;

// A tile of `rows` lines and one vector of pixels.
INLINE void depthwise_tile(const int rows, ptrdiff_t taps, const ptrdiff_t *at, const float *weights, const float *in, ptrdiff_t line, float *to) {
  vec sum[LINES_MOST];
  UNROLL for (int i = 0; i < rows; i++) sum[i] = (vec){0};
  for (ptrdiff_t k = 0; k < taps; k++) {
    const vec w = broadcast(weights[k]);
    const float *from = in + at[k];
    UNROLL for (int i = 0; i < rows; i++) sum[i] = multiply_add(w, CVEC(from + i * line), sum[i]);
  }
  UNROLL for (int i = 0; i < rows; i++) VEC(to + i * LANES) = sum[i];
}

typedef void DepthwiseTile(ptrdiff_t taps, const ptrdiff_t *at, const float *weights, const float *in, ptrdiff_t line, float *to);
#define DEPTHWISE_TILE(R) \
  static void depthwise_tile_##R(ptrdiff_t taps, const ptrdiff_t *at, const float *weights, const float *in, ptrdiff_t line, float *to) { \
    depthwise_tile(R, taps, at, weights, in, line, to); \
  }
MR_6(DEPTHWISE_TILE)
#define DEPTHWISE_ENTRY(R) depthwise_tile_##R,
static DepthwiseTile *const depthwise_tiles[LINES_MOST] = {MR_6(DEPTHWISE_ENTRY)};

// Bias and activation of a tile.
static void finish_lines(const Correlation *x, float *tile, ptrdiff_t rows, float shift) {
  for (ptrdiff_t i = 0; i < rows; i++) VEC(tile + i * LANES) = CVEC(tile + i * LANES) + broadcast(shift);
  if (x->activation) activate(x->activation, 1, rows * LANES, (Matrix){tile, 0, 1});
}

static void store_lines(const Correlation *x, const float *tile, ptrdiff_t rows, ptrdiff_t count, float *to) {
  const ptrdiff_t step = x->axis[2].out, line = x->axis[1].out;
  for (ptrdiff_t i = 0; i < rows; i++, tile += LANES, to += line) {
    if (step != 1) scatter(tile, to, step, count);
    else if (count == LANES) VEC(to) = CVEC(tile);
    else store_partial(to, CVEC(tile), count);
  }
}

// Two phases that take turns in a row: `count` results of both together.
static void store_turns(const Correlation *x, const float *even, const float *odd, ptrdiff_t rows, ptrdiff_t count, float *to) {
  for (ptrdiff_t i = 0; i < rows; i++, even += LANES, odd += LANES, to += x->axis[1].out) {
    const vec low = TURNS_LOW(CVEC(even), CVEC(odd)), high = TURNS_HIGH(CVEC(even), CVEC(odd));
    if (count < LANES) {
      store_partial(to, low, count);
      continue;
    }
    VEC(to) = low;
    if (count == 2 * LANES) VEC(to + LANES) = high;
    else store_partial(to + LANES, high, count - LANES);
  }
}

static void gather_taps(const Correlation *x, const float *w, float *to) {
  const Axis *a = x->axis;
  for (ptrdiff_t r = 0; r < a[1].taps; r++)
    for (ptrdiff_t s = 0; s < a[2].taps; s++) *to++ = w[r * a[1].weight + s * a[2].weight];
}

// The results of one plane: of one phase, or of two that take turns in each row.
static void depthwise_plane(const Planes *p, const Phase *f, ptrdiff_t image, ptrdiff_t group, const float *copy) {
  const Correlation *x = &f->x;
  const Axis *rows = &x->axis[1], *columns = &x->axis[2];
  const ptrdiff_t line = p->layout.step[1] * p->layout.pitch, taps = taps_of(x), together = p->together;
  float *out = x->out + image * x->axis[0].out + group * x->out_group;
  const float shift = x->bias ? x->bias[group * x->bias_group] : -0.0f;
  float weights[DEPTHWISE_TAPS], tile[2][LINES_MOST * LANES];
  ptrdiff_t counts = 0;
  for (ptrdiff_t t = 0; t < together; t++) {
    gather_taps(&f[t].x, f[t].x.w + group * x->w_group, weights + t * taps);
    counts += f[t].x.axis[2].size;
  }
  const Parts parts = even_parts(rows->size, LINES_MOST);
  for (ptrdiff_t q = 0, j = 0, lines; q < parts.count; q++, j += lines) {
    lines = part_size(parts, q);
    for (ptrdiff_t v = 0; lines && v < columns->size; v += LANES) {
      float *const to = out + j * rows->out + v * columns->out;
      for (ptrdiff_t t = 0; t < together; t++) {
        depthwise_tiles[lines - 1](taps_of(&f[t].x), f[t].in_at, weights + t * taps, copy + j * line + v, line, tile[t]);
        finish_lines(x, tile[t], lines, shift);
      }
      if (together == 1) store_lines(x, tile[0], lines, min(LANES, columns->size - v), to);
      else store_turns(x, tile[0], tile[1], lines, min(2 * LANES, counts - 2 * v), to);
    }
  }
}

static Block whole_plane(const Planes *p, ptrdiff_t image) {
  return (Block){{image, 0, 0}, {1, p->x->axis[1].size, p->x->axis[2].size}};
}

static void depthwise_share(void *job, ptrdiff_t share, const Room *room) {
  Planes *p = job;
  const ptrdiff_t images = p->x->axis[0].size, units = images * p->x->groups;
  int cleared = 0;
  for (ptrdiff_t unit = part_begin(units, share, p->shares); unit < part_begin(units, share + 1, p->shares); unit++) {
    const ptrdiff_t image = unit / p->x->groups, group = unit % p->x->groups;
    const Block b = whole_plane(p, image);
    copy_block(p->x, &p->layout, &b, group, 0, room->copy, &cleared);
    for (int f = 0; f < p->phases; f += (int)p->together) depthwise_plane(p, &p->phase[f], image, group, room->copy);
  }
}

// One channel each, and every tap of the kernel in a plane.
static int is_depthwise(const Correlation *x) {
  return x->in_channels == 1 && x->out_channels == 1 && x->axis[0].taps == 1 && x->axis[0].step == 1 && x->axis[0].first == 0 && x->axis[2].taps > 0 && x->axis[1].taps > 0;
}

static int planes_open(Planes *p, const Phase *phase, int phases) {
  ptrdiff_t taps = 0;
  *p = (Planes){.phase = phase, .phases = phases, .x = &phase[0].x, .together = 1};
  for (int f = 0; f < phases; f++) {
    const Correlation *x = &phase[f].x;
    if (!is_depthwise(x) || !few_taps(x) || (taps += taps_of(x)) > DEPTHWISE_TAPS) return 0;
    p->padded |= !all_on(&x->axis[1]) || !all_on(&x->axis[2]);
  }
  const ptrdiff_t whole[3] = {1, p->x->axis[1].size, p->x->axis[2].size};
  p->layout = layout_of(p->x, whole, 1, 0);
  const double units = (double)p->x->axis[0].size * (double)p->x->groups, worth = work_of(p->x) * phases / PART_WORTH;
  p->shares = thread_count() < 2 || worth < 2 ? 1 : (ptrdiff_t)(units < SHARES_MOST ? units : SHARES_MOST);
  return p->layout.floats <= min(COPY_USUAL, COPY_FLOATS - SLACK);
}

// Returns 0 where nothing was done.
static int correlate_depthwise(Phase *phase, int phases, int columns, Workspace w) {
  Planes p;
  if (!planes_open(&p, phase, phases)) return 0;
  if (columns == 2 && phase[0].x.axis[2].out == 2) p.together = 2;
  const Room room = room_of(w);
  ptrdiff_t taps = 0;
  for (int f = 0; f < phases; f++) {
    if (p.padded && any_special_weights(&phase[f].x)) return 0;
    phase[f].in_at = room.taps[0] + taps;
    place_taps(&phase[f].x, &p.layout, 1, room.taps[0] + taps, room.taps[1] + taps);
    taps += taps_of(&phase[f].x);
  }
  run_shares(depthwise_share, &p, p.shares);
  return 1;
}

// The gradient of the weights: for each tap the sum over all pixels of the source under it times the gradient of y.
#if LANES == 16 || defined(__aarch64__)
#define TAP_SUMS 9
#else
#define TAP_SUMS 5
#endif

// A plane of the gradient, and how far its lines and those of the copy are apart.
typedef struct {
  ptrdiff_t rows, columns, line, g_line;
} Pixels;

INLINE void weight_sums(const int taps, const Pixels *n, const ptrdiff_t *at, const float *in, const float *g, vec *to) {
  vec sum[TAP_SUMS];
  const float *from[TAP_SUMS];
  UNROLL for (int k = 0; k < taps; k++) sum[k] = to[k], from[k] = in + at[k];
  const ptrdiff_t whole = n->columns / LANES * LANES, left = n->columns - whole;
  for (ptrdiff_t j = 0; j < n->rows; j++) {
    const ptrdiff_t here = j * n->line;
    for (ptrdiff_t v = 0; v < whole; v += LANES) {
      const vec back = CVEC(g + j * n->g_line + v);
      UNROLL for (int k = 0; k < taps; k++) sum[k] = multiply_add(back, CVEC(from[k] + here + v), sum[k]);
    }
    if (!left) continue;
    const vec back = load_partial(g + j * n->g_line + whole, left, 0);
    const ivec mask = LANE_NUMBERS < (int32_t)left;
    UNROLL for (int k = 0; k < taps; k++) sum[k] = multiply_add(back, (vec)((ivec)CVEC(from[k] + here + whole) & mask), sum[k]);
  }
  UNROLL for (int k = 0; k < taps; k++) to[k] = sum[k];
}

typedef void WeightSums(const Pixels *n, const ptrdiff_t *at, const float *in, const float *g, vec *to);
#define WEIGHT_SUMS(K) \
  static void weight_sums_##K(const Pixels *n, const ptrdiff_t *at, const float *in, const float *g, vec *to) { weight_sums(K, n, at, in, g, to); }
MR_5(WEIGHT_SUMS)
#if TAP_SUMS > 5
WEIGHT_SUMS(6) WEIGHT_SUMS(7) WEIGHT_SUMS(8) WEIGHT_SUMS(9)
#endif
#define WEIGHT_ENTRY(K) weight_sums_##K,
static WeightSums *const weight_sum_kernels[TAP_SUMS] = {
  MR_5(WEIGHT_ENTRY)
#if TAP_SUMS > 5
  weight_sums_6, weight_sums_7, weight_sums_8, weight_sums_9,
#endif
};

static float sum_of_plane(const Pixels *n, const float *g) {
  vec sum = {0};
  for (ptrdiff_t j = 0; j < n->rows; j++)
    for (ptrdiff_t v = 0; v < n->columns; v += LANES)
      sum += n->columns - v >= LANES ? CVEC(g + j * n->g_line + v) : load_partial(g + j * n->g_line + v, n->columns - v, 0);
  return sum_of(sum);
}

// Adds what one plane has to the sums of its channel.
static void add_plane(const Planes *p, const Pixels *n, ptrdiff_t image, ptrdiff_t group, float *copy, int *cleared, vec *sums, double *bias) {
  const Correlation *x = p->x;
  const Parts parts = even_parts(taps_of(x), TAP_SUMS);
  const Block b = whole_plane(p, image);
  const float *g = x->out + image * x->axis[0].out + group * x->out_group;
  copy_block(x, &p->layout, &b, group, 0, copy, cleared);
  for (ptrdiff_t q = 0, k = 0, some; q < parts.count; q++, k += some) {
    some = part_size(parts, q);
    weight_sum_kernels[some - 1](n, p->phase->in_at + k, copy, g, sums + k);
  }
  if (x->bias || p->padded) *bias += sum_of_plane(n, g);
}

static void store_channel(const Correlation *x, ptrdiff_t group, const vec *sums, double bias) {
  const Axis *a = x->axis;
  float *w = x->w + group * x->w_group;
  for (ptrdiff_t r = 0; r < a[1].taps; r++)
    for (ptrdiff_t s = 0; s < a[2].taps; s++) w[r * a[1].weight + s * a[2].weight] = sum_of(*sums++);
  if (x->bias) x->bias[group * x->bias_group] = (float)bias;
}

#define CHANNELS_MOST 16 // whose planes are neighbours in memory, so that images are read in long runs

// Some channels of a share, image by image.
static void depthwise_channels(Planes *p, ptrdiff_t share, Range groups, const Room *room, int *cleared) {
  const Correlation *x = p->x;
  const ptrdiff_t taps = taps_of(x);
  const Pixels n = {x->axis[1].size, x->axis[2].size, p->layout.step[1] * p->layout.pitch, x->axis[1].out};
  vec *sums = (vec *)(void *)room->weights;
  double bias[CHANNELS_MOST] = {0};
  for (ptrdiff_t k = 0; k < taps * (groups.end - groups.from); k++) sums[k] = (vec){0};
  for (ptrdiff_t image = 0; image < x->axis[0].size; image++)
    for (ptrdiff_t g = groups.from; g < groups.end; g++)
      add_plane(p, &n, image, g, room->copy, cleared, sums + (g - groups.from) * taps, &bias[g - groups.from]);
  for (ptrdiff_t g = groups.from; g < groups.end; g++) {
    const double sum = bias[g - groups.from];
    if (p->padded && !(sum - sum == 0)) p->special[share] = 1; // NaN, an infinity, or too large a sum: all may be left to plain loops
    store_channel(x, g, sums + (g - groups.from) * taps, sum);
  }
}

static void depthwise_weights_share(void *job, ptrdiff_t share, const Room *room) {
  Planes *p = job;
  const ptrdiff_t groups = p->x->groups, end = part_begin(groups, share + 1, p->shares);
  int cleared = 0;
  for (ptrdiff_t g = part_begin(groups, share, p->shares); g < end; g += CHANNELS_MOST)
    depthwise_channels(p, share, (Range){g, min(end, g + CHANNELS_MOST)}, room, &cleared);
}

// Returns 0 where another way must do it, over whatever was written.
static int depthwise_weights(const Correlation *x, Workspace w) {
  Phase phase = {.x = *x};
  Planes p;
  if (x->axis[2].out != 1 || !planes_open(&p, &phase, 1)) return 0;
  const Room room = room_of(w);
  phase.in_at = room.taps[0];
  place_taps(x, &p.layout, 1, room.taps[0], room.taps[1]);
  p.shares = p.shares < 2 ? 1 : min(SHARES_MOST, ceil_div(x->groups, 4));
  run_shares(depthwise_weights_share, &p, p.shares);
  for (ptrdiff_t share = 0; share < p.shares; share++)
    if (p.special[share]) return 0;
  return 1;
}
