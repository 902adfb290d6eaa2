/** Views: other shapes and orders of the same memory. Only `reshape`, `contiguous` and `elements` copy, where no view will do. */
import { newZeros, viewOf } from "../memory/allocate.ts";
import { byName, requireArray, requireTensor } from "../arguments.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";
import { record } from "../record.ts";
import { inferShape, isRowMajor, resolveDim, type Shape, show, sizeOf, viewStrides } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { copyOf } from "./elementwise.ts";

/**
 * The same memory under another shape; one size may be -1.
 *
 * @throws {RangeError} If the sizes do not match, or the strides cannot express the shape.
 */
export function view(x: Tensor, shape: Shape): Tensor {
  const to = inferShape(shape, x.shape);
  const strides = viewStrides(x.shape, x.strides, to);
  if (strides === null) {
    throw new RangeError(
      `Cannot view ${show(x.shape)} with strides ${show(x.strides)} as ${
        show(to)
      }: its elements do not stand in that order, use reshape()`,
    );
  }
  return record("reshape", viewOf(x, to, strides, x.offset), [x]);
}

/** A view where strides allow it, else a copy. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  requireTensor(x, "reshape");
  requireArray(shape, "reshape to", "[2, -1]");
  const to = inferShape(shape, x.shape);
  const strides = viewStrides(x.shape, x.strides, to);
  if (strides === null) return view(copyOf(x), to);
  return record("reshape", viewOf(x, to, strides, x.offset), [x]);
}

/** The tensor itself if it is row-major, else a row-major copy. */
export function contiguous(x: Tensor): Tensor {
  return isRowMajor(x.shape, x.strides) ? x : copyOf(x);
}

/** The same view without its history: no gradient goes back through it. */
export function detached(x: Tensor): Tensor {
  return viewOf(x, x.shape, x.strides, x.offset);
}

/** The elements in row-major order, as a typed array: shared where the tensor is row-major, else a copy. */
export function elements(x: Tensor): TypedArray {
  const dense = isRowMajor(x.shape, x.strides) ? x : copyOf(detached(x));
  const end = dense.offset + sizeOf(dense.shape);
  if (dense.offset === 0 && end === dense.data.length) return dense.data;
  if (end > dense.data.length && end > dense.offset) throw memoryGone();
  return dense.data.subarray(dense.offset, end);
}

/** Dimensions in the order `dims`. */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  requireTensor(x, "permute the dimensions of");
  requireArray(dims, "permute by", "[1, 0]");
  const order = dims.map((d) => resolveDim(d, x.shape.length, "permute"));
  if (order.length !== x.shape.length || new Set(order).size !== order.length) {
    throw new RangeError(
      `Cannot permute ${show(x.shape)} by ${
        show(dims)
      }: each of its ${x.shape.length} dimensions must stand there once`,
    );
  }
  return reordered(x, order);
}

function reordered(x: Tensor, order: readonly number[]): Tensor {
  const out = viewOf(x, order.map((d) => x.shape[d]), order.map((d) => x.strides[d]), x.offset);
  return record("permute", out, [x], { order });
}

/** Two dimensions exchanged. */
export function transpose(x: Tensor, a: number, b: number): Tensor {
  requireTensor(x, "transpose");
  const rank = x.shape.length;
  const p = resolveDim(a, rank, "transpose");
  const q = resolveDim(b, rank, "transpose");
  if (rank === 0) return x;
  return reordered(x, x.shape.map((_, d) => (d === p ? q : d === q ? p : d)));
}

/** Rows and columns exchanged; only for rank 2 or less, as `t()` in PyTorch. */
export function t(x: Tensor): Tensor {
  requireTensor(x, "take t() of");
  if (x.shape.length > 2) {
    throw new RangeError(`Cannot take t() of ${show(x.shape)}: it is for rank 2 or less, use transpose(a, b)`);
  }
  return x.shape.length < 2 ? x : transpose(x, 0, 1);
}

/** A new dimension of size 1 at `dim`. */
export function unsqueeze(x: Tensor, dim: number | { dim?: number }): Tensor {
  requireTensor(x, "unsqueeze");
  const named = byName<{ dim?: number }>("unsqueeze", dim, ["dim"]);
  if (named !== null) return unsqueeze(x, named.dim as number);
  const at = resolveDim(dim as number, x.shape.length + 1, "unsqueeze at");
  const step = at < x.shape.length ? x.shape[at] * x.strides[at] : 1;
  return record("reshape", viewOf(x, x.shape.toSpliced(at, 0, 1), x.strides.toSpliced(at, 0, step), x.offset), [x]);
}

/** Without the dimensions of size 1, or without dimension `dim` where its size is 1. */
export function squeeze(x: Tensor, dim?: number | { dim?: number }): Tensor {
  requireTensor(x, "squeeze");
  const named = byName<{ dim?: number }>("squeeze", dim, ["dim"]);
  if (named !== null) return squeeze(x, named.dim);
  const only = dim === undefined ? null : resolveDim(dim as number, x.shape.length, "squeeze");
  const keep = x.shape.map((n, d) => n !== 1 || (only !== null && d !== only));
  const out = viewOf(x, x.shape.filter((_, d) => keep[d]), x.strides.filter((_, d) => keep[d]), x.offset);
  return record("reshape", out, [x]);
}

/**
 * Repeated without copying: sizes of 1 grow to `shape` with stride 0; -1 keeps a size.
 *
 * @throws {RangeError} If another size than 1 would have to grow.
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  const lead = shape.length - x.shape.length;
  const refuse = (why: string) => new RangeError(`Cannot expand ${show(x.shape)} to ${show(shape)}: ${why}`);
  if (lead < 0) throw refuse(`it has ${x.shape.length} dimensions, more than ${shape.length}`);
  const to = shape.map((n, d) => (n === -1 && d >= lead ? x.shape[d - lead] : n));
  const strides = to.map((n, d) => {
    if (!Number.isInteger(n) || n < 0) throw refuse(`${n} is not a size`);
    if (d < lead) return 0;
    if (x.shape[d - lead] === n) return x.strides[d - lead];
    if (x.shape[d - lead] === 1) return 0;
    throw refuse(`its size ${x.shape[d - lead]} at dimension ${d} is neither 1 nor ${n}`);
  });
  return record("expand", viewOf(x, to, strides, x.offset), [x]);
}

/** Repeated to the shape of `other`. */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  requireTensor(other, "expand to the shape of");
  return expand(x, other.shape);
}

/** `length` neighbours along `dim`, from `start`. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  requireTensor(x, "narrow");
  const d = resolveDim(dim, x.shape.length, "narrow");
  const from = start < 0 ? start + x.shape[d] : start;
  if (
    x.shape.length === 0 || ![from, length].every((n) => Number.isInteger(n) && n >= 0) || from + length > x.shape[d]
  ) {
    throw new RangeError(
      `Cannot narrow ${show(x.shape)} at dimension ${dim}: ${length} elements from ${start} do not lie in its size ${
        x.shape[d] ?? 1
      }`,
    );
  }
  const out = viewOf(x, x.shape.with(d, length), x.strides, x.offset + from * x.strides[d]);
  return record("window", out, [x], {
    apply: (y) => narrow(y, d, from, length),
    cut: { dim: d, start: from, step: 1, keep: true },
  });
}

/** The elements at `index` along `dim`, which errors call `named`; the result lacks that dimension. */
export function select(x: Tensor, dim: number, index: number, named?: number): Tensor {
  requireTensor(x, "select from");
  if (x.shape.length === 0) {
    throw new RangeError("Cannot select from a tensor of rank 0: it has no dimensions, use item()");
  }
  const d = resolveDim(dim, x.shape.length, "select");
  const size = x.shape[d];
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new RangeError(
      `Cannot select index ${index} of dimension ${named ?? d} with size ${size}: the index is out of range`,
    );
  }
  const at = index < 0 ? index + size : index;
  const out = viewOf(x, x.shape.toSpliced(d, 1), x.strides.toSpliced(d, 1), x.offset + at * x.strides[d]);
  return record("window", out, [x], {
    apply: (y) => select(y, d, at),
    cut: { dim: d, start: at, step: 1, keep: false },
  });
}

/**
 * Every `step`-th element along `dim` from `start` to before `end`, with Python's rules for bounds.
 * A negative step goes backwards, as in NumPy.
 */
export function slice(x: Tensor, dim: number, start?: number, end?: number, step = 1): Tensor {
  if (x.shape.length === 0) throw new RangeError("Cannot slice a tensor of rank 0: it has no dimensions");
  const d = resolveDim(dim, x.shape.length, "slice");
  if (!Number.isInteger(step) || step === 0) {
    throw new RangeError(`Cannot slice with a step of ${step}: use a whole one but 0`);
  }
  if (![start ?? 0, end ?? 0].every(Number.isInteger)) {
    throw new RangeError(`Cannot slice ${show(x.shape)} from ${start} to ${end}: bounds must be whole numbers`);
  }
  const [first, last] = bounds(x.shape[d], start, end, step);
  const length = Math.max(0, Math.ceil((last - first) / step));
  const offset = length === 0 ? x.offset : x.offset + first * x.strides[d];
  const out = viewOf(x, x.shape.with(d, length), x.strides.with(d, x.strides[d] * step), offset);
  return record("window", out, [x], {
    apply: (y) => slice(y, d, start, end, step),
    cut: { dim: d, start: first, step, keep: true },
  });
}

/** The gradient of a tensor of `shape` by that of the view that `apply` takes of it: `g` in that part, 0 elsewhere. */
export function windowGradient(g: Tensor, shape: Shape, apply: (x: Tensor) => Tensor): Tensor {
  const dx = newZeros(shape, g.dtype);
  apply(dx).copy_(detached(g));
  return record("windowBackward", dx, [g], { apply });
}

function bounds(size: number, start: number | undefined, end: number | undefined, step: number): [number, number] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clip = (i: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high);
  return step > 0
    ? [start === undefined ? low : clip(start), end === undefined ? high : clip(end)]
    : [start === undefined ? high : clip(start), end === undefined ? low : clip(end)];
}

/** The arguments of `flatten` by name. */
export interface FlattenOptions {
  /**
   * The first of the dimensions that are joined.
   *
   * @default {0}
   */
  startDim?: number;
  /**
   * The last of them.
   *
   * @default {-1}
   */
  endDim?: number;
}

/** Dimensions `from` to `to` joined into one. */
export function flatten(x: Tensor, from: number | FlattenOptions = 0, to = -1): Tensor {
  requireTensor(x, "flatten");
  const named = byName<FlattenOptions>("flatten", from, ["startDim", "endDim"]);
  if (named !== null) return flatten(x, named.startDim, named.endDim);
  const rank = x.shape.length;
  if (rank === 0) return reshape(x, [1]);
  const [a, b] = [resolveDim(from as number, rank, "flatten from"), resolveDim(to, rank, "flatten to")];
  if (a > b) {
    throw new RangeError(
      `Cannot flatten ${show(x.shape)} from dimension ${from} to ${to}: they are in the wrong order`,
    );
  }
  const joined = x.shape.slice(a, b + 1).reduce((product, n) => product * n, 1);
  return reshape(x, x.shape.toSpliced(a, b - a + 1, joined));
}
