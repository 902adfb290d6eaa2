/** What ranks do together with tensors: sums of all, copies to all, parts from all. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { bytesOf, type DType, type TypedArray, typedArrayOver } from "../../core/dtype.ts";
import { wrap } from "../../core/memory/allocate.ts";
import { Call, type CallName, type CallSteps, MpiWorld, type REDUCTIONS, room } from "../../core/messages/mpi.ts";
import { world } from "../../core/messages/world.ts";
import { sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** How the values of all ranks become one. */
export type ReduceOp = "sum" | "mean" | "product" | "min" | "max";

/** The options of a reduction. */
export interface AllReduceOptions {
  /**
   * How the values of all ranks become one.
   *
   * @default {"sum"}
   */
  op?: ReduceOp;
  /**
   * Whether values are taken in the order of ranks, so that results have the same bits however messages arrive; else MPI's own reduction
   * takes them as is fastest.
   *
   * @default {true}
   */
  deterministic?: boolean;
}

/** The options of {@linkcode broadcast}. */
export interface BroadcastOptions {
  /**
   * The rank whose values all others get.
   *
   * @default {0}
   */
  from?: number;
}

const DTYPE_CODES: Readonly<Record<DType, number>> = { float32: 1, float64: 2, int32: 3, uint8: 4, bool: 5 };
const MOST_ELEMENTS = 1 << 24; // that are on their way in one call: memory for as many is taken beside the tensor's

/** Elements of a tensor in a row, in memory that MPI may use. */
export interface Piece {
  readonly data: TypedArray;
  readonly dtype: DType;
}

/** Memory for elements, as a typed array that MPI may use. */
export function newPiece(dtype: DType, length: number): Piece {
  const { buffer } = room(length * bytesOf(dtype));
  return { data: typedArrayOver(dtype, buffer, 0, length), dtype };
}

/** The parts of `n` elements, one a rank: `[start, end]`. */
function partOf(n: number, rank: number, size: number): [start: number, end: number] {
  return [Math.floor(n * rank / size), Math.floor(n * (rank + 1) / size)];
}

/** Writes what `a` and `b` become into `a`; the same operations as those of tensors. */
function combine(op: ReduceOp, a: TypedArray, b: TypedArray, dtype: DType): void {
  if (a.length === 0) return;
  const [x, y] = [wrap(a, [a.length], dtype), wrap(b, [b.length], dtype)];
  if (op === "sum" || op === "mean") x.add_(y);
  else if (op === "product") x.mul_(y);
  else x.copy_(op === "min" ? x.minimum(y) : x.maximum(y));
}

/**
 * Sums (or another reduction) of a piece over all ranks, in its place: each rank makes one part of it, in the order of ranks, and gives it
 * to all others. With few elements every rank makes all parts, which saves a round of messages.
 */
function* reducing(all: MpiWorld, name: CallName, piece: Piece, options: Required<AllReduceOptions>): CallSteps {
  const { data, dtype } = piece, { size, rank } = all;
  const call = yield* all.announce(name, DTYPE_CODES[dtype], data.byteLength);
  if (!options.deterministic && dtype !== "bool") {
    yield all.reduce(name, data, (options.op === "mean" ? "sum" : options.op) as typeof REDUCTIONS[number]);
    return;
  }
  const isSmall = data.byteLength <= 4096;
  const part = (of: number) => isSmall ? data : data.subarray(...partOf(data.length, of, size));
  const own = part(rank);
  const theirs = Array.from({ length: size }, (_, of) => of === rank ? own : newPiece(dtype, own.length).data);
  yield all.exchange(name, call, 0, part, (of) => theirs[of]);
  noGrad(() => {
    const sum = newPiece(dtype, own.length).data;
    sum.set(theirs[0]);
    for (let of = 1; of < size; of++) combine(options.op, sum, theirs[of], dtype);
    own.set(sum);
  });
  if (!isSmall && name !== "reduceScatter") yield all.exchange(name, call, 1, () => own, part);
}

/** Begins a reduction of a piece over all ranks, in its place. */
export function beginReduction(
  all: MpiWorld,
  piece: Piece,
  { op = "sum", deterministic = true }: AllReduceOptions,
  name: CallName = "allReduce",
): Call {
  return new Call(all, name, reducing(all, name, piece, { op, deterministic }));
}

/** The present world where MPI connects several processes, else `null`. */
export function connected(): MpiWorld | null {
  const all = world();
  return all instanceof MpiWorld && all.size > 1 ? all : null;
}

function checkReduction(verb: string, x: Tensor, options: AllReduceOptions): void {
  requireTensor(x, verb);
  checkOptions(verb, options, ["op", "deterministic"], { deterministic: "boolean" });
  const { op = "sum" } = options, known = ["sum", "mean", "product", "min", "max"];
  if (!known.includes(op)) throw new TypeError(`Cannot ${verb} by "${op}": give one of ${known.join(", ")}`);
}

/**
 * The sum of `x` over all ranks, or another reduction, on each of them: `y = Σᵣ xᵣ`. PyTorch's `all_reduce`, which writes in place as
 * {@linkcode allReduce_} does.
 *
 * Whole numbers wrap as those of `add()`; `"mean"` of them is their sum divided as `div()` does and cut.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { allReduce, worldSize } from "@gradus/gradus/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(allReduce(tensor([1, 2])).toArray(), [1 * worldSize(), 2 * worldSize()]);
 * ```
 * @throws {TypeError} If it is not a tensor, or there is no such reduction.
 * @throws {Error} If another rank does not come, or comes with another size or dtype.
 */
export function allReduce(x: Tensor, options: AllReduceOptions = {}): Tensor {
  checkReduction("allReduce", x, options);
  const copy = noGrad(() => x.detach().clone());
  return allReduce_(copy, options);
}

/** The same as {@linkcode allReduce} in the place of `x`, which is returned. */
export function allReduce_(x: Tensor, options: AllReduceOptions = {}): Tensor {
  checkReduction("allReduce_", x, options);
  const all = connected();
  if (all === null) return x;
  overPieces(x, (piece) => beginReduction(all, piece, options).wait(), true);
  if (options.op === "mean") noGrad(() => x.copy_(x.div(all.size).to(x.dtype)));
  return x;
}

/** Runs `body` on the elements of `x` in order, some at a time, and writes back what it made of them. */
function overPieces(x: Tensor, body: (piece: Piece) => void, isWritten: boolean): void {
  noGrad(() => {
    const flat = x.detach().contiguous().view(-1), n = flat.numel(), isView = flat.data !== x.data;
    for (let at = 0; at === 0 || at < n; at += MOST_ELEMENTS) {
      const here = flat.data.subarray(flat.offset + at, flat.offset + Math.min(n, at + MOST_ELEMENTS));
      const piece = newPiece(x.dtype, here.length);
      piece.data.set(here);
      body(piece);
      if (isWritten) here.set(piece.data);
    }
    if (!isWritten) return;
    if (isView) x.detach().copy_(flat.view(...x.shape));
    else x.version.count++;
  });
}

/**
 * `x` of rank `from` on every rank; all give a tensor of the same shape and dtype. PyTorch's `broadcast`, which writes in place as
 * {@linkcode broadcast_} does.
 */
export function broadcast(x: Tensor, options: BroadcastOptions = {}): Tensor {
  requireTensor(x, "broadcast");
  return broadcast_(noGrad(() => x.detach().clone()), options);
}

/** The same as {@linkcode broadcast} in the place of `x`, which is returned. */
export function broadcast_(x: Tensor, options: BroadcastOptions = {}): Tensor {
  requireTensor(x, "broadcast_");
  checkOptions("broadcast_", options, ["from"]);
  const { from = 0 } = options, { size } = world();
  if (!(Number.isInteger(from) && from >= 0 && from < size)) {
    throw new RangeError(`Cannot broadcast from rank ${from}: give one from 0 to ${size - 1}`);
  }
  const all = connected();
  if (all !== null) {
    overPieces(x, ({ data }) => all.broadcast(data as TypedArray & ArrayBufferView<ArrayBuffer>, from), true);
  }
  return x;
}

/**
 * The tensors of all ranks one after another, in the order of ranks: x [n, …] of each becomes [ranks · n, …], and a tensor of rank 0 an
 * element. All have one shape and dtype. PyTorch's `all_gather_into_tensor`.
 */
export function allGather(x: Tensor): Tensor {
  requireTensor(x, "allGather");
  const all = connected(), { size } = world();
  const [rows, ...rest] = x.ndim === 0 ? [1] : x.shape;
  const shape = [size * rows, ...rest], own = noGrad(() => x.detach().contiguous()), n = own.numel();
  if (all === null) return own.clone().view(...shape);
  const { data, dtype } = newPiece(x.dtype, sizeOf(shape)), mine = own.data.subarray(own.offset, own.offset + n);
  for (let at = 0; at === 0 || at < n; at += MOST_ELEMENTS) {
    const part = mine.subarray(at, at + MOST_ELEMENTS);
    const bytes = new Uint8Array(part.buffer as ArrayBuffer, part.byteOffset, part.byteLength);
    all.gather(bytes).forEach((theirs, rank) => {
      data.set(typedArrayOver(dtype, theirs.buffer, 0, part.length), rank * n + at);
    });
  }
  return wrap(data, shape, dtype);
}

/**
 * This rank's part of the sum over all ranks: x [ranks · n, …] of each becomes [n, …]. PyTorch's `reduce_scatter_tensor`.
 *
 * @throws {RangeError} If the rows of `x` cannot be shared evenly.
 */
export function reduceScatter(x: Tensor, options: AllReduceOptions = {}): Tensor {
  checkReduction("reduceScatter", x, options);
  const { size, rank } = world(), rows = x.shape[0];
  if (rows === undefined || rows % size !== 0) {
    throw new RangeError(
      `Cannot reduceScatter ${rows ?? "no"} rows: give a multiple of ${size}, one part for each rank`,
    );
  }
  const all = connected(), shape = [rows / size, ...x.shape.slice(1)];
  if (all === null) return noGrad(() => x.detach().clone());
  const piece = newPiece(x.dtype, x.numel());
  noGrad(() => wrap(piece.data, x.shape, x.dtype).copy_(x.detach()));
  beginReduction(all, piece, options, "reduceScatter").wait();
  const part = wrap(piece.data.slice(...partOf(piece.data.length, rank, size)), shape, x.dtype);
  return options.op === "mean" ? noGrad(() => part.div(size).to(x.dtype)) : part;
}

/** Waits until all ranks are here. */
export function barrier(): void {
  connected()?.meet("barrier");
}
