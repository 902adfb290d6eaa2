// Strided walks over up to WALK_RANK dimensions, checked and taken a run at a time.
#include <stddef.h>
#include "kernels.h"

// Whether a walk from `offset` stays in its buffer. Steps may be negative or 0. Looked at after each dimension: a sum of all of them
// could pass 64 bits.
static int walk_fits(int rank, const int32_t *sizes, const int32_t *strides, int32_t offset, int32_t length) {
  int64_t low = offset, high = offset;
  for (int r = 0; r < rank && low >= 0 && high < length; r++) {
    const int64_t reach = (int64_t)(sizes[r] - 1) * strides[r];
    if (reach < 0) low += reach;
    else high += reach;
  }
  return low >= 0 && high < length;
}

// 1 where there is something to do, 0 for an empty shape, −1 for one that is none.
static int walk_state(int rank, const int32_t *sizes) {
  if (rank < 1 || rank > WALK_RANK) return -1;
  int state = 1;
  for (int r = 0; r < rank; r++) {
    if (sizes[r] < 0) return -1;
    if (sizes[r] == 0) state = 0;
  }
  return state;
}

// Steps to the next of `rank` dimensions, outermost first: moves the operands' places, and says whether there is one.
static int walk_next(int rank, const int32_t *sizes, int32_t *count, int operands, const int32_t *const *strides, ptrdiff_t *at) {
  for (int r = rank - 1; r >= 0; r--) {
    for (int i = 0; i < operands; i++) at[i] += strides[i][r];
    if (++count[r] < sizes[r]) return 1;
    count[r] = 0;
    for (int i = 0; i < operands; i++) at[i] -= (ptrdiff_t)strides[i][r] * sizes[r];
  }
  return 0;
}

// What lies apart, side by side: as much as is worth working on at a time.
#define BLOCK 256

static const float *gathered(const float *from, ptrdiff_t step, ptrdiff_t n, float *block) {
  if (step == 1) return from;
  for (ptrdiff_t i = 0; i < n; i++) block[i] = from[i * step];
  return block;
}

static void scatter(const float *from, float *to, ptrdiff_t step, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) to[i * step] = from[i];
}
