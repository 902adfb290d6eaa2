// Copies that change the kind of the elements, as typed arrays do it.
#include <stddef.h>
#include "kernels.h"

// Modulo 2³², and 0 for what is no number: JavaScript's ToInt32.
static int32_t wrapped(float x) {
  if (x >= -2147483648.0f && x < 2147483648.0f) return (int32_t)x;
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const int shift = (int)(bits >> 23 & 255) - 150; // at least 8 here; 105 for infinity and NaN
  if (shift >= 32) return 0;
  const uint32_t size = (bits & 0x007fffff) | 0x00800000, whole = size << shift;
  return (int32_t)(bits >> 31 ? 0 - whole : whole);
}

// Written out for steps of 1, which the compiler turns into vectors.
#define CONVERT(NAME, FROM, TO, RESULT) \
  static void NAME(ptrdiff_t n, const FROM *from, ptrdiff_t step, TO *to, ptrdiff_t out) { \
    if (step == 1 && out == 1) for (ptrdiff_t i = 0; i < n; i++) { const FROM x = from[i]; to[i] = RESULT; } \
    else for (ptrdiff_t i = 0; i < n; i++) { const FROM x = from[i * step]; to[i * out] = RESULT; } \
  }
CONVERT(bytes_to_floats, uint8_t, float, (float)x)
CONVERT(whole_to_floats, int32_t, float, (float)x)
CONVERT(floats_to_whole, float, int32_t, wrapped(x))
CONVERT(floats_to_not, float, uint8_t, x == 0)
