/** Attention: each query's mean of the values, weighted by the softmax of its products with the keys. */
import { requireTensor } from "../arguments.ts";
import { tensor } from "../create.ts";
import { isFloating, promote } from "../dtype.ts";
import { broadcastShapes, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./elementwise.ts";
import { matmul } from "./linalg.ts";
import { detached, transpose } from "./movement.ts";
import { where } from "./where.ts";

/** What the products of queries and keys become weights by. */
export interface Attention {
  /** The factor of the products. */
  readonly scale: number;
  /** Query i sees the keys up to i + this; `null` for all. */
  readonly causal: number | null;
}

/**
 * The weights [..., L, S] of queries q [..., L, E] over keys k [..., S, E]: `softmax(scale · q kᵀ + mask)`, as operations. Those of a
 * query that sees nothing are 0, and so are its gradients.
 */
export function attentionWeights(q: Tensor, k: Tensor, mask: Tensor | null, { scale, causal }: Attention): Tensor {
  let scores = matmul(q.mul(scale), transpose(k, -2, -1)); // [..., L, S]
  if (mask !== null) scores = scores.add(mask);
  if (causal !== null) scores = scores.add(cast(causalMask(q.shape.at(-2)!, k.shape.at(-2)!, causal), q.dtype));
  if (scores.numel() === 0) return scores;
  const top = detached(scores.max(-1, true).values);
  const e = scores.sub(where(top.eq(-Infinity), 0, top)).exp();
  const sums = e.sum(-1, true);
  return e.div(where(sums.eq(0), 1, sums)); // the sum is at least 1 where anything is seen
}

/** −∞ where a query does not see a key, 0 elsewhere. */
function causalMask(rows: number, cols: number, shift: number): Tensor {
  const values = Array.from({ length: rows * cols }, (_, at) => {
    const i = Math.floor(at / cols);
    return at - i * cols <= i + shift ? 0 : -Infinity;
  });
  return tensor(values).view(rows, cols);
}

/** Queries, keys and values of one float dtype whose sizes fit, and the mask as numbers that are added. */
interface AttentionInputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor | null;
}

/**
 * Checks the inputs of attention, and casts them to their common dtype.
 *
 * @throws {RangeError} If the sizes do not fit together.
 * @throws {TypeError} If they are integers, or the mask is one.
 */
export function attentionInputs(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null): AttentionInputs {
  requireTensor(q, "attend with the queries");
  requireTensor(k, "attend to the keys");
  requireTensor(v, "attend to the values");
  checkSizes(q, k, v);
  const dtype = promote(promote(q.dtype, k.dtype), v.dtype);
  if (!isFloating(dtype)) throw new TypeError(`Cannot attend with ${dtype} tensors: cast them with float()`);
  const added = mask === null ? null : cast(addedMask(mask), dtype);
  if (added !== null) checkMask(q, k, added);
  return { q: cast(q, dtype), k: cast(k, dtype), v: cast(v, dtype), mask: added };
}

function checkSizes(q: Tensor, k: Tensor, v: Tensor): void {
  const [a, b, c] = [q, k, v].map((x) => x.shape);
  const clash = [a, b, c].some((shape) => shape.length < 2)
    ? "each has the dimensions [..., length, width]"
    : a.at(-1) !== b.at(-1)
    ? `queries of ${a.at(-1)} and keys of ${b.at(-1)} values have no product`
    : b.at(-2) !== c.at(-2)
    ? `there is one value for each key`
    : null;
  if (clash === null) return;
  throw new RangeError(`Cannot attend with queries ${show(a)}, keys ${show(b)} and values ${show(c)}: ${clash}`);
}

/** A mask of bools, true where a key takes part, as numbers that are added. */
function addedMask(mask: Tensor): Tensor {
  requireTensor(mask, "attend with the mask");
  if (mask.dtype === "bool") return where(mask, 0, -Infinity);
  if (isFloating(mask.dtype)) return mask;
  throw new TypeError(`Cannot attend with a mask of ${mask.dtype}: give bools, or floats that are added`);
}

function checkMask(q: Tensor, k: Tensor, mask: Tensor): void {
  const lead = broadcastShapes(q.shape.slice(0, -2), k.shape.slice(0, -2), "attend to batches of");
  const shape = [...lead, q.shape.at(-2)!, k.shape.at(-2)!];
  const fits = mask.ndim <= shape.length &&
    mask.shape.every((size, i) => size === 1 || size === shape[shape.length - mask.ndim + i]);
  if (fits) return;
  throw new RangeError(`Cannot attend with a mask ${show(mask.shape)}: it must broadcast to ${show(shape)}`);
}
