/**
 * Rung 8, native code. Idea: BLIS's five loops and one micro-kernel in C, compiled here for this very CPU.
 * What changed: full-width vectors and fused multiply-add, blocks sized for each cache, no copy on the way in.
 * What it should buy: most of what the core can do; `deno task doctor` prints how much.
 */
import { backendNamed } from "../backend/choose.ts";
import { product } from "../ops/linalg.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** The product by the compiled kernel; throws where there is none. */
export function native(a: Tensor, b: Tensor): Tensor {
  checkProduct(a, b);
  return product(a, b, backendNamed("native"));
}
