import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { SOURCES } from "../../../core/kernels/sources.ts";
import harness from "./harness.c" with { type: "text" };

const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_FORTIFY_SOURCE=0"];
const FLAGS = ["-g", "-O1", "-std=c11", "-Wall", "-Wextra", "-Werror", ...SANITIZERS];

/** Runs a command that the tests are allowed to run. */
function run(command: string, args: string[], cwd: string): { code: number; output: string } {
  try {
    const { code, stdout, stderr } = new Deno.Command(command, { args, cwd, stdout: "piped", stderr: "piped" })
      .outputSync();
    return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } catch (error) {
    return { code: -1, output: String(error) };
  }
}

// The harness is not a command that a test may run; a Deno of its own, with this one permission, runs it.
function runHarness(folder: string): { code: number; output: string } {
  const script = `const { code, stdout, stderr } = new Deno.Command("./harness").outputSync();
    Deno.stdout.writeSync(stdout), Deno.stderr.writeSync(stderr), Deno.exit(code);`;
  Deno.writeTextFileSync(`${folder}/run.ts`, script);
  return run(Deno.execPath(), ["run", "-q", "--no-config", `--allow-run=${folder}/harness`, "run.ts"], folder);
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(SOURCES)) Deno.writeTextFileSync(`${folder}/${name}`, text);
    Deno.writeTextFileSync(`${folder}/harness.c`, harness);
    return work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const granted = (command: string) => Deno.permissions.querySync({ name: "run", command }).state === "granted";

// Three vectors a tile exist on arm64 only; with these sizes they are tested elsewhere too.
const NEON_TILES = "-DLANES=4 -DROWS=8 -DVECTORS=3 -DDEPTH=256 -DBLOCK_ROWS=128 -DBLOCK_COLS=1536";

/** The flags for every instruction set with tiles of its own that this CPU and compiler can run. */
function machines(): string[] {
  if (!granted("cc") || !granted(Deno.execPath())) return [];
  const native = Deno.build.arch === "x86_64" ? "-march=native" : "-mcpu=native";
  const candidates = Deno.build.arch === "x86_64"
    ? ["-march=x86-64", `${native} -mno-avx512f`, native, `-march=x86-64 ${NEON_TILES}`]
    : [native];
  return candidates.filter((flag) =>
    inFolder((folder) => {
      Deno.writeTextFileSync(`${folder}/empty.c`, "int main(void) { return 0; }\n");
      return run("cc", [...flag.split(" "), ...SANITIZERS, "empty.c", "-o", "empty"], folder).code === 0;
    })
  );
}

describe("kernels", () => {
  const found = machines();
  for (const machine of found.length > 0 ? found : ["no compiler with sanitizers"]) {
    const test = found.length > 0 ? it : it.skip;
    test(`kernels pass AddressSanitizer and UndefinedBehaviorSanitizer (${machine})`, () => {
      inFolder((folder) => {
        const compiled = run("cc", [...machine.split(" "), ...FLAGS, "harness.c", "-o", "harness", "-lm"], folder);
        assertEquals(compiled, { code: 0, output: "" });
        const { code, output } = runHarness(folder);
        assertMatch(output, /^\d+ products\n$/);
        assertEquals(code, 0);
      });
    });
  }
});
