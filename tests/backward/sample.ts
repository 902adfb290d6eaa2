/** One sample of an operation, and numbers to make samples of. */
import { fromData, type Tensor, tensor } from "@gradus/gradus";
import { sizeOf } from "../../core/shape.ts";

/** A smooth function of some inputs, kinks kept away from. */
export interface Sample {
  f: (...inputs: Tensor[]) => Tensor;
  inputs: readonly Tensor[];
  /** Shapes of the inputs with nothing in them; none where the operation refuses that. */
  empty?: readonly (readonly number[])[];
  /** The step of the differences, where the usual one would be lost. */
  step?: number;
}

/** Numbers from 0.4 to 2.4 that look irregular, so that no two are equal and no quotient is whole. */
export function values(shape: readonly number[], seed: number): Tensor {
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => 0.4 + 2 * ((0.1234 * seed + 0.618034 * i) % 1));
  return fromData(data, shape);
}

/** Samples of one operation, by what is special about each. */
export type Samples = Record<string, Sample>;

/** A float64 matrix. */
export const float64 = (rows: number[][]): Tensor => tensor(rows, { dtype: "float64" });

/** Numbers of both signs. */
export const signed = float64([[0.45, -1.2, 2.1], [-0.3, 0.9, -2.4]]);
