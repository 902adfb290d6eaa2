/**
 * The ladder: eight implementations of the matrix product, each a step faster than the one before, from the definition to native code;
 * and a second one, of convolutions.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { ladder } from "@gradus/gradus/ladder";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = [tensor([[1, 2]]), tensor([[3], [4]])];
 * assertEquals(ladder[0].multiply(a, b).toArray(), [[11]]);
 * ```
 * @module
 */
import type { BackendName } from "../backend/backend.ts";
import type { Tensor } from "../tensor.ts";
import { loops } from "./01_loops.ts";
import { rowDot } from "./02_row_dot.ts";
import { broadcast } from "./03_broadcast.ts";
import { einsumProduct } from "./04_einsum.ts";
import { flat } from "./05_flat.ts";
import { blocked } from "./06_blocked.ts";
import { wasm } from "./07_wasm.ts";
import { native } from "./08_native.ts";
export { convolutionLadder, type ConvolutionRung } from "../convolution/ladder.ts";
export type * from "../types.ts";

/** One implementation of the product. */
export interface Rung {
  /** Its number and name, as its file is called. */
  readonly name: string;
  /** The back end that it is timed on; for the rungs in TypeScript the reference, whose verbs are plain loops. */
  readonly backend: Exclude<BackendName, "auto">;
  /** `a @ b` for float32 matrices [m, k] and [k, n]. */
  readonly multiply: (a: Tensor, b: Tensor) => Tensor;
}

/** The rungs, slowest first. */
export const ladder: readonly Rung[] = [
  { name: "01_loops", backend: "reference", multiply: loops },
  { name: "02_row_dot", backend: "reference", multiply: rowDot },
  { name: "03_broadcast", backend: "reference", multiply: broadcast },
  { name: "04_einsum", backend: "reference", multiply: einsumProduct },
  { name: "05_flat", backend: "reference", multiply: flat },
  { name: "06_blocked", backend: "reference", multiply: blocked },
  { name: "07_wasm", backend: "wasm", multiply: wasm },
  { name: "08_native", backend: "native", multiply: native },
];
