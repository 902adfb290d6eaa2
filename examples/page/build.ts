/** The page as files that any host can serve. */
import { bytesInTurns } from "../../.ci/pack.ts";
import { toFileUrl } from "@std/path";
import config from "../../deno.json" with { type: "json" };

/** Files by their names. */
export type Site = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

const ROOT = new URL("../../", import.meta.url);

/** Whose work the scripts are made of, and where its licence is. */
const LICENCES = [
  ["Gradus", "LICENSE"],
  ["uPlot, https://github.com/leeoniya/uPlot", "node_modules/uplot/LICENSE"],
  ["fflate, https://github.com/101arrowz/fflate", "node_modules/fflate/LICENSE"],
] as const;

/** The two builds of WebAssembly as text. */
const WASM_BYTES = "core/kernels/wasm_bytes.js";

/** The names of MNIST's files, and how else each may be written. */
const MNIST_FILES = ["train-images", "train-labels", "t10k-images", "t10k-labels"];
const ENDINGS = ["ubyte", "ubyte.gz"].flatMap((end) =>
  ["-", "."].flatMap((dot) => [1, 3].map((n) => `${dot}idx${n}-${end}`))
);

/**
 * Makes the page's files.
 *
 * @param mnist The folder with the four files of MNIST, gzipped or not, that go beside the page
 */
export async function buildPage(mnist?: string): Promise<Site> {
  const data = mnist === undefined ? new Map<string, Uint8Array<ArrayBuffer>>() : await filesOfMnist(mnist);
  const [page, worker] = await scripts(); // which also installs what they import
  const licences = (await Promise.all(LICENCES.map(licenceOf))).join("\n\n");
  const [notice, still] = [`/*!\n${licences}*/\n`, (name: string) => textOf(`examples/page/static/${name}`)];
  return new Map([
    ["index.html", await bytesOf(await still("index.html"))],
    ["page.css", await bytesOf(notice, await still("page.css"), await textOf("node_modules/uplot/dist/uPlot.min.css"))],
    ["icon.svg", await bytesOf(await still("icon.svg"))],
    ["page.js", await bytesOf(notice, page)],
    ["worker.js", await bytesOf(notice, worker)],
    ["licences.html", await bytesOf((await still("licences.html")).replace("LICENCES", () => html(licences)))],
    ["settings.json", await bytesOf(JSON.stringify({ mnist: [...data.keys()] }))],
    ...data,
  ]);
}

/** The two scripts. A bundler reads files: what it is to take in place of another is written for it. */
async function scripts(): Promise<Uint8Array<ArrayBuffer>[]> {
  const folder = await Deno.makeTempDir();
  try {
    const wasmBytes = `${folder}/wasm_bytes.js`;
    await Deno.writeTextFile(wasmBytes, bytesInTurns(await textOf(WASM_BYTES)));
    return await Promise.all(["page", "worker"].map((name) => bundled(name, wasmBytes)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function licenceOf([name, path]: readonly [name: string, path: string]): Promise<string> {
  return `${name}\n\n${(await textOf(path)).trim()}\n`;
}

function textOf(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** A text as HTML shows it. */
function html(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

async function bytesOf(...parts: BlobPart[]): Promise<Uint8Array<ArrayBuffer>> {
  return await new Blob(parts).bytes();
}

/**
 * A script with all that it imports. `deno bundle` is esbuild with Deno's own way to find modules: it takes the library's TypeScript as
 * it stands, with nothing to install or configure.
 */
async function bundled(name: string, wasmBytes: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = `examples/page/${name}.ts`;
  const args = ["bundle", "-q", "--platform", "browser", "--minify", "--import-map", importMap(wasmBytes), path];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(`Cannot bundle ${path}: ${new TextDecoder().decode(stderr).trim()}`);
  return stdout;
}

/** What the names in imports mean: those of deno.json, but for the compiled kernel, and WebAssembly as it is compressed best. */
function importMap(wasmBytes: string): string {
  const here = (path: string) => new URL(path, ROOT).href;
  const own = Object.entries(config.exports).map(([entry, path]) => [config.name + entry.slice(1), here(path)]);
  const instead = [
    [here("core/backend/native/native.ts"), new URL("no_native.ts", import.meta.url).href],
    [here(WASM_BYTES), toFileUrl(wasmBytes).href],
  ];
  const imports = { ...config.imports, ...Object.fromEntries([...own, ...instead]) };
  return `data:application/json,${encodeURIComponent(JSON.stringify({ imports }))}`;
}

/** The four files in a folder, as `mnist/NAME`. */
async function filesOfMnist(folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  const found = MNIST_FILES.map((start) => names.find((name) => ENDINGS.some((end) => name === start + end)));
  const missing = MNIST_FILES.filter((_, i) => found[i] === undefined);
  if (missing.length > 0) throw new Error(`Cannot find MNIST in ${folder}: no file ${missing.join(", no file ")}`);
  return new Map(
    await Promise.all(found.map(async (name) => [`mnist/${name}`, await Deno.readFile(`${folder}/${name}`)] as const)),
  );
}
