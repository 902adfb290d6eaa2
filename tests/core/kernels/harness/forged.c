// Descriptors that nobody would write, over buffers of honest lengths, for AddressSanitizer and UndefinedBehaviorSanitizer: what the
// checks let through must stay inside. And every function of any 32 bits: a number may be anything.
#include "harness.h"
#include "kernels.h"

// Sizes that are large come with steps that are not 0, or a call would not end.
static int32_t size(void) {
  static const int32_t some[] = {0, 1, 1, 2, 3, 5, 8, 17, -1, INT32_MAX, INT32_MAX - 1, INT32_MIN};
  return some[below(12)];
}
static int32_t step(int32_t of) {
  static const int32_t some[] = {1, 1, 2, 3, -1, -2, 17, INT32_MAX, -INT32_MAX, INT32_MIN, 0};
  return some[below(of > 17 ? 10 : 11)];
}
static int32_t place(void) {
  static const int32_t some[] = {0, 0, 1, 5, 40, -1, INT32_MAX, INT32_MIN};
  return some[below(8)];
}
static int32_t kind(int count) { return below(20) ? below(count) : below(2) ? -1 : count; }

static int rank_of(int32_t *sizes) {
  const int rank = below(20) ? 1 + below(WALK_RANK) : below(2) ? 0 : WALK_RANK + 1;
  for (int r = 0; r < WALK_RANK; r++) sizes[r] = size();
  return rank;
}
static void steps_of(const int32_t *sizes, int32_t *strides) {
  for (int r = 0; r < WALK_RANK; r++) strides[r] = step(sizes[r]);
}

enum { MOST = 64 };
static int32_t length(void) { return below(MOST); }
static void *allocate(int32_t length) { return floats(length); }

static int unary(void) {
  int32_t d[UNARY_DESCRIPTOR_LENGTH] = {kind(OP_UNARY_COUNT)};
  d[UNARY_RANK] = rank_of(d + UNARY_SIZES);
  steps_of(d + UNARY_SIZES, d + UNARY_X_STRIDES), steps_of(d + UNARY_SIZES, d + UNARY_OUT_STRIDES);
  d[UNARY_X_KIND] = kind(3), d[UNARY_OUT_KIND] = d[UNARY_OP] == OP_NOT ? KIND_UINT8 : below(2);
  d[UNARY_X_OFFSET] = place(), d[UNARY_OUT_OFFSET] = place(), d[UNARY_X_LENGTH] = length(), d[UNARY_OUT_LENGTH] = length();
  void *x = allocate(d[UNARY_X_LENGTH]), *out = allocate(d[UNARY_OUT_LENGTH]);
  const int status = gradus_unary(d, x, out);
  free(x), free(out);
  return status;
}

static int binary(void) {
  int32_t d[BINARY_DESCRIPTOR_LENGTH] = {kind(OP_BINARY_COUNT)};
  void *data[3];
  d[BINARY_RANK] = rank_of(d + BINARY_SIZES);
  for (int i = 0; i < 3; i++) {
    steps_of(d + BINARY_SIZES, d + BINARY_A_STRIDES + i * WALK_RANK);
    d[BINARY_A_OFFSET + 2 * i] = place(), d[BINARY_A_LENGTH + 2 * i] = length(), data[i] = allocate(d[BINARY_A_LENGTH + 2 * i]);
  }
  const int status = gradus_binary(d, data[0], data[1], data[2]);
  for (int i = 0; i < 3; i++) free(data[i]);
  return status;
}

static int where(void) {
  int32_t d[WHERE_DESCRIPTOR_LENGTH] = {0};
  void *data[4];
  d[WHERE_RANK] = rank_of(d + WHERE_SIZES);
  for (int i = 0; i < 4; i++) {
    steps_of(d + WHERE_SIZES, d + WHERE_STRIDES + i * WALK_RANK);
    d[WHERE_OFFSET + i] = place(), d[WHERE_LENGTH + i] = length(), data[i] = allocate(d[WHERE_LENGTH + i]);
  }
  const int status = gradus_where(d, data[0], data[1], data[2], data[3]);
  for (int i = 0; i < 4; i++) free(data[i]);
  return status;
}

static int reduce(void) {
  int32_t d[REDUCE_DESCRIPTOR_LENGTH] = {kind(OP_REDUCE_COUNT), size(), 0, size()};
  d[REDUCE_KEPT_STRIDE] = step(d[REDUCE_KEPT]), d[REDUCE_FOLDED_STRIDE] = step(d[REDUCE_FOLDED]);
  d[REDUCE_OUTER] = below(3) ? 1 : size(), d[REDUCE_OUTER_STRIDE] = step(d[REDUCE_OUTER]);
  if ((d[REDUCE_KEPT] == 0 || d[REDUCE_OUTER] == 0) && d[REDUCE_FOLDED] > MOST) d[REDUCE_FOLDED] = 0;
  if (d[REDUCE_FOLDED] == 0 && d[REDUCE_OUTER] > MOST) d[REDUCE_OUTER] = 0;
  d[REDUCE_X_OFFSET] = place(), d[REDUCE_X_LENGTH] = length(), d[REDUCE_OUT_LENGTH] = length();
  void *x = allocate(d[REDUCE_X_LENGTH]), *out = allocate(d[REDUCE_OUT_LENGTH]);
  const int status = gradus_reduce(d, x, out);
  free(x), free(out);
  return status;
}

static int product_of(int doubles) {
  int32_t d[GEMM_DESCRIPTOR_LENGTH] = {size(), size(), size()};
  void *data[3];
  for (int i = 0; i < 3; i++) {
    int32_t *at = d + GEMM_A_OFFSET + 4 * i;
    at[0] = place(), at[1] = step(d[i == 1 ? GEMM_K : GEMM_M]), at[2] = step(d[i == 0 ? GEMM_K : GEMM_N]), at[3] = length();
    data[i] = allocate(at[3] << doubles);
  }
  d[GEMM_BIAS_OFFSET] = place(), d[GEMM_BIAS_STRIDE] = step(d[GEMM_N]), d[GEMM_BIAS_LENGTH] = length();
  d[GEMM_HAS_BIAS] = below(2), d[GEMM_BETA] = below(2), d[GEMM_ACTIVATION] = kind(doubles ? 1 : ACTIVATION_COUNT);
  void *bias = allocate(d[GEMM_BIAS_LENGTH] << doubles);
  const int status = doubles ? gradus_dgemm(d, data[0], data[1], data[2], bias) : gradus_gemm(d, data[0], data[1], data[2], bias);
  for (int i = 0; i < 3; i++) free(data[i]);
  free(bias);
  return status;
}

static int product(void) { return product_of(0); }
static int product64(void) { return product_of(1); }

static int convolution(void) {
  static const int32_t few[] = {1, 1, 2, 3, 0, -1, 5, INT32_MAX, INT32_MIN, 40000};
  int32_t d[CONV_DESCRIPTOR_LENGTH] = {kind(3)};
  for (int i = CONV_N; i <= CONV_OW; i++) d[i] = few[below(below(3) ? 4 : 7)];
  for (int i = CONV_N; i <= CONV_DILATION_W; i++) {
    if (i > CONV_OW) d[i] = few[below(i == CONV_PAD_TOP || i == CONV_PAD_LEFT ? 10 : below(4) ? 3 : 10)];
    else if (below(40) == 0) d[i] = size();
  }
  float *data[4];
  for (int i = 0; i < 3; i++) {
    int32_t *at = d + CONV_X_OFFSET + 6 * i;
    at[0] = below(6) ? 1 + below(40) : place(), at[5] = below(6) ? 200 : length();
    for (int r = 1; r <= 4; r++) at[r] = step(MOST + 1);
    data[i] = allocate(at[5]);
  }
  d[CONV_BIAS_OFFSET] = place(), d[CONV_BIAS_STRIDE] = step(MOST + 1), d[CONV_BIAS_LENGTH] = length();
  d[CONV_HAS_BIAS] = below(2), d[CONV_ACTIVATION] = kind(ACTIVATION_COUNT);
  data[3] = allocate(d[CONV_BIAS_LENGTH]);
  const int status = gradus_conv(d, data[0], data[1], data[2], data[3]);
  for (int i = 0; i < 4; i++) free(data[i]);
  return status;
}

static int gather(void) {
  const int32_t count = below(9);
  int32_t d[GATHER_DESCRIPTOR_LENGTH] = {kind(3), kind(3), place(), step(1), size(), count, length(), length(), below(2) * 256};
  char *x = allocate(d[GATHER_X_LENGTH]), *out = allocate(d[GATHER_OUT_LENGTH]);
  float *table = floats(256);
  int32_t *index = malloc((size_t)count * 4 + !count);
  double answer;
  for (int i = 0; i < count; i++) index[i] = below(3) ? below(4) : place();
  const int status = gradus_gather(d, x, index, table, out, &answer);
  free(x), free(out), free(table), free(index);
  return status;
}

static int backward(void) {
  int32_t d[BACKWARD_DESCRIPTOR_LENGTH] = {kind(INPUT_ACTIVATION_COUNT), size(), size(), length(), length(), length(), length(), below(2), below(2)};
  float *g = allocate(d[BACKWARD_G_LENGTH]), *y = allocate(d[BACKWARD_Y_LENGTH]), *out = allocate(d[BACKWARD_OUT_LENGTH]), *db = allocate(d[BACKWARD_DB_LENGTH]);
  if (d[BACKWARD_ROWS] > MOST && d[BACKWARD_COLS] == 0) d[BACKWARD_ROWS] = MOST;
  const int status = gradus_activation_backward(d, g, y, out, db);
  free(g), free(y), free(out), free(db);
  return status;
}

static int loss(void) {
  int32_t d[LOSS_DESCRIPTOR_LENGTH] = {size(), size(), length(), length(), length(), below(2)};
  float *z = allocate(d[LOSS_Z_LENGTH]), *dz = allocate(d[LOSS_DZ_LENGTH]);
  int32_t *targets = allocate(d[LOSS_TARGETS_LENGTH]);
  double answer;
  for (int i = 0; i < d[LOSS_TARGETS_LENGTH]; i++) targets[i] = below(3) ? below(2) : place();
  const int status = gradus_cross_entropy(d, z, targets, dz, &answer);
  free(z), free(dz), free(targets);
  return status;
}

static void enter(int64_t *table, int32_t at, const float *array, int64_t length) {
  gradus_address(table, at, array), table[at + UPDATE_SLOT_LENGTH / 2] = length;
}

static int update(void) {
  const double steps[] = {1, 2, 1e300, 0, -1, __builtin_nan("")};
  double settings[UPDATE_SETTINGS_LENGTH] = {0.1, below(2), 0, below(2), 0.1, below(2), 0.9, 0.999, 1e-8, below(2), steps[below(6)]};
  const int n = length();
  float *data[4];
  int64_t table[UPDATE_SLOT_LENGTH];
  for (int i = 0; i < 4; i++) data[i] = allocate(n), enter(table, i, data[i], n);
  const int other = below(10); // one length that is not the others'
  if (other < 4) enter(table, other, data[other], below(2) ? -1 : n + 1);
  const int status = gradus_update(kind(2), settings, table, below(2));
  for (int i = 0; i < 4; i++) free(data[i]);
  return status;
}

// Every sign, exponent and quiet or signalling NaN, each with a few fractions.
static void any_bits(int op, float low, float high) {
  enum { FRACTIONS = 8, COUNT = 512 * FRACTIONS };
  static const uint32_t fractions[FRACTIONS] = {0, 1, 0x7fffff, 0x400000, 0x3504f3, 0x3504f4, 0x2aaaaa, 0x555555};
  uint32_t bits[COUNT];
  float out[COUNT];
  for (uint32_t i = 0; i < COUNT; i++) bits[i] = i / FRACTIONS << 23 | fractions[i % FRACTIONS];
  int32_t d[UNARY_DESCRIPTOR_LENGTH] = {op, 1, [UNARY_X_LENGTH] = COUNT, [UNARY_OUT_LENGTH] = COUNT, [UNARY_SIZES] = COUNT};
  memcpy(d + UNARY_LOW, &low, 4), memcpy(d + UNARY_HIGH, &high, 4);
  d[UNARY_X_STRIDES] = d[UNARY_OUT_STRIDES] = 1;
  d[UNARY_OUT_KIND] = op == OP_NOT ? KIND_UINT8 : KIND_FLOAT32;
  if (gradus_unary(d, bits, out) != GRADUS_OK) fail("a function refused");
  d[UNARY_OUT_KIND] = KIND_INT32;
  if (op == OP_COPY && gradus_unary(d, bits, out) != GRADUS_OK) fail("a conversion refused");
}

// Steps whose sum passes 2⁶³, in every number of dimensions.
static void far(void) {
  float x = 0;
  for (int rank = 1; rank <= WALK_RANK; rank++) {
    for (int back = 0; back < 2; back++) {
      int32_t d[BINARY_DESCRIPTOR_LENGTH] = {0}, *sizes = d + UNARY_SIZES;
      d[UNARY_RANK] = rank, d[UNARY_X_LENGTH] = d[UNARY_OUT_LENGTH] = 1;
      for (int r = 0; r < rank; r++) sizes[r] = INT32_MAX, d[UNARY_X_STRIDES + r] = d[UNARY_OUT_STRIDES + r] = back ? INT32_MIN : INT32_MAX;
      if (gradus_unary(d, &x, &x) != GRADUS_OUT_OF_BOUNDS) fail("a unary walk too far accepted");
      int32_t z[BINARY_DESCRIPTOR_LENGTH] = {0, rank, 0, 1, 0, 1, 0, 1};
      for (int r = 0; r < rank; r++) z[BINARY_SIZES + r] = INT32_MAX;
      for (int r = 0; r < 3 * WALK_RANK; r++) z[BINARY_A_STRIDES + r] = back ? INT32_MIN : INT32_MAX;
      if (gradus_binary(z, &x, &x, &x) != GRADUS_OUT_OF_BOUNDS) fail("a binary walk too far accepted");
    }
  }
}

int main(int argc, char **argv) {
  enum { VERBS = 11 };
  int (*const verbs[VERBS])(void) = {unary, binary, where, reduce, product, product64, convolution, gather, backward, loss, update};
  const int most = VERBS * (argc > 1 ? atoi(argv[1]) : 5000); // fewer where an emulator runs them
  int done[VERBS] = {0}, refused[VERBS] = {0};
  far();
  for (int op = 0; op < OP_UNARY_COUNT; op++) any_bits(op, -1, 1);
  for (int i = 0; i < most; i++) {
    if (verbs[i % VERBS]() == GRADUS_OK) done[i % VERBS]++;
    else refused[i % VERBS]++;
  }
  for (int i = 0; i < VERBS; i++)
    if (done[i] < 3 || refused[i] < 3) printf("verb %d: %d done, %d refused\n", i, done[i], refused[i]);
  printf("%d calls\n", most);
  return 0;
}
