/** What the transforms of pictures have in common. */
import { describe, requireTensor } from "../../core/arguments.ts";
import type { TypedArray } from "../../core/dtype.ts";
import { elements } from "../../core/ops/movement.ts";
import { Generator } from "../../core/random/generator.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** Makes a new batch of a batch of pictures [n, …, height, width], in the same dtype. */
export type Transform = (x: Tensor) => Tensor;

/** What all random transforms take. */
export interface RandomTransformOptions {
  /**
   * The generator to draw from; `manualSeed` seeds the default one.
   *
   * @default {defaultGenerator}
   */
  generator?: Generator;
}

/** A batch as pictures that lie one after the other. */
interface Pictures {
  from: TypedArray;
  n: number;
  /** Planes of one picture: its channels. */
  planes: number;
  h: number;
  w: number;
}

/**
 * The pictures in a batch [n, …, height, width].
 *
 * @throws {RangeError} if it has less than three dimensions
 */
export function picturesOf(x: Tensor, action: string): Pictures {
  requireTensor(x, `${action} the pictures in`);
  if (x.ndim < 3) {
    throw new RangeError(`Cannot ${action} pictures of shape ${show(x.shape)}: expected [n, …, height, width]`);
  }
  const [n, ...rest] = x.shape, [h, w] = rest.slice(-2);
  return { from: elements(x), n, planes: rest.slice(0, -2).reduce((a, b) => a * b, 1), h, w };
}

/** Refuses what is no probability. */
export function requireProbability(action: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot ${action} with probability ${p}: it must lie from 0 to 1`);
}

/** Refuses what numbers cannot be drawn from. */
export function requireGenerator(action: string, generator: Generator): void {
  if (generator instanceof Generator) return;
  throw new TypeError(`Cannot ${action} by ${describe(generator)}: give new Generator(7)`);
}

/**
 * Transforms, one or several, as an array.
 *
 * @throws {TypeError} if one is not a function
 */
export function transformsOf(transform: Transform | readonly Transform[] = []): readonly Transform[] {
  const all: readonly Transform[] = Array.isArray(transform) ? transform : [transform];
  const odd = all.find((one) => typeof one !== "function");
  if (odd === undefined) return all;
  throw new TypeError(`Cannot transform batches by ${describe(odd)}: give a function, such as randomFlip()`);
}
