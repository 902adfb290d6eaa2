/** What can be called in the native library. */

/** Every function, as `kernels.h` declares it: few, because Deno takes 0.2 ms to make one callable. */
export const SYMBOLS = {
  // int32_t gradus_open(void)
  gradus_open: { parameters: [], result: "i32" },
  // int32_t gradus_threads(int32_t count, int32_t usual)
  gradus_threads: { parameters: ["i32", "i32"], result: "i32" },
  // void gradus_address(int64_t *addresses, int32_t at, const float *array)
  gradus_address: { parameters: ["buffer", "i32", "buffer"], result: "void" },
  // void gradus_trim_memory(void)
  gradus_trim_memory: { parameters: [], result: "void" },
  // int32_t gradus_peak(int32_t steps)
  gradus_peak: { parameters: ["i32"], result: "i32" },
  // int32_t gradus_gemm(const int32_t *descriptor, const float *a, const float *b, float *c, const float *bias)
  gradus_gemm: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_conv(const int32_t *descriptor, float *x, float *w, float *y, float *bias)
  gradus_conv: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_unary(const int32_t *descriptor, const void *x, void *out)
  gradus_unary: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_binary(const int32_t *descriptor, const float *a, const float *b, void *out)
  gradus_binary: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_where(const int32_t *descriptor, const uint8_t *mask, const float *a, const float *b, float *out)
  gradus_where: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_reduce(const int32_t *descriptor, const float *x, void *out)
  gradus_reduce: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_gather(const int32_t *descriptor, const void *x, const int32_t *index, const float *table, void *out, double *answer)
  gradus_gather: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_activation_backward(const int32_t *descriptor, const float *g, const float *y, float *out, float *db)
  gradus_activation_backward: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_cross_entropy(const int32_t *descriptor, const float *z, const int32_t *targets, float *dz, double *answer)
  gradus_cross_entropy: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_update(int32_t kind, const double *settings, const int64_t *table, int32_t count)
  gradus_update: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
} as const;

/** Functions for images: made callable at the first use of one of them, since many programs have none. */
export const LATER_SYMBOLS = {
  // int32_t gradus_pool(const int32_t *descriptor, const float *x, float *out, int32_t *at)
  gradus_pool: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_pool_backward(const int32_t *descriptor, const float *g, const int32_t *at, float *dx)
  gradus_pool_backward: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_resample(const int32_t *descriptor, const float *x, float *out)
  gradus_resample: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_resample_backward(const int32_t *descriptor, const float *g, float *dx)
  gradus_resample_backward: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_batch_norm(const int32_t *descriptor, const float *x, float *stats, float *y)
  gradus_batch_norm: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_batch_norm_backward(const int32_t *descriptor, const float *g, const float *x, const float *stats, float *dx, float *dw, float *db)
  gradus_batch_norm_backward: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
} as const;

/** Those that the wasm module has too; for the others, copying into its memory would cost more than the work. */
export const WASM_SYMBOLS = [
  "gradus_gemm",
  "gradus_conv",
  "gradus_unary",
  "gradus_activation_backward",
  "gradus_pool",
  "gradus_pool_backward",
  "gradus_batch_norm",
  "gradus_batch_norm_backward",
] as const;

/** The functions of a library that is open. */
export type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Opens the functions for images, or gives those that are open. */
export type LaterSymbols = () => Deno.DynamicLibrary<typeof LATER_SYMBOLS>["symbols"];

/** Memory that C may be handed: never shared with another wasm instance, and of fixed length. */
export type Buffer = Float32Array<ArrayBuffer>;

/** Stands where an operand is missing: a pointer that C does not follow. */
export const NOTHING: Buffer = new Float32Array(1);
