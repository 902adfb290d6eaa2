// Attention of [batch, heads, rows, width], forward and back. Weights are never laid out but for a block of rows and columns: forward keeps
// the maximum and the sum of each row while blocks of columns pass, and the logarithm of its sum of exponentials for the way back, which
// computes the blocks again.
#include "gemm/gemm.h"
#include "vector.h"

#if defined(__wasm__) // whose stack is small
#define BLOCK_ROWS 32
#define BLOCK_COLS 64
#else
#define BLOCK_ROWS 64
#define BLOCK_COLS 128
#endif

// Elements [b, h, i, j]; `j` runs over neighbours in all but the mask.
typedef struct {
  float *data;
  ptrdiff_t batch, head, row, col;
} Heads;

typedef struct {
  ptrdiff_t batch, heads, rows, cols, width, values;
  int causal, add, failed; // failed: no memory was left for the workspace of a thread
  ptrdiff_t shift;         // row i sees columns up to i + shift
  float scale;
  Heads q, k, v, mask, y, g, dq, dk, dv; // mask.data is NULL where there is none
  float *lse, *keep;                     // keep: factors of the weights, dense, or NULL
} Attention;

static ptrdiff_t clamp_to(ptrdiff_t x, ptrdiff_t most) { return x < 0 ? 0 : x > most ? most : x; }

static int heads_open(Heads *x, const int32_t *d, int operand, const float *data, const ptrdiff_t *sizes) {
  const int32_t *at = d + ATTEND_OPERANDS + operand * ATTEND_OPERAND_LENGTH;
  *x = (Heads){(float *)data + at[0], at[1], at[2], at[3], at[4]};
  int64_t low = at[0], high = at[0];
  for (int i = 0; i < 4; i++) {
    if (sizes[i] == 0) return 1;
    const int64_t reach = (int64_t)(sizes[i] - 1) * at[1 + i];
    if (reach < 0) low += reach;
    else high += reach;
  }
  return low >= 0 && high < at[5] && (operand == ATTEND_MASK || at[4] == 1);
}

static int attend_open(const int32_t *d, Attention *f, const float *q, const float *k, const float *v, const float *mask, float *y, float *aux) {
  for (int i = ATTEND_BATCH; i <= ATTEND_VALUES; i++)
    if (d[i] < 0) return 0;
  const ptrdiff_t b = d[ATTEND_BATCH], h = d[ATTEND_HEADS], rows = d[ATTEND_ROWS], cols = d[ATTEND_COLS];
  const ptrdiff_t e = d[ATTEND_WIDTH], n = d[ATTEND_VALUES];
  *f = (Attention){.batch = b, .heads = h, .rows = rows, .cols = cols, .width = e, .values = n};
  f->causal = d[ATTEND_CAUSAL], f->shift = d[ATTEND_SHIFT] < -rows ? -rows : min(d[ATTEND_SHIFT], cols), f->add = d[ATTEND_ADD];
  __builtin_memcpy(&f->scale, d + ATTEND_SCALE, sizeof f->scale);
  const int64_t planes = (int64_t)b * h, all = planes > INT32_MAX ? -1 : planes * rows;
  if (all < 0 || all > INT32_MAX || all > d[ATTEND_AUX_LENGTH]) return 0;
  if (d[ATTEND_HAS_KEEP] && (cols > 0 && all > (d[ATTEND_AUX_LENGTH] - all) / cols)) return 0;
  f->lse = aux, f->keep = d[ATTEND_HAS_KEEP] ? aux + all : NULL;
  const ptrdiff_t wide[] = {b, h, rows, e}, keys[] = {b, h, cols, e}, values[] = {b, h, cols, n}, out[] = {b, h, rows, n}, seen[] = {b, h, rows, cols};
  if (d[ATTEND_HAS_MASK] && !heads_open(&f->mask, d, ATTEND_MASK, mask, seen)) return 0;
  if (!d[ATTEND_HAS_MASK]) f->mask.data = NULL;
  return heads_open(&f->q, d, ATTEND_Q, q, wide) && heads_open(&f->k, d, ATTEND_K, k, keys) && heads_open(&f->v, d, ATTEND_V, v, values) &&
         heads_open(&f->y, d, ATTEND_Y, y, out);
}

INLINE float *row_of(const Heads *x, ptrdiff_t b, ptrdiff_t h, ptrdiff_t i) { return x->data + b * x->batch + h * x->head + i * x->row; }

// The rows of x along k, or its columns.
INLINE Operand down(const float *x, ptrdiff_t rs) { return (Operand){x, rs, 1}; }
INLINE Operand across(const float *x, ptrdiff_t rs) { return (Operand){x, 1, rs}; }

static void product_of(ptrdiff_t m, ptrdiff_t k, ptrdiff_t n, Operand a, Operand b, float *c, ptrdiff_t rs, int add, Workspace w) {
  const Product x = {m, k, n, a, b, {c, rs, 1}, {NULL, 0, 0}, add, ACTIVATION_NONE};
  if (m && n) multiply_product(&x, w);
}

INLINE float exp_of(float x) { return exp_vec(broadcast(x))[0]; }
INLINE ptrdiff_t whole_vectors(ptrdiff_t n) { return ceil_div(n, LANES) * LANES; }

// Scales a row of products and adds the mask; what is not seen becomes −∞ up to the end of a vector. The result is the largest.
static float scaled_row(const Attention *f, float *s, ptrdiff_t b, ptrdiff_t h, ptrdiff_t i, ptrdiff_t j0, ptrdiff_t seen) {
  const ptrdiff_t end = whole_vectors(seen);
  for (ptrdiff_t j = seen; j < end; j++) s[j] = -__builtin_inff();
  vec top = broadcast(-__builtin_inff());
  if (f->mask.data) {
    const float *mask = row_of(&f->mask, b, h, i) + j0 * f->mask.col;
    for (ptrdiff_t j = 0; j < seen; j++) s[j] = s[j] * f->scale + mask[j * f->mask.col];
    for (ptrdiff_t j = 0; j < end; j += LANES) top = blend(CVEC(s + j) > top, CVEC(s + j), top);
    return max_of(top);
  }
  for (ptrdiff_t j = 0; j < end; j += LANES) {
    const vec x = CVEC(s + j) * f->scale;
    VEC(s + j) = x, top = blend(x > top, x, top);
  }
  return max_of(top);
}

// What becomes of the scores of a row: e^(s − top), and zeros up to n. The result is the sum.
static float exponentials(float *s, ptrdiff_t seen, ptrdiff_t n, float top) {
  vec sum = broadcast(0);
  ptrdiff_t j = 0;
  for (; j < seen; j += LANES) {
    const vec x = exp_vec(CVEC(s + j) - top);
    VEC(s + j) = x, sum += x;
  }
  for (; j < n; j++) s[j] = 0;
  return sum_of(sum);
}

INLINE void scale_run(float *x, ptrdiff_t n, float by) {
  for (ptrdiff_t j = 0; j < n; j++) x[j] *= by;
}

static float dot_run(const float *x, const float *y, ptrdiff_t n) {
  vec sum = broadcast(0);
  ptrdiff_t j = 0;
  for (; j + LANES <= n; j += LANES) sum = multiply_add(CVEC(x + j), CVEC(y + j), sum);
  if (j < n) sum = multiply_add(load_partial(x + j, n - j, 0), load_partial(y + j, n - j, 0), sum);
  return sum_of(sum);
}

INLINE const float *keep_of(const Attention *f, ptrdiff_t plane, ptrdiff_t i, ptrdiff_t j0) {
  return f->keep ? f->keep + (plane * f->rows + i) * f->cols + j0 : NULL;
}

// How many columns some row before `end` sees, and how many of those from j0 on row i does.
INLINE ptrdiff_t seen_before(const Attention *f, ptrdiff_t end) { return f->causal ? clamp_to(end + f->shift, f->cols) : f->cols; }
INLINE ptrdiff_t seen_of(const Attention *f, ptrdiff_t i, ptrdiff_t j0, ptrdiff_t n) {
  return f->causal ? clamp_to(i + f->shift + 1 - j0, n) : n;
}

static ptrdiff_t attend_blocks(const Attention *f) { return ceil_div(f->rows, BLOCK_ROWS); }

static void attend_part(void *job, ptrdiff_t part) {
  Attention *f = job;
  const Workspace w = workspace();
  if (!w.a) {
    __atomic_store_n(&f->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  const ptrdiff_t blocks = attend_blocks(f), plane = part / blocks, b = plane / f->heads, h = plane % f->heads;
  const ptrdiff_t i0 = part % blocks * BLOCK_ROWS, m = min(BLOCK_ROWS, f->rows - i0), cols = seen_before(f, i0 + m);
  float s[BLOCK_ROWS * BLOCK_COLS], top[BLOCK_ROWS], sum[BLOCK_ROWS];
  float *y = row_of(&f->y, b, h, i0);
  for (ptrdiff_t i = 0; i < m; i++) top[i] = -__builtin_inff(), sum[i] = 0;
  for (ptrdiff_t j0 = 0; j0 < cols; j0 += BLOCK_COLS) {
    const ptrdiff_t n = min(BLOCK_COLS, cols - j0);
    product_of(m, f->width, n, down(row_of(&f->q, b, h, i0), f->q.row), down(row_of(&f->k, b, h, j0), f->k.row), s, BLOCK_COLS, 0, w);
    for (ptrdiff_t i = 0; i < m; i++) {
      float *row = s + i * BLOCK_COLS;
      const ptrdiff_t seen = seen_of(f, i0 + i, j0, n);
      const float found = scaled_row(f, row, b, h, i0 + i, j0, seen), most = found > top[i] ? found : top[i];
      const float base = most == -__builtin_inff() ? 0 : most, fade = j0 ? exp_of(top[i] - base) : 0;
      sum[i] = sum[i] * fade + exponentials(row, seen, n, base), top[i] = most;
      if (j0 && fade != 1) scale_run(y + i * f->y.row, f->values, fade);
      const float *keep = keep_of(f, plane, i0 + i, j0);
      if (keep)
        for (ptrdiff_t j = 0; j < n; j++) row[j] *= keep[j];
    }
    product_of(m, n, f->values, down(s, BLOCK_COLS), across(row_of(&f->v, b, h, j0), f->v.row), y, f->y.row, j0 > 0, w);
  }
  for (ptrdiff_t i = 0; i < m; i++) {
    float *row = y + i * f->y.row, *lse = f->lse + plane * f->rows + i0 + i;
    if (sum[i] == 0) { // nothing was seen: with ∞ for the logarithm all weights are 0 on the way back
      for (ptrdiff_t j = 0; j < f->values; j++) row[j] = 0;
      *lse = __builtin_inff();
    } else {
      scale_run(row, f->values, 1 / sum[i]);
      *lse = top[i] + log_vec(broadcast(sum[i]))[0];
    }
  }
}

// The weights of a row and the gradients of its scores, where dp has those of its weights: both are zeros where nothing is seen.
static void row_back(const Attention *f, float *p, float *dp, const float *keep, ptrdiff_t seen, ptrdiff_t n, float delta) {
  const ptrdiff_t end = whole_vectors(seen);
  for (ptrdiff_t j = seen; j < end; j++) dp[j] = 0; // its weight is 0, and what stood there may be anything
  if (keep)
    for (ptrdiff_t j = 0; j < seen; j++) dp[j] *= keep[j];
  for (ptrdiff_t j = 0; j < end; j += LANES) VEC(dp + j) = CVEC(p + j) * (CVEC(dp + j) - delta) * f->scale;
  for (ptrdiff_t j = seen; j < n; j++) p[j] = dp[j] = 0;
  if (keep)
    for (ptrdiff_t j = 0; j < seen; j++) p[j] *= keep[j];
}

static void zero_rows(const Heads *x, ptrdiff_t b, ptrdiff_t h, ptrdiff_t rows, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < n; j++) row_of(x, b, h, i)[j] = 0;
}

static void attend_back_part(void *job, ptrdiff_t plane) {
  Attention *f = job;
  const Workspace w = workspace();
  if (!w.a) {
    __atomic_store_n(&f->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  const ptrdiff_t b = plane / f->heads, h = plane % f->heads;
  float p[BLOCK_ROWS * BLOCK_COLS], dp[BLOCK_ROWS * BLOCK_COLS], delta[BLOCK_ROWS];
  zero_rows(&f->dq, b, h, f->rows, f->width);
  if (!f->add) zero_rows(&f->dk, b, h, f->cols, f->width), zero_rows(&f->dv, b, h, f->cols, f->values);
  for (ptrdiff_t i0 = 0; i0 < f->rows; i0 += BLOCK_ROWS) {
    const ptrdiff_t m = min(BLOCK_ROWS, f->rows - i0), cols = seen_before(f, i0 + m);
    const float *q = row_of(&f->q, b, h, i0), *g = row_of(&f->g, b, h, i0), *lse = f->lse + plane * f->rows + i0;
    for (ptrdiff_t i = 0; i < m; i++) {
      const float *y = row_of(&f->y, b, h, i0 + i), *from = g + i * f->g.row;
      delta[i] = dot_run(from, y, f->values);
    }
    for (ptrdiff_t j0 = 0; j0 < cols; j0 += BLOCK_COLS) {
      const ptrdiff_t n = min(BLOCK_COLS, cols - j0);
      const float *k = row_of(&f->k, b, h, j0), *v = row_of(&f->v, b, h, j0);
      product_of(m, f->width, n, down(q, f->q.row), down(k, f->k.row), p, BLOCK_COLS, 0, w);
      product_of(m, f->values, n, down(g, f->g.row), down(v, f->v.row), dp, BLOCK_COLS, 0, w);
      for (ptrdiff_t i = 0; i < m; i++) {
        float *row = p + i * BLOCK_COLS;
        const ptrdiff_t seen = seen_of(f, i0 + i, j0, n);
        scaled_row(f, row, b, h, i0 + i, j0, seen);
        exponentials(row, seen, n, lse[i]);
        row_back(f, row, dp + i * BLOCK_COLS, keep_of(f, plane, i0 + i, j0), seen, n, delta[i]);
      }
      product_of(n, m, f->values, across(p, BLOCK_COLS), across(g, f->g.row), row_of(&f->dv, b, h, j0), f->dv.row, 1, w);
      product_of(m, n, f->width, down(dp, BLOCK_COLS), across(k, f->k.row), row_of(&f->dq, b, h, i0), f->dq.row, 1, w);
      product_of(n, m, f->width, across(dp, BLOCK_COLS), across(q, f->q.row), row_of(&f->dk, b, h, j0), f->dk.row, 1, w);
    }
  }
}

// A part whose thread has no memory leaves it to this one, which has its own, and all is done again: but what adds up is a single part.
static int32_t attend_run(Attention *f, ptrdiff_t parts, Part *run) {
  if (parts == 0) return GRADUS_OK;
  if (!workspace().a) return GRADUS_OUT_OF_MEMORY;
  parallel(parts, run, f);
  if (f->failed)
    for (ptrdiff_t part = 0; part < parts; part++) run(f, part);
  return GRADUS_OK;
}

int32_t gradus_attention(const int32_t *d, const float *q, const float *k, const float *v, const float *mask, float *aux, float *y) {
  Attention f;
  if (!attend_open(d, &f, q, k, v, mask, y, aux)) return GRADUS_OUT_OF_BOUNDS;
  return attend_run(&f, f.batch * f.heads * attend_blocks(&f), attend_part);
}

int32_t gradus_attention_backward(const int32_t *d, const float *q, const float *k, const float *v, const float *mask, const float *aux, const float *y, const float *g, float *out) {
  Attention f;
  if (!attend_open(d, &f, q, k, v, mask, (float *)y, (float *)aux)) return GRADUS_OUT_OF_BOUNDS;
  const ptrdiff_t wide[] = {f.batch, f.heads, f.rows, f.width}, keys[] = {f.batch, f.heads, f.cols, f.width};
  const ptrdiff_t values[] = {f.batch, f.heads, f.cols, f.values}, upper[] = {f.batch, f.heads, f.rows, f.values};
  if (!heads_open(&f.g, d, ATTEND_G, g, upper) || !heads_open(&f.dq, d, ATTEND_DQ, out, wide) || !heads_open(&f.dk, d, ATTEND_DK, out, keys) ||
      !heads_open(&f.dv, d, ATTEND_DV, out, values) || (f.add && f.batch * f.heads > 1))
    return GRADUS_OUT_OF_BOUNDS;
  return attend_run(&f, f.batch * f.heads, attend_back_part);
}
