/** Derivatives of views, casts and indexing: each element's gradient goes to the place that the element came from. */
import type { Rules } from "./rule.ts";
import { newZeros } from "../../core/memory/allocate.ts";
import { where } from "../../core/ops/where.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `y = x.permute(order)`, so `dx` is `g` with the dimensions in their old order. */
function permuteBackward(g: Tensor, order: readonly number[]): [dx: Tensor] {
  return [g.permute(...order.map((_, d) => order.indexOf(d)))];
}

/** `y` is a part of x, so `dx` is `g` in that part and 0 elsewhere. */
function windowBackward(g: Tensor, shape: Shape, apply: (x: Tensor) => Tensor): [dx: Tensor] {
  const dx = newZeros(shape, g.dtype);
  apply(dx).copy_(g);
  return [dx];
}

/** `y[i] = x[rows[i]]`, so each `g[i]` is added to row `rows[i]` of `dx`, which is 0 at first. */
function gatherBackward(g: Tensor, shape: Shape, rows: Int32Array): [dx: Tensor] {
  const dx = newZeros(shape, g.dtype);
  const layers = g.reshape(rows.length, ...shape.slice(1));
  rows.forEach((row, i) => dx.select(0, row).add_(layers.select(0, i)));
  return [dx];
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
type Movement = "cast" | "reshape" | "permute" | "expand" | "window" | "gather" | "where" | "cat";

/** The rules of these operations. That of `expand` is the identity: the tape sums over repeated dimensions, as for all broadcasting. */
export const movementRules: Rules<Movement> = {
  cast: (g) => [g],
  reshape: (g, { shape }) => [g.reshape(...shape)],
  permute: (g, { settings }) => permuteBackward(g, settings.order),
  expand: (g) => [g],
  window: (g, { shape, settings }) => windowBackward(g, shape, settings.apply),
  gather: (g, { shape, settings }) => gatherBackward(g, shape, settings.rows),
  where: (g, { a, needsInputGrad }) => [null, ...whereBackward(g, a, needsInputGrad.slice(1))],
  cat: (g, { settings }) => catBackward(g, settings.dim, settings.sizes),
};

/** `y[i] = w[rows[i]]`, so `dw` adds each `g[i]` to its row, but for the padding row, which stays 0. */
export function embeddingBackward(g: Tensor, shape: Shape, rows: Int32Array, padding: number | null): [dw: Tensor] {
  const [dw] = gatherBackward(g, shape, rows);
  if (padding !== null) dw.select(0, padding).zero_();
  return [dw];
}
