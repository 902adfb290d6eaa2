import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, nn, noGrad, randn, type Tensor, zeros } from "@gradus/gradus";
import { exportOnnx, importOnnx } from "@gradus/gradus/onnx";
import { joinBytes } from "../../../core/io/in_steps.ts";
import {
  type AttributeMessage,
  decodeModel,
  ELEMENT,
  encodeModel,
  type NodeMessage,
  type TensorMessage,
} from "../../../layers/onnx/messages.ts";
import { furthest } from "./cases.ts";

const text = (name: string, value: string): AttributeMessage => ({ name, type: 3, s: new TextEncoder().encode(value) });
const whole = (name: string, i: number): AttributeMessage => ({ name, type: 2, i });
const texts = (name: string, ...values: string[]): AttributeMessage => ({
  ...{ name, type: 8, strings: values.map((value) => new TextEncoder().encode(value)) },
});
const tensor = (name: string, x: Tensor): TensorMessage => ({
  ...{ name, dims: [...x.shape], dataType: ELEMENT.float32 },
  rawData: new Uint8Array((x.clone().data as Float32Array).slice().buffer),
});
const value = (name: string) => ({ name, type: { tensorType: { elemType: ELEMENT.float32 } } });

/** A file with one node of weights W, R and B over x; B may be missing, and further inputs follow. */
function fileOf(op: string, weights: Record<string, Tensor>, attribute: AttributeMessage[], more: string[] = []) {
  const output = op === "LSTM" ? ["y", "h", "c"] : ["y", "h"];
  const node: NodeMessage = { name: "n", opType: op, input: ["x", "W", "R", "B", ...more], output, attribute };
  const initializer = Object.entries(weights).map(([name, x]) => tensor(name, x));
  const graph = { node: [node], initializer, input: [value("x")], output: output.map(value) };
  return joinBytes(encodeModel({ irVersion: 8, opsetImport: [{ version: 17 }], graph }));
}

/** An RNN, whose gates have no order, and its weights as ONNX has them. */
function plainNetwork(): { rnn: nn.RNN; weights: Record<string, Tensor> } {
  manualSeed(5);
  const rnn = new nn.RNN(3, 4), { weightIh, weightHh, biasIh, biasHh } = rnn.weightsOf(0);
  return noGrad(() => {
    const B = zeros([1, 8]);
    B.narrow(1, 0, 4).copy_(biasIh!);
    B.narrow(1, 4, 4).copy_(biasHh!);
    return { rnn, weights: { W: weightIh.unsqueeze(0), R: weightHh.unsqueeze(0), B } };
  });
}

const isNear = (found: Tensor, expected: Tensor) => {
  assertEquals(found.shape, expected.shape);
  assert(furthest(found.clone().data, expected.clone().data) <= 1e-6); // the same sums in float32
};

describe("recurrent networks as files of ONNX", () => {
  it("are one node a layer, for both directions, and keep the names of their weights", async () => {
    const lstm = new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true });
    const { graph } = decodeModel(await exportOnnx(lstm, randn([5, 2, 3])));
    const nodes = graph!.node!.filter(({ opType }) => opType === "LSTM");
    assertEquals(nodes.map(({ name }) => name), ["/LSTM", "/LSTM_1"]);
    const directions = nodes.map(({ attribute }) => attribute!.find(({ name }) => name === "direction")?.s);
    assertEquals(directions.map((s) => new TextDecoder().decode(s)), ["bidirectional", "bidirectional"]);
    const names = graph!.initializer!.map(({ name }) => name);
    assertEquals([...lstm.stateDict().keys()].filter((name) => !names.includes(name)), []);
    assertEquals(graph!.output!.map(({ name }) => name), ["output_0", "output_1", "output_2"]);
  });
  it("take sequences of any length where the length comes first, and of any batch where that does", async () => {
    const { rnn } = plainNetwork();
    const byStep = await importOnnx(await exportOnnx(rnn, randn([5, 2, 3])));
    const x = randn([9, 2, 3]);
    isNear([...byStep.predict(x).values()][0], rnn.call(x)[0].detach());
  });
  it("are read from the end, and with the batch first", async () => {
    const { rnn, weights } = plainNetwork(), x = randn([5, 2, 3]);
    const [y, h] = noGrad(() => rnn.call(x.flip(0)));
    const found = (await importOnnx(fileOf("RNN", weights, [text("direction", "reverse")]))).predict(x);
    isNear(found.get("y")!, y.flip(0).unsqueeze(1));
    isNear(found.get("h")!, h);
    const batchFirst = await importOnnx(fileOf("RNN", weights, [text("direction", "reverse"), whole("layout", 1)]));
    const same = batchFirst.predict(x.transpose(0, 1));
    isNear(same.get("y")!, y.flip(0).transpose(0, 1).unsqueeze(2));
    isNear(same.get("h")!, h.transpose(0, 1));
  });
  it("are refused where they do what no network here does", async () => {
    const { weights } = plainNetwork();
    const refused: [op: string, attribute: AttributeMessage[], why: string][] = [
      ["RNN", [texts("activations", "Softsign")], "has the activations Softsign, and only Tanh are known here"],
      ["RNN", [text("direction", "sideways")], "goes sideways"],
      ["RNN", [{ name: "clip", type: 1, f: 3 }], "has the setting clip"],
      ["RNN", [{ name: "activation_alpha", type: 6, floats: [1] }], "has the setting activation_alpha"],
      ["LSTM", [whole("input_forget", 1)], "has the setting input_forget 1, and only 0 is known here"],
      ["GRU", [], "resets the state before its product"],
      ["RNN", [whole("odd", 1)], 'has the setting "odd", which is not known here'],
    ];
    for (const [op, attribute, why] of refused) {
      await assertRejects(() => importOnnx(fileOf(op, weights, attribute)), TypeError, `its node "n" (${op}) ${why}`);
    }
  });
  it("say what is wrong with what they are given", async () => {
    const { weights } = plainNetwork();
    const model = await importOnnx(fileOf("RNN", weights, []));
    assertThrows(
      () => model.predict(randn([5, 2, 2])),
      RangeError,
      "it takes steps [length, batch, 3] and is given [5, 2, 2]",
    );
    const withLengths = await importOnnx(fileOf("RNN", { ...weights, lengths: zeros([2]) }, [], ["lengths"]));
    assertThrows(
      () => withLengths.predict(randn([5, 2, 3])),
      TypeError,
      "it is given lengths of sequences: not known here",
    );
  });
});
