import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { readCheckpoint } from "../../../layers/train/checkpoint/checkpoint_file.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { checkpointsIn } from "./checkpoint/checkpointed_run.ts";

const CHILD = new URL("./interrupt_child.ts", import.meta.url).pathname;
const ROOT = new URL("../../../", import.meta.url).pathname;
const mayRun = Deno.build.os !== "windows" &&
  Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

/** What a child says that is told to end as soon as it trains. */
async function interrupted(folder: string): Promise<string> {
  const permissions = ["--no-prompt", `--allow-read=${ROOT},${folder}`, `--allow-write=${folder}`];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...permissions, CHILD, folder],
    stdout: "piped",
  }).spawn();
  let output = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (output === "") child.kill("SIGINT");
    output += part;
  }
  await child.status;
  return output;
}

describe("Learner", () => {
  (mayRun ? it : it.skip)(
    "fit() ends after the current step on Ctrl-C, with a whole checkpoint",
    () =>
      inFolder(async (folder) => {
        const output = await interrupted(folder);
        assertMatch(output, /stopped by Ctrl-C at step [123]\n/);
        const [name, ...others] = checkpointsIn(folder);
        const { step } = await readCheckpoint(`${folder}/${name}`);
        assertEquals([others, output.endsWith(`at step ${step}\n`)], [[], true]);
      }),
  );
});
