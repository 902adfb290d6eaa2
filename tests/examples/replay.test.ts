import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { inFolder } from "../core/io/in_folder.ts";
import { mayRun, runScript, type Said } from "../cli/run_script.ts";

const replay = (...args: string[]): Promise<Said> =>
  runScript("examples/replay.ts", ["--allow-read", "--allow-env=HOME"], ...args);

describe("examples/replay.ts", () => {
  const test = mayRun ? it : it.skip;

  test("ends with code 2 and the names of the documents where none is named", async () => {
    for (const args of [[], ["001"], ["toString"]]) {
      const said = await replay(...args);
      assertEquals([said.code, said.out], [2, ""]);
      assertStringIncludes(said.err, "expected 000, 002 or 003");
      assertStringIncludes(said.err, "see --help");
    }
  });

  for (const document of ["000", "002", "003"]) {
    test(`${document} says in one line which files are not in --data DIR`, () =>
      inFolder(async (folder) => {
        const said = await replay(document, "--data", folder);
        assertEquals([said.code, said.out, said.err.trimEnd().split("\n").length], [1, "", 1]);
        assertStringIncludes(said.err, `error: Cannot find MNIST in ${folder}: no train-images-idx3-ubyte, `);
      }));

    test(`${document} ends with code 2 at an unknown option, and with 0 after --help`, async () => {
      const [wrong, help] = await Promise.all([replay(document, "--bogus"), replay(document, "--help")]);
      assertEquals([wrong.code, help.code, help.err], [2, 0, ""]);
      assertStringIncludes(wrong.err, "--bogus");
      assertStringIncludes(help.out, `Replay document ${document}: `);
    });
  }

  test("says how to get MNIST where it has none", async () => {
    const said = await runScript("examples/replay.ts", [], "003");
    assertEquals([said.code, said.out], [1, ""]);
    assertStringIncludes(said.err, "run deno task train, which downloads it");
  });
});
