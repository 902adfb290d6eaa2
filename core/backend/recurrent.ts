/** The verbs of recurrent layers: what they are told, their checks, and their descriptor for C. */
import { described, requireRoom, requireSizes } from "./planes.ts";
import type { TypedArray } from "../dtype.ts";

/** The kinds of cells: a plain one with tanh or relu, a long short-term memory, a gated recurrent unit. */
export type CellKind = "tanh" | "relu" | "lstm" | "gru";

/** Their codes in `kernels.h`. */
const CELL_KINDS: Readonly<Record<CellKind, number>> = { tanh: 0, relu: 1, lstm: 2, gru: 3 };

/** How many values of a gate there are for each value of a state: what products make, and what is kept of a step. */
export const CELL_GATES: Readonly<Record<CellKind, { readonly made: number; readonly kept: number }>> = {
  ...{ tanh: { made: 1, kept: 1 }, relu: { made: 1, kept: 1 }, lstm: { made: 4, kept: 4 }, gru: { made: 3, kept: 4 } },
};

/**
 * The steps of a layer in one direction, over sequences whose rows lie by steps: those of the first step of all sequences, longest first,
 * then those of the second. With G = `made` and K = `kept` gates of H values each:
 *
 * - gates [rows, K · H]: for `tanh` and `relu` the sum, for `lstm` i, f, g, o, for `gru` n, r, z and the product of the state for n
 * - weight [G · H, H] for i, f, g, o, or r, z, n; forward it comes transposed
 * - states [1, rows + sequences, H], for `lstm` [2, …] with its memory: the first state before those after each step, in reverse behind
 */
export interface Recurrent {
  /** The kind of the cells. */
  readonly cell: CellKind;
  /** How many values a state has: H. */
  readonly hidden: number;
  /** How many sequences there are. */
  readonly sequences: number;
  /** How many of them reach each step; never more than in the step before. */
  readonly batchSizes: readonly number[];
  /** Whether the last step is taken first. */
  readonly reverse: boolean;
}

/** The rows of all steps. */
export function rowsOf({ batchSizes }: Pick<Recurrent, "batchSizes">): number {
  let rows = 0;
  for (let t = 0; t < batchSizes.length; t++) rows += batchSizes[t];
  return rows;
}

/** How many arrays a state is: for an LSTM two. */
export function partsOf({ cell }: Pick<Recurrent, "cell">): 1 | 2 {
  return cell === "lstm" ? 2 : 1;
}

/**
 * Checks the steps and the arrays of the verbs; those that are null are left out.
 *
 * @throws {RangeError} If the steps grow, or an array is too short.
 */
export function checkRecurrent(
  d: Recurrent,
  weight: TypedArray,
  bias: TypedArray | null,
  gates: Readonly<Record<string, TypedArray>>,
  states: Readonly<Record<string, TypedArray>>,
  first: Readonly<Record<string, TypedArray>> = {},
): void {
  const { cell, hidden, sequences, batchSizes } = d;
  const action = `take ${batchSizes.length} steps of ${sequences} sequences with ${hidden} values`;
  requireSizes(action, [hidden, sequences, ...batchSizes]);
  if (batchSizes.some((n, t) => n > (t === 0 ? sequences : batchSizes[t - 1]))) {
    throw new RangeError(`Cannot ${action}: more of them reach a step than the one before`);
  }
  const { made, kept } = CELL_GATES[cell], rows = rowsOf(d), parts = partsOf(d);
  const all = (arrays: Readonly<Record<string, TypedArray>>, elements: number) =>
    Object.entries(arrays).map(([name, array]) => [name, array, elements] as const);
  requireRoom(action, [
    ["the weight", weight, made * hidden * hidden],
    ["the bias", bias, hidden],
    ...all(gates, rows * kept * hidden),
    ...all(states, parts * (rows + sequences) * hidden),
    ...all(first, parts * sequences * hidden),
  ]);
}

/** Where the batch sizes begin, in the order of `kernels.h`. */
const RECURRENT_STEPS = 12;

/** The descriptor of steps whose arrays were checked; it holds until the next one is made. */
export function describeRecurrent(d: Recurrent, hasBias: boolean): Int32Array<ArrayBuffer> {
  const { cell, hidden, sequences, batchSizes, reverse } = d;
  const { made, kept } = CELL_GATES[cell], rows = rowsOf(d), parts = partsOf(d);
  const length = RECURRENT_STEPS + batchSizes.length, into = described(length);
  into[0] = CELL_KINDS[cell], into[1] = hidden, into[2] = sequences, into[3] = batchSizes.length;
  into[4] = Number(reverse), into[5] = Number(hasBias), into[6] = rows;
  into[7] = rows * kept * hidden, into[8] = made * hidden * hidden, into[9] = parts * (rows + sequences) * hidden;
  into[10] = parts * sequences * hidden, into[11] = length;
  for (let t = 0; t < batchSizes.length; t++) into[RECURRENT_STEPS + t] = batchSizes[t];
  return into;
}
