// Replays many convolutions without Deno, for AddressSanitizer and UndefinedBehaviorSanitizer: every buffer is an allocation of its own,
// exactly as long as its descriptor says. Each result is compared with the definition's own loops, and computed with several threads,
// which must give the same bits.
#include <math.h>
#include "harness.h"
#include "kernels.h"

typedef struct {
  int32_t d[CONV_DESCRIPTOR_LENGTH];
  float *array[4]; // x, w, y, bias
} Case;

static void fail_at(const char *what, const Case *c) {
  static const char *const names[] = {"result", "n", "groups", "c in", "c out", "h", "w", "kh", "kw", "oh", "ow", "stride h", "stride w", "top", "left", "dilation h", "dilation w"};
  for (int i = 0; i <= CONV_DILATION_W; i++) printf("%s %d, ", names[i], c->d[i]);
  fail(what);
}

static int always_dense;

// Strides of a dense array, channels last, backwards, with gaps, or that repeat; gives offset and length.
static void lay(int32_t *at, const int32_t *sizes, int repeat) {
  static const int orders[2][4] = {{0, 1, 2, 3}, {0, 2, 3, 1}};
  const int any = !always_dense, *order = orders[any && below(3) == 0], gap = any && below(3) == 0, backward = any && below(4) == 0;
  int64_t low = 0, high = 0, step = 1 + (any && below(4) == 0);
  for (int q = 3; q >= 0; q--) {
    const int r = order[q];
    at[1 + r] = (int32_t)(any && repeat && below(8) == 0 ? 0 : backward ? -step : step);
    step = step * (sizes[r] ? sizes[r] : 1) + gap;
    const int64_t reach = sizes[r] ? (int64_t)(sizes[r] - 1) * at[1 + r] : 0;
    if (reach < 0) low += reach;
    else high += reach;
  }
  const int empty = !sizes[0] || !sizes[1] || !sizes[2] || !sizes[3];
  at[0] = (int32_t)-low, at[5] = empty ? 0 : (int32_t)(high - low + 1);
}

// Sixteenths of -1 to 1: sums of products of two are exact, in whatever order they are added, so that results are too.
static float *fill(int32_t length) {
  float *data = malloc((size_t)length * sizeof(float) + !length);
  for (int i = 0; i < length; i++) data[i] = (float)(below(33) - 16) / 16;
  return data;
}

static void *zeros(size_t bytes) { return memset(malloc(bytes), 0, bytes); }

static int32_t windows(int32_t size, int32_t kernel, int32_t stride, int32_t pad, int32_t dilation) {
  const int32_t room = size + 2 * pad - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

static Case new_case(const int32_t *sizes) {
  Case c = {.d = {0}};
  int32_t *d = c.d;
  memcpy(d, sizes, (CONV_DILATION_W + 1) * sizeof *d);
  const int32_t x = d[CONV_GROUPS] * d[CONV_C_IN], y = d[CONV_GROUPS] * d[CONV_C_OUT], result = d[CONV_RESULT];
  lay(d + CONV_X_OFFSET, (int32_t[]){d[CONV_N], x, d[CONV_H], d[CONV_W]}, result != CONV_RESULT_X);
  lay(d + CONV_W_OFFSET, (int32_t[]){y, d[CONV_C_IN], d[CONV_KH], d[CONV_KW]}, result != CONV_RESULT_W);
  lay(d + CONV_Y_OFFSET, (int32_t[]){d[CONV_N], y, d[CONV_OH], d[CONV_OW]}, result != CONV_RESULT_Y);
  d[CONV_BIAS_STRIDE] = 1 + below(2), d[CONV_BIAS_LENGTH] = (result == CONV_RESULT_X ? x : y) * 2;
  d[CONV_HAS_BIAS] = below(3) > 0;
  if (result != CONV_RESULT_W) d[CONV_ACTIVATION] = below(3) ? ACTIVATION_NONE : below(4);
  for (int q = 0; q < 4; q++) c.array[q] = fill(d[q == 3 ? CONV_BIAS_LENGTH : CONV_X_LENGTH + 6 * q]);
  return c;
}

static double activated(int op, double x) {
  const double results[] = {x, x < 0 ? 0 : x, 1 / (1 + exp(-x)), tanh(x)};
  return results[op];
}

static int place(const int32_t *at, int a, int b, int c, int e) { return at[0] + a * at[1] + b * at[2] + c * at[3] + e * at[4]; }

// Adds every product to the place of its result.
static void define(const Case *c, double *sums, double *bias) {
  const int32_t *d = c->d, *at[3] = {d + CONV_X_OFFSET, d + CONV_W_OFFSET, d + CONV_Y_OFFSET};
  const int result = d[CONV_RESULT], own = result == CONV_RESULT_Y ? 2 : result == CONV_RESULT_X ? 0 : 1;
  for (int n = 0; n < d[CONV_N]; n++)
    for (int o = 0; o < d[CONV_GROUPS] * d[CONV_C_OUT]; o++)
      for (int i = 0; i < d[CONV_OH]; i++)
        for (int j = 0; j < d[CONV_OW]; j++) {
          const int y = place(at[2], n, o, i, j);
          bias[o] += c->array[2][y];
          for (int ch = 0; ch < d[CONV_C_IN]; ch++)
            for (int r = 0; r < d[CONV_KH]; r++)
              for (int s = 0; s < d[CONV_KW]; s++) {
                const int row = i * d[CONV_STRIDE_H] + r * d[CONV_DILATION_H] - d[CONV_PAD_TOP];
                const int col = j * d[CONV_STRIDE_W] + s * d[CONV_DILATION_W] - d[CONV_PAD_LEFT];
                if (row < 0 || row >= d[CONV_H] || col < 0 || col >= d[CONV_W]) continue;
                const int x = place(at[0], n, o / d[CONV_C_OUT] * d[CONV_C_IN] + ch, row, col), w = place(at[1], o, ch, r, s);
                const int places[3] = {x, w, y};
                double product = 1;
                for (int q = 0; q < 3; q++)
                  if (q != own) product *= c->array[q][places[q]];
                sums[places[own]] += product;
              }
        }
}

static int near(double found, double wanted, double slack) {
  return isnan(wanted) ? isnan(found) : isinf(wanted) ? found == wanted : fabs(found - wanted) <= slack;
}

// Every element of the result.
static void check(const Case *c, const double *sums, const double *bias, const float *out, const float *out_bias, const float *old) {
  const int32_t *d = c->d;
  const int result = d[CONV_RESULT], own = result == CONV_RESULT_Y ? 2 : result == CONV_RESULT_X ? 0 : 1;
  const int32_t *at = d + CONV_X_OFFSET + 6 * own;
  const int32_t x = d[CONV_GROUPS] * d[CONV_C_IN], y = d[CONV_GROUPS] * d[CONV_C_OUT];
  const int32_t shapes[3][4] = {{d[CONV_N], x, d[CONV_H], d[CONV_W]}, {y, d[CONV_C_IN], d[CONV_KH], d[CONV_KW]}, {d[CONV_N], y, d[CONV_OH], d[CONV_OW]}}, *shape = shapes[own];
  char *written = zeros((size_t)at[5] + 1);
  for (int a = 0; a < shape[0]; a++)
    for (int b = 0; b < shape[1]; b++)
      for (int i = 0; i < shape[2]; i++)
        for (int j = 0; j < shape[3]; j++) {
          const int k = place(at, a, b, i, j);
          const double extra = result != CONV_RESULT_W && d[CONV_HAS_BIAS] ? c->array[3][b * d[CONV_BIAS_STRIDE]] : 0;
          // The activations are no steeper than 1, and add a few units in the last place of at most 1.
          const double wanted = activated(d[CONV_ACTIVATION], sums[k] + extra), slack = d[CONV_ACTIVATION] > ACTIVATION_RELU ? 4e-7 : 0;
          written[k] = 1;
          if (near(out[k], wanted, slack)) continue;
          printf("%g for %g, ", out[k], wanted);
          fail_at("wrong result", c);
        }
  for (int k = 0; k < at[5]; k++)
    if (!written[k] && memcmp(out + k, old + k, sizeof *out)) fail_at("written between the elements", c);
  free(written);
  for (int o = 0; result == CONV_RESULT_W && d[CONV_HAS_BIAS] && o < y; o++)
    if (!near(out_bias[o * d[CONV_BIAS_STRIDE]], bias[o], 0)) fail_at("wrong sums of y", c);
}

static int call(const Case *c) { return gradus_conv(c->d, c->array[0], c->array[1], c->array[2], c->array[3]); }

static void run_case(const int32_t *sizes, int special) {
  Case c = new_case(sizes);
  int32_t *d = c.d;
  const int own = d[CONV_RESULT] == CONV_RESULT_Y ? 2 : d[CONV_RESULT] == CONV_RESULT_X ? 0 : 1;
  const int32_t length = d[CONV_X_LENGTH + 6 * own];
  if (special && d[CONV_RESULT] != CONV_RESULT_W) d[CONV_HAS_BIAS] = 0;
  for (int q = 0; q < 3 && special; q++)
    if (q != own && d[CONV_X_LENGTH + 6 * q] && below(2)) c.array[q][below(d[CONV_X_LENGTH + 6 * q])] = below(2) ? INFINITY : NAN;
  const size_t bytes = (size_t)length * sizeof(float), bias_bytes = (size_t)d[CONV_BIAS_LENGTH] * sizeof(float);
  double *sums = zeros(((size_t)length + 1) * sizeof *sums), *bias = zeros(((size_t)(d[CONV_GROUPS] * d[CONV_C_OUT]) + 1) * sizeof *bias);
  define(&c, sums, bias);
  float *old = malloc(bytes + 1), *first = malloc(bytes + 1), *first_bias = malloc(bias_bytes + 1);
  for (int i = 0; i < length; i++) c.array[own][i] = NAN; // never read
  memcpy(old, c.array[own], bytes);
  for (int threads = 1; threads <= 3; threads += 2) {
    gradus_threads(threads, 0);
    memcpy(c.array[own], old, bytes);
    if (call(&c) != GRADUS_OK) fail_at("refused", &c);
    if (threads > 1 && (memcmp(first, c.array[own], bytes) || memcmp(first_bias, c.array[3], bias_bytes))) fail_at("other bits with threads", &c);
    memcpy(first, c.array[own], bytes), memcpy(first_bias, c.array[3], bias_bytes);
  }
  check(&c, sums, bias, c.array[own], c.array[3], old);
  const int which = CONV_X_LENGTH + 6 * below(3);
  if (d[which]) {
    d[which]--;
    memcpy(first, c.array[own], bytes);
    if (call(&c) != GRADUS_OUT_OF_BOUNDS || memcmp(first, c.array[own], bytes)) fail_at("short buffer accepted", &c);
  }
  for (int q = 0; q < 4; q++) free(c.array[q]);
  free(sums), free(bias), free(old), free(first), free(first_bias);
}

static void run_sizes(int n, int groups, int c_in, int c_out, int h, int w, int kh, int kw, int sh, int sw, int top, int left, int dh, int dw, int special) {
  for (int result = CONV_RESULT_Y; result <= CONV_RESULT_W; result++)
    run_case((int32_t[]){result, n, groups, c_in, c_out, h, w, kh, kw, windows(h, kh, sh, top, dh), windows(w, kw, sw, left, dw), sh, sw, top, left, dh, dw}, special);
}

static void random_case(int i) {
  const int kh = below(4) + (i % 7 > 0), kw = below(6) + (i % 5 > 0), size = i % 9 == 0 ? 40 : 12, one = below(5) == 0, depthwise = below(6) == 0;
  run_sizes(below(4) + (i % 11 > 0), depthwise ? 1 + below(20) : 1 + (below(4) == 0) * below(4), depthwise ? 1 : below(i % 4 ? 9 : 40) + (i % 13 > 0), depthwise ? 1 : below(i % 3 ? 9 : 40) + (i % 17 > 0),
            one ? 1 : below(size), below(i % 10 ? size : 150), one ? 1 : kh, kw, 1 + below(3) * below(3), 1 + below(3) * below(3), below(4) - (below(9) == 0), below(4) - (below(9) == 0), 1 + below(3) / 2, 1 + below(3) / 2, below(6) == 0);
}

// As networks have them: dense, and as large as before or half of it; many images where these are small.
static void dense_case(int i) {
  const int small = i % 7 == 0, k = 1 + 2 * below(3), dilation = 1 + (below(5) == 0), pad = (k - 1) * dilation / 2, stride = 1 + (i % 3 == 0), groups = 1 + (below(4) == 0);
  always_dense = 1;
  run_sizes(1 + below(small ? 50 : 3), groups, 1 + below(i % 5 ? 9 : 40), 1 + below(i % 4 ? 20 : 70), 1 + below(small ? 7 : 30), 1 + below(small ? 7 : i % 2 ? 40 : 16), k, k, stride, stride, pad, pad, dilation, dilation, below(6) == 0);
  always_dense = 0;
}

// Sizes whose sums do not fit in 32 bits must be refused, not wrapped.
static void extremes(void) {
  float one = 0;
  for (int at = 0; at < CONV_DESCRIPTOR_LENGTH; at++)
    for (int big = 0; big < 3; big++) {
      int32_t d[CONV_DESCRIPTOR_LENGTH] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1};
      for (int q = 0; q < 3; q++)
        for (int r = 1; r < 6; r++) d[CONV_X_OFFSET + 6 * q + r] = 1;
      d[at] = (const int32_t[]){INT32_MAX, INT32_MIN, -1}[big];
      const int harmless = (at > CONV_X_OFFSET && at < CONV_BIAS_OFFSET && at != CONV_W_OFFSET && at != CONV_Y_OFFSET) || at >= CONV_BIAS_OFFSET;
      if (!harmless && at != CONV_PAD_TOP && at != CONV_PAD_LEFT && at != CONV_STRIDE_H && at != CONV_STRIDE_W && at != CONV_DILATION_H && at != CONV_DILATION_W && gradus_conv(d, &one, &one, &one, &one) != GRADUS_OUT_OF_BOUNDS)
        printf("field %d: ", at), fail("a size that cannot be accepted");
    }
}

int main(int argc, char **argv) {
  const int most = argc > 1 ? atoi(argv[1]) : 1500; // fewer where an emulator runs them
  const int32_t tiny[CONV_DESCRIPTOR_LENGTH] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, [CONV_X_LENGTH] = 1, [CONV_W_LENGTH] = 1, [CONV_Y_LENGTH] = 1};
  float one = 1, y = 5;
  allocations_fail = 1;
  if (gradus_conv(tiny, &one, &one, &y, NULL) != GRADUS_OUT_OF_MEMORY || y != 5) fail("no memory");
  allocations_fail = 0;
  if (gradus_conv(tiny, &one, &one, &y, NULL) != GRADUS_OK || y != 1) fail("memory again");
  extremes();
  for (int i = 0; i < most; i++) random_case(i);
  run_sizes(2, 1, 70, 45, 9, 17, 3, 3, 1, 1, 1, 1, 1, 1, 0), run_sizes(1, 1, 1000, 3, 3, 4, 2, 2, 1, 1, 0, 0, 1, 1, 0);
  run_sizes(1, 1, 2, 1000, 3, 4, 2, 2, 1, 1, 0, 0, 1, 1, 0), run_sizes(3, 1, 3, 7, 50, 60, 50, 60, 1, 1, 0, 0, 1, 1, 0);
  run_sizes(1, 1, 1, 1, 1, 30000, 1, 5, 1, 1, 0, 2, 1, 1, 0), run_sizes(1, 1, 2, 20, 1, 9000, 1, 300, 1, 150, 0, 0, 1, 1, 0);
  run_sizes(70, 1, 20, 33, 2, 2, 3, 3, 1, 1, 1, 1, 1, 1, 0), run_sizes(1, 300, 1, 1, 6, 7, 3, 3, 1, 1, 1, 1, 1, 1, 0);
  run_sizes(1, 1, 1, 8, 90, 300, 5, 5, 2, 2, 2, 2, 1, 1, 0), run_sizes(1, 1, 2, 2, 7, 9, 2, 2, 300, 400, 0, 0, 1, 1, 0);
  run_sizes(1, 1, 300, 300, 1, 3, 1, 3, 1, 1, 0, 1, 1, 1, 0), run_sizes(4, 2, 40, 64, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 0);
  for (int i = 0; i < most / 3; i++) dense_case(i);
  for (int i = 0; i < 24; i++) { // few pixels of one image, and many weights
    always_dense = 1;
    run_sizes(1, 1 + i % 2, 30 + below(40), 1 + below(70), 1 + below(7), 1 + below(7), 3, 3, 2 - i % 3 / 2, 2 - i % 3 / 2, 1, 1, 1, 1, i % 4 == 0);
    always_dense = 0;
  }
  // Threads for which no memory is left leave their shares to the caller.
  allocations_fail = 1;
  run_sizes(4, 2, 40, 64, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 0), run_sizes(16, 40, 1, 1, 28, 30, 3, 3, 1, 1, 1, 1, 1, 1, 0), run_sizes(16, 40, 1, 1, 28, 30, 5, 5, 2, 2, 2, 2, 1, 1, 0);
  allocations_fail = 0;
  gradus_threads(1, 0);
  printf("%d convolutions\n", 3 * (most + most / 3 + 39));
  return 0;
}
