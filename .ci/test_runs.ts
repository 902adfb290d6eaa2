/** How the tests are run: files at the same time where they bear it, and what is not installed told once. */

/**
 * Files during whose tests nothing else may run: they measure how long the event loop is held or a browser takes, or set what the
 * whole process has in common, its environment and the kernel's threads. A test compares this list with what files import and call.
 */
export const ALONE: readonly string[] = [
  "tests/core/backend/choose.test.ts",
  "tests/core/backend/recurrent.test.ts",
  "tests/core/backend/threads.test.ts",
  "tests/core/backend/workers.test.ts",
  "tests/core/io/event_loop.test.ts",
  "tests/datasets/formats/event_loop.test.ts",
  "tests/datasets/formats/png.test.ts",
  "tests/datasets/named/mnist_folder.test.ts",
  "tests/datasets/table/event_loop.test.ts",
  "tests/display/dashboard/page.test.ts",
  "tests/examples/page/browser.test.ts",
  "tests/layers/train/checkpoint/checkpoints.test.ts",
  "tests/layers/train/event_loop.test.ts",
];

/** The C by itself, under other compilers, sanitizers and emulated processors: no back end, so that it has a task of its own. */
export const HARNESS = "tests/core/kernels/harness";

/** Whether a file is one of those, by its text. */
export function mustBeAlone(text: string): boolean {
  return /^import .*(\blongestGap\b|visit_(page|dashboard)\.ts)/m.test(text) ||
    /\bDeno\.(env\.(set|delete)|chdir)\(|\bsetThreads\([^)]/.test(text);
}

/**
 * What knows nothing of the back end in use, so that one run over it is enough where several back ends are tried: why, and the files
 * and folders.
 */
export const ANY_BACK_END: readonly (readonly [why: string, ...paths: string[]])[] = [
  [
    "each back end, opened by name",
    ...["native", "wasm"].map((room) => `tests/core/backend/${room}`),
    ...["activation", "attention", "conv", "elementwise", "planes", "reduce_gather", "training"]
      .map((name) => `tests/core/backend/${name}.test.ts`),
  ],
  [
    "programs in processes of their own",
    "tests/everywhere",
    ...["cli", "export", "flags", "permissions", "predict", "require_permissions", "tabular", "tasks", "train"]
      .map((name) => `tests/cli/${name}.test.ts`),
    "tests/examples/replay.test.ts",
    "tests/layers/parallel",
    "tests/examples/notebooks",
    "tests/display/dashboard/page.test.ts",
    ...["tests/bench", "tests/layers/train/checkpoint/kill.test.ts"],
  ],
  ["a page, whose network learns in a browser", "tests/examples/page"],
  ["plain loops in float64, on every back end", "tests/document_002.test.ts"],
  [
    "the bytes of files and of downloads",
    ...[
      "tests/core/host",
      "tests/core/io",
      "tests/datasets/formats",
      "tests/datasets/download",
      "tests/datasets/named",
    ],
  ],
  [
    "the files of the project",
    "tests/core/kernels",
    ...["bdd", "exports", "house", "junit", "pages"].map((name) => `tests/${name}.test.ts`),
  ],
];

/** Programs that some test runs. Deno complains once a file about one that a flag names and that is not installed. */
export const PROGRAMS: readonly string[] = [
  ...["cc", "git", "node", "npm", "tar", "chromium", "/usr/bin/python3"],
  ...["mpirun.openmpi", "mpirun.mpich", "mpicc.openmpi", "mpicc.mpich"],
];

/** Programs that the kernel's harness finds by itself. */
const COMPILERS = ["clang", "musl-gcc", "aarch64-linux-gnu-gcc", "qemu-aarch64", "qemu-x86_64"];

/** Whether a program is installed: a path, or a name in one of the folders of `PATH`. */
function isInstalled(program: string): boolean {
  if (Deno.build.os === "windows") return true; // other names, other rules: Deno itself finds out
  const folders = program.includes("/") ? [""] : (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/`);
  return folders.some((folder) => isThere(`${folder}${program}`));
}

/** Whether a path leads somewhere. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Those of them that are installed. */
export function programsHere(): string[] {
  return PROGRAMS.filter(isInstalled);
}

/** One line about the programs of this task that are not installed, or nothing. */
export function absentPrograms(task: "test" | "harness"): string {
  const absent = (task === "test" ? PROGRAMS : ["cc", ...COMPILERS]).filter((program) => !isInstalled(program));
  if (absent.length === 0) return "";
  return `Not installed, so that the tests with them are skipped: ${absent.join(", ")}`;
}

/**
 * The commands that run what was asked for: the files that were named, in one; else all tests but the harness, most of them at the same
 * time and the rest after them, with a report of its own beside the other: `x.xml` and `x.alone.xml`. Types are then left to
 * `deno check`, which looks at the same files and at the examples.
 */
export function testRuns(
  command: readonly string[],
  args: readonly string[],
  exists: (path: string) => boolean,
): string[][] {
  if (args.some((arg) => !arg.startsWith("-") && exists(arg))) return [[...command, ...args]];
  const isReport = (arg: string, i: number) => arg.startsWith("--junit-path=") || args[i - 1] === "--junit-path";
  const own = args.map((arg, i) => isReport(arg, i) ? reportAlone(arg) : arg);
  const left = args.filter((arg) => arg.startsWith("--ignore=")).flatMap((arg) => arg.slice(9).split(","));
  const alone = ALONE.filter((file) => !left.some((path) => file === path || file.startsWith(`${path}/`)));
  return [
    [...command, "--no-check", "--parallel", `--ignore=${[HARNESS, ...ALONE].join(",")}`, ...args],
    [...command.filter((word) => word !== "--doc"), "--no-check", ...own, ...alone],
  ];
}

/** Where the report of the second run is, by that of the first. */
export function reportAlone(path: string): string {
  return path.replace(/(\.xml)?$/, ".alone$1");
}
