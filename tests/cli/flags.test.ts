import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { inFolder } from "../core/io/in_folder.ts";
import { decode, mayRun, programOf, ROOT } from "./run_script.ts";

const SCRIPTS: [script: string, written: string, nearest: string][] = [
  ["doctor", "--jsn", "--json"],
  ["core/kernels/build.ts", "--wasmm", "--wasm"],
  ["bench/peers.ts", "--round", "--rounds"],
  ["train", "--epoch", "--epochs"],
  ["tabular", "--traget", "--target"],
  ["predict", "--weight", "--weights"],
  ["serve", "--prot", "--port"],
  ["export", "--uot", "--out"],
  ["bench", "--round", "--rounds"],
  ["examples/page/serve.ts", "--prot", "--port"],
];

async function run(script: string, args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-check",
      "--no-prompt",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      ...programOf(script),
      ...args,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1", GRADUS_BACKEND: "reference" },
    stdin: "null",
  }).output();
  return { code, out: decode(stdout), err: decode(stderr) };
}

describe("scripts", () => {
  const test = mayRun ? it : it.skip;
  for (const [script, written, nearest] of SCRIPTS) {
    test(`${script} refuses ${written} and names ${nearest}`, async () => {
      const { code, out, err } = await run(script, [written]);
      assertEquals([code, out], [2, ""]);
      assertStringIncludes(err, `Cannot use ${written}: `);
      assertStringIncludes(err.split("\n")[0], ` is ${nearest}`);
    });
  }
  test("tabular prints each epoch of a short run, also where it is piped", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/table.csv`, "a,b\n" + "1,2\n2,4\n3,6\n".repeat(8));
      const { out } = await run("tabular", [
        `${folder}/table.csv`,
        "--epochs",
        "3",
        "--out",
        `${folder}/w`,
      ]);
      assertEquals(out.match(/^epoch \d\/3/gm), ["epoch 1/3", "epoch 2/3", "epoch 3/3"]);
    }));
});
