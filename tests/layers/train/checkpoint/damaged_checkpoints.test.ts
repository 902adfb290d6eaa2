import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { readCheckpoint, writeCheckpoint } from "../../../../layers/train/checkpoint/checkpoint_file.ts";
import { Checkpoints, loadCheckpoint } from "@gradus/gradus/train";
import { packState } from "../../../../layers/train/checkpoint/packed_state.ts";
import { failingReads } from "../../../core/io/faulty_disk.ts";
import { inFolder, namesIn } from "../../../core/io/in_folder.ts";
import { filled, wholeRun } from "./checkpointed_run.ts";
import { bitsOf, EPOCHS, shuffled, smallLearner } from "../small_run.ts";

async function damage(path: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  await Deno.writeFile(path, change(await Deno.readFile(path)));
}

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

/** A link may only be made by a process that may read and write everywhere. */
function loopAt(path: string): void {
  const code = `Deno.symlinkSync(${JSON.stringify(path)}, ${JSON.stringify(path)})`;
  const { success } = new Deno.Command(Deno.execPath(), { args: ["eval", code] }).outputSync();
  assert(success);
}

const flipped = (at: number) => (bytes: Uint8Array) => bytes.map((byte, i) => (i === at ? byte ^ 4 : byte));

describe("Checkpoints", () => {
  for (const file of ["manifest.json", "weights.safetensors", "training.safetensors"]) {
    it(`pass over the newest where a byte of its ${file} is flipped, and say so`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        const warnings: string[] = [];
        await damage(`${folder}/step-00000015-epoch-3/${file}`, flipped(100));
        const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
        await learner.fit(EPOCHS, { resume: true });
        assertEquals([warnings.length, warnings[0].includes(file)], [1, true]);
        assert(warnings[0].endsWith("going on from step-00000010-epoch-2"));
        assertEquals(bitsOf(learner), await wholeRun(shuffled));
      }));

    it(`pass over the newest where its ${file} is cut short`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        await damage(`${folder}/step-00000015-epoch-3/${file}`, (bytes) => bytes.subarray(0, bytes.length >> 1));
        const learner = smallLearner([new Checkpoints(folder, { warn: () => {} })]);
        await learner.fit(EPOCHS, { resume: true });
        assertEquals(bitsOf(learner), await wholeRun(shuffled));
      }));

    it(`named by path with a damaged ${file} are refused`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        const path = `${folder}/step-00000015-epoch-3`;
        await damage(`${path}/${file}`, flipped(100));
        await assertRejects(
          () => smallLearner().fit(EPOCHS, { resume: () => loadCheckpoint(path) }),
          SyntaxError,
          `${path}/${file}`,
        );
      }));
  }

  for (const file of ["manifest.json", "weights.safetensors", "training.safetensors"]) {
    const others: Record<string, (path: string) => void> = {
      "a folder": (path) => Deno.mkdirSync(path),
      "a link that leads to itself": loopAt,
      "nothing": () => {},
    };
    for (const [what, make] of Object.entries(others)) {
      (make === loopAt && !mayRun ? it.skip : it)(
        `pass over the newest where ${what} stands in the place of its ${file}`,
        () =>
          inFolder(async (folder) => {
            await filled(folder);
            const path = `${folder}/step-00000015-epoch-3/${file}`;
            await Deno.remove(path);
            make(path);
            const warnings: string[] = [];
            const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
            await learner.fit(EPOCHS, { resume: true });
            assertEquals([warnings.length, warnings[0].includes(file)], [1, true]);
            assertEquals(bitsOf(learner), await wholeRun(shuffled));
          }),
      );
    }
  }

  const manifests = ["null", "[]", "1", "{}", '{ "files": null }', '{ "files": { "weights.safetensors": 1 } }'];
  for (const text of manifests) {
    it(`pass over the newest where its manifest is ${text}, and say so`, () =>
      inFolder(async (folder) => {
        await filled(folder);
        const path = `${folder}/step-00000015-epoch-3/manifest.json`;
        await Deno.writeTextFile(path, text);
        const warnings: string[] = [];
        const checkpoints = new Checkpoints(folder, { warn: (line) => warnings.push(line) });
        const learner = smallLearner([checkpoints]);
        await learner.fit(EPOCHS, { resume: true });
        const reason = "it does not tell how long weights.safetensors is; take another checkpoint";
        assertEquals(warnings, [`Cannot read ${path}: ${reason}: going on from step-00000010-epoch-2`]);
        assertEquals(bitsOf(learner), await wholeRun(shuffled));
      }));
  }

  it("pass over the newest where the disk cannot read it", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const mend = failingReads("epoch-3/weights", "EIO", "Input/output error (os error 5)");
      try {
        const warnings: string[] = [];
        const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
        await learner.fit(EPOCHS, { resume: true });
        assertEquals([warnings.length, warnings[0].includes("Input/output error")], [1, true]);
        assertEquals(bitsOf(learner), await wholeRun(shuffled));
      } finally {
        mend();
      }
    }));

  it("named by path with a file cut short are refused with the byte where it ends", () =>
    inFolder(async (folder) => {
      await filled(folder);
      const path = `${folder}/step-00000015-epoch-3`;
      await damage(`${path}/weights.safetensors`, (bytes) => bytes.subarray(0, 77));
      await assertRejects(
        () => smallLearner().fit(EPOCHS, { resume: () => loadCheckpoint(path) }),
        RangeError,
        "it ends at byte 77, expected",
      );
    }));

  it("without a manifest are none, and it is said that the write was not finished", () =>
    inFolder(async (folder) => {
      await filled(folder);
      await Deno.remove(`${folder}/step-00000015-epoch-3/manifest.json`);
      const warnings: string[] = [];
      const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
      await learner.fit(EPOCHS, { resume: true });
      assertEquals(warnings, [
        `Cannot read ${folder}/step-00000015-epoch-3: it has no manifest.json, it was not written to its end: ` +
        "going on from step-00000010-epoch-2",
      ]);
      assertEquals(bitsOf(learner), await wholeRun(shuffled));
    }));

  it("without a manifest let a run begin anew where there are no others, and say so", () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/step-00000001`);
      const warnings: string[] = [];
      const learner = smallLearner([new Checkpoints(folder, { warn: (line) => warnings.push(line) })]);
      await learner.fit(1, { resume: true });
      assertEquals([learner.step, warnings.length], [5, 1]);
      assert(warnings[0].endsWith("it was not written to its end: there is none to go on from"), warnings[0]);
    }));

  it("are refused where every one is damaged, instead of beginning anew", () =>
    inFolder(async (folder) => {
      for (const name of await filled(folder)) await damage(`${folder}/${name}/manifest.json`, flipped(30));
      await assertRejects(
        () => smallLearner([new Checkpoints(folder)]).fit(EPOCHS, { resume: true }),
        Error,
        "every checkpoint in it is damaged",
      );
    }));

  it("survive no flip and no cut anywhere: an error that names the file, or the state that was written", () =>
    inFolder(async (folder) => {
      const learner = smallLearner();
      await learner.fit(1);
      const path = `${folder}/one`;
      await writeCheckpoint(path, learner.stateDict(), null);
      const expected = packState(await readCheckpoint(path)).json;
      for (const name of namesIn(path)) {
        const bytes = await Deno.readFile(`${path}/${name}`);
        for (let trial = 0; trial < 60; trial++) {
          const at = Math.floor((trial * bytes.length) / 60);
          await Deno.writeFile(`${path}/${name}`, trial % 3 === 0 ? bytes.subarray(0, at) : flipped(at)(bytes));
          const outcome = await readCheckpoint(path).then((state) => packState(state).json, (error: Error) => error);
          if (outcome instanceof Error) assert(outcome.message.includes(`${path}/${name}`), outcome.message);
          else assertEquals([name, outcome], ["manifest.json", expected]); // a flip in the white space of JSON
        }
        await Deno.writeFile(`${path}/${name}`, bytes);
      }
    }));
});
