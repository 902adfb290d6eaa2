/**
 * Runs a task: `deno.json` names it, and here are its commands with all their permission flags.
 *
 * Deno prints a task's command before anything else; with the flags in it that took eight lines of a terminal.
 *
 * @module
 */
import { launch } from "../core/messages/launch.ts";
import { paths } from "./paths.ts";
import { absentPrograms, HARNESS, isThere, PROGRAMS, programsHere, testRuns } from "./test_runs.ts";

/** The folders and programs that flags name; a machine's own. */
export interface Places {
  /** The folder of compiled kernels. */
  readonly cache: string;
  /** That folder, and the one where data are kept elsewhere. */
  readonly data: string;
  /** That folder, and the one of temporary files. */
  readonly temp: string;
  /** The Deno in use. */
  readonly deno: string;
  /** The programs that tests run, beside that Deno. @default all of them, installed or not */
  readonly programs?: readonly string[];
}

const ENV = [
  "GRADUS_BACKEND",
  "GRADUS_THREADS",
  "GRADUS_CACHE",
  "GRADUS_DATA",
  "XDG_CACHE_HOME",
  "HOME",
  "LOCALAPPDATA",
];
const ALL_ENV = `--allow-env=${ENV.join(",")}`;
const HERE = "127.0.0.1";
const MIRRORS = "--allow-net=ossci-datasets.s3.amazonaws.com,storage.googleapis.com";
const RUN = ["run", "-q", "--no-prompt", "--allow-read"];

/** What finds and loads the compiled kernel, and may compile it; `beside` are further folders to write in. */
const kernel = (cache: string, ...beside: string[]) => [
  `--allow-write=${[...beside, cache].join(",")}`,
  `--allow-ffi=${cache}`,
  "--allow-run=cc",
  ALL_ENV,
];

/** What a process takes beside, that `mpirun` or `srun` started: to read what they say, and to compile what speaks with MPI. */
const MPI_ENV = [
  ...["OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS", "PMIX_RANK"],
  ...["SLURM_NTASKS", "SLURM_TASKS_PER_NODE", "SLURM_NODEID", "GRADUS_MPICC"],
];
const MPI = [`--allow-env=${MPI_ENV.join(",")}`, "--allow-run=mpicc,mpicc.openmpi,mpicc.mpich"];

/** A command of `cli/`, which ends where a permission is missing. */
const command = (name: string) => ["cli/cli.ts", name, "--require-permissions"];

/** What Deno is told for each task; what is given to the task comes after it. */
export const TASKS = {
  train: ({ cache, data }) => [
    ...[...RUN, `--allow-write=.,${data}`, `--allow-ffi=${cache}`, MIRRORS, "--allow-run=cc", ALL_ENV],
    ...command("train"),
  ],
  tabular: () => [...RUN, "--allow-write=.", "--allow-env=GRADUS_BACKEND", ...command("tabular")],
  serve: () => [...RUN, `--allow-net=${HERE}`, "--allow-env=GRADUS_BACKEND", ...command("serve")],
  watch: () => [...RUN, `--allow-net=${HERE}`, "cli/cli.ts", "watch"],
  predict: () => [...RUN, "--allow-env=GRADUS_BACKEND", ...command("predict")],
  export: () => [...RUN, "--allow-write=.", "--allow-env=GRADUS_BACKEND", ...command("export")],
  page: ({ temp, deno }) => [
    ...[...RUN, `--allow-write=.,${temp}`, `--allow-net=${HERE}`, `--allow-run=${deno}`, "examples/page/serve.ts"],
  ],
  replay: ({ cache }) => [...RUN, ...kernel(cache), "examples/replay.ts", "--require-permissions"],
  notebooks: ({ temp, deno }) => [
    ...[
      "run",
      "-q",
      "--no-prompt",
      "--allow-read",
      `--allow-write=examples/notebooks,${temp}`,
      "--allow-env=TMPDIR,TEMP",
    ],
    ...[`--allow-run=/usr/bin/python3,${deno}`, ".ci/notebooks.ts"],
  ],
  test: ({ temp, deno, programs = PROGRAMS }) => [
    ...["test", "--doc", "--no-prompt", "--preload=tests/open_back_ends.ts", "--allow-read"],
    ...[`--allow-write=.,${temp}`, `--allow-ffi=.,${temp}`, `--allow-net=${HERE}`],
    ...[`--allow-run=${[...programs, deno].join(",")}`, `${ALL_ENV},PATH`],
  ],
  harness: ({ cache, temp, deno }) => [
    ...["test", "--no-check", "--no-prompt", "--parallel", "--allow-read", `--allow-write=${cache},${temp}`],
    ...[`--allow-ffi=${cache}`, `--allow-run=cc,${deno}`, `${ALL_ENV},PATH`, HARNESS],
  ],
  bench: ({ cache }) => [...RUN, ...kernel(cache), ...command("bench")],
  peers: ({ cache, temp }) => [
    ...["run", "-q", "--allow-read", `--allow-write=.,${temp}`, `--allow-ffi=${cache}`, "--allow-run", "--allow-env"],
    "bench/peers.ts",
  ],
  doctor: ({ cache }) => [...RUN, ...kernel(cache), "--allow-run=mpicc", "--allow-sys=cpus", "cli/cli.ts", "doctor"],
  pack: ({ temp, deno }) => [
    ...["run", "-q", "--no-prompt", "--allow-read", `--allow-write=.,${temp}`, "--allow-env=TMPDIR,TEMP"],
    ...[`--allow-run=tar,${deno}`, ".ci/pack.ts"],
  ],
  build: ({ cache }) => [
    ...[...RUN, `--allow-write=core/kernels,${cache}`, `--allow-ffi=${cache}`],
    ...["--allow-run=cc,clang,clang-19,wasm-ld,wasm-ld-19", ALL_ENV, "core/kernels/build.ts"],
  ],
} satisfies Record<string, (places: Places) => string[]>;

/** The places on this machine. */
export function placesHere(): Places {
  return {
    cache: paths(["cache"]),
    data: paths(["cache", "data"]),
    temp: paths(["cache", "temp"]),
    deno: paths(["deno"]),
  };
}

/** Runs Deno with these arguments; its exit code. What is sent to end this process goes on to that one. */
export async function runDeno(args: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args: [...args] }).spawn();
  // A terminal sends Ctrl-C to both: a second one would end at once what is ending in order.
  const interrupt = () => void (Deno.stdin.isTerminal() || child.kill("SIGINT"));
  const end = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", interrupt);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", end);
  const { code } = await child.status;
  Deno.removeSignalListener("SIGINT", interrupt);
  if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", end);
  return code;
}

/** Runs the tests; the first code that is not 0, though all are run. */
async function test(args: readonly string[]): Promise<number> {
  sayAbsent("test");
  const command = TASKS.test({ ...placesHere(), programs: programsHere() });
  let code = 0;
  for (const run of testRuns(command, args, isThere)) code = await runDeno(run) || code;
  return code;
}

/** What Deno is told for `bench`: with files or folders named it runs the measurements in them. */
export function benchRun(
  places: Places,
  args: readonly string[],
  exists: (path: string) => boolean,
): readonly string[] {
  const isNamed = args.some((arg) => !arg.startsWith("-") && exists(arg));
  return isNamed ? ["bench", "--no-prompt", "--allow-read", ...kernel(places.cache)] : TASKS.bench(places);
}

function sayAbsent(task: "test" | "harness"): void {
  const absent = absentPrograms(task);
  if (absent !== "") console.log(absent);
}

/** Fills `vendor/`: from JSR itself, else from the stand-ins. */
async function vendor(): Promise<number> {
  const [read, write] = ["--allow-read=.", "--allow-write=vendor"];
  if (await runDeno(["run", read, write, ".ci/vendor.ts"]) === 0) return 0;
  const fetched = await runDeno(["run", ".ci/bridge.ts", "fetch"]);
  return fetched === 0 ? await runDeno(["run", "--cached-only", read, write, ".ci/bridge.ts"]) : fetched;
}

/** The options that name what a task writes: a file, with others beside it while it is written, or a folder. */
const WRITTEN: Readonly<Record<string, "file" | "folder">> = {
  "--out": "file",
  "--checkpoints": "folder",
  "--build": "folder",
};

/**
 * A task's flags, with leave to write where the command line says that it should, which may be outside of this folder, and with `--watch`
 * to serve a page.
 */
export function flagsFor(words: readonly string[], args: readonly string[]): string[] {
  const folders = args.flatMap((arg, i) => {
    const [name, value = args[i + 1]] = arg.split(/=(.*)/s, 2);
    if (!Object.hasOwn(WRITTEN, name) || !value || value.startsWith("--")) return [];
    return [WRITTEN[name] === "folder" ? value : folderOf(value)];
  });
  const more = folders.map((folder) => `,${folder.replaceAll(",", ",,")}`).join("");
  const writing = words.map((word) => word.startsWith("--allow-write=") ? word + more : word);
  return args.some((arg) => /^--watch(=|$)/.test(arg)) ? serving(writing) : writing;
}

function serving(words: readonly string[]): string[] {
  const at = words.findIndex((word) => word.startsWith("--allow-net="));
  return at < 0 ? [words[0], `--allow-net=${HERE}`, ...words.slice(1)] : words.with(at, `${words[at]},${HERE}`);
}

function folderOf(path: string): string {
  const folder = /^(.*)[/\\]/s.exec(path)?.[1];
  return folder === "" ? "/" : folder ?? ".";
}

/**
 * `train --parallel N` without that option, and how many processes there are to be; `--parallel` alone is one a core.
 *
 * @throws {RangeError} If it is not a whole number from 1.
 */
export function takeParallel(args: readonly string[], cores: number): { ranks: number | null; left: string[] } {
  const at = args.findIndex((arg) => /^--parallel(=|$)/.test(arg));
  if (at < 0) return { ranks: null, left: [...args] };
  const inside = args[at].slice("--parallel=".length), next = args[at + 1] ?? "";
  const isNext = inside === "" && /^[^-]/.test(next), text = isNext ? next : inside;
  const ranks = text === "" ? cores : Number(text);
  if (!Number.isInteger(ranks) || ranks < 1) throw new RangeError(`Cannot train on ${text} ranks: give --parallel 2`);
  return { ranks, left: args.filter((_, i) => i !== at && !(isNext && i === at + 1)) };
}

/** Runs Deno on several ranks of the MPI that is installed. */
async function runRanks(ranks: number, args: readonly string[]): Promise<number> {
  let said: Deno.CommandOutput;
  try {
    said = await new Deno.Command("mpirun", { args: ["--version"] }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(
      "Cannot train with --parallel: mpirun is not installed (Debian: openmpi-bin libopenmpi-dev, or mpich)",
    );
    return 1;
  }
  const isOpen = new TextDecoder().decode(said.stdout).includes("Open MPI");
  const own = isOpen ? ["--quiet", "--oversubscribe", "--bind-to", "none"] : [];
  // Whoever may start this task as root may start its ranks so.
  const env = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
  const all = [...own, "-n", `${ranks}`, Deno.execPath(), ...args];
  return (await new Deno.Command("mpirun", { args: all, env }).spawn().status).code;
}

async function runTask(task: string, args: readonly string[]): Promise<number> {
  if (task === "vendor") return await vendor();
  if (task === "test") return await test(args);
  if (task === "bench") return await runDeno([...benchRun(placesHere(), args, isThere), ...args]);
  if (task === "harness") sayAbsent("harness");
  if (task === "train") {
    const { ranks, left } = takeParallel(args, navigator.hardwareConcurrency);
    const [run, ...words] = flagsFor(TASKS.train(placesHere()), left);
    if (ranks !== null) return await runRanks(ranks, [run, ...MPI, ...words, ...left]);
    if (launch() !== null) return await runDeno([run, ...MPI, ...words, ...left]);
  }
  return await runDeno([...flagsFor(TASKS[task as keyof typeof TASKS](placesHere()), args), ...args]);
}

if (import.meta.main) Deno.exit(await runTask(Deno.args[0], Deno.args.slice(1)));
