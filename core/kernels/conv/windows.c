// Windows: which taps lie on the source, where they lie in the copy of a block, and that copy.
#include "conv.h"
#include "../vector.h"

static ptrdiff_t max(ptrdiff_t x, ptrdiff_t y) { return x > y ? x : y; }

// Most gaps are 1, and dividing takes long.
INLINE ptrdiff_t times_in(ptrdiff_t x, ptrdiff_t gap) { return gap == 1 ? x : x / gap; }
INLINE ptrdiff_t times_up(ptrdiff_t x, ptrdiff_t gap) { return gap == 1 ? x : ceil_div(x, gap); }

// The taps of result i that lie on the source.
static Range taps_on(const Axis *x, ptrdiff_t i) {
  const ptrdiff_t at = i * x->step + x->first, over = at - x->source; // of tap 0; over ≥ 0 is past the end
  Range taps;
  if (x->gap > 0) taps = (Range){at < 0 ? times_up(-at, x->gap) : 0, over < 0 ? times_up(-over, x->gap) : 0};
  else taps = (Range){over < 0 ? 0 : times_in(over, -x->gap) + 1, at < 0 ? 0 : times_in(at, -x->gap) + 1};
  taps.end = min(taps.end, x->taps);
  if (taps.from > taps.end) taps.from = taps.end;
  return taps;
}

// The results between two for which a tap lies on the source.
static Range results_on(const Axis *x, ptrdiff_t tap, ptrdiff_t from, ptrdiff_t end) {
  const ptrdiff_t at = x->first + tap * x->gap, over = at - x->source;
  const Range on = {max(from, at < 0 ? times_up(-at, x->step) : 0), min(end, over < 0 ? times_up(-over, x->step) : 0)};
  return on.from < on.end ? on : (Range){from, from};
}

// Whether every tap of every result lies on the source.
static int all_on(const Axis *x) {
  for (ptrdiff_t tap = 0; tap < x->taps; tap += max(1, x->taps - 1)) {
    const Range on = results_on(x, tap, 0, x->size);
    if (on.end - on.from < x->size) return 0;
  }
  return 1;
}

// How far a tap lies behind the begin of a window's copy.
INLINE ptrdiff_t distance(const Axis *x, ptrdiff_t tap) { return x->first + tap * x->gap - x->lowest; }

// An axis, from its sizes, windows and strides.
static Axis new_axis(ptrdiff_t size, ptrdiff_t source, ptrdiff_t step, ptrdiff_t taps, ptrdiff_t first, ptrdiff_t gap, ptrdiff_t in,
                     ptrdiff_t out, ptrdiff_t weight) {
  const ptrdiff_t reach = taps ? (taps - 1) * gap : 0, wide = taps ? (reach < 0 ? -reach : reach) + 1 : 0;
  return (Axis){size, source, step, taps, first, gap, in, out, weight, first + (reach < 0 ? reach : 0), wide};
}

static ptrdiff_t common_divisor(ptrdiff_t a, ptrdiff_t b) { return b ? common_divisor(b, a % b) : a; }
// Taps so many places apart have the same phase.
static ptrdiff_t phase_period(const Axis *x) { return x->step / common_divisor(x->step, x->gap > 0 ? x->gap : -x->gap); }
static ptrdiff_t phase_of(const Axis *x, ptrdiff_t tap, ptrdiff_t period) { return (x->gap > 0 ? tap : x->taps - 1 - tap) % period; }
static ptrdiff_t phase_offset(const Axis *x, ptrdiff_t phase) {
  return (ptrdiff_t)((int64_t)phase * (x->gap > 0 ? x->gap : -x->gap) % x->step);
}

#define FLOATS_MOST 1000000000 // in a copy: more than any workspace has

static Layout layout_of(const Correlation *x, const ptrdiff_t block[3], ptrdiff_t channels, int spread) {
  Layout l = {.channels = channels, .spread = spread ? x->axis[2].step : 1};
  for (int q = 0; q < 2; q++) {
    const ptrdiff_t wide = x->axis[q].wide;
    l.step[q] = min(x->axis[q].step, wide);
    l.lines[q] = wide ? (block[q] - 1) * l.step[q] + wide : 0;
  }
  const Axis *last = &x->axis[2];
  l.phases = last->step == 1 || spread ? last->wide > 0 : min(last->taps, phase_period(last));
  l.pitch = spread ? (block[2] - 1) * l.spread + last->wide : block[2] + (last->wide ? (last->wide - 1) / last->step : 0);
  const double plane = (double)l.pitch * (double)l.lines[0] * (double)l.lines[1] * (double)l.phases;
  l.floats = FLOATS_MOST;
  if (plane * (double)channels >= FLOATS_MOST) return l;
  l.image = l.pitch * l.lines[1];
  l.phase = l.image * l.lines[0];
  l.channel = l.phases * l.phase;
  // Channels stand an odd number of cache lines apart: they would drive each other out of L1.
  if (channels > 1 && l.channel >= 4 * LINE) l.channel = (l.channel + LINE - 1) / LINE * LINE | LINE;
  l.floats = (int64_t)l.channel * channels;
  return l;
}

static ptrdiff_t taps_of(const Correlation *x) { return x->axis[0].taps * x->axis[1].taps * x->axis[2].taps; }

// Tiles whose rows are pixels need no copy of a source that lies in rows and is under every tap. In wasm they read past their rows, and
// channels that are a multiple of a page apart would drive each other out of L1.
static int reads_in_place(const Correlation *x) {
#if defined(__wasm__)
  return 0;
#endif
  return x->axis[2].in == 1 && x->in_c % L1_ALIAS != 0 && taps_of(x) > 0 && all_on(&x->axis[0]) && all_on(&x->axis[1]) && all_on(&x->axis[2]);
}

static Layout in_place(const Correlation *x, ptrdiff_t channels) {
  const Axis *a = x->axis;
  return (Layout){.channels = channels, .phases = 1, .spread = a[2].step, .step = {a[0].step, a[1].step},
                  .channel = x->in_c, .image = a[0].in, .pitch = a[1].in};
}

// Where the windows of a block begin in the source. Where they lie on padding alone that is no place of it, and nothing is read there:
// hence unsigned numbers, which may wrap.
static const float *source_at(const Correlation *x, const Block *b, ptrdiff_t group, ptrdiff_t channel) {
  uintptr_t at = (uintptr_t)group * (uintptr_t)x->in_group + (uintptr_t)channel * (uintptr_t)x->in_c;
  for (int q = 0; q < 3; q++) {
    const Axis *a = &x->axis[q];
    at += ((uintptr_t)b->from[q] * (uintptr_t)a->step + (uintptr_t)a->lowest) * (uintptr_t)a->in;
  }
  return (const float *)((uintptr_t)x->in + at * sizeof(float));
}

static int few_taps(const Correlation *x) {
  return (double)x->axis[0].taps * (double)x->axis[1].taps * (double)x->axis[2].taps <= TAPS_MOST;
}

// Where each tap begins: in the copy, beside the place of its result, and in packed weights of `ld` floats a channel.
static void place_taps(const Correlation *x, const Layout *l, ptrdiff_t ld, ptrdiff_t *in, ptrdiff_t *weights) {
  const Axis *a = x->axis;
  const ptrdiff_t period = phase_period(&a[2]);
  ptrdiff_t k = 0;
  for (ptrdiff_t r = 0; r < a[0].taps; r++)
    for (ptrdiff_t s = 0; s < a[1].taps; s++)
      for (ptrdiff_t t = 0; t < a[2].taps; t++, k++) {
        in[k] = distance(&a[0], r) * l->image + distance(&a[1], s) * l->pitch + (l->spread == a[2].step ? distance(&a[2], t) : phase_of(&a[2], t, period) * l->phase + distance(&a[2], t) / a[2].step);
        weights[k] = k * l->channels * ld;
      }
}

// The same for rows of taps, of one channel each.
static void place_rows(const Correlation *x, const Layout *l, ptrdiff_t ld, ptrdiff_t *in, ptrdiff_t *weights) {
  const Axis *a = x->axis;
  ptrdiff_t k = 0;
  for (ptrdiff_t r = 0; r < a[0].taps; r++)
    for (ptrdiff_t s = 0; s < a[1].taps; s++)
      for (ptrdiff_t c = 0; c < l->channels; c++, k++) {
        in[k] = distance(&a[0], r) * l->image + distance(&a[1], s) * l->pitch + c * l->channel + (a[2].taps ? distance(&a[2], 0) : 0);
        weights[k] = ((r * a[1].taps + s) * a[2].taps * l->channels + c) * ld;
      }
}

// The place of a result in the copy of its block, which counts from the block's begin.
INLINE ptrdiff_t place_of(const Layout *l, ptrdiff_t i, ptrdiff_t j) {
  return i * l->step[0] * l->image + j * l->step[1] * l->pitch;
}

// Every other lane of two vectors.
#if !defined(__clang__)
INLINE vec evens(vec x, vec y) { return __builtin_shuffle(x, y, LANE_NUMBERS * 2); }
#elif LANES == 16
INLINE vec evens(vec x, vec y) { return __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30); }
#elif LANES == 8
INLINE vec evens(vec x, vec y) { return __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14); }
#else
INLINE vec evens(vec x, vec y) { return __builtin_shufflevector(x, y, 0, 2, 4, 6); }
#endif

INLINE void copy_evens(float *to, ptrdiff_t count, const float *in) {
  ptrdiff_t j = 0;
  for (; j + LANES < count; j += LANES) VEC(to + j) = evens(CVEC(in + 2 * j), CVEC(in + 2 * j + LANES)); // reads one more than it takes
#if LANES == 16
  const ptrdiff_t left = 2 * (count - j) - 1;
  const vec x = left >= LANES ? CVEC(in + 2 * j) : load_partial(in + 2 * j, left, 0);
  store_partial(to + j, evens(x, left > LANES ? load_partial(in + 2 * j + LANES, left - LANES, 0) : x), count - j);
#else
  for (; j < count; j++) to[j] = in[2 * j];
#endif
}

// `count` floats from places `step` apart, at least one. Where there is more than a vector, the last one may begin within the one before it.
INLINE void copy_run(float *to, ptrdiff_t count, const float *in, ptrdiff_t step) {
  if (step == 2) {
    copy_evens(to, count, in);
  } else if (step != 1) {
    for (ptrdiff_t j = 0; j < count; j++) to[j] = in[j * step];
  } else if (count < LANES) {
    store_partial(to, load_partial(in, count, 0), count);
  } else {
    for (ptrdiff_t j = 0; j + LANES < count; j += LANES) VEC(to + j) = CVEC(in + j);
    VEC(to + count - LANES) = CVEC(in + count - LANES);
  }
}

// Where line `line` of the copy lies in the source.
INLINE ptrdiff_t line_source(const Axis *x, ptrdiff_t from, ptrdiff_t line, ptrdiff_t step) {
  return from * x->step + x->lowest + (step == x->step ? line : line / step * x->step + line % step);
}

// Lines of one phase that are neighbours in the source where results are apart, as images in a batch of small ones: transposed.
static int copies_transposed(const Correlation *x, const Layout *l) {
  return x->axis[1].in == 1 && x->axis[2].in != 1 && l->step[1] == x->axis[1].step && x->axis[2].wide == 1 && all_on(&x->axis[2]);
}

static void copy_lines_transposed(const Correlation *x, const Layout *l, const Block *b, const float *in, float *to) {
  const Axis *a = &x->axis[1], *last = &x->axis[2];
  const ptrdiff_t from = line_source(a, b->from[1], 0, l->step[1]), lines = (b->size[1] - 1) * l->step[1] + a->wide;
  const ptrdiff_t first = max(0, -from), end = min(lines, a->source - from);
  if (first >= end) return;
  const float *start = in + (from + first) + (b->from[2] * last->step + last->lowest) * last->in;
  for (ptrdiff_t c = 0; c < l->channels; c++)
    copy_transposed(end - first, b->size[2], start + c * x->in_c, last->step * last->in, to + first * l->pitch + c * l->channel, l->pitch);
}

#if STRIP == 16
#define PLANE_MOST 256 // elements

// The same where images are dense and wholly under a block: each is one run, of which sixteen floats of sixteen images are transposed at
// a time, whatever lines they belong to. Returns 0 where they are not.
static int copy_images_transposed(const Correlation *x, const Layout *l, const Block *b, const float *in, float *to) {
  const Axis *lines = &x->axis[0], *columns = &x->axis[1], *last = &x->axis[2];
  const ptrdiff_t plane = lines->source * columns->source, floats = l->channels * plane, step = last->step * last->in, images = b->size[2];
  if (plane > PLANE_MOST || lines->in != columns->source || (l->channels > 1 && x->in_c != plane)) return 0;
  for (int q = 0; q < 2; q++)
    if (b->size[q] < x->axis[q].size || l->step[q] != x->axis[q].step) return 0;
  int32_t place[PLANE_MOST];
  for (ptrdiff_t i = 0; i < lines->source; i++)
    for (ptrdiff_t j = 0; j < columns->source; j++) {
      const ptrdiff_t line = i - lines->lowest, column = j - columns->lowest;
      const int under = line >= 0 && line < l->lines[0] && column >= 0 && column < l->lines[1];
      place[i * columns->source + j] = under ? (int32_t)(line * l->image + column * l->pitch) : -1;
    }
  in += (b->from[2] * last->step + last->lowest) * last->in;
  for (ptrdiff_t k = 0; k < images; k += STRIP, in += STRIP * step) {
    const ptrdiff_t strip = min(STRIP, images - k);
    float *channel = to + k;
    for (ptrdiff_t f = 0, at = 0; f < floats; f += STRIP) {
      const ptrdiff_t here = min(STRIP, floats - f);
      __m512 from[STRIP], turned[STRIP];
      for (int q = 0; q < STRIP; q++)
        from[q] = q >= strip ? _mm512_setzero_ps() : here == STRIP ? _mm512_loadu_ps(in + q * step + f) : (__m512)load_partial(in + q * step + f, here, 0);
      transpose_16x16(from, turned);
      for (int q = 0; q < here; q++) {
        if (place[at] >= 0) {
          if (strip == STRIP) _mm512_storeu_ps(channel + place[at], turned[q]);
          else store_partial(channel + place[at], (vec)turned[q], strip);
        }
        if (++at == plane) at = 0, channel += l->channel;
      }
    }
  }
  return 1;
}
#else
static int copy_images_transposed(const Correlation *x, const Layout *l, const Block *b, const float *in, float *to) {
  (void)x, (void)l, (void)b, (void)in, (void)to;
  return 0;
}
#endif

// The lines of axis 1 for all channels: channel by channel, as they lie in the source.
static void copy_lines(const Correlation *x, const Layout *l, const Block *b, const float *in, float *to) {
  const Axis *a = &x->axis[1], *last = &x->axis[2];
  const ptrdiff_t lines = (b->size[1] - 1) * l->step[1] + a->wide, pitch = l->pitch;
  const ptrdiff_t step = l->spread == last->step ? 1 : last->step, in_step = step * last->in;
  const ptrdiff_t from = line_source(a, b->from[1], 0, l->step[1]);
  for (ptrdiff_t phase = 0; phase < l->phases; phase++) {
    const ptrdiff_t at = b->from[2] * last->step + last->lowest + phase_offset(last, phase), over = at - last->source;
    const Range on = {at < 0 ? min(pitch, times_up(-at, step)) : 0, over < 0 ? min(pitch, times_up(-over, step)) : 0};
    if (on.from >= on.end) continue;
    const float *const start = in + (at + on.from * step) * last->in;
    for (ptrdiff_t c = 0; c < l->channels; c++) {
      float *const first = to + c * l->channel + phase * l->phase + on.from;
      for (ptrdiff_t q = 0; q < lines; q++) {
        const ptrdiff_t j = l->step[1] == a->step ? from + q : line_source(a, b->from[1], q, l->step[1]);
        if (j >= 0 && j < a->source) copy_run(first + q * pitch, on.end - on.from, start + c * x->in_c + j * a->in, in_step);
      }
    }
  }
}

// The copy of a block. Lines outside of the source are left out: no tap that lies there is taken. What is outside of it in a line has to
// be 0 before, and stays so for other blocks that are as long.
static void copy_block(const Correlation *x, const Layout *l, const Block *b, ptrdiff_t group, ptrdiff_t channel, float *to, int *cleared) {
  const Axis *a = &x->axis[0];
  const float *in = x->in + group * x->in_group + channel * x->in_c;
  const int transposed = copies_transposed(x, l);
  const ptrdiff_t lines = (b->size[0] - 1) * l->step[0] + a->wide;
  if (transposed && copy_images_transposed(x, l, b, in, to)) return;
  if (!*cleared || b->size[2] < x->axis[2].size) __builtin_memset(to, 0, (size_t)l->floats * sizeof *to);
  *cleared = 1;
  for (ptrdiff_t p = 0; p < lines; p++) {
    const ptrdiff_t i = line_source(a, b->from[0], p, l->step[0]);
    if (i < 0 || i >= a->source) continue;
    if (transposed) copy_lines_transposed(x, l, b, in + i * a->in, to + p * l->image);
    else copy_lines(x, l, b, in + i * a->in, to + p * l->image);
  }
}

// Cuts the results into blocks whose copies fit, and the channels of the source too if they must be. Returns 0 where even one result of
// one channel does not fit.
// Along an axis without windows lines are shared by none: shorter runs leave room for more of the lines that windows do share.
static ptrdiff_t short_run(const Correlation *x, int spread, ptrdiff_t usual, ptrdiff_t run) {
  if (x->axis[2].wide != 1 || (x->axis[0].wide == 1 && x->axis[1].wide == 1)) return run;
  ptrdiff_t whole[3] = {x->axis[0].size, x->axis[1].size, run};
  while (whole[2] > MR && layout_of(x, whole, x->in_channels, spread).floats > usual) whole[2] = max(1, whole[2] / (2 * MR)) * MR;
  return whole[2];
}

static int cut(const Correlation *x, int spread, ptrdiff_t weights_a_channel, ptrdiff_t usual, ptrdiff_t block[3], ptrdiff_t *channels) {
  const ptrdiff_t most = COPY_FLOATS - SLACK;
  const ptrdiff_t run = min(x->axis[2].size, 8 * NR);
  block[0] = block[1] = 1, block[2] = short_run(x, spread, usual, run);
  const int is_short = block[2] < run;
  *channels = max(1, x->in_channels);
  while (*channels > 1 && (layout_of(x, block, *channels, spread).floats > most || *channels * weights_a_channel > WEIGHT_FLOATS - SLACK))
    *channels = ceil_div(*channels, 2);
  if (*channels * weights_a_channel > WEIGHT_FLOATS - SLACK) return 0;
  while (block[2] > 1 && layout_of(x, block, *channels, spread).floats > most) block[2] = ceil_div(block[2], 2);
  if (layout_of(x, block, *channels, spread).floats > most) return 0;
  if (block[2] < x->axis[2].size && !is_short) { // a long run grows while its copy is small
    for (ptrdiff_t more; (more = min(2 * block[2], x->axis[2].size)) > block[2];) {
      const ptrdiff_t now = block[2];
      block[2] = more;
      if (layout_of(x, block, *channels, spread).floats <= usual) continue;
      block[2] = now;
      break;
    }
  }
  for (int q = 1; q >= 0 && ((q == 1 && is_short) || block[q + 1] == x->axis[q + 1].size); q--) {
    const Layout l = layout_of(x, block, *channels, spread);
    const int64_t line = l.floats / max(1, l.lines[q]), wide = x->axis[q].wide;
    const int64_t most_lines = line ? usual / line : TAPS_MOST, more = l.step[q] ? (most_lines - wide) / l.step[q] + 1 : TAPS_MOST;
    block[q] = max(1, min(min(x->axis[q].size, more > TAPS_MOST ? TAPS_MOST : (ptrdiff_t)more), TAPS_MOST / (q ? 1 : block[1])));
  }
  for (int q = 0; q < 3; q++) block[q] = max(1, ceil_div(x->axis[q].size, max(1, ceil_div(x->axis[q].size, block[q]))));
  return 1;
}
