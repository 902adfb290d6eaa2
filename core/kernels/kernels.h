// What the C exports: the whole contract between core/backend/*.ts and the kernels.
#ifndef GRADUS_KERNELS_H
#define GRADUS_KERNELS_H
#include <stdint.h>

// Status codes. Anything but GRADUS_OK means that nothing was written.
enum { GRADUS_OK = 0, GRADUS_OUT_OF_BOUNDS = 1, GRADUS_OUT_OF_MEMORY = 2, GRADUS_OTHER_CPU = 3, GRADUS_BAD_INDEX = 4 };

// The activations. Those that may end a product have a derivative that is written through their result, the others one through their
// input.
enum {
  ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_SIGMOID, ACTIVATION_TANH, ACTIVATION_COUNT,
  INPUT_ACTIVATION_CLAMP = ACTIVATION_COUNT, INPUT_ACTIVATION_HARDTANH, INPUT_ACTIVATION_LEAKY_RELU, INPUT_ACTIVATION_ELU,
  INPUT_ACTIVATION_GELU, INPUT_ACTIVATION_GELU_TANH, INPUT_ACTIVATION_SILU, INPUT_ACTIVATION_MISH, INPUT_ACTIVATION_SOFTPLUS,
  INPUT_ACTIVATION_COUNT
};

// The descriptor of a product: 21 integers in this order. Lengths are whole buffers, offsets and strides count elements.
enum {
  GEMM_M, GEMM_K, GEMM_N,
  GEMM_A_OFFSET, GEMM_A_RS, GEMM_A_CS, GEMM_A_LENGTH,
  GEMM_B_OFFSET, GEMM_B_RS, GEMM_B_CS, GEMM_B_LENGTH,
  GEMM_C_OFFSET, GEMM_C_RS, GEMM_C_CS, GEMM_C_LENGTH,
  GEMM_BIAS_OFFSET, GEMM_BIAS_STRIDE, GEMM_BIAS_LENGTH,
  GEMM_HAS_BIAS, GEMM_BETA, GEMM_ACTIVATION,
  GEMM_DESCRIPTOR_LENGTH
};

// The descriptor of a convolution: which of its arrays is the result, sizes and windows, and each array's offset, strides and length.
enum { CONV_RESULT_Y, CONV_RESULT_X, CONV_RESULT_W };
enum {
  CONV_RESULT, CONV_N, CONV_GROUPS, CONV_C_IN, CONV_C_OUT, // channels of one group
  CONV_H, CONV_W, CONV_KH, CONV_KW, CONV_OH, CONV_OW,
  CONV_STRIDE_H, CONV_STRIDE_W, CONV_PAD_TOP, CONV_PAD_LEFT, CONV_DILATION_H, CONV_DILATION_W,
  CONV_X_OFFSET, CONV_X_N, CONV_X_C, CONV_X_H, CONV_X_W, CONV_X_LENGTH,
  CONV_W_OFFSET, CONV_W_O, CONV_W_C, CONV_W_H, CONV_W_W, CONV_W_LENGTH,
  CONV_Y_OFFSET, CONV_Y_N, CONV_Y_C, CONV_Y_H, CONV_Y_W, CONV_Y_LENGTH,
  CONV_BIAS_OFFSET, CONV_BIAS_STRIDE, CONV_BIAS_LENGTH,
  CONV_HAS_BIAS, CONV_ACTIVATION,
  CONV_DESCRIPTOR_LENGTH
};

// What an operand's elements are.
enum { KIND_FLOAT32, KIND_INT32, KIND_UINT8 };

// The descriptors of the unary and binary verbs: sizes outermost first, and each operand's strides after its own.
enum { WALK_RANK = 8 };
enum {
  UNARY_OP, UNARY_RANK, UNARY_LOW, UNARY_HIGH, // LOW and HIGH are the bits of floats
  UNARY_X_KIND, UNARY_X_OFFSET, UNARY_X_LENGTH,
  UNARY_OUT_KIND, UNARY_OUT_OFFSET, UNARY_OUT_LENGTH,
  UNARY_SIZES,
  UNARY_X_STRIDES = UNARY_SIZES + WALK_RANK,
  UNARY_OUT_STRIDES = UNARY_X_STRIDES + WALK_RANK,
  UNARY_DESCRIPTOR_LENGTH = UNARY_OUT_STRIDES + WALK_RANK
};
enum {
  BINARY_OP, BINARY_RANK,
  BINARY_A_OFFSET, BINARY_A_LENGTH, BINARY_B_OFFSET, BINARY_B_LENGTH, BINARY_OUT_OFFSET, BINARY_OUT_LENGTH,
  BINARY_SIZES,
  BINARY_A_STRIDES = BINARY_SIZES + WALK_RANK,
  BINARY_B_STRIDES = BINARY_A_STRIDES + WALK_RANK,
  BINARY_OUT_STRIDES = BINARY_B_STRIDES + WALK_RANK,
  BINARY_DESCRIPTOR_LENGTH = BINARY_OUT_STRIDES + WALK_RANK
};

enum { // the mask, a, b and out, in this order
  WHERE_RANK,
  WHERE_OFFSET, WHERE_LENGTH = WHERE_OFFSET + 4, WHERE_SIZES = WHERE_LENGTH + 4,
  WHERE_STRIDES = WHERE_SIZES + WALK_RANK,
  WHERE_DESCRIPTOR_LENGTH = WHERE_STRIDES + 4 * WALK_RANK
};

// The functions, in the order of backend.ts. A unary verb of other kinds than float32 is a copy; NOT answers in bytes.
enum {
  OP_COPY, OP_NEG, OP_ABS, OP_SIGN, OP_EXP, OP_EXPM1, OP_LOG, OP_LOG1P, OP_SQRT, OP_RSQRT, OP_RECIPROCAL, OP_SQUARE, OP_TANH,
  OP_SIGMOID, OP_RELU, OP_ERF, OP_FLOOR, OP_CEIL, OP_ROUND, OP_CLAMP, OP_NOT, OP_HARDTANH,
  OP_LEAKY_RELU, OP_ELU, OP_GELU, OP_GELU_TANH, OP_SILU, OP_MISH, OP_SOFTPLUS, OP_UNARY_COUNT
};
enum {
  OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MAXIMUM, OP_MINIMUM, // answer in float32
  OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_BINARY_COUNT  // answer in bytes, 0 or 1
};

// The descriptor of reductions of [kept, folded], of which one stride is 1, or one size; there are `outer` of them, one after the other in
// the result.
enum { OP_SUM, OP_PROD, OP_MAX, OP_MIN, OP_ARGMAX, OP_ARGMIN, OP_REDUCE_COUNT };
enum {
  REDUCE_OP, REDUCE_KEPT, REDUCE_KEPT_STRIDE, REDUCE_FOLDED, REDUCE_FOLDED_STRIDE,
  REDUCE_X_OFFSET, REDUCE_X_LENGTH, REDUCE_OUT_LENGTH,
  REDUCE_OUTER, REDUCE_OUTER_STRIDE,
  REDUCE_DESCRIPTOR_LENGTH
};

// The descriptor of a gather.
enum {
  GATHER_X_KIND, GATHER_OUT_KIND, GATHER_OFFSET, GATHER_STRIDE, GATHER_WIDTH, GATHER_COUNT,
  GATHER_X_LENGTH, GATHER_OUT_LENGTH, GATHER_TABLE_LENGTH, GATHER_DESCRIPTOR_LENGTH
};

// The descriptor of an activation's backward.
enum {
  BACKWARD_OP, BACKWARD_ROWS, BACKWARD_COLS,
  BACKWARD_G_LENGTH, BACKWARD_Y_LENGTH, BACKWARD_OUT_LENGTH, BACKWARD_DB_LENGTH,
  BACKWARD_HAS_OUT, BACKWARD_HAS_DB, BACKWARD_LOW, BACKWARD_HIGH, // the bits of floats
  BACKWARD_DESCRIPTOR_LENGTH
};

// The descriptor of a loss.
enum {
  LOSS_ROWS, LOSS_COLS,
  LOSS_Z_LENGTH, LOSS_TARGETS_LENGTH, LOSS_DZ_LENGTH, LOSS_HAS_DZ,
  LOSS_DESCRIPTOR_LENGTH
};

// An optimiser's settings, and the slot that each of its tensors has in the table: four addresses, then their lengths.
enum { UPDATE_SGD, UPDATE_ADAM };
enum {
  UPDATE_LR, UPDATE_MOMENTUM, UPDATE_DAMPENING, UPDATE_NESTEROV, UPDATE_WEIGHT_DECAY, UPDATE_MAXIMIZE,
  UPDATE_BETA1, UPDATE_BETA2, UPDATE_EPS, UPDATE_DECOUPLED, UPDATE_STEP,
  UPDATE_SETTINGS_LENGTH
};
enum { UPDATE_SLOT_LENGTH = 8 };

// The descriptor of a pooling, with its tables after it: for rows and then for columns the begin, end and count of each window.
enum { POOL_MAX, POOL_AVG };
enum {
  POOL_OP, POOL_PLANES, POOL_H, POOL_W, POOL_ROWS, POOL_COLS, POOL_ROW_STEP, POOL_COL_STEP, POOL_DIVISOR,
  POOL_X_LENGTH, POOL_OUT_LENGTH, POOL_AT_LENGTH, POOL_HAS_AT, POOL_LENGTH, // LENGTH: of all this with the tables
  POOL_TABLES
};

// The descriptor of a resampling, with its tables after it: for rows and then for columns the two places and the weight, a float, of each.
enum {
  RESAMPLE_PLANES, RESAMPLE_H, RESAMPLE_W, RESAMPLE_ROWS, RESAMPLE_COLS, RESAMPLE_X_LENGTH, RESAMPLE_OUT_LENGTH, RESAMPLE_LENGTH,
  RESAMPLE_TABLES
};

// The descriptor of a batch normalisation.
enum {
  NORM_N, NORM_C, NORM_L, NORM_TRAINING, NORM_ACTIVATION, NORM_EPS, // the bits of a float
  NORM_LENGTH, NORM_STATS_LENGTH, NORM_CHANNELS_LENGTH, NORM_HAS_DX,
  NORM_DESCRIPTOR_LENGTH
};

// The descriptors of softmax, or with LOG its logarithm, and of layer normalisation, both of rows.
enum { SOFTMAX_LOG, SOFTMAX_ROWS, SOFTMAX_COLS, SOFTMAX_X_LENGTH, SOFTMAX_OUT_LENGTH, SOFTMAX_G_LENGTH, SOFTMAX_DESCRIPTOR_LENGTH };
enum {
  LAYER_ROWS, LAYER_COLS, LAYER_EPS, LAYER_HAS_AFFINE, LAYER_HAS_DX, // EPS: the bits of a float
  LAYER_LENGTH, LAYER_STATS_LENGTH, LAYER_COLS_LENGTH,
  LAYER_DESCRIPTOR_LENGTH
};

// The descriptors along one dimension, of dense arrays [outer, count, inner].
enum { PLACES_OUTER, PLACES_SIZE, PLACES_COUNT, PLACES_INNER, PLACES_INDEX_LENGTH, PLACES_OUT_LENGTH, PLACES_DESCRIPTOR_LENGTH };
enum { SCATTER_WIDTH, SCATTER_COUNT, SCATTER_G_LENGTH, SCATTER_INDEX_LENGTH, SCATTER_OUT_LENGTH, SCATTER_DESCRIPTOR_LENGTH };
enum { SCAN_PRODUCTS, SCAN_OUTER, SCAN_COUNT, SCAN_INNER, SCAN_X_LENGTH, SCAN_OUT_LENGTH, SCAN_DESCRIPTOR_LENGTH };
enum { ORDER_ROWS, ORDER_COUNT, ORDER_DESCENDING, ORDER_FIRST, ORDER_X_LENGTH, ORDER_OUT_LENGTH, ORDER_DESCRIPTOR_LENGTH };

// The descriptor of attention: sizes, settings, and of each operand an offset, four strides, and the length of its buffer. SHIFT: row i
// sees columns up to i + SHIFT where CAUSAL is set. In `aux` stand the logarithms of the rows' sums, [batch, heads, rows], and then, with
// HAS_KEEP, factors of the weights, [batch, heads, rows, cols]. With ADD, which takes one head alone, dk and dv are added to.
enum { ATTEND_Q, ATTEND_K, ATTEND_V, ATTEND_MASK, ATTEND_Y, ATTEND_G, ATTEND_DQ, ATTEND_DK, ATTEND_DV, ATTEND_OPERAND_COUNT };
enum {
  ATTEND_BATCH, ATTEND_HEADS, ATTEND_ROWS, ATTEND_COLS, ATTEND_WIDTH, ATTEND_VALUES,
  ATTEND_CAUSAL, ATTEND_SHIFT, ATTEND_SCALE, ATTEND_ADD, ATTEND_HAS_MASK, ATTEND_HAS_KEEP, ATTEND_AUX_LENGTH, // SCALE: the bits of a float
  ATTEND_OPERANDS,
  ATTEND_OPERAND_LENGTH = 6,
  ATTEND_DESCRIPTOR_LENGTH = ATTEND_OPERANDS + ATTEND_OPERAND_COUNT * ATTEND_OPERAND_LENGTH
};

#if defined(__wasm__)
#define GRADUS_EXPORT __attribute__((visibility("default"), used))
#elif defined(_WIN32)
#define GRADUS_EXPORT __declspec(dllexport)
#else
#define GRADUS_EXPORT __attribute__((visibility("default")))
#endif

// C = activation(A·B + bias + beta·C) in float32. Any signed strides; C must not overlap an operand, nor itself.
GRADUS_EXPORT int32_t gradus_gemm(const int32_t *descriptor, const float *a, const float *b, float *c, const float *bias);

// One of a convolution's arrays, from the others: y, or the gradient of x or of w by that of y. A bias is added to y or x; with w it is
// written, the sums of y over all but its channels. Any signed strides; the result must not overlap an operand, nor itself.
GRADUS_EXPORT int32_t gradus_conv(const int32_t *descriptor, float *x, float *w, float *y, float *bias);

// out = op(x), element by element.
GRADUS_EXPORT int32_t gradus_unary(const int32_t *descriptor, const void *x, void *out);

// out = a op b, element by element.
GRADUS_EXPORT int32_t gradus_binary(const int32_t *descriptor, const float *a, const float *b, void *out);

// out = a where the mask is not 0, else b, element by element.
GRADUS_EXPORT int32_t gradus_where(const int32_t *descriptor, const uint8_t *mask, const float *a, const float *b, float *out);

// One result for each of `outer` times `kept`; float32, but int32 for ARGMAX and ARGMIN.
GRADUS_EXPORT int32_t gradus_reduce(const int32_t *descriptor, const float *x, void *out);

// out = g ⊙ op′, where y is the result of an ACTIVATION and the input of an INPUT_ACTIVATION; and db the sums of out over the rows.
// All dense; out may be g.
GRADUS_EXPORT int32_t gradus_activation_backward(const int32_t *descriptor, const float *g, const float *y, float *out, float *db);

// The mean of −ln softmax(z)[target] into answer[0], and (softmax(z) − onehot) / rows into dz, which may be z.
// After GRADUS_BAD_INDEX answer[0] is the target that is none.
GRADUS_EXPORT int32_t gradus_cross_entropy(const int32_t *descriptor, const float *z, const int32_t *targets, float *dz, double *answer);

// One step of an optimiser over `count` slots of the table; their arrays must not overlap.
GRADUS_EXPORT int32_t gradus_update(int32_t kind, const double *settings, const int64_t *table, int32_t count);

// The largest element or the mean of each window of x [planes, h, w] into out [planes, rows, cols]; for POOL_MAX, if at is there, the
// index of each within its plane, −1 where a window covers nothing. Ties go to the first, and NaN is larger than all.
GRADUS_EXPORT int32_t gradus_pool(const int32_t *descriptor, const float *x, float *out, int32_t *at);

// The gradient of x by that of the results. After GRADUS_BAD_INDEX a place lies in no plane, and nothing was written.
GRADUS_EXPORT int32_t gradus_pool_backward(const int32_t *descriptor, const float *g, const int32_t *at, float *dx);

// y = relu((x − mean) / √(variance + eps) · weight + bias), or without relu, for each channel of x [n, c, l]. In training mean and
// variance, the first two of the four rows of stats, are written first.
GRADUS_EXPORT int32_t gradus_batch_norm(const int32_t *descriptor, const float *x, float *stats, float *y);

// The gradients of x, which may be missing, weight and bias. What relu let pass is computed again.
GRADUS_EXPORT int32_t gradus_batch_norm_backward(const int32_t *descriptor, const float *g, const float *x, const float *stats, float *dx, float *dw, float *db);

// out = e^x / Σe^x of each row, or its logarithm.
GRADUS_EXPORT int32_t gradus_softmax(const int32_t *descriptor, const float *x, float *out);

// The gradient of x by that of the result, y.
GRADUS_EXPORT int32_t gradus_softmax_backward(const int32_t *descriptor, const float *g, const float *y, float *out);

// y = (x − mean) / √(variance + eps) · weight + bias for each row. The means and then 1 / √(variance + eps) are written into stats.
GRADUS_EXPORT int32_t gradus_layer_norm(const int32_t *descriptor, const float *x, const float *weight, const float *bias, float *stats, float *y);

// The gradients of x, which may be missing, and, with weight and bias, theirs: the two rows of sums.
GRADUS_EXPORT int32_t gradus_layer_norm_backward(const int32_t *descriptor, const float *g, const float *x, const float *weight, const float *stats, float *dx, double *sums);
// y = softmax(scale · q kᵀ + mask) v, with the weights multiplied by the factors; rows that see nothing become zeros. The columns of all
// but the mask lie side by side.
GRADUS_EXPORT int32_t gradus_attention(const int32_t *descriptor, const float *q, const float *k, const float *v, const float *mask, float *aux, float *y);

// The gradients of q, k and v, which stand in one buffer, by g, that of y.
GRADUS_EXPORT int32_t gradus_attention_backward(const int32_t *descriptor, const float *q, const float *k, const float *v, const float *mask, const float *aux, const float *y, const float *g, float *out);

#if !defined(__wasm__) // for these there is nothing to do there, or copying into another memory would cost more than the work
// To be called first: GRADUS_OK if this CPU has the instructions that the kernels were compiled for. If so, memory that is freed
// stays with the process from now on, to be used again, in blocks of up to 32 MB.
GRADUS_EXPORT int32_t gradus_open(void);

// How many threads a call may use, from 1 to 64, whoever makes it: there is one pool in a process. With `usual` it is set only where
// nobody has done so yet. The result is the number that holds, or 0 if the count is none. Closing the library ends the threads.
GRADUS_EXPORT int32_t gradus_threads(int32_t count, int32_t usual);

// Writes the address of an array, which the language cannot tell, into addresses[at].
GRADUS_EXPORT void gradus_address(int64_t *addresses, int32_t at, const float *array);

// Multiplies and adds in registers alone, `steps` times; the result is how many floating-point operations a step has.
GRADUS_EXPORT int32_t gradus_peak(int32_t steps);

// Gives free memory back to the system if there is more than 128 MB of it: blocks between others in use would stay for ever.
GRADUS_EXPORT void gradus_trim_memory(void);

// The product of float64, with the same descriptor; its activation must be ACTIVATION_NONE.
GRADUS_EXPORT int32_t gradus_dgemm(const int32_t *descriptor, const double *a, const double *b, double *c, const double *bias);

// Rows of x by their number, one after the other into out; bytes become what the table has for them, unless its length is 0.
// After GRADUS_BAD_INDEX answer[0] is the number that is none.
GRADUS_EXPORT int32_t gradus_gather(const int32_t *descriptor, const void *x, const int32_t *index, const float *table, void *out, double *answer);

// Each element of out [planes, rows, cols] from up to two rows and two columns of x [planes, h, w]; what has no weight is not read.
GRADUS_EXPORT int32_t gradus_resample(const int32_t *descriptor, const float *x, float *out);

// The gradient of x by that of the results.
GRADUS_EXPORT int32_t gradus_resample_backward(const int32_t *descriptor, const float *g, float *dx);

// The descriptor of a recurrent layer's steps, with how many sequences reach each of them after it.
enum { CELL_TANH, CELL_RELU, CELL_LSTM, CELL_GRU, CELL_COUNT };
enum {
  RECURRENT_CELL, RECURRENT_HIDDEN, RECURRENT_SEQUENCES, RECURRENT_STEPS, RECURRENT_REVERSE, RECURRENT_HAS_BIAS, RECURRENT_ROWS,
  RECURRENT_GATES_LENGTH, RECURRENT_WEIGHT_LENGTH, RECURRENT_STATES_LENGTH, RECURRENT_FIRST_LENGTH, RECURRENT_LENGTH, // with the sizes
  RECURRENT_SIZES
};

// All steps of a recurrent layer: the product of the state before each and the weight [hidden, gates · hidden] is added to the gates, which are
// activated, and the next state written. The bias, which may be missing, goes with a GRU's product for n.
GRADUS_EXPORT int32_t gradus_recurrent(const int32_t *descriptor, float *gates, const float *weight, const float *bias, float *states);

// The gradients of the gates and of the first states by g, those of all states; here the weight is [gates · hidden, hidden].
GRADUS_EXPORT int32_t gradus_recurrent_backward(const int32_t *descriptor, const float *g, const float *gates, const float *weight, const float *states, float *dgates, float *dfirst);

// Where the elements that index [outer, count, inner] names along the middle of [outer, size, inner] stand; those below 0 count from the
// end. After GRADUS_BAD_INDEX answer[0] is the one that is out of range.
GRADUS_EXPORT int32_t gradus_places(const int32_t *descriptor, const int32_t *index, int32_t *out, double *answer);

// Adds rows of g to those of out by their number, one after the other. After GRADUS_BAD_INDEX answer[0] is the number that is none.
GRADUS_EXPORT int32_t gradus_scatter_add(const int32_t *descriptor, const float *g, const int32_t *index, float *out, double *answer);

// Running sums, or products, along the middle of [outer, count, inner].
GRADUS_EXPORT int32_t gradus_scan(const int32_t *descriptor, const float *x, float *out);

// The order of each row, stable, with NaN as the largest; no more than the first need be written.
GRADUS_EXPORT int32_t gradus_order(const int32_t *descriptor, const float *x, int32_t *order);

// Any of these functions by its number: the language takes a quarter of a millisecond to make a function callable, at every start. The
// descriptor and the pointers come in the function's own order; what is no pointer there is taken from the descriptor.
enum {
  CALL_OPEN, CALL_THREADS, CALL_PEAK, CALL_TRIM_MEMORY, CALL_CONV, CALL_WHERE, CALL_REDUCE, CALL_GATHER, CALL_ACTIVATION_BACKWARD,
  CALL_CROSS_ENTROPY, CALL_UPDATE, CALL_POOL, CALL_POOL_BACKWARD, CALL_RESAMPLE, CALL_RESAMPLE_BACKWARD, CALL_BATCH_NORM,
  CALL_BATCH_NORM_BACKWARD, CALL_ADDRESS, CALL_DGEMM, CALL_RECURRENT, CALL_RECURRENT_BACKWARD, CALL_SOFTMAX, CALL_SOFTMAX_BACKWARD,
  CALL_LAYER_NORM, CALL_LAYER_NORM_BACKWARD, CALL_PLACES, CALL_SCATTER_ADD, CALL_SCAN, CALL_ORDER,
  CALL_ATTENTION, CALL_ATTENTION_BACKWARD
};
GRADUS_EXPORT int32_t gradus_call(int32_t function, const int32_t *descriptor, void *p1, void *p2, void *p3, void *p4, void *p5, void *p6, void *p7, void *p8);
#endif

#endif
