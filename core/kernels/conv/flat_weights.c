// The gradient of the weights of such windows: every weight is a dot product of two runs of pixels, the source's being masked. A tile has
// some channels of y and some weights of each, in the order of channels of the source and taps, and sums over some images.
#include "conv.h"
#include "../vector.h"

#if defined(__AVX512F__) && LANES == 16
#define FLAT_RUN ((ptrdiff_t)48 << 10) // floats of source and y that tiles pass before the next images: what stays in L2

typedef struct {
  const Correlation *x;
  Flat flat;
  ptrdiff_t columns, ld, width; // weights of a channel of y; channels of y, padded; channels in a tile
  ptrdiff_t images, ranges, shares;
  float *sums, *bias; // [group][range][column][ld], [group][range][ld]
} FlatWeights;

// What the tiles of some images have in common.
typedef struct {
  ptrdiff_t images, vectors, taps, ld;
  ptrdiff_t g_image, in_image, out_c; // from an image of y and of the source to the next, from a channel of y
  const __mmask16 *there;             // which pixels there are
} DotTile;

// Masks lie as [vector][tap] here. `apart` says that columns are channels, of a kernel of one tap; else they are taps of one channel.
INLINE void flat_dots(const int apart, const int rows, const int cols, const DotTile *t, const float *g, const float *const *in, const __mmask16 *mask, float *to) {
  __m512 sum[FLAT_ROWS][FLAT_MOST];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int j = 0; j < cols; j++) sum[i][j] = _mm512_setzero_ps();
  }
  const ptrdiff_t vectors = t->vectors, out_c = t->out_c, taps = t->taps;
  const float *from[FLAT_MOST];
  UNROLL for (int j = 0; j < cols; j++) from[j] = in[j];
  for (ptrdiff_t image = 0; image < t->images; image++, g += t->g_image) {
    const __mmask16 *on = mask, *there = t->there;
    const float *left = g;
    for (ptrdiff_t v = 0; v < vectors; v++, left += LANES, on += taps) {
      __m512 right[FLAT_MOST];
      const ptrdiff_t at = v * LANES;
      UNROLL for (int j = 0; j < cols; j++) {
        right[j] = _mm512_maskz_loadu_ps(apart ? there[v] : on[j], from[j] + at);
        KEEP(right[j]);
      }
      UNROLL for (int i = 0; i < rows; i++) {
        __m512 x = _mm512_maskz_loadu_ps(there[v], left + i * out_c);
        KEEP(x);
        UNROLL for (int j = 0; j < cols; j++) sum[i][j] = apart ? _mm512_fmadd_ps(x, right[j], sum[i][j]) : _mm512_mask3_fmadd_ps(x, right[j], sum[i][j], on[j]);
      }
    }
    UNROLL for (int j = 0; j < cols; j++) from[j] += t->in_image;
  }
  UNROLL for (int j = 0; j < cols; j++, to += t->ld) {
    UNROLL for (int i = 0; i + 4 <= rows; i += 4) QUAD(to + i) += sums_of((vec)sum[i][j], (vec)sum[i + 1][j], (vec)sum[i + 2][j], (vec)sum[i + 3][j]);
    UNROLL for (int i = rows / 4 * 4; i < rows; i++) to[i] += sum_of((vec)sum[i][j]);
  }
}

typedef void FlatDots(const DotTile *t, const float *g, const float *const *in, const __mmask16 *mask, float *to);
#define FLAT_DOTS(NAME, APART, R, C) \
  static void NAME##_##R##_##C(const DotTile *t, const float *g, const float *const *in, const __mmask16 *mask, float *to) { \
    flat_dots(APART, R, (C) <= FLAT_VECTORS(R) ? (C) : 1, t, g, in, mask, to); \
  }
#define FLAT_DOTS_OF(N, A, R) FLAT_DOTS(N, A, R, 1) FLAT_DOTS(N, A, R, 2) FLAT_DOTS(N, A, R, 3) FLAT_DOTS(N, A, R, 4) FLAT_DOTS(N, A, R, 5) FLAT_DOTS(N, A, R, 6)
#define FLAT_DOTS_BOTH(R) FLAT_DOTS_OF(tap_dots, 0, R) FLAT_DOTS_OF(channel_dots, 1, R)
#define FLAT_DOTS_ENTRY(N, R) {N##_##R##_1, N##_##R##_2, N##_##R##_3, N##_##R##_4, N##_##R##_5, N##_##R##_6},
#define TAP_DOTS(R) FLAT_DOTS_ENTRY(tap_dots, R)
#define CHANNEL_DOTS(R) FLAT_DOTS_ENTRY(channel_dots, R)
MR_8(FLAT_DOTS_BOTH)
static FlatDots *const flat_dot_kernels[2][FLAT_ROWS][FLAT_MOST] = {{MR_8(TAP_DOTS)}, {MR_8(CHANNEL_DOTS)}};

static void transpose_masks(ptrdiff_t taps, ptrdiff_t vectors, const __mmask16 *from, __mmask16 *to) {
  for (ptrdiff_t tap = 0; tap < taps; tap++)
    for (ptrdiff_t v = 0; v < vectors; v++) to[v * taps + tap] = *from++;
  for (ptrdiff_t v = 0; v < vectors; v++) to[taps * vectors + v] = *from++;
}

// Sums of y, a channel at a time.
static void add_channel(const Correlation *x, const float *g, ptrdiff_t images, float *to) {
  const ptrdiff_t pixels = x->axis[1].size * x->axis[2].size;
  vec sum[2] = {{0}, {0}};
  for (ptrdiff_t image = 0; image < images; image++, g += x->axis[0].out) {
    ptrdiff_t k = 0;
    for (; k + 2 * LANES <= pixels; k += 2 * LANES) sum[0] += CVEC(g + k), sum[1] += CVEC(g + k + LANES);
    for (; k < pixels; k += LANES) sum[0] += pixels - k < LANES ? load_partial(g + k, pixels - k, 0) : CVEC(g + k);
  }
  *to += sum_of(sum[0] + sum[1]);
}

static void flat_images(const FlatWeights *p, ptrdiff_t group, ptrdiff_t image, ptrdiff_t images, float *sums, float *bias) {
  const Correlation *x = p->x;
  const Flat *f = &p->flat;
  const DotTile t = {images, f->vectors, f->taps, p->ld, x->axis[0].out, x->axis[0].in, f->out_c, f->masks + f->taps * f->vectors};
  const float *in = x->in + group * x->in_group + image * x->axis[0].in, *g = x->out + group * x->out_group + image * x->axis[0].out;
  const int apart = f->taps == 1;
  const ptrdiff_t runs = apart ? 1 : x->in_channels, length = apart ? x->in_channels : f->taps;
  for (ptrdiff_t o = 0, rows; o < x->out_channels; o += rows) {
    rows = min(p->width, x->out_channels - o);
    const Parts parts = even_parts(length, FLAT_VECTORS(rows));
    for (ptrdiff_t run = 0; run < runs; run++)
      for (ptrdiff_t q = 0, first = 0, cols; q < parts.count; q++, first += cols) {
        cols = part_size(parts, q);
        const float *from[FLAT_MOST];
        for (ptrdiff_t j = first; j < first + cols; j++) from[j - first] = in + (apart ? j : run) * x->in_c + f->at[apart ? 0 : j];
        flat_dot_kernels[apart][rows - 1][cols - 1](&t, g + o * x->out_c, from, f->masks + (apart ? 0 : first), sums + (run * length + first) * p->ld + o);
      }
    for (ptrdiff_t i = 0; bias && i < rows; i++) add_channel(x, g + (o + i) * x->out_c, images, bias + o + i);
  }
}

static void flat_weights_share(void *job, ptrdiff_t share) {
  const FlatWeights *p = job;
  const ptrdiff_t units = p->x->groups * p->ranges, all = p->x->axis[0].size, floats = p->columns * p->ld;
  for (ptrdiff_t unit = part_begin(units, share, p->shares); unit < part_begin(units, share + 1, p->shares); unit++) {
    float *const sums = p->sums + unit * floats, *const bias = p->bias ? p->bias + unit * p->ld : NULL;
    for (ptrdiff_t i = 0; i < floats; i++) sums[i] = 0;
    for (ptrdiff_t i = 0; bias && i < p->ld; i++) bias[i] = 0;
    const ptrdiff_t range = unit % p->ranges, end = part_begin(all, range + 1, p->ranges);
    for (ptrdiff_t image = part_begin(all, range, p->ranges); image < end; image += p->images)
      flat_images(p, unit / p->ranges, image, min(p->images, end - image), sums, bias);
  }
}

// Adds up the ranges of a group, in order.
static void finish_flat(const FlatWeights *p, ptrdiff_t group) {
  const Correlation *x = p->x;
  const ptrdiff_t floats = p->columns * p->ld, taps = p->flat.taps, columns = x->axis[2].taps;
  float *sums = p->sums + group * p->ranges * floats, *bias = p->bias ? p->bias + group * p->ranges * p->ld : NULL;
  for (ptrdiff_t range = 1; range < p->ranges; range++) {
    for (ptrdiff_t i = 0; i < floats; i++) sums[i] += sums[range * floats + i];
    for (ptrdiff_t i = 0; bias && i < p->ld; i++) bias[i] += bias[range * p->ld + i];
  }
  float *w = x->w + group * x->w_group;
  for (ptrdiff_t o = 0; o < x->out_channels; o++) {
    for (ptrdiff_t c = 0, q = 0; c < x->in_channels; c++)
      for (ptrdiff_t tap = 0; tap < taps; tap++, q++)
        w[o * x->w_out + c * x->w_in + tap / columns * x->axis[1].weight + tap % columns * x->axis[2].weight] = sums[q * p->ld + o];
    if (bias) x->bias[group * x->bias_group + o * x->bias_c] = bias[o];
  }
}

// Returns 0 where nothing was done. Tiles read as much from L1 as they multiply: lanes that are channels do better where there are enough.
static int flat_weights(const Correlation *x, Workspace w) {
  if (!flat_fits(x) || flat_planes(x).channel || !few_taps(x) || (x->out_channels > FLAT_ROWS && x->in_channels > 2)) return 0;
  const Room room = room_of(w);
  const ptrdiff_t taps = taps_of(x), pixels = x->axis[1].size * x->axis[2].size, all = x->axis[0].size;
  FlatWeights p = {.x = x, .columns = taps * x->in_channels, .ld = x->out_channels};
  p.flat = (Flat){.taps = taps, .channels = x->in_channels, .vectors = ceil_div(pixels, LANES), .in_c = x->in_c, .out_c = x->out_c,
                  .at = room.taps[0], .masks = (const __mmask16 *)(const void *)room.copy};
  p.width = ceil_div(x->out_channels, ceil_div(x->out_channels, FLAT_ROWS));
  const double worth = work_of(x) / (double)x->groups / PART_WORTH;
  p.ranges = min(all, worth < 2 ? 1 : (ptrdiff_t)(worth < RANGES ? worth : RANGES));
  p.images = max(1, FLAT_RUN / ((x->in_channels + x->out_channels) * pixels));
  const double floats = (double)(p.columns + 1) * (double)p.ld * (double)p.ranges * (double)x->groups;
  if ((double)(taps + 1) * (double)p.flat.vectors > 2.0 * MORE_FLOATS || floats > WEIGHT_FLOATS - SLACK) return 0;
  const FlatPlanes planes = flat_planes(x);
  make_masks(x, &planes, p.flat.vectors, room.taps[0], (__mmask16 *)(void *)room.more);
  transpose_masks(taps, p.flat.vectors, (const __mmask16 *)(const void *)room.more, (__mmask16 *)(void *)room.copy);
  p.sums = room.weights, p.bias = x->bias ? p.sums + x->groups * p.ranges * p.columns * p.ld : NULL;
  p.shares = min(x->groups * p.ranges, 256);
  parallel(p.shares, flat_weights_share, &p);
  for (ptrdiff_t group = 0; group < x->groups; group++) finish_flat(&p, group);
  return 1;
}
#else
static int flat_weights(const Correlation *x, Workspace w) {
  (void)x, (void)w;
  return 0;
}
#endif
