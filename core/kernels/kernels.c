// All kernels as one translation unit, so that nothing but gradus_… is visible outside.
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE // madvise
#endif
#include "math.c"
#include "map_run.c"
#include "gemm_check.c"
#include "gemm_pack.c"
#include "gemm_micro.c"
#include "gemm_edge.c"
#include "copy_turned.c"
#include "scratch.c"
#include "threads.c"
#include "gemm_product.c"
#include "gemm_dot.c"
#include "gemm.c"
#include "gemm_job.c"
#include "walk.c"
#include "convert.c"
#include "map.c"
#if !defined(__wasm__)
#include "zip.c"
#include "column_sums.c"
#include "reduce.c"
#include "gather.c"
#include "gate.c"
#include "cross_entropy.c"
#include "update.c"
#endif
#include "check.c"
#include "peak.c"
