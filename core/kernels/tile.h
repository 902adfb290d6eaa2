// The machine: vector width, the block of C one micro-kernel call holds in registers, and how much of A and B each cache holds.
// Nothing else in the kernels knows an instruction set.
#ifndef GRADUS_TILE_H
#define GRADUS_TILE_H

// LANES floats make a vector; a tile of C is ROWS x VECTORS vectors and fills most of the register file.
// BLOCK_ROWS x DEPTH floats of A fill about half of L2, and DEPTH x BLOCK_COLS floats of B fit in L3. Panels of either may be
// streamed from L2 for a long k: C travels once for each DEPTH of it, and that costs more. Found by measuring.
// BLOCK_COLS is a multiple of LANES * VECTORS. The tests set all six by hand, to try one machine's sizes on another.
#ifndef LANES
#if defined(__AVX512F__) // 32 registers of 16
#define LANES 16
#define ROWS 12
#define VECTORS 2
#define DEPTH 1024
#define BLOCK_ROWS 168
#define BLOCK_COLS 2048
#elif defined(__AVX__) // 16 registers of 8
#define LANES 8
#define ROWS 6
#define VECTORS 2
#define DEPTH 256
#define BLOCK_ROWS 192
#define BLOCK_COLS 2048
#elif defined(__aarch64__) // 32 registers of 4
#define LANES 4
#define ROWS 8
#define VECTORS 3
#define DEPTH 256
#define BLOCK_ROWS 128
#define BLOCK_COLS 1536
#elif defined(__wasm__) // 15 registers of 4 in the engines for x86
#define LANES 4
#define ROWS 5
#define VECTORS 2
#define DEPTH 512
#define BLOCK_ROWS 120
#define BLOCK_COLS 512
#define NEAR_L2 0 // packing pays: what is packed is read with fewer checks
#else // SSE: 16 registers of 4
#define LANES 4
#define ROWS 4
#define VECTORS 2
#define DEPTH 256
#define BLOCK_ROWS 128
#define BLOCK_COLS 512
#endif
#endif
#define COLS (LANES * VECTORS)
#define LINE 16 // floats in a line of the caches

// Products of which one operand stays in L2, that many floats of it: A is not packed, nor are columns of B that stand side by side
// and are spread over no more than NEAR_STAYS; past that they lie in too many pages, for which shorter vectors pay sooner. Not packed
// either are rows of A that stand along k, unless they are a multiple of NEAR_CLASH apart, where they would drive each other out of
// L1, and columns of A that are spread over no more than NEAR_SPREAD.
#ifndef NEAR_L2
#define NEAR_L2 (128 << 10)
#endif
#define NEAR_STAYS (LANES == 16 ? 800 << 10 : 64 << 10)
#define NEAR_CLASH 1024
#define NEAR_SPREAD (128 << 10)
#define NEAR_PANELS 64 // of B, at most
// With a short k one vector is better than several, if the rows alone keep the multipliers busy: it leaves more rarely.
#define NEAR_SHORT (ROWS >= 12 ? 128 : 0)

#define SPLIT DOT_COLS  // columns past the last whole vector that may be taken by themselves,
#define SPLIT_COST 1000 // and what it costs to do so, in multiply-adds of a vector
#define OUTER_STEPS 4   // steps of k, at most, that are taken as outer products

// The same for thin products, whose lanes run along k: DOT_ROWS x DOT_COLS vectors of sums.
#if LANES == 16 || defined(__aarch64__)
#define DOT_ROWS 4
#define DOT_COLS 6
#else
#define DOT_ROWS 2
#define DOT_COLS 4
#endif
#define DOT_WIDE 64 // columns, at most

// A vector wherever floats stand: no alignment promised, and it may alias them.
typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
#define VEC(p) (*(vec *)(p))
#define CVEC(p) (*(const vec *)(p))
#define QUAD(p) (*(quad *)(p))
#define CQUAD(p) (*(const quad *)(p))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define SHUFFLE(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d)
#else
typedef int32_t quad_index __attribute__((vector_size(16)));
#define UNROLL _Pragma("GCC unroll 16")
#define SHUFFLE(x, y, a, b, c, d) __builtin_shuffle(x, y, (quad_index){a, b, c, d})
#endif
// GCC likes to load a vector again for each use; this makes it stay in its register.
#if defined(__GNUC__) && defined(__AVX512F__)
#define KEEP(x) __asm__("" : "+v"(x))
#elif defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define KEEP(x) __asm__("" : "+x"(x))
#elif defined(__GNUC__) && defined(__aarch64__)
#define KEEP(x) __asm__("" : "+w"(x))
#else
#define KEEP(x)
#endif
// Says to the CPU that this is a loop that waits.
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __builtin_ia32_pause()
#else
#define PAUSE (void)0
#endif
#define INLINE static inline __attribute__((always_inline))

#endif
