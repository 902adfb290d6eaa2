/**
 * The seam to the calculus: every primitive operation is announced here, and whoever listens may remember it.
 *
 * `core/` never imports `backward/`: the tape registers itself when it is loaded. Without it nothing is recorded.
 */
import { checkOptions, type OptionKinds, requireTensor } from "./arguments.ts";
import type { Activation, BinaryOp, ReduceOp, UnaryOp } from "./backend/backend.ts";
import { isFloating } from "./dtype.ts";
import { show } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** An operation that was told nothing beside its tensors. */
export type Nothing = Record<never, never>;

/**
 * What each primitive operation was told beside its tensors; its keys are all the operations there are. A tensor that the step back
 * reads is an input, also where it carries no gradient: only inputs are known to be as they were.
 */
export type OpSettings =
  & Record<UnaryOp, { readonly low: number; readonly high: number }>
  & Record<BinaryOp, Nothing>
  & Record<ReduceOp, { readonly dims: readonly number[] }>
  & {
    cast: Nothing;
    reshape: Nothing;
    permute: { readonly order: readonly number[] };
    expand: Nothing;
    /** A part of a tensor; `again` takes the same part of another one of that shape. */
    window: { readonly again: (x: Tensor) => Tensor };
    /** The extreme of the first input along one dimension, where the second, of whole numbers, says it stands. */
    extreme: { readonly dim: number };
    /** Layers along dimension 0, by index. */
    gather: { readonly rows: Int32Array };
    /** Running sums along one dimension. */
    cumsum: { readonly dim: number };
    /** The second input where the first, a mask, is true, and the third elsewhere. */
    where: Nothing;
    /** Inputs one after the other along one dimension, where they have these sizes. */
    cat: { readonly dim: number; readonly sizes: readonly number[] };
    matmul: Nothing;
    /** `activation(x @ w + bias)` with the inputs in that order, the last one optional; `turned`: w is [out, in]. */
    linear: { readonly activation: Activation; readonly turned: boolean };
    /** The mean cross-entropy of the first input, logits, and the second, their classes. */
    crossEntropy: Nothing;
  };

/** The name of a primitive operation. */
export type OpName = keyof OpSettings;

/** How a value was made: enough to send a gradient back to what it was made from. */
export interface OpNode {
  /** What made it: the name of a primitive operation, or of a class derived from `Function`. */
  readonly name: string;
  /** What it was made from. */
  readonly inputs: readonly Tensor[];
  /** The gradients of the inputs from the gradient of the value; `null` where there is none, or none is wanted. */
  back(g: Tensor): readonly (Tensor | null)[];
  /** Lets go of everything the step back would need. */
  release(): void;
}

/** What `backward()` may be told. */
export interface BackwardOptions {
  /** Whether the way back is recorded too. It cannot be yet: only PyTorch's default, `false`, is accepted. */
  createGraph?: false;
  /** The gradient to begin with; 1 for a single number unless told. */
  gradient?: Tensor;
  /** Keep what the way back needs, so that it can be gone again. */
  retainGraph?: boolean;
}

/** Whoever remembers operations. */
export interface Recorder {
  /** Called after an operation of which at least one input wants a gradient. */
  record<K extends OpName>(op: K, out: Tensor, inputs: readonly Tensor[], settings: OpSettings[K]): void;
  /** Called before `out` is written in place with values that come from `x`; throws where that would lose a gradient. */
  beforeEdit(out: Tensor, x: Tensor, verb: string): void;
  /** Sends the gradient of `x` back to everything it was made from. */
  backward(x: Tensor, options: BackwardOptions): void;
}

let recorder: Recorder | null = null;

/** Called once, by the tape. */
export function registerRecorder(next: Recorder): void {
  recorder = next;
}

const NOTHING: Nothing = {};

/** Announces that `out` was made from `inputs`, and returns it. */
export function record<K extends OpName>(
  op: K,
  out: Tensor,
  inputs: readonly Tensor[],
  settings: OpSettings[K] = NOTHING as OpSettings[K],
): Tensor {
  if (recorder === null) return out;
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i].requiresGrad) {
      recorder.record(op, out, inputs, settings);
      break;
    }
  }
  return out;
}

/**
 * Says whether operations on `x` are to be recorded.
 *
 * @throws {TypeError} If it is of an integer kind, which carries no gradient.
 * @throws {Error} If it is to want none, but was made from what wants one.
 */
export function wantGradient<T extends Tensor>(x: T, wanted: boolean): T {
  if (wanted && !isFloating(x.dtype)) {
    throw new TypeError(
      `Cannot require a gradient of a ${x.dtype} tensor of shape ${
        show(x.shape)
      }: only floats carry one, cast it first with float()`,
    );
  }
  if (!wanted && x.node !== null) {
    throw new Error(`Cannot take the gradient away from ${origin(x.node)}: use detach()`);
  }
  x.requiresGrad = wanted;
  return x;
}

/** What made a value, as messages call it. */
export function origin(node: OpNode): string {
  return node.name === "window" ? "a view made by at(), narrow(), select() or slice()" : `the result of ${node.name}`;
}

const KINDS: OptionKinds<BackwardOptions> = { retainGraph: "boolean" };

/**
 * Sends gradients back from `x`; the tape must be loaded.
 *
 * @throws {TypeError} If an option is unknown, or asks for gradients of gradients, which are not there yet.
 */
export function goBack(x: Tensor, options: BackwardOptions): void {
  if (Object(options).createGraph) {
    throw new TypeError(
      "Cannot go backward with createGraph: the way back is not recorded, so that a gradient has no gradient of its own; " +
        "leave it out",
    );
  }
  checkOptions("go backward", options, ["gradient", "retainGraph", "createGraph"], KINDS);
  if (options.gradient !== undefined) requireTensor(options.gradient, "go backward with the gradient");
  if (recorder === null) {
    throw new Error("Cannot go backward: nothing was recorded, import the tape (backward/tape.ts) first");
  }
  recorder.backward(x, options);
}

/** Announces that `out` is about to be written in place, and counts the edit for every view of that memory. */
export function bumpVersion<T extends Tensor>(out: T, x: Tensor, verb: string): T {
  if (recorder !== null && (out.requiresGrad || x.requiresGrad)) recorder.beforeEdit(out, x, verb);
  out.version.count++;
  return out;
}
