// The way back through an activation: out = g ⊙ op′, written through y = op(x), and the sum of its rows for the bias.
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

static void gate_run(int op, ptrdiff_t n, const float *g, const float *y, float *out) {
  switch (op) {
    case ACTIVATION_NONE: __builtin_memmove(out, g, (size_t)n * sizeof(float)); return;
    case ACTIVATION_RELU: EACH(pick(b <= 0, all(0), a));
    case ACTIVATION_SIGMOID: EACH(a * (b * (1 - b)));
    case ACTIVATION_TANH: EACH(a * (1 - b * b));
  }
}
#undef EACH

int32_t gradus_gate(const int32_t *d, const float *g, const float *y, float *out, float *db) {
  const int64_t rows = d[GATE_ROWS], cols = d[GATE_COLS], size = rows * cols;
  const int has_out = d[GATE_HAS_OUT], has_db = d[GATE_HAS_DB], op = d[GATE_OP];
  const int fits = size <= d[GATE_G_LENGTH] && (op == ACTIVATION_NONE || size <= d[GATE_Y_LENGTH]) &&
                   (!has_out || size <= d[GATE_OUT_LENGTH]) && (!has_db || cols <= d[GATE_DB_LENGTH]);
  if (rows < 0 || cols < 0 || op < ACTIVATION_NONE || op > ACTIVATION_TANH || !fits) return GRADUS_OUT_OF_BOUNDS;
  if (op != ACTIVATION_NONE && !has_out) return GRADUS_OUT_OF_BOUNDS;
  if (has_out) gate_run(op, (ptrdiff_t)size, g, y, out);
  if (has_db) column_sums(has_out ? out : g, (ptrdiff_t)rows, (ptrdiff_t)cols, (ptrdiff_t)cols, db);
  return GRADUS_OK;
}
