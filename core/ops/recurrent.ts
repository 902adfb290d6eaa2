/**
 * One layer of a recurrent network in one direction, over sequences of any lengths: the inputs of all steps are multiplied by their weight
 * at once, and then the steps are taken one by one.
 *
 * Sequences lie by steps, as PyTorch packs them: the rows of the first step of all sequences, longest sequence first, then those of the
 * second step, and so on.
 */
import { isFloating, promote } from "../dtype.ts";
import { cast } from "./elementwise.ts";
import { linear } from "./linalg.ts";
import { cat, stack } from "./join.ts";
import { narrow } from "./movement.ts";
import type { Tensor } from "../tensor.ts";

/** The kinds of cells: a plain one with tanh or relu, a long short-term memory, a gated recurrent unit. */
export type CellKind = "tanh" | "relu" | "lstm" | "gru";

/** How many products with weights a cell has. */
export const GATES: Readonly<Record<CellKind, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

/** What a layer is told beside its tensors. */
interface Recurrence {
  /** The kind of its cells. */
  readonly cell: CellKind;
  /** How many sequences reach each step; never more than in the step before. */
  readonly batchSizes: readonly number[];
  /** Whether sequences are read from their ends. */
  readonly reverse: boolean;
}

/** The weights of a cell; PyTorch's order of gates is i, f, g, o, or r, z, n. */
export interface CellWeights<T = Tensor> {
  /** What the input is multiplied by, [gates · hidden, input]. */
  readonly weightIh: T;
  /** What the state is multiplied by, [gates · hidden, hidden]. */
  readonly weightHh: T;
  /** What is added to the product of the input, [gates · hidden]. */
  readonly biasIh: T | null;
  /** What is added to the product of the state, [gates · hidden]. */
  readonly biasHh: T | null;
}

/** The state of a layer: that of its cells, and for an LSTM their memory, each [sequences, hidden]. */
export type CellState = readonly [h: Tensor] | readonly [h: Tensor, c: Tensor];

/** One step, with all that its derivative reads; what an LSTM alone has is `null` elsewhere. */
interface Step {
  /** Its first row among the inputs, and how many it has. */
  readonly row: number;
  readonly n: number;
  /** The state before it. */
  readonly h: Tensor;
  readonly c: Tensor | null;
  /** The activated gates; for a GRU also the product of the state for n. */
  readonly gates: readonly Tensor[];
  /** The state after it. */
  readonly hNext: Tensor;
  readonly cNext: Tensor | null;
}

/**
 * The states after each step [rows, hidden], with the first state [sequences, hidden] before them, or behind them in reverse: [rows +
 * sequences, hidden]. For an LSTM [2, rows + sequences, hidden], its memory as well.
 */
export function recurrence(d: Recurrence, x: Tensor, state: CellState, weights: CellWeights): Tensor {
  const inputs = inputsOf(x, state, weights);
  const dtype = inputs.reduce((common, v) => promote(common, v.dtype), x.dtype);
  if (!isFloating(dtype)) throw new TypeError(`Cannot take steps over ${dtype} tensors: cast them with float()`);
  return recurrenceOf(d, inputs.map((v) => cast(v, dtype)));
}

/** The inputs of the operation in their order: x, the weights, the state, and the biases, if there are any. */
function inputsOf(x: Tensor, state: CellState, { weightIh, weightHh, biasIh, biasHh }: CellWeights): Tensor[] {
  return [x, weightIh, weightHh, ...state, ...(biasIh === null || biasHh === null ? [] : [biasIh, biasHh])];
}

function recurrenceOf(d: Recurrence, inputs: readonly Tensor[]): Tensor {
  const { x, state, weights } = partsOf(d.cell, inputs);
  const steps = takeSteps(d, x, state, weights);
  const all = (first: Tensor, after: Tensor[]) => cat(d.reverse ? [...after, first] : [first, ...after]);
  const h = all(state[0], steps.map(({ hNext }) => hNext));
  return state[1] === undefined ? h : stack([h, all(state[1], steps.map(({ cNext }) => cNext!))]);
}

function partsOf(cell: CellKind, inputs: readonly Tensor[]): { x: Tensor; state: CellState; weights: CellWeights } {
  const [x, weightIh, weightHh, h, ...rest] = inputs;
  const state: CellState = cell === "lstm" ? [h, rest.shift()!] : [h];
  const [biasIh = null, biasHh = null] = rest;
  return { x, state, weights: { weightIh, weightHh, biasIh, biasHh } };
}

/** The steps as recorded operations, in the order of their rows. */
function takeSteps(d: Recurrence, x: Tensor, state: CellState, weights: CellWeights): Step[] {
  const { cell, batchSizes, reverse } = d;
  const fromInput = linear(x, weights.weightIh, weights.biasIh, { transposed: true }); // [rows, gates · hidden]
  const steps: Step[] = [];
  const end = fromInput.shape[0];
  let [row, last] = [reverse ? end : 0, null as Step | null];
  for (let i = 0; i < batchSizes.length; i++) {
    const n = batchSizes[reverse ? batchSizes.length - 1 - i : i];
    if (reverse) row -= n;
    const h = stateBefore(n, state[0], last?.hNext ?? null);
    const c = state[1] === undefined ? null : stateBefore(n, state[1], last?.cNext ?? null);
    last = { row, n, h, c, ...CELLS[cell](narrow(fromInput, 0, row, n), productOf(h, weights), h, c) };
    steps.push(last);
    if (!reverse) row += n;
  }
  return reverse ? steps.reverse() : steps;
}

function productOf(h: Tensor, { weightHh, biasHh }: CellWeights): Tensor {
  return linear(h, weightHh, biasHh, { transposed: true });
}

/** The state of the first n sequences: those that were not read yet have the first state. */
function stateBefore(n: number, first: Tensor, last: Tensor | null): Tensor {
  if (last === null) return narrow(first, 0, 0, n);
  const there = last.shape[0];
  return n <= there ? narrow(last, 0, 0, n) : cat([last, narrow(first, 0, there, n - there)]);
}

type Cell = (
  a: Tensor,
  b: Tensor,
  h: Tensor,
  c: Tensor | null,
) => { gates: readonly Tensor[]; hNext: Tensor; cNext: Tensor | null };

/** Each kind of cell, from the products a of the input and b of the state. */
const CELLS: Readonly<Record<CellKind, Cell>> = {
  tanh: (a, b) => plain(a.add(b).tanh()),
  relu: (a, b) => plain(a.add(b).relu()),
  lstm: (a, b, _, c) => {
    const [i, f, g, o] = a.add(b).chunk(4, 1);
    const gates = [i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()];
    const cNext = gates[1].mul(c!).add(gates[0].mul(gates[2]));
    return { gates, hNext: gates[3].mul(cNext.tanh()), cNext };
  },
  gru: (a, b, h) => {
    const [[ar, az, an], [br, bz, bn]] = [a.chunk(3, 1), b.chunk(3, 1)];
    const [r, z] = [ar.add(br).sigmoid(), az.add(bz).sigmoid()];
    const n = an.add(r.mul(bn)).tanh();
    return { gates: [r, z, n, bn], hNext: n.add(z.mul(h.sub(n))), cNext: null };
  },
};

function plain(hNext: Tensor): ReturnType<Cell> {
  return { gates: [], hNext, cNext: null };
}
