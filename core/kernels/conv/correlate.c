// Results, be they y or the gradient of x. The weights are packed once, then blocks of results follow, each from a copy of its part of
// the source. Lanes run along the channels of the result, whose weights are B, and pixels are rows of A, read in place and never packed
// apart; where there are too few channels for that, lanes are pixels.
#include "conv.h"
#include "../vector.h"

static Room room_of(Workspace w) {
  float *at = w.a;
  Room room;
  for (int q = 0; q < 2; q++, at += LIST_FLOATS) room.list[q] = (ptrdiff_t *)(void *)at;
  for (int q = 0; q < 2; q++, at += LIST_FLOATS) room.taps[q] = (ptrdiff_t *)(void *)at;
  room.copy = at, room.weights = at + COPY_FLOATS, room.more = room.weights + WEIGHT_FLOATS;
  return room;
}

// Shares of a convolution, each in the workspace of the thread that takes it. Those for which a thread had no memory left are computed
// by the caller, which has some.
#define SHARES_MOST 256
typedef void Share(void *job, ptrdiff_t share, const Room *room);
typedef struct {
  Share *run;
  void *job;
  char undone[SHARES_MOST];
} Shares;

static void run_share(void *shares, ptrdiff_t share) {
  Shares *s = shares;
  const Workspace w = workspace();
  s->undone[share] = !w.a;
  if (!w.a) return;
  const Room room = room_of(w);
  s->run(s->job, share, &room);
}

static void run_shares(Share *run, void *job, ptrdiff_t count) {
  Shares s;
  s.run = run, s.job = job;
  parallel(count, run_share, &s);
  for (ptrdiff_t share = 0; share < count; share++)
    if (s.undone[share]) run_share(&s, share);
}

#define TOGETHER_MOST 3
#define SHORT_SUM 128 // terms: found by measuring

// One pass over all blocks, with the weights of some groups, panels of results' channels and channels of the source.
typedef struct {
  Phase *phase;
  int phases;
  const Correlation *x; // that of the first phase, which has as many results along each axis as any
  Correlation results;  // the same, where its results go in the end
  Layout layout;
  ptrdiff_t block[3], blocks[3];
  int pixels; // whether lanes are pixels
  int by_taps; // whether segments are taps of one row and channel, instead of all channels of one tap
  int together; // phases that follow each other in a row
  int far;      // whether the results are too many for L2
  ptrdiff_t plane; // where images are neighbours in tiles: results of an image, which wait for each other; else 0
  ptrdiff_t lanes; // images in a line of results that wait, where lanes are images; else 0
  ptrdiff_t channel; // of the source: the first
  int add, last;     // whether results hold sums of channels before, and whether these are the last
  ptrdiff_t group, groups;
  ptrdiff_t panel, panels, width, ld; // panels of channels of the result, `width` of them in each, `ld` floats for each step
  ptrdiff_t shares;
} Pass;

// The segments of a result's row: those taps of the first two axes that lie on the source, and all of the last.
static Segments segments_of(const Pass *p, const Phase *f, ptrdiff_t i, ptrdiff_t j, const Room *room) {
  const Axis *a = f->x.axis;
  const Range outer = taps_on(&a[0], i), inner = taps_on(&a[1], j);
  const Layout *l = &p->layout;
  const ptrdiff_t line = p->by_taps ? l->channels : a[2].taps, each = (inner.end - inner.from) * line; // segments of a row of taps
  Segments s = {(outer.end - outer.from) * each, l->channels, f->in_at, f->weight_at, l->spread, l->channel, p->ld};
  if (p->by_taps) s.steps = a[2].taps, s.a_stride = a[2].gap, s.b_stride = l->channels * p->ld;
  const ptrdiff_t first = (outer.from * a[1].taps + inner.from) * line;
  if (outer.end - outer.from <= 1 || inner.end - inner.from == a[1].taps) {
    s.a += first, s.b += first;
    return s;
  }
  ptrdiff_t k = 0;
  for (ptrdiff_t r = outer.from; r < outer.end; r++)
    for (ptrdiff_t t = 0; t < each; t++, k++) {
      const ptrdiff_t at = (r * a[1].taps + inner.from) * line + t;
      room->list[0][k] = f->in_at[at], room->list[1][k] = f->weight_at[at];
    }
  s.a = room->list[0], s.b = room->list[1];
  return s;
}

// Stores a tile whose rows are pixels.
static void store_channels(const Pass *p, float *tile, int ld, ptrdiff_t rows, ptrdiff_t cols, Matrix out, Bias bias) {
  for (ptrdiff_t i = 0; i < rows; i += MR)
    store_tile(tile + i * ld, ld, (int)min(MR, rows - i), (int)cols, matrix_at(out, i, 0), p->add, bias, p->last ? p->x->activation : ACTIVATION_NONE);
}

// Channels of the results lie far apart: after a short sum the stores would wait for their lines.
INLINE void prefetch_results(Matrix out, ptrdiff_t rows, ptrdiff_t cols) {
  for (ptrdiff_t c = 0; c < cols; c++) {
    __builtin_prefetch(out.data + c * out.cs, 1);
    __builtin_prefetch(out.data + c * out.cs + (rows - 1) * out.rs, 1);
  }
}

// Said so that no code is made for it where it never does.
INLINE ptrdiff_t waiting_plane(const Pass *p) { return STRIP == 16 ? p->plane : 0; }
INLINE ptrdiff_t waiting_lanes(const Pass *p) { return STRIP == 16 ? p->lanes : 0; }

// Results of a row, along the last axis, in tiles whose rows are pixels. Phases of a row lie between each other, and are stored together.
static void channel_tiles(const Pass *p, const Segments *s, const ptrdiff_t *counts, const float *copy, const float *const *weights, ptrdiff_t cols,
                          Matrix out, Bias bias) {
  const int vectors = (int)ceil_div(cols, LANES), ld = vectors * LANES, together = p->together;
  const ptrdiff_t spread = p->layout.spread;
  const Parts parts = even_parts(counts[0], MR);
  float tile[TOGETHER_MOST * MR * NR];
  for (ptrdiff_t q = 0, j = 0; waiting_plane(p) && q < parts.count; j += part_size(parts, q++))
    sum_tiles[spread > 1][part_size(parts, q) - 1][vectors - 1](&s[0], copy + j * spread, weights[0], out.data + j * out.rs, out.rs, 0);
  for (ptrdiff_t q = 0, j = 0, rows; !waiting_plane(p) && q < parts.count; q++, j += rows) {
    rows = part_size(parts, q);
    ptrdiff_t all = 0;
    if (PREFETCHES && p->far && s[0].count * s[0].steps < SHORT_SUM) prefetch_results(matrix_at(out, j * together, 0), rows * together, cols);
    for (int f = 0; f < together; f++) {
      const ptrdiff_t own = min(rows, counts[f] - j);
      if (own > 0) sum_tiles[spread > 1][own - 1][vectors - 1](&s[f], copy + j * spread, weights[f], tile + f * ld, together * ld, 0);
      all += max(0, own);
    }
    store_channels(p, tile, ld, all, cols, matrix_at(out, j * together, 0), bias);
  }
}

// Bias, activation and storing of a tile whose lanes are pixels, `cols` of them in each vector; vectors of results are `to_vector` apart.
static void store_pixels(const Pass *p, ptrdiff_t step, float *tile, int rows, int vectors, ptrdiff_t cols, float *to, ptrdiff_t to_vector, const float *bias) {
  const Correlation *x = p->x;
  if (!p->add && step == 1 && !(x->activation && p->last)) { // most tiles
    for (int i = 0; i < rows; i++, to += x->out_c, tile += vectors * LANES) {
      const vec shift = broadcast(bias ? bias[i * x->bias_c] : -0.0f);
      for (int v = 0; v < vectors; v++) {
        const vec sums = CVEC(tile + v * LANES) + shift;
        if (cols == LANES) VEC(to + v * to_vector) = sums;
        else store_partial(to + v * to_vector, sums, cols);
      }
    }
    return;
  }
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) {
      float *const sums = tile + (i * vectors + v) * LANES, *const old = to + i * x->out_c + v * to_vector;
      if (p->add && step == 1) VEC(sums) = (cols == LANES ? CVEC(old) : load_partial(old, cols, 0)) + CVEC(sums);
      else if (p->add) for (ptrdiff_t j = 0; j < cols; j++) sums[j] = old[j * step] + sums[j];
      if (bias) VEC(sums) = CVEC(sums) + broadcast(bias[i * x->bias_c]);
    }
  if (x->activation && p->last) activate(x->activation, 1, rows * vectors * LANES, (Matrix){tile, 0, 1});
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) {
      const float *sums = tile + (i * vectors + v) * LANES;
      float *const now = to + i * x->out_c + v * to_vector;
      if (step != 1) for (ptrdiff_t j = 0; j < cols; j++) now[j * step] = sums[j];
      else if (cols == LANES) VEC(now) = CVEC(sums);
      else store_partial(now, CVEC(sums), cols);
    }
}

// So many vectors of pixels at a time: whole ones along the row, or, where rows are short, the same columns of rows below each other.
typedef struct {
  ptrdiff_t count, b_vector, to_vector; // what is left in this direction
} Along;

// Whole vectors are stored by the tiles themselves, with their bias, where the usual activation follows or stores are short.
static void pixel_tiles_of(const Pass *p, ptrdiff_t step, const Segments *s, const float *copy, const float *weights, int rows, Along along, ptrdiff_t cols,
                           float *to, const float *bias) {
  const int activation = p->last ? p->x->activation : ACTIVATION_NONE, pays = activation == ACTIVATION_RELU || (LANES == 4 && !activation);
  const int direct = pays && !p->add && step == 1 && cols == LANES;
  float tile[PIXEL_ROWS * PIXEL_VECTORS * LANES];
  if (!p->last) bias = NULL;
  const Parts parts = even_parts(along.count, VECTORS_OF(rows));
  for (ptrdiff_t q = 0, v = 0, vectors; q < parts.count; q++, v += vectors) {
    vectors = part_size(parts, q);
    float *const at = to + v * along.to_vector;
    const PixelStore store = direct ? (PixelStore){at, p->x->out_c, along.to_vector, bias, p->x->bias_c, activation}
                                    : (PixelStore){.to = tile, .row = vectors * LANES, .vector = LANES};
    pixel_tiles[rows - 1][vectors - 1](s, weights, copy + v * along.b_vector, along.b_vector, &store);
    if (!direct) store_pixels(p, step, tile, rows, (int)vectors, cols, at, along.to_vector, bias);
  }
}

// Results of `lines` rows that have the same segments.
static void pixel_rows(const Pass *p, const Axis *a, const Segments *s, const float *copy, const float *weights, int rows, ptrdiff_t lines, ptrdiff_t count,
                       float *to, const float *bias) {
  const ptrdiff_t line = p->layout.step[1] * p->layout.pitch, whole = count / LANES;
  const Segments by_pixels = {s->count, s->steps, s->b, s->a, 1, s->b_stride, s->a_stride};
  ptrdiff_t j = 0;
  if (whole >= 2) { // along the rows
    const Along along = {whole, LANES, LANES * a[2].out};
    for (ptrdiff_t q = 0; q < lines; q++)
      pixel_tiles_of(p, a[2].out, &by_pixels, copy + q * line, weights, rows, along, LANES, to + q * a[1].out, bias);
    j = whole * LANES;
  }
  for (; j < count; j += LANES)
    pixel_tiles_of(p, a[2].out, &by_pixels, copy + j, weights, rows, (Along){lines, line, a[1].out}, min(LANES, count - j), to + j * a[2].out, bias);
}

// A block, or nothing where a phase has fewer results.
static Block block_at(const Pass *p, const Correlation *x, ptrdiff_t index) {
  Block b;
  for (int q = 2; q >= 0; q--) {
    b.from[q] = index % p->blocks[q] * p->block[q];
    b.size[q] = max(0, min(p->block[q], x->axis[q].size - b.from[q]));
    index /= p->blocks[q];
  }
  return b;
}

static const float *panel_weights(const Pass *p, const Phase *f, ptrdiff_t group, ptrdiff_t panel) {
  return f->weights + (group * p->panels + panel) * taps_of(&f->x) * p->layout.channels * p->ld;
}

// Part of the images that follow those of a block in the source: they are on the way to L2 while the block is summed, if that takes long.
INLINE void prefetch_images(const Pass *p, const Block *b, ptrdiff_t group, ptrdiff_t part, ptrdiff_t parts) {
  const Correlation *x = p->x;
  const ptrdiff_t from = b->from[0] + b->size[0], end = min(x->axis[0].size, from + p->block[0]), floats = p->layout.channels * x->in_c;
  if (!PREFETCHES || taps_of(x) * p->layout.channels < SHORT_SUM || floats <= 0 || floats > COPY_FLOATS) return;
  for (ptrdiff_t i = from; i < end; i++) {
    const float *image = x->in + group * x->in_group + p->channel * x->in_c + i * x->axis[0].in;
    for (ptrdiff_t at = part_begin(floats, part, parts); at < part_begin(floats, part + 1, parts); at += LINE) __builtin_prefetch(image + at, 0, 2);
  }
}

// One panel of a block, row by row: of as many phases as follow each other in a row.
static void correlate_panel(const Pass *p, const Phase *f, const Block *b, const float *source, ptrdiff_t group, ptrdiff_t panel, const Room *room) {
  const Correlation *x = &f->x;
  const Axis *a = x->axis;
  const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, x->out_channels - first);
  const float *bias = x->bias ? x->bias + (p->group + group) * x->bias_group + first * x->bias_c : NULL, *weights[TOGETHER_MOST];
  float *const out = waiting_lanes(p) ? room->more + (f->out - p->phase[0].out) * p->lanes : x->out + (p->group + group) * x->out_group + first * x->out_c + b->from[2] * a[2].out;
  ptrdiff_t counts[TOGETHER_MOST];
  for (int t = 0; t < p->together; t++) {
    weights[t] = panel_weights(p, &f[t], group, panel);
    counts[t] = min(b->size[2], f[t].x.axis[2].size - b->from[2]);
  }
  for (ptrdiff_t i = 0; i < b->size[0]; i++)
    for (ptrdiff_t j = 0, lines; j < b->size[1]; j += lines) {
      Segments s[TOGETHER_MOST];
      for (int t = 0; t < p->together; t++) s[t] = segments_of(p, &f[t], b->from[0] + i, b->from[1] + j, room);
      const float *copy = source + place_of(&p->layout, i, j);
      float *const to = out + (b->from[0] + i) * a[0].out + (b->from[1] + j) * a[1].out;
      lines = 1;
      prefetch_images(p, b, p->group + group, (panel * b->size[0] + i) * b->size[1] + j, p->panels * b->size[0] * b->size[1]);
      if (waiting_plane(p) && !p->pixels) {
        const ptrdiff_t place = x->out - p->x->out + i * a[0].out + j * a[1].out, ld = ceil_div(cols, LANES) * LANES;
        channel_tiles(p, s, counts, copy, weights, cols, (Matrix){room->more + place * ld, p->plane * ld, 1}, (Bias){NULL, 0, 0});
        continue;
      }
      if (!p->pixels) {
        channel_tiles(p, s, counts, copy, weights, cols, (Matrix){to, p->together > 1 ? f[1].x.out - f[0].x.out : a[2].out, x->out_c}, (Bias){p->last ? bias : NULL, 0, x->bias_c});
        continue;
      }
      const Range taps = taps_on(&a[1], b->from[1] + j);
      for (; j + lines < b->size[1]; lines++) {
        const Range below = taps_on(&a[1], b->from[1] + j + lines);
        if (below.from != taps.from || below.end != taps.end) break;
      }
      pixel_rows(p, a, s, copy, weights[0], (int)cols, lines, b->size[2], to, bias);
    }
}

// Results of a panel that waited, as [image][pixel][channel]: transposed, an image at a time.
#if STRIP == 16
static void store_images(const Pass *p, const Block *b, ptrdiff_t group, ptrdiff_t panel, float *from) {
  const Correlation *x = p->x;
  const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, x->out_channels - first), ld = ceil_div(cols, LANES) * LANES;
  const ptrdiff_t rows = b->size[2] * p->plane;
  float *to = x->out + (p->group + group) * x->out_group + first * x->out_c + b->from[2] * x->axis[2].out;
  if (x->bias) add_bias(from, (int)ld, (int)rows, (int)cols, (Bias){x->bias + (p->group + group) * x->bias_group + first * x->bias_c, 0, x->bias_c});
  if (x->activation) activate(x->activation, 1, rows * ld, (Matrix){from, 0, 1});
  for (ptrdiff_t k = 0; k < b->size[2]; k++, from += p->plane * ld, to += x->axis[2].out)
    for (ptrdiff_t c = 0; c < cols; c += STRIP)
      for (ptrdiff_t pixel = 0; pixel < p->plane; pixel += STRIP) {
        const ptrdiff_t pixels = min(STRIP, p->plane - pixel), channels = min(STRIP, cols - c);
        __m512 row[STRIP], turned[STRIP];
        for (int q = 0; q < STRIP; q++) row[q] = q < pixels ? _mm512_loadu_ps(from + (pixel + q) * ld + c) : _mm512_setzero_ps();
        transpose_16x16(row, turned);
        for (int q = 0; q < channels; q++) {
          float *at = to + (c + q) * x->out_c + pixel;
          if (pixels == STRIP) _mm512_storeu_ps(at, turned[q]);
          else store_partial(at, (vec)turned[q], pixels);
        }
      }
}

// The same where they waited as [channel][pixel][image], with bias and activation.
static void store_lanes(const Pass *p, const Block *b, ptrdiff_t group, ptrdiff_t panel, const float *from) {
  const Correlation *x = &p->results;
  const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, x->out_channels - first), step = x->axis[2].out;
  float *channel = x->out + (p->group + group) * x->out_group + first * x->out_c + b->from[2] * step;
  for (ptrdiff_t c = 0; c < cols; c++, channel += x->out_c, from += p->plane * p->lanes)
    for (ptrdiff_t pixel = 0; pixel < p->plane; pixel += STRIP)
      for (ptrdiff_t k = 0; k < b->size[2]; k += STRIP) {
        const ptrdiff_t pixels = min(STRIP, p->plane - pixel), images = min(STRIP, b->size[2] - k);
        __m512 row[STRIP], turned[STRIP];
        for (int q = 0; q < STRIP; q++) row[q] = q < pixels ? _mm512_loadu_ps(from + (pixel + q) * p->lanes + k) : _mm512_setzero_ps();
        transpose_16x16(row, turned);
        for (int q = 0; q < images; q++) {
          float *at = channel + (k + q) * step + pixel;
          if (pixels == STRIP) _mm512_storeu_ps(at, turned[q]);
          else store_partial(at, (vec)turned[q], pixels);
        }
      }
}

// Whether results can wait so: where a block has whole images, and theirs are one run.
static ptrdiff_t plane_that_waits(const Pass *p) {
  ptrdiff_t plane = 0;
  for (int f = 0; f < p->phases; f++) plane += p->phase[f].x.axis[0].size * p->phase[f].x.axis[1].size;
  if (p->together != 1 || p->x->axis[2].taps != 1 || p->x->axis[2].out == 1) return 0;
  for (int f = 0; f < p->phases; f++) {
    const Correlation *x = &p->phase[f].x;
    const Axis *a = x->axis;
    const ptrdiff_t begin = x->out - p->x->out;
    if (a[0].out < 1 || a[1].out < 1 || begin < 0 || begin + (a[0].size - 1) * a[0].out + (a[1].size - 1) * a[1].out >= plane) return 0;
    if (a[0].size > p->block[0] || a[1].size > p->block[1] || a[2].size != p->x->axis[2].size) return 0;
  }
  return (p->pixels ? p->lanes * p->width : p->block[2] * p->ld) * plane <= MORE_FLOATS - SLACK ? plane : 0;
}
#else
static void store_images(const Pass *p, const Block *b, ptrdiff_t group, ptrdiff_t panel, float *from) { (void)p, (void)b, (void)group, (void)panel, (void)from; }
static void store_lanes(const Pass *p, const Block *b, ptrdiff_t group, ptrdiff_t panel, const float *from) { (void)p, (void)b, (void)group, (void)panel, (void)from; }
static ptrdiff_t plane_that_waits(const Pass *p) { return (void)p, 0; }
#endif

static void correlate_share(void *job, ptrdiff_t share, const Room *room) {
  Pass *p = job;
  const ptrdiff_t blocks = p->blocks[0] * p->blocks[1] * p->blocks[2], units = p->groups * blocks;
  int cleared = 0;
  for (ptrdiff_t unit = part_begin(units, share, p->shares); unit < part_begin(units, share + 1, p->shares); unit++) {
    const ptrdiff_t group = unit / blocks;
    Block b = block_at(p, p->x, unit % blocks);
    const float *source = room->copy;
    if (p->layout.floats) copy_block(p->x, &p->layout, &b, p->group + group, p->channel, room->copy, &cleared);
    else if (p->layout.channel) source = source_at(p->x, &b, p->group + group, p->channel);
    for (ptrdiff_t panel = 0; waiting_plane(p) && panel < p->panels; panel++) {
      for (int f = 0; f < p->phases; f++) {
        const Block own = block_at(p, &p->phase[f].x, unit % blocks);
        correlate_panel(p, &p->phase[f], &own, source, group, panel, room);
      }
      if (p->pixels) store_lanes(p, &b, group, panel, room->more);
      else store_images(p, &b, group, panel, room->more);
    }
    for (int f = 0; !waiting_plane(p) && f < p->phases; f += p->together) {
      b = block_at(p, &p->phase[f].x, unit % blocks);
      for (ptrdiff_t panel = 0; b.size[2] && panel < p->panels; panel++) correlate_panel(p, &p->phase[f], &b, source, group, panel, room);
    }
  }
}

// Whether the taps of a kernel follow each other in memory.
static int taps_dense(const Correlation *x) {
  const Axis *a = x->axis;
  ptrdiff_t step = 1;
  for (int q = 2; q >= 0; q--) {
    if (a[q].taps > 1 && a[q].weight != step) return 0;
    step *= a[q].taps;
  }
  return 1;
}

// The weights of a panel, as [tap][channel][ld].
static void pack_weights(const Correlation *x, const float *w, ptrdiff_t channels, ptrdiff_t cols, ptrdiff_t ld, float *to) {
  const ptrdiff_t taps = taps_of(x);
  if (taps > 1 && taps_dense(x)) {
    for (ptrdiff_t c = 0; c < channels; c++) copy_transposed(taps, cols, w + c * x->w_in, x->w_out, to + c * ld, channels * ld);
    return;
  }
  const Axis *a = x->axis;
  for (ptrdiff_t r = 0; r < a[0].taps; r++)
    for (ptrdiff_t s = 0; s < a[1].taps; s++)
      for (ptrdiff_t t = 0; t < a[2].taps; t++, to += channels * ld)
        if (channels) pack((Operand){w + r * a[0].weight + s * a[1].weight + t * a[2].weight, x->w_out, x->w_in}, channels, (int)cols, (int)ld, to);
}

// Whether a number among these is infinite or NaN.
static int any_special(const float *x, ptrdiff_t count) {
  ivec found = {0};
  ptrdiff_t i = 0;
  const ivec top = (ivec){0} + 0x7f800000;
  for (; i + LANES <= count; i += LANES) found |= ((ivec)CVEC(x + i) & top) == top;
  int any = 0;
  for (int lane = 0; lane < LANES; lane++) any |= found[lane];
  for (; i < count; i++) any |= !(x[i] - x[i] == 0);
  return any;
}

static int specials_in(const float *w, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ld) {
  if (cols == ld) return any_special(w, rows * ld);
  for (ptrdiff_t row = 0; row < rows; row++)
    if (any_special(w + row * ld, cols)) return 1;
  return 0;
}

// Lanes that are channels waste those of the last vector, lanes that are pixels those of each row; few channels make small tiles.
static int pixels_pay(const Correlation *x) {
  const double channels = (double)x->out_channels, row = (double)x->axis[2].size;
  const double of_channels = (double)(ceil_div(x->out_channels, LANES) * LANES) / channels;
  const double of_pixels = (double)(ceil_div(x->axis[2].size, LANES) * LANES) / row;

  const int long_sums = (double)taps_of(x) * (double)x->in_channels > 100; // for which storing in order counts less
  return of_pixels < of_channels * (LANES == 4 && long_sums ? 0.8 : 0.9);
}

// Whether tiles whose rows are pixels should read every step-th element themselves: where the copy is not much larger for it.
static int spread_pays(const Correlation *x) { return x->axis[2].step > 1 && x->axis[2].step <= max(2, x->axis[2].wide); }

// Smaller blocks, where there are fewer than threads and enough to do for them: of fewer images where these are neighbours, else of fewer
// lines.
static void share_out(const Correlation *x, int images, ptrdiff_t units_beside, double work, ptrdiff_t block[3]) {
  const ptrdiff_t threads = thread_count();
  const double worth = work / PART_WORTH;
  const ptrdiff_t wanted = threads < 2 || worth < 2 ? 1 : 2 * (worth < (double)threads ? (ptrdiff_t)worth : threads);
  for (int n = images ? -1 : 0; n < 2; n++) {
    const int q = n < 0 ? 2 : n;
    ptrdiff_t units = units_beside;
    for (int r = 0; r < 3; r++) units *= ceil_div(x->axis[r].size, block[r]);
    if (units >= wanted) return;
    block[q] = min(block[q], max(n < 0 ? STRIP : 1, block[q] / ceil_div(wanted, units)));
    if (n < 0 && STRIP == 16) return; // whole images have better ways than parts of them
  }
}

static double work_of(const Correlation *x) {
  double work = (double)taps_of(x) * (double)x->in_channels * (double)x->out_channels * (double)x->groups;
  for (int q = 0; q < 3; q++) work *= (double)x->axis[q].size;
  return work;
}

// Packs the weights of a phase. Returns 0 if zeros beside the source would meet weights that make NaN of them.
static int pack_phase(const Pass *p, const Correlation *x, float *to, int padded) {
  const ptrdiff_t channels = p->layout.channels, rows = taps_of(x) * channels;
  for (ptrdiff_t group = 0; group < p->groups; group++)
    for (ptrdiff_t panel = 0; panel < p->panels; panel++, to += rows * p->ld) {
      const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, x->out_channels - first);
      pack_weights(x, x->w + (p->group + group) * x->w_group + first * x->w_out + p->channel * x->w_in, channels, cols, p->ld, to);
      if (padded && specials_in(to, rows, cols, p->ld)) return 0;
    }
  return 1;
}

// Returns 0 if plain loops must do it.
static int run_pass(Pass *p, const Room *room, int padded) {
  float *weights = room->weights;
  ptrdiff_t taps = 0;
  for (int f = 0; f < p->phases; f++) {
    Phase *phase = &p->phase[f];
    phase->in_at = room->taps[0] + taps, phase->weight_at = room->taps[1] + taps, phase->weights = weights;
    if (p->by_taps) place_rows(&phase->x, &p->layout, p->ld, room->taps[0] + taps, room->taps[1] + taps);
    else place_taps(&phase->x, &p->layout, p->ld, room->taps[0] + taps, room->taps[1] + taps);
    if (!pack_phase(p, &phase->x, weights, padded)) return 0;
    weights += taps_of(&phase->x) * p->layout.channels * p->ld * p->groups * p->panels, taps += taps_of(&phase->x);
  }
  const ptrdiff_t units = p->groups * p->blocks[0] * p->blocks[1] * p->blocks[2];
  p->shares = min(units, thread_count() < 2 ? 1 : SHARES_MOST);
  run_shares(correlate_share, p, p->shares);
  return 1;
}

// Blocks of whole images, for lanes that are images: how many there are in a line of results, or 0 where they do not fit.
static ptrdiff_t whole_images(const Correlation *x, ptrdiff_t weights_a_channel, ptrdiff_t block[3], ptrdiff_t *channels) {
  const ptrdiff_t whole[3] = {x->axis[0].size, x->axis[1].size, min(x->axis[2].size, 2 * LANES)};
  if (layout_of(x, whole, x->in_channels, 0).floats > COPY_FLOATS - SLACK || weights_a_channel * x->in_channels > WEIGHT_FLOATS - SLACK) return 0;
  for (int q = 0; q < 3; q++) block[q] = whole[q];
  *channels = max(1, x->in_channels);
  return 2 * LANES;
}

// All phases of a correlation, `columns` of which follow each other in a row. Returns 0 where nothing was done: plain loops must do it.
static int correlate(Phase *phase, int phases, int columns, int images, Workspace w) {
  const Room room = room_of(w);
  const Correlation *x = &phase[0].x;
  Pass p = {.phase = phase, .phases = phases, .x = x, .pixels = pixels_pay(x) && !(images && LANES == 4)};
  p.far = (double)x->axis[0].size * (double)x->axis[1].size * (double)x->axis[2].size * (double)x->out_channels > 4.0 * L2_FLOATS;
  p.together = p.pixels || columns > TOGETHER_MOST ? 1 : columns;
  const int spread = !p.pixels && spread_pays(x), stays = !p.pixels && phases == 1 && reads_in_place(x);
  double taps = 0, work = 0;
  int padded = 0;
  for (int f = 0; f < phases; f++) {
    if (!few_taps(&phase[f].x)) return 0;
    taps += (double)taps_of(&phase[f].x), work += work_of(&phase[f].x), padded |= !all_on(&phase[f].x.axis[2]);
  }
  const ptrdiff_t widest = p.pixels ? PIXEL_ROWS : NR, all = ceil_div(x->out_channels, widest), most = COPY_FLOATS - SLACK;
  p.width = p.pixels ? ceil_div(x->out_channels, all) : NR;
  p.ld = p.pixels ? (p.width + 3) & ~(ptrdiff_t)3 : min(NR, ceil_div(x->out_channels, LANES) * LANES);
  ptrdiff_t channels;
  if (taps > TAPS_MOST || taps * (double)p.ld > WEIGHT_FLOATS || !cut(x, spread, (ptrdiff_t)taps * p.ld, min(COPY_USUAL, most), p.block, &channels)) return 0;
  if (STRIP == 16 && images && p.pixels) p.lanes = whole_images(x, (ptrdiff_t)taps * p.ld * all * x->groups, p.block, &channels);
  share_out(x, images, x->groups, work, p.block);
  for (int q = 0; q < 3; q++) p.blocks[q] = ceil_div(x->axis[q].size, p.block[q]);
  const ptrdiff_t fit = max(1, (WEIGHT_FLOATS - SLACK) / max(1, (ptrdiff_t)taps * channels * p.ld));
  const ptrdiff_t panels = min(all, fit), groups = min(x->groups, max(1, fit / all)), parts = max(1, ceil_div(x->in_channels, channels));
  const int once = parts == 1 && panels == all && groups == x->groups; // else weights are looked at before anything is written
  for (int f = 0; padded && !once && f < phases; f++)
    if (any_special_weights(&phase[f].x)) return 0;
  p.results = *x;
  for (int f = 0; f < phases; f++) phase[f].out = phase[f].x.out;
  if (STRIP == 16 && parts == 1 && (!p.pixels || p.lanes)) p.plane = plane_that_waits(&p);
  if (!p.plane) p.lanes = 0;
  for (int f = 0; p.lanes && f < phases; f++) {
    Axis *a = phase[f].x.axis;
    a[0].out *= p.lanes, a[1].out *= p.lanes, a[2].out = 1, phase[f].x.out_c = p.plane * p.lanes;
  }
  for (p.group = 0; p.group < x->groups; p.group += groups)
    for (ptrdiff_t part = 0; part < parts; part++)
      for (p.panel = 0; p.panel < all; p.panel += panels) {
        p.groups = min(groups, x->groups - p.group);
        p.panels = min(panels, all - p.panel);
        p.channel = part * channels, p.add = part > 0, p.last = part == parts - 1;
        const ptrdiff_t own = min(channels, x->in_channels - p.channel);
        p.layout = stays ? in_place(x, own) : layout_of(x, p.block, own, spread);
        p.by_taps = p.layout.channels < x->axis[2].taps && p.layout.spread == x->axis[2].step;
        if (!run_pass(&p, &room, padded && once)) return 0;
      }
  return 1;
}
