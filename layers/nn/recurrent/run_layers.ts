/** The layers of a recurrent network, one on the other, in one direction or both. */
import type { Tensor } from "../../../core/tensor.ts";
import { gather } from "../../../core/ops/index.ts";
import { cat, stack } from "../../../core/ops/join.ts";
import { narrow } from "../../../core/ops/movement.ts";
import { type CellKind, type CellState, type CellWeights, recurrence } from "../../../core/ops/recurrent.ts";
import { dropout } from "../functional/layer.ts";

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
