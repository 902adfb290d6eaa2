/** Samples of recurrent layers: each kind of cell, in both directions, with sequences of one length and of several. */
import type { Tensor } from "@gradus/gradus";
import { type CellKind, type CellState, recurrence } from "../../core/ops/recurrent.ts";
import { type Sample, type Samples, values } from "./sample.ts";

const [INPUT, HIDDEN] = [2, 3];
const GATES: Readonly<Record<CellKind, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

/** A layer over sequences of which so many reach each step. The numbers are small, so that nothing is near the ends of its range. */
function layer(cell: CellKind, batchSizes: readonly number[], sequences: number, reverse = false, bias = true): Sample {
  const made = GATES[cell] * HIDDEN, parts = cell === "lstm" ? 2 : 1;
  const rows = batchSizes.reduce((sum, n) => sum + n, 0);
  const small = (shape: readonly number[], seed: number) => values(shape, seed).sub(1.31).mul(0.5);
  const first = Array.from({ length: parts }, (_, part) => [sequences, HIDDEN, part]);
  const shapes = [
    ...[[rows, INPUT], [made, INPUT], [made, HIDDEN]],
    ...first.map(([n, hidden]) => [n, hidden]),
    ...(bias ? [[made], [made]] : []),
  ];
  return {
    f: (x: Tensor, weightIh: Tensor, weightHh: Tensor, ...rest: Tensor[]) => {
      const state = rest.slice(0, parts) as unknown as CellState, [biasIh = null, biasHh = null] = rest.slice(parts);
      const sizes = x.shape[0] === 0 ? [] : batchSizes;
      return recurrence({ cell, batchSizes: sizes, reverse }, x, state, { weightIh, weightHh, biasIh, biasHh });
    },
    inputs: shapes.map((shape, i) => small(shape, i + 1)),
    empty: shapes.map((shape, i) => (i === 0 || (i > 2 && i < 3 + parts) ? [0, ...shape.slice(1)] : shape)),
  };
}

/** The samples. */
export const recurrentSamples: { readonly recurrence: Samples } = {
  recurrence: {
    "cells with tanh": layer("tanh", [2, 2], 2),
    "cells with relu and no bias, in reverse": layer("relu", [2, 2], 2, true, false),
    "an LSTM": layer("lstm", [2, 2], 2),
    "an LSTM in reverse": layer("lstm", [2, 2], 2, true),
    "an LSTM over sequences of several lengths": layer("lstm", [3, 1], 3),
    "a GRU": layer("gru", [2, 2], 2),
    "a GRU over sequences of several lengths, in reverse": layer("gru", [2, 1], 3, true),
  },
};
