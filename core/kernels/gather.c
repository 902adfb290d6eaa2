// Rows of a matrix by their number: the batches of training, from bytes to floats on the way if need be.
#include <stddef.h>
#include "kernels.h"

static void gather_bytes(ptrdiff_t n, const uint8_t *from, float *to, const float *table) {
  if (table)
    for (ptrdiff_t i = 0; i < n; i++) to[i] = table[from[i]];
  else
    for (ptrdiff_t i = 0; i < n; i++) to[i] = (float)from[i];
}

static void gather_row(const int32_t *d, const void *x, ptrdiff_t from, void *out, ptrdiff_t to, const float *table) {
  const ptrdiff_t n = d[GATHER_WIDTH];
  const int kind = d[GATHER_X_KIND];
  if (kind == KIND_UINT8 && d[GATHER_OUT_KIND] == KIND_FLOAT32) gather_bytes(n, (const uint8_t *)x + from, (float *)out + to, table);
  else if (kind == KIND_UINT8) __builtin_memcpy((uint8_t *)out + to, (const uint8_t *)x + from, (size_t)n);
  else __builtin_memcpy((float *)out + to, (const float *)x + from, (size_t)n * sizeof(float)); // int32 too
}

// Rows are picked at random, which no prefetcher foresees: the next one is on its way while this one is copied.
static void gather_ahead(const char *row, ptrdiff_t bytes) {
  for (ptrdiff_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at, 0, 2);
}

int32_t gradus_gather(const int32_t *d, const void *x, const int32_t *index, const float *table, void *out, double *answer) {
  const int kind = d[GATHER_X_KIND], to = d[GATHER_OUT_KIND];
  const int64_t width = d[GATHER_WIDTH], count = d[GATHER_COUNT], length = d[GATHER_X_LENGTH];
  if (kind != to && !(kind == KIND_UINT8 && to == KIND_FLOAT32)) return GRADUS_OUT_OF_BOUNDS;
  if (d[GATHER_TABLE_LENGTH] != 0 && (d[GATHER_TABLE_LENGTH] < 256 || kind == to)) return GRADUS_OUT_OF_BOUNDS;
  if (width < 0 || count < 0 || width * count > d[GATHER_OUT_LENGTH]) return GRADUS_OUT_OF_BOUNDS;
  for (int64_t i = 0; i < count; i++) {
    const int64_t from = d[GATHER_OFFSET] + (int64_t)index[i] * d[GATHER_STRIDE];
    if (from >= 0 && from + width <= length) continue;
    answer[0] = index[i];
    return GRADUS_BAD_INDEX;
  }
  if (width == 1 && kind == to && kind != KIND_UINT8) { // in the time that a row takes to begin
    const float *from = (const float *)x + d[GATHER_OFFSET];
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++) ((float *)out)[i] = from[(ptrdiff_t)index[i] * d[GATHER_STRIDE]];
    return GRADUS_OK;
  }
  const ptrdiff_t size = kind == KIND_UINT8 ? 1 : 4, ahead = width * size < 16384 ? (ptrdiff_t)width * size : 16384;
  for (int64_t i = 0; i < count; i++) {
    const ptrdiff_t from = (ptrdiff_t)(d[GATHER_OFFSET] + (int64_t)index[i] * d[GATHER_STRIDE]);
    if (i + 1 < count) gather_ahead((const char *)x + (d[GATHER_OFFSET] + (int64_t)index[i + 1] * d[GATHER_STRIDE]) * size, ahead);
    gather_row(d, x, from, out, (ptrdiff_t)(i * width), d[GATHER_TABLE_LENGTH] ? table : NULL);
  }
  return GRADUS_OK;
}
