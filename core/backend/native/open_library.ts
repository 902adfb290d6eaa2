/** What can be called in the native library, and what opens it here: Deno's own, `bun:ffi`, or the package koffi in Node.js. This is the only file that opens the kernel. */
import { nodeModule, nodeProcess } from "../../host/host.ts";

/** Every symbol that is opened: few, because Deno takes a quarter of a millisecond to make one callable. */
export const SYMBOLS = {
  // int32_t gradus_gemm(const int32_t *descriptor, const float *a, const float *b, float *c, const float *bias)
  gradus_gemm: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_unary(const int32_t *descriptor, const void *x, void *out)
  gradus_unary: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_binary(const int32_t *descriptor, const float *a, const float *b, void *out)
  gradus_binary: { parameters: ["buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_call(int32_t function, const int32_t *descriptor, void *p1, void *p2, void *p3, void *p4, void *p5, void *p6,
  // void *p7, void *p8)
  gradus_call: {
    parameters: ["i32", "buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
} as const;

/** The functions behind `gradus_call`, by their numbers in `kernels.h`. */
export const CALLS = {
  ...{ gradus_open: 0, gradus_threads: 1, gradus_peak: 2, gradus_trim_memory: 3, gradus_conv: 4, gradus_where: 5 },
  ...{ gradus_reduce: 6, gradus_gather: 7, gradus_activation_backward: 8, gradus_cross_entropy: 9, gradus_update: 10 },
  ...{ gradus_pool: 11, gradus_pool_backward: 12, gradus_resample: 13, gradus_resample_backward: 14 },
  ...{ gradus_batch_norm: 15, gradus_batch_norm_backward: 16, gradus_address: 17, gradus_dgemm: 18 },
  ...{ gradus_recurrent: 19, gradus_recurrent_backward: 20 },
  ...{ gradus_softmax: 21, gradus_softmax_backward: 22, gradus_layer_norm: 23, gradus_layer_norm_backward: 24 },
  ...{ gradus_places: 25, gradus_scatter_add: 26, gradus_scan: 27, gradus_order: 28 },
  ...{ gradus_attention: 29, gradus_attention_backward: 30 },
} as const;

/** Those that the wasm module has too; for the others there is nothing to do there, or copying would cost more than the work. */
export const WASM_SYMBOLS = [
  "gradus_gemm",
  "gradus_conv",
  "gradus_unary",
  "gradus_binary",
  "gradus_where",
  "gradus_reduce",
  "gradus_activation_backward",
  "gradus_cross_entropy",
  "gradus_update",
  "gradus_pool",
  "gradus_pool_backward",
  "gradus_batch_norm",
  "gradus_batch_norm_backward",
  "gradus_softmax",
  "gradus_softmax_backward",
  "gradus_layer_norm",
  "gradus_layer_norm_backward",
  "gradus_attention",
  "gradus_attention_backward",
] as const;

/** Memory that C may be handed: never shared with another wasm instance, and of fixed length. */
export type Buffer = Float32Array<ArrayBuffer>;

/** Stands where an operand is missing: a pointer that C does not follow. */
export const NOTHING: Buffer = new Float32Array(1);

type Ints = Int32Array<ArrayBuffer>;
type Bytes = Uint8Array<ArrayBuffer>;
type Doubles = Float64Array<ArrayBuffer>;

/** The symbols of a library that is open. */
type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The functions of a library that is open, as `kernels.h` declares them: its symbols, and what is behind `gradus_call`. */
export interface Functions extends Omit<Symbols, "gradus_call"> {
  gradus_open(): number;
  gradus_threads(count: number, usual: number): number;
  gradus_peak(steps: number): number;
  gradus_trim_memory(): void;
  gradus_address(addresses: BigInt64Array<ArrayBuffer>, at: number, array: Buffer): void;
  gradus_dgemm(descriptor: Ints, a: Doubles, b: Doubles, c: Doubles, bias: Doubles | Buffer): number;
  gradus_conv(descriptor: Ints, x: Buffer, w: Buffer, y: Buffer, bias: Buffer): number;
  gradus_where(descriptor: Ints, mask: Bytes, a: Buffer, b: Buffer, out: Buffer): number;
  gradus_reduce(descriptor: Ints, x: Buffer, out: Buffer): number;
  gradus_gather(descriptor: Ints, x: Buffer, index: Ints, table: Buffer, out: Buffer, answer: Doubles): number;
  gradus_activation_backward(descriptor: Ints, g: Buffer, y: Buffer, out: Buffer, db: Buffer): number;
  gradus_cross_entropy(descriptor: Ints, z: Buffer, targets: Ints, dz: Buffer, answer: Doubles): number;
  gradus_update(kind: number, settings: Doubles, table: BigInt64Array<ArrayBuffer>, count: number): number;
  gradus_pool(descriptor: Ints, x: Buffer, out: Buffer, at: Ints): number;
  gradus_pool_backward(descriptor: Ints, g: Buffer, at: Ints, dx: Buffer): number;
  gradus_resample(descriptor: Ints, x: Buffer, out: Buffer): number;
  gradus_resample_backward(descriptor: Ints, g: Buffer, dx: Buffer): number;
  gradus_batch_norm(descriptor: Ints, x: Buffer, stats: Buffer, y: Buffer): number;
  gradus_batch_norm_backward(
    descriptor: Ints,
    g: Buffer,
    x: Buffer,
    stats: Buffer,
    dx: Buffer,
    dw: Buffer,
    db: Buffer,
  ): number;
  gradus_recurrent(descriptor: Ints, gates: Buffer, weight: Buffer, bias: Buffer, states: Buffer): number;
  gradus_recurrent_backward(
    descriptor: Ints,
    g: Buffer,
    gates: Buffer,
    weight: Buffer,
    states: Buffer,
    dgates: Buffer,
    dfirst: Buffer,
  ): number;
  gradus_places(descriptor: Ints, index: Ints, out: Ints, answer: Doubles): number;
  gradus_scatter_add(descriptor: Ints, g: Buffer, index: Ints, out: Buffer, answer: Doubles): number;
  gradus_scan(descriptor: Ints, x: Buffer, out: Buffer): number;
  gradus_order(descriptor: Ints, x: Buffer, order: Ints): number;
  gradus_softmax(descriptor: Ints, x: Buffer, out: Buffer): number;
  gradus_softmax_backward(descriptor: Ints, g: Buffer, y: Buffer, out: Buffer): number;
  gradus_layer_norm(descriptor: Ints, x: Buffer, weight: Buffer, bias: Buffer, stats: Buffer, y: Buffer): number;
  gradus_layer_norm_backward(
    descriptor: Ints,
    g: Buffer,
    x: Buffer,
    weight: Buffer,
    stats: Buffer,
    dx: Buffer,
    sums: Doubles,
  ): number;
  gradus_attention(
    descriptor: Ints,
    q: Buffer,
    k: Buffer,
    v: Buffer,
    mask: Buffer,
    aux: Buffer,
    y: Buffer,
  ): number;
  gradus_attention_backward(
    descriptor: Ints,
    q: Buffer,
    k: Buffer,
    v: Buffer,
    mask: Buffer,
    aux: Buffer,
    y: Buffer,
    g: Buffer,
    out: Buffer,
  ): number;
}

/** Gives each function behind `gradus_call` its own name and parameters. */
export function functionsOf(symbols: Symbols): Functions {
  const { gradus_gemm, gradus_unary, gradus_binary, gradus_call } = symbols;
  type Pointer = BufferSource;
  const call = (
    ...[code, d, p1, p2, p3, p4, p5, p6, p7 = NOTHING, p8 = NOTHING]: [
      ...[code: number, d: Ints, p1: Pointer, p2: Pointer, p3: Pointer, p4: Pointer, p5: Pointer, p6: Pointer],
      ...[p7?: Pointer, p8?: Pointer],
    ]
  ) => gradus_call(code, d, p1, p2, p3, p4, p5, p6, p7, p8);
  const ints = new Int32Array(2);
  const withInts = (code: number, first: number, second: number, p1: BufferSource, p2: BufferSource) => {
    ints[0] = first, ints[1] = second;
    return call(code, ints, p1, p2, NOTHING, NOTHING, NOTHING, NOTHING);
  };
  const of2 = (code: number) => (d: Ints, p1: Buffer, p2: BufferSource) =>
    call(code, d, p1, p2, NOTHING, NOTHING, NOTHING, NOTHING);
  const of3 = (code: number) => (d: Ints, p1: BufferSource, p2: BufferSource, p3: BufferSource) =>
    call(code, d, p1, p2, p3, NOTHING, NOTHING, NOTHING);
  const of4 = (code: number) => (d: Ints, p1: BufferSource, p2: BufferSource, p3: BufferSource, p4: BufferSource) =>
    call(code, d, p1, p2, p3, p4, NOTHING, NOTHING);
  return {
    gradus_gemm,
    gradus_unary,
    gradus_binary,
    gradus_open: () => withInts(CALLS.gradus_open, 0, 0, NOTHING, NOTHING),
    gradus_threads: (count, usual) => withInts(CALLS.gradus_threads, count, usual, NOTHING, NOTHING),
    gradus_peak: (steps) => withInts(CALLS.gradus_peak, steps, 0, NOTHING, NOTHING),
    gradus_trim_memory: () => void withInts(CALLS.gradus_trim_memory, 0, 0, NOTHING, NOTHING),
    gradus_address: (addresses, at, array) => void withInts(CALLS.gradus_address, at, 0, addresses, array),
    gradus_update: (kind, settings, table, count) => withInts(CALLS.gradus_update, kind, count, settings, table),
    gradus_dgemm: of4(CALLS.gradus_dgemm),
    gradus_conv: of4(CALLS.gradus_conv),
    gradus_where: of4(CALLS.gradus_where),
    gradus_reduce: of2(CALLS.gradus_reduce),
    gradus_gather: (d, p1, p2, p3, p4, p5) => call(CALLS.gradus_gather, d, p1, p2, p3, p4, p5, NOTHING),
    gradus_activation_backward: of4(CALLS.gradus_activation_backward),
    gradus_cross_entropy: of4(CALLS.gradus_cross_entropy),
    gradus_pool: of3(CALLS.gradus_pool),
    gradus_pool_backward: of3(CALLS.gradus_pool_backward),
    gradus_resample: of2(CALLS.gradus_resample),
    gradus_resample_backward: of2(CALLS.gradus_resample_backward),
    gradus_batch_norm: of3(CALLS.gradus_batch_norm),
    gradus_places: of3(CALLS.gradus_places),
    gradus_scatter_add: of4(CALLS.gradus_scatter_add),
    gradus_scan: of2(CALLS.gradus_scan),
    gradus_order: of2(CALLS.gradus_order),
    gradus_softmax: of2(CALLS.gradus_softmax),
    gradus_softmax_backward: of3(CALLS.gradus_softmax_backward),
    gradus_layer_norm: (d, p1, p2, p3, p4, p5) => call(CALLS.gradus_layer_norm, d, p1, p2, p3, p4, p5, NOTHING),
    gradus_layer_norm_backward: (d, p1, p2, p3, p4, p5, p6) =>
      call(CALLS.gradus_layer_norm_backward, d, p1, p2, p3, p4, p5, p6),
    gradus_batch_norm_backward: (d, p1, p2, p3, p4, p5, p6) =>
      call(CALLS.gradus_batch_norm_backward, d, p1, p2, p3, p4, p5, p6),
    gradus_recurrent: of4(CALLS.gradus_recurrent),
    gradus_recurrent_backward: (d, p1, p2, p3, p4, p5, p6) =>
      call(CALLS.gradus_recurrent_backward, d, p1, p2, p3, p4, p5, p6),
    gradus_attention: (d, p1, p2, p3, p4, p5, p6) => call(CALLS.gradus_attention, d, p1, p2, p3, p4, p5, p6),
    gradus_attention_backward: (d, p1, p2, p3, p4, p5, p6, p7, p8) =>
      call(CALLS.gradus_attention_backward, d, p1, p2, p3, p4, p5, p6, p7, p8),
  };
}

/** An open library. */
interface Library {
  readonly symbols: Symbols;
  close(): void;
}

/** What opens libraries here. */
interface Opener {
  /** Its name, where it is not the runtime itself. */
  readonly name: string;
  /** Opens a library by its absolute path; throws if it cannot. */
  open(path: string): Library;
}

/**
 * What opens libraries here. It is loaded now, and not at import.
 *
 * @throws {Error} If there is nothing; the message says what is missing.
 */
export function libraryOpener(): Opener {
  if (typeof Deno !== "undefined") return { name: "", open: (path) => Deno.dlopen(path, SYMBOLS) };
  return nodeProcess()?.versions?.bun === undefined ? koffiOpener() : bunOpener();
}

/** The parts of `bun:ffi` that are used. */
interface BunFfi {
  dlopen(path: string, symbols: Record<string, { args: readonly string[]; returns: string }>): Library;
}

function bunOpener(): Opener {
  const ffi = nodeProcess()?.getBuiltinModule?.("bun:ffi") as BunFfi | undefined;
  if (ffi === undefined) throw new Error("this version of Bun does not give bun:ffi at once, take a later one");
  const symbols = Object.entries(SYMBOLS).map((
    [name, { parameters, result }],
  ) => [name, { args: parameters, returns: result }]);
  return { name: "bun:ffi", open: (path) => ffi.dlopen(path, Object.fromEntries(symbols)) };
}

/** The parts of koffi that are used. */
interface Koffi {
  load(path: string): { func(name: string, result: string, parameters: readonly string[]): unknown; unload(): void };
}

/** Koffi's names for what Deno and Bun call alike. */
const KOFFI_TYPES = { buffer: "void *", i32: "int32_t", void: "void" } as const;

function koffiOpener(): Opener {
  const { load } = requireKoffi();
  const open = (path: string) => {
    const library = load(path);
    const symbols = Object.entries(SYMBOLS).map(([name, { parameters, result }]) => {
      return [name, library.func(name, KOFFI_TYPES[result], parameters.map((type) => KOFFI_TYPES[type]))];
    });
    return { symbols: Object.fromEntries(symbols), close: () => library.unload() };
  };
  return { name: "koffi", open };
}

function requireKoffi(): Koffi {
  const from = import.meta.url ?? nodeProcess()!.argv[1]; // a bundle in the old format of Node.js does not know its own place
  try {
    return nodeModule("node:module").createRequire(from)("koffi");
  } catch (error) {
    if ((error as { code?: string }).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error("koffi is not installed, by which Node.js opens libraries (npm install koffi)");
  }
}
