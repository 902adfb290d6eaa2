// The entry: a convolution's descriptor is checked, and each of its three results told as a correlation.
#include "conv.h"
#include "../vector.h"

// Whether a dimension's windows reach places of 32 bits.
static int window_fits(int64_t size, int64_t kernel, int64_t windows, int64_t stride, int64_t padding, int64_t dilation) {
  if (size < 0 || kernel < 0 || windows < 0 || stride < 1 || dilation < 1 || padding < -INT32_MAX) return 0;
  return windows * stride <= INT32_MAX && kernel * dilation <= INT32_MAX &&
         windows * stride + kernel * dilation + (padding < 0 ? -padding : padding) + size <= INT32_MAX;
}

// An array's offset, four strides and length stand together.
static int array_fits(const int32_t *at, int32_t a, int32_t b, int32_t c, int32_t d) {
  const int32_t sizes[4] = {a, b, c, d};
  return walk_state(4, sizes) == 0 || walk_fits(4, sizes, at + 1, at[0], at[5]);
}

static int convolution_fits(const int32_t *d) {
  const int64_t x_channels = (int64_t)d[CONV_GROUPS] * d[CONV_C_IN], y_channels = (int64_t)d[CONV_GROUPS] * d[CONV_C_OUT];
  const int32_t n = d[CONV_N], result = d[CONV_RESULT];
  if (n < 0 || d[CONV_GROUPS] < 0 || d[CONV_C_IN] < 0 || d[CONV_C_OUT] < 0 || x_channels > INT32_MAX || y_channels > INT32_MAX) return 0;
  if (result < CONV_RESULT_Y || result > CONV_RESULT_W || d[CONV_ACTIVATION] < ACTIVATION_NONE || d[CONV_ACTIVATION] >= ACTIVATION_COUNT) return 0;
  if (!window_fits(d[CONV_H], d[CONV_KH], d[CONV_OH], d[CONV_STRIDE_H], d[CONV_PAD_TOP], d[CONV_DILATION_H]) ||
      !window_fits(d[CONV_W], d[CONV_KW], d[CONV_OW], d[CONV_STRIDE_W], d[CONV_PAD_LEFT], d[CONV_DILATION_W])) return 0;
  const int32_t x = (int32_t)x_channels, y = (int32_t)y_channels, of_bias = result == CONV_RESULT_X ? x : y;
  const int32_t bias[6] = {d[CONV_BIAS_OFFSET], 0, 0, 0, d[CONV_BIAS_STRIDE], d[CONV_BIAS_LENGTH]};
  return array_fits(d + CONV_X_OFFSET, n, x, d[CONV_H], d[CONV_W]) && array_fits(d + CONV_W_OFFSET, y, d[CONV_C_IN], d[CONV_KH], d[CONV_KW]) &&
         array_fits(d + CONV_Y_OFFSET, n, y, d[CONV_OH], d[CONV_OW]) && (!d[CONV_HAS_BIAS] || array_fits(bias, 1, 1, 1, of_bias));
}

// As y is computed from x.
static Correlation forward(const int32_t *d, const float *x, float *w, float *y, float *bias) {
  Correlation c = {
    .axis = {
      {d[CONV_N], d[CONV_N], 1, 1, 0, 1, d[CONV_X_N], d[CONV_Y_N], 0},
      {d[CONV_OH], d[CONV_H], d[CONV_STRIDE_H], d[CONV_KH], -d[CONV_PAD_TOP], d[CONV_DILATION_H], d[CONV_X_H], d[CONV_Y_H], d[CONV_W_H]},
      {d[CONV_OW], d[CONV_W], d[CONV_STRIDE_W], d[CONV_KW], -d[CONV_PAD_LEFT], d[CONV_DILATION_W], d[CONV_X_W], d[CONV_Y_W], d[CONV_W_W]},
    },
    .groups = d[CONV_GROUPS], .in_channels = d[CONV_C_IN], .out_channels = d[CONV_C_OUT],
    .in = x, .in_c = d[CONV_X_C], .in_group = (ptrdiff_t)d[CONV_C_IN] * d[CONV_X_C],
    .w = w, .w_in = d[CONV_W_C], .w_out = d[CONV_W_O], .w_group = (ptrdiff_t)d[CONV_C_OUT] * d[CONV_W_O],
    .out = y, .out_c = d[CONV_Y_C], .out_group = (ptrdiff_t)d[CONV_C_OUT] * d[CONV_Y_C],
    .bias = bias, .bias_c = d[CONV_BIAS_STRIDE], .bias_group = (ptrdiff_t)d[CONV_C_OUT] * d[CONV_BIAS_STRIDE],
    .activation = d[CONV_ACTIVATION],
  };
  return c;
}

// Of the elements of x, one axis: those i = first + u·stride whose windows' taps r have the remainder of i + padding. Such a tap lies on
// y at (i + padding − r·dilation) / stride, which goes down as r goes up. The weights' begin moves with the first tap.
typedef struct {
  Axis axis;
  ptrdiff_t first_result, first_tap;
} PhaseAxis;

static PhaseAxis phase_axis(const Axis *f, ptrdiff_t first) {
  const ptrdiff_t stride = f->step, dilation = f->gap, padding = -f->first, period = phase_period(f);
  ptrdiff_t at = (first + padding) % stride, tap = 0; // of the remainder; C's may be negative
  if (at < 0) at += stride;
  while (tap < period && tap < f->taps && (ptrdiff_t)((int64_t)tap * dilation % stride) != at) tap++;
  const ptrdiff_t taps = tap < period && tap < f->taps ? ceil_div(f->taps - tap, period) : 0;
  const ptrdiff_t start = taps ? (first + padding - tap * dilation) / stride : 0;
  return (PhaseAxis){
    {ceil_div(f->source - first, stride), f->size, 1, taps, start, -(ptrdiff_t)((int64_t)period * dilation / stride), f->out, f->in * stride, f->weight * period},
    first, taps ? tap : 0};
}

static int run_correlation(const Correlation *x, Workspace w) {
  for (int q = 0; q < 3; q++)
    if (x->axis[q].size == 0) return GRADUS_OK;
  if (!correlate(x, w)) correlate_plain(x);
  return GRADUS_OK;
}

// The gradient of x: one correlation for each remainder that its elements have by the strides.
static void transposed_phases(const Correlation *f, float *x, Workspace w) {
  const Axis *a = f->axis;
  for (ptrdiff_t i = 0; i < min(a[1].step, a[1].source); i++)
    for (ptrdiff_t j = 0; j < min(a[2].step, a[2].source); j++) {
      const PhaseAxis rows = phase_axis(&a[1], i), columns = phase_axis(&a[2], j);
      Correlation c = *f;
      c.axis[0].in = a[0].out, c.axis[0].out = a[0].in;
      c.axis[1] = rows.axis, c.axis[2] = columns.axis;
      c.in_channels = f->out_channels, c.out_channels = f->in_channels;
      c.in = f->out, c.in_c = f->out_c, c.in_group = f->out_group;
      c.w = f->w + rows.first_tap * a[1].weight + columns.first_tap * a[2].weight, c.w_in = f->w_out, c.w_out = f->w_in;
      c.out = x + i * a[1].in + j * a[2].in, c.out_c = f->in_c, c.out_group = f->in_group;
      c.bias_group = f->in_channels * f->bias_c;
      run_correlation(&c, w);
    }
}

int32_t gradus_conv(const int32_t *d, float *x, float *w, float *y, float *bias) {
  if (!convolution_fits(d)) return GRADUS_OUT_OF_BOUNDS;
  const Workspace space = workspace();
  if (!space.a) return GRADUS_OUT_OF_MEMORY;
  x += d[CONV_X_OFFSET];
  const Correlation f = forward(d, x, w + d[CONV_W_OFFSET], y + d[CONV_Y_OFFSET], d[CONV_HAS_BIAS] ? bias + d[CONV_BIAS_OFFSET] : NULL);
  if (f.groups == 0) return GRADUS_OK;
  if (d[CONV_RESULT] == CONV_RESULT_Y) {
    if (f.out_channels > 0) run_correlation(&f, space);
  } else if (d[CONV_RESULT] == CONV_RESULT_X) {
    if (f.in_channels > 0) transposed_phases(&f, x, space);
  } else if (f.out_channels > 0) {
    const int empty = f.axis[0].size == 0 || f.axis[1].size == 0 || f.axis[2].size == 0;
    if (empty || no_weights(&f) || !correlate_weights(&f, space)) weights_plain(&f);
  }
  return GRADUS_OK;
}
