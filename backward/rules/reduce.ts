/** The calculus of reductions, and of softmax, which divides by one. */
import type { ReduceOp } from "../../core/backend/backend.ts";
import { arange } from "../../core/create.ts";
import { productsOfOthers } from "../../core/ops/scan.ts";
import { where } from "../../core/ops/where.ts";
import { type Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { notDifferentiable, type Rules } from "./rule.ts";

/** `y = eˣ / Σeˣ` along `dim`, so `dx = y · (g − Σ g·y)`. */
export function softmaxBackward(g: Tensor, y: Tensor, dim = -1): [dx: Tensor] {
  return [y.mul(g.sub(g.mul(y).sum(dim, true)))];
}

/** `y = x − ln Σeˣ` along `dim`, so `dx = g − eʸ · Σg`. */
export function logSoftmaxBackward(g: Tensor, y: Tensor, dim = -1): [dx: Tensor] {
  return [g.sub(y.exp().mul(g.sum(dim, true)))];
}

/** `y = Σx`, so every element gets `g`. */
function sumBackward(g: Tensor, shape: Shape, dims: readonly number[]): [dx: Tensor] {
  return [spreadOver(g, shape, dims).expand(...shape)];
}

/** `y = Πx`, so each element gets `g` times the product of the others, and 0 where that is 0. */
function prodBackward(g: Tensor, x: Tensor, dims: readonly number[]): [dx: Tensor] {
  const others = productsOfOthers(x, dims);
  return [where(others.eq(0), 0, spreadOver(g, x.shape, dims).mul(others))];
}

/** `y = max x` (or min) over `dims`: all elements that reach it share `g` equally; NaN, where there is one, is the extreme. */
function extremeBackward(g: Tensor, x: Tensor, y: Tensor, dims: readonly number[]): [dx: Tensor] {
  const top = spreadOver(y, x.shape, dims);
  const reached = top.ne(top).any().item() === 1 ? x.eq(top).logicalOr(x.ne(x)) : x.eq(top);
  return [where(reached, spreadOver(g, x.shape, dims).div(reached.to(x.dtype).sum(dims, true)), 0)];
}

/** `y = x[indices]` along `dim`: that one element gets `g`. */
function extremeAtBackward(g: Tensor, shape: Shape, dim: number, indices: Tensor): [dx: Tensor] {
  const places = arange(0, shape[dim] ?? 1, 1, { dtype: "int32" }).view(...shape.map((n, d) => (d === dim ? n : 1)));
  const chosen = places.eq(spreadOver(indices, shape, [dim]));
  return [where(chosen, spreadOver(g, shape, [dim]), 0)];
}

/** `y[i] = x[0] + … + x[i]` along `dim`, so each `dx[i]` is the sum of `g[i]` and those after it. */
function cumsumBackward(g: Tensor, dim: number): [dx: Tensor] {
  const flipped = (x: Tensor) => x.slice(dim, undefined, undefined, -1);
  return [flipped(flipped(g).cumsum(dim))];
}

/** A result of a reduction with the reduced dimensions back as size 1, whether they were kept or not. */
function spreadOver(y: Tensor, shape: Shape, dims: readonly number[]): Tensor {
  return y.reshape(...shape.map((n, d) => (dims.includes(d) ? 1 : n)));
}

/** The rules of reductions. */
export const reduceRules: Rules<ReduceOp | "extreme" | "cumsum"> = {
  sum: (g, { shape, settings }) => sumBackward(g, shape, settings.dims),
  prod: (g, { a, settings }) => prodBackward(g, a, settings.dims),
  max: (g, { a, y, settings }) => extremeBackward(g, a, y, settings.dims),
  min: (g, { a, y, settings }) => extremeBackward(g, a, y, settings.dims),
  extreme: (g, { shape, b, settings }) => [...extremeAtBackward(g, shape, settings.dim, b), null],
  cumsum: (g, { settings }) => cumsumBackward(g, settings.dim),
  argmax: notDifferentiable,
  argmin: notDifferentiable,
  any: notDifferentiable,
  all: notDifferentiable,
};
