import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readSafetensors } from "../../core/io/safetensors.ts";
import { inFolder, namesIn } from "../core/io/in_folder.ts";
import { lastJson, mayRun, runScript } from "./run_script.ts";

describe("examples/mnist.ts", () => {
  const test = mayRun ? it : it.skip;

  test("learns the built-in digits where nothing else may be reached, and goes on from its checkpoints", () =>
    inFolder(async (folder) => {
      const permissions = ["--allow-read", `--allow-write=${folder}`];
      const places = ["--out", `${folder}/w.safetensors`, "--checkpoints", `${folder}/kept`];
      const said = await runScript("mnist.ts", permissions, "--epochs", "1", "--json", ...places);
      assertEquals([said.code, said.err], [0, ""]);
      const { seconds, accuracy, ...facts } = lastJson(said);
      assert(Number(seconds) > 0 && Number(accuracy) > 0.8, `${accuracy}`);
      assertEquals(facts, { dataset: "digits", train: 12000, test: 2000, epochs: 1, backend: facts.backend });
      assertStringIncludes(said.out, "epoch 1/1  loss ");
      assertEquals(namesIn(`${folder}/kept`), ["step-00000188-epoch-1"]);

      const { tensors, metadata } = await readSafetensors(`${folder}/w.safetensors`);
      assertEquals([tensors.get("0.weight")?.shape, [...metadata.keys()]], [[128, 784], ["mean", "std"]]);

      const again = await runScript("mnist.ts", permissions, "--epochs", "1", "--json", ...places);
      assertEquals(again.out.includes("epoch 1/1"), false);
      assertEquals(lastJson(again).accuracy, accuracy);
    }));

  test("ends with code 2 where it is used wrongly", async () => {
    const said = await runScript("mnist.ts", [], "--epochs", "many");
    assertEquals([said.code, said.out], [2, ""]);
    assertStringIncludes(said.err, "error: Cannot use --epochs many: expected a whole number");
  });

  test("names the permission to write, and the flag", async () => {
    const said = await runScript("mnist.ts", ["--allow-read"], "--epochs", "0");
    assertEquals(said.code, 1);
    assertStringIncludes(said.err, "--allow-write");
  });
});
