// Copies that change the kind of the elements.
#include <stddef.h>
#include "kernels.h"

// What lies outside int32, infinities and NaN become its least number.
#define TO_INT32(X) ((X) >= -2147483648.0f && (X) < 2147483648.0f ? (int32_t)(X) : INT32_MIN)

// Written out for steps of 1, which the compiler turns into vectors.
#define CONVERT(NAME, FROM, TO, RESULT) \
  static void NAME(ptrdiff_t n, const FROM *from, ptrdiff_t step, TO *to, ptrdiff_t out) { \
    if (step == 1 && out == 1) for (ptrdiff_t i = 0; i < n; i++) { const FROM x = from[i]; to[i] = RESULT; } \
    else for (ptrdiff_t i = 0; i < n; i++) { const FROM x = from[i * step]; to[i * out] = RESULT; } \
  }
CONVERT(bytes_to_floats, uint8_t, float, (float)x)
CONVERT(whole_to_floats, int32_t, float, (float)x)
CONVERT(floats_to_whole, float, int32_t, TO_INT32(x))
CONVERT(floats_to_not, float, uint8_t, x == 0)
