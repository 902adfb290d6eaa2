/**
 * Several operations in one pass, where the back end has a verb for them: the mean cross-entropy, and the derivatives that a back end
 * computes, of the cross-entropy and of activations. Their formulas are in `backward/rules/`, whose rules call these functions; the
 * arithmetic is in `backend/reference/`, and for float32 in `kernels/` too.
 */
import { newEmpty, scalar } from "../memory/allocate.ts";
import { requireTensor } from "../arguments.ts";
import type { Activation } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { allocate, isFloating, type TypedArray } from "../dtype.ts";
import { type DerivedActivation, isRecorded, record } from "../record.ts";
import { show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./elementwise.ts";
import { elements } from "./movement.ts";

/**
 * The mean of `−ln softmax(z)[i, y_i]` over the rows of float z [n, classes], for integer classes y [n].
 *
 * @throws {RangeError} If the shapes do not fit, or a target is not a class.
 * @throws {TypeError} If the logits are integers, or the classes are not.
 */
export function crossEntropyMean(z: Tensor, y: Tensor): Tensor {
  checkLogits(z, y);
  const loss = backend().crossEntropy(z.shape[0], z.shape[1], elements(z), indices(y), null);
  return record("crossEntropy", scalar(loss, z.dtype), [z, y]);
}

/** The derivative of the mean cross-entropy by each logit: `(softmax(z) − onehot(y)) / n`. */
export function crossEntropyGradient(z: Tensor, y: Tensor): Tensor {
  checkLogits(z, y);
  const dz = newEmpty(z.shape, z.dtype);
  backend().crossEntropy(z.shape[0], z.shape[1], elements(z), indices(y), dz.data);
  return record("crossEntropyBackward", dz, [z, y]);
}

function indices(y: Tensor): Int32Array {
  return elements(cast(y, "int32")) as Int32Array;
}

function checkLogits(z: Tensor, y: Tensor): void {
  requireTensor(z, "take the cross-entropy of");
  requireTensor(y, "take the cross-entropy with");
  if (z.shape.length !== 2 || y.shape.length !== 1 || y.shape[0] !== z.shape[0]) {
    throw new RangeError(
      `Cannot take the cross-entropy of logits ${show(z.shape)} and classes ${
        show(y.shape)
      }: expected [n, classes] and [n]`,
    );
  }
  if (!isFloating(z.dtype) || isFloating(y.dtype) || y.dtype === "bool") {
    throw new TypeError(
      `Cannot take the cross-entropy of ${z.dtype} logits and ${y.dtype} classes: logits are floats and classes integers, ` +
        `use float() and int()`,
    );
  }
}

/**
 * The derivative of `y = activation(x + bias)` for g and y [rows, columns]: the gradient of x, and with `withBias` that of the bias, its
 * sum over the rows.
 */
export function activationBiasBackward(
  activation: Activation,
  g: Tensor,
  y: Tensor,
  withBias: boolean,
): [gx: Tensor, db: Tensor | null] {
  if (isRecorded(g, y)) {
    const gx = activation === "none" ? g : activationBackward(activation, g, y);
    return [gx, withBias ? gx.sum(0) : null];
  }
  const [rows, columns] = g.shape;
  const from = elements(g);
  const out = activation === "none" ? null : newEmpty(g.shape, g.dtype);
  const db = withBias ? newEmpty([columns], g.dtype) : null;
  const after: TypedArray = activation === "none" ? from : elements(y);
  if (out !== null || db !== null) {
    backend().activationBackward(activation, rows, columns, from, after, out?.data ?? null, db?.data ?? null);
  }
  return [out ?? g, db];
}

/** The softmax of float x over its last dimension, or its logarithm; it is not recorded. */
export function softmaxOfRows(x: Tensor, log: boolean): Tensor {
  const y = newEmpty(x.shape, x.dtype);
  backend().softmax({ log, ...rowsOf(x) }, elements(x), y.data);
  return y;
}

/** Its derivative by g, that of the result y; it is not recorded. */
export function softmaxGradient(g: Tensor, y: Tensor, log: boolean): Tensor {
  const dx = newEmpty(y.shape, y.dtype);
  backend().softmaxBackward({ log, ...rowsOf(y) }, elements(g), elements(y), dx.data);
  return dx;
}

function rowsOf(x: Tensor): { rows: number; cols: number } {
  return { rows: sizeOf(x.shape.slice(0, -1)), cols: x.shape.at(-1) ?? 1 };
}

/** Float x normalised over its last dimensions, `cols` elements a row, and what its derivative needs; it is not recorded. */
export function normaliseRows(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  cols: number,
  eps: number,
): { y: Tensor; stats: TypedArray } {
  const d = { rows: cols === 0 ? 0 : sizeOf(x.shape) / cols, cols, eps };
  const [y, stats] = [newEmpty(x.shape, x.dtype), allocate(x.dtype, 2 * d.rows)];
  const affine = [weight, bias].map((v) => v && elements(v));
  backend().layerNorm(d, elements(x), affine[0], affine[1], stats, y.data);
  return { y, stats };
}

/** The gradients of x, unless it needs none, weight and bias by g; they are not recorded. */
export function normaliseRowsGradients(
  g: Tensor,
  x: Tensor,
  weight: Tensor | null,
  cols: number,
  stats: TypedArray,
  withInput: boolean,
): [dx: Tensor | null, dw: Tensor | null, db: Tensor | null] {
  const dx = withInput ? newEmpty(x.shape, x.dtype) : null;
  const [dw, db] = [0, 1].map(() => weight && newEmpty(weight.shape, x.dtype));
  const d = { rows: stats.length / 2, cols, eps: 0 };
  const scale = weight && elements(weight);
  backend().layerNormBackward(
    d,
    elements(g),
    elements(x),
    scale,
    stats,
    dx?.data ?? null,
    dw?.data ?? null,
    db?.data ?? null,
  );
  return [dx, dw, db];
}

/**
 * The derivative of an activation, `g · op′`, in one pass. y is the output for sigmoid and tanh, the input for an `InputActivation`, and
 * for relu either: one is above 0 where the other is. `low` and `high` are as in `unary`.
 */
export function activationBackward(
  op: DerivedActivation,
  g: Tensor,
  y: Tensor,
  low = 0,
  high = 0,
): Tensor {
  const out = newEmpty(g.shape, g.dtype);
  backend().activationBackward(op, 1, sizeOf(g.shape), elements(g), elements(y), out.data, null, low, high);
  return record("activationBackward", out, [g, y], { op, low, high });
}
