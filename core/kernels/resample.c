// Resampling of dense planes: each result from up to two rows and two columns, which stand in tables, and the way back.
#include "vector.h"

typedef struct {
  const int32_t *low, *high;
  const float *weight;
  ptrdiff_t number, run_begin, run_end; // a run of places that follow one another, each of weight 0
} Taps;

typedef struct {
  ptrdiff_t planes, h, w, group; // group: planes of a part
  Taps rows, cols;
  const float *x;
  float *out;
} Resampling;

static Taps taps_at(const int32_t *table, ptrdiff_t number) {
  Taps t = {table, table + number, (const float *)(const void *)(table + 2 * number), number, 0, 0};
  for (ptrdiff_t i = 0, end; i < number; i = end) {
    for (end = i + 1; end < number && t.low[end] == t.low[i] + (end - i) && t.weight[end] == 0;) end++;
    if (t.weight[i] == 0 && end - i > t.run_end - t.run_begin) t.run_begin = i, t.run_end = end;
  }
  return t;
}

static int taps_fit(const Taps *t, ptrdiff_t size) {
  for (ptrdiff_t i = 0; i < t->number; i++)
    if (t->low[i] < 0 || t->low[i] >= size || t->high[i] < 0 || t->high[i] >= size) return 0;
  return 1;
}

static int resample_open(const int32_t *d, Resampling *s) {
  const int64_t planes = d[RESAMPLE_PLANES], h = d[RESAMPLE_H], w = d[RESAMPLE_W], rows = d[RESAMPLE_ROWS], cols = d[RESAMPLE_COLS];
  if (planes < 0 || h < 0 || w < 0 || rows < 0 || cols < 0 || h * w > INT32_MAX || rows * cols > INT32_MAX) return 0;
  if (RESAMPLE_TABLES + 3 * (rows + cols) > d[RESAMPLE_LENGTH]) return 0;
  if (planes * (h * w) > d[RESAMPLE_X_LENGTH] || planes * (rows * cols) > d[RESAMPLE_OUT_LENGTH]) return 0;
  *s = (Resampling){.planes = (ptrdiff_t)planes, .h = (ptrdiff_t)h, .w = (ptrdiff_t)w};
  s->group = plane_group((ptrdiff_t)(rows * cols));
  s->rows = taps_at(d + RESAMPLE_TABLES, (ptrdiff_t)rows);
  s->cols = taps_at(d + RESAMPLE_TABLES + 3 * rows, (ptrdiff_t)cols);
  return taps_fit(&s->rows, s->h) && taps_fit(&s->cols, s->w);
}

// What has no weight is not read: it may be infinite.
INLINE float between(float low, float high, float weight) {
  return weight == 0 ? low : weight == 1 ? high : (1 - weight) * low + weight * high;
}

static void resample_some(const Taps *t, ptrdiff_t j, ptrdiff_t end, const float *low, const float *high, float weight, float *out) {
  for (; j < end; j++) {
    const float left = between(low[t->low[j]], high[t->low[j]], weight);
    out[j] = t->weight[j] == 0 ? left : between(left, between(low[t->high[j]], high[t->high[j]], weight), t->weight[j]);
  }
}

static void resample_row(const Resampling *s, const float *x, ptrdiff_t i, float *out) {
  const Taps *t = &s->cols;
  const float weight = s->rows.weight[i], *low = x + s->rows.low[i] * s->w, *high = x + s->rows.high[i] * s->w;
  const ptrdiff_t n = weight == 0 ? t->run_end - t->run_begin : 0, end = n > 0 ? t->run_begin : 0;
  if (n > 0) __builtin_memcpy(out + end, low + t->low[end], (size_t)n * sizeof(float));
  resample_some(t, 0, end, low, high, weight, out);
  resample_some(t, end + n, t->number, low, high, weight, out);
}

static void resample_part(void *job, ptrdiff_t part) {
  const Resampling *s = job;
  const ptrdiff_t end = min((part + 1) * s->group, s->planes);
  for (ptrdiff_t plane = part * s->group; plane < end; plane++) {
    for (ptrdiff_t i = 0; i < s->rows.number; i++)
      resample_row(s, s->x + plane * s->h * s->w, i, s->out + (plane * s->rows.number + i) * s->cols.number);
  }
}

int32_t gradus_resample(const int32_t *d, const float *x, float *out) {
  Resampling s;
  if (!resample_open(d, &s)) return GRADUS_OUT_OF_BOUNDS;
  s.x = x, s.out = out;
  parallel(ceil_div(s.planes, s.group), resample_part, &s);
  return GRADUS_OK;
}

// The way back: x is the gradient of the results, and `out` that of the images.
static void resample_row_back(const Taps *t, const float *g, float *row, float weight) {
  if (weight == 0) return;
  for (ptrdiff_t j = 0; j < t->number; j++) {
    const float part = t->weight[j] * g[j];
    if (t->weight[j] != 1) row[t->low[j]] += weight * (g[j] - part);
    if (t->weight[j] != 0) row[t->high[j]] += weight * part;
  }
}

static void resample_back_part(void *job, ptrdiff_t part) {
  const Resampling *s = job;
  const ptrdiff_t size = s->h * s->w, end = min((part + 1) * s->group, s->planes);
  for (ptrdiff_t plane = part * s->group; plane < end; plane++) {
    float *out = s->out + plane * size;
    __builtin_memset(out, 0, (size_t)size * sizeof(float));
    for (ptrdiff_t i = 0; i < s->rows.number; i++) {
      const float *g = s->x + (plane * s->rows.number + i) * s->cols.number;
      resample_row_back(&s->cols, g, out + s->rows.low[i] * s->w, 1 - s->rows.weight[i]);
      resample_row_back(&s->cols, g, out + s->rows.high[i] * s->w, s->rows.weight[i]);
    }
  }
}

int32_t gradus_resample_backward(const int32_t *d, const float *g, float *dx) {
  Resampling s;
  if (!resample_open(d, &s)) return GRADUS_OUT_OF_BOUNDS;
  s.x = g, s.out = dx;
  parallel(ceil_div(s.planes, s.group), resample_back_part, &s);
  return GRADUS_OK;
}
