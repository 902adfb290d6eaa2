/** Files of ONNX that PyTorch wrote: some that are kept here, and of each layer where PyTorch is installed. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { nn, tensor } from "@gradus/gradus";
import { importOnnx } from "@gradus/gradus/onnx";
import { isTorchThere } from "../../core/installed_torch.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { furthest } from "./cases.ts";

/** What PyTorch gives for a file. */
interface Answer {
  readonly name: string;
  readonly x: number[];
  readonly from: number[];
  readonly ints: boolean;
  readonly y: number[];
  readonly shape: number[];
}

const KEPT = new URL("../../reference/onnx", import.meta.url).pathname;

async function answersIn(folder: string): Promise<Answer[]> {
  return JSON.parse(await Deno.readTextFile(`${folder}/answers.json`));
}

/** Checks that a file gives what PyTorch gives, for a batch that is larger than the one it was written with. */
async function check(folder: string, { name, x, from, ints, y, shape }: Answer): Promise<void> {
  const model = await importOnnx(`${folder}/${name}.onnx`);
  const out = model.call(tensor(x, ints ? { dtype: "int32" } : {}).view(...from));
  assertEquals(out.shape, shape, name);
  const distance = furthest(out.clone().data, y);
  assert(distance <= 1e-5, `${name} is off by ${distance}`); // issue 13's bound
}

describe("importOnnx() of PyTorch's files", () => {
  it("gives what PyTorch gives: a residual block, attention, embeddings, recurrent networks, a language model", async () => {
    const answers = await answersIn(KEPT);
    assertEquals(answers.map(({ name }) => name).sort(), [
      ...["attention_17", "block_14", "gru_14", "last_17", "tables_11", "text_17"],
    ]);
    for (const answer of answers) await check(KEPT, answer);
  });

  it("has the weights under PyTorch's names, where PyTorch keeps them", async () => {
    const state = (await importOnnx(`${KEPT}/tables_11.onnx`)).stateDict();
    assertEquals(["embed.weight", "out.weight", "out.bias"].map((name) => state.get(name)?.shape), [[5, 3], [2, 6], [
      2,
    ]]);
  });

  it("is a module: it prints itself, counts no parameters, and stands in a Sequential", async () => {
    const model = await importOnnx(`${KEPT}/tables_11.onnx`);
    assertEquals([model.parameters(), model.inputs[0].shape, model.inputs[0].dtype], [[], ["batch", 2], "int32"]);
    assert(`${model}`.startsWith("OnnxModel(inputs=(input), outputs=(output), "), `${model}`);
    const both = new nn.Sequential(model as unknown as nn.Module, new nn.Softmax(1));
    assertEquals(both.call(tensor([[0, 4]], { dtype: "int32" })).shape, [1, 2]);
  });

  (isTorchThere() ? it : it.skip)("gives what PyTorch gives for every layer, in opset 11, 14 and 17", async () => {
    await inFolder(async (folder) => {
      const script = new URL("torch_models.py", import.meta.url).pathname;
      const { success } = await new Deno.Command("/usr/bin/python3", { args: ["-B", script, folder] }).output();
      assert(success);
      const answers = await answersIn(folder);
      assertGreater(answers.length, 140);
      for (const answer of answers) await check(folder, answer);
    });
  });
});
