// The machine: vector width, the block of C one micro-kernel call holds in registers, and how much of A and B each cache holds.
// Nothing else in the kernels knows an instruction set.
#ifndef GRADUS_TILE_H
#define GRADUS_TILE_H

// LANES floats make a vector. A tile of C is MR rows of NR_VECTORS vectors, which fill most of the register file; EACH_MR names MR
// and all that is less. MC x KC floats of A fill about half of L2, and KC x NC floats of B fit in L3. For a long k panels may even
// be streamed from L2, because C is loaded and stored once for each KC. Found by measuring. NC is a multiple of NR. The tests set
// all by hand, to try one machine's sizes on another.
#define MR_4(X) X(1) X(2) X(3) X(4)
#define MR_5(X) MR_4(X) X(5)
#define MR_6(X) MR_5(X) X(6)
#define MR_8(X) MR_6(X) X(7) X(8)
#define MR_12(X) MR_8(X) X(9) X(10) X(11) X(12)
#ifndef LANES
#if defined(__AVX512F__) // 32 registers of 16
#define LANES 16
#define MR 12
#define EACH_MR MR_12
#define NR_VECTORS 2
#define KC 1024
#define MC 168
#define NC 2048
#elif defined(__AVX__) // 16 registers of 8
#define LANES 8
#define MR 6
#define EACH_MR MR_6
#define NR_VECTORS 2
#define KC 256
#define MC 192
#define NC 2048
#elif defined(__aarch64__) // 32 registers of 4
#define LANES 4
#define MR 8
#define EACH_MR MR_8
#define NR_VECTORS 3
#define KC 256
#define MC 128
#define NC 1536
#elif defined(__wasm__) // 15 registers of 4 in the engines for x86
#define LANES 4
#define MR 5
#define EACH_MR MR_5
#define NR_VECTORS 2
#define KC 512
#define MC 120
#define NC 512
#define L2_FLOATS 0 // packing always pays: what is packed is read with fewer checks
#else // SSE: 16 registers of 4
#define LANES 4
#define MR 4
#define EACH_MR MR_4
#define NR_VECTORS 2
#define KC 256
#define MC 128
#define NC 512
#endif
#endif
#define NR (LANES * NR_VECTORS)
#define LINE 16 // floats in a cache line

// An operand of at most so many floats stays in L2 while the other passes it.
#ifndef L2_FLOATS
#define L2_FLOATS (128 << 10)
#endif
// B is read in place where its columns lie side by side and are spread over at most B_SPAN floats: past that they lie in too many
// pages, for which shorter vectors pay sooner. A is read in place where its rows lie side by side, spread over at most A_SPAN, or
// where they run along k, unless they are a multiple of L1_ALIAS apart, so that they would drive each other out of L1.
#define B_SPAN (LANES == 16 ? 800 << 10 : 64 << 10)
#define A_SPAN (128 << 10)
#define L1_ALIAS 1024
// The next panel of B is prefetched, if its columns run along k, up to so many floats: 1024x1024x1024 takes 3 % more with a larger one.
#define NEXT_PANEL (24 << 10)
// An A with rows along k, and with no more than so many steps of k and so many floats, is read once for each block of B.
#ifndef PASSING_K
#define PASSING_K (LANES == 16 ? KC : INT32_MAX)
#define PASSING_FLOATS (LANES == 16 ? 512 << 10 : INT32_MAX)
#endif
// With a k below SHORT_K panels are one vector wide, if the rows alone keep the multipliers busy: their tiles are stored with less
// delay.
#define SHORT_K (MR >= 12 ? 128 : 0)

#define SPLIT DOT_COLS  // so many columns past the last whole vector may be taken by themselves,
#define SPLIT_COST 1000 // which costs as much as so many multiply-adds of a vector
#define OUTER_STEPS 4   // products of at most so many steps of k are outer products

// Dot products, whose lanes run along k, have DOT_ROWS x DOT_COLS vectors of sums in registers.
#if LANES == 16 || defined(__aarch64__)
#define DOT_ROWS 4
#define DOT_COLS 6
#else
#define DOT_ROWS 2
#define DOT_COLS 4
#endif
#define DOT_WIDE 64 // most columns of such a product

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
