/** The package of npm in an empty folder, where npm has installed it, and the runtimes and tools that npm itself brings. */
import { assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { pack } from "../../.ci/pack.ts";
import { it } from "../bdd.ts";
import { hasNode, may, runIn, runs } from "./programs.ts";

/** The project's folder. */
export const ROOT = new URL("../../", import.meta.url);

/** Whether the package can be made and installed here. */
export const packs = may(Deno.execPath()) && may("tar") && may("npm") && hasNode();

/** A program: what is typed before its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** The program of a package of npm, or one that is to find the package; npm fetches it where it has not yet. */
export function ofNpm(what: string, program: string, ...flags: string[]): Command {
  const now = ["--yes", "--offline=false", "--prefer-offline", "--fetch-retries=0", ...flags];
  return ["npm", "exec", ...now, `--package=${what}`, "--", program];
}

/** Whether a program says its version. One of npm may have to be fetched, by one file of tests at a time: npm's processes disturb each other. */
async function answers([program, ...args]: Command): Promise<boolean> {
  if (!packs || !runs(program)) return false;
  const lock = await Deno.open(new URL("node_modules/.fetching", ROOT), { write: true, create: true });
  try {
    await lock.lock(true);
    return /^(Version |vite\/|v|workerd )?\d+[.-]/.test(await runIn("/", program, ...args, "--version"));
  } finally {
    lock.close();
  }
}

/** Tests by a name, with which they are skipped where what they need is neither installed nor fetched. */
export function itWhere(here: boolean, name: string): (sentence: string, test: () => void | Promise<void>) => void {
  return (sentence, test) =>
    here ? it(`${sentence}, ${name}`, test) : it.skip(`${sentence}, ${name} (not here, and not fetched)`, test);
}

/** Tests with a program. */
export async function itWith(name: string, command: Command): Promise<ReturnType<typeof itWhere>> {
  return itWhere(await answers(command), name);
}

/** Tests in which a program fetches packages by itself. */
export async function itFetching(name: string, command: Command): Promise<ReturnType<typeof itWhere>> {
  const online = packs && (await runIn("/", "npm", "ping", "--offline=false", "--fetch-retries=0")).includes("PONG");
  return itWhere(online && await answers(command), name);
}

/** A runtime that npm's packages are for. */
export interface Runtime {
  readonly name: string;
  readonly command: Command;
  /** A test in it. */
  readonly test: (sentence: string, test: () => void | Promise<void>) => void;
}

/** The installed Node.js, those of 20 and 24 that it is not, and Bun. */
export async function runtimes(): Promise<Runtime[]> {
  const named: [name: string, command: Command][] = [...nodes(), ["in Bun", BUN]];
  return await Promise.all(
    named.map(async ([name, command]) => ({ name, command, test: await itWith(name, command) })),
  );
}

function nodes(): [name: string, command: Command][] {
  const installed = packs ? new Deno.Command("node", { args: ["--version"] }).outputSync().stdout : new Uint8Array(0);
  const version = new TextDecoder().decode(installed).trim();
  const others = ["20", "24"].filter((major) => !version.startsWith(`v${major}.`));
  return [
    [`in Node.js ${version}`, ["node"]],
    ...others.map((major): [string, Command] => [`in Node.js ${major}`, ofNpm(`node@${major}`, "node")]),
  ];
}

/** Bun, as npm has it. */
export const BUN: Command = ofNpm("bun@1.4.5", "bun");

/** An installation of the package, as a user has it. */
export interface Installed {
  /** The user's folder, in which programs run. */
  readonly folder: string;
  /** The package's folder in it. */
  readonly path: string;
  /** The package as it was made. */
  readonly tarball: string;
  /** What a program says there. */
  run(command: Command, ...args: string[]): Promise<string>;
  /** Where a browser finds the package's entry points, below `/app/`. */
  importMap(): Promise<Record<string, string>>;
  remove(): Promise<void>;
}

/** Packs the package and has npm install it, with programs of this folder beside it. */
export async function install(programs: readonly string[]): Promise<Installed> {
  const folder = await Deno.makeTempDir();
  const tarball = await pack(folder);
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ name: "app", type: "module" }));
  const names = ["fflate", "@bufbuild/protobuf", "fast-png", ".deno/node_modules/iobuffer"]; // the last one is what fast-png needs
  const here = names.map((name) => new URL(`node_modules/${name}`, ROOT).pathname); // no network is needed
  const quiet = ["--offline", "--no-audit", "--no-fund", "--no-package-lock", "--install-links"];
  assertMatch(await runIn(folder, "npm", "install", ...quiet, ...here, tarball), /added 5 packages/);
  for (const name of programs) await Deno.copyFile(new URL(name, import.meta.url), `${folder}/${name}`);
  const path = `${folder}/node_modules/${config.name}`;
  return {
    folder,
    path,
    tarball,
    run: (command, ...args) => runIn(folder, command[0], ...command.slice(1), ...args),
    importMap: () => importMap(path),
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}

async function importMap(path: string): Promise<Record<string, string>> {
  const { exports } = JSON.parse(await Deno.readTextFile(`${path}/package.json`));
  const entries = Object.entries<{ default: string }>(exports).map(([entry, { default: module }]) => [
    config.name + entry.slice(1),
    `/app/node_modules/${config.name}/${module.slice(2)}`,
  ]);
  return {
    ...Object.fromEntries(entries),
    fflate: "/app/node_modules/fflate/esm/browser.js",
    "fast-png": "/app/node_modules/fast-png/lib/index.js",
    iobuffer: "/app/node_modules/iobuffer/lib/iobuffer.js",
    "@bufbuild/protobuf/wire": "/app/node_modules/@bufbuild/protobuf/dist/esm/wire/index.js",
  };
}
