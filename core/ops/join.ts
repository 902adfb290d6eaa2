/** Several tensors joined into one: along a dimension they have, or along a new one. */
import { requireTensor } from "../arguments.ts";
import { newEmpty } from "../memory/allocate.ts";
import { promote } from "../dtype.ts";
import { record } from "../record.ts";
import { resolveDim, sameShape, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./elementwise.ts";
import { elements, unsqueeze, view } from "./movement.ts";

/**
 * The tensors one after the other along `dim`: [2, 3] and [5, 3] give [7, 3], in their common dtype; those of shape [0] add nothing.
 * PyTorch's `torch.cat`.
 *
 * @example
 * ```ts
 * import { cat, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = [tensor([[1, 2]]), tensor([[3, 4], [5, 6]])];
 * assertEquals(cat([a, b]).toArray(), [[1, 2], [3, 4], [5, 6]]);
 * ```
 * @throws {RangeError} If there are none, they have rank 0, or they differ in another size than that of `dim`.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList(tensors, "cat");
  const first = tensors.find((x) => !isNothing(x)) ?? tensors[0];
  if (first.shape.length === 0) throw new RangeError("Cannot cat tensors of rank 0: use stack()");
  const d = resolveDim(dim, first.shape.length, "cat along");
  const dtype = tensors.map((x) => x.dtype).reduce(promote);
  const parts = tensors.map((x, i) => {
    if (isNothing(x)) return cast(view(x, first.shape.with(d, 0)), dtype);
    checkAlike("cat", first, x, i, (shape) => shape.toSpliced(d, 1));
    return cast(x, dtype);
  });
  const sizes = parts.map((x) => x.shape[d]);
  const out = newEmpty(first.shape.with(d, sizes.reduce((sum, n) => sum + n, 0)), dtype);
  let start = 0;
  for (const x of parts) start = place(x, d, start, out);
  return record("cat", out, parts, { dim: d, sizes });
}

function isNothing(x: Tensor): boolean {
  return x.shape.length === 1 && x.shape[0] === 0;
}

/**
 * The tensors side by side along a new dimension `dim`, in their common dtype: two of shape [3] give [2, 3]. PyTorch's `torch.stack`.
 *
 * @example
 * ```ts
 * import { stack, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = [tensor([1, 2]), tensor([3, 4])];
 * assertEquals(stack([a, b]).toArray(), [[1, 2], [3, 4]]);
 * assertEquals(stack([a, b], 1).toArray(), [[1, 3], [2, 4]]);
 * ```
 * @throws {RangeError} If there are none, or they differ in shape.
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList(tensors, "stack");
  const first = tensors[0];
  tensors.forEach((x, i) => checkAlike("stack", first, x, i, (shape) => shape));
  const d = resolveDim(dim, first.shape.length + 1, "stack along");
  return cat(tensors.map((x) => unsqueeze(x, d)), d);
}

function checkList(tensors: readonly Tensor[], verb: string): void {
  if (!Array.isArray(tensors)) throw new TypeError(`Cannot ${verb} them: give one array, as in ${verb}([a, b])`);
  if (tensors.length === 0) throw new RangeError(`Cannot ${verb} no tensors: give at least one`);
  tensors.forEach((x) => requireTensor(x, verb));
}

function checkAlike(
  verb: string,
  first: Tensor,
  x: Tensor,
  i: number,
  compared: (shape: readonly number[]) => readonly number[],
): void {
  if (first.shape.length !== x.shape.length || !sameShape(compared(first.shape), compared(x.shape))) {
    throw new RangeError(
      `Cannot ${verb} ${show(first.shape)} and ${show(x.shape)}: tensor ${i} does not fit the first, pad or slice it`,
    );
  }
}

/** Copies `x` into `out` from `start` on along dimension `d`; returns where the next one starts. */
function place(x: Tensor, d: number, start: number, out: Tensor): number {
  const inner = sizeOf(out.shape.slice(d + 1));
  const [run, row] = [x.shape[d] * inner, out.shape[d] * inner];
  const from = elements(x);
  for (let read = 0, write = start * inner; read < from.length; read += run, write += row) {
    out.data.set(from.subarray(read, read + run), write);
  }
  return start + x.shape[d];
}
