import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { nn, ones, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { exportOnnx, importOnnx } from "@gradus/gradus/onnx";
import { decodeModel, type GraphMessage } from "../../../layers/onnx/messages.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { allCases, furthest, inputsOf, largerInputs, outputsOf } from "./cases.ts";

/** What a file holds. */
async function graphOf(model: nn.AnyModule, example: Tensor | Tensor[], options = {}): Promise<Required<GraphMessage>> {
  const file = decodeModel(await exportOnnx(model, example, undefined, options));
  assertEquals([file.irVersion, file.opsetImport?.[0].version], [8, 17]);
  return { node: [], initializer: [], input: [], output: [], ...file.graph } as Required<GraphMessage>;
}

const operations = ({ node }: GraphMessage) => node!.map(({ opType }) => opType);
const names = (list: readonly { name?: string }[]) => list.map(({ name }) => name);

describe("exportOnnx()", () => {
  for (const one of allCases()) {
    it(`gives what importOnnx() predicts the same from, for any batch: ${one.name}`, async () => {
      const again = await importOnnx(await exportOnnx(one.model, one.example));
      for (const inputs of [inputsOf(one), largerInputs(one)]) {
        const found = [...again.predict(...inputs).values()];
        outputsOf(one, inputs).forEach((y, i) => {
          assertEquals([found[i].shape, found[i].dtype], [y.shape, y.dtype]);
          const distance = furthest(found[i].clone().data, y.data);
          assert(distance <= 1e-5, `${distance}`); // issue 13's bound; where both compute alike it is 0
        });
      }
    });
  }

  it("keeps the names of the state dict, and names nodes after their modules", async () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.ReLU());
    const graph = await graphOf(model.eval(), randn([2, 3]));
    assertEquals(names(graph.initializer), [
      "0.weight",
      "0.bias",
      "1.running_mean",
      "1.running_var",
      "1.weight",
      "1.bias",
    ]);
    assertEquals(names(graph.node), ["/0/Gemm", "/1/BatchNormalization", "/2/Relu"]);
  });

  it("leaves the first size open, and with dynamicBatch: false does not", async () => {
    const dims = async (dynamicBatch: boolean) => {
      const { input, output } = await graphOf(new nn.Flatten(), zeros([2, 3, 4]), { dynamicBatch });
      return [...input, ...output].map(({ type }) =>
        type!.tensorType!.shape!.dim!.map((d) => d.dimParam ?? d.dimValue)
      );
    };
    assertEquals(await dims(true), [["batch", 3, 4], ["batch", 12]]);
    assertEquals(await dims(false), [[2, 3, 4], [2, 12]]);
  });

  it("writes dropout and evaluation as nothing, whatever mode the model is in, and leaves the mode as it was", async () => {
    const model = new nn.Sequential(new nn.Dropout(0.5), new nn.Linear(3, 2), new nn.Dropout(0.5));
    assertEquals(operations(await graphOf(model, randn([2, 3]))), ["Gemm"]);
    assertEquals(model.modules().map(({ training }) => training), [true, true, true, true]);
    assertEquals(Object.hasOwn(model, "forward"), false);
  });

  it("uses one initialiser for a weight that is used twice", async () => {
    const layer = new nn.Linear(3, 3);
    const graph = await graphOf(new nn.Sequential(layer, layer), randn([2, 3]));
    assertEquals(names(graph.initializer), ["0.weight", "0.bias"]);
  });

  it("writes what a single operation says as a single node", async () => {
    const of = async (layer: nn.Module, shape: number[]) => operations(await graphOf(layer.eval(), randn(shape)));
    assertEquals(await of(new nn.Conv1d(2, 3, 3), [1, 2, 9]), ["Conv"]);
    assertEquals(await of(new nn.Softmax(1), [2, 3]), ["Softmax"]);
    assertEquals(await of(new nn.LayerNorm(3), [2, 3]), ["LayerNormalization"]);
    assertEquals(await of(new nn.AdaptiveAvgPool2d(1), [1, 2, 4, 4]), ["GlobalAveragePool"]);
    assertEquals(await of(new nn.AvgPool2d(2, { ceilMode: true }), [1, 2, 5, 5]), ["AveragePool"]);
    assertEquals(await of(new nn.InstanceNorm2d(2), [1, 2, 5, 5]), ["InstanceNormalization"]);
    const upsample = await of(new nn.Upsample({ scaleFactor: 2, mode: "bilinear" }), [1, 2, 5, 5]);
    assertEquals(upsample.filter((op) => op === "Resize").length, 1);
  });

  it("takes the names that it is given for inputs and outputs", async () => {
    const { input, output } = await graphOf(new nn.Linear(3, 2), randn([1, 3]), {
      inputNames: ["x"],
      outputNames: ["y"],
    });
    assertEquals([...names(input), ...names(output)], ["x", "y"]);
  });

  it("writes the same bytes to a path, and no other file", async () => {
    await inFolder(async (folder) => {
      const bytes = await exportOnnx(new nn.Linear(3, 2), randn([1, 3]), `${folder}/model.onnx`);
      assertEquals(await Deno.readFile(`${folder}/model.onnx`), bytes);
      assertEquals(namesIn(folder), ["model.onnx"]);
    });
  });

  it("writes weights as they are, and not a copy of the memory that a view shares", async () => {
    class Part extends nn.Module {
      w = new nn.Parameter(tensor([1, 2, 3, 4, 5, 6]).view(2, 3).t());
      forward(x: Tensor): Tensor {
        return x.matmul(this.w);
      }
    }
    const { initializer: [w] } = await graphOf(new Part(), ones([1, 3]));
    assertEquals([w.dims, new Float32Array(new Uint8Array(w.rawData!).buffer)], [
      [3, 2],
      Float32Array.of(1, 4, 2, 5, 3, 6),
    ]);
  });
});

class Model extends nn.Module {
  inner = new nn.Identity();
  constructor(readonly body: (x: Tensor) => Tensor | number) {
    super();
    Object.defineProperty(this.inner, "forward", { value: body, configurable: true, writable: true });
  }
  forward(x: Tensor): Tensor {
    return this.inner.call(x);
  }
}

describe("exportOnnx() of what cannot be written", () => {
  const refusal = async (body: (x: Tensor) => Tensor | number, options = {}) =>
    (await assertRejects(() => exportOnnx(new Model(body), randn([2, 3]), undefined, options), Error)).message;

  it("names an operation that ONNX has not, and its module, before a byte is written", async () => {
    await inFolder(async (folder) => {
      const model = new Model((x) => nn.functional.unfold(x, 2));
      const error = await assertRejects(() => exportOnnx(model, randn([1, 1, 4, 4]), `${folder}/m.onnx`), TypeError);
      assertStringIncludes(error.message, "Cannot export im2col to [1, 4, 9] in inner (Identity): ONNX has no columns");
      assertEquals(namesIn(folder), []);
    });
  });

  it("refuses what depends on values by a way that no operation tells of", async () => {
    const ways: ((x: Tensor) => Tensor)[] = [
      (x) => x.mul(x.sum().item()),
      (x) => x.add(tensor(x.toArray())),
      (x) => x.mul(Math.random()),
      (x) => x.slice(1, 0, 1 + Math.round(Math.abs(x.sum().item() * 1e6)) % 2),
    ];
    for (const way of ways.slice(0, 3)) assertStringIncludes(await refusal(way), "inner (Identity)");
    assertStringIncludes(await refusal(ways[0]), "comes from the values or the size of the batch");
  });

  it("refuses a forward that goes another way for other values", async () => {
    const message = await refusal((x) => x.abs().max().item() > 1 || x.shape[0] === 2 ? x.relu() : x.tanh());
    assertStringIncludes(message, "does something else");
  });

  it("refuses writes in place, and names the module", async () => {
    const message = await refusal((x) => x.clone().add_(1));
    assertStringIncludes(message, "Cannot export inner (Identity): it does add in place");
    const count = zeros([1]);
    const model = new Model((x) => x.add(count.add_(1)));
    Object.assign(model, { count: new nn.Buffer(count) });
    await assertRejects(() => exportOnnx(model, ones([2, 3])), TypeError, "it does add in place");
  });

  it("refuses a size that is no multiple of the batch, unless the batch is fixed", async () => {
    const body = (x: Tensor) => x.flatten(0, -1).narrow(0, 0, x.numel() - 1);
    assertStringIncludes(await refusal(body), "give { dynamicBatch: false }");
    const again = await importOnnx(
      await exportOnnx(new Model(body), randn([2, 3]), undefined, { dynamicBatch: false }),
    );
    assertEquals(again.call(ones([2, 3])).shape, [5]);
  });

  it("says what a model that is for one batch only says itself", async () => {
    assertStringIncludes(await refusal((x) => x.reshape(6)), "with one row more it says");
  });

  it("refuses an example without rows, without tensors, and models that return none", async () => {
    await assertRejects(() => exportOnnx(new nn.Linear(3, 2), zeros([0, 3])), RangeError, "give a row at least");
    await assertRejects(() => exportOnnx(new nn.Linear(3, 2), []), RangeError, "give the tensors it takes");
    assertStringIncludes(await refusal(() => 3), "must return a tensor");
  });

  it("refuses names that are there, are too few, or stand twice", async () => {
    const call = (inputNames: string[]) => exportOnnx(new nn.Linear(3, 2), randn([1, 3]), undefined, { inputNames });
    for (const wrong of [["weight"], [], ["a", "b"], [""]]) {
      await assertRejects(() => call(wrong), RangeError, "inputNames");
    }
  });
});
