import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as fc from "fast-check";
import { nn, ones, randn, tensor, zeros } from "@gradus/gradus";
import { encodeSafetensors } from "@gradus/gradus/io";
import { exportOnnx, importOnnx } from "@gradus/gradus/onnx";
import {
  type AttributeMessage,
  ELEMENT,
  encodeModel,
  type GraphMessage,
  type NodeMessage,
  type TensorMessage,
} from "../../../layers/onnx/messages.ts";
import { joinBytes } from "../../../core/io/in_steps.ts";
import { damage, damages } from "../../core/io/damage.ts";

const value = (name: string, elemType: number = ELEMENT.float32) => ({ name, type: { tensorType: { elemType } } });

/** A file with these nodes from x to y. */
function fileOf(node: NodeMessage[], graph: GraphMessage = {}, opset = 17): Uint8Array<ArrayBuffer> {
  const whole: GraphMessage = { node, input: [value("x")], output: [value("y")], ...graph };
  return joinBytes(encodeModel({ irVersion: 8, opsetImport: [{ version: opset }], graph: whole }));
}

/** A node from x to y. */
function nodeOf(opType: string, attribute: AttributeMessage[] = [], input = ["x"], output = ["y"]): NodeMessage {
  return { name: "n", opType, input, output, attribute };
}

const floats = (name: string, ...values: number[]): TensorMessage => ({
  ...{ name, dims: [values.length], dataType: ELEMENT.float32 },
  rawData: new Uint8Array(Float32Array.from(values).buffer),
});
const longs = (name: string, ...values: bigint[]): TensorMessage => ({
  ...{ name, dims: [values.length], dataType: ELEMENT.int64 },
  rawData: new Uint8Array(BigInt64Array.from(values).buffer),
});

const relu = nodeOf("Relu");
const refusal = async (bytes: Uint8Array) => (await assertRejects(() => importOnnx(bytes), Error)).message;

describe("importOnnx()", () => {
  it("carries out a node", async () => {
    assertEquals((await importOnnx(fileOf([relu]))).call(tensor([-1, 2])).toArray(), [0, 2]);
  });
  it("reads what stands in the file's operations of older and newer versions", async () => {
    const axes: AttributeMessage = { name: "axes", type: 7, ints: [0] };
    assertEquals((await importOnnx(fileOf([nodeOf("Unsqueeze", [axes])], {}, 11))).call(ones([2])).shape, [1, 2]);
    const given = fileOf([nodeOf("Unsqueeze", [], ["x", "axes"])], { initializer: [longs("axes", 0n, 2n)] });
    assertEquals((await importOnnx(given)).call(ones([2])).shape, [1, 2, 1]);
    const softmax = (await importOnnx(fileOf([nodeOf("Softmax")], {}, 11))).call(zeros([2, 2, 2]));
    assertEquals(softmax.toArray(), Array(2).fill([[0.25, 0.25], [0.25, 0.25]])); // over all from dimension 1 on
  });
  it("slices to the end where the end is the largest number there is, and backwards", async () => {
    const largest = 2n ** 63n - 1n;
    const sliced = async (...lists: bigint[]) => {
      const initializer = lists.map((n, i) => longs(`l${i}`, n));
      const names = ["x", "l0", "l1", "l2", "l3"];
      return (await importOnnx(fileOf([nodeOf("Slice", [], names)], { initializer }))).call(tensor([1, 2, 3, 4]))
        .toArray();
    };
    assertEquals(await sliced(1n, largest, 0n, 2n), [2, 4]);
    assertEquals(await sliced(-1n, -largest, 0n, -2n), [4, 2]);
  });
  it("reads halves and lists of numbers", async () => {
    const half: TensorMessage = {
      ...{ name: "h", dims: [2], dataType: ELEMENT.float16 },
      rawData: new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer), // 1 and −2
    };
    const file = fileOf([nodeOf("Add", [], ["x", "h"])], { initializer: [half] });
    assertEquals((await importOnnx(file)).call(tensor([1, 1])).toArray(), [2, -1]);
    const listed: TensorMessage = { name: "h", dims: [2], dataType: ELEMENT.float32, floatData: [5, 6] };
    const other = fileOf([nodeOf("Add", [], ["x", "h"])], { initializer: [listed] });
    assertEquals((await importOnnx(other)).call(tensor([1, 1])).toArray(), [6, 7]);
  });
  it("joins an activation to the layer before it, unless something else takes the layer's result", async () => {
    const initializer = [{ ...floats("w", 1, -1), dims: [1, 2] }];
    const gemm = nodeOf("Gemm", [], ["x", "w"], ["z"]);
    const activation = nodeOf("Relu", [], ["z"]);
    const x = tensor([[1], [2]]);
    assertEquals((await importOnnx(fileOf([gemm, activation], { initializer }))).call(x).toArray(), [[1, 0], [2, 0]]);
    const both = fileOf([gemm, activation], { initializer, output: [value("y"), value("z")] });
    const found = (await importOnnx(both)).predict(x);
    assertEquals([found.get("y")?.toArray(), found.get("z")?.toArray()], [[[1, 0], [2, 0]], [[1, -1], [2, -2]]]);
  });
  it("takes outputs by name where there are several, and refuses call()", async () => {
    const model = await importOnnx(fileOf([relu], { output: [value("x"), value("y")] }));
    assertEquals([...model.predict(tensor([-1])).keys()], ["x", "y"]);
    assertThrows(() => model.call(tensor([-1])), RangeError, "use predict()");
  });
  it("refuses inputs of another shape, dtype or number", async () => {
    const model = await importOnnx(await exportOnnx(new nn.Linear(3, 2), randn([1, 3])));
    assertThrows(
      () => model.call(ones([2, 4])),
      RangeError,
      "Cannot predict from input of [2, 4]: expected [batch, 3]",
    );
    assertThrows(() => model.call(ones([2, 3]).int()), TypeError, "the model takes float32, cast it first");
    assertThrows(() => model.call(), RangeError, "the model takes 1, input");
  });
  it("says which node fails for an input", async () => {
    const file = fileOf([nodeOf("Add", [], ["x", "h"])], { initializer: [floats("h", 1, 2, 3)] });
    const model = await importOnnx(file);
    assertThrows(
      () => model.call(ones([2])),
      RangeError,
      'Cannot predict: its node "n" (Add) says "Cannot add [2] and [3]',
    );
  });
});

describe("importOnnx() of hostile files", () => {
  it("names an operation that is not known, its node and its opset", async () => {
    assertStringIncludes(
      await refusal(fileOf([nodeOf("Einsum")])),
      'its node "n" (Einsum), opset 17, is not known here',
    );
    const custom = { ...relu, domain: "com.microsoft" };
    assertStringIncludes(await refusal(fileOf([custom])), '(Relu) of "com.microsoft", opset 17, is not known here');
  });
  it("names a setting that is not known, or of another kind", async () => {
    const odd = { name: "sideways", type: 2, i: 1 };
    assertStringIncludes(
      await refusal(fileOf([nodeOf("Relu", [odd])])),
      'has the setting "sideways", which is not known',
    );
    const text = { name: "axis", type: 3, s: new Uint8Array(3) };
    assertStringIncludes(await refusal(fileOf([nodeOf("Softmax", [text])])), "has a setting axis of another kind");
  });
  it("refuses opsets that are too old or too new", async () => {
    for (const opset of [0, 8, 23]) assertStringIncludes(await refusal(fileOf([relu], {}, opset)), `opset ${opset}`);
  });
  it("refuses circles, values that nothing makes, and names that stand twice", async () => {
    const circle = [nodeOf("Relu", [], ["b"], ["a"]), nodeOf("Relu", [], ["a"], ["b"])];
    assertStringIncludes(await refusal(fileOf(circle)), 'takes "b", which nothing before it makes');
    assertStringIncludes(await refusal(fileOf([relu, relu])), 'is named "y", as something else is');
    assertStringIncludes(await refusal(fileOf([])), 'nothing makes its output "y"');
    assertStringIncludes(await refusal(fileOf([relu], { output: [] })), "has no outputs");
  });
  it("refuses tensors in other files, sparse ones, and kinds that no tensor has", async () => {
    const with_ = (tensor: TensorMessage) => refusal(fileOf([relu], { initializer: [tensor] }));
    assertStringIncludes(await with_({ ...floats("w", 1), dataLocation: 1 }), "stands in another file");
    assertStringIncludes(await with_({ name: "w", dims: [1], dataType: ELEMENT.string }), "is of string");
    assertStringIncludes(await with_({ name: "w", dims: [1], dataType: 99 }), "is of number 99");
    assertStringIncludes(await refusal(fileOf([relu], { sparseInitializer: [new Uint8Array(1)] })), "sparse");
    assertStringIncludes(await refusal(fileOf([relu], { input: [value("x", ELEMENT.string)] })), "is of string");
  });
  it("refuses sizes that the bytes do not have, before memory is taken for them", async () => {
    const before = Deno.memoryUsage().external;
    for (const dims of [[2 ** 40], [2 ** 31, 2 ** 31], [-1], [3], [2 ** 20, 2 ** 10]]) {
      const message = await refusal(fileOf([relu], { initializer: [{ ...floats("w", 1, 2), dims }] }));
      assertStringIncludes(message, 'its tensor "w"');
    }
    assert(Deno.memoryUsage().external - before < 1 << 24);
  });
  it("refuses what a small file would make large, before memory is taken for it", async () => {
    const before = Deno.memoryUsage().external;
    const shape = longs("shape", 1n << 20n, 1n << 20n), repeats = longs("shape", 1n << 30n);
    const made = fileOf([nodeOf("ConstantOfShape", [], ["shape"])], { initializer: [shape] });
    assertStringIncludes(await refusal(made), "maxBytes allows");
    const tiled = fileOf([nodeOf("Tile", [], ["w", "shape"])], { initializer: [repeats, floats("w", 1)] });
    assertStringIncludes(await refusal(tiled), "maxBytes allows");
    const doubled = Array.from({ length: 40 }, (_, i) => nodeOf("Concat", [], [`v${i}`, `v${i}`], [`v${i + 1}`]));
    const axis: AttributeMessage = { name: "axis", type: 2, i: 0 };
    const growing = doubled.map((node) => ({ ...node, attribute: [axis] }));
    const grown = fileOf([...growing, nodeOf("Add", [], ["x", "v40"])], { initializer: [floats("v0", 1)] });
    assertStringIncludes(await refusal(grown), "maxBytes allows");
    assert(Deno.memoryUsage().external - before < 2 ** 29); // the default bound is 256 MiB, counted 8 bytes an element
  });
  it("refuses what is no file of ONNX, or cut short", async () => {
    const whole = await exportOnnx(new nn.Linear(20, 20), randn([1, 20]));
    for (const bytes of [new Uint8Array(0), whole.subarray(0, 900), new TextEncoder().encode("<html></html>")]) {
      const error = await assertRejects(() => importOnnx(bytes), SyntaxError);
      assertStringIncludes(error.message, "is no file of ONNX");
    }
    const other = encodeSafetensors({ w: randn([2]) });
    const error = await assertRejects(() => importOnnx(other), SyntaxError);
    const message = "it is no file of ONNX, byte 0 begins a safetensors file: read it with readSafetensors";
    assertEquals(error.message, `Cannot read the bytes: ${message}`);
  });
  it("keeps names such as __proto__ apart from what a module has", async () => {
    const initializer = [floats("__proto__", 1), floats("forward", 2)];
    const nodes = [nodeOf("Add", [], ["x", "__proto__"], ["z"]), nodeOf("Add", [], ["z", "forward"])];
    const model = await importOnnx(fileOf(nodes, { initializer }));
    assertEquals(model.call(tensor([1])).toArray(), [4]);
    assertEquals([...model.stateDict().keys()], ["__proto__", "forward"]);
  });

  it("gives a model or an error of its own for damaged files, and takes no large memory", async () => {
    const small = new nn.Sequential(
      ...[new nn.Conv2d(1, 2, 3, { padding: 1 }), new nn.BatchNorm2d(2), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Upsample({ scaleFactor: 2 }), new nn.Flatten(), new nn.Linear(32, 2), new nn.Softmax(1)],
    );
    const file = await exportOnnx(small.eval(), randn([1, 1, 4, 4]));
    const x = randn([2, 1, 4, 4]);
    const before = Deno.memoryUsage().external;
    const property = fc.asyncProperty(damages, async (all) => {
      try {
        const model = await importOnnx(damage(file, all), { maxBytes: 1 << 22 });
        model.predict(...model.inputs.map(() => x));
      } catch (error) {
        assert(error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError, `${error}`);
        assert(/^Cannot (read|predict)/.test(error.message), error.stack);
      }
      assert(Deno.memoryUsage().external - before < 1 << 28, "took much memory");
    });
    await fc.assert(property, { numRuns: 3_000, seed: 5 });
  });
});
