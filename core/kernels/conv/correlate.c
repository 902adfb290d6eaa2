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

// One pass over all blocks, with the weights of some groups, panels of results' channels and channels of the source.
typedef struct {
  const Correlation *x;
  Layout layout;
  ptrdiff_t block[3], blocks[3];
  int pixels; // whether lanes are pixels
  ptrdiff_t channel; // of the source: the first
  int add, last;     // whether results hold sums of channels before, and whether these are the last
  ptrdiff_t group, groups;
  ptrdiff_t panel, panels, width, ld; // panels of channels of the result, `width` of them in each, `ld` floats for each step
  const float *weights;
  ptrdiff_t panel_floats;
  const ptrdiff_t *in_at, *weight_at;
  ptrdiff_t shares;
  char undone[256]; // by share: no memory was left for the workspace of the thread that took it
} Pass;

// The segments of a result's row: those taps of the first two axes that lie on the source, and all of the last.
static Segments segments_of(const Pass *p, ptrdiff_t i, ptrdiff_t j, const Room *room) {
  const Axis *a = p->x->axis;
  const Range outer = taps_on(&a[0], i), inner = taps_on(&a[1], j);
  const ptrdiff_t each = (inner.end - inner.from) * a[2].taps;
  Segments s = {(outer.end - outer.from) * each, p->layout.channels, p->in_at, p->weight_at, p->layout.pitch, p->ld};
  const ptrdiff_t first = (outer.from * a[1].taps + inner.from) * a[2].taps;
  if (outer.end - outer.from <= 1 || inner.end - inner.from == a[1].taps) {
    s.a += first, s.b += first;
    return s;
  }
  ptrdiff_t k = 0;
  for (ptrdiff_t r = outer.from; r < outer.end; r++)
    for (ptrdiff_t t = 0; t < each; t++, k++) {
      const ptrdiff_t at = (r * a[1].taps + inner.from) * a[2].taps + t;
      room->list[0][k] = p->in_at[at], room->list[1][k] = p->weight_at[at];
    }
  s.a = room->list[0], s.b = room->list[1];
  return s;
}

// Sums of all results of a row, along the last axis, in tiles whose rows are pixels.
static void channel_tiles(const Pass *p, const Segments *s, const float *copy, const float *weights, ptrdiff_t cols, ptrdiff_t count, Matrix out,
                          Bias bias) {
  const int vectors = (int)ceil_div(cols, LANES);
  const Parts parts = even_parts(count, MR);
  float tile[MR * NR];
  for (ptrdiff_t q = 0, j = 0, rows; q < parts.count; q++, j += rows) {
    rows = part_size(parts, q);
    sum_tiles[0][rows - 1][vectors - 1](s, copy + j, weights, tile, vectors * LANES, 0);
    store_tile(tile, vectors * LANES, (int)rows, (int)cols, matrix_at(out, j, 0), p->add, bias, p->last ? p->x->activation : ACTIVATION_NONE);
  }
}

// Bias, activation and storing of a tile whose lanes are pixels, `cols` of them in each vector; vectors of results are `to_vector` apart.
static void store_pixels(const Pass *p, float *tile, int rows, int vectors, ptrdiff_t cols, float *to, ptrdiff_t to_vector, const float *bias) {
  const Correlation *x = p->x;
  const ptrdiff_t step = x->axis[2].out;
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) {
      float *const sums = tile + (i * vectors + v) * LANES, *const old = to + i * x->out_c + v * to_vector;
      if (p->add && step == 1) VEC(sums) = (cols == LANES ? CVEC(old) : load_partial(old, cols, 0)) + CVEC(sums);
      else if (p->add) for (ptrdiff_t j = 0; j < cols; j++) sums[j] = old[j * step] + sums[j];
      if (bias && p->last) VEC(sums) = CVEC(sums) + broadcast(bias[i * x->bias_c]);
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

static void pixel_tiles_of(const Pass *p, const Segments *s, const float *copy, const float *weights, int rows, Along along, ptrdiff_t cols,
                           float *to, const float *bias) {
  float tile[PIXEL_ROWS * PIXEL_VECTORS * LANES];
  const ptrdiff_t most = FEW_ROWS(rows) ? PIXEL_VECTORS : 2;
  for (ptrdiff_t v = 0, vectors; v < along.count; v += vectors) {
    vectors = min(most, along.count - v);
    pixel_tiles[rows - 1][vectors - 1](s, weights, copy + v * along.b_vector, along.b_vector, tile);
    store_pixels(p, tile, rows, (int)vectors, cols, to + v * along.to_vector, along.to_vector, bias);
  }
}

// Results of `lines` rows that have the same segments.
static void pixel_rows(const Pass *p, const Segments *s, const float *copy, const float *weights, int rows, ptrdiff_t lines, ptrdiff_t count,
                       float *to, const float *bias) {
  const Axis *a = p->x->axis;
  const ptrdiff_t line = p->layout.step[1] * p->layout.line, whole = count / LANES;
  const Segments by_pixels = {s->count, s->steps, s->b, s->a, s->b_stride, s->a_stride};
  ptrdiff_t j = 0;
  if (whole >= 2) { // along the rows
    const Along along = {whole, LANES, LANES * a[2].out};
    for (ptrdiff_t q = 0; q < lines; q++)
      pixel_tiles_of(p, &by_pixels, copy + q * line, weights, rows, along, LANES, to + q * a[1].out, bias);
    j = whole * LANES;
  }
  for (; j < count; j += LANES)
    pixel_tiles_of(p, &by_pixels, copy + j, weights, rows, (Along){lines, line, a[1].out}, min(LANES, count - j), to + j * a[2].out, bias);
}

static Block block_at(const Pass *p, ptrdiff_t index) {
  Block b;
  for (int q = 2; q >= 0; q--) {
    b.from[q] = index % p->blocks[q] * p->block[q];
    b.size[q] = min(p->block[q], p->x->axis[q].size - b.from[q]);
    index /= p->blocks[q];
  }
  return b;
}

// One panel of a block, row by row.
static void correlate_panel(const Pass *p, const Block *b, ptrdiff_t group, ptrdiff_t panel, const Room *room) {
  const Correlation *x = p->x;
  const Axis *a = x->axis;
  const ptrdiff_t first = (p->panel + panel) * p->width, cols = min(p->width, x->out_channels - first);
  const float *weights = p->weights + (group * p->panels + panel) * p->panel_floats;
  const float *bias = x->bias ? x->bias + (p->group + group) * x->bias_group + first * x->bias_c : NULL;
  float *const out = x->out + (p->group + group) * x->out_group + first * x->out_c + b->from[2] * a[2].out;
  for (ptrdiff_t i = 0; i < b->size[0]; i++)
    for (ptrdiff_t j = 0, lines; j < b->size[1]; j += lines) {
      const Segments s = segments_of(p, b->from[0] + i, b->from[1] + j, room);
      const float *copy = room->copy + place_of(&p->layout, i, j);
      float *const to = out + (b->from[0] + i) * a[0].out + (b->from[1] + j) * a[1].out;
      lines = 1;
      if (!p->pixels) {
        channel_tiles(p, &s, copy, weights, cols, b->size[2], (Matrix){to, a[2].out, x->out_c}, (Bias){p->last ? bias : NULL, 0, x->bias_c});
        continue;
      }
      const Range taps = taps_on(&a[1], b->from[1] + j);
      for (; j + lines < b->size[1]; lines++) {
        const Range below = taps_on(&a[1], b->from[1] + j + lines);
        if (below.from != taps.from || below.end != taps.end) break;
      }
      pixel_rows(p, &s, copy, weights, (int)cols, lines, b->size[2], to, bias);
    }
}

static void correlate_share(void *job, ptrdiff_t share) {
  Pass *p = job;
  const Workspace w = workspace();
  if (!w.a) {
    p->undone[share] = 1;
    return;
  }
  const Room room = room_of(w);
  const ptrdiff_t blocks = p->blocks[0] * p->blocks[1] * p->blocks[2], units = p->groups * blocks;
  for (ptrdiff_t unit = part_begin(units, share, p->shares); unit < part_begin(units, share + 1, p->shares); unit++) {
    const ptrdiff_t group = unit / blocks;
    const Block b = block_at(p, unit % blocks);
    copy_block(p->x, &p->layout, &b, p->group + group, p->channel, room.copy);
    for (ptrdiff_t panel = 0; panel < p->panels; panel++) correlate_panel(p, &b, group, panel, &room);
  }
}

static void run_shares(Part *run, void *job, ptrdiff_t shares, char *undone) {
  for (ptrdiff_t share = 0; share < shares; share++) undone[share] = 0;
  parallel(shares, run, job);
  for (ptrdiff_t share = 0; share < shares; share++)
    if (undone[share]) run(job, share); // this thread has its memory
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

static int specials_in(const Pass *p) {
  const ptrdiff_t rows = taps_of(p->x) * p->layout.channels;
  for (ptrdiff_t panel = 0; panel < p->groups * p->panels; panel++) {
    const float *w = p->weights + panel * p->panel_floats;
    const ptrdiff_t cols = min(p->width, p->x->out_channels - (p->panel + panel % p->panels) * p->width);
    if (cols == p->ld) {
      if (any_special(w, rows * p->ld)) return 1;
    } else {
      for (ptrdiff_t row = 0; row < rows; row++)
        if (any_special(w + row * p->ld, cols)) return 1;
    }
  }
  return 0;
}

// Lanes that are channels waste those of the last vector, lanes that are pixels those of each row; few channels make small tiles.
static int pixels_pay(const Correlation *x) {
  const double channels = (double)x->out_channels, row = (double)x->axis[2].size;
  const double of_channels = (double)(ceil_div(x->out_channels, LANES) * LANES) / channels;
  const double of_pixels = (double)(ceil_div(x->axis[2].size, LANES) * LANES) / row;
  return of_pixels < of_channels * 0.9;
}

// Smaller blocks, where there are fewer than threads and enough to do for them.
static void share_out(const Correlation *x, ptrdiff_t units_beside, double work, ptrdiff_t block[3]) {
  const ptrdiff_t threads = thread_count();
  const double worth = work / PART_WORTH;
  const ptrdiff_t wanted = threads < 2 || worth < 2 ? 1 : 2 * (worth < (double)threads ? (ptrdiff_t)worth : threads);
  for (int q = 0; q < 2; q++) {
    ptrdiff_t units = units_beside;
    for (int r = 0; r < 3; r++) units *= ceil_div(x->axis[r].size, block[r]);
    if (units >= wanted) return;
    block[q] = max(1, block[q] / ceil_div(wanted, units));
  }
}

static double work_of(const Correlation *x) {
  double work = (double)taps_of(x) * (double)x->in_channels * (double)x->out_channels * (double)x->groups;
  for (int q = 0; q < 3; q++) work *= (double)x->axis[q].size;
  return work;
}

// Packs the weights for a pass and runs it. Returns 0 if zeros beside the source would meet weights that make NaN of them.
static int run_pass(Pass *p, const Room *room, int padded) {
  const Correlation *x = p->x;
  place_taps(x, &p->layout, p->ld, room->taps[0], room->taps[1]);
  p->in_at = room->taps[0], p->weight_at = room->taps[1], p->weights = room->weights;
  for (ptrdiff_t group = 0; group < p->groups; group++)
    for (ptrdiff_t panel = 0; panel < p->panels; panel++) {
      const ptrdiff_t first = (p->panel + panel) * p->width;
      const float *w = x->w + (p->group + group) * x->w_group + first * x->w_out + p->channel * x->w_in;
      pack_weights(x, w, p->layout.channels, min(p->width, x->out_channels - first), p->ld, room->weights + (group * p->panels + panel) * p->panel_floats);
    }
  if (padded && specials_in(p)) return 0;
  const ptrdiff_t units = p->groups * p->blocks[0] * p->blocks[1] * p->blocks[2];
  p->shares = min(units, thread_count() < 2 ? 1 : 256);
  run_shares(correlate_share, p, p->shares, p->undone);
  return 1;
}

// Returns 0 where nothing was done: plain loops must do it.
static int correlate(const Correlation *x, Workspace w) {
  if (!few_taps(x)) return 0;
  const Room room = room_of(w);
  Pass p = {.x = x, .pixels = pixels_pay(x)};
  const ptrdiff_t widest = p.pixels ? PIXEL_ROWS : NR, all = ceil_div(x->out_channels, widest);
  p.width = p.pixels ? ceil_div(x->out_channels, all) : NR;
  p.ld = p.pixels ? (p.width + 3) & ~(ptrdiff_t)3 : min(NR, ceil_div(x->out_channels, LANES) * LANES);
  ptrdiff_t channels;
  const double weights_a_channel = (double)taps_of(x) * (double)p.ld;
  if (weights_a_channel > WEIGHT_FLOATS || !cut(x, (ptrdiff_t)weights_a_channel, COPY_USUAL < COPY_FLOATS - SLACK ? COPY_USUAL : COPY_FLOATS - SLACK, p.block, &channels)) return 0;
  share_out(x, x->groups, work_of(x), p.block);
  for (int q = 0; q < 3; q++) p.blocks[q] = ceil_div(x->axis[q].size, p.block[q]);
  p.panel_floats = taps_of(x) * channels * p.ld;
  const ptrdiff_t fit = max(1, (WEIGHT_FLOATS - SLACK) / max(1, p.panel_floats));
  const ptrdiff_t panels = min(all, fit), groups = min(x->groups, max(1, fit / all)), parts = max(1, ceil_div(x->in_channels, channels));
  const int padded = !all_on(&x->axis[2]);
  if (padded && (parts > 1 || panels < all || groups < x->groups) && any_special_weights(x)) return 0;
  const int padded_once = padded && parts == 1 && panels == all && groups == x->groups;
  for (p.group = 0; p.group < x->groups; p.group += groups)
    for (ptrdiff_t part = 0; part < parts; part++)
      for (p.panel = 0; p.panel < all; p.panel += panels) {
        p.groups = min(groups, x->groups - p.group);
        p.panels = min(panels, all - p.panel);
        p.channel = part * channels, p.add = part > 0, p.last = part == parts - 1;
        p.layout = layout_of(x, p.block, min(channels, x->in_channels - p.channel));
        p.panel_floats = taps_of(x) * p.layout.channels * p.ld;
        if (!run_pass(&p, &room, padded_once)) return 0;
      }
  return 1;
}
