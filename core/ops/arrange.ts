/** Elements in another order, parted, repeated and joined: made of views, and of copies of them where PyTorch copies. */
import { byName, checkOptions, requireArray, requireNumber, requireTensor } from "../arguments.ts";
import { newZeros, viewOf, wrap } from "../memory/allocate.ts";
import { record } from "../record.ts";
import { checkShape, listed, resolveDim, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { copyOf } from "./elementwise.ts";
import { gather } from "./index.ts";
import { cat } from "./join.ts";
import { contiguous, expand, narrow, permute, reshape, select, slice, transpose, unsqueeze, view } from "./movement.ts";
import { where } from "./where.ts";

/** A dimension, also by name: `1` or `{ dim: 1 }`. */
export type Dim = number | {
  /** The dimension; negative ones count from the end. */
  dim?: number;
};

/** The dimension that was given, as an index of the tensor's dimensions. */
export function dimOf(x: Tensor, dim: Dim, action: string, otherwise = 0): number {
  requireTensor(x, action);
  const given = byName<{ dim?: number }>(action, dim, ["dim"]) === null ? dim : (dim as { dim?: number }).dim;
  const found = given === undefined ? otherwise : given as number;
  if (x.shape.length === 0) throw new RangeError(`Cannot ${action} a tensor of rank 0: it has no dimensions`);
  return resolveDim(found, x.shape.length, action);
}

// Parts.

/**
 * At most so many parts of equal size along a dimension, as views; the last may be smaller. PyTorch's `torch.chunk`.
 *
 * @example
 * ```ts
 * import { arange, chunk } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(chunk(arange(5), 3).map((part) => part.toArray()), [[0, 1], [2, 3], [4]]);
 * ```
 * @throws {RangeError} If `chunks` is not a whole number from 1.
 */
export function chunk(x: Tensor, chunks: number, dim: Dim = 0): Tensor[] {
  const d = dimOf(x, dim, "chunk");
  requireNumber(chunks, "chunk into");
  if (!(Number.isInteger(chunks) && chunks >= 1)) {
    throw new RangeError(`Cannot chunk ${show(x.shape)} into ${chunks} parts: give a whole number from 1`);
  }
  const size = Math.ceil(x.shape[d] / chunks);
  return size === 0 ? Array.from({ length: chunks }, () => narrow(x, d, 0, 0)) : split(x, size, d);
}

/**
 * Parts of a size, or of these sizes, along a dimension, as views. PyTorch's `torch.split`.
 *
 * @example
 * ```ts
 * import { arange, split } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(split(arange(5), 2).map((part) => part.toArray()), [[0, 1], [2, 3], [4]]);
 * assertEquals(split(arange(5), [1, 4]).map((part) => part.toArray()), [[0], [1, 2, 3, 4]]);
 * ```
 * @throws {RangeError} If the sizes do not add up to the dimension's.
 */
export function split(x: Tensor, size: number | readonly number[], dim: Dim = 0): Tensor[] {
  const d = dimOf(x, dim, "split");
  const length = x.shape[d];
  const sizes = typeof size === "number" ? evenSizes(x, size, length) : size;
  requireArray(sizes, "split into parts of", "[1, 3]");
  if (!sizes.every((n) => Number.isInteger(n) && n >= 0) || sizes.reduce((sum, n) => sum + n, 0) !== length) {
    throw new RangeError(
      `Cannot split ${show(x.shape)} at dimension ${d} into ${show(sizes)}: the sizes must add up to ${length}`,
    );
  }
  let end = 0;
  return sizes.map((n) => narrow(x, d, (end += n) - n, n));
}

function evenSizes(x: Tensor, size: number, length: number): number[] {
  if (!(Number.isInteger(size) && size >= 1)) {
    throw new RangeError(`Cannot split ${show(x.shape)} into parts of ${size}: give a whole size from 1`);
  }
  return Array.from({ length: Math.max(1, Math.ceil(length / size)) }, (_, i) => Math.min(size, length - i * size));
}

/** The slices along a dimension, without it, as views. PyTorch's `torch.unbind`. */
export function unbind(x: Tensor, dim: Dim = 0): Tensor[] {
  const d = dimOf(x, dim, "unbind");
  return Array.from({ length: x.shape[d] }, (_, i) => select(x, d, i));
}

// Other orders.

/** A view with the dimensions `from` moved to the places `to`, the others in their order. PyTorch's `torch.movedim`. */
export function movedim(x: Tensor, from: number | readonly number[], to: number | readonly number[]): Tensor {
  requireTensor(x, "move the dimensions of");
  const rank = x.shape.length;
  const [sources, targets] = [from, to].map((dims) => [dims].flat().map((d) => resolveDim(d, rank, "move")));
  const twice = [sources, targets].some((dims) => new Set(dims).size !== dims.length);
  if (twice || sources.length !== targets.length) {
    throw new RangeError(
      `Cannot move the dimensions ${show([from].flat())} of ${show(x.shape)} to ${show([to].flat())}: ` +
        `there must be as many, each once`,
    );
  }
  const rest = x.shape.map((_, d) => d).filter((d) => !sources.includes(d));
  const order = x.shape.map((_, d) => targets.includes(d) ? sources[targets.indexOf(d)] : rest.shift()!);
  return permute(x, order);
}

/** A copy with the order of these dimensions reversed, of all where none is named. PyTorch's `torch.flip`. */
export function flip(x: Tensor, ...dims: number[] | [readonly number[]]): Tensor {
  requireTensor(x, "flip");
  const given = listed(dims);
  const named = (given.length === 0 ? x.shape.map((_, d) => d) : given).map((d) => resolveDim(d, x.ndim, "flip"));
  if (new Set(named).size !== named.length) {
    throw new RangeError(`Cannot flip ${show(x.shape)} along ${show(given)}: one of them stands there twice`);
  }
  return copyOf(x.shape.length === 0 ? x : named.reduce((y, d) => slice(y, d, undefined, undefined, -1), x));
}

/** One dimension, several, or these by name. */
export type RollDims = number | readonly number[] | {
  /** The dimensions. */
  dims?: number | readonly number[];
};

/**
 * The elements moved on along dimensions, and what falls out at the end put in at the beginning; without dimensions in row-major order.
 * PyTorch's `torch.roll`.
 *
 * @example
 * ```ts
 * import { arange, roll } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(roll(arange(4), 1).toArray(), [3, 0, 1, 2]);
 * assertEquals(roll(arange(4).view(2, 2), [0, -1], [0, 1]).toArray(), [[1, 0], [3, 2]]);
 * ```
 * @throws {RangeError} If there are not as many shifts as dimensions.
 */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: RollDims): Tensor {
  requireTensor(x, "roll");
  const named = byName<{ dims?: number | readonly number[] }>("roll", dims, ["dims"]);
  if (named !== null) return roll(x, shifts, named.dims);
  const by = [shifts].flat();
  if (dims === undefined) {
    if (by.length !== 1) throw new RangeError(`Cannot roll by ${show(by)} without dimensions: give as many`);
    return reshape(rolled(reshape(x, [x.numel()]), by[0], 0), x.shape);
  }
  const along = [dims as number | readonly number[]].flat();
  if (along.length !== by.length) {
    throw new RangeError(`Cannot roll by ${show(by)} along ${show(along)}: there must be as many shifts as dimensions`);
  }
  return along.reduce((y, d, i) => rolled(y, by[i], dimOf(x, d, "roll")), x);
}

function rolled(x: Tensor, shift: number, d: number): Tensor {
  requireNumber(shift, "roll by");
  const n = x.shape[d];
  if (!Number.isInteger(shift)) throw new RangeError(`Cannot roll by ${shift}: give a whole number`);
  const cut = n === 0 ? 0 : ((-shift % n) + n) % n;
  return cut === 0 ? copyOf(x) : cat([narrow(x, d, cut, n - cut), narrow(x, d, 0, cut)], d);
}

/** A copy turned by `k` quarters from the first of two dimensions to the second. PyTorch's `torch.rot90`. */
export function rot90(x: Tensor, k = 1, dims: readonly [number, number] = [0, 1]): Tensor {
  requireArray(dims, "rotate from and to", "[0, 1]");
  const [a, b] = dims.map((d) => dimOf(x, d, "rotate"));
  if (dims.length !== 2 || a === b) throw new RangeError(`Cannot rotate ${show(x.shape)} by ${show(dims)}: give two`);
  if (!Number.isInteger(k)) throw new RangeError(`Cannot rotate by ${k} quarters: give a whole number`);
  const quarters = ((k % 4) + 4) % 4;
  if (quarters === 0) return copyOf(x);
  if (quarters === 2) return flip(x, a, b);
  return quarters === 1 ? copyOf(transpose(flip(x, b), a, b)) : flip(transpose(x, a, b), b);
}

// Repetition.

/**
 * A copy repeated so often along each dimension; further numbers stand for new leading dimensions. PyTorch's `repeat`, NumPy's `tile`.
 *
 * @throws {RangeError} If there are fewer numbers than dimensions, or one is not a whole number from 0.
 */
export function repeat(x: Tensor, ...times: number[] | [readonly number[]]): Tensor {
  requireTensor(x, "repeat");
  const by = checkShape(listed(times));
  if (by.length < x.shape.length) {
    throw new RangeError(
      `Cannot repeat ${show(x.shape)} by ${show(by)}: give a number for each of its ${x.shape.length} dimensions`,
    );
  }
  const from = [...Array<number>(by.length - x.shape.length).fill(1), ...x.shape];
  const apart = view(contiguous(x), from.flatMap((n) => [1, n]));
  const out = reshape(expand(apart, from.flatMap((n, d) => [by[d], n])), from.map((n, d) => n * by[d]));
  return out.data === x.data ? copyOf(out) : out;
}

/** `repeat` where missing numbers, those of the first dimensions, are 1. PyTorch's `torch.tile`. */
export function tile(x: Tensor, ...times: number[] | [readonly number[]]): Tensor {
  requireTensor(x, "tile");
  const by = listed(times);
  requireArray(by, "tile by", "[2, 1]");
  return repeat(x, [...Array<number>(Math.max(0, x.shape.length - by.length)).fill(1), ...by]);
}

/**
 * Each slice along a dimension repeated, all so often or each as often as a list says; without a dimension each element in row-major
 * order. PyTorch's `torch.repeat_interleave`.
 *
 * @example
 * ```ts
 * import { repeatInterleave, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(repeatInterleave(tensor([7, 8]), 2).toArray(), [7, 7, 8, 8]);
 * assertEquals(repeatInterleave(tensor([7, 8]), [1, 3]).toArray(), [7, 8, 8, 8]);
 * ```
 * @throws {RangeError} If the numbers are not whole ones from 0, one for each slice.
 */
export function repeatInterleave(x: Tensor, repeats: number | readonly number[] | Tensor, dim?: Dim): Tensor {
  requireTensor(x, "repeat the slices of");
  if (dim === undefined) return repeatInterleave(reshape(x, [x.numel()]), repeats, 0);
  const d = dimOf(x, dim, "repeat the slices along");
  const n = x.shape[d];
  const given = typeof repeats === "number" ? Array<number>(n).fill(repeats) : listOf(repeats);
  const counts = given.length === 1 ? Array<number>(n).fill(given[0]) : given;
  if (counts.length !== n || !counts.every((count) => Number.isInteger(count) && count >= 0)) {
    throw new RangeError(
      `Cannot repeat the ${n} slices of ${show(x.shape)} along dimension ${d} by ${show(given)}: ` +
        `give a whole number from 0 for each`,
    );
  }
  const rows = Int32Array.from(counts.flatMap((count, i) => Array<number>(count).fill(i)));
  return transpose(gather(transpose(x, 0, d), rows, [rows.length]), 0, d);
}

/** The numbers of a list, or of a tensor of rank 1. */
function listOf(numbers: readonly number[] | Tensor): number[] {
  if (Array.isArray(numbers)) return numbers;
  requireTensor(numbers as Tensor, "repeat by");
  return (numbers as Tensor).flatten().toArray() as number[];
}

// Triangles and diagonals.

/** A diagonal, counted upwards from the main one, also by name: `1` or `{ diagonal: 1 }`. */
export type Diagonal = number | {
  /** The diagonal. */
  diagonal?: number;
};

/** The lower triangle of the last two dimensions: 0 above diagonal `k`, which is counted upwards. PyTorch's `torch.tril`. */
export function tril(x: Tensor, k: Diagonal = 0): Tensor {
  return triangle(x, "tril", k, (row, k) => [0, row + k + 1]);
}

/** The upper triangle of the last two dimensions: 0 below diagonal `k`. PyTorch's `torch.triu`. */
export function triu(x: Tensor, k: Diagonal = 0): Tensor {
  return triangle(x, "triu", k, (row, k) => [row + k, Infinity]);
}

/** x where the columns of a row lie in a range, 0 elsewhere. */
function triangle(
  x: Tensor,
  name: string,
  diagonal: Diagonal,
  columnsOf: (row: number, k: number) => [from: number, to: number],
): Tensor {
  requireTensor(x, `take ${name}() of`);
  const named = byName<{ diagonal?: number }>(`take ${name}()`, diagonal, ["diagonal"]);
  const k = named === null ? diagonal as number : named.diagonal ?? 0;
  requireNumber(k, `take ${name}() from the diagonal`);
  if (x.shape.length < 2) throw new RangeError(`Cannot take ${name}() of ${show(x.shape)}: give a matrix, or several`);
  const [rows, columns] = x.shape.slice(-2);
  const mask = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const [from, to] = columnsOf(row, k).map((column) => Math.min(Math.max(column, 0), columns) + row * columns);
    mask.fill(1, from, to);
  }
  return where(wrap(mask, [rows, columns], "bool"), x, x.dtype === "bool" ? false : 0);
}

/** The arguments of `diagonal` by name. */
export interface DiagonalOptions {
  /** How far above the main one; 0 where nothing else is said. */
  offset?: number;
  /** The dimension of the rows; 0 where nothing else is said. */
  dim1?: number;
  /** The dimension of the columns; 1 where nothing else is said. */
  dim2?: number;
}

/**
 * The diagonal of two dimensions, `offset` above the main one, as a view whose last dimension goes along it. PyTorch's `torch.diagonal`.
 *
 * @example
 * ```ts
 * import { diagonal, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * assertEquals(diagonal(x).toArray(), [1, 5]);
 * assertEquals(diagonal(x, 1).toArray(), [2, 6]);
 * ```
 * @throws {RangeError} If the two dimensions are the same.
 */
export function diagonal(x: Tensor, offset: number | DiagonalOptions = 0, dim1 = 0, dim2 = 1): Tensor {
  requireTensor(x, "take the diagonal of");
  const named = byName<DiagonalOptions>("take the diagonal", offset, ["offset", "dim1", "dim2"]);
  if (named !== null) return diagonal(x, named.offset, named.dim1, named.dim2);
  const above = offset as number;
  const [a, b] = [dim1, dim2].map((d) => resolveDim(d, x.shape.length, "take the diagonal of"));
  if (a === b || x.shape.length < 2) {
    throw new RangeError(`Cannot take the diagonal of ${show(x.shape)} along ${dim1} and ${dim2}: give two dimensions`);
  }
  if (!Number.isInteger(above)) throw new RangeError(`Cannot take the diagonal ${above}: give a whole number`);
  const [down, right] = [Math.max(-above, 0), Math.max(above, 0)];
  const length = Math.max(0, Math.min(x.shape[a] - down, x.shape[b] - right));
  const others = x.shape.map((_, d) => d).filter((d) => d !== a && d !== b);
  const start = length === 0 ? 0 : down * x.strides[a] + right * x.strides[b];
  const out = viewOf(
    x,
    [...others.map((d) => x.shape[d]), length],
    [...others.map((d) => x.strides[d]), x.strides[a] + x.strides[b]],
    x.offset + start,
  );
  return record("window", out, [x], { apply: (y) => diagonal(y, above, a, b), cut: null });
}

/** The diagonal of a matrix, `offset` above the main one; of a vector the matrix that has it there. PyTorch's `torch.diag`. */
export function diag(x: Tensor, offset = 0): Tensor {
  requireTensor(x, "take diag() of");
  if (x.shape.length === 2) return copyOf(diagonal(x, offset));
  if (x.shape.length !== 1) throw new RangeError(`Cannot take diag() of ${show(x.shape)}: give a vector or a matrix`);
  if (!Number.isInteger(offset)) throw new RangeError(`Cannot fill the diagonal ${offset}: give a whole number`);
  const [n, size] = [x.shape[0], x.shape[0] + Math.abs(offset)];
  const places = new Int32Array(size * size).fill(n); // a 0 stands after the elements
  for (let i = 0; i < n; i++) places[(i + Math.max(-offset, 0)) * size + i + Math.max(offset, 0)] = i;
  return gather(cat([x, newZeros([1], x.dtype)]), places, [size, size]);
}

/** `Σ x[i, i]` of a matrix. PyTorch's `torch.trace`. */
export function trace(x: Tensor): Tensor {
  requireTensor(x, "take the trace of");
  if (x.shape.length !== 2) throw new RangeError(`Cannot take the trace of ${show(x.shape)}: give a matrix`);
  return diagonal(x).sum();
}

// Several tensors.

/** The tensors side by side: along the columns, vectors along their only dimension. PyTorch's `torch.hstack`. */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const parts = parted(tensors, "hstack", 1);
  return cat(parts, parts[0]?.ndim === 1 ? 0 : 1);
}

/** The tensors one below the other, vectors as rows. PyTorch's `torch.vstack`. */
export function vstack(tensors: readonly Tensor[]): Tensor {
  return cat(parted(tensors, "vstack", 2));
}

function parted(tensors: readonly Tensor[], name: string, rank: number): Tensor[] {
  requireArray(tensors, `${name} the tensors`, "[a, b]");
  if (tensors.length === 0) throw new RangeError(`Cannot ${name} no tensors: give at least one`);
  return tensors.map((x) => {
    requireTensor(x, name);
    while (x.ndim < rank) x = unsqueeze(x, 0);
    return x;
  });
}

/** The options of `meshgrid`. */
export interface MeshgridOptions {
  /**
   * `"ij"` for the sizes in the order of the vectors, `"xy"` for the first two exchanged, as pictures have them.
   *
   * @default {"ij"}
   */
  indexing?: "ij" | "xy";
}

/** Vectors as coordinates: each repeated, as a view, over the grid of all of them. PyTorch's `torch.meshgrid`. */
export function meshgrid(vectors: readonly Tensor[], options: MeshgridOptions = {}): Tensor[] {
  requireArray(vectors, "make a grid of", "[x, y]");
  checkOptions("make a grid", options, ["indexing"]);
  const { indexing = "ij" } = options;
  if (indexing !== "ij" && indexing !== "xy") {
    throw new TypeError(`Cannot make a grid with indexing ${indexing}: expected "ij" or "xy"`);
  }
  vectors.forEach((x) => requireTensor(x, "make a grid of"));
  const wrong = vectors.find((x) => x.ndim > 1);
  if (wrong !== undefined) throw new RangeError(`Cannot make a grid of ${show(wrong.shape)}: give vectors`);
  const sizes = vectors.map((x) => sizeOf(x.shape));
  const grids = vectors.map((x, i) => expand(view(x, sizes.map((n, d) => (d === i ? n : 1))), sizes));
  return indexing === "xy" && grids.length > 1 ? grids.map((grid) => transpose(grid, 0, 1)) : grids;
}
