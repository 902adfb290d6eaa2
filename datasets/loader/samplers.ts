/** The order in which a loader visits its samples: at random, some of them, or by weights. */
import { checkOptions, describe, requireState, shown } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import { multinomial, type MultinomialOptions } from "../../core/random/distributions.ts";
import { defaultGenerator, Generator } from "../../core/random/generator.ts";
import { fillRandint, randperm } from "../../core/random/torch_streams.ts";
import { Tensor } from "../../core/tensor.ts";
import type { Sampler } from "./data_loader.ts";

/** The state of a sampler that draws from a generator of its own; `null` for one that draws from the default generator. */
export interface SamplerState {
  /** The state of its generator. */
  generator: Uint8Array | null;
}

/** The generator that a sampler was given, or `null`. */
function checkedGenerator(generator: Generator | undefined): Generator | null {
  if (generator === undefined || generator instanceof Generator) return generator ?? null;
  throw new TypeError(`Cannot draw samples from ${describe(generator)}: give a generator, as new Generator(42)`);
}

function loadState(generator: Generator | null, state: SamplerState): void {
  requireState("a sampler", state, ["generator"]);
  if (state.generator !== null) generator?.setState(state.generator);
}

/** The options of {@linkcode RandomSampler}. */
export interface RandomSamplerOptions {
  /**
   * Whether a sample can be drawn more than once.
   *
   * @default {false}
   */
  replacement?: boolean;
  /** How many numbers are drawn; without it, as many as there are samples. */
  numSamples?: number;
  /**
   * Where the numbers are drawn; without it, a generator that a number of the default one seeds, as in PyTorch.
   *
   * @default {new Generator(defaultGenerator.nextSeed())}
   */
  generator?: Generator;
}

/**
 * All samples in a new order each time it is read, or `numSamples` of them: PyTorch's `RandomSampler`. Without replacement every sample
 * has come before one comes again.
 *
 * @example
 * ```ts
 * import { Generator } from "@gradus/gradus";
 * import { RandomSampler } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const sampler = new RandomSampler(["a", "b", "c"], { numSamples: 2, generator: new Generator(0) });
 * assertEquals([...sampler], [2, 0]);
 * ```
 */
export class RandomSampler implements Sampler {
  readonly #generator: Generator | null;
  /** How many numbers it gives. */
  readonly length: number;
  readonly #samples: number;
  readonly #replacement: boolean;

  /**
   * Numbers of the samples of a dataset, or of anything else that has a length.
   *
   * @throws {RangeError} If there are no samples, or `numSamples` is not a whole number from 1.
   */
  constructor(dataset: { readonly length: number }, options: RandomSamplerOptions = {}) {
    const known = ["replacement", "numSamples", "generator"] as const;
    checkOptions("draw samples", options, known, { replacement: "boolean" });
    this.#generator = checkedGenerator(options.generator);
    if (typeof dataset?.length !== "number") {
      throw new TypeError(`Cannot draw samples of ${describe(dataset)}: give a dataset, or an array`);
    }
    const { replacement = false, numSamples = dataset.length } = options;
    if (!(dataset.length > 0)) throw new RangeError("Cannot draw samples of a dataset that has none");
    if (!(Number.isInteger(numSamples) && numSamples >= 1)) {
      throw new RangeError(`Cannot draw ${shown(numSamples)} samples: give a whole number from 1`);
    }
    [this.length, this.#samples, this.#replacement] = [numSamples, dataset.length, replacement];
  }

  /** The numbers of the samples, drawn anew. */
  *[Symbol.iterator](): Iterator<number> {
    const g = this.#generator ?? new Generator(defaultGenerator.nextSeed());
    if (this.#replacement) {
      const drawn = new Int32Array(this.length);
      fillRandint(g, drawn, 0, this.#samples);
      return yield* drawn;
    }
    let left = this.length;
    for (; left >= this.#samples; left -= this.#samples) yield* randperm(g, this.#samples);
    yield* randperm(g, this.#samples).subarray(0, left); // drawn even where none is left, as in PyTorch
  }

  /** The state of its own generator, for a `DataLoader` that goes on in a later run. */
  stateDict(): SamplerState {
    return { generator: this.#generator?.getState() ?? null };
  }

  /** Loads what `stateDict` returned. */
  loadStateDict(state: SamplerState): void {
    loadState(this.#generator, state);
  }
}

/**
 * The given numbers in a new order each time it is read: PyTorch's `SubsetRandomSampler`.
 *
 * @example
 * ```ts
 * import { manualSeed } from "@gradus/gradus";
 * import { SubsetRandomSampler } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(0);
 * assertEquals([...new SubsetRandomSampler([10, 20, 30])], [30, 10, 20]);
 * ```
 */
export class SubsetRandomSampler implements Sampler {
  readonly #generator: Generator | null;
  /** The numbers. */
  readonly indices: Int32Array;

  /** The numbers of samples, in any order. */
  constructor(indices: ArrayLike<number>, options: Pick<RandomSamplerOptions, "generator"> = {}) {
    checkOptions("draw samples", options, ["generator"]);
    this.#generator = checkedGenerator(options.generator);
    if (typeof indices?.length !== "number" || typeof indices === "string") {
      throw new TypeError(`Cannot draw samples of ${describe(indices)}: give their numbers, as in [0, 2]`);
    }
    this.indices = Int32Array.from(indices);
  }

  /** How many numbers there are. */
  get length(): number {
    return this.indices.length;
  }

  /** The numbers, in a new order. */
  *[Symbol.iterator](): Iterator<number> {
    for (const i of randperm(this.#generator ?? defaultGenerator, this.length)) yield this.indices[i];
  }

  /** The state of its own generator, for a `DataLoader` that goes on in a later run. */
  stateDict(): SamplerState {
    return { generator: this.#generator?.getState() ?? null };
  }

  /** Loads what `stateDict` returned. */
  loadStateDict(state: SamplerState): void {
    loadState(this.#generator, state);
  }
}

/**
 * Numbers of samples drawn by their weights, anew each time it is read: PyTorch's `WeightedRandomSampler`. Here too `replacement` is `true`
 * where nothing else is said.
 *
 * @example
 * ```ts
 * import { WeightedRandomSampler } from "@gradus/gradus/data";
 * import { manualSeed } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * manualSeed(42);
 * assertEquals([...new WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 4)], [1, 1, 1, 1]);
 * ```
 */
export class WeightedRandomSampler implements Sampler {
  readonly #generator: Generator | null;
  readonly #weights: Tensor;
  readonly #options: MultinomialOptions;

  /**
   * `length` samples by the weight of each. Throws a RangeError as it is read if a weight is negative, infinite or NaN, all are 0, or there
   * are fewer than `length` and none can be drawn again.
   */
  constructor(weights: readonly number[] | Tensor, readonly length: number, options: MultinomialOptions = {}) {
    checkOptions("draw samples", options, ["replacement", "generator"], { replacement: "boolean" });
    this.#generator = checkedGenerator(options.generator);
    if (!(weights instanceof Tensor || Array.isArray(weights))) {
      throw new TypeError(`Cannot draw samples by ${describe(weights)}: give weights in an array or a tensor([…])`);
    }
    if (!(Number.isInteger(length) && length >= 1)) {
      throw new RangeError(`Cannot draw ${length} samples: give a whole number from 1`);
    }
    const numbers = weights instanceof Tensor ? elements(weights.detach()) : weights;
    this.#weights = fromData(Float64Array.from(numbers), [numbers.length]);
    this.#options = { replacement: true, ...options };
  }

  /** The numbers of the samples, drawn anew. */
  *[Symbol.iterator](): Iterator<number> {
    yield* elements(multinomial(this.#weights, this.length, this.#options));
  }

  /** The state of its own generator, for a `DataLoader` that goes on in a later run. */
  stateDict(): SamplerState {
    return { generator: this.#generator?.getState() ?? null };
  }

  /** Loads what `stateDict` returned. */
  loadStateDict(state: SamplerState): void {
    loadState(this.#generator, state);
  }
}
