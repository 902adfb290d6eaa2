/**
 * Fills `vendor/` with stand-ins for the std packages, in the layout that Deno writes itself.
 *
 * Each stand-in re-exports npm's copy of the same package under the types that this project relies on. The task runs
 * this twice: first with the argument `fetch`, which gets that copy, then under `--cached-only`, so that nothing here
 * waits for a silent network.
 *
 * @module
 */
import { alone, isComplete, markComplete, VENDOR } from "./marker.ts";
import { TYPES } from "./std_types.ts";

/** The same std modules as plain JavaScript. */
export const NPM_STD = "npm:deno-std@^1.4.0";

/** The packages that npm's copy holds; `@std/testing` is not among them. */
export const PACKAGES = ["assert", "path", "streams"] as const;

type Package = typeof PACKAGES[number];

/** A package's module as npm delivers it. */
export function importStd(name: Package): Promise<Record<string, unknown>> {
  return import(`${NPM_STD}/${name}/mod.js`);
}

function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** The source of a typed stand-in: every export of npm's copy, as `any` where no type is written down. */
export function standIn(specifier: string, exports: Record<string, unknown>, types: Record<string, string>): string {
  const lines = Object.keys(exports).sort().flatMap((name) => {
    const value = `export const ${name}: ${types[name] ?? "any"} = std.${name};`;
    return isClass(exports[name])
      ? [value, `export type ${name} = ${types[name] ? `InstanceType<typeof ${name}>` : "any"};`]
      : [value];
  });
  return [
    `import * as js from "${specifier}";`,
    "// deno-lint-ignore no-explicit-any",
    "const std: any = js;",
    ...lines,
    "",
  ]
    .join("\n");
}

/** The folder inside `vendor/` for what Deno fetches for `jsr:` specifiers: the host it asks, which only Deno knows. */
async function registryFolder(): Promise<string> {
  try {
    const absent = "jsr:@std/this-package-is-not-there";
    await import(absent);
  } catch (error) {
    const url = /https?:\/\/[^\s"']+/.exec((error as Error).message);
    if (url) return folderOf(new URL(url[0]));
  }
  throw new Error("Cannot tell where Deno looks for jsr: packages, so vendor/ cannot be filled");
}

function folderOf({ protocol, hostname, port }: URL): string {
  return `${protocol === "http:" ? "http_" : ""}${hostname}${port && `_${port}`}`;
}

/** A version that satisfies a caret range and is recognisably not a published one: `^1.0.0` gives `1.0.99`. */
export function standInVersion(name: string, specifier: string): string {
  const match = /@\^(\d+)\.(\d+)\.(\d+)$/.exec(specifier);
  if (!match) {
    throw new SyntaxError(`Cannot read the range of ${name} in deno.json: want ^major.minor.patch, got ${specifier}`);
  }
  return `${match[1]}.${match[2]}.${Number(match[3]) + 99}`;
}

async function writePackage(folder: URL, name: string, entry: string, file: string, source: string): Promise<void> {
  const version = standInVersion(name, import.meta.resolve(`@std/${name}`));
  const home = new URL(`${name}/`, folder);
  await Deno.mkdir(new URL(`${version}/`, home), { recursive: true });
  const meta = { scope: "std", name, latest: version, versions: { [version]: {} } };
  await Deno.writeTextFile(new URL("meta.json", home), JSON.stringify(meta));
  const manifest = { manifest: {}, exports: { [entry]: `./${file}` } };
  await Deno.writeTextFile(new URL(`${version}_meta.json`, home), JSON.stringify(manifest));
  await Deno.writeTextFile(new URL(`${version}/${file}`, home), source);
}

async function build(folder: URL): Promise<void> {
  for (const name of PACKAGES) {
    const source = standIn(`${NPM_STD}/${name}/mod.js`, await importStd(name), TYPES[name]);
    await writePackage(folder, name, ".", "mod.ts", source);
  }
  const bdd = await Deno.readTextFile(new URL("bdd.ts", import.meta.url));
  await writePackage(folder, "testing", "./bdd", "bdd.ts", bdd);
}

async function exists(path: URL): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Moves the finished folder in; one that Deno left half-filled is moved out of its way first. */
async function swapIn(folder: URL, target: URL): Promise<void> {
  const old = new URL(`old/`, folder);
  await Deno.mkdir(new URL(".", new URL(target.href.replace(/\/$/, ""))), { recursive: true });
  if (await exists(target)) await Deno.rename(target, old);
  await Deno.rename(new URL("new/", folder), target);
}

async function fill(): Promise<void> {
  const folder = new URL(`.fill-${crypto.randomUUID()}/`, VENDOR);
  try {
    await build(new URL("new/", folder));
    await swapIn(folder, new URL(`${await registryFolder()}/@std/`, VENDOR));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await markComplete();
}

if (import.meta.main) {
  if (Deno.args[0] === "fetch") await Promise.all(PACKAGES.map(importStd));
  else await alone(async () => void (await isComplete() || await fill()));
}
