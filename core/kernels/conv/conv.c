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
  return (Correlation){
    .axis = {
      new_axis(d[CONV_N], d[CONV_N], 1, 1, 0, 1, d[CONV_X_N], d[CONV_Y_N], 0),
      new_axis(d[CONV_OH], d[CONV_H], d[CONV_STRIDE_H], d[CONV_KH], -d[CONV_PAD_TOP], d[CONV_DILATION_H], d[CONV_X_H], d[CONV_Y_H], d[CONV_W_H]),
      new_axis(d[CONV_OW], d[CONV_W], d[CONV_STRIDE_W], d[CONV_KW], -d[CONV_PAD_LEFT], d[CONV_DILATION_W], d[CONV_X_W], d[CONV_Y_W], d[CONV_W_W]),
    },
    .groups = d[CONV_GROUPS], .in_channels = d[CONV_C_IN], .out_channels = d[CONV_C_OUT],
    .in = x, .in_c = d[CONV_X_C], .in_group = (ptrdiff_t)d[CONV_C_IN] * d[CONV_X_C],
    .w = w, .w_in = d[CONV_W_C], .w_out = d[CONV_W_O], .w_group = (ptrdiff_t)d[CONV_C_OUT] * d[CONV_W_O],
    .out = y, .out_c = d[CONV_Y_C], .out_group = (ptrdiff_t)d[CONV_C_OUT] * d[CONV_Y_C],
    .bias = bias, .bias_c = d[CONV_BIAS_STRIDE], .bias_group = (ptrdiff_t)d[CONV_C_OUT] * d[CONV_BIAS_STRIDE],
    .activation = d[CONV_ACTIVATION],
  };
}

// Of the elements of x, one axis: those i = first + u·stride whose windows' taps r have the remainder of i + padding. Such a tap lies on
// y at (i + padding − r·dilation) / stride, which goes down as r goes up. The weights' begin moves with the first tap.
typedef struct {
  Axis axis;
  ptrdiff_t first_tap;
} PhaseAxis;

static PhaseAxis phase_axis(const Axis *f, ptrdiff_t first) {
  const ptrdiff_t stride = f->step, dilation = f->gap, padding = -f->first, period = phase_period(f);
  ptrdiff_t at = (first + padding) % stride, tap = 0; // of the remainder; C's may be negative
  if (at < 0) at += stride;
  while (tap < period && tap < f->taps && (ptrdiff_t)((int64_t)tap * dilation % stride) != at) tap++;
  const ptrdiff_t taps = tap < period && tap < f->taps ? ceil_div(f->taps - tap, period) : 0;
  const ptrdiff_t start = taps ? (first + padding - tap * dilation) / stride : 0;
  const ptrdiff_t gap = -(ptrdiff_t)((int64_t)period * dilation / stride);
  return (PhaseAxis){
    new_axis(ceil_div(f->source - first, stride), f->size, 1, taps, start, gap, f->out, f->in * stride, f->weight * period), taps ? tap : 0};
}

// Rows of pixels that a kernel of one tap takes one by one are one long row.
static Correlation joined(const Correlation *x) {
  Correlation y = *x;
  Axis *rows = &y.axis[1], *columns = &y.axis[2];
  for (int q = 1; q < 3; q++) {
    const Axis *a = &x->axis[q];
    if (a->taps != 1 || a->step != 1 || a->first != 0 || a->size != a->source) return y;
  }
  if (rows->in != columns->size * columns->in || rows->out != columns->size * columns->out) return y;
  columns->size = columns->source = rows->size * columns->size;
  rows->size = rows->source = 1;
  return y;
}

// Images that are transposed as they are copied: dense ones, of which a strip stays in L2.
static int strips_pay(const Correlation *x) {
  const double plane = ((double)x->axis[1].source + (double)x->axis[1].wide - 1) * ((double)x->axis[2].source + (double)x->axis[2].wide - 1);
  return STRIP == 16 && x->axis[2].size <= 8 && x->axis[2].in == 1 && x->in_c == x->axis[1].source * x->axis[2].source &&
         plane * (double)x->in_channels * STRIP <= 1.5 * COPY_USUAL;
}

// Rows of a tile are neighbours along the last axis: where an image has few columns, images are the better neighbours.
static int images_pay(const Correlation *x) {
  const ptrdiff_t columns = x->axis[2].size, images = x->axis[0].size;
  return columns > 0 && images > 0 && (2 * columns <= MR || strips_pay(x)) && columns / ceil_div(columns, MR) < images / ceil_div(images, MR) && !pixels_pay(x);
}

// Lanes are images, where there are too few channels to fill them and pixels are no run: taps beside the source cost nothing then.
static int image_lanes_pay(const Correlation *x) {
  const Axis *a = x->axis;
  return STRIP == 16 && x->axis[0].size >= 2 * LANES && 2 * x->out_channels <= LANES && x->in_channels >= 8 && taps_of(x) > 1 && a[2].in == 1 && a[1].in == a[2].source &&
         a[1].step == 1 && a[2].step == 1 && x->in_c == a[1].source * a[2].source && x->in_c <= 128 && a[1].size * a[2].size <= 256 && !flat_fits(x);
}

// Whether much of what tiles along the last axis read lies beside the source, which images side by side do not.
static int edges_are_wide(const Correlation *x) {
  const Axis *last = &x->axis[2];
  ptrdiff_t on = 0;
  if (LANES != 4 || x->axis[0].size < 8 * MR || x->in_channels < LANES || !few_taps(x)) return 0;
  for (ptrdiff_t tap = 0; tap < last->taps; tap++) {
    const Range r = results_on(last, tap, 0, last->size);
    on += r.end - r.from;
  }
  return 4 * last->size * last->taps > 5 * on;
}

static void put_images_last(Correlation *x) {
  const Axis images = x->axis[0];
  x->axis[0] = x->axis[1], x->axis[1] = x->axis[2], x->axis[2] = images;
}

// With `images` last, planes lie apart, and a depthwise convolution is one like others.
static void run_phases(Phase *phase, int phases, int columns, int images, Workspace w) {
  for (int q = 0; q < 3; q++)
    if (phase[0].x.axis[q].size == 0) return;
  if (phases == 1 && (correlate_few(&phase[0].x, w) || correlate_flat(&phase[0].x, w))) return;
  if ((!images && correlate_depthwise(phase, phases, columns, w)) || correlate(phase, phases, images ? 1 : columns, images, w)) return;
  for (int f = 0; f < phases; f++) correlate_plain(&phase[f].x);
}

// As x is computed from y, for the elements of x whose place has the remainders i and j.
static Correlation backward(const Correlation *f, float *x, ptrdiff_t i, ptrdiff_t j) {
  const Axis *a = f->axis;
  const PhaseAxis rows = phase_axis(&a[1], i), columns = phase_axis(&a[2], j);
  Correlation c = *f;
  c.axis[0].in = a[0].out, c.axis[0].out = a[0].in;
  c.axis[1] = rows.axis, c.axis[2] = columns.axis;
  c.in_channels = f->out_channels, c.out_channels = f->in_channels;
  c.in = f->out, c.in_c = f->out_c, c.in_group = f->out_group;
  c.w = f->w + rows.first_tap * a[1].weight + columns.first_tap * a[2].weight, c.w_in = f->w_out, c.w_out = f->w_in;
  c.out = x + i * a[1].in + j * a[2].in, c.out_c = f->in_c, c.out_group = f->in_group;
  c.bias_group = f->in_channels * f->bias_c;
  return c;
}

// Windows of all phases in one, so that they share a copy.
static void share_windows(Phase *phase, int phases) {
  for (int q = 1; q < 3; q++) {
    ptrdiff_t lowest = 0, end = 0;
    int any = 0;
    for (int f = 0; f < phases; f++) {
      const Axis *a = &phase[f].x.axis[q];
      if (!a->taps) continue;
      lowest = any ? min(lowest, a->lowest) : a->lowest;
      end = any ? max(end, a->lowest + a->wide) : a->lowest + a->wide;
      any = 1;
    }
    for (int f = 0; f < phases; f++) phase[f].x.axis[q].lowest = lowest, phase[f].x.axis[q].wide = end - lowest;
  }
}

// The gradient of x: one correlation for each remainder that its elements have by the strides.
static void run_backward(const Correlation *f, float *x, Workspace w) {
  const ptrdiff_t rows = min(f->axis[1].step, f->axis[1].source), columns = min(f->axis[2].step, f->axis[2].source);
  const int together = (double)rows * (double)columns <= PHASES_MOST;
  Phase phase[PHASES_MOST];
  int phases = 0;
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++) {
      phase[phases].x = backward(f, x, i, j);
      if (rows * columns == 1) phase[0].x = joined(&phase[0].x);
      if (together) phases++;
      else run_phases(phase, 1, 1, 0, w);
    }
  if (!phases) return;
  share_windows(phase, phases);
  const int images = images_pay(&phase[0].x) || image_lanes_pay(&phase[0].x) || (phases == 1 && edges_are_wide(&phase[0].x) && !pixels_pay(&phase[0].x));
  for (int q = 0; images && q < phases; q++) put_images_last(&phase[q].x);
  run_phases(phase, phases, (int)columns, images, w);
}

int32_t gradus_conv(const int32_t *d, float *x, float *w, float *y, float *bias) {
  if (!convolution_fits(d)) return GRADUS_OUT_OF_BOUNDS;
  const Workspace space = workspace();
  if (!space.a) return GRADUS_OUT_OF_MEMORY;
  x += d[CONV_X_OFFSET];
  const Correlation f = forward(d, x, w + d[CONV_W_OFFSET], y + d[CONV_Y_OFFSET], d[CONV_HAS_BIAS] ? bias + d[CONV_BIAS_OFFSET] : NULL);
  if (f.groups == 0) return GRADUS_OK;
  if (d[CONV_RESULT] == CONV_RESULT_Y) {
    Phase phase = {.x = joined(&f)};
    const int images = images_pay(&phase.x);
    if (images) put_images_last(&phase.x);
    if (f.out_channels > 0) run_phases(&phase, 1, 1, images, space);
  } else if (d[CONV_RESULT] == CONV_RESULT_X) {
    if (f.in_channels > 0) run_backward(&f, x, space);
  } else if (f.out_channels > 0) {
    const int empty = f.axis[0].size == 0 || f.axis[1].size == 0 || f.axis[2].size == 0;
    Correlation one = joined(&f);
    const int images = images_pay(&one);
    if (images) put_images_last(&one);
    const int done = !empty && !no_weights(&f) && ((!images && depthwise_weights(&f, space)) || flat_weights(&one, space) || correlate_weights(&one, space));
    if (!done) weights_plain(&f);
  }
  return GRADUS_OK;
}
