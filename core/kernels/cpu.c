// The CPU: whether it can run the kernels, and how fast it is at best.

// Whether this CPU can run what the compiler made: a cached kernel may have moved to another machine with its home folder. Asked for
// is all that the compiler was allowed to use by itself, by the macros that it defines; check.test.ts looks for those that are
// missing here. Left out are instructions that only an intrinsic or the operating system uses.
#include "kernels.h"
#include "tile.h"

// A feature's bit where its macro is defined (as one digit), else 0.
#define TEXT(x) #x
#define BIT(macro, bit) (sizeof TEXT(macro) == 2 ? (uint64_t)1 << (bit) : 0)

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

enum { EAX, EBX, ECX, EDX };
static const struct {
  uint32_t leaf, part, from;
  uint32_t bits;
} cpu_needs[] = {
  {1, 0, ECX, BIT(__SSE3__, 0) | BIT(__PCLMUL__, 1) | BIT(__SSSE3__, 9) | BIT(__FMA__, 12) |
              BIT(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16, 13) | BIT(__SSE4_1__, 19) | BIT(__SSE4_2__, 20) | BIT(__MOVBE__, 22) |
              BIT(__POPCNT__, 23) | BIT(__AES__, 25) | BIT(__AVX__, 27) | BIT(__AVX__, 28) | BIT(__F16C__, 29)},
  {7, 0, EBX, BIT(__BMI__, 3) | BIT(__AVX2__, 5) | BIT(__BMI2__, 8) | BIT(__AVX512F__, 16) | BIT(__AVX512DQ__, 17) |
              BIT(__ADX__, 19) | BIT(__AVX512IFMA__, 21) | BIT(__AVX512PF__, 26) | BIT(__AVX512ER__, 27) | BIT(__AVX512CD__, 28) |
              BIT(__SHA__, 29) | BIT(__AVX512BW__, 30) | BIT(__AVX512VL__, 31)},
  {7, 0, ECX, BIT(__PREFETCHWT1__, 0) | BIT(__AVX512VBMI__, 1) | BIT(__AVX512VBMI2__, 6) | BIT(__GFNI__, 8) | BIT(__VAES__, 9) |
              BIT(__VPCLMULQDQ__, 10) | BIT(__AVX512VNNI__, 11) | BIT(__AVX512BITALG__, 12) | BIT(__AVX512VPOPCNTDQ__, 14) |
              BIT(__MOVDIRI__, 27)},
  {7, 0, EDX, BIT(__AVX5124VNNIW__, 2) | BIT(__AVX5124FMAPS__, 3) | BIT(__AVX512VP2INTERSECT__, 8) | BIT(__AVX512FP16__, 23)},
  {7, 1, EAX, BIT(__SHA512__, 0) | BIT(__SM3__, 1) | BIT(__SM4__, 2) | BIT(__AVXVNNI__, 4) | BIT(__AVX512BF16__, 5) |
              BIT(__CMPCCXADD__, 7) | BIT(__AVXIFMA__, 23)},
  {7, 1, EDX, BIT(__AVXVNNIINT8__, 4) | BIT(__AVXNECONVERT__, 5) | BIT(__AVXVNNIINT16__, 10) | BIT(__AVX10_1__, 19) |
              BIT(__APX_F__, 21)},
  {0x80000001, 0, ECX, BIT(__LAHF_SAHF__, 0) | BIT(__LZCNT__, 5) | BIT(__SSE4A__, 6) | BIT(__PRFCHW__, 8) | BIT(__XOP__, 11) |
              BIT(__FMA4__, 16) | BIT(__TBM__, 21)},
};

// Whether the operating system keeps the registers that AVX and AVX-512 have; macOS does so from their first use on.
static int registers_kept(void) {
#if defined(__AVX__)
  uint32_t low, high, needed = 0x06;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
#if defined(__AVX512F__) && !defined(__APPLE__)
  needed = 0xe6;
#endif
  return (low & needed) == needed;
#else
  return 1;
#endif
}

// Without instructions that may be missing.
__attribute__((noinline, target("no-avx,no-bmi,no-bmi2"))) static int cpu_has_all(void) {
  for (unsigned i = 0; i < sizeof cpu_needs / sizeof *cpu_needs; i++) {
    uint32_t found[4] = {0};
    if (cpu_needs[i].bits == 0) continue;
    if (!__get_cpuid_count(cpu_needs[i].leaf, cpu_needs[i].part, &found[EAX], &found[EBX], &found[ECX], &found[EDX])) return 0;
    if ((found[cpu_needs[i].from] & cpu_needs[i].bits) != cpu_needs[i].bits) return 0;
  }
  return registers_kept();
}
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

#define HWCAP (BIT(__ARM_FEATURE_AES, 3) | BIT(__ARM_FEATURE_CRYPTO, 3) | BIT(__ARM_FEATURE_SHA2, 6) | BIT(__ARM_FEATURE_CRC32, 7) | \
               BIT(__ARM_FEATURE_ATOMICS, 8) | BIT(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC, 9) | \
               BIT(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC, 10) | BIT(__ARM_FEATURE_QRDMX, 12) | BIT(__ARM_FEATURE_JCVT, 13) | \
               BIT(__ARM_FEATURE_COMPLEX, 14) | BIT(__ARM_FEATURE_RCPC, 15) | BIT(__ARM_FEATURE_SHA3, 17) | \
               BIT(__ARM_FEATURE_SM3, 18) | BIT(__ARM_FEATURE_SM4, 19) | BIT(__ARM_FEATURE_DOTPROD, 20) | \
               BIT(__ARM_FEATURE_SHA512, 21) | BIT(__ARM_FEATURE_SVE, 22) | BIT(__ARM_FEATURE_FP16_FML, 23))
#define HWCAP2 (BIT(__ARM_FEATURE_SVE2, 1) | BIT(__ARM_FEATURE_SVE2_AES, 2) | BIT(__ARM_FEATURE_SVE2_BITPERM, 4) | \
                BIT(__ARM_FEATURE_SVE2_SHA3, 5) | BIT(__ARM_FEATURE_SVE2_SM4, 6) | BIT(__ARM_FEATURE_FRINT, 8) | \
                BIT(__ARM_FEATURE_SVE_MATMUL_INT8, 9) | BIT(__ARM_FEATURE_SVE_MATMUL_FP32, 10) | \
                BIT(__ARM_FEATURE_SVE_MATMUL_FP64, 11) | BIT(__ARM_FEATURE_SVE_BF16, 12) | BIT(__ARM_FEATURE_MATMUL_INT8, 13) | \
                BIT(__ARM_FEATURE_BF16, 14) | BIT(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC, 14) | BIT(__ARM_FEATURE_SME, 23) | \
                BIT(__ARM_FEATURE_SVE2p1, 36) | BIT(__ARM_FEATURE_SME2, 37) | BIT(__ARM_FEATURE_MOPS, 43))

static int cpu_has_all(void) { return (getauxval(AT_HWCAP) & HWCAP) == HWCAP && (getauxval(AT_HWCAP2) & HWCAP2) == HWCAP2; }
#else
static int cpu_has_all(void) { return 1; } // wasm is validated by its engine; elsewhere there is no way to ask that is known here
#endif

int32_t gradus_open(void) {
  if (!cpu_has_all()) return GRADUS_OTHER_CPU;
  keep_memory();
  return GRADUS_OK;
}

// The ceiling of one core: float32 multiply-adds with no memory behind them. The caller holds the clock.

// Independent sums, so that no multiply-add waits for another: latency times throughput is at most 10 on the machines of today.
#define CHAINS 12

int32_t gradus_peak(int32_t steps) {
  // The sums keep growing: a sum that stands still toggles no bits, and lets the core clock higher than real work does.
  vec sum[CHAINS], scale = (vec){0} + 1.0000001f, shift = (vec){0} + 1e-9f;
  UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = (vec){0} + 0.1f * (float)i;
  for (int32_t step = 0; step < steps; step++) {
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * scale + shift;
  }
  // Used, or the compiler would drop the work.
  volatile float keep = 0;
  UNROLL for (int i = 0; i < CHAINS; i++) keep += sum[i][0];
  (void)keep;
  return 2 * LANES * CHAINS;
}
