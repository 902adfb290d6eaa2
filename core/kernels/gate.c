// The way back through an activation: out = g ⊙ op′, written through y = op(x) or through x, and the sum of its rows for the bias.
#include "vector.h"

#define EACH(RESULT) \
  for (; n >= LANES; n -= LANES, g += LANES, y += LANES, out += LANES) { \
    const vec a = CVEC(g), b = CVEC(y); \
    VEC(out) = RESULT; \
  } \
  if (n) { \
    const vec a = take(g, n, 0), b = take(y, n, 0); \
    put(out, RESULT, n); \
  } \
  return

typedef struct {
  int op;
  ptrdiff_t size;
  const float *g, *y;
  float *out, low, high;
} Gate;

static void gate_run(const Gate *f, ptrdiff_t n, const float *g, const float *y, float *out) {
  switch (f->op) {
    case ACTIVATION_NONE: __builtin_memmove(out, g, (size_t)n * sizeof(float)); return;
#if !defined(__wasm__) // what JavaScript does as fast is left to it
    case ACTIVATION_RELU: EACH(pick(b <= 0, all(0), a));
    case ACTIVATION_SIGMOID: EACH(a * (b * (1 - b)));
    case ACTIVATION_TANH: EACH(a * (1 - b * b));
    case SLOPE_CLAMP: EACH(clamp_back(a, b, f->low, f->high));
    case SLOPE_HARDTANH: EACH(hardtanh_back(a, b, f->low, f->high));
    case SLOPE_LEAKY_RELU: EACH(leaky_relu_back(a, b, f->low));
#endif
    case SLOPE_ELU: EACH(elu_back(a, b, f->low, f->high));
    case SLOPE_GELU: EACH(gelu_back(a, b));
    case SLOPE_GELU_TANH: EACH(gelu_tanh_back(a, b));
    case SLOPE_SILU: EACH(silu_back(a, b));
    case SLOPE_MISH: EACH(mish_back(a, b));
    case SLOPE_SOFTPLUS: EACH(softplus_back(a, b, f->low, f->high));
  }
}
#undef EACH

static void gate_part(void *job, ptrdiff_t part) {
  const Gate *f = job;
  const ptrdiff_t from = part * RUN_PART;
  gate_run(f, smaller(RUN_PART, f->size - from), f->g + from, f->y + from, f->out + from);
}

int32_t gradus_gate(const int32_t *d, const float *g, const float *y, float *out, float *db) {
  const int64_t rows = d[GATE_ROWS], cols = d[GATE_COLS], size = rows * cols;
  const int has_out = d[GATE_HAS_OUT], has_db = d[GATE_HAS_DB], op = d[GATE_OP];
  const int fits = size <= d[GATE_G_LENGTH] && (op == ACTIVATION_NONE || size <= d[GATE_Y_LENGTH]) &&
                   (!has_out || size <= d[GATE_OUT_LENGTH]) && (!has_db || cols <= d[GATE_DB_LENGTH]);
  if (rows < 0 || cols < 0 || op < ACTIVATION_NONE || op >= SLOPE_COUNT || !fits) return GRADUS_OUT_OF_BOUNDS;
  if (op != ACTIVATION_NONE && !has_out) return GRADUS_OUT_OF_BOUNDS;
#if defined(__wasm__) // where the sums are left to JavaScript
  if (has_db) return GRADUS_OUT_OF_BOUNDS;
#endif
  Gate f = {.op = op, .size = (ptrdiff_t)size, .g = g, .y = op == ACTIVATION_NONE ? g : y, .out = out};
  __builtin_memcpy(&f.low, d + GATE_LOW, sizeof f.low);
  __builtin_memcpy(&f.high, d + GATE_HIGH, sizeof f.high);
  if (has_out) parallel(pieces(f.size, RUN_PART), gate_part, &f);
#if !defined(__wasm__)
  if (has_db) column_sums(has_out ? out : g, (ptrdiff_t)rows, (ptrdiff_t)cols, (ptrdiff_t)cols, db);
#endif
  return GRADUS_OK;
}
