// Replays many products without Deno, for AddressSanitizer and UndefinedBehaviorSanitizer: every buffer is an allocation of its
// own, exactly as long as its descriptor says, so that one element too far is caught. Exits with 1 at the first wrong result.
#include <math.h>
#include <pthread.h>
#include "harness.h"
#include "kernels.h"

static void fail_at(const char *what, const int32_t *d) {
  printf("m %d, k %d, n %d: ", d[GEMM_M], d[GEMM_K], d[GEMM_N]);
  fail(what);
}

static int plain; // lay everything out by rows

// Lays out a [rows, cols] matrix in one of eight ways, and returns its buffer: at[0..3] become offset, row, col, length.
static float *lay(int32_t *at, int rows, int cols, int repeat) {
  const int gap = plain ? 1 : 1 + below(2), pad = below(3), transposed = !plain && below(2);
  int row = transposed ? gap : cols * gap + pad, col = transposed ? rows * gap + pad : gap;
  repeat = repeat && !plain;
  if (repeat && below(6) == 0) row = 0;
  else if (!plain && below(5) == 0) row = -row;
  if (repeat && row && below(6) == 0) col = 0;
  else if (!plain && below(5) == 0) col = -col;
  const int down = rows ? (rows - 1) * row : 0, right = cols ? (cols - 1) * col : 0;
  at[1] = row, at[2] = col;
  at[0] = (down < 0 ? -down : 0) + (right < 0 ? -right : 0);
  at[3] = rows && cols ? abs(down) + abs(right) + 1 : 0;
  float *data = malloc((size_t)at[3] * sizeof(float) + !at[3]);
  // Sixteenths of -1 to 1: sums of products of two are exact, in whatever order they are added, so that results are too.
  for (int i = 0; i < at[3]; i++) data[i] = (float)(below(33) - 16) / 16;
  return data;
}

static double activated(int op, double x) {
  const double results[] = {x, x < 0 ? 0 : x, 1 / (1 + exp(-x)), tanh(x)};
  return results[op];
}

// A matrix in sixteenths: an emulator adds whole numbers in less time than fractions.
static int32_t *in_units(const float *data, int rows, int cols, int offset, int row, int col) {
  int32_t *units = malloc(((size_t)rows * (size_t)cols + 1) * sizeof *units);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++) units[i * cols + j] = (int32_t)(16 * data[offset + i * row + j * col]);
  return units;
}

static void judge(const int32_t *d, int i, int j, double sum, const float *c, const float *old, const float *bias) {
  const int at = d[GEMM_C_OFFSET] + i * d[GEMM_C_RS] + j * d[GEMM_C_CS];
  if (d[GEMM_HAS_BIAS]) sum += bias[d[GEMM_BIAS_OFFSET] + j * d[GEMM_BIAS_STRIDE]];
  if (d[GEMM_BETA]) sum += old[at];
  // The activations are no steeper than 1, and add a few units in the last place of at most 1.
  const double slack = d[GEMM_ACTIVATION] > ACTIVATION_RELU ? 4e-7 : 0;
  if (!(fabs(c[at] - activated(d[GEMM_ACTIVATION], sum)) <= slack)) fail_at("wrong result", d);
}

static void check(const int32_t *d, const float *a, const float *b, const float *c, const float *old, const float *bias) {
  const int m = d[GEMM_M], k = d[GEMM_K], n = d[GEMM_N];
  int32_t *const rows = in_units(a, m, k, d[GEMM_A_OFFSET], d[GEMM_A_RS], d[GEMM_A_CS]);
  int32_t *const cols = in_units(b, n, k, d[GEMM_B_OFFSET], d[GEMM_B_CS], d[GEMM_B_RS]);
  for (int i = 0; i < m; i++) {
    for (int j = 0; j < n; j++) {
      int32_t sum = 0;
      for (int p = 0; p < k; p++) sum += rows[i * k + p] * cols[j * k + p];
      judge(d, i, j, sum / 256.0, c, old, bias);
    }
  }
  free(rows), free(cols);
}

static double *in_doubles(const float *from, int32_t length) {
  double *data = malloc((size_t)length * sizeof *data + !length);
  for (int32_t i = 0; i < length; i++) data[i] = from[i];
  return data;
}

// Both results are exact, so that they are the same. `c` is the float32 result with all that lies between its elements.
static void check_double(int32_t *d, const float *a, const float *b, const float *c, const float *old, const float *bias) {
  double *const a64 = in_doubles(a, d[GEMM_A_LENGTH]), *const b64 = in_doubles(b, d[GEMM_B_LENGTH]);
  double *const c64 = in_doubles(old, d[GEMM_C_LENGTH]), *const bias64 = in_doubles(bias, d[GEMM_BIAS_LENGTH]);
  if (gradus_dgemm(d, a64, b64, c64, bias64) != GRADUS_OK) fail_at("refused in float64", d);
  for (int32_t i = 0; i < d[GEMM_C_LENGTH]; i++)
    if (c64[i] != c[i]) fail_at("another result in float64", d);
  if (d[GEMM_C_LENGTH]) {
    d[GEMM_C_LENGTH]--;
    if (gradus_dgemm(d, a64, b64, c64, bias64) != GRADUS_OUT_OF_BOUNDS) fail_at("short buffer accepted in float64", d);
    d[GEMM_C_LENGTH]++;
  }
  free(a64), free(b64), free(c64), free(bias64);
}

static void one_product(int m, int k, int n) {
  int32_t d[GEMM_DESCRIPTOR_LENGTH] = {m, k, n};
  float *a = lay(d + GEMM_A_OFFSET, m, k, 1), *b = lay(d + GEMM_B_OFFSET, k, n, 1), *c = lay(d + GEMM_C_OFFSET, m, n, 0);
  int32_t line[4];
  float *bias = lay(line, 1, n, 0);
  d[GEMM_BIAS_OFFSET] = line[0], d[GEMM_BIAS_STRIDE] = line[2], d[GEMM_BIAS_LENGTH] = line[3];
  d[GEMM_HAS_BIAS] = below(2), d[GEMM_BETA] = below(2), d[GEMM_ACTIVATION] = below(3) ? ACTIVATION_NONE : below(4);
  const size_t bytes = (size_t)d[GEMM_C_LENGTH] * sizeof(float);
  float *old = malloc(bytes + 1);
  memcpy(old, c, bytes);
  if (gradus_gemm(d, a, b, c, bias) != GRADUS_OK) fail_at("refused", d);
  check(d, a, b, c, old, bias);
  if (d[GEMM_ACTIVATION] == ACTIVATION_NONE) check_double(d, a, b, c, old, bias);
  if (d[GEMM_C_LENGTH]) {
    d[GEMM_C_LENGTH]--;
    memcpy(old, c, bytes);
    if (gradus_gemm(d, a, b, c, bias) != GRADUS_OUT_OF_BOUNDS || memcmp(old, c, bytes)) fail_at("short buffer accepted", d);
  }
  free(a), free(b), free(c), free(bias), free(old);
}

// Sizes and strides whose products do not fit in 32 bits must be refused, not wrapped.
static void extremes(void) {
  const int32_t big = INT32_MAX, low = INT32_MIN, huge[][3] = {{0, big, big}, {big, low, low}, {0, low, big}, {big, big, big}};
  float x = 0;
  for (int i = 0; i < 4; i++) {
    int32_t d[GEMM_DESCRIPTOR_LENGTH] = {big, big, big};
    for (int m = GEMM_A_OFFSET; m <= GEMM_C_OFFSET; m += 4) memcpy(d + m, huge[i], sizeof huge[i]), d[m + 3] = big;
    if (gradus_gemm(d, &x, &x, &x, &x) != GRADUS_OUT_OF_BOUNDS) fail_at("overflow accepted", d);
  }
}

static void *in_a_thread(void *none) {
  one_product(50, 60, 70);
  return none;
}

// A thread that ends leaves nothing behind: AddressSanitizer looks for it at the end, guard pages are counted.
static void ended_threads(void) {
#if defined(GUARD_PAGES)
  const int before = blocks_held;
#endif
  for (int i = 0; i < 5; i++) {
    pthread_t other;
    if (pthread_create(&other, NULL, in_a_thread, NULL) || pthread_join(other, NULL)) fail("no thread");
  }
#if defined(GUARD_PAGES)
  if (blocks_held != before) printf("%d blocks: ", blocks_held - before), fail("left by five threads that have ended");
#endif
}

int main(int argc, char **argv) {
  const int most = argc > 1 ? atoi(argv[1]) : 3000; // fewer where an emulator runs them
  int32_t tiny[GEMM_DESCRIPTOR_LENGTH] = {1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1};
  float one = 1, c = 5;
  allocations_fail = 1;
  if (gradus_gemm(tiny, &one, &one, &c, NULL) != GRADUS_OUT_OF_MEMORY || c != 5) fail_at("no memory", tiny);
  double one64 = 1, c64 = 5;
  if (gradus_dgemm(tiny, &one64, &one64, &c64, NULL) != GRADUS_OUT_OF_MEMORY || c64 != 5) fail_at("no memory for float64", tiny);
  allocations_fail = 0;
  if (gradus_gemm(tiny, &one, &one, &c, NULL) != GRADUS_OK || c != 1) fail_at("memory again", tiny);
  extremes();
  ended_threads();
  gradus_threads(3, 0);
  int count = 0;
  for (; count < most; count++) one_product(below(40), below(count % 8 ? 30 : 180), below(75));
  one_product(3, 1100, 40), one_product(500, 5, 3), one_product(2, 3, 2100), one_product(250, 520, 33);
  one_product(300, 200, 310), one_product(700, 1100, 150), one_product(200, 1100, 210);
  plain = 1;
  one_product(1100, 7, 1056); // more columns than a block of B that stays in L2 may have
  one_product(700, 1100, 150), one_product(784, 64, 50), one_product(64, 784, 50);
  one_product(400, 300, 1058); // the same, with columns past the last whole vector
  one_product(500, 70, 1042), one_product(60, 5, 2200), one_product(430, 1030, 35), one_product(35, 1030, 430);
  gradus_threads(1, 0);
  printf("%d products\n", count + 17);
  return 0;
}
