/** What recurrent layers have in common: weights, arguments, states, and the way through layers and directions. */
import { checkOptions, requireNumber, requireSizes, requireTensor } from "../../../core/arguments.ts";
import { CELL_GATES } from "../../../core/backend/sequences.ts";
import { zeros } from "../../../core/create.ts";
import type { DType } from "../../../core/dtype.ts";
import { pythonic } from "../../../core/format.ts";
import { gather } from "../../../core/ops/index.ts";
import { cat, stack } from "../../../core/ops/join.ts";
import { narrow } from "../../../core/ops/movement.ts";
import { type CellKind, type CellState, type CellWeights, recurrence } from "../../../core/ops/recurrent.ts";
import { isTraced, noteFunction } from "../../../core/record.ts";
import { sameShape, show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { dropout } from "../functional/layer.ts";
import { uniform_ } from "../init.ts";
import { Module } from "../module.ts";
import { Parameter } from "../parameter.ts";
import { PackedSequence } from "./packed_sequence.ts";

/** What a network is, beside its inputs. */
interface Network {
  /** The kind of its cells. */
  readonly cell: CellKind;
  /** The weights of each layer: one direction, or two. */
  readonly layers: readonly (readonly CellWeights[])[];
  /** The probability that a value is dropped between two layers. */
  readonly dropout: number;
}

/**
 * The rows x of sequences through all layers, with states [layers · directions, sequences, hidden], h and for an LSTM c: the states of the last layer at each row, and the last states of all layers.
 */
export function runLayers(
  network: Network,
  x: Tensor,
  batchSizes: readonly number[],
  state: readonly Tensor[],
): { rows: Tensor; last: Tensor[] } {
  const { cell, layers } = network;
  const last: CellState[] = [];
  let rows = x;
  layers.forEach((directions, i) => {
    const below = i === 0 ? x : dropout(rows, { p: network.dropout });
    const parts = directions.map((weights, reverse) => {
      const first = state.map((s) => s.select(0, last.length)) as unknown as CellState;
      const run = runLayer(cell, below, batchSizes, first, weights, reverse === 1);
      last.push(run.last);
      return run.rows;
    });
    rows = parts.length === 1 ? parts[0] : cat(parts, 1);
  });
  return { rows, last: state.map((_, part) => stack(last.map((states) => states[part]!))) };
}

/** One layer in one direction. */
function runLayer(
  cell: CellKind,
  x: Tensor,
  batchSizes: readonly number[],
  state: CellState,
  weights: CellWeights,
  reverse: boolean,
): { rows: Tensor; last: CellState } {
  const all = recurrence({ cell, batchSizes, reverse }, x, state, weights);
  const sequences = state[0].shape[0];
  const parts = state[1] === undefined ? [all] : [all.select(0, 0), all.select(0, 1)];
  const rows = narrow(parts[0], 0, reverse ? 0 : sequences, x.shape[0]);
  const last = parts.map((part) => lastStates(part, sequences, batchSizes, reverse));
  return { rows, last: last as unknown as CellState };
}

/** The last state of each sequence, among those after each step and the first ones. */
function lastStates(all: Tensor, sequences: number, batchSizes: readonly number[], reverse: boolean): Tensor {
  const rows = all.shape[0] - sequences;
  if (batchSizes.every((n) => n === sequences)) return narrow(all, 0, reverse ? 0 : rows, sequences);
  const places = new Int32Array(sequences);
  for (let i = 0; i < sequences; i++) places[i] = reverse ? (i < batchSizes[0] ? i : rows + i) : i;
  if (!reverse) {
    for (let t = 0, row = sequences; t < batchSizes.length; row += batchSizes[t++]) {
      for (let i = 0; i < batchSizes[t]; i++) places[i] = row + i;
    }
  }
  return gather(all, places, [sequences]);
}

/** The options of recurrent networks. */
export interface RecurrentOptions {
  /**
   * How many layers stand one on the other.
   *
   * @default {1}
   */
  numLayers?: number;
  /**
   * Whether there are biases.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * Whether the batch comes before the steps in what goes in and comes out; states have their layers first in any case.
   *
   * @default {false}
   */
  batchFirst?: boolean;
  /**
   * The probability that a value is dropped in training, between one layer and the next.
   *
   * @default {0}
   */
  dropout?: number;
  /**
   * Whether each layer also reads the sequences from their ends; its outputs are then twice as wide, forward ones first.
   *
   * @default {false}
   */
  bidirectional?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/** The types of the options that all recurrent networks have. */
export const KINDS = { numLayers: "number", bias: "boolean", batchFirst: "boolean", bidirectional: "boolean" } as const;
/** Their names. */
export const OPTIONS = ["numLayers", "bias", "batchFirst", "dropout", "bidirectional", "dtype"] as const;

/**
 * Draws the weights of a cell from U(−1/√hidden, 1/√hidden): those of the input, those of the state, and then the biases, as PyTorch does.
 */
export function drawWeights({ weightIh, weightHh, biasIh, biasHh }: CellWeights, hiddenSize: number): void {
  const bound = hiddenSize > 0 ? 1 / Math.sqrt(hiddenSize) : 0;
  for (const weight of [weightIh, weightHh, biasIh, biasHh]) if (weight !== null) uniform_(weight, -bound, bound);
}

/** The weights of a cell, 0 at first. */
export function newWeights(
  cell: CellKind,
  inputSize: number,
  hiddenSize: number,
  bias: boolean,
  dtype: DType,
): CellWeights<Parameter> {
  const wide = CELL_GATES[cell].made * hiddenSize;
  const make = (...shape: number[]) => new Parameter(zeros(shape, { dtype }));
  return {
    weightIh: make(wide, inputSize),
    weightHh: make(wide, hiddenSize),
    biasIh: bias ? make(wide) : null,
    biasHh: bias ? make(wide) : null,
  };
}

/** What a recurrent network is called with: [length, batch, input], [batch, length, input], [length, input] for a single sequence. */
export type Sequences = Tensor | PackedSequence;

/** The steps of all sequences as rows, and how what comes out is put together again. */
interface Steps {
  readonly rows: Tensor;
  readonly batchSizes: readonly number[];
  readonly sequences: number;
  /** Which sequence stands where, if they were sorted. */
  readonly order: Int32Array | null;
  /** The same as [length, batch, input]; `null` where lengths may differ. */
  readonly byStep: Tensor | null;
  /** The outputs in the layout of the inputs. */
  readonly outputs: (rows: Tensor) => Sequences;
}

/**
 * What recurrent networks have in common: weights under PyTorch's names, `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, with
 * `l1` in the next layer and `_reverse` behind those that read from the end.
 */
export abstract class Recurrent<State>
  extends Module<[x: Sequences, state?: State | null], [y: Sequences, state: State]> {
  /** How many layers stand one on the other. */
  readonly numLayers: number;
  /** Whether there are biases. */
  readonly hasBias: boolean;
  /** Whether the batch comes before the steps. */
  readonly batchFirst: boolean;
  /** The probability that a value is dropped between two layers. */
  readonly dropout: number;
  /** Whether each layer also reads from the end. */
  readonly bidirectional: boolean;
  /** The kind of its cells. */
  readonly cell: CellKind;

  /** A network of such cells. */
  constructor(
    /** How many values each step has. */
    readonly inputSize: number,
    /** How many values the state of a cell has. */
    readonly hiddenSize: number,
    options: RecurrentOptions,
    cell: CellKind,
  ) {
    super();
    const action = `make ${new.target.name}`;
    checkOptions(action, options, OPTIONS, KINDS);
    const { numLayers = 1, bias = true, batchFirst = false, dropout = 0, bidirectional = false } = options;
    requireSizes(action, { inputSize, hiddenSize, numLayers });
    if (numLayers === 0) throw new RangeError(`Cannot ${action} with numLayers 0: give at least one layer`);
    requireNumber(dropout, `${action} with dropout`);
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new RangeError(`Cannot ${action} with dropout ${dropout}: it must lie from 0 to 1`);
    }
    [this.numLayers, this.hasBias, this.batchFirst, this.dropout] = [numLayers, bias, batchFirst, dropout];
    [this.bidirectional, this.cell] = [bidirectional, cell];
    const dtype = options.dtype ?? "float32";
    for (let layer = 0; layer < numLayers; layer++) {
      const inputs = layer === 0 ? inputSize : hiddenSize * this.#directions;
      for (let reverse = 0; reverse < this.#directions; reverse++) {
        const weights = newWeights(cell, inputs, hiddenSize, bias, dtype);
        for (const [name, weight] of namesOf(weights, layer, reverse === 1)) Object.assign(this, { [name]: weight });
      }
    }
    this.resetParameters();
  }

  get #directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** Draws all weights again: U(−1/√hidden, 1/√hidden), in the order of `parameters()`. */
  resetParameters(): void {
    for (const directions of this.#layers()) for (const weights of directions) drawWeights(weights, this.hiddenSize);
  }

  /**
   * The weights of a layer, in one direction.
   *
   * @throws {RangeError} If there is no such layer, or none that reads from the end.
   */
  weightsOf(layer: number, reverse = false): CellWeights<Parameter> {
    const weights = { weightIh: null, weightHh: null, biasIh: null, biasHh: null };
    const found = namesOf(weights, layer, reverse).map(([name]) => Reflect.get(this, name) as Parameter | undefined);
    if (found[0] === undefined || found[1] === undefined) {
      const ways = this.bidirectional ? "in both directions" : "in one direction";
      throw new RangeError(
        `Cannot take the weights of layer ${layer}${
          reverse ? " in reverse" : ""
        }: there are ${this.numLayers}, ${ways}`,
      );
    }
    return { weightIh: found[0], weightHh: found[1], biasIh: found[2] ?? null, biasHh: found[3] ?? null };
  }

  #layers(): CellWeights<Parameter>[][] {
    return Array.from(
      { length: this.numLayers },
      (_, layer) => Array.from({ length: this.#directions }, (_, reverse) => this.weightsOf(layer, reverse === 1)),
    );
  }

  /** The outputs for inputs, and the last states: `given` are the first ones, or nothing for zeros. */
  protected run(
    x: Sequences,
    given: readonly Tensor[] | null,
    names: readonly string[],
  ): [y: Sequences, last: Tensor[]] {
    const steps = this.#stepsOf(x);
    const isSingle = !(x instanceof PackedSequence) && x.ndim === 2;
    const shape = [this.numLayers * this.#directions, steps.sequences, this.hiddenSize];
    const { dtype } = this.weightsOf(0).weightIh;
    const state = given === null
      ? names.map(() => zeros(shape, { dtype }))
      : given.map((s, i) => this.#stateFrom(s, names[i], shape, isSingle, steps.order));
    const network = { cell: this.cell, layers: this.#layers(), dropout: this.training ? this.dropout : 0 };
    const { rows, last } = runLayers(network, steps.rows, steps.batchSizes, state);
    if (steps.byStep !== null && isTraced()) this.#note(steps.byStep, given === null ? [] : state, rows, last);
    const back = steps.order === null ? null : inverse(steps.order);
    return [steps.outputs(rows), last.map((s) => (isSingle ? s.squeeze(1) : back === null ? s : sorted(s, back)))];
  }

  /** Tells the tracer that all this was one network: without first states that are 0 anyway, and of the batch's size. */
  #note(x: Tensor, [h = null, c = null]: readonly (Tensor | null)[], rows: Tensor, last: readonly Tensor[]): void {
    const weights = this.#layers().flat().flatMap((w) => [w.weightIh, w.weightHh, w.biasIh, w.biasHh]);
    [rows, ...last].forEach((out, i) => {
      const part = (["y", "h", "c"] as const)[i];
      noteFunction("recurrent", out, [x, h, c, ...weights], {
        ...{ cell: this.cell, bidirectional: this.bidirectional, part },
      });
    });
  }

  #stepsOf(x: Sequences): Steps {
    if (x instanceof PackedSequence) {
      this.#checkInput(x.data, 2, "[rows, input] in the PackedSequence");
      const { data, batchSizes, lengths, sortedIndices } = x;
      return {
        ...{ rows: data, batchSizes, sequences: lengths.length, order: sortedIndices, byStep: null },
        outputs: (rows) => x.withData(rows),
      };
    }
    requireTensor(x, `call ${this.constructor.name} with`);
    const layout = this.batchFirst ? "[batch, length, input]" : "[length, batch, input]";
    this.#checkInput(x, x.ndim === 2 ? 2 : 3, `${layout}, or [length, input]`);
    const [batchFirst, isSingle] = [this.batchFirst && x.ndim === 3, x.ndim === 2];
    const byStep = isSingle ? x.unsqueeze(1) : batchFirst ? x.transpose(0, 1) : x; // [length, batch, input]
    const [length, batch] = byStep.shape;
    return {
      rows: byStep.reshape(length * batch, this.inputSize),
      batchSizes: new Array<number>(length).fill(batch),
      sequences: batch,
      order: null,
      byStep,
      outputs: (rows) => {
        const y = rows.view(length, batch, this.hiddenSize * this.#directions);
        return isSingle ? y.squeeze(1) : batchFirst ? y.transpose(0, 1) : y;
      },
    };
  }

  #checkInput(x: Tensor, ndim: number, expected: string): void {
    if (x.ndim === ndim && x.shape[ndim - 1] === this.inputSize) return;
    throw new RangeError(
      `Cannot call ${this.constructor.name} with ${show(x.shape)}: expected ${expected} with ${this.inputSize} inputs`,
    );
  }

  #stateFrom(s: Tensor, name: string, shape: readonly number[], isSingle: boolean, order: Int32Array | null): Tensor {
    requireTensor(s, `call ${this.constructor.name} with the state ${name}`);
    const expected = isSingle ? [shape[0], shape[2]] : shape;
    if (!sameShape(s.shape, expected)) {
      const words = isSingle ? "[layers · directions, hidden]" : "[layers · directions, batch, hidden]";
      throw new RangeError(
        `Cannot call ${this.constructor.name} with ${name} of shape ${show(s.shape)}: expected ${
          show(expected)
        }, ${words}`,
      );
    }
    return isSingle ? s.unsqueeze(1) : order === null ? s : sorted(s, order);
  }

  /** Those of the products of a step with both weights, for each layer and direction. */
  override multiplyAdds([y]: [y: Sequences, state: State]): number {
    const rows = (y instanceof PackedSequence ? y.data : y).numel() / (this.hiddenSize * this.#directions || 1);
    const all = this.#layers().flat();
    return all.reduce((sum, { weightIh, weightHh }) => sum + rows * (weightIh.numel() + weightHh.numel()), 0);
  }

  /** `3, 4, num_layers=2, batch_first=True`, for the printed form: what is not usual. */
  override extraRepr(): string {
    const { numLayers, hasBias, batchFirst, dropout, bidirectional } = this;
    return [
      `${this.inputSize}, ${this.hiddenSize}`,
      ...(numLayers === 1 ? [] : [`num_layers=${numLayers}`]),
      ...(hasBias ? [] : ["bias=False"]),
      ...(batchFirst ? ["batch_first=True"] : []),
      ...(dropout === 0 ? [] : [`dropout=${pythonic(dropout)}`]),
      ...(bidirectional ? ["bidirectional=True"] : []),
    ].join(", ");
  }
}

/** PyTorch's names of the weights that are there: `weight_ih_l0_reverse`. */
function namesOf<T>(
  weights: CellWeights<T | null>,
  layer: number,
  reverse: boolean,
): [name: string, weight: T | null][] {
  const end = `l${layer}${reverse ? "_reverse" : ""}`;
  return [
    [`weight_ih_${end}`, weights.weightIh],
    [`weight_hh_${end}`, weights.weightHh],
    [`bias_ih_${end}`, weights.biasIh],
    [`bias_hh_${end}`, weights.biasHh],
  ];
}

/** States [layers, sequences, hidden] with the sequences in another order. */
function sorted(s: Tensor, order: Int32Array): Tensor {
  return gather(s.transpose(0, 1), order, [order.length]).transpose(0, 1);
}

function inverse(order: Int32Array): Int32Array {
  const back = new Int32Array(order.length);
  order.forEach((from, to) => (back[from] = to));
  return back;
}
