// Results of windows that move by one and keep the size of an image, whose pixels are one run in source and results: lanes are pixels,
// across the ends of rows. Nothing is copied. A tap lies the same way off for all pixels, and lanes for which it lies beside the image
// are masked, for which there must be loads that touch nothing there.
#include "conv.h"
#include "../vector.h"

#if defined(__AVX512F__) && LANES == 16
#define FLAT_ROWS 8
#define FLAT_MOST 6   // vectors
#define FLAT_SUM 512  // terms: found by measuring
#define FLAT_COPY 48  // weights of a channel of the source, which its copy must be worth

// The masks of a tap, one a vector of pixels: [tap][vector]; after the taps, which pixels there are.
typedef struct {
  ptrdiff_t taps, channels, vectors, ld;
  ptrdiff_t in_c, out_c;
  const ptrdiff_t *at; // how far a tap lies off
  const __mmask16 *masks;
  int relu; // whether results below 0 become 0 as they are stored
} Flat;

INLINE void flat_tile(const int rows, const int vectors, const Flat *f, const float *in, const __mmask16 *mask, const float *w, float *to, const float *bias) {
  __m512 sum[FLAT_ROWS][FLAT_MOST];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_setzero_ps();
  }
  const ptrdiff_t channels = f->channels, in_c = f->in_c, ld = f->ld;
  const int relu = f->relu;
  UNROLL for (int i = 0; i < rows; i++) { // each line another one, which is there when the sum is
    UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(to + i * f->out_c + v * LANES, 1);
  }
  for (ptrdiff_t tap = 0; tap < f->taps; tap++, mask += f->vectors) {
    const float *from = in + f->at[tap];
    __mmask16 on[FLAT_MOST];
    UNROLL for (int v = 0; v < vectors; v++) on[v] = mask[v];
    for (ptrdiff_t c = 0; c < channels; c++, from += in_c, w += ld) {
      __m512 right[FLAT_MOST];
      UNROLL for (int v = 0; v < vectors; v++) right[v] = _mm512_maskz_loadu_ps(on[v], from + v * LANES);
      UNROLL for (int i = 0; i < rows; i++) {
        const __m512 left = _mm512_set1_ps(w[i]);
        UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_fmadd_ps(left, right[v], sum[i][v]);
      }
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    const __m512 shift = _mm512_set1_ps(bias[i]);
    UNROLL for (int v = 0; v < vectors; v++) {
      __m512 y = _mm512_add_ps(sum[i][v], shift);
      if (relu) y = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_NLT_UQ), y);
      _mm512_mask_storeu_ps(to + v * LANES, mask[v], y);
    }
    to += f->out_c;
  }
}

// As many vectors as there are registers for.
typedef void FlatTile(const Flat *f, const float *in, const __mmask16 *mask, const float *w, float *to, const float *bias);
#define FLAT_VECTORS(R) ((R) <= 4 ? 6 : (R) == 5 ? 5 : (R) == 6 ? 4 : 3)
#define FLAT_TILE(R, V) \
  static void flat_##R##_##V(const Flat *f, const float *in, const __mmask16 *mask, const float *w, float *to, const float *bias) { \
    flat_tile(R, (V) <= FLAT_VECTORS(R) ? (V) : 1, f, in, mask, w, to, bias); \
  }
#define FLAT_TILES(R) FLAT_TILE(R, 1) FLAT_TILE(R, 2) FLAT_TILE(R, 3) FLAT_TILE(R, 4) FLAT_TILE(R, 5) FLAT_TILE(R, 6)
#define FLAT_ENTRY(R) {flat_##R##_1, flat_##R##_2, flat_##R##_3, flat_##R##_4, flat_##R##_5, flat_##R##_6},
MR_8(FLAT_TILES)
static FlatTile *const flat_tiles[FLAT_ROWS][FLAT_MOST] = {MR_8(FLAT_ENTRY)};

// Where windows move by more than one, or results have other columns than the source, it is copied: into a plane for each remainder of
// rows and columns, whose lines are as long as those of the results. What is not under a line's lanes is never read.
typedef struct {
  ptrdiff_t channel, plane, pitch; // floats; channel is 0 where the source is read in place
} FlatPlanes;

static FlatPlanes flat_planes(const Correlation *x) {
  const Axis *rows = &x->axis[1], *columns = &x->axis[2];
  const int same = rows->step == 1 && columns->step == 1 && columns->size == columns->source && (rows->size == 1 || rows->in == columns->size);
  if (same && rows->size == rows->source) return (FlatPlanes){0, 0, columns->size};
  const ptrdiff_t lines = ceil_div(rows->source, rows->step), plane = lines * columns->size + LANES, channel = rows->step * columns->step * plane;
  return (FlatPlanes){(channel + LINE - 1) / LINE * LINE | LINE, plane, columns->size};
}

// Every second float of a line and those between. What whole vectors write past a line's end is written over by the next one, or lies
// behind the plane; where they may not read so far, `whole` is not set.
INLINE void split_line(const float *in, ptrdiff_t count, int whole, float *even, float *odd) {
  for (ptrdiff_t k = 0; k < count; k += 2 * LANES) {
    const ptrdiff_t left = count - k;
    const vec low = whole || left >= LANES ? CVEC(in + k) : load_partial(in + k, left, 0);
    const vec high = whole || left >= 2 * LANES ? CVEC(in + k + LANES) : left > LANES ? load_partial(in + k + LANES, left - LANES, 0) : (vec){0};
    VEC(even + k / 2) = EVENS(low, high), VEC(odd + k / 2) = ODDS(low, high);
  }
}

static void copy_planes(const Correlation *x, const FlatPlanes *planes, const float *in, float *to) {
  const Axis *rows = &x->axis[1], *columns = &x->axis[2];
  const ptrdiff_t over = ceil_div(columns->source, 2 * LANES) * 2 * LANES - columns->source, lines = rows->source;
  for (ptrdiff_t c = 0; c < x->in_channels; c++, in += x->in_c, to += planes->channel)
    for (ptrdiff_t first = 0; first < rows->step; first++) {
      float *line = to + first * columns->step * planes->plane;
      for (ptrdiff_t i = first; i < lines; i += rows->step, line += planes->pitch) {
        const float *from = in + i * rows->in;
        if (columns->step == 2) split_line(from, columns->source, over <= (lines - 1 - i) * rows->in, line, line + planes->plane);
        else copy_run(line, columns->source, from, 1);
      }
    }
}

// One axis of places: those that a tap puts on the source.
INLINE __mmask16 places_on(const Axis *a, ptrdiff_t tap, __m512i place) {
  const __m512i at = _mm512_mullo_epi32(place, _mm512_set1_epi32((int32_t)a->step));
  return _mm512_cmplt_epu32_mask(_mm512_add_epi32(at, _mm512_set1_epi32((int32_t)(a->first + tap * a->gap))), _mm512_set1_epi32((int32_t)a->source));
}

// The place of a tap along an axis: the plane in which it lies, and how many lines or columns off.
typedef struct {
  ptrdiff_t plane, off;
} Place;
INLINE Place place_on(const Axis *a, ptrdiff_t tap) {
  const ptrdiff_t at = a->first + tap * a->gap, plane = ((at % a->step) + a->step) % a->step;
  return (Place){plane, (at - plane) / a->step};
}

// Whether pixels are one run, which fills vectors: nearly so where sums are long, for which lanes that are channels cost little to store.
static int flat_fits(const Correlation *x) {
  const Axis *rows = &x->axis[1], *columns = &x->axis[2];
  const ptrdiff_t pixels = rows->size * columns->size;
  const double filled = (double)pixels / (double)(LANES * ceil_div(pixels, LANES)), sum = (double)taps_of(x) * (double)x->in_channels;
  if (columns->in != 1 || columns->out != 1 || (rows->size != 1 && rows->out != columns->size) || filled < (sum > FLAT_SUM ? 0.97 : 0.9)) return 0;
  const FlatPlanes planes = flat_planes(x);
  if (!planes.channel) return 1;
  const double floats = (double)planes.channel * (double)x->in_channels;
  return ceil_div(columns->source, columns->step) <= columns->size && rows->step <= 2 && columns->step <= 2 && floats < COPY_USUAL &&
         taps_of(x) * x->out_channels >= FLAT_COPY &&
         10 * rows->source * columns->source >= 8 * rows->step * columns->step * pixels; // else most lanes lie beside it
}

static void make_masks(const Correlation *x, const FlatPlanes *planes, ptrdiff_t vectors, ptrdiff_t *at, __mmask16 *masks) {
  const Axis *rows = &x->axis[1], *columns = &x->axis[2];
  const ptrdiff_t pixels = rows->size * columns->size;
  ptrdiff_t tap = 0;
  for (ptrdiff_t r = 0; r < rows->taps; r++)
    for (ptrdiff_t s = 0; s < columns->taps; s++) {
      const Place down = place_on(rows, r), right = place_on(columns, s);
      at[tap++] = (down.plane * columns->step + right.plane) * planes->plane + down.off * planes->pitch + right.off;
    }
  const int32_t wide = (int32_t)columns->size;
  int32_t i[LANES], j[LANES];
  for (int lane = 0; lane < LANES; lane++) i[lane] = lane / wide, j[lane] = lane % wide;
  __m512i row = _mm512_loadu_si512(i), column = _mm512_loadu_si512(j);
  const __m512i down = _mm512_set1_epi32(LANES / wide), right = _mm512_set1_epi32(LANES % wide), end = _mm512_set1_epi32(wide), one = _mm512_set1_epi32(1);
  for (ptrdiff_t v = 0; v < vectors; v++) {
    const __mmask16 there = pixels - v * LANES >= LANES ? 0xffff : (__mmask16)((1u << (pixels - v * LANES)) - 1);
    __mmask16 *to = masks + v;
    for (ptrdiff_t r = 0; r < rows->taps; r++) {
      const __mmask16 on = places_on(rows, r, row) & there;
      for (ptrdiff_t s = 0; s < columns->taps; s++, to += vectors) *to = places_on(columns, s, column) & on;
    }
    *to = there;
    row = _mm512_add_epi32(row, down), column = _mm512_add_epi32(column, right);
    const __mmask16 over = _mm512_cmpge_epi32_mask(column, end);
    row = _mm512_mask_add_epi32(row, over, row, one), column = _mm512_mask_sub_epi32(column, over, column, end);
  }
}

typedef struct {
  const Correlation *x;
  Flat flat;
  FlatPlanes planes;
  const float *weights, *bias; // [group][panel][tap][channel][ld] and [group][panel][FLAT_ROWS]
  ptrdiff_t panels, width, chunks, shares;
} FlatPass;

// Part of the image after this one, which will be in L2 when it is needed: its channels are too many streams for CPUs to foresee.
INLINE void prefetch_next(const Correlation *x, const float *in, ptrdiff_t part, ptrdiff_t parts) {
  const ptrdiff_t floats = x->in_channels * x->in_c;
  const float *next = in + x->axis[0].in;
  for (ptrdiff_t at = part_begin(floats, part, parts); at < part_begin(floats, part + 1, parts); at += LINE) __builtin_prefetch(next + at, 0, 2);
}

static void flat_share(void *job, ptrdiff_t share, const Room *room) {
  const FlatPass *p = job;
  const Correlation *x = p->x;
  ptrdiff_t copied = -1; // the image and group in the copy
  const Flat *f = &p->flat;
  const ptrdiff_t units = x->groups * x->axis[0].size * p->chunks;
  for (ptrdiff_t unit = part_begin(units, share, p->shares); unit < part_begin(units, share + 1, p->shares); unit++) {
    const ptrdiff_t chunk = unit % p->chunks, image = unit / p->chunks % x->axis[0].size, group = unit / p->chunks / x->axis[0].size;
    const ptrdiff_t from = part_begin(f->vectors, chunk, p->chunks), end = part_begin(f->vectors, chunk + 1, p->chunks);
    const float *in = x->in + group * x->in_group + image * x->axis[0].in;
    const float *source = in;
    if (p->planes.channel) {
      float *copy = room->copy;
      if (copied != unit / p->chunks) copy_planes(x, &p->planes, in, copy);
      copied = unit / p->chunks, source = copy;
    }
    float *out = x->out + group * x->out_group + image * x->axis[0].out;
    const Parts parts = even_parts(end - from, FLAT_VECTORS(p->width));
    for (ptrdiff_t q = 0, v = from, vectors; q < parts.count; q++, v += vectors) {
      vectors = part_size(parts, q);
      for (ptrdiff_t panel = 0; panel < p->panels; panel++) {
        prefetch_next(x, in, q * p->panels + panel, parts.count * p->panels);
        const ptrdiff_t first = panel * p->width, rows = min(p->width, x->out_channels - first), at = group * p->panels + panel;
        float *to = out + first * x->out_c + v * LANES;
        flat_tiles[rows - 1][vectors - 1](f, source + v * LANES, f->masks + v, p->weights + at * f->taps * f->channels * f->ld, to, p->bias + at * FLAT_ROWS);
        for (ptrdiff_t i = 0; x->activation && !f->relu && i < rows; i++) activate(x->activation, 1, min(vectors * LANES, x->axis[1].size * x->axis[2].size - v * LANES), (Matrix){to + i * x->out_c, 0, 1});
      }
    }
  }
}

// Returns 0 where nothing was done.
static int correlate_flat(const Correlation *x, Workspace w) {
  if (!flat_fits(x) || !few_taps(x)) return 0;
  const Room room = room_of(w);
  const ptrdiff_t taps = taps_of(x), channels = x->in_channels, pixels = x->axis[1].size * x->axis[2].size;
  FlatPass p = {.x = x, .panels = ceil_div(x->out_channels, FLAT_ROWS)};
  p.width = ceil_div(x->out_channels, p.panels);
  p.flat = (Flat){.taps = taps, .channels = channels, .vectors = ceil_div(pixels, LANES), .ld = (p.width + 3) & ~(ptrdiff_t)3,
                  .in_c = x->in_c, .out_c = x->out_c, .at = room.taps[0], .relu = x->activation == ACTIVATION_RELU};
  p.planes = flat_planes(x);
  if (p.planes.channel) p.flat.in_c = p.planes.channel;
  const double floats = (double)taps * (double)channels * (double)p.flat.ld * (double)p.panels * (double)x->groups;
  const double bias_floats = (double)x->groups * (double)p.panels * FLAT_ROWS;
  const double mask_floats = (double)(taps + 1) * (double)p.flat.vectors / 2 + 1;
  if (floats > WEIGHT_FLOATS - SLACK || bias_floats + mask_floats > MORE_FLOATS) return 0;
  __mmask16 *masks = (__mmask16 *)(void *)(room.more + (ptrdiff_t)bias_floats);
  make_masks(x, &p.planes, p.flat.vectors, room.taps[0], masks);
  p.flat.masks = masks;
  const int padded = !all_on(&x->axis[1]) || !all_on(&x->axis[2]);
  float *to = room.weights, *bias = room.more;
  p.weights = to, p.bias = bias;
  for (ptrdiff_t group = 0; group < x->groups; group++)
    for (ptrdiff_t panel = 0; panel < p.panels; panel++, bias += FLAT_ROWS, to += taps * channels * p.flat.ld) {
      const ptrdiff_t first = panel * p.width, cols = min(p.width, x->out_channels - first);
      pack_weights(x, x->w + group * x->w_group + first * x->w_out, channels, cols, p.flat.ld, to);
      if (padded && specials_in(to, taps * channels, cols, p.flat.ld)) return 0;
      for (ptrdiff_t i = 0; i < cols; i++) bias[i] = x->bias ? x->bias[group * x->bias_group + (first + i) * x->bias_c] : -0.0f;
    }
  const ptrdiff_t images = x->axis[0].size * x->groups, threads = thread_count();
  p.chunks = threads > 1 && images < 2 * threads && work_of(x) > 2 * PART_WORTH ? min(p.flat.vectors, ceil_div(2 * threads, images)) : 1;
  p.shares = min(images * p.chunks, threads < 2 ? 1 : SHARES_MOST);
  run_shares(flat_share, &p, p.shares);
  return 1;
}
#else
static int flat_fits(const Correlation *x) { return (void)x, 0; }
static int correlate_flat(const Correlation *x, Workspace w) {
  (void)x, (void)w;
  return 0;
}
#endif
