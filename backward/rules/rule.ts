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
  /** The output. */
  readonly y: Tensor;
  /** The first input's shape, for rules that need nothing else of it. */
  readonly shape: Shape;
  /** The operation's arguments that are not tensors. */
  readonly settings: S;
  /** For each input, whether it requires a gradient; a rule may return `null` for the others. */
  readonly needsInputGrad: readonly boolean[];
}

/** From the gradient of the output, those of the inputs (a vector-Jacobian product). Broadcasting is undone by the tape, never here. */
export type Rule<K extends OpName> = (g: Tensor, step: BackwardStep<OpSettings[K]>) => readonly (Tensor | null)[];

/** Stands for the rule of an operation that has no derivative, as comparisons and `argmax`. */
export const notDifferentiable = "not differentiable";

/** A rule, or {@linkcode notDifferentiable}, for each operation of `K`. */
export type Rules<K extends OpName> = { readonly [P in K]: Rule<P> | typeof notDifferentiable };
