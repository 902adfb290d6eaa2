/** The C compilers of this machine: whether they can be used, and what they make of the kernels and of the programs that call them. */
import { assertEquals } from "@std/assert";
import { granted } from "../../../../core/host/host.ts";
import { sourceTexts } from "../../../../core/backend/native/kernel_file.ts";
import { fingerprint, writeSources } from "../../../../core/kernels/sources.ts";
import { keep, restore } from "./kept_files.ts";
import bits from "./bits.c" with { type: "text" };
import callers from "./callers.c" with { type: "text" };
import check from "./check.c" with { type: "text" };
import convolutions from "./convolutions.c" with { type: "text" };
import forged from "./forged.c" with { type: "text" };
import fork from "./fork.c" with { type: "text" };
import harness from "./harness.c" with { type: "text" };
import harnessHeader from "./harness.h" with { type: "text" };
import planes from "./planes.c" with { type: "text" };
import products from "./products.c" with { type: "text" };
import verbs from "./verbs.c" with { type: "text" };

const SOURCES = sourceTexts();

const PROGRAMS = { products, convolutions, planes, verbs, forged, bits, callers, fork, check };

/** A program that calls the kernels. */
export type Program = keyof typeof PROGRAMS;

/** A compiler, its flags, and what runs the result. */
export interface Toolchain {
  readonly compiler: string;
  readonly flags: string;
  /** How the programs are compiled that call the kernels. @default as the kernels */
  readonly programFlags?: string;
  readonly emulator?: string;
}

/** How a command ended, and what it said. */
export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** What every compilation of the kernels is told as well. */
const STRICT = "-std=c11 -D_DEFAULT_SOURCE -pthread -Wall -Wextra -Werror -I.";

const EMPTY = "int main(void) { return 0; }\n";

// Compilers and what they make are not commands that a test may run: a Deno of its own runs them, with that permission alone.
const RUN = `const ran = [], decoder = new TextDecoder();
for (const [command, ...args] of JSON.parse(Deno.args[0])) {
  try {
    const { code, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
    ran.push({ code, output: decoder.decode(stdout) + decoder.decode(stderr) });
  } catch (error) {
    ran.push({ code: 127, output: error.message });
  }
  if (ran.at(-1).code !== 0) break;
}
console.log(JSON.stringify(ran));`;

/** Runs commands in a folder, one after another, up to the first that fails. */
export function run(lines: readonly string[], folder: string): Ran[] {
  const commands = lines.map((line) => line.trim().split(/ +/));
  const allowed = new Set(commands.map(([command]) => command.replace(/^\.(?=\/)/, folder)));
  const args = [
    "run",
    "-q",
    "--no-config",
    `--allow-run=${[...allowed].join(",")}`,
    "run.ts",
    JSON.stringify(commands),
  ];
  const { stdout, stderr } = new Deno.Command(Deno.execPath(), { args, cwd: folder }).outputSync();
  const [said, complaint] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (said === "") throw new Error(complaint);
  return JSON.parse(said);
}

/** Runs commands that must all succeed; what each said. */
export function succeed(lines: readonly string[], folder: string): string[] {
  const ran = run(lines, folder);
  const { code, output } = ran.at(-1)!;
  assertEquals(code, 0, `${lines[ran.length - 1]}\n${output.slice(0, 2000)}`);
  return ran.map(({ output }) => output);
}

/** Calls `work` with a folder that holds the kernels' sources, and the programs in `programs/`, for some have a kernel's name. */
export function inFolder<T>(work: (folder: string) => T): T {
  const folder = Deno.makeTempDirSync();
  try {
    const programs = Object.entries(PROGRAMS).map(([name, text]) => [`programs/${name}.c`, text]);
    writeSources(folder, { ...SOURCES, ...Object.fromEntries(programs) });
    writeSources(folder, { "harness.c": harness, "harness.h": harnessHeader, "run.ts": RUN, "empty.c": EMPTY });
    return work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Why a toolchain cannot be tried here, or nothing. */
export function missing({ compiler, flags, emulator = "" }: Toolchain): string {
  // The programs run without Deno: where another back end is asked for, they would only do the same once more.
  if (["wasm", "reference"].includes(Deno.env.get("GRADUS_BACKEND") ?? "")) return "run with the native back end";
  if (!granted({ name: "run", command: Deno.execPath() })) return "not allowed";
  const steps: [line: string, why: string][] = [
    [`${compiler} --version`, `no ${compiler}`],
    [`${compiler} ${flags} empty.c -o empty`, `${compiler} cannot make it`],
    [`${emulator} ./empty`, emulator ? `no ${emulator.split(" ")[0]}, or it cannot run it` : "it cannot be run"],
  ];
  return inFolder((folder) => {
    reserve(folder, "empty");
    const ran = run(steps.map(([line]) => line), folder);
    return ran.at(-1)!.code === 0 ? "" : steps[ran.length - 1][1];
  });
}

/** A program may be run by name only if there was a file of that name at the start. */
function reserve(folder: string, name: string): void {
  Deno.writeTextFileSync(`${folder}/${name}`, "", { mode: 0o755 });
}

/** Commands that make a file, and a fingerprint of all that it depends on. */
interface Step {
  readonly lines: readonly string[];
  readonly output: string;
  readonly key: string;
}

/**
 * Compiles the kernels once, and each program with them, as a file of its name in `folder`.
 *
 * What was compiled before from the same sources, by the same compiler with the same flags for the same machine, is kept.
 */
export function compilePrograms(toolchain: Toolchain, programs: readonly Program[], folder: string): void {
  const { shared, made } = stepsOf(toolchain, programs, folder);
  programs.forEach((name) => reserve(folder, name));
  const left = made.filter((step) => !restore(folder, step));
  const all = left.length === 0 ? [] : [...shared.filter((step) => !restore(folder, step)), ...left];
  if (all.length > 0) succeed(all.flatMap(({ lines }) => lines), folder);
  all.forEach((step) => keep(folder, step));
}

/** What all programs share, and the programs. */
function stepsOf(
  toolchain: Toolchain,
  programs: readonly Program[],
  folder: string,
): Record<"shared" | "made", Step[]> {
  const { compiler, flags, programFlags = flags } = toolchain;
  // The macros say what the machine can do, where the flags leave that to the compiler.
  const facts = succeed([`${compiler} --version`, `${compiler} ${flags} -dM -E empty.c`], folder);
  const step = (output: string, lines: string[], ...sources: string[]): Step => {
    return { lines, output, key: fingerprint([...facts, ...lines, harnessHeader, ...sources].join("\0")) };
  };
  const compile = (flags: string, what: string, output: string) =>
    `${compiler} ${flags} ${STRICT} -c ${what} -o ${output}`;
  const kernels = step(
    "kernels.o",
    [compile(flags, "-include harness.h kernels.c", "kernels.o")],
    ...Object.entries(SOURCES).flat(),
  );
  const common = step("harness.o", [compile(programFlags, "harness.c", "harness.o")], harness);
  const program = (name: Program) => {
    const link = `${compiler} ${flags} -pthread ${name}.o harness.o kernels.o -lm -o ${name}`;
    const lines = [compile(programFlags, `programs/${name}.c`, `${name}.o`), link];
    return step(name, lines, PROGRAMS[name], SOURCES["kernels.h"], common.key, kernels.key);
  };
  return { shared: [kernels, common], made: programs.map(program) };
}
