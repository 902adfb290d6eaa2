/** Derivatives of views, casts and indexing: each element's gradient goes to the place that the element came from. */
import type { Rules } from "./rule.ts";
import { fromData } from "../../core/create.ts";
import { gather, gatherGradient, put } from "../../core/ops/index.ts";
import { windowGradient } from "../../core/ops/movement.ts";
import { newZeros } from "../../core/memory/allocate.ts";
import { where } from "../../core/ops/where.ts";
import { type Shape, sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `y = x.permute(order)`, so `dx` is `g` with the dimensions in their old order. */
function permuteBackward(g: Tensor, order: readonly number[]): [dx: Tensor] {
  return [g.permute(...order.map((_, d) => order.indexOf(d)))];
}

/** `y = a` where the mask is true, else b, so `da` is `g` there and 0 elsewhere, and `db` the reverse. */
function whereBackward(g: Tensor, mask: Tensor, needsInputGrad: readonly boolean[]): (Tensor | null)[] {
  return [needsInputGrad[0] ? where(mask, g, 0) : null, needsInputGrad[1] ? where(mask, 0, g) : null];
}

/** `y` is the inputs one after the other along `dim`, so each gets its part of `g`. */
function catBackward(g: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let end = 0;
  return sizes.map((size) => g.narrow(dim, (end += size) - size, size));
}

/** The operations of this file. */
type Movement = "cast" | "reshape" | "permute" | "expand" | "window" | "gather" | "put" | "where" | "cat";
/** Those that are derivatives of others: the rule of each is the operation itself, for both are linear. */
type Returns = "windowBackward" | "gatherBackward";

/** The rules of these operations. That of `expand` is the identity: the tape sums over repeated dimensions, as for all broadcasting. */
export const movementRules: Rules<Movement | Returns> = {
  cast: (g) => [g],
  reshape: (g, { shape }) => [g.reshape(...shape)],
  permute: (g, { settings }) => permuteBackward(g, settings.order),
  expand: (g) => [g],
  // y is a part of x: dx = g in that part and 0 elsewhere
  window: (g, { shape, settings }) => [windowGradient(g, shape, settings.apply)],
  windowBackward: (g, { settings }) => [settings.apply(g)],
  // y[i] = x[rows[i]]: each g[i] is added to row rows[i] of dx
  gather: (g, { shape, settings }) => [gatherGradient(g, shape, settings.rows)],
  gatherBackward: (g, { shape, settings }) => [gather(g, settings.rows, [settings.rows.length]).reshape(...shape)],
  // y is x but for the values at places: there x gets 0, and the values get g, also one that a later one replaced, as in PyTorch
  put: (g, { shape, settings: { places }, needsInputGrad }) => [
    needsInputGrad[0] ? put(g, places, newZeros([places.length], g.dtype)) : null,
    needsInputGrad[1] ? gather(g.reshape(sizeOf(shape)), places, [places.length]) : null,
  ],
  where: (g, { a, needsInputGrad }) => [null, ...whereBackward(g, a, needsInputGrad.slice(1))],
  cat: (g, { settings }) => catBackward(g, settings.dim, settings.sizes),
};

/** `y[i] = w[rows[i]]`, so `dw` adds each `g[i]` to its row, but for the padding row, which stays 0. */
export function embeddingBackward(g: Tensor, shape: Shape, rows: Int32Array, padding: number | null): [dw: Tensor] {
  if (padding === null) return [gatherGradient(g, shape, rows)];
  const counts = fromData(Uint8Array.from(rows, (row) => Number(row !== padding)), [rows.length, 1]).bool();
  const layers = g.reshape(rows.length, ...shape.slice(1));
  return [gatherGradient(where(counts, layers, 0), shape, rows)];
}
