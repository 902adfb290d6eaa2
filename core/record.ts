/**
 * How operations reach the tape: every primitive operation calls `record()`, which passes it on to the tape if that is loaded.
 *
 * `core/` never imports `backward/`: the tape registers itself here when it is loaded. Without it nothing is recorded.
 */
import { checkOptions, type OptionTypes, requireTensor } from "./arguments.ts";
import type { Activation, BinaryOp, InputActivation, ReduceOp, UnaryOp } from "./backend/backend.ts";
import type { BatchNorm, Pooling, Resampling } from "./backend/planes.ts";
import type { CellKind, Recurrent } from "./backend/sequences.ts";
import { isFloating, type TypedArray } from "./dtype.ts";

import { show } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** The settings of an operation that has none. */
type NoSettings = Record<never, never>;

/** Where the elements of a shape stand in memory. */
export interface Layout {
  /** The sizes. */
  readonly shape: readonly number[];
  /** The steps between neighbours along each dimension. */
  readonly strides: readonly number[];
  /** Where the first element stands. */
  readonly offset: number;
}

/** Places along one dimension: from `start` on, `step` apart, as many as the view has; or the one at `start`, without its dimension. */
interface Cut {
  /** The dimension. */
  readonly dim: number;
  /** The first place. */
  readonly start: number;
  /** From a place to the next; below 0 backwards. */
  readonly step: number;
  /** Whether the dimension stays. */
  readonly keep: boolean;
}

/** Where windows stand in images; each pair is for rows and columns. */
export interface WindowSettings {
  /** The steps from one window to the next. */
  readonly stride: readonly [number, number];
  /** The steps from one place of the kernel to the next. */
  readonly dilation: readonly [number, number];
  /** The zeros above x and to the left of it. */
  readonly padding: readonly [number, number];
  /** The sizes of the kernel. */
  readonly kernel: readonly [number, number];
}

/** The settings of attention. */
export interface AttentionSettings {
  /** The factor of the products. */
  readonly scale: number;
  /** Query i sees the keys up to i + this; `null` for all. */
  readonly causal: number | null;
  /** Whether one input holds queries, keys and values. */
  readonly packed: boolean;
  /** The probability that a weight becomes 0, and where the stream stood; `null` for no dropout. */
  readonly dropout: { readonly p: number; readonly state: Uint8Array } | null;
  /** The logarithms of the sums of each query's exponentials, written. */
  readonly lse: TypedArray;
}

/** The settings of a convolution. */
export interface ConvSettings extends WindowSettings {
  /** In how many groups the channels are. */
  readonly groups: number;
  /** What is applied to the result. */
  readonly activation: Activation;
}

/**
 * The arguments of each primitive operation that are not tensors; the keys are the names of all operations. A tensor that the derivative
 * reads is an input of the operation even if it has no gradient, as the classes of a loss: only writes to inputs are noticed.
 */
export type OpSettings =
  & Record<UnaryOp, { readonly low: number; readonly high: number }>
  & Record<BinaryOp, NoSettings>
  & Record<ReduceOp, { readonly dims: readonly number[] }>
  & {
    cast: NoSettings;
    reshape: NoSettings;
    permute: { readonly order: readonly number[] };
    expand: NoSettings;
    /** A view of a part of a tensor; `apply` takes the same part of another tensor of that shape; `cut` is `null` for a diagonal. */
    window: { readonly apply: (x: Tensor) => Tensor; readonly cut: Cut | null };
    /** The maximum or minimum of the first input along one dimension; the second input holds its indices. */
    extreme: { readonly dim: number };
    /** Rows along dimension 0, by index. */
    gather: { readonly rows: Int32Array };
    /** The first input with the elements of the second at these places, counted in row-major order. */
    put: { readonly places: Int32Array };
    /** Running sums along one dimension. */
    cumsum: { readonly dim: number };
    /** Running products along one dimension. */
    cumprod: { readonly dim: number };
    /** The second input where the first, a mask, is true; the third elsewhere. */
    where: NoSettings;
    /** The inputs one after the other along one dimension, along which they have these sizes. */
    cat: { readonly dim: number; readonly sizes: readonly number[] };
    matmul: NoSettings;
    /** `activation(x @ w + bias)` with the inputs in that order, the last one optional; `transposed`: w is [out, in]. */
    linear: { readonly activation: Activation; readonly transposed: boolean };
    /** `activation(x ⋆ weight + bias)` of images, with the inputs in that order, the last one optional. */
    conv: ConvSettings;
    /** `activation(bias + …)` of the gradient of a convolution's x by its y; the inputs are y, weight and the bias, which is optional. */
    convTranspose: ConvSettings;
    /** The windows of images as columns, [n, channels · kernel, windows]. */
    im2col: WindowSettings;
    /** Columns of windows added up to images. */
    col2im: WindowSettings;
    /** The windows along one dimension, as a view with one dimension more. */
    unfold: { readonly dim: number; readonly size: number; readonly step: number };
    /** Any view of a tensor's memory; the source is the tensor itself. */
    asStrided: { readonly view: Layout; readonly source: Layout };
    /** The mean cross-entropy of logits, the first input, and classes, the second. */
    crossEntropy: NoSettings;
    /** The maxima of the first input's windows; the second input holds their places. */
    maxPool: Pooling;
    /** The means of windows. */
    avgPool: Pooling;
    /** Resized, or padded by its own elements. */
    resample: Resampling;
    /** The tensor with constants around it: so many before and after, for each dimension; negative ones take away. */
    pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };
    /** The first input normalised by channel; then its weight and bias, both or neither. `stats` is the verb's, written. */
    batchNorm: BatchNorm & { readonly stats: TypedArray };
    /**
     * A recurrent layer in one direction; the inputs are x, the weights of x and of the state, the first states, and both biases, which are
     * optional. `gates` are the verb's, written.
     */
    recurrence: Recurrent & { readonly gates: TypedArray };
    /** Attention by queries, keys and values, the first three inputs, or by one that holds them; then the mask, which is optional. */
    attention: AttentionSettings;
  }
  & DerivativeSettings;

/**
 * Derivatives that are one pass of their own, and so operations: that they can be differentiated again, they are recorded like all others.
 * The first input is the gradient that arrives.
 */
interface DerivativeSettings {
  /** `g · f′(y)` of an activation f, for the second input y: f's output or input. */
  activationBackward: { readonly op: DerivedActivation; readonly low: number; readonly high: number };
  /** Of each element of the input the product of all others over `dims`. */
  productsOfOthers: { readonly dims: readonly number[] };
  /** The gradient in the part of a tensor that `apply` takes, and 0 elsewhere. */
  windowBackward: { readonly apply: (x: Tensor) => Tensor };
  /** The gradient's rows added up at `rows`. */
  gatherBackward: { readonly rows: Int32Array };
  /** The windows along one dimension added up. */
  unfoldBackward: { readonly dim: number; readonly size: number; readonly step: number };
  /** `(softmax(z) − onehot(y)) / n` of logits z, the first input, and classes y, the second. */
  crossEntropyBackward: NoSettings;
  /** The gradient of a convolution's weight: the inputs are x and the gradient of y. */
  convWeightBackward: ConvSettings;
  /** The gradient of what was pooled; a second input holds the places of maxima. */
  poolBackward: Pooling;
  /** The gradient of what was resampled. */
  resampleBackward: Resampling;
}

/** An activation whose derivative is one pass of the back end. */
export type DerivedActivation = Exclude<Activation, "none"> | InputActivation;

/** The name of a primitive operation. */
export type OpName = keyof OpSettings;

/** The recorded operation that made a value: a node of the graph, as `grad_fn` is in PyTorch. */
export interface OpNode {
  /** The name of a primitive operation, or of a class derived from `Function`. */
  readonly name: string;
  /** What the value was made from. */
  readonly inputs: readonly Tensor[];
  /** The gradients of the inputs from the gradient of the value; `null` where there is none, or none is wanted. */
  backward(g: Tensor): readonly (Tensor | null)[];
  /** Drops the values that `backward` would read. */
  release(): void;
}

/** Options of `backward()`. */
export interface BackwardOptions {
  /**
   * Whether the backward pass is recorded, so that the gradients it leaves can be differentiated again. Recorded values are then kept.
   *
   * @default {false}
   */
  createGraph?: boolean;
  /**
   * The gradient of the tensor itself, of its shape.
   *
   * @default {1} for a tensor of one element; others need one
   */
  gradient?: Tensor;
  /**
   * Whether the recorded values are kept, so that `backward()` can be called again.
   *
   * @default {createGraph}
   */
  retainGraph?: boolean;
}

/** What the tape registers. */
interface Recorder {
  /** Whether operations are being recorded. */
  isRecording(): boolean;
  /** Called after an operation of which at least one input requires a gradient. */
  record<K extends OpName>(op: K, out: Tensor, inputs: readonly Tensor[], settings: OpSettings[K]): void;
  /** Called before `out` is written in place with values that come from `x`; throws where that would lose a gradient. */
  beforeWrite(out: Tensor, x: Tensor, verb: string): void;
  /** Writes y, which was made from `out`, into it, and gives it the history of y; throws where that cannot be. */
  rewrite(out: Tensor, y: Tensor, verb: string): void;
  /** Sends the gradient of `x` back to everything it was made from. */
  backward(x: Tensor, options: BackwardOptions): void;
}

let recorder: Recorder | null = null;

/** Called once, by the tape. */
export function registerRecorder(next: Recorder): void {
  recorder = next;
}

// Tracing: what a model is made of, for those who write it in another language.

/** The settings of functions that are made of several operations, and that other languages have as one. */
export interface FunctionSettings {
  /** `eˣ / Σeˣ` of the input. */
  softmax: { readonly dim: number };
  /** Its logarithm. */
  logSoftmax: { readonly dim: number };
  /** The mean of the input. */
  mean: { readonly dims: readonly number[] };
  /** The rows of the first input that the second names. */
  index: NoSettings;
  /** The input over its last dimensions, then weight and bias; both may be missing. */
  layerNorm: { readonly eps: number; readonly dims: number };
  /** The input over groups of channels; then weight and bias, which may be missing. */
  groupNorm: { readonly eps: number; readonly groups: number };
  /** The input over each channel of each sample; then weight and bias, which may be missing. */
  instanceNorm: { readonly eps: number };
  /** The input by the running mean and variance; then weight and bias, which may be missing. */
  channelNorm: { readonly eps: number; readonly activation: BatchNorm["activation"] };
  /** `conv` of sequences: the settings of rows say nothing. */
  conv1d: ConvSettings;
  /** `convTranspose` of sequences. */
  convTranspose1d: ConvSettings;
  /**
   * A recurrent network over x [length, batch, input], the first input: the states of the last layer as rows [length · batch, …], or the
   * last states h or c of all layers. Then come the first states h and c, which may be missing, and for each layer and direction the
   * weights of input and state and their biases, which may be missing.
   */
  recurrent: { readonly cell: CellKind; readonly bidirectional: boolean; readonly part: "y" | "h" | "c" };
}

/** What `traceWith` tells of every operation, whether the tape records it or not. */
export interface Tracer {
  /** `op` made `out`. A function is told after the operations it is made of, with the same `out` as the last of them. */
  made<K extends keyof FunctionSettings | OpName>(
    op: K,
    out: Tensor,
    inputs: readonly (Tensor | null)[],
    settings: (FunctionSettings & OpSettings)[K],
  ): void;
  /** Called before `out` is written in place with values of `x`. */
  beforeWrite(out: Tensor, x: Tensor, verb: string): void;
}

let tracer: Tracer | null = null;

/** Runs `body`, and tells `next` of every operation in it; returns what `body` returns. */
export function traceWith<T>(next: Tracer, body: () => T): T {
  const before = tracer;
  tracer = next;
  try {
    return body();
  } finally {
    tracer = before;
  }
}

/** Whether a tracer is told of operations: it keeps what they make. */
export function isTraced(): boolean {
  return tracer !== null;
}

/** Tells the tracer, where there is one, that several operations were one function; returns `out`. */
export function noteFunction<K extends keyof FunctionSettings>(
  name: K,
  out: Tensor,
  inputs: readonly (Tensor | null)[],
  settings: FunctionSettings[K],
): Tensor {
  tracer?.made(name, out, inputs, settings as never);
  return out;
}

const NO_SETTINGS: NoSettings = {};

/** Records that `op` made `out` from `inputs`, if one of them requires a gradient; returns `out`. */
export function record<K extends OpName>(
  op: K,
  out: Tensor,
  inputs: readonly Tensor[],
  settings: OpSettings[K] = NO_SETTINGS as OpSettings[K],
): Tensor {
  if (tracer !== null) tracer.made(op, out, inputs, settings as never);
  if (recorder === null) return out;
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i].requiresGrad) {
      recorder.record(op, out, inputs, settings);
      break;
    }
  }
  return out;
}

/** Whether `record()` would record an operation on these inputs: what is computed several at a time must then be so one by one. */
export function isRecorded(...inputs: readonly Tensor[]): boolean {
  return inputs.some((x) => x.requiresGrad) && recorder !== null && recorder.isRecording();
}

/**
 * Sets whether operations on `x` are recorded.
 *
 * @throws {TypeError} If its dtype is an integer one, which can have no gradient.
 * @throws {Error} If `required` is `false` and `x` was made from what requires a gradient.
 */
export function setRequiresGrad<T extends Tensor>(x: T, required: boolean): T {
  if (required && !isFloating(x.dtype)) {
    throw new TypeError(
      `Cannot require a gradient of a ${x.dtype} tensor of shape ${
        show(x.shape)
      }: only floats carry one, cast it first with float()`,
    );
  }
  if (!required && x.node !== null) {
    throw new Error(`Cannot take the gradient away from ${origin(x.node)}: use detach()`);
  }
  x.requiresGrad = required;
  return x;
}

/** A node as messages call it: what made a value. */
export function origin(node: OpNode): string {
  return node.name === "window" ? "a view made by at(), narrow(), select() or slice()" : `the result of ${node.name}`;
}

const KINDS: OptionTypes<BackwardOptions> = { retainGraph: "boolean", createGraph: "boolean" };

/**
 * Runs the backward pass from `x`; the tape must be loaded.
 *
 * @throws {TypeError} If an option is unknown.
 */
export function runBackward(x: Tensor, options: BackwardOptions): void {
  checkOptions("go backward", options, ["gradient", "retainGraph", "createGraph"], KINDS);
  if (options.gradient !== undefined) requireTensor(options.gradient, "go backward with the gradient");
  if (recorder === null) {
    throw new Error("Cannot go backward: nothing was recorded, import the tape (backward/tape.ts) first");
  }
  recorder.backward(x, options);
}

/**
 * Writes a recorded value y, which was made from `out` and has its shape, into `out`: gradients that arrive there from now on go back
 * through y, and those of what was made from `out` before do not.
 *
 * @throws {Error} If `out` is a leaf that requires a gradient, or a view.
 */
export function rewrite<T extends Tensor>(out: T, y: Tensor, verb: string): T {
  if (tracer !== null) tracer.beforeWrite(out, y, verb);
  recorder!.rewrite(out, y, verb);
  return out;
}

/** To be called before `out` is written in place with values of `x`: increments the version that all views of its memory share. */
export function bumpVersion<T extends Tensor>(out: T, x: Tensor, verb: string): T {
  if (tracer !== null) tracer.beforeWrite(out, x, verb);
  if (recorder !== null && (out.requiresGrad || x.requiresGrad)) recorder.beforeWrite(out, x, verb);
  out.version.count++;
  return out;
}
