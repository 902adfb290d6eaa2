/** A slow second opinion: a tensor as a function of its index, so plain that it shares no mistake with strides. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { fromData, type Tensor } from "@gradus/gradus";

export interface Model {
  readonly shape: readonly number[];
  at(index: readonly number[]): number;
}

/** Every index of a shape in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (heads, n) => heads.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])),
    [[]],
  );
}

export function values(m: Model): number[] {
  return indices(m.shape).map((index) => m.at(index));
}

/** A model of the numbers as they follow in row-major order. */
export function modelOf(flat: readonly number[], shape: readonly number[]): Model {
  return { shape, at: (index) => flat[index.reduce((place, i, d) => place * shape[d] + i, 0)] };
}

export function float32(flat: readonly number[], shape: readonly number[]): Tensor {
  return fromData(Float32Array.from(flat), shape);
}

/** The elements read one by one through offset and strides. */
export function read(x: Tensor): number[] {
  return indices(x.shape).map((index) => x.data[index.reduce((at, i, d) => at + i * x.strides[d], x.offset)]);
}

export function assertModel(x: Tensor, m: Model): void {
  assertEquals(x.shape, m.shape);
  assertEquals(read(x), values(m));
}

/** Sizes 0 to 3, rank 0 to 4. */
export const anyShape: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });

/** Sizes 1 to 3, rank 1 to 4. */
export const fullShape: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 3 }), {
  minLength: 1,
  maxLength: 4,
});

/** The same cases on every run; they are small as they come, so that none is made smaller when one fails. */
export const SEEDED = { seed: 1234, numRuns: 300, endOnFailure: true };

/** A tensor of a shape, filled with small whole numbers, and its model. */
export function filled(shape: readonly number[], seed: number): { x: Tensor; m: Model } {
  const flat = indices(shape).map((_, i) => ((i + 1) * (2 * seed + 7)) % 11 - 5);
  return { x: float32(flat, shape), m: modelOf(flat, shape) };
}

/** A shape that broadcasts to `full`: leading sizes left out, others turned into 1. */
export function smallerShape(full: readonly number[]): fc.Arbitrary<number[]> {
  return fc.tuple(fc.nat(full.length), fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }))
    .map(([from, ones]) => full.map((n, d) => (ones[d] ? 1 : n)).slice(from));
}

/** `m` repeated to a larger shape. */
export function broadcastModel(m: Model, shape: readonly number[]): Model {
  const lead = shape.length - m.shape.length;
  return { shape, at: (index) => m.at(m.shape.map((n, d) => (n === 1 ? 0 : index[lead + d]))) };
}

/** What two shapes broadcast to, or `null`: written down from PyTorch's page, size by size. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const pad = (s: readonly number[]) => [...Array<number>(rank - s.length).fill(1), ...s];
  const [p, q] = [pad(a), pad(b)];
  const fits = p.every((n, d) => n === q[d] || n === 1 || q[d] === 1);
  return fits ? p.map((n, d) => (n === 1 ? q[d] : n)) : null;
}
