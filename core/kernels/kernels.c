// All kernels as one translation unit, so that nothing but gradus_… is visible outside.
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE // madvise
#endif
#include "memory.c"
#include "threads.c"
#include "walk.c"
#include "transpose.c"
#include "math.c"
#include "binary.c"
#include "reduce.c"
#if !defined(__wasm__)
#include "gather.c"
#endif
#include "activation.c"
#include "unary.c"
#include "pool.c"
#include "batch_norm.c"
#include "cross_entropy.c"
#include "rows.c"
#include "update.c"
#if !defined(__wasm__)
#include "resample.c"
#include "along.c"
#include "cpu.c"
#endif
#include "gemm/pack.c"
#include "gemm/micro_kernel.c"
#include "gemm/edge.c"
#include "gemm/thin.c"
#include "gemm/loops.c"
#include "gemm/gemm.c"
#include "attention.c"
#if !defined(__wasm__)
#include "gemm/dgemm.c"
#include "recurrent.c"
#endif
#include "conv/windows.c"
#include "conv/tiles.c"
#include "conv/plain.c"
#include "conv/correlate.c"
#include "conv/flat.c"
#include "conv/few_pixels.c"
#include "conv/weights.c"
#include "conv/flat_weights.c"
#include "conv/depthwise.c"
#include "conv/conv.c"
#if !defined(__wasm__)
#include "call.c"
#endif
