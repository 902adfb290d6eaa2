// Whether this CPU can run what the compiler made: a cached kernel may have moved to another machine with its home folder.
#include "kernels.h"

#define NEEDS(feature) if (!__builtin_cpu_supports(feature)) return GRADUS_OTHER_CPU;

int32_t gradus_check(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
#if defined(__SSE4_2__)
  NEEDS("sse4.2")
#endif
#if defined(__AVX__)
  NEEDS("avx")
#endif
#if defined(__AVX2__)
  NEEDS("avx2")
#endif
#if defined(__FMA__)
  NEEDS("fma")
#endif
#if defined(__BMI2__)
  NEEDS("bmi2")
#endif
#if defined(__AVX512F__)
  NEEDS("avx512f")
#endif
#if defined(__AVX512VL__)
  NEEDS("avx512vl")
#endif
#if defined(__AVX512BW__)
  NEEDS("avx512bw")
#endif
#if defined(__AVX512DQ__)
  NEEDS("avx512dq")
#endif
#endif
  return GRADUS_OK;
}
