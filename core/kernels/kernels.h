// What the C exports: the whole contract between core/backend/*.ts and the kernels.
#ifndef GRADUS_KERNELS_H
#define GRADUS_KERNELS_H
#include <stdint.h>

// Status codes. Anything but GRADUS_OK means that nothing was written.
enum { GRADUS_OK = 0, GRADUS_OUT_OF_BOUNDS = 1, GRADUS_OUT_OF_MEMORY = 2, GRADUS_OTHER_CPU = 3 };

// The descriptor of a product: 20 integers in this order. Lengths are whole buffers, offsets and strides count elements.
enum {
  GEMM_M, GEMM_K, GEMM_N,
  GEMM_A_OFFSET, GEMM_A_ROW, GEMM_A_COL, GEMM_A_LENGTH,
  GEMM_B_OFFSET, GEMM_B_ROW, GEMM_B_COL, GEMM_B_LENGTH,
  GEMM_C_OFFSET, GEMM_C_ROW, GEMM_C_COL, GEMM_C_LENGTH,
  GEMM_BIAS_OFFSET, GEMM_BIAS_STRIDE, GEMM_BIAS_LENGTH,
  GEMM_HAS_BIAS, GEMM_BETA,
  GEMM_DESCRIPTOR_LENGTH
};

#if defined(__wasm__)
#define GRADUS_EXPORT __attribute__((visibility("default"), used))
#elif defined(_WIN32)
#define GRADUS_EXPORT __declspec(dllexport)
#else
#define GRADUS_EXPORT __attribute__((visibility("default")))
#endif

// C = A·B + bias + beta·C in float32. Any signed strides; C must not overlap an operand, nor itself.
GRADUS_EXPORT int32_t gradus_gemm(const int32_t *descriptor, const float *a, const float *b, float *c, const float *bias);

// GRADUS_OK if this CPU has the instructions that the kernels were compiled for.
GRADUS_EXPORT int32_t gradus_check(void);

// Multiplies and adds in registers alone, `steps` times; the result is how many floating-point operations a step has.
GRADUS_EXPORT int32_t gradus_peak(int32_t steps);

#endif
