// Pooling of dense planes: the largest element or the mean of each window, and the way back. Windows stand in tables, one for rows and
// one for columns. Pairs of rows and columns, side by side, are taken a vector of windows at a time.
#include "vector.h"

typedef struct {
  const int32_t *begin, *end, *count;
  ptrdiff_t number, step;
} Windows;

typedef struct {
  int average;
  ptrdiff_t planes, h, w, group; // group: planes of a part
  float divisor; // 0 where windows have their own
  Windows rows, cols;
  const float *x; // or what comes back
  float *out;
  int32_t *at;
  const int32_t *from;
  int paired;
  int halved; // whether windows are pairs or what is left of them, and not better taken by vectors
} Pooling;

#define FEW_PAIRS 2 // in a row, on the way back: vectors of them would take longer

// Planes of at least RUN_PART elements together, whatever the number of threads.
static ptrdiff_t plane_group(ptrdiff_t size) { return size == 0 ? 1 : ceil_div(RUN_PART, size); }

static int windows_fit(const Windows *windows, ptrdiff_t size) {
  for (ptrdiff_t i = 0; i < windows->number; i++)
    if (windows->begin[i] < windows->end[i] && (windows->begin[i] < 0 || windows->end[i] > size)) return 0;
  return windows->step >= 1;
}

static int windows_are_pairs(const Windows *windows) {
  for (ptrdiff_t i = 0; i < windows->number; i++)
    if (windows->begin[i] != 2 * i || windows->end[i] != 2 * i + 2 || windows->count[i] != 2) return 0;
  return windows->step == 1;
}

// The same of an odd size, whose last window has one row or column; all of it lies in a window.
static int windows_halve(const Windows *windows, ptrdiff_t size) {
  for (ptrdiff_t i = 0; i < windows->number; i++)
    if (windows->begin[i] != 2 * i || windows->end[i] != min(2 * i + 2, size)) return 0;
  return windows->step == 1 && windows->number == ceil_div(size, 2);
}

static Windows windows_at(const int32_t *table, ptrdiff_t number, ptrdiff_t step) {
  return (Windows){table, table + number, table + 2 * number, number, step};
}

// Whether everything lies where the descriptor says; then the pooling that it describes.
static int pool_open(const int32_t *d, Pooling *p) {
  const int64_t planes = d[POOL_PLANES], h = d[POOL_H], w = d[POOL_W], rows = d[POOL_ROWS], cols = d[POOL_COLS];
  if (planes < 0 || h < 0 || w < 0 || rows < 0 || cols < 0 || d[POOL_OP] < 0 || d[POOL_OP] > POOL_AVG) return 0;
  if (h * w > INT32_MAX || rows * cols > INT32_MAX || POOL_TABLES + 3 * (rows + cols) > d[POOL_LENGTH]) return 0;
  const int64_t size = planes * (h * w), results = planes * (rows * cols);
  if (size > d[POOL_X_LENGTH] || results > d[POOL_OUT_LENGTH] || (d[POOL_HAS_AT] && results > d[POOL_AT_LENGTH])) return 0;
  *p = (Pooling){.average = d[POOL_OP] == POOL_AVG, .planes = (ptrdiff_t)planes, .h = (ptrdiff_t)h, .w = (ptrdiff_t)w};
  p->group = plane_group(p->h * p->w);
  p->divisor = (float)d[POOL_DIVISOR];
  p->rows = windows_at(d + POOL_TABLES, (ptrdiff_t)rows, d[POOL_ROW_STEP]);
  p->cols = windows_at(d + POOL_TABLES + 3 * rows, (ptrdiff_t)cols, d[POOL_COL_STEP]);
  p->paired = windows_are_pairs(&p->rows) && windows_are_pairs(&p->cols);
  p->halved = (!p->paired || cols <= FEW_PAIRS) && windows_halve(&p->rows, p->h) && windows_halve(&p->cols, p->w);
  return windows_fit(&p->rows, p->h) && windows_fit(&p->cols, p->w);
}

// What the sum of window i, j is divided by.
INLINE float pool_divisor(const Pooling *p, ptrdiff_t i, ptrdiff_t j) {
  return p->divisor != 0 ? p->divisor : (float)p->rows.count[i] * (float)p->cols.count[j];
}

INLINE float pair_divisor(const Pooling *p) { return p->divisor != 0 ? p->divisor : 4; }

// A mean of two by two is mostly a quarter, which multiplication gives as exactly.
INLINE vec divided(vec x, float by) { return by == 4 ? x * 0.25f : x / by; }

// A vector, or as much of one as there is; what is missing is 0.
ONCE vec load_rest(const float *from, ptrdiff_t count) { return load_partial(from, count, 0); }
ONCE void store_rest(float *to, vec x, ptrdiff_t count) { store_partial(to, x, count); }
INLINE vec load_some(const float *from, ptrdiff_t count) { return count >= LANES ? CVEC(from) : load_rest(from, count); }
INLINE void store_some(float *to, vec x, ptrdiff_t count) {
  if (count >= LANES) VEC(to) = x;
  else store_rest(to, x, count);
}

// The next vector of windows; the last one may begin within the one before it, so that it is whole.
INLINE ptrdiff_t next_windows(ptrdiff_t j, ptrdiff_t number) { return j + 2 * LANES > number && j + LANES < number ? number - LANES : j + LANES; }

// Twice as many floats as windows, as two vectors.
typedef struct {
  vec low, high;
} Both;
INLINE Both load_both(const float *from, ptrdiff_t count) {
  return (Both){load_some(from, count), count > LANES ? load_some(from + LANES, count - LANES) : (vec){0}};
}
INLINE void store_both(float *to, vec low, vec high, ptrdiff_t count) {
  store_some(to, low, count);
  if (count > LANES) store_some(to + LANES, high, count - LANES);
}

// One of four that is further along, and larger; or NaN.
INLINE void further(vec here, int32_t step, vec *best, ivec *place) {
  const ivec more = (here > *best) | (here != here);
  *best = blend(more, here, *best);
  *place = (more & ((ivec){0} + step)) | (~more & *place);
}

// The largest of each two by two, the windows of one row; `first` is the index of the first element.
ONCE void max_of_pairs(const float *x, ptrdiff_t w, ptrdiff_t first, ptrdiff_t number, float *out, int32_t *at) {
  for (ptrdiff_t j = 0; j < number; j = next_windows(j, number)) {
    const ptrdiff_t n = min(LANES, number - j);
    const Both above = load_both(x + 2 * j, 2 * n), below = load_both(x + w + 2 * j, 2 * n);
    vec best = EVENS(above.low, above.high);
    ivec place = {0};
    further(ODDS(above.low, above.high), 1, &best, &place);
    further(EVENS(below.low, below.high), (int32_t)w, &best, &place);
    further(ODDS(below.low, below.high), (int32_t)w + 1, &best, &place);
    store_some(out + j, best, n);
    if (at) store_some((float *)at + j, (vec)(place + LANE_NUMBERS * 2 + (int32_t)(first + 2 * j)), n); // as bits
  }
}

ONCE void sum_of_pairs(const float *x, ptrdiff_t w, float scale, ptrdiff_t number, float *out) {
  for (ptrdiff_t j = 0; j < number; j = next_windows(j, number)) {
    const ptrdiff_t n = min(LANES, number - j);
    const Both above = load_both(x + 2 * j, 2 * n), below = load_both(x + w + 2 * j, 2 * n);
    const vec low = above.low + below.low, high = above.high + below.high;
    store_some(out + j, divided(EVENS(low, high) + ODDS(low, high), scale), n);
  }
}

// Any other windows, one at a time.
static void max_of_windows(const Pooling *p, const float *x, ptrdiff_t i, float *out, int32_t *at) {
  for (ptrdiff_t j = 0; j < p->cols.number; j++) {
    float best = -__builtin_inff();
    ptrdiff_t place = -1;
    for (ptrdiff_t r = p->rows.begin[i]; r < p->rows.end[i]; r += p->rows.step) {
      for (ptrdiff_t s = p->cols.begin[j]; s < p->cols.end[j]; s += p->cols.step) {
        const float here = x[r * p->w + s];
        if (here > best || here != here || place < 0) best = here, place = r * p->w + s;
      }
    }
    out[j] = best;
    if (at) at[j] = (int32_t)place;
  }
}

// Sums of float32 for so many elements at a time, and those in float64.
static double sum_of_span(const float *x, ptrdiff_t n) {
  double total = 0;
  while (n >= LANES) {
    vec sum = {0};
    for (int i = 0; n >= LANES && i < 16; i++, n -= LANES, x += LANES) sum += CVEC(x);
    total += (double)sum_of(sum);
  }
  for (; n > 0; n--) total += (double)*x++;
  return total;
}

static double sum_of_window(const Pooling *p, const float *x, ptrdiff_t i, ptrdiff_t j) {
  const ptrdiff_t begin = p->cols.begin[j], end = p->cols.end[j], r0 = p->rows.begin[i];
  if (begin == 0 && end == p->w && p->cols.step == 1 && p->rows.step == 1) // rows one after the other
    return sum_of_span(x + r0 * p->w, (p->rows.end[i] - r0) * p->w);
  double sum = 0;
  for (ptrdiff_t r = r0; r < p->rows.end[i]; r += p->rows.step) {
    if (p->cols.step == 1 && end - begin >= LANES) {
      sum += sum_of_span(x + r * p->w + begin, end - begin);
    } else {
      for (ptrdiff_t s = begin; s < end; s += p->cols.step) sum += (double)x[r * p->w + s];
    }
  }
  return sum;
}

static void mean_of_windows(const Pooling *p, const float *x, ptrdiff_t i, float *out) {
  for (ptrdiff_t j = 0; j < p->cols.number; j++) {
    const int empty = p->rows.begin[i] >= p->rows.end[i] || p->cols.begin[j] >= p->cols.end[j];
    out[j] = empty ? 0 : (float)(sum_of_window(p, x, i, j) / (double)pool_divisor(p, i, j));
  }
}

// The means of a row of such windows, added up as pairs are.
static void mean_of_halves(const Pooling *p, const float *x, ptrdiff_t i, float *out) {
  const ptrdiff_t whole = p->w / 2;
  const float *below = x + p->w;
  const int two = 2 * i + 1 < p->h;
  for (ptrdiff_t j = 0; j < whole; j++) {
    const float sum = two ? (x[2 * j] + below[2 * j]) + (x[2 * j + 1] + below[2 * j + 1]) : x[2 * j] + x[2 * j + 1];
    out[j] = sum / pool_divisor(p, i, j);
  }
  if (2 * whole < p->w) out[whole] = (two ? x[2 * whole] + below[2 * whole] : x[2 * whole]) / pool_divisor(p, i, whole);
}

static void pool_row(const Pooling *p, const float *x, ptrdiff_t i, float *out, int32_t *at) {
  const ptrdiff_t first = 2 * i * p->w;
  if (p->average && p->halved && !p->paired) mean_of_halves(p, x + first, i, out);
  else if (p->average && p->paired) sum_of_pairs(x + first, p->w, pair_divisor(p), p->cols.number, out);
  else if (p->average) mean_of_windows(p, x, i, out);
  else if (p->paired && at) max_of_pairs(x + first, p->w, first, p->cols.number, out, at);
  else if (p->paired) max_of_pairs(x + first, p->w, first, p->cols.number, out, NULL);
  else max_of_windows(p, x, i, out, at);
}

static void pool_part(void *job, ptrdiff_t part) {
  const Pooling *p = job;
  const ptrdiff_t windows = p->rows.number * p->cols.number, end = min((part + 1) * p->group, p->planes);
  for (ptrdiff_t plane = part * p->group; plane < end; plane++) {
    for (ptrdiff_t i = 0; i < p->rows.number; i++) {
      const ptrdiff_t o = plane * windows + i * p->cols.number;
      pool_row(p, p->x + plane * p->h * p->w, i, p->out + o, p->at ? p->at + o : NULL);
    }
  }
}

int32_t gradus_pool(const int32_t *d, const float *x, float *out, int32_t *at) {
  Pooling p;
  if (!pool_open(d, &p)) return GRADUS_OUT_OF_BOUNDS;
  p.x = x, p.out = out, p.at = d[POOL_HAS_AT] ? at : NULL;
  parallel(ceil_div(p.planes, p.group), pool_part, &p);
  return GRADUS_OK;
}

// The way back. Here x is the gradient of the results and `out` that of the images.

// Each element of two rows gets the gradient of its window, if it was the largest. A lane of `missed` is set where no element was.
ONCE void spread_pairs(const float *g, const int32_t *from, ptrdiff_t w, ptrdiff_t first, ptrdiff_t number, float *out, ivec *missed) {
  for (ptrdiff_t j = 0; j < number; j = next_windows(j, number)) {
    const ptrdiff_t n = min(LANES, number - j);
    const vec here = load_some(g + j, n);
    const ivec place = (ivec)load_some((const float *)from + j, n);
    const ivec offset = place - LANE_NUMBERS * 2 - (int32_t)(first + 2 * j);
    const ivec hit[4] = {offset == 0, offset == 1, offset == (int32_t)w, offset == (int32_t)w + 1};
    vec part[4];
    UNROLL for (int k = 0; k < 4; k++) part[k] = (vec)(hit[k] & (ivec)here);
    *missed |= ~(hit[0] | hit[1] | hit[2] | hit[3]) & (LANE_NUMBERS < (int32_t)n);
    store_both(out + 2 * j, TURNS_LOW(part[0], part[1]), TURNS_HIGH(part[0], part[1]), 2 * n);
    store_both(out + w + 2 * j, TURNS_LOW(part[2], part[3]), TURNS_HIGH(part[2], part[3]), 2 * n);
  }
}

ONCE void share_pairs(const float *g, float scale, ptrdiff_t w, ptrdiff_t number, float *out) {
  for (ptrdiff_t j = 0; j < number; j = next_windows(j, number)) {
    const ptrdiff_t n = min(LANES, number - j);
    const vec part = divided(load_some(g + j, n), scale);
    store_both(out + 2 * j, TURNS_LOW(part, part), TURNS_HIGH(part, part), 2 * n);
    store_both(out + w + 2 * j, TURNS_LOW(part, part), TURNS_HIGH(part, part), 2 * n);
  }
}

static void zero(float *to, ptrdiff_t n) { __builtin_memset(to, 0, (size_t)n * sizeof(float)); }

// Returns whether every place was one of its window's four.
static int pairs_back(const Pooling *p, const float *g, const int32_t *from, float *out) {
  const ptrdiff_t number = p->cols.number, w = p->w;
  ivec missed = {0};
  for (ptrdiff_t i = 0; i < p->rows.number; i++) {
    float *rows = out + 2 * i * w;
    if (p->average) share_pairs(g + i * number, pair_divisor(p), w, number, rows);
    else spread_pairs(g + i * number, from + i * number, w, 2 * i * w, number, rows, &missed);
    if (2 * number < w) zero(rows + 2 * number, w - 2 * number), zero(rows + w + 2 * number, w - 2 * number);
  }
  zero(out + 2 * p->rows.number * w, (p->h - 2 * p->rows.number) * w);
  int32_t any = 0;
  for (int i = 0; i < LANES; i++) any |= missed[i];
  return any == 0;
}

static void mean_back(const Pooling *p, const float *g, float *out) {
  for (ptrdiff_t i = 0; i < p->rows.number; i++) {
    for (ptrdiff_t j = 0; j < p->cols.number; j++) {
      const float share = *g++ / pool_divisor(p, i, j);
      for (ptrdiff_t r = p->rows.begin[i]; r < p->rows.end[i]; r += p->rows.step) {
        float *row = out + r * p->w;
        if (p->cols.step == 1) for (ptrdiff_t s = p->cols.begin[j]; s < p->cols.end[j]; s++) row[s] += share;
        else for (ptrdiff_t s = p->cols.begin[j]; s < p->cols.end[j]; s += p->cols.step) row[s] += share;
      }
    }
  }
}

static void halves_back(const Pooling *p, const float *g, float *out) {
  for (ptrdiff_t i = 0; i < p->rows.number; i++) {
    float *row = out + 2 * i * p->w, *below = 2 * i + 1 < p->h ? row + p->w : row;
    for (ptrdiff_t j = 0; j < p->cols.number; j++) {
      const float share = *g++ / pool_divisor(p, i, j);
      const ptrdiff_t next = min(2 * j + 1, p->w - 1);
      row[2 * j] = share, row[next] = share, below[2 * j] = share, below[next] = share;
    }
  }
}

static void pool_back_part(void *job, ptrdiff_t part) {
  const Pooling *p = job;
  const ptrdiff_t size = p->h * p->w, windows = p->rows.number * p->cols.number, end = min((part + 1) * p->group, p->planes);
  for (ptrdiff_t plane = part * p->group; plane < end; plane++) {
    const float *g = p->x + plane * windows;
    const int32_t *from = p->from ? p->from + plane * windows : NULL;
    float *out = p->out + plane * size;
    if (p->average && p->halved) {
      halves_back(p, g, out);
      continue;
    }
    if (p->paired && pairs_back(p, g, from, out)) continue;
    zero(out, size);
    if (p->average) mean_back(p, g, out);
    else for (ptrdiff_t o = 0; o < windows; o++) if (from[o] >= 0) out[from[o]] += g[o];
  }
}

// Whether every place lies in its plane, or is −1.
static int places_fit(const int32_t *from, ptrdiff_t n, ptrdiff_t size) {
  uint32_t worst = 0;
  for (ptrdiff_t o = 0; o < n; o++) {
    const uint32_t next = (uint32_t)from[o] + 1;
    worst = next > worst ? next : worst;
  }
  return (int64_t)worst <= (int64_t)size;
}

int32_t gradus_pool_backward(const int32_t *d, const float *g, const int32_t *at, float *dx) {
  Pooling p;
  if (!pool_open(d, &p)) return GRADUS_OUT_OF_BOUNDS;
  const ptrdiff_t results = p.planes * p.rows.number * p.cols.number;
  if (!p.average && !d[POOL_HAS_AT]) return GRADUS_OUT_OF_BOUNDS;
  if (!p.average && !places_fit(at, results, p.h * p.w)) return GRADUS_BAD_INDEX;
  p.x = g, p.from = p.average ? NULL : at, p.out = dx;
  parallel(ceil_div(p.planes, p.group), pool_back_part, &p);
  return GRADUS_OK;
}
