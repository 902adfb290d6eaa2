/** The type of a rule: the derivative of one operation. */
import type { OpName, OpSettings } from "../../core/record.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** What a rule can read of the operation. Reading an input or output throws if it was written in place since then. */
export interface BackwardStep<S> {
  /** The first input. */
  readonly a: Tensor;
  /** The second input. */
  readonly b: Tensor;
  /** The input at a place, for operations of more than two. */
  input(place: number): Tensor;
  /** The output. */
  readonly y: Tensor;
  /** The first input's shape, for rules that need nothing else of it. */
  readonly shape: Shape;
  /** The operation's arguments that are not tensors. */
  readonly settings: S;
  /** For each input, whether it requires a gradient; a rule may return `null` for the others. */
  readonly needsInputGrad: readonly boolean[];
  /** Whether the gradients are to have gradients of their own: then the inputs and the output have their history. */
  readonly isRecorded: boolean;
}

/**
 * From the gradient of the output, those of the inputs (a vector-Jacobian product). Broadcasting is undone by the tape, never here.
 *
 * A rule can itself be differentiated: it is made of recorded operations. What a back end computes in one pass is an operation too, or has
 * a twin of several for the case that the step `isRecorded`.
 */
export type Rule<K extends OpName> = (g: Tensor, step: BackwardStep<OpSettings[K]>) => readonly (Tensor | null)[];

/** A rule that no gradient goes back through: one that was made by it throws, with the operation's name, when it is differentiated. */
interface OnceRule<K extends OpName> {
  /** The rule. */
  readonly once: Rule<K>;
}

/** Stands for the rule of an operation that has no derivative, as comparisons and `argmax`. */
export const notDifferentiable = "not differentiable";

/** The derivative of an operation, and whether it has one itself. */
export type Derivative<K extends OpName> = Rule<K> | OnceRule<K> | typeof notDifferentiable;

/** A rule, one that is differentiable once, or {@linkcode notDifferentiable}, for each operation of `K`. */
export type Rules<K extends OpName> = { readonly [P in K]: Derivative<P> };
