/** Shapes and strides: how many elements, where each stands, and which shapes broadcast. */
import { describe } from "./arguments.ts";

/** Sizes along each dimension, outermost first; `[]` is a single number. */
export type Shape = readonly number[];

/** A shape as text: `[2, 3]`. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** How many elements a shape holds: the product of its sizes, 1 for `[]`. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let d = 0; d < shape.length; d++) size *= shape[d];
  return size;
}

/** Strides of the row-major layout: 1 for the last dimension, for the others the product of all later sizes. */
export function rowMajor(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, step = 1; d >= 0; d--) {
    strides[d] = step;
    step *= Math.max(shape[d], 1);
  }
  return strides;
}

/** Whether elements stand in row-major order without gaps; a dimension of size 0 or 1 may have any stride. */
export function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  for (let d = shape.length - 1, step = 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return false;
    step *= shape[d];
  }
  return true;
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}

/** The sizes or dimensions of a rest parameter, which are given one by one or as one array. */
export function listed(sizes: readonly number[] | readonly [readonly number[]]): readonly number[] {
  const [first] = sizes;
  return Array.isArray(first) ? first : sizes as readonly number[];
}

/**
 * Checks sizes that came from a caller and returns a copy of them.
 *
 * @throws {RangeError} If a size is negative, fractional, or the product passes 2³¹ − 1 elements.
 * @throws {TypeError} If the sizes are not an array.
 */
export function checkShape(shape: Shape): number[] {
  if (!Array.isArray(shape)) {
    throw new TypeError(`Cannot make a tensor of shape ${shape}: give all sizes in one array, [2, 3] instead of 2, 3`);
  }
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      const sizes = show(shape.map((n) => (typeof n === "number" ? n : describe(n))) as unknown as Shape);
      throw new RangeError(
        `Cannot make a tensor of shape ${sizes}: ${
          typeof size === "number" ? size : describe(size)
        } is not a whole size of 0 or more`,
      );
    }
  }
  if (sizeOf(shape) > 0x7fffffff) {
    throw new RangeError(
      `Cannot make a tensor of shape ${show(shape)}: ${sizeOf(shape)} elements pass the limit of 2147483647`,
    );
  }
  return [...shape];
}

/**
 * The dimension `dim` as an index of [0, rank); negative ones count from the end. Rank 0 accepts 0 and −1.
 *
 * @throws {RangeError} If there is no such dimension.
 */
export function resolveDim(dim: number, rank: number, action: string): number {
  const count = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -count || dim >= count) {
    if (typeof dim !== "number") {
      throw new TypeError(`Cannot ${action} dimension ${describe(dim)}: a dimension is a number`);
    }
    throw new RangeError(
      `Cannot ${action} dimension ${dim}: the dimension is out of range, expected ${-count} to ${count - 1}`,
    );
  }
  return dim < 0 ? dim + count : dim;
}

/**
 * The shape two shapes broadcast to: aligned right, equal or 1, missing counts as 1.
 *
 * @throws {RangeError} If two sizes differ and neither is 1; the message aligns the shapes and marks the clashing column.
 */
export function broadcastShapes(a: Shape, b: Shape, action: string): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let d = 1; d <= rank; d++) {
    const p = d <= a.length ? a[a.length - d] : 1;
    const q = d <= b.length ? b[b.length - d] : 1;
    if (p !== q && p !== 1 && q !== 1) throw clash(a, b, d, action);
    out[rank - d] = p === 1 ? q : p;
  }
  return out;
}

/** Strides that read a tensor as if it had the larger shape `to`: 0 along every repeated dimension. */
export function broadcastStrides(shape: Shape, strides: readonly number[], to: Shape): number[] {
  const lead = to.length - shape.length;
  const out = new Array<number>(to.length);
  for (let d = 0; d < to.length; d++) {
    out[d] = d < lead || (shape[d - lead] === 1 && to[d] !== 1) ? 0 : strides[d - lead];
  }
  return out;
}

function clash(a: Shape, b: Shape, fromRight: number, action: string): RangeError {
  const [p, q] = [a[a.length - fromRight], b[b.length - fromRight]];
  const width = Math.max(...a.map((n) => `${n}`.length), ...b.map((n) => `${n}`.length));
  const rank = Math.max(a.length, b.length);
  const line = (s: Shape) =>
    [...Array<string>(rank - s.length).fill(""), ...s.map(String)].map((n) => n.padStart(width)).join("  ");
  const mark = " ".repeat((rank - fromRight) * (width + 2)) + "^".repeat(width);
  const cure = fromRight > 1 || a.length === b.length ? "" : `; unsqueeze(1) or t() may align them`;
  return new RangeError(
    `Cannot ${action} ${show(a)} and ${
      show(b)
    }: sizes ${p} and ${q} differ, counted from the right at dimension -${fromRight}${cure}\n` +
      `  ${line(a)}\n  ${line(b)}\n  ${mark}`,
  );
}

/**
 * The shape with its `-1`, of which there may be one, replaced by the size that is left.
 *
 * @throws {RangeError} If the sizes do not hold exactly `size` elements, or several are -1.
 */
export function inferShape(shape: Shape, from: Shape): number[] {
  const size = sizeOf(from);
  const open = shape.indexOf(-1);
  const refuse = (why: string) => new RangeError(`Cannot view ${show(from)} as ${show(shape)}: ${why}`);
  if (open !== shape.lastIndexOf(-1)) throw refuse("only one size may be -1");
  const rest = sizeOf(shape.filter((_, d) => d !== open));
  if (open < 0) {
    if (rest !== size) throw refuse(`the shape is invalid for ${size} elements, it holds ${rest}`);
    return checkShape(shape);
  }
  if (rest === 0 || size % rest !== 0) throw refuse(`${size} elements do not divide by ${rest}`);
  return checkShape(shape.map((n) => (n === -1 ? size / rest : n)));
}

/**
 * Strides for a view of another shape, or `null` where only a copy can have it.
 *
 * Neighbouring dimensions are joined where they lie without a gap; each new dimension must divide one of those.
 */
export function viewStrides(shape: Shape, strides: readonly number[], to: Shape): number[] | null {
  if (sizeOf(shape) === 0) return rowMajor(to);
  const runs = denseRuns(shape, strides);
  const out = new Array<number>(to.length);
  let [left, step] = runs.shift() ?? [1, 1];
  for (let d = to.length - 1; d >= 0; d--) {
    if (left === 1 && to[d] !== 1) [left, step] = runs.shift()!;
    if (left % to[d] !== 0) return null;
    out[d] = step;
    step *= to[d];
    left /= to[d];
  }
  return out;
}

/** Neighbouring dimensions joined where the outer stride is the inner one times the inner size: `[size, stride]`, innermost first. */
function denseRuns(shape: Shape, strides: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] === 1) continue;
    const run = runs.at(-1);
    if (run && strides[d] === run[0] * run[1]) run[0] *= shape[d];
    else runs.push([shape[d], strides[d]]);
  }
  return runs;
}
