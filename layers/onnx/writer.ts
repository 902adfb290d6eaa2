/** How an operation is written as nodes. */
import type { DType } from "../../core/dtype.ts";
import type { Shape } from "../../core/shape.ts";
import type { Dims } from "./dims.ts";
import type { GraphBuilder, Value } from "./graph_builder.ts";
import type { TracedOp, TracedSettings } from "./trace.ts";

/** An operation that is to be written. */
export interface Call<S> {
  readonly inputs: readonly (Value | null)[];
  /** The first input. */
  readonly x: Value;
  /** The sizes of the result. */
  readonly dims: Dims;
  /** Its sizes for the example. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly settings: S;
}

/**
 * Writes an operation, and returns the name of its result.
 *
 * @throws {Unwritable} If it cannot be written with these settings.
 */
export type Writer<S> = (graph: GraphBuilder, call: Call<S>) => string;

/** Writers by the operation. */
export type Writers<K extends TracedOp> = { readonly [N in K]: Writer<TracedSettings[N]> };

/** Why an operation cannot be written. */
export class Unwritable extends Error {}
