/** Batch normalisation in one pass each way: every channel by its mean and variance, scaled and shifted. */
import { newEmpty } from "../../memory/allocate.ts";
import type { BatchNorm } from "../../backend/planes.ts";
import { backend } from "../../backend/choose.ts";
import { allocate, type TypedArray } from "../../dtype.ts";
import { record } from "../../record.ts";
import { sizeOf } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { elements } from "../movement.ts";

/** What x [n, c, …] is normalised with; all tensors are [c], in the dtype of x. */
interface BatchNormInputs {
  /** Mean and variance to be used; `null` for those of x. */
  readonly running: readonly [mean: Tensor, variance: Tensor] | null;
  /** Weight and bias; `null` for 1 and 0. */
  readonly affine: readonly [weight: Tensor, bias: Tensor] | null;
  readonly eps: number;
  readonly activation: BatchNorm["activation"];
}

/** `activation((x − mean) / √(variance + ε) · weight + bias)` for x [n, c, …]; and mean and biased variance, one of each channel. */
export function normaliseChannels(
  x: Tensor,
  { running, affine, eps, activation }: BatchNormInputs,
): { y: Tensor; mean: TypedArray; variance: TypedArray } {
  const [n, c, l] = [x.shape[0], x.shape[1], sizeOf(x.shape.slice(2))];
  const stats = allocate(x.dtype, 4 * c);
  if (running !== null) running.forEach((v, row) => stats.set(elements(v), row * c));
  if (affine === null) stats.fill(1, 2 * c, 3 * c);
  else affine.forEach((v, row) => stats.set(elements(v), (2 + row) * c));
  const d = { n, c, l, training: running === null, eps, activation, stats };
  const out = newEmpty(x.shape, x.dtype);
  backend().batchNorm(d, elements(x), stats, out.data);
  const y = record("batchNorm", out, affine === null ? [x] : [x, ...affine], d);
  return { y, mean: stats.subarray(0, c), variance: stats.subarray(c, 2 * c) };
}

/** The gradients of x, weight and bias by g, that of y, which is read where there is an activation. */
export function batchNormGradients(
  d: BatchNorm & { readonly stats: TypedArray },
  g: Tensor,
  x: Tensor,
  y: Tensor | null,
  withInput: boolean,
): [dx: Tensor | null, dw: Tensor, db: Tensor] {
  const dx = withInput ? newEmpty(x.shape, x.dtype) : null;
  const [dw, db] = [newEmpty([d.c], x.dtype), newEmpty([d.c], x.dtype)];
  const after = y === null ? null : elements(y);
  backend().batchNormBackward(d, elements(g), elements(x), after, d.stats, dx?.data ?? null, dw.data, db.data);
  return [dx, dw, db];
}
