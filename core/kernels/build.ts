/**
 * Task `build`: writes the C sources as they are into `source_texts.js`, compiles the native kernel into the cache, and with `--wasm`
 * regenerates `wasm_bytes.js` by clang.
 *
 * @module
 */
import { deflateRawSync } from "node:zlib";
import { checkFlags } from "../arguments.ts";
import { MAIN_SOURCE, type Sources, sourcesFingerprint, writeSources } from "./sources.ts";

// Engines compile what they get in the order it comes in, and put into registers what is alive in that order. So operations stay
// where the source has them, and an address is a pointer and a constant, which the engine adds while it reads.
const ORDER = ["-mllvm", "-pre-RA-sched=source", "-mllvm", "-disable-lsr"];
const COMPILE = [
  ...["--target=wasm32", "-msimd128", "-mbulk-memory", "-Os", ...ORDER],
  ...["-std=c11", "-ffreestanding", "-fno-math-errno", "-fvisibility=hidden", "-c"],
];
const CLANG = ["clang-19", "clang"];
const RELAXED = "-mrelaxed-simd";
const LINK = ["--no-entry", "--export-dynamic", "--export=__heap_base", "--strip-all"];
const PACKAGES = "clang and lld, 19 or newer (on Debian: apt-get install clang-19 lld-19)";
const OLDEST_CLANG = 19; // 14 knows no relaxed SIMD, and takes half an hour over the plain kernel

/** Runs the first of several commands that is there; what it printed. */
function run(commands: string[], args: string[], cwd: string): string {
  const [command, ...others] = commands;
  let result: Deno.CommandOutput;
  try {
    result = new Deno.Command(command, { args, cwd, stdout: "piped", stderr: "piped" }).outputSync();
  } catch (error) {
    if (others.length > 0) return run(others, args, cwd);
    throw new Error(`Cannot run ${command}: the wasm kernel is built by ${PACKAGES}`, { cause: error });
  }
  if (result.success) return new TextDecoder().decode(result.stdout);
  throw new Error(`Cannot build the wasm kernel: ${new TextDecoder().decode(result.stderr).split("\n", 3).join(" ")}`);
}

/** Throws where the clang that would compile is too old. */
function requireClang(folder: string): void {
  const said = run(CLANG, ["--version"], folder), version = Number(/version (\d+)/.exec(said)?.[1]);
  if (version >= OLDEST_CLANG) return;
  throw new Error(`Cannot build the wasm kernel by ${said.split("\n", 1)[0]}: it is built by ${PACKAGES}`);
}

/** The C sources in a folder and the folders in it, by their path. */
export function readSources(folder: string): Sources {
  return Object.fromEntries(sourcesIn(folder).sort().map((path) => [path, Deno.readTextFileSync(`${folder}/${path}`)]));
}

function sourcesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesIn(`${folder}/${name}`).map((path) => `${name}/${path}`);
    return /\.[ch]$/.test(name) ? [name] : [];
  });
}

/**
 * One module with all sources, deflated, in base64: every start loads them, and only the first one, which compiles them, reads them. It is
 * JavaScript, because Deno reads such a text in half the time of one in TypeScript, which it looks up in its cache as well.
 */
export function sourceModule(sources: Sources): string {
  const text = new TextEncoder().encode(JSON.stringify(sources));
  return `// deno-fmt-ignore-file
/** Generated from the C sources by \`deno task build\`; not to be edited. */

/** The fingerprint of these sources. */
export const SOURCES_FINGERPRINT = "${sourcesFingerprint(sources)}";

/**
 * The C sources by their path, as JSON: they travel with the module, so that a compiler is all that the native back end needs. A
 * function, so that an engine reads past its text where the kernel is compiled already.
 */
export const sourcesDeflated = () => "${new Uint8Array(deflateRawSync(text, { level: 9 })).toBase64()}";
`;
}

// The linker is called by itself: a compiler that calls it may run an optimiser that does not know SIMD.
function buildWasm(folder: string, sources: Sources, extra: readonly string[] = []): Uint8Array {
  const room = Deno.makeTempDirSync({ dir: folder, prefix: "wasm-" });
  try {
    writeSources(room, sources);
    run(CLANG, [...COMPILE, ...extra, MAIN_SOURCE, "-o", "kernel.o"], room);
    run(["wasm-ld-19", "wasm-ld"], [...LINK, "kernel.o", "-o", "kernel.wasm"], room);
    return Deno.readFileSync(`${room}/kernel.wasm`);
  } finally {
    Deno.removeSync(room, { recursive: true });
  }
}

function wasmModule(sources: Sources, plain: Uint8Array, relaxed: Uint8Array): string {
  return `// deno-fmt-ignore-file
/** Generated from the C sources by \`deno task build --wasm\`; not to be edited. */

/** The fingerprint of the sources that these bytes were compiled from. */
export const WASM_SOURCES = "${sourcesFingerprint(sources)}";

/**
 * How the bytes below are written; the package of npm has them in hex, of which less is left when it is compressed.
 *
 * @type {"base64" | "hex"}
 */
export const WASM_ENCODING = "base64";

/** The kernel, for engines with relaxed SIMD. A function, as below: an engine reads past its text until it is called. */
export const wasmRelaxed = () => "${relaxed.toBase64()}";

/** The same for every engine that knows vectors. */
export const wasmPlain = () => "${plain.toBase64()}";
`;
}

/** Writes the kernel for WebAssembly; what was written. */
function writeWasm(folder: string, sources: Sources): string {
  requireClang(folder);
  const [plain, relaxed] = [buildWasm(folder, sources), buildWasm(folder, sources, [RELAXED])];
  const text = wasmModule(sources, plain, relaxed);
  Deno.writeTextFileSync(`${folder}/wasm_bytes.js`, text);
  const sizes = `${plain.length} and, with relaxed SIMD, ${relaxed.length} bytes`;
  return `${sizes}, written as ${text.length} characters to core/kernels/wasm_bytes.js`;
}

/** Says what was built, or why it was not. */
function build(name: string, make: () => string): void {
  try {
    console.log(`${name}: ${make()}`);
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}

async function main(): Promise<void> {
  const folder = new URL(".", import.meta.url).pathname;
  const sources = readSources(folder);
  Deno.writeTextFileSync(`${folder}/source_texts.js`, sourceModule(sources));
  if (Deno.args.includes("--wasm")) build("wasm", () => writeWasm(folder, sources));
  const { compileNative } = await import("../backend/native/native.ts"); // with the sources as they are now
  build("native", () => {
    const { path, compiler } = compileNative();
    return `compiled with ${compiler} into ${path}`;
  });
}

/** Whether it was told what it knows; else the error is said. */
function knowsFlags(): boolean {
  try {
    checkFlags(Deno.args, ["wasm"]);
    return true;
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    return false;
  }
}

if (import.meta.main) {
  if (knowsFlags()) await main();
  else Deno.exitCode = 2;
}
