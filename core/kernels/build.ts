/**
 * Task `build`: compiles the native kernel into the cache, and with `--wasm` regenerates `wasm_bytes.ts` by clang.
 *
 * @module
 */
import { compileKernel, thisHost } from "../backend/kernel_file.ts";
import { MAIN_SOURCE, SOURCES, sourcesFingerprint } from "./sources.ts";

/** Plain fixed-width SIMD: it runs in every browser. */
const COMPILE = [
  "--target=wasm32",
  "-msimd128",
  "-O3",
  "-std=c11",
  "-ffreestanding",
  "-fno-math-errno",
  "-fvisibility=hidden",
  "-c",
];
const LINK = ["--no-entry", "--export-dynamic", "--export=__heap_base", "--strip-all"];
const OPTIMIZE = ["-O3", "--enable-simd", "--enable-bulk-memory"];
const PACKAGES = "clang, lld and binaryen (on Debian: apt-get install clang-19 lld-19 binaryen)";

/** Runs the first of several commands that is there. */
function run(commands: string[], args: string[], cwd: string): void {
  const [command, ...others] = commands;
  let result: Deno.CommandOutput;
  try {
    result = new Deno.Command(command, { args, cwd, stdout: "piped", stderr: "piped" }).outputSync();
  } catch (error) {
    if (others.length > 0) return run(others, args, cwd);
    throw new Error(`Cannot run ${command}: the wasm kernel is built by ${PACKAGES}`, { cause: error });
  }
  if (result.success) return;
  throw new Error(`Cannot build the wasm kernel: ${new TextDecoder().decode(result.stderr).split("\n", 3).join(" ")}`);
}

// The linker is called by itself: a compiler that calls it may run an optimiser that does not know SIMD.
function buildWasm(folder: string): Uint8Array {
  const room = Deno.makeTempDirSync({ dir: folder, prefix: "wasm-" });
  try {
    for (const [name, text] of Object.entries(SOURCES)) Deno.writeTextFileSync(`${room}/${name}`, text);
    run(["clang-19", "clang"], [...COMPILE, MAIN_SOURCE, "-o", "kernel.o"], room);
    run(["wasm-ld-19", "wasm-ld"], [...LINK, "kernel.o", "-o", "kernel.wasm"], room);
    run(["wasm-opt"], [...OPTIMIZE, "kernel.wasm", "-o", "small.wasm"], room);
    return Deno.readFileSync(`${room}/small.wasm`);
  } finally {
    Deno.removeSync(room, { recursive: true });
  }
}

function moduleText(bytes: Uint8Array): string {
  return `/** Generated from the C sources by \`deno task build --wasm\`; not to be edited. */

/** The fingerprint of the sources that these bytes were compiled from. */
export const WASM_SOURCES = "${sourcesFingerprint()}";

/** The kernel as base64. */
export const WASM_BYTES: string =
  // deno-fmt-ignore
  "${bytes.toBase64()}";
`;
}

function main(): void {
  if (Deno.args.includes("--wasm")) {
    const folder = new URL(".", import.meta.url).pathname;
    const bytes = buildWasm(folder);
    Deno.writeTextFileSync(`${folder}/wasm_bytes.ts`, moduleText(bytes));
    console.log(`wasm: ${bytes.length} bytes written to core/kernels/wasm_bytes.ts`);
  }
  try {
    const { path, compiler } = compileKernel(thisHost());
    console.log(`native: compiled with ${compiler} into ${path}`);
  } catch (error) {
    console.error(`native: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}

if (import.meta.main) main();
