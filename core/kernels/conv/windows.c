// Windows: which taps lie on the source, where they lie in the copy of a block, and that copy.
#include "conv.h"
#include "../vector.h"

static ptrdiff_t max(ptrdiff_t x, ptrdiff_t y) { return x > y ? x : y; }

// The taps of result i that lie on the source.
static Range taps_on(const Axis *x, ptrdiff_t i) {
  const ptrdiff_t at = i * x->step + x->first, over = at - x->source; // of tap 0; over ≥ 0 is past the end
  Range taps;
  if (x->gap > 0) taps = (Range){at < 0 ? ceil_div(-at, x->gap) : 0, over < 0 ? ceil_div(-over, x->gap) : 0};
  else taps = (Range){over < 0 ? 0 : over / -x->gap + 1, at < 0 ? 0 : at / -x->gap + 1};
  taps.end = min(taps.end, x->taps);
  if (taps.from > taps.end) taps.from = taps.end;
  return taps;
}

// The results between two for which a tap lies on the source.
static Range results_on(const Axis *x, ptrdiff_t tap, ptrdiff_t from, ptrdiff_t end) {
  const ptrdiff_t at = x->first + tap * x->gap, over = at - x->source;
  const Range on = {max(from, at < 0 ? ceil_div(-at, x->step) : 0), min(end, over < 0 ? ceil_div(-over, x->step) : 0)};
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

// How far a tap lies behind the foremost one.
INLINE ptrdiff_t distance(const Axis *x, ptrdiff_t tap) { return x->gap > 0 ? tap * x->gap : (tap - (x->taps - 1)) * x->gap; }
INLINE ptrdiff_t foremost(const Axis *x) { return x->first + (x->gap > 0 ? 0 : (x->taps - 1) * x->gap); }
static ptrdiff_t span(const Axis *x) { return x->taps ? (x->taps - 1) * (x->gap > 0 ? x->gap : -x->gap) + 1 : 0; }

static ptrdiff_t common_divisor(ptrdiff_t a, ptrdiff_t b) { return b ? common_divisor(b, a % b) : a; }
// Taps so many places apart have the same phase.
static ptrdiff_t phase_period(const Axis *x) { return x->step / common_divisor(x->step, x->gap > 0 ? x->gap : -x->gap); }
static ptrdiff_t phase_of(const Axis *x, ptrdiff_t tap, ptrdiff_t period) { return (x->gap > 0 ? tap : x->taps - 1 - tap) % period; }
static ptrdiff_t phase_offset(const Axis *x, ptrdiff_t phase) {
  return (ptrdiff_t)((int64_t)phase * (x->gap > 0 ? x->gap : -x->gap) % x->step);
}

static Layout layout_of(const Correlation *x, const ptrdiff_t block[3], ptrdiff_t channels) {
  Layout l = {.channels = channels};
  for (int q = 0; q < 2; q++) {
    const ptrdiff_t wide = span(&x->axis[q]);
    l.step[q] = min(x->axis[q].step, wide);
    l.lines[q] = wide ? (block[q] - 1) * l.step[q] + wide : 0;
  }
  const Axis *last = &x->axis[2];
  l.phases = min(last->taps, phase_period(last));
  l.pitch = block[2] + (last->taps ? (span(last) - 1) / last->step : 0);
  const int64_t line = (int64_t)l.phases * channels;
  const double floats = (double)line * (double)l.pitch * (double)l.lines[0] * (double)l.lines[1];
  l.floats = floats < 1e9 ? (int64_t)floats : 1000000000;
  l.line = floats < 1e9 ? (ptrdiff_t)line * l.pitch : 0;
  return l;
}

static int few_taps(const Correlation *x) {
  return (double)x->axis[0].taps * (double)x->axis[1].taps * (double)x->axis[2].taps <= TAPS_MOST;
}
static ptrdiff_t taps_of(const Correlation *x) { return x->axis[0].taps * x->axis[1].taps * x->axis[2].taps; }

// Where each tap begins: in the copy, beside the place of its result, and in packed weights of `ld` floats a channel.
static void place_taps(const Correlation *x, const Layout *l, ptrdiff_t ld, ptrdiff_t *in, ptrdiff_t *weights) {
  const Axis *a = x->axis;
  const ptrdiff_t period = phase_period(&a[2]);
  ptrdiff_t k = 0;
  for (ptrdiff_t r = 0; r < a[0].taps; r++)
    for (ptrdiff_t s = 0; s < a[1].taps; s++)
      for (ptrdiff_t t = 0; t < a[2].taps; t++, k++) {
        in[k] = (distance(&a[0], r) * l->lines[1] + distance(&a[1], s)) * l->line + phase_of(&a[2], t, period) * l->channels * l->pitch +
                distance(&a[2], t) / a[2].step;
        weights[k] = k * l->channels * ld;
      }
}

// The place of a result in the copy of its block, which counts from the block's begin.
INLINE ptrdiff_t place_of(const Layout *l, ptrdiff_t i, ptrdiff_t j) {
  return (i * l->step[0] * l->lines[1] + j * l->step[1]) * l->line;
}

// `count` floats of which those on the source come from places `step` apart; the others are 0.
static void copy_run(float *to, ptrdiff_t count, Range on, const float *in, ptrdiff_t step) {
  for (ptrdiff_t j = 0; j < on.from; j++) to[j] = 0;
  ptrdiff_t j = on.from;
  if (step == 1) {
    for (; j + LANES <= on.end; j += LANES, in += LANES) VEC(to + j) = CVEC(in);
    if (j < on.end) store_partial(to + j, load_partial(in, on.end - j, 0), on.end - j);
  } else {
    for (; j < on.end; j++, in += step) to[j] = *in;
  }
  for (j = on.end; j < count; j++) to[j] = 0;
}

// Where line `line` of the copy lies in the source.
INLINE ptrdiff_t line_source(const Axis *x, ptrdiff_t from, ptrdiff_t line, ptrdiff_t step) {
  return from * x->step + foremost(x) + (step == x->step ? line : line / step * x->step + line % step);
}

// Lines of one phase that are neighbours in the source where results are apart, as images in a batch of small ones: transposed.
static int copies_transposed(const Correlation *x, const Layout *l) {
  return x->axis[1].in == 1 && x->axis[2].in != 1 && l->step[1] == x->axis[1].step && x->axis[2].taps == 1 && all_on(&x->axis[2]);
}

static void copy_lines_transposed(const Correlation *x, const Layout *l, const Block *b, const float *in, float *to) {
  const Axis *a = &x->axis[1], *last = &x->axis[2];
  const ptrdiff_t from = line_source(a, b->from[1], 0, l->step[1]), lines = (b->size[1] - 1) * l->step[1] + span(a);
  const ptrdiff_t first = max(0, -from), end = min(lines, a->source - from);
  if (first >= end) return;
  const float *start = in + (from + first) + (b->from[2] * last->step + last->first) * last->in;
  for (ptrdiff_t c = 0; c < l->channels; c++)
    copy_transposed(end - first, b->size[2], start + c * x->in_c, last->step * last->in, to + first * l->line + c * l->pitch, l->line);
}

static void copy_line(const Correlation *x, const Layout *l, const Block *b, const float *in, float *to) {
  const Axis *last = &x->axis[2];
  for (ptrdiff_t phase = 0; phase < l->phases; phase++) {
    const ptrdiff_t at = b->from[2] * last->step + foremost(last) + phase_offset(last, phase), over = at - last->source;
    Range on = {at < 0 ? min(l->pitch, ceil_div(-at, last->step)) : 0, over < 0 ? min(l->pitch, ceil_div(-over, last->step)) : 0};
    if (on.from > on.end) on.from = on.end;
    const float *from = on.from < on.end ? in + (at + on.from * last->step) * last->in : in;
    for (ptrdiff_t c = 0; c < l->channels; c++, to += l->pitch, from += x->in_c)
      copy_run(to, l->pitch, on, from, last->step * last->in);
  }
}

// The copy of a block. Lines outside of the source are left out: no tap that lies there is taken.
static void copy_block(const Correlation *x, const Layout *l, const Block *b, ptrdiff_t group, ptrdiff_t channel, float *to) {
  const Axis *a = x->axis;
  if (l->line == 0) return;
  const float *in = x->in + group * x->in_group + channel * x->in_c;
  const int transposed = copies_transposed(x, l);
  const ptrdiff_t lines[2] = {(b->size[0] - 1) * l->step[0] + span(&a[0]), (b->size[1] - 1) * l->step[1] + span(&a[1])};
  for (ptrdiff_t p = 0; p < lines[0]; p++) {
    const ptrdiff_t i = line_source(&a[0], b->from[0], p, l->step[0]);
    if (i < 0 || i >= a[0].source) continue;
    if (transposed) copy_lines_transposed(x, l, b, in + i * a[0].in, to + p * l->lines[1] * l->line);
    for (ptrdiff_t q = 0; q < lines[1] && !transposed; q++) {
      const ptrdiff_t j = line_source(&a[1], b->from[1], q, l->step[1]);
      if (j >= 0 && j < a[1].source) copy_line(x, l, b, in + i * a[0].in + j * a[1].in, to + (p * l->lines[1] + q) * l->line);
    }
  }
}

// Cuts the results into blocks whose copies fit, and the channels of the source too if they must be. Returns 0 where even one result of
// one channel does not fit.
static int cut(const Correlation *x, ptrdiff_t weights_a_channel, ptrdiff_t usual, ptrdiff_t block[3], ptrdiff_t *channels) {
  const ptrdiff_t most = COPY_FLOATS - SLACK;
  block[0] = block[1] = 1, block[2] = min(x->axis[2].size, 8 * NR);
  *channels = max(1, x->in_channels);
  while (*channels > 1 && (layout_of(x, block, *channels).floats > most || *channels * weights_a_channel > WEIGHT_FLOATS - SLACK))
    *channels = ceil_div(*channels, 2);
  if (*channels * weights_a_channel > WEIGHT_FLOATS - SLACK) return 0;
  while (block[2] > 1 && layout_of(x, block, *channels).floats > most) block[2] = ceil_div(block[2], 2);
  if (layout_of(x, block, *channels).floats > most) return 0;
  if (block[2] < x->axis[2].size) { // a long run grows while its copy is small
    for (ptrdiff_t more; (more = min(2 * block[2], x->axis[2].size)) > block[2];) {
      const ptrdiff_t now = block[2];
      block[2] = more;
      if (layout_of(x, block, *channels).floats <= usual) continue;
      block[2] = now;
      break;
    }
  }
  for (int q = 1; q >= 0 && block[q + 1] == x->axis[q + 1].size; q--) {
    const Layout l = layout_of(x, block, *channels);
    const int64_t line = l.floats / max(1, l.lines[q]), wide = span(&x->axis[q]);
    const int64_t most_lines = line ? usual / line : TAPS_MOST, more = l.step[q] ? (most_lines - wide) / l.step[q] + 1 : TAPS_MOST;
    block[q] = max(1, min(min(x->axis[q].size, more > TAPS_MOST ? TAPS_MOST : (ptrdiff_t)more), TAPS_MOST / (q ? 1 : block[1])));
  }
  for (int q = 0; q < 3; q++) block[q] = max(1, ceil_div(x->axis[q].size, max(1, ceil_div(x->axis[q].size, block[q]))));
  return 1;
}
