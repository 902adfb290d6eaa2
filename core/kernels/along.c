// Along one dimension: places by index, sums at places, running sums, and in order.
#include "vector.h"
#include <stdlib.h>

// Places.

static int along_sizes(const int32_t *d, int64_t *size) {
  if (d[PLACES_OUTER] < 0 || d[PLACES_SIZE] < 0 || d[PLACES_COUNT] < 0 || d[PLACES_INNER] < 0) return 0;
  const int64_t lead = (int64_t)d[PLACES_OUTER] * d[PLACES_COUNT];
  if (lead > INT32_MAX || (int64_t)d[PLACES_OUTER] * d[PLACES_SIZE] > INT32_MAX) return 0;
  *size = lead * d[PLACES_INNER];
  return *size <= d[PLACES_INDEX_LENGTH] && *size <= d[PLACES_OUT_LENGTH] &&
         (int64_t)d[PLACES_OUTER] * d[PLACES_SIZE] * d[PLACES_INNER] <= INT32_MAX;
}

int32_t gradus_places(const int32_t *d, const int32_t *index, int32_t *out, double *answer) {
  int64_t total;
  if (!along_sizes(d, &total)) return GRADUS_OUT_OF_BOUNDS;
  const int32_t size = d[PLACES_SIZE], inner = d[PLACES_INNER];
  int wrong = 0;
  for (int64_t i = 0; i < total; i++) wrong |= index[i] < -size || index[i] >= size;
  for (int64_t i = 0; wrong && i < total; i++) {
    if (index[i] >= -size && index[i] < size) continue;
    answer[0] = index[i];
    return GRADUS_BAD_INDEX;
  }
  int32_t base = 0;
  for (ptrdiff_t o = 0; o < d[PLACES_OUTER]; o++, base += size * inner) {
    for (ptrdiff_t i = 0; i < d[PLACES_COUNT]; i++, index += inner, out += inner) {
      if (inner == 1) {
        const ptrdiff_t count = d[PLACES_COUNT]; // they lie side by side
        for (ptrdiff_t k = 0; k < count; k++) out[k] = base + index[k] + (index[k] < 0 ? size : 0);
        index += count, out += count;
        break;
      }
      for (int32_t j = 0; j < inner; j++) out[j] = base + (index[j] + (index[j] < 0 ? size : 0)) * inner + j;
    }
  }
  return GRADUS_OK;
}

// Rows of g, added one after the other to those of out that the numbers name.
int32_t gradus_scatter_add(const int32_t *d, const float *g, const int32_t *index, float *out, double *answer) {
  const int64_t width = d[SCATTER_WIDTH], count = d[SCATTER_COUNT], length = d[SCATTER_OUT_LENGTH];
  if (width < 1 || count < 0 || width * count > d[SCATTER_G_LENGTH] || count > d[SCATTER_INDEX_LENGTH]) return GRADUS_OUT_OF_BOUNDS;
  const int64_t rows = length / width;
  for (int64_t i = 0; i < count; i++) {
    if (index[i] >= 0 && index[i] < rows) continue;
    answer[0] = index[i];
    return GRADUS_BAD_INDEX;
  }
  if (width == 1) {
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++) out[index[i]] += g[i];
    return GRADUS_OK;
  }
  for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i++, g += width) {
    float *to = out + (ptrdiff_t)index[i] * (ptrdiff_t)width;
    ptrdiff_t j = 0;
    for (; width - j >= LANES; j += LANES) VEC(to + j) = CVEC(to + j) + CVEC(g + j);
    for (; j < (ptrdiff_t)width; j++) to[j] += g[j];
  }
  return GRADUS_OK;
}

// Running sums and products, carried in float64: several runs side by side, so that no sum waits for the one before.

#define SCAN_WIDTH 16

INLINE void scan_strip(const float *x, float *out, ptrdiff_t length, ptrdiff_t step, ptrdiff_t apart, const int products, const int width) {
  double carried[SCAN_WIDTH];
  for (int v = 0; v < width; v++) carried[v] = products ? 1 : 0;
  for (ptrdiff_t i = 0; i < length; i++) {
    for (int v = 0; v < width; v++) {
      const ptrdiff_t at = i * step + v * apart;
      carried[v] = products ? carried[v] * (double)x[at] : carried[v] + (double)x[at];
      out[at] = (float)carried[v];
    }
  }
}

// `runs` of them, whose beginnings lie `apart`.
INLINE void scan_runs(const float *x, float *out, ptrdiff_t runs, ptrdiff_t length, ptrdiff_t step, ptrdiff_t apart, const int products, const int width) {
  for (; runs >= width; runs -= width, x += width * apart, out += width * apart) scan_strip(x, out, length, step, apart, products, width);
  for (; runs > 0; runs--, x += apart, out += apart) scan_strip(x, out, length, step, apart, products, 1);
}

int32_t gradus_scan(const int32_t *d, const float *x, float *out) {
  const int64_t outer = d[SCAN_OUTER], length = d[SCAN_COUNT], inner = d[SCAN_INNER];
  if (outer < 0 || length < 0 || inner < 0 || outer * length > INT32_MAX) return GRADUS_OUT_OF_BOUNDS;
  const int64_t size = outer * length * inner;
  if (size > d[SCAN_X_LENGTH] || size > d[SCAN_OUT_LENGTH]) return GRADUS_OUT_OF_BOUNDS;
  const ptrdiff_t run = (ptrdiff_t)length, block = (ptrdiff_t)(length * inner);
  if (inner == 1) {
    if (d[SCAN_PRODUCTS]) scan_runs(x, out, (ptrdiff_t)outer, run, 1, run, 1, 4);
    else scan_runs(x, out, (ptrdiff_t)outer, run, 1, run, 0, 4);
    return GRADUS_OK;
  }
  for (ptrdiff_t o = 0; o < (ptrdiff_t)outer; o++, x += block, out += block) {
    if (d[SCAN_PRODUCTS]) scan_runs(x, out, (ptrdiff_t)inner, run, (ptrdiff_t)inner, 1, 1, SCAN_WIDTH);
    else scan_runs(x, out, (ptrdiff_t)inner, run, (ptrdiff_t)inner, 1, 0, SCAN_WIDTH);
  }
  return GRADUS_OK;
}

// In order: a radix sort of keys and numbers, whose passes are stable; of few elements by inserting. Of the first few elements, those
// that come before the last of them so far are inserted.

typedef struct {
  uint32_t key;
  int32_t place;
} Keyed;

#define FEW_KEYS 32
#define FIRST_PASSES 16 // over all elements, which it takes to sort them

// A whole number in the order of the float, the largest for NaN; both zeros are the same.
INLINE uint32_t rank_of(float x, uint32_t flip) {
  const float value = x + 0;
  int32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  const uint32_t rank = x != x ? UINT32_MAX : (uint32_t)bits ^ (bits < 0 ? UINT32_MAX : 0x80000000u);
  return rank ^ flip;
}

static void sort_few(ptrdiff_t n, Keyed *keys) {
  for (ptrdiff_t i = 1; i < n; i++) {
    const Keyed own = keys[i];
    ptrdiff_t at = i;
    for (; at > 0 && keys[at - 1].key > own.key; at--) keys[at] = keys[at - 1];
    keys[at] = own;
  }
}

// The result is in one of the two.
static Keyed *sort_radix(ptrdiff_t n, Keyed *from, Keyed *to, const int digit) {
  const uint32_t mask = (1u << digit) - 1;
  int32_t counts[1 << 11];
  for (int shift = 0; shift < 32; shift += digit) {
    __builtin_memset(counts, 0, sizeof(int32_t) << digit);
    for (ptrdiff_t i = 0; i < n; i++) counts[(from[i].key >> shift) & mask]++;
    if (counts[(from[0].key >> shift) & mask] == n) continue; // the digit is the same everywhere
    int32_t before = 0;
    for (uint32_t b = 0; b <= mask; b++) {
      const int32_t own = counts[b];
      counts[b] = before, before += own;
    }
    for (ptrdiff_t i = 0; i < n; i++) to[counts[(from[i].key >> shift) & mask]++] = from[i];
    Keyed *other = from;
    from = to, to = other;
  }
  return from;
}

static void sort_row(const float *x, ptrdiff_t n, uint32_t flip, Keyed *keys, int32_t *order) {
  for (ptrdiff_t i = 0; i < n; i++) keys[i] = (Keyed){rank_of(x[i], flip), (int32_t)i};
  const Keyed *sorted = keys;
  if (n <= FEW_KEYS) sort_few(n, keys);
  else sorted = n < 16384 ? sort_radix(n, keys, keys + n, 8) : sort_radix(n, keys, keys + n, 11);
  for (ptrdiff_t i = 0; i < n; i++) order[i] = sorted[i].place;
}

INLINE int32_t first_insert(uint32_t rank, int32_t place, int32_t have, int32_t count, Keyed *keys) {
  int32_t at = have < count ? have : count - 1;
  for (; at > 0 && keys[at - 1].key > rank; at--) keys[at] = keys[at - 1];
  keys[at] = (Keyed){rank, place};
  return have < count ? have + 1 : have;
}

// Most elements take one comparison: a vector of them at a time is looked at for one that comes before the last so far.
static void first_row(const float *x, ptrdiff_t n, uint32_t flip, int32_t count, Keyed *keys, int32_t *order) {
  int32_t have = 0;
  ptrdiff_t i = 0;
  for (; i < count; i++) have = first_insert(rank_of(x[i], flip), (int32_t)i, have, count, keys);
  float last = x[keys[count - 1].place];
  while (i < n) {
    ptrdiff_t end = min(i + LANES, n);
    if (end - i == LANES && last == last) {
      const vec here = CVEC(x + i);
      const ivec before = flip ? (here > last) | (here != here) : here < last;
      int64_t any[LANES / 2];
      __builtin_memcpy(any, &before, sizeof any);
      int64_t some = 0;
      for (int k = 0; k < LANES / 2; k++) some |= any[k];
      if (!some) {
        i = end;
        continue;
      }
    }
    for (; i < end; i++) {
      const uint32_t rank = rank_of(x[i], flip);
      if (rank < keys[count - 1].key) first_insert(rank, (int32_t)i, have, count, keys);
    }
    last = x[keys[count - 1].place];
  }
  for (int32_t k = 0; k < count; k++) order[k] = keys[k].place;
}

int32_t gradus_order(const int32_t *d, const float *x, int32_t *order) {
  const int64_t rows = d[ORDER_ROWS], n = d[ORDER_COUNT], first = d[ORDER_FIRST];
  if (rows < 0 || n < 0 || first < 0 || first > n || rows * n > d[ORDER_X_LENGTH] || rows * n > d[ORDER_OUT_LENGTH]) return GRADUS_OUT_OF_BOUNDS;
  if (rows == 0 || n == 0 || first == 0) return GRADUS_OK;
  const uint32_t flip = d[ORDER_DESCENDING] ? UINT32_MAX : 0;
  Keyed *keys = GRADUS_ALLOCATE(2 * (size_t)n * sizeof(Keyed));
  if (!keys) return GRADUS_OUT_OF_MEMORY;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)rows; i++, x += n, order += n) {
    if (first * FIRST_PASSES < n) first_row(x, (ptrdiff_t)n, flip, (int32_t)first, keys, order);
    else sort_row(x, (ptrdiff_t)n, flip, keys, order);
  }
  free(keys);
  return GRADUS_OK;
}
