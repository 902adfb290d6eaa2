// Packing: a panel of either operand, whatever its strides, as a dense [k, ld], padded from `width` to `ld`. The padding keeps edges out of
// the micro-kernel.
#include "gemm.h"
#include "../vector.h"

// Any strides, one element at a time: steps [first, k) of the panel.
static void pack_elements(Operand s, ptrdiff_t first, ptrdiff_t k, int width, int ld, float *to) {
  for (ptrdiff_t p = first; p < k; p++)
    for (int j = 0; j < ld; j++) to[p * ld + j] = j < width ? s.data[j * s.mn_stride + p * s.k_stride] : 0;
}

#define FAR 8 // steps of k to prefetch ahead: their rows may be pages apart, which no CPU foresees

// Rows of A or columns of B that lie side by side are copied in whole vectors, past `width` too, as long as that does not pass the panel's
// last element. The padding is then other data than zeros, which does no harm: sums of it are never stored.
INLINE void pack_vectors(Operand s, ptrdiff_t k, int width, int ld, float *to, const int lanes) {
  ptrdiff_t p = 0;
  for (; p < k && ld - width <= (k - 1 - p) * s.k_stride; p++, to += ld) {
    const float *from = s.data + p * s.k_stride;
    for (int j = 0; j < ld; j += lanes) {
      __builtin_prefetch(from + j + FAR * s.k_stride);
      __builtin_memcpy(to + j, from + j, lanes * sizeof(float));
    }
  }
  pack_elements((Operand){s.data + p * s.k_stride, s.mn_stride, s.k_stride}, 0, k - p, width, ld, to);
}

// Steps of k lie side by side. The padding repeats the last row or column. What a strip wider than the panel writes into the next step is
// overwritten by that.
static void pack_transposed(Operand s, ptrdiff_t k, int width, int ld, float *to) {
  const ptrdiff_t whole = k & ~(ptrdiff_t)3;
  for (int j = 0; j < ld; j += STRIP) {
    const float *from[STRIP];
    for (int q = 0; q < STRIP; q++) from[q] = s.data + (j + q < width ? j + q : width - 1) * s.mn_stride;
    transpose_strip(from, whole, to + j, ld);
  }
  pack_elements(s, whole, k, width, ld, to);
}

static void pack(Operand s, ptrdiff_t k, int width, int ld, float *to) {
  if (s.mn_stride == 1 && ld % LANES == 0) pack_vectors(s, k, width, ld, to, LANES);
  else if (s.mn_stride == 1) pack_vectors(s, k, width, ld, to, 4);
  else if (s.k_stride == 1) pack_transposed(s, k, width, ld, to);
  else pack_elements(s, 0, k, width, ld, to);
}
