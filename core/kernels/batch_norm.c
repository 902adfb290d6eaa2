// Batch normalisation of [n, c, l], forward and back: a channel at a time, which stays in L2 between its passes; or, where a channel has
// one element a sample, a strip of channels. Sums are taken in float32 for so many vectors at a time, and those in float64.
#include "vector.h"

#define NORM_STEPS 64
#if defined(__wasm__) // whose code travels with the module
#define NORM_STRIP 1
#else
#define NORM_STRIP 4 // vectors of channels side by side
#endif

typedef struct {
  ptrdiff_t n, c, l, group; // group: channels of a part
  int training, relu;
  float eps;
  const float *g, *x;
  float *stats, *out, *dw, *db; // out: y, or dx, which may be missing
} Norm;

// What elements are computed with, one a lane where lanes are channels.
typedef struct {
  vec mean, inverse, scale, bias; // 1 / σ, and weight / σ
  vec shift, slope;               // Σĝ / m, and Σĝ·(x − μ) / (m · σ²)
} Channel;

static int norm_open(const int32_t *d, Norm *f) {
  const int64_t n = d[NORM_N], c = d[NORM_C], l = d[NORM_L];
  if (n < 0 || c < 0 || l < 0 || n * l > INT32_MAX || n * l * c > d[NORM_LENGTH] || 4 * c > d[NORM_STATS_LENGTH]) return 0;
  *f = (Norm){.n = (ptrdiff_t)n, .c = (ptrdiff_t)c, .l = (ptrdiff_t)l, .training = d[NORM_TRAINING] != 0};
  f->group = n * l == 0 ? 1 : ceil_div(RUN_PART, f->n * f->l);
  f->relu = d[NORM_ACTIVATION] == ACTIVATION_RELU;
  __builtin_memcpy(&f->eps, d + NORM_EPS, sizeof f->eps);
  return d[NORM_ACTIVATION] == ACTIVATION_NONE || f->relu;
}

INLINE vec root_of(vec x) {
  UNROLL for (int i = 0; i < LANES; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

ONCE Channel channel_from(const Norm *f, vec mean, vec variance, vec weight, vec bias) {
  const vec inverse = 1 / root_of(variance + f->eps);
  return (Channel){.mean = mean, .inverse = inverse, .scale = weight * inverse, .bias = bias};
}
INLINE Channel channel_of(const Norm *f, ptrdiff_t channel) {
  const float *s = f->stats + channel;
  return channel_from(f, broadcast(s[0]), broadcast(s[f->c]), broadcast(s[2 * f->c]), broadcast(s[3 * f->c]));
}

INLINE vec normalised(vec x, const Channel *k, const int relu) {
  const vec y = multiply_add(x - k->mean, k->scale, k->bias);
  return relu ? blend(y < 0, broadcast(0), y) : y;
}
// The gradient that relu let pass: where its result, computed as above, is above 0 or NaN.
INLINE vec passed(vec g, vec x, const Channel *k, const int relu) {
  return relu ? blend(normalised(x, k, 0) <= 0, broadcast(0), g) : g;
}
INLINE vec slope_of(vec g, vec x, const Channel *k, const int training) {
  return training ? ((g - k->shift) - (x - k->mean) * k->slope) * k->scale : g * k->scale;
}

// A channel: its elements of one sample lie side by side. Its sums are of up to two kinds, in parts that do not wait for each other.
typedef struct {
  vec part[2][4];
  double total[2];
  ptrdiff_t steps;
} Sums;

ONCE void sums_fold(Sums *s) {
  for (int k = 0; k < 2; k++) {
    s->total[k] += (double)sum_of((s->part[k][0] + s->part[k][1]) + (s->part[k][2] + s->part[k][3]));
    for (int v = 0; v < 4; v++) s->part[k][v] = (vec){0};
  }
  s->steps = 0;
}

enum { SUM_OF_X, SUM_OF_SQUARES, SUM_OF_GRADIENTS };

INLINE void sums_take(Sums *s, int v, vec x, vec g, const Channel *k, const int what, const int relu) {
  if (what == SUM_OF_X) {
    s->part[0][v] += x;
  } else if (what == SUM_OF_SQUARES) {
    s->part[0][v] = multiply_add(x - k->mean, x - k->mean, s->part[0][v]);
  } else {
    const vec here = passed(g, x, k, relu);
    s->part[0][v] += here;
    s->part[1][v] = multiply_add(here, x - k->mean, s->part[1][v]);
  }
}

// One sample's part of a channel. What is missing from its last vector counts nothing: it is the mean, and has no gradient.
ONCE void sums_run(Sums *s, const float *x, const float *g, ptrdiff_t n, const Channel *k, const int what, const int relu) {
  const int with_g = what == SUM_OF_GRADIENTS;
  const vec none = {0};
  for (; n >= 4 * LANES; n -= 4 * LANES, x += 4 * LANES, g += with_g ? 4 * LANES : 0) {
    UNROLL for (int v = 0; v < 4; v++)
      sums_take(s, v, CVEC(x + v * LANES), with_g ? CVEC(g + v * LANES) : none, k, what, relu);
    if (++s->steps >= NORM_STEPS) sums_fold(s);
  }
  UNROLL for (int v = 0; v < 3; v++) {
    if (n < LANES) break;
    sums_take(s, v, CVEC(x), with_g ? CVEC(g) : none, k, what, relu);
    n -= LANES, x += LANES, g += with_g ? LANES : 0;
  }
  if (n) sums_take(s, 3, blend(LANE_NUMBERS < (int32_t)n, load_some(x, n), k->mean), with_g ? load_some(g, n) : none, k, what, relu);
  if (++s->steps >= NORM_STEPS) sums_fold(s);
}

ONCE Sums sums_over(const Norm *f, ptrdiff_t channel, const Channel *k, const int what, const int relu) {
  Sums s = {0};
  const float *x = f->x + channel * f->l, *g = what == SUM_OF_GRADIENTS ? f->g + channel * f->l : x;
  for (ptrdiff_t i = 0, step = f->c * f->l; i < f->n; i++) sums_run(&s, x + i * step, g + i * step, f->l, k, what, relu);
  sums_fold(&s);
  return s;
}

static void measure_channel(const Norm *f, ptrdiff_t channel) {
  const double count = (double)f->n * (double)f->l;
  Channel k = {0};
  f->stats[channel] = (float)(sums_over(f, channel, &k, SUM_OF_X, 0).total[0] / count);
  k.mean = broadcast(f->stats[channel]);
  f->stats[f->c + channel] = (float)(sums_over(f, channel, &k, SUM_OF_SQUARES, 0).total[0] / count);
}

ONCE void normalise_channel(const Norm *f, ptrdiff_t channel, const int relu) {
  const Channel k = channel_of(f, channel);
  for (ptrdiff_t i = 0; i < f->n; i++) {
    const ptrdiff_t at = (i * f->c + channel) * f->l;
    const float *x = f->x + at;
    float *y = f->out + at;
    ptrdiff_t n = f->l;
    for (; n >= LANES; n -= LANES, x += LANES, y += LANES) VEC(y) = normalised(CVEC(x), &k, relu);
    if (n) store_some(y, normalised(load_some(x, n), &k, relu), n);
  }
}

ONCE void channel_back(const Norm *f, ptrdiff_t channel, const int relu, const int training) {
  Channel k = channel_of(f, channel);
  const Sums s = sums_over(f, channel, &k, SUM_OF_GRADIENTS, relu);
  const double count = (double)f->n * (double)f->l, inverse = (double)k.inverse[0];
  f->db[channel] = (float)s.total[0], f->dw[channel] = (float)(s.total[1] * inverse);
  k.shift = broadcast((float)(s.total[0] / count)), k.slope = broadcast((float)(s.total[1] / count * inverse * inverse));
  if (!f->out) return;
  for (ptrdiff_t i = 0; i < f->n; i++) {
    const ptrdiff_t at = (i * f->c + channel) * f->l;
    const float *x = f->x + at, *g = f->g + at;
    float *dx = f->out + at;
    ptrdiff_t n = f->l;
    for (; n >= LANES; n -= LANES, x += LANES, g += LANES, dx += LANES)
      VEC(dx) = slope_of(passed(CVEC(g), CVEC(x), &k, relu), CVEC(x), &k, training);
    if (n) {
      const vec part = load_some(x, n);
      store_some(dx, slope_of(passed(load_some(g, n), part, &k, relu), part, &k, training), n);
    }
  }
}

// A strip: lanes are channels, with one element a sample.
// Sums over the samples; of two kinds for gradients.
ONCE void strip_sums(const Norm *f, ptrdiff_t c0, ptrdiff_t width, const Channel *k, const int vectors, const int what, const int relu,
                       double total[2][NORM_STRIP * LANES]) {
  __builtin_memset(total, 0, 2 * sizeof total[0]);
  for (ptrdiff_t i0 = 0; i0 < f->n; i0 += NORM_STEPS) {
    vec sum[2][NORM_STRIP];
    UNROLL for (int v = 0; v < vectors; v++) sum[0][v] = sum[1][v] = (vec){0};
    for (ptrdiff_t i = i0, end = min(i0 + NORM_STEPS, f->n); i < end; i++) {
      UNROLL for (int v = 0; v < vectors; v++) {
        const ptrdiff_t at = i * f->c + c0 + v * LANES, left = width - v * LANES;
        const vec x = load_some(f->x + at, left), apart = x - k[v].mean;
        if (what == SUM_OF_X) {
          sum[0][v] += apart;
        } else if (what == SUM_OF_SQUARES) {
          sum[0][v] = multiply_add(apart, apart, sum[0][v]);
        } else {
          const vec here = passed(load_some(f->g + at, left), x, &k[v], relu);
          sum[0][v] += here;
          sum[1][v] = multiply_add(here, apart, sum[1][v]);
        }
      }
    }
    UNROLL for (int v = 0; v < vectors; v++)
      for (int j = 0; j < LANES; j++)
        total[0][v * LANES + j] += (double)sum[0][v][j], total[1][v * LANES + j] += (double)sum[1][v][j];
  }
}

INLINE void strip_channels(const Norm *f, ptrdiff_t c0, ptrdiff_t width, const int vectors, Channel *k) {
  UNROLL for (int v = 0; v < vectors; v++) {
    const float *s = f->stats + c0 + v * LANES;
    const ptrdiff_t left = width - v * LANES;
    k[v] = channel_from(f, load_some(s, left), load_some(s + f->c, left), load_some(s + 2 * f->c, left), load_some(s + 3 * f->c, left));
  }
}

ONCE void measure_strip(const Norm *f, ptrdiff_t c0, ptrdiff_t width, const int vectors) {
  double total[2][NORM_STRIP * LANES];
  Channel k[NORM_STRIP] = {0};
  strip_sums(f, c0, width, k, vectors, SUM_OF_X, 0, total);
  for (ptrdiff_t j = 0; j < width; j++) f->stats[c0 + j] = (float)(total[0][j] / (double)f->n);
  UNROLL for (int v = 0; v < vectors; v++) k[v].mean = load_some(f->stats + c0 + v * LANES, width - v * LANES);
  strip_sums(f, c0, width, k, vectors, SUM_OF_SQUARES, 0, total);
  for (ptrdiff_t j = 0; j < width; j++) f->stats[f->c + c0 + j] = (float)(total[0][j] / (double)f->n);
}

ONCE void normalise_strip(const Norm *f, ptrdiff_t c0, ptrdiff_t width, const int vectors, const int relu) {
  if (f->training) measure_strip(f, c0, width, vectors);
  Channel k[NORM_STRIP];
  strip_channels(f, c0, width, vectors, k);
  for (ptrdiff_t i = 0; i < f->n; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const ptrdiff_t at = i * f->c + c0 + v * LANES, left = width - v * LANES;
      store_some(f->out + at, normalised(load_some(f->x + at, left), &k[v], relu), left);
    }
  }
}

ONCE void strip_back(const Norm *f, ptrdiff_t c0, ptrdiff_t width, const int vectors, const int relu, const int training) {
  double total[2][NORM_STRIP * LANES];
  Channel k[NORM_STRIP];
  strip_channels(f, c0, width, vectors, k);
  strip_sums(f, c0, width, k, vectors, SUM_OF_GRADIENTS, relu, total);
  for (ptrdiff_t j = 0; j < width; j++) {
    const double inverse = (double)k[j / LANES].inverse[j % LANES];
    f->db[c0 + j] = (float)total[0][j], f->dw[c0 + j] = (float)(total[1][j] * inverse);
    k[j / LANES].shift[j % LANES] = (float)(total[0][j] / (double)f->n);
    k[j / LANES].slope[j % LANES] = (float)(total[1][j] / (double)f->n * inverse * inverse);
  }
  if (!f->out) return;
  for (ptrdiff_t i = 0; i < f->n; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const ptrdiff_t at = i * f->c + c0 + v * LANES, left = width - v * LANES;
      const vec x = load_some(f->x + at, left), g = passed(load_some(f->g + at, left), x, &k[v], relu);
      store_some(f->out + at, slope_of(g, x, &k[v], training), left);
    }
  }
}

// A part: some channels, or a strip.
static int norm_by_strips(const Norm *f) { return f->l == 1 && f->c > 1; }
static ptrdiff_t norm_parts(const Norm *f) { return ceil_div(f->c, norm_by_strips(f) ? NORM_STRIP * LANES : f->group); }

static void norm_part(void *job, ptrdiff_t part) {
  const Norm *f = job;
  if (norm_by_strips(f)) {
    const ptrdiff_t c0 = part * NORM_STRIP * LANES, width = min(NORM_STRIP * LANES, f->c - c0);
    if (NORM_STRIP > 1 && width == NORM_STRIP * LANES) return normalise_strip(f, c0, width, NORM_STRIP, f->relu);
    for (ptrdiff_t c = 0; c < width; c += LANES) normalise_strip(f, c0 + c, min(LANES, width - c), 1, f->relu);
    return;
  }
  for (ptrdiff_t channel = part * f->group, end = min(channel + f->group, f->c); channel < end; channel++) {
    if (f->training) measure_channel(f, channel);
    if (f->relu) normalise_channel(f, channel, 1);
    else normalise_channel(f, channel, 0);
  }
}

static void norm_back_part(void *job, ptrdiff_t part) {
  const Norm *f = job;
  if (norm_by_strips(f)) {
    const ptrdiff_t c0 = part * NORM_STRIP * LANES, width = min(NORM_STRIP * LANES, f->c - c0);
    if (NORM_STRIP > 1 && width == NORM_STRIP * LANES) return strip_back(f, c0, width, NORM_STRIP, f->relu, f->training);
    for (ptrdiff_t c = 0; c < width; c += LANES) strip_back(f, c0 + c, min(LANES, width - c), 1, f->relu, f->training);
    return;
  }
  for (ptrdiff_t channel = part * f->group, end = min(channel + f->group, f->c); channel < end; channel++) {
    if (!f->training) channel_back(f, channel, f->relu, 0);
    else if (f->relu) channel_back(f, channel, 1, 1);
    else channel_back(f, channel, 0, 1);
  }
}

int32_t gradus_batch_norm(const int32_t *d, const float *x, float *stats, float *y) {
  Norm f;
  if (!norm_open(d, &f)) return GRADUS_OUT_OF_BOUNDS;
  f.x = x, f.stats = stats, f.out = y;
  parallel(norm_parts(&f), norm_part, &f);
  return GRADUS_OK;
}

int32_t gradus_batch_norm_backward(const int32_t *d, const float *g, const float *x, const float *stats, float *dx, float *dw, float *db) {
  Norm f;
  if (!norm_open(d, &f) || d[NORM_CHANNELS_LENGTH] < f.c) return GRADUS_OUT_OF_BOUNDS;
  f.g = g, f.x = x, f.stats = (float *)stats, f.out = d[NORM_HAS_DX] ? dx : NULL, f.dw = dw, f.db = db;
  parallel(norm_parts(&f), norm_back_part, &f);
  return GRADUS_OK;
}
