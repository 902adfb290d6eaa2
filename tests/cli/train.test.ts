import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { readSafetensors } from "@gradus/gradus/io";
import { inFolder, namesIn } from "../core/io/in_folder.ts";
import { lastJson, mayRun, runScript, runScriptWith } from "./run_script.ts";

describe("train", () => {
  const test = mayRun ? it : it.skip;

  test("learns the built-in digits where nothing else may be reached, and goes on from its checkpoints", () =>
    inFolder(async (folder) => {
      const permissions = ["--allow-read", `--allow-write=${folder}`];
      const places = ["--out", `${folder}/w.safetensors`, "--checkpoints", `${folder}/kept`];
      const said = await runScript("train", permissions, "--epochs", "1", "--plot", "--json", ...places);
      const notes = said.err.trimEnd().split("\n").map((line) => line.replace(/=.*/, ""));
      assertEquals([said.code, notes], [0, [
        "note: going on without permission to read GRADUS_BACKEND and GRADUS_THREADS (--allow-env",
        "note: going on without permission to find the cache folder (--allow-env",
      ]]);
      assertStringIncludes(said.out, "Data: digits, 12000 images to learn from and 2000 to judge by; built-in");
      assertStringIncludes(said.out, "Back end: wasm (not native: no permission to load libraries (--allow-ffi))");
      const { seconds, accuracy, ...facts } = lastJson(said);
      assert(Number(seconds) > 0 && Number(accuracy) > 0.8, `${accuracy}`);
      assertEquals(facts, { dataset: "digits", train: 12000, test: 2000, epochs: 1, backend: facts.backend });
      assertStringIncludes(said.out, "epoch 1/1  loss ");
      assertMatch(said.out, /┤ +[\u2800-\u28ff] +training\n/); // of one epoch a point
      assertEquals(namesIn(`${folder}/kept`), [".lock", "history.jsonl", "step-00000188-epoch-1"]);

      const { tensors, metadata } = await readSafetensors(`${folder}/w.safetensors`);
      assertEquals([tensors.get("0.weight")?.shape, [...metadata.keys()]], [[128, 784], ["mean", "std"]]);

      const again = await runScript("train", permissions, "--epochs", "1", "--json", ...places);
      assertEquals(again.out.includes("epoch 1/1"), false);
      assertStringIncludes(again.out, "Already finished: 1 epoch,");
      assertEquals(lastJson(again).accuracy, accuracy);

      const other = await runScript("train", permissions, "--epochs", "1", "--seed", "7", ...places);
      assertEquals(other.code, 1);
      assertStringIncludes(
        other.err,
        `Cannot go on with --seed 7: the checkpoints in ${folder}/kept are of a run with`,
      );
      const more = await runScript("train", permissions, "--epochs", "2", ...places);
      assertEquals(more.code, 1);
      assertStringIncludes(more.err, "Cannot go on with --epochs 2: ");
    }));

  for (const kind of ["read", "write"]) {
    test(`names the folder to allow before it trains, where there is no permission to ${kind} it`, () =>
      inFolder(async (folder) => {
        const [only, all] = [`--allow-${kind}=${folder}/w`, `--allow-${kind === "read" ? "write" : "read"}=${folder}`];
        const said = await runScript("train", [only, all], "--epochs", "1", "--out", `${folder}/w`);
        assertEquals([said.code, said.out, namesIn(folder)], [1, "", []]);
        assertStringIncludes(said.err, `error: Cannot write ${folder}/w: it goes through a temporary file beside it, `);
        assertStringIncludes(said.err, `allow its folder: --allow-read=${folder} --allow-write=${folder}\n`);
      }));
  }

  test("ends with code 2 where it is used wrongly", async () => {
    const said = await runScript("train", [], "--epochs", "many");
    assertEquals([said.code, said.out], [2, ""]);
    assertStringIncludes(said.err, "error: Cannot use --epochs many: expected a whole number");
  });

  test("names the networks where --model is none of them", async () => {
    const said = await runScript("train", [], "--model", "cnn");
    assertEquals([said.code, said.out], [2, ""]);
    assertStringIncludes(said.err, "error: Cannot use --model cnn: expected mlp, lenet, resnet");
  });

  test("names the permission to write, and the flag", async () => {
    const said = await runScript("train", ["--allow-read"], "--epochs", "1");
    assertEquals([said.code, said.out], [1, ""]);
    assertStringIncludes(said.err, "Cannot write mnist.safetensors: ");
    assertStringIncludes(said.err, "--allow-write");
  });

  test("refuses to train for no epoch", async () => {
    const said = await runScript("train", [], "--epochs", "0");
    assertEquals([said.code, said.out], [2, ""]);
    assertStringIncludes(said.err, "Cannot use --epochs 0: expected a whole number of 1 or more");
    const large = await runScript("train", [], "--seed", "10000000000");
    assertEquals([large.code, large.err.split(": ")[2].split("\n")[0]], [
      2,
      "expected a whole number from 0 to 999999999",
    ]);
  });

  test("refuses a place for the weights that is not there before it reads or trains anything", () =>
    inFolder(async (folder) => {
      const write = (out: string) => runScript("train", ["--allow-read", `--allow-write=${folder}`], "--out", out);
      const [missing, folderItself] = await Promise.all([write(`${folder}/no/w.safetensors`), write(folder)]);
      assertEquals([missing.code, missing.out, folderItself.code, folderItself.out], [1, "", 1, ""]);
      assertStringIncludes(missing.err, `Cannot write ${folder}/no/w.safetensors: its folder is not there`);
      assertStringIncludes(folderItself.err, `Cannot write ${folder}: it is a folder`);
      assertEquals(namesIn(folder), []);
    }));

  test("refuses a place for checkpoints where nothing may be written before it trains", () =>
    inFolder(async (folder) => {
      const permissions = ["--allow-read", `--allow-write=${folder}`];
      const places = ["--out", `${folder}/w`, "--checkpoints", "no/such/place"];
      const said = await runScript("train", permissions, ...places);
      assertEquals([said.code, said.out], [1, ""]);
      assertStringIncludes(said.err, "Cannot make the folder no/such/place: Requires write access");
    }));

  test("refuses an unknown back end before it reads the data", async () => {
    const said = await runScriptWith(
      { GRADUS_BACKEND: "foo" },
      "train",
      ["--allow-env=GRADUS_BACKEND"],
      "--data",
      "no",
    );
    assertEquals([said.code, said.out], [1, ""]);
    assertStringIncludes(said.err, "Cannot use GRADUS_BACKEND=foo: expected native, wasm, reference, auto");
  });
});
