/**
 * Rung 7, WebAssembly. Idea: the same C as rung 8, compiled to vector instructions that every browser has.
 * What changed: 4 floats an instruction, and a compiler that keeps the tile in vector registers; with relaxed SIMD, where the
 * engine has it, multiplied and added in one.
 * What it should buy: the vector width; operands are copied into the module's own memory first, which thin products feel.
 */
import { backendNamed } from "../backend/choose.ts";
import { product } from "../ops/linalg.ts";
import type { Tensor } from "../tensor.ts";
import { checkProduct } from "./check_product.ts";

/** The product by the kernel in WebAssembly; throws where there is none. */
export function wasm(a: Tensor, b: Tensor): Tensor {
  checkProduct(a, b);
  return product(a, b, backendNamed("wasm"));
}
