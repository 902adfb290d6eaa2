// Plain loops, for what is too large for the workspace: kernels of thousands of taps, say. And for infinities and NaN where the copy of
// a block has zeros beside the source: what is outside adds nothing, whatever its weight is.
#include "conv.h"
#include "../vector.h"

static int no_weights(const Correlation *x) {
  return x->in_channels == 0 || x->axis[0].taps == 0 || x->axis[1].taps == 0 || x->axis[2].taps == 0;
}

// Weights that make NaN of 0.
static int any_special_weights(const Correlation *x) {
  const Axis *a = x->axis;
  if (no_weights(x)) return 0;
  for (ptrdiff_t group = 0; group < x->groups; group++)
    for (ptrdiff_t o = 0; o < x->out_channels; o++)
      for (ptrdiff_t c = 0; c < x->in_channels; c++)
        for (ptrdiff_t r = 0; r < a[0].taps; r++)
          for (ptrdiff_t s = 0; s < a[1].taps; s++)
            for (ptrdiff_t t = 0; t < a[2].taps; t++) {
              const float w = x->w[group * x->w_group + o * x->w_out + c * x->w_in + r * a[0].weight + s * a[1].weight + t * a[2].weight];
              if (!(w - w == 0)) return 1;
            }
  return 0;
}

typedef struct {
  const Correlation *x;
  ptrdiff_t shares;
} Plain;

// sums[k − from] += w · the source under results k, along the last axis.
static void add_tap(const Axis *a, ptrdiff_t tap, Range results, const float *in, float w, float *sums) {
  const Range on = results_on(a, tap, results.from, results.end);
  if (on.from == on.end) return;
  const float *from = in + (on.from * a->step + a->first + tap * a->gap) * a->in;
  const ptrdiff_t count = on.end - on.from, step = a->step * a->in;
  sums += on.from - results.from;
  for (ptrdiff_t k = 0; k < count; k++) sums[k] += w * from[k * step];
}

// The sums of some results of one row and channel, over all channels of the source and all taps.
static void plain_sums(const Correlation *x, const float *in, const float *w, const Range taps[2], ptrdiff_t i, ptrdiff_t j, Range results,
                       float *sums) {
  const Axis *a = x->axis;
  for (ptrdiff_t c = 0; c < x->in_channels; c++)
    for (ptrdiff_t r = taps[0].from; r < taps[0].end; r++)
      for (ptrdiff_t s = taps[1].from; s < taps[1].end; s++) {
        const ptrdiff_t line = (i * a[0].step + a[0].first + r * a[0].gap) * a[0].in + (j * a[1].step + a[1].first + s * a[1].gap) * a[1].in;
        const float *weights = w + c * x->w_in + r * a[0].weight + s * a[1].weight;
        for (ptrdiff_t t = 0; t < a[2].taps; t++) add_tap(&a[2], t, results, in + c * x->in_c + line, weights[t * a[2].weight], sums);
      }
}

static void plain_channel(const Correlation *x, ptrdiff_t group, ptrdiff_t o) {
  static const int ops[] = {OP_COPY, OP_RELU, OP_SIGMOID, OP_TANH};
  const Axis *a = x->axis;
  float sums[BLOCK];
  for (ptrdiff_t i = 0; i < a[0].size; i++)
    for (ptrdiff_t j = 0; j < a[1].size; j++)
      for (ptrdiff_t k = 0; k < a[2].size; k += BLOCK) {
        const Range results = {k, min(a[2].size, k + BLOCK)}, taps[2] = {taps_on(&a[0], i), taps_on(&a[1], j)};
        const ptrdiff_t count = results.end - k;
        for (ptrdiff_t q = 0; q < count; q++) sums[q] = 0;
        plain_sums(x, x->in + group * x->in_group, x->w + group * x->w_group + o * x->w_out, taps, i, j, results, sums);
        if (x->bias)
          for (ptrdiff_t q = 0; q < count; q++) sums[q] += x->bias[group * x->bias_group + o * x->bias_c];
        if (x->activation) unary_run((Unary){.op = ops[x->activation]}, count, sums, sums);
        scatter(sums, x->out + group * x->out_group + o * x->out_c + i * a[0].out + j * a[1].out + k * a[2].out, a[2].out, count);
      }
}

static void plain_share(void *job, ptrdiff_t share) {
  const Plain *p = job;
  const ptrdiff_t channels = p->x->out_channels, all = channels * p->x->groups;
  for (ptrdiff_t o = part_begin(all, share, p->shares); o < part_begin(all, share + 1, p->shares); o++) plain_channel(p->x, o / channels, o % channels);
}

static void correlate_plain(const Correlation *x) {
  Plain p = {x, min(256, x->groups * x->out_channels)};
  parallel(p.shares, plain_share, &p);
}

// The gradient of one weight.
static float plain_weight(const Correlation *x, const float *in, const float *g, const ptrdiff_t tap[3]) {
  const Axis *a = x->axis;
  const Range on = results_on(&a[2], tap[2], 0, a[2].size), lines = results_on(&a[1], tap[1], 0, a[1].size), images = results_on(&a[0], tap[0], 0, a[0].size);
  double sum = 0;
  for (ptrdiff_t i = images.from; i < images.end; i++)
    for (ptrdiff_t j = lines.from; j < lines.end; j++) {
      const ptrdiff_t at = (i * a[0].step + a[0].first + tap[0] * a[0].gap) * a[0].in + (j * a[1].step + a[1].first + tap[1] * a[1].gap) * a[1].in;
      for (ptrdiff_t k = on.from; k < on.end; k++)
        sum += (double)in[at + (k * a[2].step + a[2].first + tap[2] * a[2].gap) * a[2].in] * g[i * a[0].out + j * a[1].out + k * a[2].out];
    }
  return (float)sum;
}

static void plain_weights_of(const Correlation *x, ptrdiff_t group, ptrdiff_t o) {
  const Axis *a = x->axis;
  const float *in = x->in + group * x->in_group, *g = x->out + group * x->out_group + o * x->out_c;
  float *w = x->w + group * x->w_group + o * x->w_out;
  for (ptrdiff_t c = 0; !no_weights(x) && c < x->in_channels; c++)
    for (ptrdiff_t r = 0; r < a[0].taps; r++)
      for (ptrdiff_t s = 0; s < a[1].taps; s++)
        for (ptrdiff_t t = 0; t < a[2].taps; t++)
          w[c * x->w_in + r * a[0].weight + s * a[1].weight + t * a[2].weight] = plain_weight(x, in + c * x->in_c, g, (ptrdiff_t[]){r, s, t});
  if (!x->bias) return;
  double sum = 0;
  for (ptrdiff_t i = 0; i < a[0].size; i++)
    for (ptrdiff_t j = 0; j < a[1].size; j++)
      for (ptrdiff_t k = 0; k < a[2].size; k++) sum += g[i * a[0].out + j * a[1].out + k * a[2].out];
  x->bias[group * x->bias_group + o * x->bias_c] = (float)sum;
}

static void plain_weights_share(void *job, ptrdiff_t share) {
  const Plain *p = job;
  const ptrdiff_t channels = p->x->out_channels, all = channels * p->x->groups;
  for (ptrdiff_t o = part_begin(all, share, p->shares); o < part_begin(all, share + 1, p->shares); o++) plain_weights_of(p->x, o / channels, o % channels);
}

static void weights_plain(const Correlation *x) {
  if (no_weights(x) && !x->bias) return; // there may be any number of channels without weights
  Plain p = {x, min(256, x->groups * x->out_channels)};
  parallel(p.shares, plain_weights_share, &p);
}
