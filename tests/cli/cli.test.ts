import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { cli, COMMANDS } from "@gradus/gradus/cli";
import { decode, lastJson, mayRun, ROOT, runScript, type Said } from "./run_script.ts";

/** What the program says to these words. */
async function program(...args: string[]): Promise<Said> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-check", "--no-prompt", "cli/cli.ts", ...args],
    ...{ cwd: ROOT, env: { NO_COLOR: "1" }, stdin: "null" },
  }).output();
  return { code, out: decode(stdout), err: decode(stderr) };
}

describe("cli()", () => {
  const test = mayRun ? it : it.skip;

  test("names its commands at --help, each with its own", async () => {
    const help = await program("--help");
    assertEquals([help.code, help.err], [0, ""]);
    for (const name of Object.keys(COMMANDS)) {
      assertMatch(help.out, new RegExp(`^  ${name} +\\w`, "m"));
      const own = await program(name, "--help");
      assertEquals([own.code, own.err], [0, ""], name);
      assertStringIncludes(own.out, "--debug");
    }
  });

  test("ends with code 2 and the nearest command where there is none of that name", async () => {
    const [wrong, none, inherited] = await Promise.all([program("tabluar"), program(), program("toString")]);
    assertEquals([wrong.code, none.code, inherited.code, wrong.out + none.out], [2, 2, 2, ""]);
    assertStringIncludes(wrong.err, "error: Cannot run tabluar: the commands are train, predict, tabular,");
    assertStringIncludes(wrong.err, "the nearest is tabular\n");
    assertStringIncludes(none.err, "Cannot run without a command: ");
  });

  it("gives the exit code of its command to who calls it", async () => {
    const { error, log } = console, said: unknown[] = [];
    Object.assign(console, { error: (line: unknown) => said.push(line), log: (line: unknown) => said.push(line) });
    try {
      assertEquals([await cli(["doctor", "--help"]), await cli(["doctor", "--jsn"]), await cli([])], [0, 2, 2]);
    } finally {
      Object.assign(console, { error, log });
    }
    assertEquals(said.length, 3);
  });
});

describe("bench", () => {
  (mayRun ? it : it.skip)("times a network that learns, as JSON where that is asked for", async () => {
    const said = await runScript("bench", ["--allow-read"], "--model", "mlp", "--rounds", "1", "--json");
    const { backend, mlp, ...others } = lastJson(said) as Record<string, unknown>;
    const { imagesPerSecond, answer } = mlp as Record<string, number>;
    assertEquals([backend, imagesPerSecond > 0, answer > 0, others], ["wasm", true, true, {}]);
  });
});
