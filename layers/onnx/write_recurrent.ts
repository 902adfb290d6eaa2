/** Recurrent networks as nodes: `RNN`, `LSTM` and `GRU`, one for each layer. */
import type { CellKind } from "../../core/ops/recurrent.ts";
import type { Attributes, GraphBuilder, Value } from "./graph_builder.ts";
import type { TracedSettings } from "./trace.ts";
import type { Call, Writers } from "./writer.ts";

type Recurrent = TracedSettings["recurrent"];

/** What ONNX calls a kind of cell, where the gates stand here that it has in its order, and settings that are not usual. */
export const ONNX_CELLS: Readonly<Record<CellKind, { op: string; gates: readonly number[]; settings: Attributes }>> = {
  tanh: { op: "RNN", gates: [0], settings: {} },
  relu: { op: "RNN", gates: [0], settings: {} },
  lstm: { op: "LSTM", gates: [0, 3, 1, 2], settings: {} }, // i, o, f, c
  gru: { op: "GRU", gates: [1, 0, 2], settings: { linear_before_reset: 1 } }, // z, r, h
};

/** The names of what a network gives. */
interface Made {
  /** [length, batch, hidden · directions] */
  readonly y: string;
  /** [layers · directions, batch, hidden], h and for an LSTM c. */
  readonly last: readonly string[];
}

/** The networks of each graph by what they are made of: what else is wanted of one takes the same nodes. */
const KNOWN = new WeakMap<GraphBuilder, Map<string, Made>>();

function networkOf(graph: GraphBuilder, call: Call<Recurrent>): Made {
  const known = KNOWN.get(graph) ?? new Map<string, Made>();
  KNOWN.set(graph, known);
  const key = [call.settings.cell, ...call.inputs.map((input) => input?.name ?? "")].join("\n");
  const made = known.get(key) ?? writeNetwork(graph, call);
  known.set(key, made);
  return made;
}

function writeNetwork(graph: GraphBuilder, { x, inputs, settings: { cell, bidirectional } }: Call<Recurrent>): Made {
  const [, h, c, ...weights] = inputs, directions = bidirectional ? 2 : 1;
  const layers = weights.length / (4 * directions), last: string[][] = [];
  let y = x.name;
  for (let layer = 0; layer < layers; layer++) {
    const own = weights.slice(4 * directions * layer, 4 * directions * (layer + 1));
    const states = [h, c].map((state) => state && statesOf(graph, state, layer * directions, directions, layers));
    const [all, ...ends] = writeLayer(graph, y, own, states, cell);
    last.push(ends);
    y = bidirectional
      ? graph.node("Reshape", [graph.node("Transpose", [all], { perm: [0, 2, 1, 3] }), graph.ints([0, 0, -1])])
      : graph.node("Squeeze", [all, graph.ints([1])]);
  }
  const together = last[0].map((name, part) =>
    layers === 1 ? name : graph.node("Concat", last.map((ends) => ends[part]), { axis: 0 })
  );
  return { y, last: together };
}

/** The first states of a layer, of those of all. */
function statesOf(graph: GraphBuilder, { name }: Value, from: number, count: number, layers: number): string {
  if (layers === 1) return name;
  return graph.node("Slice", [name, graph.ints([from]), graph.ints([from + count]), graph.ints([0])]);
}

/** A layer: the names of its states at all steps [length, directions, batch, hidden], and of its last ones [directions, batch, hidden]. */
function writeLayer(
  graph: GraphBuilder,
  x: string,
  weights: readonly (Value | null)[],
  states: readonly (string | null)[],
  cell: CellKind,
): string[] {
  const { op, gates, settings } = ONNX_CELLS[cell], directions = weights.length / 4;
  const hidden = weights[1]!.shape[1];
  const part = (i: number) => Array.from({ length: directions }, (_, d) => inOrder(graph, weights[4 * d + i], gates));
  const stacked = (names: readonly (string | null)[]) => {
    const each = names.map((name) => graph.node("Unsqueeze", [name, graph.ints([0])]));
    return each.length === 1 ? each[0] : graph.node("Concat", each, { axis: 0 });
  };
  const [bias, biasOfState] = [part(2), part(3)];
  const biases = bias.map((name, d) => name && graph.node("Concat", [name, biasOfState[d]], { axis: 0 }));
  const given = [x, stacked(part(0)), stacked(part(1)), biases[0] && stacked(biases), null, ...states];
  const direction = directions === 2 ? "bidirectional" : undefined;
  const activations = cell === "relu" ? Array<string>(directions).fill("Relu") : undefined;
  return graph.nodeOf(op, given, { hidden_size: hidden, direction, activations, ...settings }, cell === "lstm" ? 3 : 2);
}

/** Weights with their gates in another order. */
function inOrder(graph: GraphBuilder, weights: Value | null, gates: readonly number[]): string | null {
  if (weights === null || gates.length === 1) return weights?.name ?? null;
  const size = weights.shape[0] / gates.length;
  const rows = gates.flatMap((gate) => Array.from({ length: size }, (_, i) => gate * size + i));
  return graph.node("Gather", [weights.name, graph.constant(rows, [rows.length], "int32")], { axis: 0 });
}

/** Recurrent networks. */
export const RECURRENT_WRITERS: Writers<"recurrent"> = {
  recurrent: (graph, call) => {
    const { y, last } = networkOf(graph, call), { part } = call.settings;
    const found = part === "y" ? y : last[part === "h" ? 0 : 1];
    return part !== "y" && call.dims.length === 3 ? found : graph.reshape(found, call.dims); // of a cell it is [batch, hidden]
  },
};
