/**
 * One layer of a recurrent network in one direction, over sequences of any lengths: the inputs of all steps are multiplied by their weight
 * at once, and the back end takes all steps in one call.
 *
 * Sequences lie by steps, as PyTorch packs them: the rows of the first step of all sequences, longest sequence first, then those of the
 * second step, and so on.
 */
import { backend } from "../backend/choose.ts";
import { CELL_GATES, type CellKind, partsOf, type Recurrent } from "../backend/sequences.ts";
import { allocate, isFloating, promote, type TypedArray } from "../dtype.ts";
import { newEmpty } from "../memory/allocate.ts";
import { record } from "../record.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./elementwise.ts";
import { gather } from "./index.ts";
import { elements, narrow } from "./movement.ts";

export type { CellKind };

/** What a layer is told beside its tensors. */
type Recurrence = Pick<Recurrent, "cell" | "batchSizes" | "reverse">;

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

/**
 * The states after each step [rows, hidden], with the first state [sequences, hidden] before them, or behind them in reverse: [rows +
 * sequences, hidden]. For an LSTM [2, rows + sequences, hidden], its memory as well.
 *
 * @throws {TypeError} If all are integers.
 */
export function recurrence(about: Recurrence, x: Tensor, state: CellState, weights: CellWeights): Tensor {
  const { weightIh, weightHh, biasIh, biasHh } = weights;
  const given = [x, weightIh, weightHh, ...state, ...(biasIh === null || biasHh === null ? [] : [biasIh, biasHh])];
  const dtype = given.reduce((common, v) => promote(common, v.dtype), x.dtype);
  if (!isFloating(dtype)) throw new TypeError(`Cannot take steps over ${dtype} tensors: cast them with float()`);
  const inputs = given.map((v) => cast(v, dtype));
  const [sequences, hidden] = state[0].shape, rows = x.shape[0], { cell, reverse } = about;
  const d: Recurrent = { ...about, sequences, hidden };
  const [values, ih, hh, ...rest] = inputs, first = rest.slice(0, partsOf(d)), biases = rest.slice(partsOf(d));
  const gates = newEmpty([rows, CELL_GATES[cell].kept * hidden], dtype).data;
  const bias = writeProducts(d, values, ih, biases.map(elements), gates);
  const out = newEmpty([...(first.length === 1 ? [] : [2]), rows + sequences, hidden], dtype);
  first.forEach((s, part) => out.data.set(elements(s), (part * (rows + sequences) + (reverse ? rows : 0)) * hidden));
  backend().recurrent(d, gates, transposedCopy(hh), bias, out.data);
  return record("recurrence", out, inputs, { ...d, gates });
}

/**
 * The products of the inputs with their weight, and both biases, into the gates. A GRU takes its gates r and z as they are, and apart from
 * the input's part of n that of the state, whose bias is the answer.
 */
function writeProducts(
  { cell, hidden }: Recurrent,
  x: Tensor,
  weight: Tensor,
  biases: TypedArray[],
  gates: TypedArray,
): TypedArray | null {
  const { made, kept } = CELL_GATES[cell];
  const sum = allocate(x.dtype, made * hidden);
  biases.forEach((bias) => bias.forEach((v, i) => (sum[i] += v)));
  const write = (from: number, count: number, column: number) =>
    backend().gemm(
      {
        ...{ m: x.shape[0], k: x.shape[1], n: count * hidden, beta: 0 },
        ...{ aOffset: x.offset, aRow: x.strides[0], aCol: x.strides[1] },
        bOffset: weight.offset + from * hidden * weight.strides[0],
        ...{ bRow: weight.strides[1], bCol: weight.strides[0] },
        ...{ cOffset: column * hidden, cRow: kept * hidden, cCol: 1, biasOffset: from * hidden, biasStride: 1 },
      },
      x.data,
      weight.data,
      gates,
      sum,
    );
  if (cell !== "gru") return write(0, made, 0), null;
  if (biases.length > 0) sum.set(biases[0].subarray(2 * hidden), 2 * hidden);
  write(0, 2, 1); // r and z
  write(2, 1, 0); // n
  return biases.length > 0 ? biases[1].subarray(2 * hidden) : null;
}

/** The elements of the transposed matrix, row after row. */
function transposedCopy({ shape: [rows, cols], data, offset, strides, dtype }: Tensor): TypedArray {
  const out = allocate(dtype, rows * cols);
  const to = { data: out, offset: 0, strides: [rows, 1] };
  backend().unary("copy", [cols, rows], { data, offset, strides: [strides[1], strides[0]] }, to, 0, 0);
  return out;
}

/** The gradients of the gates before their activations and of the first states, by g, that of all states. */
export function recurrenceGradients(
  d: Recurrent & { readonly gates: TypedArray },
  g: Tensor,
  weight: Tensor,
  states: Tensor,
): { dgates: Tensor; dfirst: Tensor[] } {
  const { hidden, sequences, cell, gates } = d, parts = partsOf(d);
  const rows = states.numel() / parts / (hidden || 1) - sequences;
  const dgates = newEmpty([rows, CELL_GATES[cell].kept * hidden], g.dtype);
  const dfirst = newEmpty([parts, sequences, hidden], g.dtype);
  backend().recurrentBackward(d, elements(g), gates, elements(weight), elements(states), dgates.data, dfirst.data);
  return { dgates, dfirst: Array.from({ length: parts }, (_, part) => dfirst.select(0, part)) };
}

/** Of one part of all states those before each step [rows, hidden], in the order of the steps' rows. */
export function statesBefore({ batchSizes, sequences, reverse }: Recurrent, all: Tensor): Tensor {
  const rows = all.shape[0] - sequences;
  if (batchSizes.every((n) => n === sequences)) return narrow(all, 0, reverse ? sequences : 0, rows);
  const places = new Int32Array(rows);
  for (let t = 0, row = 0; t < batchSizes.length; row += batchSizes[t++]) {
    const n = batchSizes[t], there = reverse ? batchSizes[t + 1] ?? 0 : batchSizes[t - 1] ?? 0;
    for (let i = 0; i < n; i++) {
      // in reverse the first states stand behind all others
      if (reverse) places[row + i] = i < there ? row + n + i : rows + i;
      else places[row + i] = t === 0 ? i : sequences + row - there + i;
    }
  }
  return gather(all, places, [rows]);
}
