import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { SOURCES } from "../../../core/kernels/sources.ts";
import products from "./harness.c" with { type: "text" };
import callers from "./callers.c" with { type: "text" };
import bits from "./bits.c" with { type: "text" };
import randomWalks from "./random_walks.h" with { type: "text" };
import verbs from "./verbs.c" with { type: "text" };

const PROGRAMS: Readonly<Record<string, string>> = {
  "products.c": products,
  "bits.c": bits,
  "callers.c": callers,
  "verbs.c": verbs,
  "random_walks.h": randomWalks,
};
const MEMORY = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_FORTIFY_SOURCE=0"];
const THREADS = ["-g", "-O2", "-fsanitize=thread"];
const FAST = ["-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"];
const FLAGS = ["-std=c11", "-D_DEFAULT_SOURCE", "-pthread", "-Wall", "-Wextra", "-Werror"];

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
    for (const [name, text] of Object.entries(PROGRAMS)) Deno.writeTextFileSync(`${folder}/${name}`, text);
    return work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const granted = (command: string) => Deno.permissions.querySync({ name: "run", command }).state === "granted";

// Three vectors a tile exist on arm64 only; with these sizes they are tested elsewhere too.
const NEON_TILES = "-DLANES=4 -DROWS=8 -DVECTORS=3 -DDEPTH=256 -DBLOCK_ROWS=128 -DBLOCK_COLS=1536";

// The programs run without Deno: where another back end is asked for, they would only do the same once more.
const elsewhere = ["wasm", "reference"].includes(Deno.env.get("GRADUS_BACKEND") ?? "");

/** Whether the compiler can make, and this CPU run, a program with these flags. */
function works(flags: readonly string[]): boolean {
  if (elsewhere || !granted("cc") || !granted(Deno.execPath())) return false;
  return inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/empty.c`, "int main(void) { return 0; }\n");
    const { code } = run("cc", [...flags, "empty.c", "-o", "harness"], folder);
    return code === 0 && runHarness(folder).code === 0;
  });
}

/** The flags for every instruction set with tiles of its own. */
function machines(): string[] {
  const native = Deno.build.arch === "x86_64" ? "-march=native" : "-mcpu=native";
  const candidates = Deno.build.arch === "x86_64"
    ? ["-march=x86-64", `${native} -mno-avx512f`, native, `-march=x86-64 ${NEON_TILES}`]
    : [native];
  return candidates.filter((flag) => works([...flag.split(" "), ...MEMORY]));
}

/** Compiles a program with the kernels and runs it. */
function passes(program: string, flags: readonly string[], answer: RegExp): void {
  inFolder((folder) => {
    const compiled = run("cc", [...flags, ...FLAGS, program, "-o", "harness", "-lm"], folder);
    assertEquals(compiled, { code: 0, output: "" });
    const { code, output } = runHarness(folder);
    assertMatch(output, answer);
    assertEquals(code, 0);
  });
}

describe("kernels", () => {
  const found = machines();
  for (
    const machine of found.length > 0
      ? found
      : [elsewhere ? "run with the native back end" : "no compiler with sanitizers"]
  ) {
    const test = found.length > 0 ? it : it.skip;
    for (const [program, answer] of [["products.c", /^\d+ products\n$/], ["verbs.c", /^\d+ calls\n$/]] as const) {
      test(`kernels pass AddressSanitizer and UndefinedBehaviorSanitizer (${program}, ${machine})`, () => {
        passes(program, [...machine.split(" "), ...MEMORY], answer);
      });
    }
    test(`kernels give the same bits for every number of threads (${machine})`, () => {
      passes("bits.c", [...machine.split(" "), ...FAST], /^\d+ products\n$/);
    });
  }

  const threaded = works(THREADS) ? it : it.skip;
  threaded("kernels pass ThreadSanitizer, and give the same bits for every number of threads", () => {
    passes("callers.c", THREADS, /^\d+ calls\n$/);
  });
});
