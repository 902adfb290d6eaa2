// The same bits for every number of threads, as the compiler makes the kernels for use: parts meet other tiles than the whole does.
#include "harness.h"
#include "kernels.h"

enum { SHAPES = 5, MOST = 1 << 20 };
static const int32_t shapes[SHAPES][3] = {{340, 253, 257}, {700, 130, 97}, {784, 253, 49}, {97, 130, 700}, {7, 193878, 7}};
static float alone[MOST], shared[MOST];

static float *spread(int64_t count) {
  float *data = malloc((size_t)count * sizeof *data);
  uint32_t state = 1;
  for (int64_t i = 0; i < count; i++) state = state * 1664525 + 1013904223, data[i] = (float)(state >> 8) / 8388608 - 1;
  return data;
}

// With `transposed`, 1 for A and 2 for B, an operand lies in memory by columns.
static int differs(const int32_t *size, int transposed) {
  const int32_t m = size[0], k = size[1], n = size[2];
  const int32_t d[GEMM_DESCRIPTOR_LENGTH] = {
      m, k, n, 0, transposed & 1 ? 1 : k, transposed & 1 ? m : 1, m * k, 0, transposed & 2 ? 1 : n, transposed & 2 ? k : 1, k * n, 0, n, 1, m * n};
  float *a = spread((int64_t)m * k), *b = spread((int64_t)k * n);
  int other = gradus_threads(1, 0) != 1 || gradus_gemm(d, a, b, alone, NULL);
  for (int threads = 2; threads <= 4; threads++) {
    other |= gradus_threads(threads, 0) != threads || gradus_gemm(d, a, b, shared, NULL);
    other |= memcmp(alone, shared, (size_t)m * n * sizeof *alone) != 0;
  }
  free(a), free(b);
  return other;
}

int main(void) {
  for (int shape = 0; shape < SHAPES; shape++) {
    for (int transposed = 0; transposed < 4; transposed++) {
      if (!differs(shapes[shape], transposed)) continue;
      printf("other bits: %d x %d x %d, transposed %d\n", shapes[shape][0], shapes[shape][1], shapes[shape][2], transposed);
      return 1;
    }
  }
  gradus_threads(1, 0);
  printf("%d products\n", 4 * SHAPES);
  return 0;
}
