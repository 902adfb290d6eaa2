// One step of an optimiser over all its parameters. The formulas are PyTorch's, in its order; they are listed in backend.ts.
#include "vector.h"

typedef struct {
  float lr, momentum, fresh, decay, sign; // `fresh` is 1 − dampening; `sign` is −1 to maximise
  int nesterov, first;
} Sgd;

typedef struct {
  float step, keep, beta1, rest1, beta2, rest2, root, eps, decay, sign; // `keep` is what decoupled decay leaves of p
} Adam;

typedef struct {
  float *p;
  const float *g;
  float *m, *v;
  ptrdiff_t n;
} Slot;

INLINE vec sgd_vec(Sgd s, vec p, vec g, vec *b) {
  g = g * s.sign;
  if (s.decay != 0) g += p * s.decay;
  if (s.momentum != 0) {
    if (s.first) *b = g;
    else *b = *b * s.momentum + g * s.fresh;
    if (s.nesterov) g += *b * s.momentum;
    else g = *b;
  }
  return p - g * s.lr;
}

static void sgd(Sgd s, Slot x) {
  vec none = {0};
  ptrdiff_t i = 0;
  if (s.momentum == 0) {
    for (; i + LANES <= x.n; i += LANES) VEC(x.p + i) = sgd_vec(s, CVEC(x.p + i), CVEC(x.g + i), &none);
  } else {
    for (; i + LANES <= x.n; i += LANES) {
      vec b = CVEC(x.m + i);
      VEC(x.p + i) = sgd_vec(s, CVEC(x.p + i), CVEC(x.g + i), &b);
      VEC(x.m + i) = b;
    }
  }
  const ptrdiff_t left = x.n - i;
  if (left == 0) return;
  vec b = s.momentum != 0 ? load_partial(x.m + i, left, 0) : none;
  store_partial(x.p + i, sgd_vec(s, load_partial(x.p + i, left, 0), load_partial(x.g + i, left, 0), &b), left);
  if (s.momentum != 0) store_partial(x.m + i, b, left);
}

INLINE vec adam_vec(Adam a, vec p, vec g, vec *m, vec *v) {
  g = g * a.sign;
  if (a.decay != 0) g += p * a.decay;
  *m = *m * a.beta1 + g * a.rest1;
  *v = *v * a.beta2 + g * a.rest2 * g; // in this order: g * g may overflow
  return p * a.keep - *m / (sqrt_vec(*v) * a.root + a.eps) * a.step;
}

static void adam(Adam a, Slot x) {
  ptrdiff_t i = 0;
  for (; i + LANES <= x.n; i += LANES) {
    vec m = CVEC(x.m + i), v = CVEC(x.v + i);
    VEC(x.p + i) = adam_vec(a, CVEC(x.p + i), CVEC(x.g + i), &m, &v);
    VEC(x.m + i) = m, VEC(x.v + i) = v;
  }
  const ptrdiff_t left = x.n - i;
  if (left == 0) return;
  vec m = load_partial(x.m + i, left, 0), v = load_partial(x.v + i, left, 0);
  store_partial(x.p + i, adam_vec(a, load_partial(x.p + i, left, 0), load_partial(x.g + i, left, 0), &m, &v), left);
  store_partial(x.m + i, m, left), store_partial(x.v + i, v, left);
}

// βᵗ for a whole t, by squaring.
static double power(double x, double t) {
  double y = 1;
  for (uint64_t n = (uint64_t)t; n; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

static Sgd sgd_settings(const double *s) {
  Sgd x = {(float)s[UPDATE_LR], (float)s[UPDATE_MOMENTUM], (float)(1 - s[UPDATE_DAMPENING]), (float)s[UPDATE_WEIGHT_DECAY],
           s[UPDATE_MAXIMIZE] != 0 ? -1 : 1, s[UPDATE_NESTEROV] != 0, s[UPDATE_STEP] == 1};
  return x;
}

static Adam adam_settings(const double *s) {
  const double b1 = s[UPDATE_BETA1], b2 = s[UPDATE_BETA2], t = s[UPDATE_STEP], lr = s[UPDATE_LR], decay = s[UPDATE_WEIGHT_DECAY];
  const int apart = s[UPDATE_DECOUPLED] != 0;
  Adam x = {(float)(lr / (1 - power(b1, t))), apart ? (float)(1 - lr * decay) : 1, (float)b1, (float)(1 - b1), (float)b2,
            (float)(1 - b2), (float)(1 / __builtin_sqrt(1 - power(b2, t))), (float)s[UPDATE_EPS], apart ? 0 : (float)decay,
            s[UPDATE_MAXIMIZE] != 0 ? -1 : 1};
  return x;
}

// Each slot: addresses of p, g, m, v, then their lengths; a missing one has length 0.
static int slot(const int64_t *entry, int needed, Slot *x) {
  const int64_t n = entry[4];
  for (int i = 0; i < needed; i++)
    if ((n && !entry[i]) || entry[4 + i] != n) return 0; // an empty array may have no address
  *x = (Slot){(float *)(intptr_t)entry[0], (const float *)(intptr_t)entry[1], (float *)(intptr_t)entry[2],
              (float *)(intptr_t)entry[3], (ptrdiff_t)n};
  return n >= 0;
}

int32_t gradus_update(int32_t kind, const double *settings, const int64_t *table, int32_t count) {
  const int needed = kind == UPDATE_ADAM ? 4 : settings[UPDATE_MOMENTUM] != 0 ? 3 : 2;
  if ((kind != UPDATE_SGD && kind != UPDATE_ADAM) || !(settings[UPDATE_STEP] >= 1)) return GRADUS_OUT_OF_BOUNDS;
  Slot x;
  for (int32_t i = 0; i < count; i++)
    if (!slot(table + i * UPDATE_SLOT_LENGTH, needed, &x)) return GRADUS_OUT_OF_BOUNDS;
  for (int32_t i = 0; i < count; i++) {
    slot(table + i * UPDATE_SLOT_LENGTH, needed, &x);
    if (kind == UPDATE_SGD) sgd(sgd_settings(settings), x);
    else adam(adam_settings(settings), x);
  }
  return GRADUS_OK;
}
