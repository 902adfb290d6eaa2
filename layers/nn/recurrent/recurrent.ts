/** Recurrent networks over sequences, as modules: plain, LSTM and GRU; with PyTorch's names of weights, order of gates and first values. */
import { checkOptions, describe, requireChoice } from "../../../core/arguments.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { PackedSequence } from "./packed_sequence.ts";
import { KINDS, OPTIONS, Recurrent, type RecurrentOptions, type Sequences } from "./recurrent_base.ts";

/** What plain cells apply to their sums. */
export type Nonlinearity = "tanh" | "relu";

/** The options of {@linkcode RNN}. */
export interface RnnOptions extends RecurrentOptions {
  /**
   * What is applied to the sums.
   *
   * @default {"tanh"}
   */
  nonlinearity?: Nonlinearity;
}

/**
 * A network of plain recurrent cells: `h ← tanh(x @ weight_ihᵀ + bias_ih + h @ weight_hhᵀ + bias_hh)` at each step, or with relu in place of
 * tanh. Called with x [length, batch, input], and optionally the first states h [layers · directions, batch, hidden], it gives the states
 * of the last layer [length, batch, hidden · directions] and the last states of all layers.
 *
 * Source: Elman, "Finding Structure in Time" (1990); PyTorch's names and first values: the same seed gives the same network.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const rnn = new nn.RNN(3, 4, { nonlinearity: "relu" });
 * const [y, h] = rnn.call(ones([5, 2, 3]));
 * assertEquals([y.shape, h.shape], [[5, 2, 4], [1, 2, 4]]);
 * ```
 */
export class RNN extends Recurrent<Tensor> {
  /**
   * A network for steps of `inputSize` values, with states of `hiddenSize`.
   *
   * @throws {TypeError} If the nonlinearity is another one, or an option unknown.
   */
  constructor(inputSize: number, hiddenSize: number, options: RnnOptions = {}) {
    checkOptions("make RNN", options, [...OPTIONS, "nonlinearity"], KINDS);
    const { nonlinearity = "tanh", ...rest } = options;
    requireChoice("make RNN", "nonlinearity", nonlinearity, ["tanh", "relu"]);
    super(inputSize, hiddenSize, rest, nonlinearity);
  }

  /** Calls `forward`. */
  override call(x: Tensor, h?: Tensor | null): [y: Tensor, h: Tensor];
  /** Calls `forward` with packed sequences. */
  override call(x: PackedSequence, h?: Tensor | null): [y: PackedSequence, h: Tensor];
  override call(x: Sequences, h: Tensor | null = null): [y: Sequences, h: Tensor] {
    return super.call(x, h);
  }

  /**
   * The states of the last layer at each step, and the last states of all layers.
   *
   * @throws {RangeError} If x or h has another shape.
   */
  forward(x: Sequences, h: Tensor | null = null): [y: Sequences, h: Tensor] {
    const [y, last] = this.run(x, h === null ? null : [h], ["h"]);
    return [y, last[0]];
  }
}

/**
 * A network of gated recurrent units: `r = σ(…)`, `z = σ(…)` and `n = tanh(x @ weight_inᵀ + bias_in + r · (h @ weight_hnᵀ + bias_hn))` at
 * each step, and `h ← (1 − z) · n + z · h`. Called as {@linkcode RNN} is.
 *
 * Source: Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder" (2014), in the form of PyTorch.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const gru = new nn.GRU(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true });
 * const [y, h] = gru.call(ones([2, 5, 3]));
 * assertEquals([y.shape, h.shape], [[2, 5, 8], [4, 2, 4]]);
 * ```
 */
export class GRU extends Recurrent<Tensor> {
  /** A network for steps of `inputSize` values, with states of `hiddenSize`. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(inputSize, hiddenSize, options, "gru");
  }

  /** Calls `forward`. */
  override call(x: Tensor, h?: Tensor | null): [y: Tensor, h: Tensor];
  /** Calls `forward` with packed sequences. */
  override call(x: PackedSequence, h?: Tensor | null): [y: PackedSequence, h: Tensor];
  override call(x: Sequences, h: Tensor | null = null): [y: Sequences, h: Tensor] {
    return super.call(x, h);
  }

  /**
   * The states of the last layer at each step, and the last states of all layers.
   *
   * @throws {RangeError} If x or h has another shape.
   */
  forward(x: Sequences, h: Tensor | null = null): [y: Sequences, h: Tensor] {
    const [y, last] = this.run(x, h === null ? null : [h], ["h"]);
    return [y, last[0]];
  }
}

/** The states of an LSTM: what its cells give, and what they remember. */
export type LstmState = readonly [h: Tensor, c: Tensor];

/**
 * A network of long short-term memories: `i, f, o = σ(…)` and `g = tanh(…)` of `x @ weight_ihᵀ + bias_ih + h @ weight_hhᵀ + bias_hh` at
 * each step, `c ← f · c + i · g` and `h ← o · tanh(c)`. Called as {@linkcode RNN} is, with the states h and c in one array, which is also
 * how the last ones come.
 *
 * Source: Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997), with the forget gate of Gers et al. (2000), as in PyTorch.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const lstm = new nn.LSTM(3, 4, { batchFirst: true });
 * const [y, [h, c]] = lstm.call(ones([2, 5, 3]));
 * assertEquals([y.shape, h.shape, c.shape], [[2, 5, 4], [1, 2, 4], [1, 2, 4]]);
 * const [next] = lstm.call(ones([2, 1, 3]), [h.detach(), c.detach()]); // goes on where it stopped
 * assertEquals(next.shape, [2, 1, 4]);
 * ```
 */
export class LSTM extends Recurrent<LstmState> {
  /** A network for steps of `inputSize` values, with states of `hiddenSize`. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(inputSize, hiddenSize, options, "lstm");
  }

  /** Calls `forward`. */
  override call(x: Tensor, state?: LstmState | null): [y: Tensor, state: LstmState];
  /** Calls `forward` with packed sequences. */
  override call(x: PackedSequence, state?: LstmState | null): [y: PackedSequence, state: LstmState];
  override call(x: Sequences, state: LstmState | null = null): [y: Sequences, state: LstmState] {
    return super.call(x, state);
  }

  /**
   * The states h of the last layer at each step, and the last states h and c of all layers.
   *
   * @throws {RangeError} If x, h or c has another shape.
   * @throws {TypeError} If the state is not h and c.
   */
  forward(x: Sequences, state: LstmState | null = null): [y: Sequences, state: LstmState] {
    requirePair(state, "LSTM");
    const [y, [h, c]] = this.run(x, state, ["h", "c"]);
    return [y, [h, c]];
  }
}

/** Checks that the state of an LSTM is one: h and c, or nothing. */
export function requirePair(state: LstmState | null, name: string): void {
  if (state === null || (Array.isArray(state) && state.length === 2)) return;
  throw new TypeError(`Cannot call ${name} with the state ${describe(state)}: give both h and c, as in [h, c]`);
}
