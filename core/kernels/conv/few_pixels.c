// One image of which few pixels are wanted by many weights, as it is predicted from: to pack the weights would take longer than to
// multiply by them. Here they are read once, where they stand, and what their windows lie on is laid out: a product of dot products.
#include "conv.h"
#include "../vector.h"

#define FEW_PIXELS 16
#define LONG_SUM 256 // terms, from which on it pays

static int is_few(const Correlation *x) {
  const Axis *a = x->axis;
  const ptrdiff_t taps = taps_of(x);
  return L2_FLOATS > 0 && a[0].size == 1 && a[0].taps == 1 && a[1].size * a[2].size <= FEW_PIXELS && (a[1].size == 1 || a[1].out == a[2].size * a[2].out) &&
         taps_dense(x) && (taps == 1 || x->in_channels == 1 || x->w_in == taps) && (taps > 1 || x->w_in == 1) &&
         (double)taps * (double)x->in_channels >= LONG_SUM && (double)taps * (double)x->in_channels * (double)(a[1].size * a[2].size) <= COPY_FLOATS;
}

// The windows of a group, as [pixel][channel][tap].
static void lay_out_windows(const Correlation *x, const float *in, ptrdiff_t sum, float *to) {
  const Axis *rows = &x->axis[1], *columns = &x->axis[2];
  __builtin_memset(to, 0, (size_t)(rows->size * columns->size * sum) * sizeof *to);
  for (ptrdiff_t r = 0; r < rows->taps; r++)
    for (ptrdiff_t s = 0; s < columns->taps; s++) {
      const Range down = results_on(rows, r, 0, rows->size), across = results_on(columns, s, 0, columns->size);
      const ptrdiff_t step = columns->step * columns->in, tap = r * columns->taps + s, taps = taps_of(x);
      for (ptrdiff_t i = down.from; i < down.end; i++)
        for (ptrdiff_t c = 0; c < x->in_channels; c++) {
          const float *from = in + c * x->in_c + (i * rows->step + rows->first + r * rows->gap) * rows->in + (columns->first + s * columns->gap) * columns->in;
          float *line = to + i * columns->size * sum + c * taps + tap;
          for (ptrdiff_t j = across.from; j < across.end; j++) line[j * sum] = from[j * step];
        }
    }
}

// Returns 0 where another way must do it, over whatever was written: where weights have made NaN of the zeros beside the source, say.
static int correlate_few(const Correlation *x, Workspace w) {
  if (!is_few(x)) return 0;
  const Room room = room_of(w);
  const ptrdiff_t pixels = x->axis[1].size * x->axis[2].size, sum = taps_of(x) * x->in_channels, step = x->axis[2].out;
  for (ptrdiff_t group = 0; group < x->groups; group++) {
    float *out = x->out + group * x->out_group;
    lay_out_windows(x, x->in + group * x->in_group, sum, room.copy);
    const Product product = {x->out_channels, sum, pixels, {x->w + group * x->w_group, x->w_out, 1}, {room.copy, sum, 1}, {out, x->out_c, step},
                             {x->bias ? x->bias + group * x->bias_group : NULL, x->bias_c, 0}, 0, ACTIVATION_NONE};
    run(&product, DOTS, w);
    for (ptrdiff_t o = 0; o < x->out_channels; o++)
      for (ptrdiff_t p = 0; p < pixels; p++)
        if (!(out[o * x->out_c + p * step] - out[o * x->out_c + p * step] == 0)) return 0;
    if (x->activation) activate(x->activation, x->out_channels, pixels, product.c);
  }
  return 1;
}
