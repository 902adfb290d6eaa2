/** Single steps of recurrent networks, as modules, for those who write the loop over a sequence themselves. */
import { checkOptions, requireChoice, requireSizes, requireTensor } from "../../../core/arguments.ts";
import { zeros } from "../../../core/create.ts";
import type { DType } from "../../../core/dtype.ts";
import { type CellKind, type CellState, recurrence } from "../../../core/ops/recurrent.ts";
import { isTraced, noteFunction } from "../../../core/record.ts";
import { sameShape, show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { type LstmState, type Nonlinearity, requirePair } from "./recurrent.ts";
import { drawWeights, newWeights } from "./recurrent_base.ts";

/** The options of recurrent cells. */
export interface RecurrentCellOptions {
  /**
   * Whether there are biases.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/** The options of {@linkcode RNNCell}. */
export interface RnnCellOptions extends RecurrentCellOptions {
  /**
   * What is applied to the sum.
   *
   * @default {"tanh"}
   */
  nonlinearity?: Nonlinearity;
}

/** What recurrent cells have in common: PyTorch's `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`. */
export abstract class RecurrentCell<State> extends Module<[x: Tensor, state?: State | null], State> {
  /** What the input is multiplied by, [gates · hidden, input]. */
  weightIh: Parameter;
  /** What the state is multiplied by, [gates · hidden, hidden]. */
  weightHh: Parameter;
  /** What is added to the product of the input, [gates · hidden], or `null` without biases. */
  biasIh: Parameter | null;
  /** What is added to the product of the state, [gates · hidden], or `null` without biases. */
  biasHh: Parameter | null;
  /** The kind of the cell. */
  readonly cell: CellKind;

  /** A cell of this kind. */
  constructor(
    /** How many values go in. */
    readonly inputSize: number,
    /** How many values the state has. */
    readonly hiddenSize: number,
    options: RecurrentCellOptions,
    cell: CellKind,
  ) {
    super();
    const action = `make ${new.target.name}`;
    checkOptions(action, options, ["bias", "dtype"], { bias: "boolean" });
    requireSizes(action, { inputSize, hiddenSize });
    const { bias = true, dtype = "float32" } = options;
    const weights = newWeights(cell, inputSize, hiddenSize, bias, dtype);
    ({ weightIh: this.weightIh, weightHh: this.weightHh, biasIh: this.biasIh, biasHh: this.biasHh } = weights);
    this.cell = cell;
    this.resetParameters();
  }

  /** Draws all weights again: U(−1/√hidden, 1/√hidden). */
  resetParameters(): void {
    drawWeights(this, this.hiddenSize);
  }

  /** The states after one step, in the order of `names`; `given` are those before it, or nothing for zeros. */
  protected step(x: Tensor, given: readonly Tensor[] | null, names: readonly string[]): Tensor[] {
    const action = `call ${this.constructor.name}`;
    requireTensor(x, `${action} with`);
    const isSingle = x.ndim === 1;
    if (x.ndim > 2 || x.ndim < 1 || x.shape[x.ndim - 1] !== this.inputSize) {
      throw new RangeError(
        `Cannot ${action} with ${show(x.shape)}: expected [batch, ${this.inputSize}], or [${this.inputSize}]`,
      );
    }
    const expected = [...x.shape.slice(0, -1), this.hiddenSize];
    for (const [i, s] of (given ?? []).entries()) {
      requireTensor(s, `${action} with the state ${names[i]}`);
      if (sameShape(s.shape, expected)) continue;
      throw new RangeError(`Cannot ${action} with ${names[i]} of shape ${show(s.shape)}: expected ${show(expected)}`);
    }
    const rows = isSingle ? x.unsqueeze(0) : x, batch = rows.shape[0]; // [batch, input]
    const state = given === null
      ? names.map(() => zeros([batch, this.hiddenSize], { dtype: this.weightIh.dtype }))
      : given.map((s) => (isSingle ? s.unsqueeze(0) : s));
    const d = { cell: this.cell, batchSizes: [batch], reverse: true }; // in reverse the states come first
    const all = recurrence(d, rows, state as unknown as CellState, this);
    const parts = names.length === 1 ? [all] : names.map((_, i) => all.select(0, i));
    const next = parts.map((part) => part.narrow(0, 0, batch));
    if (isTraced()) this.#note(rows, given === null ? [] : state, next);
    return isSingle ? next.map((part) => part.select(0, 0)) : next;
  }

  /** Tells the tracer that the step was a network of one layer over a sequence of one: without first states that are 0 anyway. */
  #note(rows: Tensor, [h = null, c = null]: readonly (Tensor | null)[], next: readonly Tensor[]): void {
    const [x, ...first] = [rows, h, c].map((part) => part && part.unsqueeze(0));
    next.forEach((out, i) => {
      const part = (["h", "c"] as const)[i], { cell, weightIh, weightHh, biasIh, biasHh } = this;
      const inputs = [x, ...first, weightIh, weightHh, biasIh, biasHh];
      noteFunction("recurrent", out, inputs, { cell, bidirectional: false, part });
    });
  }

  /** Those of the products with both weights. */
  override multiplyAdds(_: State, x: Tensor): number {
    return x.numel() / (this.inputSize || 1) * (this.weightIh.numel() + this.weightHh.numel());
  }

  /** `3, 4, bias=False`, for the printed form: what is not usual. */
  override extraRepr(): string {
    const bias = this.biasIh === null ? ", bias=False" : "";
    return `${this.inputSize}, ${this.hiddenSize}${bias}${this.cell === "relu" ? ", nonlinearity=relu" : ""}`;
  }
}

/**
 * One step of {@linkcode RNN}: `h ← tanh(x @ weight_ihᵀ + bias_ih + h @ weight_hhᵀ + bias_hh)` for x [batch, input] and h [batch, hidden],
 * or with relu.
 *
 * @example
 * ```ts
 * import { nn, ones, type Tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const cell = new nn.RNNCell(3, 4);
 * let h: Tensor | null = null; // zeros
 * for (let t = 0; t < 5; t++) h = cell.call(ones([2, 3]), h);
 * assertEquals(h?.shape, [2, 4]);
 * ```
 */
export class RNNCell extends RecurrentCell<Tensor> {
  /**
   * A cell for `inputSize` values with a state of `hiddenSize`.
   *
   * @throws {TypeError} If the nonlinearity is another one, or an option unknown.
   */
  constructor(inputSize: number, hiddenSize: number, options: RnnCellOptions = {}) {
    checkOptions("make RNNCell", options, ["nonlinearity", "bias", "dtype"], { bias: "boolean" });
    const { nonlinearity = "tanh", ...rest } = options;
    requireChoice("make RNNCell", "nonlinearity", nonlinearity, ["tanh", "relu"]);
    super(inputSize, hiddenSize, rest, nonlinearity);
  }

  /** The state after the step. Throws a RangeError if x or h has another shape. */
  forward(x: Tensor, h: Tensor | null = null): Tensor {
    return this.step(x, h === null ? null : [h], ["h"])[0];
  }
}

/**
 * One step of {@linkcode GRU}, for x [batch, input] and h [batch, hidden].
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new nn.GRUCell(3, 4).call(ones([2, 3])).shape, [2, 4]);
 * ```
 */
export class GRUCell extends RecurrentCell<Tensor> {
  /** A cell for `inputSize` values with a state of `hiddenSize`. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}) {
    super(inputSize, hiddenSize, options, "gru");
  }

  /** The state after the step. Throws a RangeError if x or h has another shape. */
  forward(x: Tensor, h: Tensor | null = null): Tensor {
    return this.step(x, h === null ? null : [h], ["h"])[0];
  }
}

/**
 * One step of {@linkcode LSTM}, for x [batch, input] and the states h and c, each [batch, hidden].
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const cell = new nn.LSTMCell(3, 4);
 * const [h, c] = cell.call(ones([2, 3]), cell.call(ones([2, 3])));
 * assertEquals([h.shape, c.shape], [[2, 4], [2, 4]]);
 * ```
 */
export class LSTMCell extends RecurrentCell<LstmState> {
  /** A cell for `inputSize` values with states of `hiddenSize`. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}) {
    super(inputSize, hiddenSize, options, "lstm");
  }

  /**
   * The states h and c after the step.
   *
   * @throws {RangeError} If x, h or c has another shape.
   * @throws {TypeError} If the state is not h and c.
   */
  forward(x: Tensor, state: LstmState | null = null): LstmState {
    requirePair(state, "LSTMCell");
    const [h, c] = this.step(x, state, ["h", "c"]);
    return [h, c];
  }
}
