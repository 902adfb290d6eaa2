/** Recurrent networks of ONNX: `RNN`, `LSTM` and `GRU`. */
import { zeros } from "../../core/create.ts";
import { gather } from "../../core/ops/index.ts";
import type { CellKind, CellWeights } from "../../core/ops/recurrent.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { runLayers } from "../nn/recurrent/recurrent_base.ts";
import type { OnnxNode, Operator } from "./onnx_node.ts";
import { ONNX_CELLS } from "./write_recurrent.ts";

/** The usual activations of each operation. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  RNN: ["Tanh"],
  GRU: ["Sigmoid", "Tanh"],
  LSTM: ["Sigmoid", "Tanh", "Tanh"],
};

/** The kind of the node's cells. */
function cellOf(node: OnnxNode, directions: number): CellKind {
  const usual = USUAL[node.op], each = (names: readonly string[]) => Array(directions).fill(names.join()).join();
  const found = node.texts("activations")?.join() || each(usual);
  if (node.op === "RNN" && found.toLowerCase() === each(["relu"])) return "relu";
  if (found.toLowerCase() !== each(usual).toLowerCase()) {
    throw node.refuse(`has the activations ${found}, and only ${each(usual)} are known here`);
  }
  return node.op === "RNN" ? "tanh" : node.op === "GRU" ? "gru" : "lstm";
}

const recurrent: Operator = (node) => {
  const direction = node.text("direction", "forward");
  if (!["forward", "reverse", "bidirectional"].includes(direction)) throw node.refuse(`goes ${direction}`);
  const cell = cellOf(node, direction === "bidirectional" ? 2 : 1), batchFirst = node.int("layout", 0) === 1;
  node.int("hidden_size", 0); // the weights say it too
  node.usual("input_forget", 0);
  for (const name of ["activation_alpha", "activation_beta"]) {
    if ((node.floats(name) ?? []).length > 0) throw node.refuse(`has the setting ${name}, which is not known here`);
  }
  if (node.float("clip", 0) !== 0) throw node.refuse("has the setting clip, which is not known here");
  if (cell === "gru" && node.int("linear_before_reset", 0) !== 1) {
    throw node.refuse("resets the state before its product: linear_before_reset 1, as PyTorch has it, is known here");
  }
  const isReverse = direction === "reverse", weightsOf = remembered(cell);
  return (x, w, r, b = null, lengths = null, h = null, c = null, peepholes = null) => {
    if (lengths !== null || peepholes !== null) {
      throw new TypeError(`it is given ${lengths === null ? "peepholes" : "lengths of sequences"}: not known here`);
    }
    const directions = weightsOf(w!, r!, b ?? null), turn = (s: Tensor) => batchFirst ? s.transpose(0, 1) : s;
    const whole = turn(x!), steps = isReverse ? whole.flip(0) : whole; // [length, batch, input]
    const [length, batch, width] = steps.shape, hidden = r!.shape[2];
    if (x!.ndim !== 3 || width !== w!.shape[2]) {
      throw new RangeError(`it takes steps [length, batch, ${w!.shape[2]}] and is given ${show(x!.shape)}`);
    }
    const none = () => zeros([directions.length, batch, hidden], { dtype: x!.dtype });
    const state = (cell === "lstm" ? [h, c] : [h]).map((given) => given === null ? none() : turn(given));
    const network = { cell, layers: [directions], dropout: 0 };
    const found = runLayers(network, steps.reshape(length * batch, width), Array(length).fill(batch), state);
    const y = found.rows.reshape(length, batch, directions.length, hidden);
    const ordered = isReverse ? y.flip(0) : y;
    return [batchFirst ? ordered.transpose(0, 1) : ordered.permute(0, 2, 1, 3), ...found.last.map(turn)];
  };
};

/** The weights of each direction in the order of gates that cells have here, made once for the same tensors. */
function remembered(cell: CellKind): (w: Tensor, r: Tensor, b: Tensor | null) => CellWeights[] {
  let [known, made]: [readonly (Tensor | null)[], CellWeights[]] = [[], []];
  return (...given) => {
    if (known.length > 0 && given.every((x, i) => x === known[i])) return made;
    const [w, r, b] = given, { gates } = ONNX_CELLS[cell], size = gates.length * r.shape[2];
    made = Array.from({ length: w.shape[0] }, (_, d) => ({
      weightIh: inOrder(w.select(0, d), gates),
      weightHh: inOrder(r.select(0, d), gates),
      biasIh: b && inOrder(b.select(0, d).narrow(0, 0, size), gates),
      biasHh: b && inOrder(b.select(0, d).narrow(0, size, size), gates),
    }));
    known = given;
    return made;
  };
}

/** Weights with ONNX's gates in the order of a cell's. */
function inOrder(weights: Tensor, gates: readonly number[]): Tensor {
  const size = weights.shape[0] / gates.length, rows = new Int32Array(weights.shape[0]);
  gates.forEach((gate, at) => {
    for (let i = 0; i < size; i++) rows[gate * size + i] = at * size + i;
  });
  return gather(weights, rows, [rows.length]);
}

/** Recurrent networks by their names in files. */
export const RECURRENT: Readonly<Record<string, Operator>> = { GRU: recurrent, LSTM: recurrent, RNN: recurrent };
