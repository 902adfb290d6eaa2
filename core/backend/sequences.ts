/** What back ends compute over sequences: attention and recurrent layers, as numbers, and their checks. */
import { memoryGone, type TypedArray } from "../dtype.ts";
import type { Strided } from "./backend.ts";
import { floatBits } from "./descriptor.ts";
import { described, requireRoom, requireSizes } from "./planes.ts";

/** One attention: of queries [batch, heads, rows, width], keys [batch, heads, cols, width] and values [batch, heads, cols, values]. */
export interface Attention {
  /** Texts. */
  readonly batch: number;
  /** Heads of each. */
  readonly heads: number;
  /** Queries of each head. */
  readonly rows: number;
  /** Its keys. */
  readonly cols: number;
  /** How many values a query has, and a key. */
  readonly width: number;
  /** How many a value has. */
  readonly values: number;
  /** The factor of the products. */
  readonly scale: number;
  /** Query i sees the keys up to i + this; `null` for all. */
  readonly causal: number | null;
}

/** What the verbs of attention read; all strides are of [batch, heads, rows or columns, elements]. */
export interface AttentionOperands {
  readonly q: Strided;
  readonly k: Strided;
  readonly v: Strided;
  /** What is added to the products, [batch, heads, rows, cols]; `null` for nothing. */
  readonly mask: Strided | null;
  /**
   * The logarithms of the sums of each query's exponentials, [batch, heads, rows], which forward writes and backward reads: ∞ for one that
   * sees nothing. With `hasKeep`, after them the factors of the weights, [batch, heads, rows, cols].
   */
  readonly aux: TypedArray;
  /** Whether the weights have factors: dropout's. */
  readonly hasKeep: boolean;
  /** The result. */
  readonly y: Strided;
}

/** Where the gradients go, all in one array, by that of the result. */
export interface AttentionGradients {
  /** The gradient of the result. */
  readonly g: Strided;
  readonly dq: Strided;
  readonly dk: Strided;
  readonly dv: Strided;
  /** Whether dk and dv are added to, which is for one head alone. */
  readonly add: boolean;
}

/** In the order of `kernels.h`. */
const OPERANDS = ["q", "k", "v", "mask", "y", "g", "dq", "dk", "dv"] as const;
const [HEADER, FIELDS] = [13, 6];
const descriptor = new Int32Array(HEADER + FIELDS * OPERANDS.length);

/** The sizes of each operand. */
export function attentionSizes({ batch, heads, rows, cols, width, values }: Attention): Record<Operand, number[]> {
  const [q, k, v] = [[batch, heads, rows, width], [batch, heads, cols, width], [batch, heads, cols, values]];
  const y = [batch, heads, rows, values];
  return { q, k, v, mask: [batch, heads, rows, cols], y, g: y, dq: q, dk: k, dv: v };
}

/** An operand by its name. */
export type Operand = typeof OPERANDS[number];

/**
 * Checks that all operands lie in their arrays.
 *
 * @throws {RangeError} If one does not.
 */
export function checkAttention(d: Attention, read: AttentionOperands, back: AttentionGradients | null): void {
  const sizes = attentionSizes(d), action = `attend with [${sizes.q}] to [${sizes.k}]`;
  if (!Object.values(sizes).flat().every((n) => n >= 0 && (n | 0) === n)) {
    throw new RangeError(`Cannot ${action}: its sizes must be integers below 2147483648`);
  }
  for (const [name, operand] of Object.entries({ ...read, ...back })) {
    if (name in sizes && operand !== null) checkReach(action, name, sizes[name as Operand], operand as Strided);
  }
  const rows = d.batch * d.heads * d.rows, needed = rows * (read.hasKeep ? 1 + d.cols : 1);
  if (!(needed <= read.aux.length)) {
    throw new RangeError(`Cannot ${action}: aux needs ${needed} elements and has ${read.aux.length}`);
  }
  if (back === null) return;
  if (back.dq.data !== back.dk.data || back.dk.data !== back.dv.data) {
    throw new RangeError(`Cannot ${action}: the gradients must stand in one array`);
  }
  if (back.add && d.batch * d.heads > 1) throw new RangeError(`Cannot ${action}: only one head is added to`);
}

function checkReach(action: string, name: string, shape: readonly number[], { data, offset, strides }: Strided): void {
  if (shape.includes(0)) return;
  const reaches = shape.map((size, i) => (size - 1) * strides[i]);
  const low = reaches.reduce((sum, reach) => sum + Math.min(reach, 0), offset);
  const high = reaches.reduce((sum, reach) => sum + Math.max(reach, 0), offset);
  if (low >= 0 && high < data.length) return;
  if (data.length === 0) throw memoryGone();
  throw new RangeError(`Cannot ${action}: ${name} reaches from ${low} to ${high} in a buffer of ${data.length}`);
}

/** Whether the elements of all but the mask lie side by side, as C wants them. */
export function isDense(d: Attention, read: AttentionOperands, back: AttentionGradients | null): boolean {
  const operands = [read.q, read.k, read.v, read.y, ...(back === null ? [] : [back.g, back.dq, back.dk, back.dv])];
  return operands.every(({ strides }) => strides[3] === 1) && Math.max(d.batch, d.heads, d.rows, d.cols) < 2 ** 31;
}

/** The descriptor of a call. */
export function describeAttention(
  d: Attention,
  read: AttentionOperands,
  back: AttentionGradients | null,
): Int32Array<ArrayBuffer> {
  const { mask, aux, hasKeep } = read, into = descriptor;
  into[0] = d.batch, into[1] = d.heads, into[2] = d.rows, into[3] = d.cols, into[4] = d.width, into[5] = d.values;
  into[6] = d.causal === null ? 0 : 1, into[7] = d.causal ?? 0, into[8] = floatBits(d.scale);
  into[9] = back?.add ? 1 : 0, into[10] = mask === null ? 0 : 1, into[11] = hasKeep ? 1 : 0, into[12] = aux.length;
  const all: Partial<Record<Operand, Strided | null>> = { ...read, ...back };
  OPERANDS.forEach((name, i) => describeOperand(into, HEADER + FIELDS * i, all[name] ?? null));
  return into;
}

/** Replaces an operand in a descriptor. */
function describeOperand(into: Int32Array, at: number, operand: Strided | null): void {
  if (operand === null) return void into.fill(0, at, at + FIELDS);
  into[at] = operand.offset, into[at + 5] = operand.data.length;
  for (let i = 0; i < 4; i++) into[at + 1 + i] = operand.strides[i];
}

/** Where a descriptor has an operand. */
export function operandAt(name: Operand): number {
  return HEADER + FIELDS * OPERANDS.indexOf(name);
}

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
