// Softmax and layer normalisation of dense rows, forward and back: a row stays in L1 between its passes. Sums are taken in float32 for
// so many vectors at a time, and those in float64.
#include "vector.h"

#define ROW_STEPS 32 // vectors of each of four sums side by side

// Σ (a − shift)², or Σ a · b.
INLINE double row_total(const float *a, const float *b, ptrdiff_t n, float shift, const int squares) {
  double total = 0;
  for (ptrdiff_t j = 0; j < n;) {
    vec sum[4] = {{0}};
    for (const ptrdiff_t end = j + 4 * LANES * ROW_STEPS; j < end && n - j >= 4 * LANES; j += 4 * LANES) {
      UNROLL for (int v = 0; v < 4; v++) {
        const vec x = CVEC(a + j + v * LANES) - shift;
        sum[v] = multiply_add(x, squares ? x : CVEC(b + j + v * LANES), sum[v]);
      }
    }
    if (n - j < 4 * LANES) {
      for (; n - j >= LANES; j += LANES) {
        const vec x = CVEC(a + j) - shift;
        sum[0] = multiply_add(x, squares ? x : CVEC(b + j), sum[0]);
      }
      if (j < n) {
        const vec x = load_partial(a + j, n - j, shift) - shift;
        sum[1] = multiply_add(x, squares ? x : load_partial(b + j, n - j, 0), sum[1]);
      }
      j = n;
    }
    total += (double)sum_of((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  return total;
}

// out[j] = RESULT for each j of a row, with the element x of one row, or x and z of two.
#define ALONG(WHOLE, PART, RESULT) \
  do { \
    ptrdiff_t j = 0; \
    for (; n - j >= LANES; j += LANES) { \
      WHOLE; \
      VEC(out + j) = RESULT; \
    } \
    if (j < n) { \
      PART; \
      store_partial(out + j, RESULT, n - j); \
    } \
  } while (0)
#define EACH(X, RESULT) ALONG(const vec x = CVEC((X) + j), const vec x = load_partial((X) + j, n - j, 0), RESULT)
#define EACH_PAIR(X, Z, RESULT) \
  ALONG(const vec x = CVEC((X) + j); const vec z = CVEC((Z) + j), const vec x = load_partial((X) + j, n - j, 0); \
        const vec z = load_partial((Z) + j, n - j, 0), RESULT)

typedef struct {
  int log, affine;
  ptrdiff_t rows, cols, group; // group: rows of a part
  float eps;
  const float *g, *x, *weight, *bias;
  float *stats, *out;
} Rows;

static int rows_open(Rows *f, int32_t rows, int32_t cols, int64_t length) {
  f->rows = rows, f->cols = cols;
  f->group = rows > 0 && cols > 0 ? ceil_div(RUN_PART, cols) : 1;
  return rows >= 0 && cols >= 0 && (int64_t)rows * cols <= length;
}

static void rows_parallel(Rows *f, Part *part) { parallel(ceil_div(f->rows, f->group), part, f); }

// Softmax.

// e^x for x up to 0, and 0 where float32 would lose digits.
INLINE vec exp_below(vec x) {
  const ivec gone = x < -87;
  ivec count;
  const vec r = exp_reduce(blend(gone, broadcast(0), x), &count), e = exp_tail(r) * (r * r) + r + 1;
  return blend(gone, broadcast(0), e * power_of_two(count));
}

// The largest of a row. A NaN may be passed over here: it spoils the sum.
static float row_top(const float *x, ptrdiff_t n) {
  vec top[4];
  UNROLL for (int v = 0; v < 4; v++) top[v] = broadcast(-__builtin_inff());
  ptrdiff_t j = 0;
  for (; n - j >= 4 * LANES; j += 4 * LANES) {
    UNROLL for (int v = 0; v < 4; v++) top[v] = blend(CVEC(x + j + v * LANES) > top[v], CVEC(x + j + v * LANES), top[v]);
  }
  for (; n - j > 0; j += LANES) {
    const vec here = n - j >= LANES ? CVEC(x + j) : load_partial(x + j, n - j, -__builtin_inff());
    top[0] = blend(here > top[0], here, top[0]);
  }
  UNROLL for (int v = 1; v < 4; v++) top[0] = blend(top[v] > top[0], top[v], top[0]);
  return max_of(top[0]);
}

// Σ e^(x − max) of a row; the terms go to `out` unless it is missing.
INLINE double row_powers(const float *x, ptrdiff_t n, float max, float *out, const int kept) {
  double total = 0;
  for (ptrdiff_t j = 0; j < n;) {
    vec sum = {0};
    for (const ptrdiff_t end = j + ROW_STEPS * LANES; j < end && j < n; j += LANES) {
      if (n - j >= LANES) {
        const vec e = exp_below(CVEC(x + j) - max);
        sum += e;
        if (kept) VEC(out + j) = e;
      } else {
        const vec e = blend(LANE_NUMBERS < (int32_t)(n - j), exp_below(load_partial(x + j, n - j, max) - max), broadcast(0));
        sum += e;
        if (kept) store_partial(out + j, e, n - j);
      }
    }
    total += (double)sum_of(sum);
  }
  return total;
}

static void softmax_part(void *job, ptrdiff_t part) {
  const Rows *f = job;
  const ptrdiff_t n = f->cols, end = min((part + 1) * f->group, f->rows);
  for (ptrdiff_t i = part * f->group; i < end; i++) {
    const float *from = f->x + i * n;
    float *out = f->out + i * n;
    const float max = row_top(from, n);
    if (f->log) {
      const vec log = log_vec(broadcast((float)row_powers(from, n, max, out, 0)));
      EACH(from, (x - max) - log);
    } else {
      unary_run((Unary){OP_SCALE, (float)(1 / row_powers(from, n, max, out, 1)), 0}, n, out, out);
    }
  }
}

int32_t gradus_softmax(const int32_t *d, const float *x, float *out) {
  Rows f = {.log = d[SOFTMAX_LOG] != 0, .x = x, .out = out};
  if (!rows_open(&f, d[SOFTMAX_ROWS], d[SOFTMAX_COLS], min(d[SOFTMAX_X_LENGTH], d[SOFTMAX_OUT_LENGTH]))) return GRADUS_OUT_OF_BOUNDS;
  rows_parallel(&f, softmax_part);
  return GRADUS_OK;
}

// dx = y · (g − Σ g·y), and of the logarithm dx = g − e^y · Σg.
static void softmax_backward_part(void *job, ptrdiff_t part) {
  const Rows *f = job;
  const ptrdiff_t n = f->cols, end = min((part + 1) * f->group, f->rows);
  for (ptrdiff_t i = part * f->group; i < end; i++) {
    const float *g = f->g + i * n, *y = f->x + i * n;
    float *out = f->out + i * n;
    const float sum = (float)(f->log ? row_sum(g, n) : row_total(g, y, n, 0, 0));
    if (f->log) EACH_PAIR(g, y, x - exp_vec(z) * sum);
    else EACH_PAIR(g, y, z * (x - sum));
  }
}

int32_t gradus_softmax_backward(const int32_t *d, const float *g, const float *y, float *out) {
  Rows f = {.log = d[SOFTMAX_LOG] != 0, .g = g, .x = y, .out = out};
  const int32_t length = (int32_t)min(min(d[SOFTMAX_X_LENGTH], d[SOFTMAX_G_LENGTH]), d[SOFTMAX_OUT_LENGTH]);
  if (!rows_open(&f, d[SOFTMAX_ROWS], d[SOFTMAX_COLS], length)) return GRADUS_OUT_OF_BOUNDS;
  rows_parallel(&f, softmax_backward_part);
  return GRADUS_OK;
}

// Layer normalisation: y = (x − mean) · inverse · weight + bias with inverse = 1 / √(variance + eps).
static void layer_norm_part(void *job, ptrdiff_t part) {
  const Rows *f = job;
  const ptrdiff_t n = f->cols, end = min((part + 1) * f->group, f->rows);
  for (ptrdiff_t i = part * f->group; i < end; i++) {
    const float *from = f->x + i * n;
    float *out = f->out + i * n;
    const float mean = (float)(row_sum(from, n) / (double)n);
    const double variance = row_total(from, from, n, mean, 1) / (double)n;
    const float inverse = (float)(1 / __builtin_sqrt(variance + (double)f->eps));
    f->stats[i] = mean, f->stats[f->rows + i] = inverse;
    if (!f->affine) {
      EACH(from, (x - mean) * inverse);
      continue;
    }
    const float *bias = f->bias;
    EACH_PAIR(from, f->weight, multiply_add((x - mean) * inverse, z, n - j >= LANES ? CVEC(bias + j) : load_partial(bias + j, n - j, 0)));
  }
}

static int layer_norm_open(const int32_t *d, Rows *f) {
  f->affine = d[LAYER_HAS_AFFINE] != 0;
  __builtin_memcpy(&f->eps, d + LAYER_EPS, sizeof f->eps);
  return rows_open(f, d[LAYER_ROWS], d[LAYER_COLS], d[LAYER_LENGTH]) && 2 * (int64_t)f->rows <= d[LAYER_STATS_LENGTH] &&
         (!f->affine || f->cols <= d[LAYER_COLS_LENGTH]);
}

int32_t gradus_layer_norm(const int32_t *d, const float *x, const float *weight, const float *bias, float *stats, float *y) {
  Rows f = {.x = x, .weight = weight, .bias = bias, .stats = stats, .out = y};
  if (!layer_norm_open(d, &f)) return GRADUS_OUT_OF_BOUNDS;
  rows_parallel(&f, layer_norm_part);
  return GRADUS_OK;
}

// With ĝ = g · weight and x̂ = (x − mean) · inverse, dx = inverse · (ĝ − Σĝ / n − x̂ · Σĝ·x̂ / n).
static void layer_norm_input(const Rows *f, ptrdiff_t i) {
  const ptrdiff_t n = f->cols;
  const float *g = f->g + i * n, *from = f->x + i * n, *scaled = f->affine ? f->out + i * n : g;
  const float mean = f->stats[i], inverse = f->stats[f->rows + i];
  float *out = f->out + i * n;
  if (f->affine) EACH_PAIR(g, f->weight, x * z);
  const float shift = (float)(row_sum(scaled, n) / (double)n);
  const float slope = (float)(row_total(from, scaled, n, mean, 0) / (double)n) * inverse * inverse;
  EACH_PAIR(scaled, from, ((x - shift) - (z - mean) * slope) * inverse);
}

// Σ g·x̂ and Σ g over some rows, added to those of earlier ones, for up to `width` columns.
INLINE void layer_norm_strip(const Rows *f, ptrdiff_t from, ptrdiff_t end, ptrdiff_t col, ptrdiff_t width, double *sums, const int vectors) {
  vec dw[4] = {{0}}, db[4] = {{0}};
  for (ptrdiff_t i = from; i < end; i++) {
    const float *g = f->g + i * f->cols + col, *x = f->x + i * f->cols + col;
    const float mean = f->stats[i], inverse = f->stats[f->rows + i];
    UNROLL for (int v = 0; v < vectors; v++) {
      const int whole = width - v * LANES >= LANES;
      const vec here = whole ? CVEC(g + v * LANES) : load_partial(g, width, 0);
      const vec normal = ((whole ? CVEC(x + v * LANES) : load_partial(x, width, 0)) - mean) * inverse;
      dw[v] = multiply_add(here, normal, dw[v]);
      db[v] += here;
    }
  }
  for (ptrdiff_t j = 0; j < width; j++) {
    sums[col + j] += (double)dw[j / LANES][j % LANES];
    sums[f->cols + col + j] += (double)db[j / LANES][j % LANES];
  }
}

static void layer_norm_columns(const Rows *f, ptrdiff_t from, ptrdiff_t end, double *sums) {
  ptrdiff_t j = 0;
  for (; f->cols - j >= 4 * LANES; j += 4 * LANES) layer_norm_strip(f, from, end, j, 4 * LANES, sums, 4);
  for (; j < f->cols; j += LANES) layer_norm_strip(f, from, end, j, min(LANES, f->cols - j), sums, 1);
}

int32_t gradus_layer_norm_backward(const int32_t *d, const float *g, const float *x, const float *weight, const float *stats, float *dx,
                                   double *sums) {
  Rows f = {.g = g, .x = x, .weight = weight, .stats = (float *)stats, .out = dx};
  if (!layer_norm_open(d, &f)) return GRADUS_OUT_OF_BOUNDS;
  if (f.affine) __builtin_memset(sums, 0, 2 * (size_t)f.cols * sizeof(double));
  for (ptrdiff_t from = 0; f.cols && from < f.rows; from += ROW_STEPS) { // so many that they are still in L2 for the columns
    const ptrdiff_t end = min(from + ROW_STEPS, f.rows);
    for (ptrdiff_t i = from; d[LAYER_HAS_DX] && i < end; i++) layer_norm_input(&f, i);
    if (f.affine) layer_norm_columns(&f, from, end, sums);
  }
  return GRADUS_OK;
}
#undef EACH
#undef EACH_PAIR
#undef ALONG
