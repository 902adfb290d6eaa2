/** Views in which elements may stand more than once: the windows along a dimension, and any strides over a tensor's memory. */
import { requireArray } from "../../arguments.ts";
import { forEachRow } from "../../backend/reference/reference.ts";
import { memoryGone } from "../../dtype.ts";
import { newEmpty, newZeros, viewOf } from "../../memory/allocate.ts";
import { isRecorded, type Layout, record } from "../../record.ts";
import { checkShape, resolveDim, type Shape, show, sizeOf } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { gather, gatherGradient } from "../index.ts";
import { detached, reshape } from "../movement.ts";

/**
 * The windows of `size` neighbours along `dim`, one every `step`: that dimension counts the windows, and a new last one goes over each.
 *
 * @throws {RangeError} If a window is larger than the dimension, or a number is not whole.
 */
export function slidingWindows(x: Tensor, dim: number, size: number, step: number): Tensor {
  const d = resolveDim(dim, x.shape.length, "unfold");
  const length = x.shape[d] ?? 1;
  const refuse = (why: string) => new RangeError(`Cannot unfold ${show(x.shape)} at dimension ${dim}: ${why}`);
  if (!(Number.isInteger(size) && size >= 0)) throw refuse(`the windows are of ${size}, give a whole number from 0`);
  if (!(Number.isInteger(step) && step >= 1)) throw refuse(`the step is ${step}, give a whole number from 1`);
  if (size > length) throw refuse(`windows of ${size} are ${size - length} more than its ${length} elements`);
  if (x.shape.length === 0) return reshape(x, [1]).narrow(0, 0, size);
  const count = Math.floor((length - size) / step) + 1;
  const out = viewOf(
    x,
    [...x.shape.with(d, count), size],
    [...x.strides.with(d, x.strides[d] * step), x.strides[d]],
    x.offset,
  );
  return record("unfold", out, [x], { dim: d, size, step });
}

/** The gradient of a tensor of `shape` by that of its windows: each element gets what arrives at it in all of them. */
export function slidingWindowsGradient(g: Tensor, shape: Shape, dim: number, size: number, step: number): Tensor {
  const dx = newZeros(shape, g.dtype);
  const [from, reach] = [detached(g), (g.shape[dim] - 1) * step + 1];
  for (let k = 0; k < size; k++) dx.narrow(dim, k, reach).slice(dim, 0, undefined, step).add_(from.select(-1, k));
  return record("unfoldBackward", dx, [g], { dim, size, step });
}

/**
 * Element [i, j, …] of the view stands at `offset + i·strides[0] + j·strides[1] + …` of the memory of x. Elements of that memory that are not
 * in x send no gradient back, as in PyTorch.
 *
 * @throws {RangeError} If the sizes and strides are not whole, or an element would lie outside of the memory.
 */
export function asStrided(x: Tensor, size: Shape, strides: readonly number[], offset: number = x.offset): Tensor {
  requireArray(strides, "view with the strides", "[4, 1]");
  const shape = checkShape(size);
  const refuse = (why: string) =>
    new RangeError(
      `Cannot view ${show(x.shape)} as ${show(shape)} with strides ${show(strides)} from ${offset}: ${why}`,
    );
  if (strides.length !== shape.length) throw refuse(`there are ${strides.length} strides for ${shape.length} sizes`);
  if (![...strides, offset].every(Number.isInteger)) throw refuse("strides and offset must be whole numbers");
  if (sizeOf(shape) > 0) {
    const [low, high] = reach({ shape, strides, offset });
    if (x.data.length === 0) throw memoryGone();
    if (low < 0 || high >= x.data.length) {
      throw refuse(`it reaches from ${low} to ${high} in a memory of ${x.data.length} elements`);
    }
  }
  const view = { shape, strides: [...strides], offset };
  const source = { shape: x.shape, strides: x.strides, offset: x.offset };
  return record("asStrided", viewOf(x, view.shape, view.strides, offset), [x], { view, source });
}

/** The gradient of x by that of a view of its memory: each element adds up where it stands in the view, shared by those of x there. */
export function asStridedGradient(g: Tensor, view: Layout, source: Layout): Tensor {
  if (isRecorded(g)) return recordedGradient(g, view, source);
  const dx = newZeros(source.shape, g.dtype);
  if (dx.data.length === 0 || sizeOf(view.shape) === 0) return dx;
  const [low, high] = reach(source);
  const [sums, shared] = [new Float64Array(high - low + 1), new Int32Array(high - low + 1)];
  const from: Layout = { shape: g.shape, strides: g.strides, offset: g.offset };
  eachPair(view, from, (at, place) => {
    if (at >= low && at <= high) sums[at - low] += g.data[place];
  });
  const to: Layout = { shape: dx.shape, strides: dx.strides, offset: dx.offset };
  eachPair(source, to, (at) => shared[at - low]++);
  eachPair(source, to, (at, place) => dx.data[place] = sums[at - low] / shared[at - low]);
  return dx;
}

/** The same of operations that are recorded. */
function recordedGradient(g: Tensor, view: Layout, source: Layout): Tensor {
  const [seen, own] = [placesOf(view), placesOf(source)];
  const [low, high] = own.length === 0 ? [0, -1] : reach(source);
  const shared = new Map<number, number>();
  for (const at of own) shared.set(at, (shared.get(at) ?? 0) + 1);
  const known = seen.flatMap((at, i) => (at >= low && at <= high ? [i] : []));
  const arrived = gather(reshape(g, [seen.length]), Int32Array.from(known), [known.length]);
  const memory = gatherGradient(arrived, [high - low + 1], Int32Array.from(known, (i) => seen[i] - low));
  const mine = gather(memory, Int32Array.from(own, (at) => at - low), source.shape);
  const counts = newEmpty(source.shape, g.dtype);
  own.forEach((at, i) => counts.data[i] = shared.get(at)!);
  return mine.div(counts);
}

/** Where each element stands, in row-major order. */
function placesOf(layout: Layout): number[] {
  if (sizeOf(layout.shape) === 0) return [];
  const places: number[] = [];
  eachPair(layout, layout, (at) => places.push(at));
  return places;
}

/** Visits where each element stands in two layouts of one shape. */
function eachPair(a: Layout, b: Layout, visit: (a: number, b: number) => void): void {
  const [shape, strides] = [[1, ...a.shape], [[0, ...a.strides], [0, ...b.strides]]];
  const [n, [aStep, bStep]] = [shape.at(-1)!, strides.map((steps) => steps.at(-1)!)];
  forEachRow({ shape, strides }, [a.offset, b.offset], ([p, q]) => {
    for (let i = 0; i < n; i++) visit(p + i * aStep, q + i * bStep);
  });
}

/** The lowest and the highest place of a layout's elements. */
function reach({ shape, strides, offset }: Layout): [low: number, high: number] {
  const spans = strides.map((step, d) => step * (shape[d] - 1));
  const low = spans.reduce((sum, span) => sum + Math.min(span, 0), offset);
  return [low, spans.reduce((sum, span) => sum + Math.max(span, 0), offset)];
}
