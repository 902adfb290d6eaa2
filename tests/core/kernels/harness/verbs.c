// Replays many calls of the other verbs without Deno, for AddressSanitizer and UndefinedBehaviorSanitizer: every buffer is an
// allocation of its own, exactly as long as its descriptor says. Results are judged in TypeScript; here one element too far, or a short
// buffer that is accepted, is what counts.
#include "harness.h"
#include "kernels.h"

// Random strides over `rank` sizes, one of them possibly 0 or negative; gives the offset and the length they need.
static void lay(int rank, const int32_t *sizes, int32_t *strides, int repeat, int32_t *offset, int32_t *length) {
  int64_t low = 0, high = 0, step = 1;
  const int backward = below(4) == 0, column = below(3) == 0;
  for (int q = 0; q < rank; q++) {
    const int r = column ? q : rank - 1 - q;
    strides[r] = (int32_t)(repeat && below(6) == 0 ? 0 : backward ? -step : step);
    step = step * sizes[r] + below(2);
    const int64_t reach = (int64_t)(sizes[r] - 1) * strides[r];
    if (reach < 0) low += reach;
    else high += reach;
  }
  *offset = (int32_t)-low, *length = (int32_t)(high - low + 1);
}

static int shape(int32_t *sizes) {
  const int rank = 1 + below(4);
  for (int r = 0; r < rank; r++) sizes[r] = 1 + below(rank == 1 ? 700 : 12);
  return rank;
}

static void one_unary(void) {
  int32_t d[UNARY_DESCRIPTOR_LENGTH] = {0};
  const int32_t kinds[][2] = {{KIND_FLOAT32, KIND_INT32}, {KIND_INT32, KIND_FLOAT32}, {KIND_INT32, KIND_INT32}, {KIND_UINT8, KIND_FLOAT32}};
  d[UNARY_RANK] = shape(d + UNARY_SIZES), d[UNARY_OP] = below(OP_UNARY_COUNT);
  if (d[UNARY_OP] == OP_NOT) d[UNARY_OUT_KIND] = KIND_UINT8;
  if (d[UNARY_OP] == OP_COPY && below(2)) memcpy(d + UNARY_X_KIND, &kinds[below(4)][0], 4), d[UNARY_OUT_KIND] = d[UNARY_X_KIND] == KIND_FLOAT32 ? KIND_INT32 : KIND_FLOAT32;
  lay(d[UNARY_RANK], d + UNARY_SIZES, d + UNARY_X_STRIDES, 1, d + UNARY_X_OFFSET, d + UNARY_X_LENGTH);
  lay(d[UNARY_RANK], d + UNARY_SIZES, d + UNARY_OUT_STRIDES, 0, d + UNARY_OUT_OFFSET, d + UNARY_OUT_LENGTH);
  const int x_size = d[UNARY_X_KIND] == KIND_UINT8 ? 1 : 4, out_size = d[UNARY_OUT_KIND] == KIND_UINT8 ? 1 : 4;
  float *x = floats((d[UNARY_X_LENGTH] * x_size + 3) / 4), *source = malloc((size_t)(d[UNARY_X_LENGTH] * x_size));
  memcpy(source, x, (size_t)(d[UNARY_X_LENGTH] * x_size));
  void *out = malloc((size_t)(d[UNARY_OUT_LENGTH] * out_size));
  if (gradus_unary(d, source, out) != GRADUS_OK) fail("unary refused");
  d[UNARY_OUT_LENGTH]--;
  if (gradus_unary(d, source, out) != GRADUS_OUT_OF_BOUNDS) fail("short unary accepted");
  d[UNARY_OUT_LENGTH]++, d[UNARY_X_OFFSET]--;
  if (d[UNARY_X_OFFSET] < 0 && gradus_unary(d, source, out) != GRADUS_OUT_OF_BOUNDS && d[UNARY_X_LENGTH] == 1) fail("early unary accepted");
  free(x), free(source), free(out);
}

static void one_binary(void) {
  int32_t d[BINARY_DESCRIPTOR_LENGTH] = {0};
  d[BINARY_RANK] = shape(d + BINARY_SIZES), d[BINARY_OP] = below(OP_BINARY_COUNT);
  for (int i = 0; i < 3; i++)
    lay(d[BINARY_RANK], d + BINARY_SIZES, d + BINARY_A_STRIDES + i * WALK_RANK, i < 2, d + BINARY_A_OFFSET + 2 * i, d + BINARY_A_LENGTH + 2 * i);
  float *a = floats(d[BINARY_A_LENGTH]), *b = floats(d[BINARY_B_LENGTH]);
  void *out = malloc((size_t)d[BINARY_OUT_LENGTH] * (d[BINARY_OP] < OP_EQ ? 4 : 1));
  if (gradus_binary(d, a, b, out) != GRADUS_OK) fail("binary refused");
  const int which = BINARY_A_LENGTH + 2 * below(3);
  d[which]--;
  if (gradus_binary(d, a, b, out) != GRADUS_OUT_OF_BOUNDS) fail("short binary accepted");
  free(a), free(b), free(out);
}

static void one_where(void) {
  int32_t d[WHERE_DESCRIPTOR_LENGTH] = {0};
  d[WHERE_RANK] = shape(d + WHERE_SIZES);
  for (int i = 0; i < 4; i++)
    lay(d[WHERE_RANK], d + WHERE_SIZES, d + WHERE_STRIDES + i * WALK_RANK, i < 3, d + WHERE_OFFSET + i, d + WHERE_LENGTH + i);
  uint8_t *mask = malloc((size_t)d[WHERE_LENGTH]);
  for (int i = 0; i < d[WHERE_LENGTH]; i++) mask[i] = (uint8_t)below(3);
  float *a = floats(d[WHERE_LENGTH + 1]), *b = floats(d[WHERE_LENGTH + 2]), *out = floats(d[WHERE_LENGTH + 3]);
  if (gradus_where(d, mask, a, b, out) != GRADUS_OK) fail("where refused");
  d[WHERE_LENGTH + below(4)]--;
  if (gradus_where(d, mask, a, b, out) != GRADUS_OUT_OF_BOUNDS) fail("short where accepted");
  free(mask), free(a), free(b), free(out);
}

static void one_reduce(void) {
  int32_t d[REDUCE_DESCRIPTOR_LENGTH] = {0};
  const int kept = 1 + below(70), folded = 1 + below(90), by_rows = below(2);
  d[REDUCE_OP] = below(OP_REDUCE_COUNT), d[REDUCE_KEPT] = kept, d[REDUCE_FOLDED] = folded;
  const int wide = by_rows ? folded : kept, step = below(5) == 0 ? 0 : wide + below(3);
  d[by_rows ? REDUCE_FOLDED_STRIDE : REDUCE_KEPT_STRIDE] = 1, d[by_rows ? REDUCE_KEPT_STRIDE : REDUCE_FOLDED_STRIDE] = step;
  d[REDUCE_X_LENGTH] = ((by_rows ? kept : folded) - 1) * step + wide, d[REDUCE_OUT_LENGTH] = kept;
  d[REDUCE_OUTER] = 1 + below(4), d[REDUCE_OUTER_STRIDE] = below(3) ? d[REDUCE_X_LENGTH] + below(3) : below(2);
  const int reach = (d[REDUCE_OUTER] - 1) * d[REDUCE_OUTER_STRIDE];
  d[REDUCE_X_LENGTH] += reach, d[REDUCE_OUT_LENGTH] *= d[REDUCE_OUTER];
  if (below(4) == 0) d[by_rows ? REDUCE_KEPT_STRIDE : REDUCE_FOLDED_STRIDE] = -step, d[REDUCE_X_OFFSET] = ((by_rows ? kept : folded) - 1) * step;
  float *x = floats(d[REDUCE_X_LENGTH]);
  void *out = malloc((size_t)d[REDUCE_OUT_LENGTH] * 4);
  if (gradus_reduce(d, x, out) != GRADUS_OK) fail("reduce refused");
  d[REDUCE_X_LENGTH]--;
  if (gradus_reduce(d, x, out) != GRADUS_OUT_OF_BOUNDS) fail("short reduce accepted");
  free(x), free(out);
}

static void one_gather(void) {
  int32_t d[GATHER_DESCRIPTOR_LENGTH] = {below(3), 0, below(3), 0, below(40), below(9)};
  const int rows = 1 + below(9), size = d[GATHER_X_KIND] == KIND_UINT8 ? 1 : 4;
  d[GATHER_OUT_KIND] = d[GATHER_X_KIND] == KIND_UINT8 && below(2) ? KIND_FLOAT32 : d[GATHER_X_KIND];
  d[GATHER_STRIDE] = d[GATHER_WIDTH] + below(2);
  d[GATHER_X_LENGTH] = d[GATHER_OFFSET] + (rows - 1) * d[GATHER_STRIDE] + d[GATHER_WIDTH], d[GATHER_OUT_LENGTH] = d[GATHER_WIDTH] * d[GATHER_COUNT];
  float *table = floats(256);
  d[GATHER_TABLE_LENGTH] = d[GATHER_OUT_KIND] != d[GATHER_X_KIND] && below(2) ? 256 : 0;
  const size_t x_bytes = (size_t)(d[GATHER_X_LENGTH] * size), out_size = d[GATHER_OUT_KIND] == KIND_UINT8 ? 1 : 4;
  const size_t out_bytes = (size_t)d[GATHER_OUT_LENGTH] * out_size;
  char *x = malloc(x_bytes + !x_bytes), *out = malloc(out_bytes + !out_bytes);
  memset(x, 7, x_bytes);
  int32_t *index = malloc((size_t)d[GATHER_COUNT] * 4 + !d[GATHER_COUNT]);
  for (int i = 0; i < d[GATHER_COUNT]; i++) index[i] = below(rows);
  double answer = 0;
  if (gradus_gather(d, x, index, table, out, &answer) != GRADUS_OK) fail("gather refused");
  if (d[GATHER_COUNT] && d[GATHER_STRIDE] && d[GATHER_WIDTH]) {
    index[d[GATHER_COUNT] - 1] = rows;
    if (gradus_gather(d, x, index, table, out, &answer) != GRADUS_BAD_INDEX || answer != rows) fail("row too far accepted");
  }
  d[GATHER_TABLE_LENGTH] = 255;
  if (gradus_gather(d, x, index, table, out, &answer) != GRADUS_OUT_OF_BOUNDS) fail("short table accepted");
  free(x), free(out), free(index), free(table);
}

static void one_backward(void) {
  const int rows = below(90), cols = below(80), size = rows * cols, db = below(2);
  int32_t d[BACKWARD_DESCRIPTOR_LENGTH] = {below(INPUT_ACTIVATION_COUNT), rows, cols, size, size, size, cols, 1, db};
  float *g = floats(size), *y = floats(size), *out = floats(size), *sums = floats(cols);
  if (gradus_activation_backward(d, g, y, out, sums) != GRADUS_OK || gradus_activation_backward(d, g, y, g, sums) != GRADUS_OK) fail("backward refused");
  if (size) d[BACKWARD_OUT_LENGTH]--;
  if (size && gradus_activation_backward(d, g, y, out, sums) != GRADUS_OUT_OF_BOUNDS) fail("short backward accepted");
  free(g), free(y), free(out), free(sums);
}

static void one_loss(void) {
  const int rows = below(40), cols = 1 + below(50), size = rows * cols;
  int32_t d[LOSS_DESCRIPTOR_LENGTH] = {rows, cols, size, rows, size, 1}, *targets = malloc((size_t)rows * 4 + !rows);
  for (int i = 0; i < rows; i++) targets[i] = below(cols);
  float *z = floats(size), *dz = floats(size);
  double answer[1];
  if (gradus_cross_entropy(d, z, targets, dz, answer) != GRADUS_OK || gradus_cross_entropy(d, z, targets, z, answer) != GRADUS_OK) fail("loss refused");
  if (rows) {
    targets[rows - 1] = cols;
    if (gradus_cross_entropy(d, z, targets, dz, answer) != GRADUS_BAD_INDEX || answer[0] != cols) fail("target too far accepted");
    d[LOSS_Z_LENGTH]--;
    if (gradus_cross_entropy(d, z, targets, dz, answer) != GRADUS_OUT_OF_BOUNDS) fail("short loss accepted");
  }
  free(z), free(dz), free(targets);
}

static void enter(int64_t *table, int32_t at, const float *array, int64_t length) {
  gradus_address(table, at, array), table[at + UPDATE_SLOT_LENGTH / 2] = length;
}

static void one_update(void) {
  double settings[UPDATE_SETTINGS_LENGTH] = {0.1, below(2) * 0.9, 0, below(2), below(2) * 0.1, below(2), 0.9, 0.999, 1e-8, below(2), 1 + below(3)};
  int64_t table[3 * UPDATE_SLOT_LENGTH];
  float *arrays[12];
  for (int s = 0; s < 3; s++) {
    const int n = below(100);
    for (int part = 0; part < 4; part++) {
      arrays[4 * s + part] = floats(n);
      for (int i = 0; part == 3 && i < n; i++) arrays[4 * s + part][i] *= arrays[4 * s + part][i];
      enter(table, s * UPDATE_SLOT_LENGTH + part, arrays[4 * s + part], n);
    }
  }
  for (int kind = UPDATE_SGD; kind <= UPDATE_ADAM; kind++)
    if (gradus_update(kind, settings, table, 3) != GRADUS_OK) fail("update refused");
  table[UPDATE_SLOT_LENGTH / 2 + 1]++;
  if (gradus_update(UPDATE_SGD, settings, table, 3) != GRADUS_OUT_OF_BOUNDS) fail("unequal update accepted");
  for (int i = 0; i < 12; i++) free(arrays[i]);
}

int main(void) {
  gradus_threads(2, 0);
  for (int i = 0; i < 2000; i++) one_unary(), one_binary(), one_where(), one_reduce(), one_gather(), one_backward(), one_loss(), one_update();
  gradus_threads(1, 0);
  printf("14000 calls\n");
  return 0;
}
