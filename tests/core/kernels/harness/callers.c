// Several callers at once over one pool, for ThreadSanitizer; and the same bits for every number of threads.
#include <pthread.h>
#include "harness.h"
#include "kernels.h"

enum { M = 211, K = 300, N = 157, LONG = 200000 };
static float a[M * K], b[K * N], x[LONG];
enum { IMAGES = 4, IN = 16, OUT = 32, SIDE = 24, TAPS = 9, PIXELS = SIDE * SIDE }; // of a convolution

typedef struct {
  float c[M * N], y[LONG], z[LONG], images[IMAGES * OUT * PIXELS], weights[OUT * IN * TAPS], sums[OUT];
} Results;

static void spread(float *data, int n) {
  for (int i = 0; i < n; i++) data[i] = (float)(i * 37 % 101) / 50 - 1;
}

static void compute(Results *r) {
  const int32_t gemm[GEMM_DESCRIPTOR_LENGTH] = {M, K, N, 0, K, 1, M * K, 0, N, 1, K * N, 0, N, 1, M * N};
  int32_t unary[UNARY_DESCRIPTOR_LENGTH] = {OP_TANH, 1, 0, 0, KIND_FLOAT32, 0, LONG, KIND_FLOAT32, 0, LONG, LONG};
  unary[UNARY_X_STRIDES] = unary[UNARY_OUT_STRIDES] = 1;
  int32_t binary[BINARY_DESCRIPTOR_LENGTH] = {OP_ADD, 1, 0, LONG, 0, LONG, 0, LONG, LONG};
  binary[BINARY_A_STRIDES] = binary[BINARY_B_STRIDES] = binary[BINARY_OUT_STRIDES] = 1;
  int32_t conv[CONV_DESCRIPTOR_LENGTH] = {
    CONV_RESULT_Y, IMAGES, 1, IN, OUT, SIDE, SIDE, 3, 3, SIDE, SIDE, 1, 1, 1, 1, 1, 1,
    0, 0, PIXELS, SIDE, 1, LONG, 0, IN * TAPS, TAPS, 3, 1, OUT * IN * TAPS, 0, OUT * PIXELS, PIXELS, SIDE, 1, IMAGES * OUT * PIXELS, 0, 1, OUT};
  if (gradus_conv(conv, x, a, r->images, NULL)) exit(1);
  conv[CONV_RESULT] = CONV_RESULT_W, conv[CONV_HAS_BIAS] = 1;
  if (gradus_conv(conv, x, r->weights, r->images, r->sums)) exit(1);
  if (gradus_gemm(gemm, a, b, r->c, NULL) || gradus_unary(unary, x, r->y) || gradus_binary(binary, x, r->y, r->z)) exit(1);
}

static void *caller(void *results) {
  for (int i = 0; i < 5; i++) compute(results);
  return NULL;
}

int main(void) {
  static Results alone, others[4];
  pthread_t callers[4];
  spread(a, M * K), spread(b, K * N), spread(x, LONG);
  compute(&alone);
  for (int threads = 1; threads <= 5; threads++) {
    memset(others, 0, sizeof others);
    gradus_threads(threads, 0);
    for (int i = 0; i < 4; i++) pthread_create(&callers[i], NULL, caller, &others[i]);
    if (threads == 3) gradus_threads(2, 0); // while they are at work
    for (int i = 0; i < 4; i++) pthread_join(callers[i], NULL);
    for (int i = 0; i < 4; i++) {
      if (memcmp(&alone, &others[i], sizeof alone) == 0) continue;
      printf("other bits with %d threads\n", threads);
      return 1;
    }
  }
  gradus_threads(1, 0);
  printf("100 calls\n");
  return 0;
}
