/** Derivatives of reductions, of running sums, and of softmax. */
import type { ReduceOp } from "../../core/backend/backend.ts";
import { arange, eye } from "../../core/create.ts";
import { productsOfOthers } from "../../core/ops/reduce.ts";
import { softmaxGradient } from "../../core/ops/fused.ts";
import { isRecorded } from "../../core/record.ts";
import { isfinite, where } from "../../core/ops/where.ts";
import { sameShape, type Shape, sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { notDifferentiable, type Rules } from "./rule.ts";

/** `y = eˣ / Σeˣ` along `dim`, so `dx = y · (g − Σ g·y)`. */
export function softmaxBackward(g: Tensor, y: Tensor, dim = -1): [dx: Tensor] {
  if (isOfRows(g, y, dim)) return [softmaxGradient(g, y, false)];
  return [y.mul(g.sub(g.mul(y).sum(dim, true)))];
}

/** `y = x − ln Σeˣ` along `dim`, so `dx = g − eʸ · Σg`. */
export function logSoftmaxBackward(g: Tensor, y: Tensor, dim = -1): [dx: Tensor] {
  if (isOfRows(g, y, dim)) return [softmaxGradient(g, y, true)];
  return [g.sub(y.exp().mul(g.sum(dim, true)))];
}

/** Whether one pass of the back end computes it: over the last dimension, where the gradient needs none of its own. */
function isOfRows(g: Tensor, y: Tensor, dim: number): boolean {
  const last = y.ndim > 0 && (dim === -1 || dim === y.ndim - 1);
  return last && g.dtype === y.dtype && sameShape(g.shape, y.shape) && !isRecorded(g, y);
}

/**
 * `y = x̂ · w + b` with `x̂ = (x − μ) / σ` over the n elements of each row, the last dimensions, as many as w has. With `ĝ = g · w`,
 * `dx = (ĝ − Σĝ / n − x̂ · Σĝ·x̂ / n) / σ`, and over the rows `dw = Σ g·x̂` and `db = Σ g`. The back end computes them in one pass; as operations
 * they are recorded.
 */
export function layerNormBackward(
  g: Tensor,
  x: Tensor,
  weight: Tensor | null,
  dims: number,
  eps: number,
): [dx: Tensor, dw: Tensor | null, db: Tensor | null] {
  const last = x.shape.slice(x.ndim - dims).map((_, i) => i - dims);
  const apart = x.sub(x.mean(last, true));
  const inverse = apart.square().mean(last, true).add(eps).rsqrt();
  const normal = apart.mul(inverse), scaled = weight === null ? g : g.mul(weight);
  const slope = normal.mul(scaled.mul(normal).mean(last, true));
  const dx = scaled.sub(scaled.mean(last, true)).sub(slope).mul(inverse);
  const rows = x.shape.slice(dims).map((_, d) => d);
  const overRows = (y: Tensor) => rows.length === 0 ? y : y.sum(rows);
  return weight === null ? [dx, null, null] : [dx, overRows(g.mul(normal)), overRows(g)];
}

/** `y = Σx`, so every element gets `g`. */
function sumBackward(g: Tensor, shape: Shape, dims: readonly number[]): [dx: Tensor] {
  return [keepReduced(g, shape, dims).expand(...shape)];
}

/** `y = Πx`, so each element gets `g` times the product of the others; 0 where that is 0, even for an infinite `g`. */
function prodBackward(g: Tensor, x: Tensor, dims: readonly number[]): [dx: Tensor] {
  const [others, arrived] = [productsOfOthers(x, dims), keepReduced(g, x.shape, dims)];
  return [where(others.eq(0).logicalAnd(isfinite(arrived).logicalNot()), 0, arrived.mul(others))];
}

/**
 * `y_i = Π x_l` over `l ≠ i`, so `dx_j = Σ g_i · Π x_l` over `i ≠ j` and `l ≠ i, j`. The products of all others but two are those of the
 * others in a matrix of x that has 1 in its diagonal, so that n² numbers are held.
 */
function productsOfOthersBackward(g: Tensor, x: Tensor, dims: readonly number[]): [dx: Tensor] {
  const order = [...x.shape.keys()].sort((a, b) => Number(dims.includes(a)) - Number(dims.includes(b)));
  const shape = order.map((d) => x.shape[d]); // [kept…, dims…]
  const n = sizeOf(dims.map((d) => x.shape[d]));
  const rows = (y: Tensor) => y.permute(...order).reshape(sizeOf(x.shape) / Math.max(n, 1), 1, n);
  if (n === 0) return [g];
  const same = eye(n).bool();
  const others = productsOfOthers(where(same, 1, rows(x)), [2]); // [kept, i, j]
  const dx = where(same, 0, rows(g).transpose(1, 2).mul(others)).sum(1);
  return [dx.reshape(...shape).permute(...order.map((_, d) => order.indexOf(d)))];
}

/** `y = max x` (or min) over `dims`, so all elements equal to it share `g` equally; NaN, where there is one, is the maximum. */
function extremeBackward(g: Tensor, x: Tensor, y: Tensor, dims: readonly number[]): [dx: Tensor] {
  const top = keepReduced(y, x.shape, dims);
  const reached = top.ne(top).any().item() === 1 ? x.eq(top).logicalOr(x.ne(x)) : x.eq(top);
  return [where(reached, keepReduced(g, x.shape, dims).div(reached.to(x.dtype).sum(dims, true)), 0)];
}

/** `y = x[indices]` along `dim`, so that one element gets `g` and the others 0. */
function extremeAtBackward(g: Tensor, shape: Shape, dim: number, indices: Tensor): [dx: Tensor] {
  const places = arange(0, shape[dim] ?? 1, 1, { dtype: "int32" }).view(...shape.map((n, d) => (d === dim ? n : 1)));
  const chosen = places.eq(keepReduced(indices, shape, [dim]));
  return [where(chosen, keepReduced(g, shape, [dim]), 0)];
}

/** `y[i] = x[0] + … + x[i]` along `dim`, so `dx[i] = g[i] + g[i + 1] + …`. */
function cumsumBackward(g: Tensor, dim: number): [dx: Tensor] {
  const flipped = (x: Tensor) => x.slice(dim, undefined, undefined, -1);
  return [flipped(flipped(g).cumsum(dim))];
}

/**
 * `y[i] = x[0] · … · x[i]` along `dim`, so `dx[k] = Σ g[i] · y[i] / x[k]` over `i ≥ k`. Where there is a 0, n² products of all others are
 * taken instead.
 */
function cumprodBackward(g: Tensor, x: Tensor, y: Tensor, dim: number): [dx: Tensor] {
  if (x.eq(0).any().item() === 0) return [cumsumBackward(g.mul(y), dim)[0].div(x)];
  const n = x.shape[dim];
  const reached = arange(n).view(n, 1).ge(arange(n)); // [i, k]: whether x[k] is a factor of y[i]
  const factors = where(reached, x.transpose(dim, -1).unsqueeze(-2), 1); // […, i, k]
  const others = productsOfOthers(factors, [factors.ndim - 1]);
  const parts = where(reached, g.transpose(dim, -1).unsqueeze(-1).mul(others), 0);
  return [parts.sum(-2).transpose(dim, -1)];
}

/** The result of a reduction with its reduced dimensions as size 1, as `keepdim` leaves them. */
function keepReduced(y: Tensor, shape: Shape, dims: readonly number[]): Tensor {
  return y.reshape(...shape.map((n, d) => (dims.includes(d) ? 1 : n)));
}

/** The rules of reductions. */
export const reduceRules: Rules<ReduceOp | "extreme" | "cumsum" | "cumprod" | "productsOfOthers"> = {
  sum: (g, { shape, settings }) => sumBackward(g, shape, settings.dims),
  prod: (g, { a, settings }) => prodBackward(g, a, settings.dims),
  productsOfOthers: (g, { a, settings }) => productsOfOthersBackward(g, a, settings.dims),
  max: (g, { a, y, settings }) => extremeBackward(g, a, y, settings.dims),
  min: (g, { a, y, settings }) => extremeBackward(g, a, y, settings.dims),
  extreme: (g, { shape, b, settings }) => [...extremeAtBackward(g, shape, settings.dim, b), null],
  cumsum: (g, { settings }) => cumsumBackward(g, settings.dim),
  cumprod: (g, { a, y, settings }) => cumprodBackward(g, a, y, settings.dim),
  argmax: notDifferentiable,
  argmin: notDifferentiable,
  any: notDifferentiable,
  all: notDifferentiable,
};
