/**
 * The rules of the house, as pure functions over file texts; `tests/house.test.ts` applies them to the project.
 *
 * @module
 */
import { importsOf, read } from "./source.ts";

/** A file's text by its path from the project's root. */
export type Files = ReadonlyMap<string, string>;

/** What a rule finds wrong, one sentence each. */
export type Rule = (files: Files) => string[];

/** The rooms and what may be imported in them; a room that is not listed may import everything. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  backward: ["core", "backward"],
  layers: ["core", "backward", "layers"],
  datasets: ["core", "datasets"],
  display: ["core", "backward", "layers", "datasets", "display"],
  cli: ["core", "backward", "layers", "datasets", "display", "cli"],
};

const OUTSIDERS = ["tests", "examples", "bench"];
const TOP = [
  "deno.json mod.ts README.md RUNTIMES.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE .gitignore",
  "core layers backward datasets display cli bench tests examples .ci",
].join(" ").split(" ");

const roomOf = (path: string): string => path.split("/")[0];

function typescript(files: Files): [path: string, text: string][] {
  return [...files].filter(([path]) => path.endsWith(".ts"));
}

function edges(files: Files): [path: string, target: string][] {
  return typescript(files).flatMap(([path, text]) =>
    importsOf(path, text).map(({ target }): [string, string] => [path, target])
  );
}

/** Imports go one way: core → backward → layers, datasets imports core only, display all of these, and the commands display too. */
export const importsGoOneWay: Rule = (files) =>
  edges(files).flatMap(([path, target]) => {
    const allowed = ROOMS[roomOf(path)];
    const room = roomOf(target);
    if (!allowed || allowed.includes(room) || !(room in ROOMS || OUTSIDERS.includes(room))) return [];
    return [`${path} imports ${target}: ${roomOf(path)} may import ${allowed.join(", ")} only`];
  });

/** A numbered stage of `layers/` imports only lower stages from `layers/`. */
export const stagesImportLowerStages: Rule = (files) =>
  edges(files).flatMap(([path, target]) => {
    const from = /^layers\/(\d\d)_/.exec(path)?.[1];
    if (!from || roomOf(target) !== "layers") return [];
    const to = /^layers\/(\d\d)_/.exec(target)?.[1];
    return to && to < from ? [] : [`${path} imports ${target}: a stage imports lower stages only`];
  });

/** The public face is for those who stand outside: tests, examples and measurements; and for the commands, by its path. */
export const onlyOutsidersImportMod: Rule = (files) =>
  edges(files).flatMap(([path, target]) => {
    if (!/^(mod\.ts$|@gradus\/gradus(\/|$))/.test(target) || OUTSIDERS.includes(roomOf(path))) return [];
    if (roomOf(path) === "cli" && target === "mod.ts") return [];
    return [`${path} imports ${target}: only ${OUTSIDERS.join(", ")} may`];
  });

/** The commands use the library as everybody can, by its entry points, and of the core what speaks with the host. */
export const commandsUseEntryPoints = (entries: readonly string[]): Rule => (files) =>
  edges(files).flatMap(([path, target]) => {
    if (roomOf(path) !== "cli" || !["backward", "layers", "datasets", "display"].includes(roomOf(target))) return [];
    return entries.includes(target) ? [] : [`${path} imports ${target}: import an entry point of deno.json`];
  });

/**
 * What those who stand outside may import of the rooms: examples what everybody can, measurements also the verbs they measure, both the
 * command line.
 */
const INTERNALS: Readonly<Record<string, readonly string[]>> = { examples: ["cli"], bench: ["core", "cli"] };

/** Examples and measurements use the public interface, under its public name. */
export const outsidersUseThePublicInterface: Rule = (files) =>
  edges(files).flatMap(([path, target]) => {
    const allowed = INTERNALS[roomOf(path)];
    if (!allowed || !(roomOf(target) in ROOMS || target === "mod.ts") || allowed.includes(roomOf(target))) return [];
    return [`${path} imports ${target}: import the public name, as in "@gradus/gradus/data"`];
  });

/** Which files each file takes values from. */
type Uses = ReadonlyMap<string, readonly string[]>;

/** Of files that take values from each other in a circle, the first to run finds another one unfinished; types may go round. */
export const valuesGoInNoCircle: Rule = (files) => {
  const uses: Uses = new Map(
    typescript(files).map(([path, text]) => [
      path,
      importsOf(path, text).filter(({ types }) => !types).map(({ target }) => target),
    ]),
  );
  const circles = [...uses.keys()].map((path) => circleThrough(path, uses)).filter((circle) => circle !== null);
  return [...new Set(circles.map((circle) => fromSmallest(circle).join(" → ")))]
    .map((circle) => `${circle}: break this circle, or take types only by "import type"`);
};

/** The shortest way over imports from a file to itself, which is its first and last element. */
function circleThrough(start: string, uses: Uses): string[] | null {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) { // which grows meanwhile
    for (const target of uses.get(way.at(-1)!) ?? []) {
      if (target === start) return [...way, start];
      if (!seen.has(target)) ways.push([...way, target]);
      seen.add(target);
    }
  }
  return null;
}

/** The same circle, begun at the file that comes first by name. */
function fromSmallest(circle: readonly string[]): string[] {
  const files = circle.slice(1);
  const at = files.indexOf([...files].sort()[0]);
  return [...files.slice(at), ...files.slice(0, at), files[at]];
}

/** Every module of the library is imported, over others, by one of these: an entry point, or a script that a task runs. */
export const everyModuleIsReached = (entries: readonly string[]): Rule => (files) => {
  const uses: Uses = new Map(
    typescript(files).map(([path, text]) => [path, importsOf(path, text).map(({ target }) => target)]),
  );
  const reached = new Set(entries);
  for (const path of reached) uses.get(path)?.forEach((target) => reached.add(target)); // which grows meanwhile
  return [...uses.keys()].filter((path) => roomOf(path) in ROOMS && !reached.has(path))
    .map((path) => `${path} is reached from no entry point: export what it has`);
};

/** What opens libraries: the kernel, and what speaks with MPI. */
const OPENERS = ["core/backend/native/open_library.ts", "core/messages/open_shim.ts"];

/** Two files open libraries. */
export const onlyNativeOpensLibraries: Rule = (files) =>
  typescript(files).flatMap(([path, text]) => {
    if (OPENERS.includes(path) || !/\bdlopen\b/.test(read(text).code)) return [];
    return [`${path} calls dlopen: only ${OPENERS.join(" and ")} may`];
  });

/** Where the library may speak of one runtime, and why there. */
const OF_ONE_RUNTIME: Readonly<Record<string, string>> = {
  "core/host/": "files, the environment, hashes: what differs between runtimes",
  "core/backend/native/": "the compiled kernel, which each runtime opens by its own means",
  "core/messages/open_shim.ts": "MPI, which Deno opens",
  "core/kernels/build.ts": "the script that compiles the C",
  "core/kernels/sources.ts": "what gives the C to a compiler",
  "display/dashboard/build.ts": "the script that bundles the live page",
  "cli/command_line.ts": "Node.js's parseArgs, which Deno and Bun have too",
};

/** What only one runtime has stands in named places, so that everything else runs in all of them. */
export const runtimesAreNamed: Rule = (files) =>
  typescript(files).flatMap(([path, text]) => {
    if (!(roomOf(path) in ROOMS || path === "mod.ts")) return [];
    if (Object.keys(OF_ONE_RUNTIME).some((place) => path.startsWith(place))) return [];
    const { code } = read(text);
    const found = [
      ...(code.match(/(?<![.\w])(Deno|process)\b(?=\.)|\btypeof (Deno|process)\b/g) ?? []),
      ...importsOf(path, text).map(({ target }) => target).filter((target) => target.startsWith("node:")),
    ];
    return found.map((name) => `${path} speaks of ${name}: core/host/ does so for everybody`);
  });

/** Node.js before 24 and Safari cannot read `using`. */
export const nothingIsDeclaredByUsing: Rule = (files) =>
  typescript(files).filter(([path, text]) => roomOf(path) in ROOMS && /\busing\s+[\w$]+\s*=/.test(read(text).code))
    .map(([path]) => `${path} declares by using: close in finally, for Node.js 20 cannot read it`);

/** A test that was the first to use a back end would load its library: a leak, to the sanitizers. */
export const testsFindBackEndsOpen: Rule = (files) =>
  edges(files).filter(([path, target]) => target === "@std/testing/bdd" && path !== "tests/bdd.ts")
    .map(([path, target]) => `${path} imports ${target}: tests import tests/bdd.ts, which opens the back ends`);

/** A file is named after what it holds. */
export const noUtils: Rule = (files) =>
  [...files.keys()].filter((path) => /(^|\/)(util|utils|helpers|misc|common)\.ts$/.test(path))
    .map((path) => `${path}: name the file after its main export`);

/** File names are snake_case. */
export const namesAreSnakeCase: Rule = (files) =>
  [...files.keys()].filter((path) =>
    /\.(ts|c|h)$/.test(path) && !/(^|\/)[a-z0-9_]+(\.(test|bench))?\.(ts|c|h)$/.test(path)
  )
    .map((path) => `${path}: name the file in snake_case`);

/** Everything is imported by name. */
export const noDefaultExports: Rule = (files) =>
  typescript(files).filter(([, text]) => /\bexport\s+default\b|\bas\s+default\b/.test(read(text).code))
    .map(([path]) => `${path} has a default export: export by name`);

/** Nothing stands at the top level but the rooms and the files everybody looks for; takes the tracked paths. */
export const topLevelIsNamed: Rule = (files) =>
  [...new Set([...files.keys()].map(roomOf))].filter((entry) => !TOP.includes(entry))
    .map((entry) => `${entry} stands at the top level: put it in a room`);

/** Why a file may be longer than its kind, and how long. */
export type LongFiles = Readonly<Record<string, readonly [limit: number, reason: string]>>;

/** Past these lengths a file holds two subjects, or owes a reason. */
function usualLimit(path: string): number {
  if (/\.(c|h)$/.test(path)) return 600;
  return path.endsWith(".ts") ? 400 : Infinity;
}

/** No file is longer than its kind allows unless the list says why, and the list names no file that does not need it. */
export const filesAreShort = (long: LongFiles): Rule => (files) =>
  [...files].flatMap(([path, text]) => {
    const usual = usualLimit(path);
    const limit = long[path]?.[0] ?? usual;
    const lines = text.split("\n").length - 1;
    if (lines > limit) return [`${path} has ${lines} lines: split it, or name the reason for more than ${limit}`];
    if (path in long && lines <= usual) return [`${path} has ${lines} lines: take it off the list of long files`];
    return [];
  });
