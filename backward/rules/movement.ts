/** The calculus of views and picks: a gradient goes back to where the element came from. */
import type { Rules } from "./rule.ts";
import { newZeros } from "../../core/memory/allocate.ts";
import { where } from "../../core/ops/where.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** `y = x.permute(order)`, so `dx` is `g` with the dimensions put back. */
function permuteBackward(g: Tensor, order: readonly number[]): [dx: Tensor] {
  return [g.permute(...order.map((_, d) => order.indexOf(d)))];
}

/** `y` is a part of x, so `dx` is 0 but for that part, which is `g`. */
function windowBackward(g: Tensor, shape: Shape, apply: (x: Tensor) => Tensor): [dx: Tensor] {
  const dx = newZeros(shape, g.dtype);
  apply(dx).copy_(g);
  return [dx];
}

/** `y[i] = x[rows[i]]`, so each `g[i]` is added to row `rows[i]` of `dx`: a row that was taken twice adds both. */
function gatherBackward(g: Tensor, shape: Shape, rows: Int32Array): [dx: Tensor] {
  const dx = newZeros(shape, g.dtype);
  const layers = g.reshape(rows.length, ...shape.slice(1));
  rows.forEach((row, i) => dx.select(0, row).add_(layers.select(0, i)));
  return [dx];
}

/** `y = a` where the mask is true, else b: each `g` goes to the one that was chosen, and 0 to the other. */
function whereBackward(g: Tensor, mask: Tensor, wants: readonly boolean[]): (Tensor | null)[] {
  return [wants[0] ? where(mask, g, 0) : null, wants[1] ? where(mask, 0, g) : null];
}

/** `y` is its inputs one after the other along `dim`, so each gets its part of `g`. */
function catBackward(g: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let end = 0;
  return sizes.map((size) => g.narrow(dim, (end += size) - size, size));
}

/** What the rules of this file are about. */
type Movement = "cast" | "reshape" | "permute" | "expand" | "window" | "gather" | "where" | "cat";

/** The rules of views and picks. Growing is undone where all broadcasting is: on the tape. */
export const movementRules: Rules<Movement> = {
  cast: (g) => [g],
  reshape: (g, { shape }) => [g.reshape(...shape)],
  permute: (g, { settings }) => permuteBackward(g, settings.order),
  expand: (g) => [g],
  window: (g, { shape, settings }) => windowBackward(g, shape, settings.apply),
  gather: (g, { shape, settings }) => gatherBackward(g, shape, settings.rows),
  where: (g, { a, wants }) => [null, ...whereBackward(g, a, wants.slice(1))],
  cat: (g, { settings }) => catBackward(g, settings.dim, settings.sizes),
};

// The calculus of looking rows up in a table.

/** `y[i] = w[rows[i]]`, so `dw` adds each `g[i]` to its row; the padding row gets nothing. */
export function embeddingBackward(g: Tensor, shape: Shape, rows: Int32Array, padding: number | null): [dw: Tensor] {
  const [dw] = gatherBackward(g, shape, rows);
  if (padding !== null) dw.select(0, padding).zero_();
  return [dw];
}
