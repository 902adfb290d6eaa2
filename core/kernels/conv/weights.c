// The gradient of the weights: for each tap a product of the source under it and the gradient of y, whose long dimension are the pixels.
// Rows of A are channels of the source; lanes run along the channels of y, for which its gradient is transposed once. Where channels are
// few, lanes are pixels, and every weight a dot product.
#include "conv.h"
#include "../vector.h"

// So many sums of dot products are in registers.
#if LANES == 16 || defined(__aarch64__)
#define SUM_ROWS 4
#define SUM_COLS 6
#else
#define SUM_ROWS 2
#define SUM_COLS 5
#endif

#define RANGES 8 // of blocks, by shape alone: each has sums of its own, which are added in order

typedef struct {
  const Correlation *x;
  Layout layout;
  ptrdiff_t block[3], blocks[3];
  int dots, padded;
  ptrdiff_t channel; // of the source: the first
  ptrdiff_t group, groups, ranges;
  ptrdiff_t panel, panels, width, ld;
  const ptrdiff_t *in_at;
  float *sums, *bias; // [group][range][panel][tap][channel][ld], and without tap and channel
  ptrdiff_t panel_floats;
  char special[SHARES_MOST];
  ptrdiff_t pieces, shares; // pieces of the panels: any number of them, which changes no bit
} WeightPass;

static Block weight_block_at(const WeightPass *p, ptrdiff_t index) {
  Block b;
  for (int q = 2; q >= 0; q--) {
    b.from[q] = index % p->blocks[q] * p->block[q];
    b.size[q] = min(p->block[q], p->x->axis[q].size - b.from[q]);
    index /= p->blocks[q];
  }
  return b;
}

static const float *gradient_at(const WeightPass *p, const Block *b, ptrdiff_t group, ptrdiff_t channel, ptrdiff_t i, ptrdiff_t j) {
  const Axis *a = p->x->axis;
  return p->x->out + group * p->x->out_group + channel * p->x->out_c + (b->from[0] + i) * a[0].out + (b->from[1] + j) * a[1].out + b->from[2] * a[2].out;
}

// The gradient of y under a block, as [pixel][ld].
static void transpose_gradient(const WeightPass *p, const Block *b, ptrdiff_t group, ptrdiff_t first, ptrdiff_t cols, float *to) {
  const Axis *a = p->x->axis;
  const ptrdiff_t ld = p->ld, out_c = p->x->out_c;
  if (a[1].out == 1 && a[2].out != 1) { // images last: each of them transposed
    const int joined = a[0].out == b->size[1];
    const ptrdiff_t run = joined ? b->size[0] * b->size[1] : b->size[1], lines = joined ? 1 : b->size[0], images = b->size[2];
    for (ptrdiff_t i = 0; i < lines; i++)
      for (ptrdiff_t k = 0; k < images; k++)
        copy_transposed(run, cols, gradient_at(p, b, group, first, i, 0) + k * a[2].out, out_c, to + (i * run * images + k) * ld, images * ld);
    return;
  }
  const int rows_joined = a[1].out == b->size[2] * a[2].out;
  const ptrdiff_t count = rows_joined ? b->size[1] * b->size[2] : b->size[2];
  for (ptrdiff_t i = 0; i < b->size[0]; i++)
    for (ptrdiff_t j = 0; j < (rows_joined ? 1 : b->size[1]); j++, to += count * ld) {
      const float *g = gradient_at(p, b, group, first, i, j);
      if (a[2].out == 1) copy_transposed(count, cols, g, out_c, to, ld);
      else pack((Operand){g, out_c, a[2].out}, count, (int)cols, (int)ld, to);
    }
}

static void add_pixels(const float *g, ptrdiff_t pixels, ptrdiff_t ld, ptrdiff_t cols, float *bias) {
  for (ptrdiff_t v = 0; v < cols; v += LANES) {
    vec sum[4] = {{0}, {0}, {0}, {0}};
    ptrdiff_t k = 0;
    for (; k + 4 <= pixels; k += 4)
      UNROLL for (int q = 0; q < 4; q++) sum[q] += CVEC(g + (k + q) * ld + v);
    for (; k < pixels; k++) sum[0] += CVEC(g + k * ld + v);
    VEC(bias + v) = CVEC(bias + v) + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

// The rows of a block for which a tap of the first two axes lies on the source, in the gradient of y as many floats apart as is said.
static ptrdiff_t rows_under(const WeightPass *p, const Block *b, ptrdiff_t r, ptrdiff_t s, ptrdiff_t image, ptrdiff_t line, const Room *room) {
  const Axis *a = p->x->axis;
  const Range outer = results_on(&a[0], r, b->from[0], b->from[0] + b->size[0]), inner = results_on(&a[1], s, b->from[1], b->from[1] + b->size[1]);
  ptrdiff_t count = 0;
  for (ptrdiff_t i = outer.from - b->from[0]; i < outer.end - b->from[0]; i++)
    for (ptrdiff_t j = inner.from - b->from[1]; j < inner.end - b->from[1]; j++, count++) {
      room->list[0][count] = place_of(&p->layout, i, j);
      room->list[1][count] = i * image + j * line;
    }
  return count;
}

// Whether rows of tiles are taps, which are neighbours in the copy, instead of channels: where a kernel has more of them in a row.
static int rows_are_taps(const Correlation *x, const Layout *l) {
  const Axis *last = &x->axis[2];
  return l->spread == 1 && last->step == 1 && last->gap == 1 && even_parts(last->taps, MR).size > even_parts(l->channels, MR).size && all_on(last);
}

// All sums of a panel over a block, with lanes along the channels of y.
static void add_tiles(const WeightPass *p, const Block *b, const float *source, ptrdiff_t cols, const float *g, float *sums, const Room *room) {
  const Axis *a = p->x->axis;
  const Layout *l = &p->layout;
  const int by_taps = rows_are_taps(p->x, l), vectors = (int)ceil_div(cols, LANES);
  const Parts parts = even_parts(by_taps ? a[2].taps : l->channels, MR);
  Segments s = {0, 0, room->list[0], room->list[1], l->channel, l->spread, p->ld};
  ptrdiff_t tap = 0;
  for (ptrdiff_t q = 0; q < a[0].taps; q++)
    for (ptrdiff_t r = 0; r < a[1].taps; r++) {
      s.count = rows_under(p, b, q, r, b->size[1] * b->size[2] * p->ld, b->size[2] * p->ld, room);
      if (by_taps) {
        s.steps = b->size[2];
        for (ptrdiff_t c = 0; c < l->channels; c++)
          for (ptrdiff_t part = 0, t = 0, rows; part < parts.count; part++, t += rows) {
            rows = part_size(parts, part);
            sum_tiles[0][rows - 1][vectors - 1](&s, source + p->in_at[tap + t] + c * l->channel, g, sums + ((tap + t) * l->channels + c) * p->ld, l->channels * p->ld, 1);
          }
        tap += a[2].taps;
        continue;
      }
      for (ptrdiff_t t = 0; t < a[2].taps; t++, tap++) {
        const Range on = results_on(&a[2], t, b->from[2], b->from[2] + b->size[2]);
        const ptrdiff_t first = on.from - b->from[2];
        s.steps = on.end - on.from;
        const float *copy = source + p->in_at[tap] + first * l->spread;
        for (ptrdiff_t part = 0, c = 0, rows; part < parts.count; part++, c += rows) {
          rows = part_size(parts, part);
          sum_tiles[1][rows - 1][vectors - 1](&s, copy + c * l->channel, g + first * p->ld, sums + (tap * l->channels + c) * p->ld, p->ld, 1);
        }
      }
    }
}

// The gradient of y under a block, whose rows are whole vectors: where it stands, or a copy.
typedef struct {
  const float *data;
  ptrdiff_t image, line, channel; // floats from one to the next
} Gradient;

// As [row][channel][whole vectors], with zeros behind each row's end and for channels that are missing.
static Gradient copy_gradient(const WeightPass *p, const Block *b, ptrdiff_t group, ptrdiff_t first, ptrdiff_t cols, float *to) {
  const Axis *a = p->x->axis;
  const ptrdiff_t pitch = ceil_div(b->size[2], LANES) * LANES, line = p->ld * pitch;
  const Gradient g = {to, b->size[1] * line, line, pitch};
  for (ptrdiff_t i = 0; i < b->size[0]; i++)
    for (ptrdiff_t j = 0; j < b->size[1]; j++)
      for (ptrdiff_t c = 0; c < p->ld; c++, to += pitch) {
        VEC(to + pitch - LANES) = (vec){0};
        if (c < cols) copy_run(to, b->size[2], gradient_at(p, b, group, first + c, i, j), a[2].out);
        else for (ptrdiff_t k = 0; k < pitch; k++) to[k] = 0;
      }
  return g;
}

// Short vectors often make whole rows. Channels that would drive each other out of L1 are copied all the same.
static Gradient whole_gradient(const WeightPass *p, const Block *b, ptrdiff_t group, ptrdiff_t first, ptrdiff_t cols, float *to) {
  const Axis *a = p->x->axis;
  const int stays = LANES == 4 && cols == p->ld && a[2].out == 1 && b->size[2] % LANES == 0 && p->x->out_c % L1_ALIAS != 0;
  if (!stays) return copy_gradient(p, b, group, first, cols, to);
  return (Gradient){gradient_at(p, b, group, first, 0, 0), a[0].out, a[1].out, p->x->out_c};
}

// Dot products of SUM_ROWS channels of y and some taps of one row, over the rows of a block, each of `whole` vectors and perhaps a part of one,
// in which `mask` is set for lanes that are pixels.
typedef struct {
  ptrdiff_t count, whole, pitch;
  const ptrdiff_t *in, *g, *taps;
  int part;
  ivec mask;
} Dots;

// One vector of pixels; `masked` is a constant.
INLINE void dot_vector(const int cols, const int masked, ivec mask, const float *in, const ptrdiff_t *tap, const float *g, ptrdiff_t pitch,
                       vec sum[SUM_ROWS][SUM_COLS]) {
  vec x[SUM_ROWS];
  UNROLL for (int i = 0; i < SUM_ROWS; i++) {
    x[i] = CVEC(g + i * pitch);
    KEEP(x[i]);
  }
  UNROLL for (int j = 0; j < cols; j++) {
    vec y = CVEC(in + tap[j]);
    if (masked) y = (vec)((ivec)y & mask);
    KEEP(y);
    UNROLL for (int i = 0; i < SUM_ROWS; i++) sum[i][j] = multiply_add(x[i], y, sum[i][j]);
  }
}

#if defined(__wasm__)
// Engines check the address of every read: taps side by side are taken from two vectors, each of which is read once.
INLINE vec shifted(vec low, vec high, const int by) {
  return by == 0 ? low : by == 1 ? SHUFFLE(low, high, 1, 2, 3, 4) : by == 2 ? SHUFFLE(low, high, 2, 3, 4, 5) : by == 3 ? SHUFFLE(low, high, 3, 4, 5, 6) : high;
}
INLINE void dot_shifted(const int cols, const int masked, ivec mask, vec low, vec high, const float *g, ptrdiff_t pitch, vec sum[SUM_ROWS][SUM_COLS]) {
  const vec a = CVEC(g), b = CVEC(g + pitch);
  UNROLL for (int j = 0; j < cols; j++) {
    vec y = shifted(low, high, j);
    if (masked) y = (vec)((ivec)y & mask);
    sum[0][j] = multiply_add(a, y, sum[0][j]);
    sum[1][j] = multiply_add(b, y, sum[1][j]);
  }
}
INLINE void dot_row(const int cols, const Dots *d, const float *in, const float *g, vec sum[SUM_ROWS][SUM_COLS]) {
  const ptrdiff_t whole = d->whole, pitch = d->pitch;
  vec low = CVEC(in);
  for (ptrdiff_t v = 0; v < whole; v++, g += LANES) {
    in += LANES;
    const vec high = CVEC(in);
    dot_shifted(cols, 0, d->mask, low, high, g, pitch, sum);
    low = high;
  }
  if (d->part) dot_shifted(cols, 1, d->mask, low, CVEC(in + LANES), g, pitch, sum);
}
#endif

INLINE void dot_taps(const int cols, const Dots *d, const float *copy, const float *g, float *to, ptrdiff_t to_tap) {
  vec sum[SUM_ROWS][SUM_COLS];
  UNROLL for (int i = 0; i < SUM_ROWS; i++) {
    UNROLL for (int j = 0; j < cols; j++) sum[i][j] = (vec){0};
  }
  const ptrdiff_t count = d->count, whole = d->whole, pitch = d->pitch, *from_in = d->in, *from_g = d->g;
  const int part = d->part;
  const ivec mask = d->mask;
  ptrdiff_t tap[SUM_COLS];
  UNROLL for (int j = 0; j < cols; j++) tap[j] = d->taps[j];
#if defined(__wasm__)
  int side_by_side = cols >= 3;
  UNROLL for (int j = 1; j < cols; j++) side_by_side &= tap[j] == tap[0] + j;
  if (side_by_side) {
    for (ptrdiff_t row = 0; row < count; row++) dot_row(cols, d, copy + from_in[row] + tap[0], g + from_g[row], sum);
  } else
#endif
  for (ptrdiff_t row = 0; row < count; row++) {
    const float *in = copy + from_in[row], *left = g + from_g[row];
    for (ptrdiff_t v = 0; v < whole; v++, in += LANES, left += LANES) dot_vector(cols, 0, mask, in, tap, left, pitch, sum);
    if (part) dot_vector(cols, 1, mask, in, tap, left, pitch, sum);
  }
  UNROLL for (int i = 0; i < SUM_ROWS; i++) {
    UNROLL for (int j = 0; j < cols; j++) to[j * to_tap + i] += sum_of(sum[i][j]);
  }
}

typedef void DotTaps(const Dots *d, const float *copy, const float *g, float *to, ptrdiff_t to_tap);
#define DOT_TAPS(C) \
  static void dot_taps_##C(const Dots *d, const float *copy, const float *g, float *to, ptrdiff_t to_tap) { dot_taps(C, d, copy, g, to, to_tap); }
DOT_TAPS(1) DOT_TAPS(2) DOT_TAPS(3) DOT_TAPS(4) DOT_TAPS(5)
#if SUM_COLS > 5
DOT_TAPS(6)
#endif
static DotTaps *const dot_tap_kernels[SUM_COLS] = {
  dot_taps_1, dot_taps_2, dot_taps_3, dot_taps_4, dot_taps_5,
#if SUM_COLS > 5
  dot_taps_6,
#endif
};

static void add_dots(const WeightPass *p, const Block *b, const float *source, const Gradient *g, float *sums, const Room *room) {
  const Axis *a = p->x->axis;
  const Layout *l = &p->layout;
  const Parts parts = even_parts(a[2].taps, SUM_COLS);
  const ptrdiff_t whole = b->size[2] / LANES, left = b->size[2] % LANES;
  Dots d = {.whole = whole, .pitch = g->channel, .in = room->list[0], .g = room->list[1], .part = left > 0, .mask = LANE_NUMBERS < (int32_t)left};
  for (ptrdiff_t q = 0; q < a[0].taps; q++)
    for (ptrdiff_t r = 0; r < a[1].taps; r++) {
      d.count = rows_under(p, b, q, r, g->image, g->line, room);
      const ptrdiff_t first = (q * a[1].taps + r) * a[2].taps;
      for (ptrdiff_t c = 0; c < l->channels; c++)
        for (ptrdiff_t part = 0, t = 0, cols; part < parts.count; part++, t += cols) {
          cols = part_size(parts, part);
          d.taps = p->in_at + first + t;
          dot_tap_kernels[cols - 1](&d, source + c * l->channel, g->data, sums + ((first + t) * l->channels + c) * p->ld, l->channels * p->ld);
        }
    }
}

static float sum_of_channel(const Gradient *g, const Block *b, ptrdiff_t c) {
  const ptrdiff_t pitch = ceil_div(b->size[2], LANES) * LANES;
  vec even = {0}, odd = {0};
  for (ptrdiff_t i = 0; i < b->size[0]; i++)
    for (ptrdiff_t k = 0; k < b->size[1]; k++) {
      const float *row = g->data + c * g->channel + i * g->image + k * g->line;
      ptrdiff_t j = 0;
      for (; j + 2 * LANES <= pitch; j += 2 * LANES) even += CVEC(row + j), odd += CVEC(row + j + LANES);
      if (j < pitch) even += CVEC(row + j);
    }
  return sum_of(even + odd);
}

static void add_block_panel(WeightPass *p, const Block *b, const float *source, ptrdiff_t share, ptrdiff_t group, ptrdiff_t panel, float *sums, float *bias, const Room *room) {
  const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, p->x->out_channels - first), rows = b->size[0] * b->size[1];
  float *g = room->more;
  if (!p->dots) {
    transpose_gradient(p, b, group, first, cols, g);
    add_tiles(p, b, source, cols, g, sums, room);
    if (bias) add_pixels(g, rows * b->size[2], p->ld, cols, bias);
    return;
  }
  const Gradient whole = whole_gradient(p, b, group, first, cols, g);
  add_dots(p, b, source, &whole, sums, room);
  for (ptrdiff_t c = 0; (bias || p->padded) && c < cols; c++) {
    const float sum = sum_of_channel(&whole, b, c);
    if (bias) bias[c] += sum;
    if (p->padded && !(sum - sum == 0)) p->special[share] = 1; // NaN, an infinity, or too large a sum: all may be left to plain loops
  }
}

// One share: some ranges of blocks, of some groups.
static void weights_share(void *job, ptrdiff_t share, const Room *room) {
  WeightPass *p = job;
  const ptrdiff_t units = p->groups * p->ranges * p->pieces, blocks = p->blocks[0] * p->blocks[1] * p->blocks[2];
  int cleared = 0;
  for (ptrdiff_t unit = part_begin(units, share, p->shares); unit < part_begin(units, share + 1, p->shares); unit++) {
    const ptrdiff_t part = unit / p->pieces, group = part / p->ranges, range = part % p->ranges;
    const ptrdiff_t first = part_begin(p->panels, unit % p->pieces, p->pieces), end = part_begin(p->panels, unit % p->pieces + 1, p->pieces);
    float *const sums = p->sums + part * p->panels * p->panel_floats, *const bias = p->bias ? p->bias + part * p->panels * p->ld : NULL;
    for (ptrdiff_t i = first * p->panel_floats; i < end * p->panel_floats; i++) sums[i] = 0;
    for (ptrdiff_t i = first * p->ld; bias && i < end * p->ld; i++) bias[i] = 0;
    for (ptrdiff_t block = part_begin(blocks, range, p->ranges); block < part_begin(blocks, range + 1, p->ranges); block++) {
      const Block b = weight_block_at(p, block);
      const float *source = room->copy;
      if (p->layout.floats) copy_block(p->x, &p->layout, &b, p->group + group, p->channel, room->copy, &cleared);
      else source = source_at(p->x, &b, p->group + group, p->channel);
      for (ptrdiff_t panel = first; panel < end; panel++)
        add_block_panel(p, &b, source, share, p->group + group, panel, sums + panel * p->panel_floats, bias ? bias + panel * p->ld : NULL, room);
    }
  }
}

static void store_weights(const Correlation *x, const float *sums, ptrdiff_t channels, ptrdiff_t cols, ptrdiff_t ld, float *w) {
  const Axis *a = x->axis;
  const ptrdiff_t taps = taps_of(x);
  if (taps > 1 && taps_dense(x)) {
    for (ptrdiff_t c = 0; c < channels; c++) copy_transposed(cols, taps, sums + c * ld, channels * ld, w + c * x->w_in, x->w_out);
    return;
  }
  if (taps == 1 && x->w_in == 1) return copy_transposed(cols, channels, sums, ld, w, x->w_out);
  for (ptrdiff_t r = 0; r < a[0].taps; r++)
    for (ptrdiff_t s = 0; s < a[1].taps; s++)
      for (ptrdiff_t t = 0; t < a[2].taps; t++)
        for (ptrdiff_t c = 0; c < channels; c++, sums += ld)
          for (ptrdiff_t o = 0; o < cols; o++) w[r * a[0].weight + s * a[1].weight + t * a[2].weight + c * x->w_in + o * x->w_out] = sums[o];
}

// Adds up the ranges of a group, in order, and stores what has come together.
static void finish_group(const WeightPass *p, ptrdiff_t group) {
  const Correlation *x = p->x;
  const ptrdiff_t floats = p->panels * p->panel_floats, bias_floats = p->panels * p->ld;
  float *sums = p->sums + group * p->ranges * floats, *bias = p->bias ? p->bias + group * p->ranges * bias_floats : NULL;
  for (ptrdiff_t range = 1; range < p->ranges; range++) {
    for (ptrdiff_t i = 0; i < floats; i++) sums[i] += sums[range * floats + i];
    for (ptrdiff_t i = 0; bias && i < bias_floats; i++) bias[i] += bias[range * bias_floats + i];
  }
  for (ptrdiff_t panel = 0; panel < p->panels; panel++) {
    const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, x->out_channels - first);
    float *w = x->w + (p->group + group) * x->w_group + first * x->w_out + p->channel * x->w_in;
    store_weights(x, sums + panel * p->panel_floats, p->layout.channels, cols, p->ld, w);
    for (ptrdiff_t o = 0; bias && o < cols; o++) x->bias[(p->group + group) * x->bias_group + (first + o) * x->bias_c] = bias[panel * p->ld + o];
  }
}

// In multiply-adds of a vector. Tiles have a row for each channel of the source, and wait for their sums if they are small.
static int dots_pay(const Correlation *x) {
  const Parts rows = even_parts(max(1, x->in_channels), MR);
  const double latency = 6, row = (double)x->axis[2].size, vectors = (double)ceil_div(x->out_channels, LANES);
  const double tile = (double)rows.size * min(NR_VECTORS, (ptrdiff_t)vectors), panels = (double)ceil_div((ptrdiff_t)vectors, NR_VECTORS);
  const double tiles = (double)rows.count * panels * ((tile < latency ? latency : tile) * row + 10);
  const double cols = (double)even_parts(max(1, x->axis[2].taps), SUM_COLS).size, sums = SUM_ROWS * cols;
  const double dots = (double)x->in_channels * (double)ceil_div(x->out_channels, SUM_ROWS) * SUM_ROWS * ((double)ceil_div(x->axis[2].size, LANES) * (sums < latency ? latency / sums : 1) * 1.3 + 1);
  return dots < tiles;
}

// Blocks whose gradient fits as well, and as many of them as there are ranges worth having: by shape alone. Many weights have few, whose
// sums stay in L2.
static ptrdiff_t ranges_of(const Correlation *x, ptrdiff_t ld, ptrdiff_t sums, ptrdiff_t block[3]) {
  const ptrdiff_t usual = min(MORE_FLOATS - SLACK, COPY_USUAL) / ld;
  const double worth = work_of(x) / (double)x->groups / PART_WORTH;
  const ptrdiff_t most_ranges = max(1, min(RANGES, COPY_USUAL / max(1, sums)));
  const ptrdiff_t wanted = worth < 2 ? 1 : (ptrdiff_t)(worth < (double)most_ranges ? worth : (double)most_ranges);
  for (int q = 0; q < 3; q++) {
    const ptrdiff_t most = usual / (q == 0 ? block[1] * (block[2] + LANES) : q == 1 ? block[2] + LANES : 1) - (q == 2 ? LANES : 0);
    block[q] = max(1, min(block[q], most));
  }
  ptrdiff_t blocks = 1;
  for (int q = 0; q < 3; q++) blocks *= ceil_div(x->axis[q].size, block[q]);
  for (int q = 0; q < 2 && blocks < wanted; q++) {
    const ptrdiff_t others = blocks / ceil_div(x->axis[q].size, block[q]);
    block[q] = max(1, x->axis[q].size / ceil_div(wanted, others));
    blocks = others * ceil_div(x->axis[q].size, block[q]);
  }
  return min(blocks, wanted);
}

static int weights_pass(WeightPass *p, const Room *room) {
  const Correlation *x = p->x;
  place_taps(x, &p->layout, p->ld, room->taps[0], room->taps[1]);
  p->in_at = room->taps[0];
  const ptrdiff_t units = p->groups * p->ranges, threads = thread_count();
  p->pieces = threads < 2 || units >= 4 * threads ? 1 : min(p->panels, ceil_div(4 * threads, units));
  p->sums = room->weights, p->bias = x->bias && p->channel == 0 ? p->sums + units * p->panels * p->panel_floats : NULL;
  p->shares = min(units * p->pieces, SHARES_MOST);
  for (ptrdiff_t share = 0; share < p->shares; share++) p->special[share] = 0;
  run_shares(weights_share, p, p->shares);
  for (ptrdiff_t share = 0; share < p->shares; share++)
    if (p->special[share]) return 0;
  for (ptrdiff_t group = 0; group < p->groups; group++) finish_group(p, group);
  return 1;
}

// Returns 0 where plain loops must do it, over whatever was written.
static int correlate_weights(const Correlation *x, Workspace w) {
  if (!few_taps(x)) return 0;
  const Room room = room_of(w);
  WeightPass p = {.x = x, .dots = dots_pay(x), .padded = !all_on(&x->axis[2])};
  p.width = p.dots ? SUM_ROWS : NR, p.ld = p.dots ? SUM_ROWS : min(NR, ceil_div(x->out_channels, LANES) * LANES);
  const int spread = !p.dots && spread_pays(x), stays = !p.dots && reads_in_place(x);
  ptrdiff_t channels;
  const double sums_a_channel = ((double)taps_of(x) + 1) * (double)p.ld; // and the bias's
  if (sums_a_channel > WEIGHT_FLOATS || !cut(x, spread, (ptrdiff_t)sums_a_channel, min(COPY_USUAL, COPY_FLOATS - SLACK), p.block, &channels)) return 0;
  const ptrdiff_t all = ceil_div(x->out_channels, p.width);
  p.panel_floats = taps_of(x) * channels * p.ld;
  const ptrdiff_t fit = max(1, (WEIGHT_FLOATS - SLACK) / (p.panel_floats + p.ld));
  const ptrdiff_t ranges = ranges_of(x, p.ld, all * p.panel_floats, p.block);
  p.ranges = max(1, min(ranges, fit / min(fit, all)));
  const ptrdiff_t panels = min(all, fit), groups = min(x->groups, max(1, fit / (all * p.ranges)));
  for (int q = 0; q < 3; q++) p.blocks[q] = ceil_div(x->axis[q].size, p.block[q]);
  for (p.group = 0; p.group < x->groups; p.group += groups)
    for (p.channel = 0; p.channel < x->in_channels; p.channel += channels)
      for (p.panel = 0; p.panel < all; p.panel += panels) {
        p.groups = min(groups, x->groups - p.group);
        p.panels = min(panels, all - p.panel);
        const ptrdiff_t own = min(channels, x->in_channels - p.channel);
        p.layout = stays ? in_place(x, own) : layout_of(x, p.block, own, spread);
        p.panel_floats = taps_of(x) * p.layout.channels * p.ld;
        if (!weights_pass(&p, &room)) return 0;
      }
  return 1;
}
