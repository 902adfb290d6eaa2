/** The calculus of views and picks: a gradient goes back to where the element came from. */
import { fresh } from "../../core/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Shape } from "../../core/shape.ts";
import type { Rules } from "./rule.ts";

/** `y = x.permute(order)`, so `dx` is `g` with the dimensions put back. */
export function permuteBackward(g: Tensor, order: readonly number[]): [dx: Tensor] {
  return [g.permute(...order.map((_, d) => order.indexOf(d)))];
}

/** `y` is a part of x, so `dx` is 0 but for that part, which is `g`. */
export function windowBackward(g: Tensor, shape: Shape, again: (x: Tensor) => Tensor): [dx: Tensor] {
  const dx = fresh(shape, g.dtype);
  again(dx).copy_(g);
  return [dx];
}

/** `y[i] = x[rows[i]]`, so each `g[i]` is added to row `rows[i]` of `dx`: a row that was taken twice adds both. */
export function gatherBackward(g: Tensor, shape: Shape, rows: Int32Array): [dx: Tensor] {
  const dx = fresh(shape, g.dtype);
  const layers = g.reshape(rows.length, ...shape.slice(1));
  rows.forEach((row, i) => dx.select(0, row).add_(layers.select(0, i)));
  return [dx];
}

/** The rules of views and picks. Growing is undone where all broadcasting is: on the tape. */
export const movementRules: Rules<"cast" | "reshape" | "permute" | "expand" | "window" | "gather"> = {
  cast: (g) => [g],
  reshape: (g, { shape }) => [g.reshape(...shape)],
  permute: (g, { settings }) => permuteBackward(g, settings.order),
  expand: (g) => [g],
  window: (g, { shape, settings }) => windowBackward(g, shape, settings.again),
  gather: (g, { shape, settings }) => gatherBackward(g, shape, settings.rows),
};
