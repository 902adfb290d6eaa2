// Replays many poolings, resamplings and batch normalisations without Deno, over buffers exactly as long as their descriptors say: the
// same bits for every number of threads, nothing out of bounds, and descriptors refused that lie. Results are judged in TypeScript, but
// for the gradients of maxima, which are counted here.
#include "harness.h"
#include "kernels.h"

enum { MOST_PLACES = 40 };

// Windows of some kind along one dimension, clipped to it.
static int windows(int32_t *table, int size, int32_t *step) {
  const int pairs = below(3) == 0, kernel = pairs ? 2 : 1 + below(4), stride = pairs ? 2 : 1 + below(5), padding = pairs ? 0 : below(kernel / 2 + 1);
  const int dilation = pairs || below(3) ? 1 : 2, number = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  const int count = size + 2 * padding < dilation * (kernel - 1) + 1 ? 0 : number > MOST_PLACES ? MOST_PLACES : number;
  for (int i = 0; i < count; i++) {
    int first = i * stride - padding, end = first + dilation * (kernel - 1) + 1;
    table[2 * count + i] = kernel;
    while (first < 0) first += dilation;
    table[i] = first, table[count + i] = end > size ? size : end;
  }
  *step = dilation;
  return count;
}

static void *copied(const void *from, size_t bytes) {
  void *to = malloc(bytes + !bytes);
  memcpy(to, from, bytes);
  return to;
}

static void *block(int elements) { return malloc((size_t)elements * 4 + !elements); }

static void one_pool(int large) {
  int32_t table[POOL_TABLES + 6 * MOST_PLACES] = {0};
  const int planes = below(large ? 200 : 9), h = 1 + below(large ? 40 : 20), w = 1 + below(large ? 80 : 40);
  table[POOL_OP] = below(2), table[POOL_PLANES] = planes, table[POOL_H] = h, table[POOL_W] = w, table[POOL_DIVISOR] = below(3);
  const int rows = windows(table + POOL_TABLES, h, table + POOL_ROW_STEP), cols = windows(table + POOL_TABLES + 3 * rows, w, table + POOL_COL_STEP);
  const int size = planes * h * w, results = planes * rows * cols, most = table[POOL_OP] == POOL_MAX;
  table[POOL_ROWS] = rows, table[POOL_COLS] = cols, table[POOL_X_LENGTH] = size, table[POOL_OUT_LENGTH] = results;
  table[POOL_AT_LENGTH] = results, table[POOL_HAS_AT] = most, table[POOL_LENGTH] = POOL_TABLES + 3 * (rows + cols);
  int32_t *d = copied(table, (size_t)table[POOL_LENGTH] * 4);
  float *x = floats(size), *g = floats(results), *out = block(results), *dx = block(size), *first = block(results), *first_dx = block(size);
  int32_t *at = block(results);
  for (int threads = 1; threads <= 3; threads++) {
    gradus_threads(threads, 0);
    if (gradus_pool(d, x, out, at) != GRADUS_OK || gradus_pool_backward(d, g, at, dx) != GRADUS_OK) fail("pool refused");
    if (threads > 1 && (memcmp(first, out, (size_t)results * 4) || memcmp(first_dx, dx, (size_t)size * 4))) fail("pool: other bits with threads");
    memcpy(first, out, (size_t)results * 4), memcpy(first_dx, dx, (size_t)size * 4);
  }
  if (most && results) {
    for (int i = 0; i < results; i++) g[i] = 1;
    double sum = 0;
    int found = 0;
    if (gradus_pool_backward(d, g, at, dx) != GRADUS_OK) fail("pool refused");
    for (int i = 0; i < size; i++) sum += (double)dx[i];
    for (int i = 0; i < results; i++) found += at[i] >= 0;
    if (sum != found) fail("a gradient was lost");
    at[below(results)] = below(2) ? h * w : -2;
    if (gradus_pool_backward(d, g, at, dx) != GRADUS_BAD_INDEX) fail("a place outside accepted");
    at[0] = h * w - 1; // of another window: it goes there all the same
    for (int i = 1; i < results; i++) at[i] = -1;
    if (gradus_pool_backward(d, g, at, dx) != GRADUS_OK || dx[h * w - 1] != 1) fail("a place of one's own was lost");
  }
  const int which = (const int[]){POOL_X_LENGTH, POOL_OUT_LENGTH, POOL_LENGTH, POOL_ROWS}[below(4)];
  const int was = d[which];
  d[which] = which == POOL_ROWS ? -1 : was - 1;
  if ((was > 0 || which == POOL_ROWS) && gradus_pool(d, x, out, at) != GRADUS_OUT_OF_BOUNDS) fail("short pool accepted");
  d[which] = was;
  if (rows && d[POOL_TABLES] < d[POOL_TABLES + rows]) {
    d[POOL_TABLES + rows] = h + 1;
    if (gradus_pool(d, x, out, at) != GRADUS_OUT_OF_BOUNDS) fail("a window outside accepted");
  }
  free(d), free(x), free(g), free(out), free(dx), free(first), free(first_dx), free(at);
}

static int taps(int32_t *table, int size) {
  const int count = below(MOST_PLACES), run = below(2);
  for (int i = 0; i < count; i++) {
    const float weights[] = {0, 0, 1, 0.25f, 0.75f}, weight = run ? 0 : weights[below(5)];
    table[i] = run ? i % size : below(size), table[count + i] = below(size);
    memcpy(table + 2 * count + i, &weight, 4);
  }
  return count;
}

static void one_resample(void) {
  int32_t table[RESAMPLE_TABLES + 6 * MOST_PLACES] = {below(90), 1 + below(12), 1 + below(30)};
  const int planes = table[0], h = table[1], w = table[2];
  const int rows = taps(table + RESAMPLE_TABLES, h), cols = taps(table + RESAMPLE_TABLES + 3 * rows, w);
  const int size = planes * h * w, results = planes * rows * cols, length = RESAMPLE_TABLES + 3 * (rows + cols);
  table[RESAMPLE_ROWS] = rows, table[RESAMPLE_COLS] = cols, table[RESAMPLE_X_LENGTH] = size, table[RESAMPLE_OUT_LENGTH] = results;
  table[RESAMPLE_LENGTH] = length;
  int32_t *d = copied(table, (size_t)length * 4);
  float *x = floats(size), *g = floats(results), *out = block(results), *dx = block(size), *first = block(results), *first_dx = block(size);
  for (int threads = 1; threads <= 3; threads++) {
    gradus_threads(threads, 0);
    if (gradus_resample(d, x, out) != GRADUS_OK || gradus_resample_backward(d, g, dx) != GRADUS_OK) fail("resample refused");
    if (threads > 1 && (memcmp(first, out, (size_t)results * 4) || memcmp(first_dx, dx, (size_t)size * 4))) fail("resample: other bits with threads");
    memcpy(first, out, (size_t)results * 4), memcpy(first_dx, dx, (size_t)size * 4);
  }
  const int which = (const int[]){RESAMPLE_X_LENGTH, RESAMPLE_OUT_LENGTH, RESAMPLE_LENGTH}[below(3)];
  if (d[which]-- > 0 && gradus_resample(d, x, out) != GRADUS_OUT_OF_BOUNDS) fail("short resample accepted");
  d[which]++;
  if (rows) {
    d[RESAMPLE_TABLES + below(2) * rows] = below(2) ? h : -1;
    if (gradus_resample(d, x, out) != GRADUS_OUT_OF_BOUNDS || gradus_resample_backward(d, g, dx) != GRADUS_OUT_OF_BOUNDS) fail("a tap outside accepted");
  }
  free(d), free(x), free(g), free(out), free(dx), free(first), free(first_dx);
}

static void one_norm(int large) {
  const int n = below(large ? 60 : 8), c = below(large ? 200 : 90), l = below(3) == 0 ? 1 : below(large ? 70 : 150), size = n * c * l;
  const float eps = 1e-5f;
  int32_t d[NORM_DESCRIPTOR_LENGTH] = {n, c, l, below(2), below(2)};
  memcpy(d + NORM_EPS, &eps, 4);
  d[NORM_LENGTH] = size, d[NORM_STATS_LENGTH] = 4 * c, d[NORM_CHANNELS_LENGTH] = c, d[NORM_HAS_DX] = below(4) > 0;
  float *x = floats(size), *g = floats(size), *stats = floats(4 * c), *y = block(size), *dx = block(size), *dw = block(c), *db = block(c);
  float *first = block(size), *first_dx = block(size), *first_dw = block(c);
  for (int threads = 1; threads <= 3; threads++) {
    gradus_threads(threads, 0);
    if (gradus_batch_norm(d, x, stats, y) != GRADUS_OK) fail("norm refused");
    if (gradus_batch_norm_backward(d, g, x, stats, d[NORM_HAS_DX] ? dx : NULL, dw, db) != GRADUS_OK) fail("norm back refused");
    if (threads > 1 && (memcmp(first, y, (size_t)size * 4) || memcmp(first_dw, dw, (size_t)c * 4))) fail("norm: other bits with threads");
    if (threads > 1 && d[NORM_HAS_DX] && memcmp(first_dx, dx, (size_t)size * 4)) fail("norm back: other bits with threads");
    memcpy(first, y, (size_t)size * 4), memcpy(first_dw, dw, (size_t)c * 4);
    if (d[NORM_HAS_DX]) memcpy(first_dx, dx, (size_t)size * 4);
  }
  const int which = (const int[]){NORM_LENGTH, NORM_STATS_LENGTH, NORM_CHANNELS_LENGTH}[below(3)];
  if (d[which]-- > 0 && gradus_batch_norm_backward(d, g, x, stats, dx, dw, db) != GRADUS_OUT_OF_BOUNDS) fail("short norm accepted");
  d[which]++, d[NORM_ACTIVATION] = ACTIVATION_SIGMOID;
  if (gradus_batch_norm(d, x, stats, y) != GRADUS_OUT_OF_BOUNDS) fail("another activation accepted");
  free(x), free(g), free(stats), free(y), free(dx), free(dw), free(db), free(first), free(first_dx), free(first_dw);
}

// The descriptor of dense heads; `planes` of them, and an array of gradients with room for all three.
static void attention_sizes(int32_t *d, int heads, int rows, int cols, int width, int values) {
  const int32_t sizes[] = {1, heads, rows, cols, width, values};
  const float scale = 0.25f;
  memset(d, 0, sizeof(int32_t) * ATTEND_DESCRIPTOR_LENGTH);
  memcpy(d, sizes, sizeof sizes);
  memcpy(d + ATTEND_SCALE, &scale, 4);
  for (int operand = 0, at = 0; operand < ATTEND_OPERAND_COUNT; operand++) {
    int32_t *x = d + ATTEND_OPERANDS + operand * ATTEND_OPERAND_LENGTH;
    const int of_keys = operand == ATTEND_K || operand == ATTEND_V || operand == ATTEND_DK || operand == ATTEND_DV;
    const int wide = operand == ATTEND_Q || operand == ATTEND_K || operand == ATTEND_DQ || operand == ATTEND_DK;
    const int row = operand == ATTEND_MASK ? cols : wide ? width : values, count = (of_keys ? cols : rows) * row;
    x[0] = operand >= ATTEND_DQ ? at : 0, x[2] = count, x[3] = row, x[4] = 1, x[5] = heads * count;
    if (operand >= ATTEND_DQ) at += heads * count;
  }
  const int32_t all = heads * (rows * width + cols * (width + values));
  for (int operand = ATTEND_DQ; operand <= ATTEND_DV; operand++) d[ATTEND_OPERANDS + operand * ATTEND_OPERAND_LENGTH + 5] = all;
}
static int32_t room_of(const int32_t *d, int operand) { return d[ATTEND_OPERANDS + operand * ATTEND_OPERAND_LENGTH + 5]; }

static void one_attention(int large) {
  int32_t d[ATTEND_DESCRIPTOR_LENGTH];
  attention_sizes(d, 1 + below(3), below(large ? 200 : 20), below(large ? 300 : 20), below(40), below(40));
  d[ATTEND_CAUSAL] = below(2), d[ATTEND_SHIFT] = below(9) - 4, d[ATTEND_HAS_MASK] = below(2), d[ATTEND_HAS_KEEP] = below(2);
  d[ATTEND_AUX_LENGTH] = d[ATTEND_HEADS] * d[ATTEND_ROWS] * (d[ATTEND_HAS_KEEP] ? 1 + d[ATTEND_COLS] : 1);
  float *q = floats(room_of(d, ATTEND_Q)), *k = floats(room_of(d, ATTEND_K)), *v = floats(room_of(d, ATTEND_V)), *mask = floats(room_of(d, ATTEND_MASK));
  float *g = floats(room_of(d, ATTEND_G)), *aux = floats(d[ATTEND_AUX_LENGTH]), *y = block(room_of(d, ATTEND_Y)), *out = block(room_of(d, ATTEND_DQ));
  float *first = block(room_of(d, ATTEND_DQ));
  for (int threads = 1; threads <= 3; threads++) {
    gradus_threads(threads, 0);
    if (gradus_attention(d, q, k, v, mask, aux, y) != GRADUS_OK) fail("attention refused");
    if (gradus_attention_backward(d, q, k, v, mask, aux, y, g, out) != GRADUS_OK) fail("attention back refused");
    if (threads > 1 && memcmp(first, out, (size_t)room_of(d, ATTEND_DQ) * 4)) fail("attention: other bits with threads");
    memcpy(first, out, (size_t)room_of(d, ATTEND_DQ) * 4);
  }
  int32_t *length = below(2) ? d + ATTEND_OPERANDS + below(3) * ATTEND_OPERAND_LENGTH + 5 : d + ATTEND_AUX_LENGTH;
  if ((*length)-- > 0 && gradus_attention(d, q, k, v, mask, aux, y) != GRADUS_OUT_OF_BOUNDS) fail("short attention accepted");
  free(q), free(k), free(v), free(mask), free(g), free(aux), free(y), free(out), free(first);
}

// Any sizes, honest lengths: what is let through must stay inside.
static int32_t forged_size(void) { return (const int32_t[]){0, 1, 2, 3, 5, 17, -1, INT32_MAX, INT32_MIN, 65536, 1 << 30}[below(11)]; }
static int forged_pool(void) {
  const int room = POOL_TABLES + below(40);
  int32_t *d = block(room);
  for (int i = 0; i < room; i++) d[i] = forged_size();
  d[POOL_OP] = below(3), d[POOL_X_LENGTH] = below(64), d[POOL_OUT_LENGTH] = below(64), d[POOL_AT_LENGTH] = below(64), d[POOL_HAS_AT] = below(2), d[POOL_LENGTH] = room;
  if (d[POOL_PLANES] > 64 && d[POOL_ROWS] == 0) d[POOL_PLANES] = 3; // or a call would not end
  if (d[POOL_PLANES] > 64 && d[POOL_COLS] == 0) d[POOL_PLANES] = 3;
  float *x = floats(d[POOL_X_LENGTH]), *out = block(d[POOL_OUT_LENGTH]);
  int32_t *at = block(d[POOL_AT_LENGTH]);
  for (int i = 0; i < d[POOL_AT_LENGTH]; i++) at[i] = forged_size();
  const int status = gradus_pool_backward(d, out, at, x) | gradus_pool(d, x, out, at);
  free(d), free(x), free(out), free(at);
  return status;
}
static int forged_resample(void) {
  const int room = RESAMPLE_TABLES + below(40);
  int32_t *d = block(room);
  for (int i = 0; i < room; i++) d[i] = forged_size();
  d[RESAMPLE_X_LENGTH] = below(64), d[RESAMPLE_OUT_LENGTH] = below(64), d[RESAMPLE_LENGTH] = room;
  if (d[RESAMPLE_PLANES] > 64 && (d[RESAMPLE_ROWS] == 0 || d[RESAMPLE_COLS] == 0)) d[RESAMPLE_PLANES] = 3;
  float *x = floats(d[RESAMPLE_X_LENGTH]), *out = floats(d[RESAMPLE_OUT_LENGTH]);
  const int status = gradus_resample(d, x, out) | gradus_resample_backward(d, out, x);
  free(d), free(x), free(out);
  return status;
}
static int forged_attention(void) {
  int32_t d[ATTEND_DESCRIPTOR_LENGTH];
  attention_sizes(d, below(3), below(5), below(5), below(4), below(4));
  d[ATTEND_CAUSAL] = below(2), d[ATTEND_SHIFT] = forged_size(), d[ATTEND_HAS_MASK] = below(2), d[ATTEND_HAS_KEEP] = below(2), d[ATTEND_AUX_LENGTH] = below(64);
  const int operand = below(ATTEND_OPERAND_COUNT), at = ATTEND_OPERANDS + operand * ATTEND_OPERAND_LENGTH;
  int32_t room[ATTEND_OPERAND_COUNT];
  for (int i = 0; i < ATTEND_OPERAND_COUNT; i++) room[i] = room_of(d, i);
  d[at + below(5)] = forged_size();
  if (below(2)) d[ATTEND_BATCH + below(6)] = (const int32_t[]){0, 1, 2, 7, -1, INT32_MIN}[below(6)];
  float *data[ATTEND_OPERAND_COUNT], *aux = floats(d[ATTEND_AUX_LENGTH]);
  for (int i = 0; i < ATTEND_OPERAND_COUNT; i++) data[i] = floats(room[i]);
  const int status = gradus_attention(d, data[ATTEND_Q], data[ATTEND_K], data[ATTEND_V], data[ATTEND_MASK], aux, data[ATTEND_Y]) |
                     gradus_attention_backward(d, data[ATTEND_Q], data[ATTEND_K], data[ATTEND_V], data[ATTEND_MASK], aux, data[ATTEND_Y], data[ATTEND_G], data[ATTEND_DQ]);
  for (int i = 0; i < ATTEND_OPERAND_COUNT; i++) free(data[i]);
  free(aux);
  return status;
}
static int forged_norm(void) {
  int32_t d[NORM_DESCRIPTOR_LENGTH] = {forged_size(), forged_size(), forged_size(), below(2), below(3) - 1, 0, below(64), below(64), below(16), below(2)};
  if (d[NORM_N] > 64 && d[NORM_C] > 0) d[NORM_N] = 3;
  float *x = floats(d[NORM_LENGTH]), *g = floats(d[NORM_LENGTH]), *stats = floats(d[NORM_STATS_LENGTH]), *y = block(d[NORM_LENGTH]);
  float *dw = block(d[NORM_CHANNELS_LENGTH]), *db = block(d[NORM_CHANNELS_LENGTH]);
  const int status = gradus_batch_norm(d, x, stats, y) | gradus_batch_norm_backward(d, g, x, stats, y, dw, db);
  free(x), free(g), free(stats), free(y), free(dw), free(db);
  return status;
}

int main(int argc, char **argv) {
  const int most = argc > 1 ? atoi(argv[1]) : 500; // fewer where an emulator runs them
  int let_through[4] = {0};
  for (int i = 0; i < most; i++) one_pool(i % 20 == 0), one_resample(), one_norm(i % 20 == 0), one_attention(i % 20 == 0);
  for (int i = 0; i < 20 * most; i++)
    let_through[0] += forged_pool() == GRADUS_OK, let_through[1] += forged_resample() == GRADUS_OK, let_through[2] += forged_norm() == GRADUS_OK,
    let_through[3] += forged_attention() == GRADUS_OK;
  for (int i = 0; i < 4; i++)
    if (let_through[i] == 0 || let_through[i] == 20 * most) fail("forged descriptors show nothing");
  gradus_threads(1, 0);
  printf("%d planes\n", 4 * most + 80 * most);
  return 0;
}
