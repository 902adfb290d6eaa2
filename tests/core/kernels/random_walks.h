// Random buffers and strides for the harness, the same in every run.
#ifndef RANDOM_WALKS_H
#define RANDOM_WALKS_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t state = 1;
static int below(int n) {
  state = state * 1664525u + 1013904223u;
  return (int)((state >> 8) % (uint32_t)n);
}

static void fail(const char *what) {
  printf("%s\n", what);
  exit(1);
}

static float *floats(int n) {
  float *data = malloc((size_t)n * sizeof(float) + !n);
  for (int i = 0; i < n; i++) data[i] = (float)(below(2001) - 1000) / 100;
  return data;
}

// Random strides over `rank` sizes, one of them possibly 0 or negative; gives the offset and the length they need.
static void lay(int rank, const int32_t *sizes, int32_t *strides, int repeat, int32_t *offset, int32_t *length) {
  int64_t low = 0, high = 0, step = 1;
  const int backward = below(4) == 0, column = below(3) == 0;
  for (int q = 0; q < rank; q++) {
    const int r = column ? q : rank - 1 - q;
    strides[r] = (int32_t)(repeat && below(6) == 0 ? 0 : backward ? -step : step);
    step = step * sizes[r] + below(2);
    const int64_t reach = (int64_t)(sizes[r] - 1) * strides[r];
    if (reach < 0) low += reach;
    else high += reach;
  }
  *offset = (int32_t)-low, *length = (int32_t)(high - low + 1);
}

static int shape(int32_t *sizes) {
  const int rank = 1 + below(4);
  for (int r = 0; r < rank; r++) sizes[r] = 1 + below(rank == 1 ? 700 : 12);
  return rank;
}

#endif
