/** What a rule is: one step back through one operation. */
import type { OpName, OpSettings } from "../../core/record.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** What a rule may read of the step it undoes. Reading a value that was edited in place since then throws. */
export interface Step<S> {
  /** The first input. */
  readonly a: Tensor;
  /** The second input. */
  readonly b: Tensor;
  /** What came out. */
  readonly y: Tensor;
  /** The first input's shape, which no edit changes. */
  readonly shape: Shape;
  /** What the operation was told. */
  readonly settings: S;
  /** Which inputs want a gradient; a rule may answer `null` for the others. */
  readonly wants: readonly boolean[];
}

/** Upstream gradient in, gradients of the inputs out. Broadcasting is undone by the tape, never here. */
export type Rule<K extends OpName> = (g: Tensor, step: Step<OpSettings[K]>) => readonly (Tensor | null)[];

/** Marks an operation that has no derivative: its result is a choice or a place, not a quantity. */
export const notDifferentiable = "not differentiable";

/** A rule for each operation of `K`, or the statement that there is none. */
export type Rules<K extends OpName> = { readonly [P in K]: Rule<P> | typeof notDifferentiable };
