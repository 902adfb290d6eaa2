/**
 * Packs the library as npm has it, for Node.js, Bun and bundlers: `gradus-gradus-VERSION.tgz`, which `npm install FILE` takes.
 *
 * `deno pack` makes JavaScript and types of every module and the entry points of `deno.json`. What it knows nothing of is added here:
 * what a bundler may leave out, what a browser has not, and the program `gradus`.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

/** What does not travel: the C, which `source_texts.js` holds as text, and the scripts that generate files. */
const LEFT_OUT = [
  "core/kernels/**/*.c",
  "core/kernels/**/*.h",
  "core/kernels/build.ts",
  "display/**/build.ts",
  "display/dashboard/page/**",
];

/** The compiled kernel's module, and what stands in its place in a browser; that spares a bundle the C sources. */
const [NATIVE, ABSENT] = ["core/backend/native/native.js", "core/backend/native/absent.js"];
const ABSENT_TEXT = 'export const openNative = () => ({ reason: "a browser loads no libraries" });\n';

/** Node.js's modules that are loaded where they exist. */
const NODE_MODULES = ["node:crypto", "node:fs", "node:http", "node:stream", "node:util", "node:zlib"];

/** The program `gradus`: the commands, for shells. */
const PROGRAM = "gradus.js";
const PROGRAM_TEXT = `#!/usr/bin/env node
import { cli } from "./cli/cli.js";
process.exitCode = await cli(process.argv.slice(2));
`;

/** The two builds of WebAssembly, which are base64 in the repository. */
const WASM_BYTES = "core/kernels/wasm_bytes.js";

/** Bytes of a piece of a build: so short that gzip, which looks back 32 kB, still sees the same piece of the other one. */
const PIECE = 5000;

/**
 * The same module with its two builds in hex, piece by piece in turns. The digits of a byte stay together, and what the builds have in
 * common lies close: gzip makes 64 kB of it, of one after the other 113, and of base64 more.
 * In the repository base64 is better: the longer text takes Deno 2 ms to load.
 */
export function bytesInTurns(module: string): string {
  const builds: Uint8Array[] = [];
  const named = module.replace(/(ENCODING = )"base64"/, '$1"hex"').replace(
    /"([A-Za-z0-9+/=]{1000,})"/g,
    (_, base64) => `joined(${builds.push(Uint8Array.fromBase64(base64)) - 1})`,
  );
  const count = Math.ceil(Math.max(...builds.map(({ length }) => length)) / PIECE);
  const cut = ({ length }: Uint8Array, piece: number) => Math.floor(piece * length / count);
  const pieces = Array.from({ length: count }, (_, i) => i).flatMap((i) =>
    builds.map((bytes) => `"${bytes.subarray(cut(bytes, i), cut(bytes, i + 1)).toHex()}"`)
  );
  return `const PIECES = [${pieces.join()}];
function joined(build) {
  return PIECES.filter((_, i) => i % ${builds.length} === build).join("");
}
${named}`;
}

/** Runs a program, which must succeed. */
async function run(program: string, args: readonly string[]): Promise<void> {
  const cwd = new URL("..", import.meta.url);
  const { success, stderr } = await new Deno.Command(program, { args: [...args], cwd, stdin: "null" }).output();
  if (!success) {
    throw new Error(`Cannot pack: ${program} ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
  }
}

/** The paths of all files in a folder, from there. */
async function filesIn(folder: string, within = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${within}`)) {
    if (isDirectory) found.push(...await filesIn(folder, `${within}${name}/`));
    else found.push(within + name);
  }
  return found.sort();
}

/**
 * The modules that do something when they are imported: a call that stands by itself at the top, as `registerTensor(…)` does, or that
 * another imports for nothing else. A bundler keeps these, and of the others what is used.
 */
export function withEffects(modules: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  for (const [path, text] of modules) {
    if (/^[A-Za-z_$][\w$.]*\(/m.test(text)) found.add(path);
    for (const [, target] of text.matchAll(/^import "(\.[^"]+)"/gm)) {
      found.add(new URL(target, `file:///${path}`).pathname.slice(1));
    }
  }
  return [...found].sort();
}

/** The modules in a folder, by their paths. */
async function modulesIn(folder: string): Promise<Map<string, string>> {
  const paths = (await filesIn(folder)).filter((path) => path.endsWith(".js"));
  return new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, string]> => [path, await Deno.readTextFile(`${folder}/${path}`)]),
    ),
  );
}

/** Packages that everybody installs; the others are loaded by some of `display/` alone, where somebody has installed them. */
const INSTALLED = ["@bufbuild/protobuf", "fast-png", "fflate"];

/** Versions of packages by their names. */
type Versions = Readonly<Record<string, string>>;

/** What `package.json` says beside what `deno pack` writes, and about the packages that it found imported. */
function additions(modules: ReadonlyMap<string, string>, found: Versions): Record<string, unknown> {
  const [installed, optional] = [true, false].map((all) =>
    Object.entries(found).filter(([name]) => INSTALLED.includes(name) === all)
  );
  return {
    dependencies: Object.fromEntries(installed),
    description:
      "A neural-net library: tensors, gradients, layers, training; on WebAssembly or compiled C, with no install step",
    engines: { node: ">=20" },
    bin: { gradus: `./${PROGRAM}` },
    // Where somebody has installed koffi, Node.js runs the compiled kernel; with vega, plots become SVG.
    peerDependencies: { koffi: ">=2.9", ...Object.fromEntries(optional) },
    peerDependenciesMeta: Object.fromEntries(
      ["koffi", ...optional.map(([name]) => name)].map((name) => [name, { optional: true }]),
    ),
    sideEffects: withEffects(modules).map((path) => `./${path}`),
    browser: {
      [`./${NATIVE}`]: `./${ABSENT}`,
      ...Object.fromEntries(NODE_MODULES.map((name) => [name, false])),
    },
  };
}

/** Packs into a folder and returns the tarball's path. */
export async function pack(into: string): Promise<string> {
  const work = await Deno.makeTempDir();
  try {
    const raw = `${work}/raw.tgz`;
    const ignored = LEFT_OUT.map((pattern) => `--ignore=${pattern}`);
    await run(Deno.execPath(), ["pack", "--allow-dirty", "--no-source-maps", ...ignored, "-o", raw]);
    await run("tar", ["-xzf", raw, "-C", work]);
    const folder = `${work}/package`;
    await Deno.writeTextFile(`${folder}/${ABSENT}`, ABSENT_TEXT);
    await Deno.writeTextFile(`${folder}/${PROGRAM}`, PROGRAM_TEXT, { mode: 0o755 });
    const bytes = bytesInTurns(await Deno.readTextFile(`${folder}/${WASM_BYTES}`));
    await Deno.writeTextFile(`${folder}/${WASM_BYTES}`, bytes);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    const complete = { ...written, ...additions(await modulesIn(folder), written.dependencies) };
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(complete, null, 2) + "\n");
    const path = `${into}/${config.name.slice(1).replace("/", "-")}-${config.version}.tgz`;
    await run("tar", ["-czf", path, "-C", work, "package"]);
    return path;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

if (import.meta.main) {
  const path = await pack(Deno.cwd());
  const { size } = await Deno.stat(path);
  console.log(`${path}, ${Math.round(size / 1024)} kB: npm install takes it`);
}
