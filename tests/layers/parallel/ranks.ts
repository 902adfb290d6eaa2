/** Programs run on several ranks, by each MPI that is installed. */

/** The project's root. */
const ROOT = new URL("../../../", import.meta.url);

/** Launchers under the names by which Debian keeps both. */
const LAUNCHERS: Readonly<Record<string, readonly string[]>> = {
  "mpirun.openmpi": ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"],
  "mpirun.mpich": [],
};

/** An MPI that may or may not be there. */
export interface Mpi {
  readonly name: string;
  readonly launcher: string;
  readonly there: boolean;
}

/** Each MPI that tests know, and whether it may be run here. */
export const MPIS: readonly Mpi[] = ["Open MPI", "MPICH"].map((name, i) => {
  const launcher = Object.keys(LAUNCHERS)[i];
  return { name, launcher, there: isThere(launcher) };
});

function isThere(launcher: string): boolean {
  if (Deno.permissions.querySync({ name: "run", command: launcher }).state !== "granted") return false;
  try {
    return new Deno.Command(launcher, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** The exit code and the output of all ranks. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

/** Starts a program of this folder on `ranks` processes, all with one thread. */
export function startRanks({ launcher }: Mpi, ranks: number, script: string, ...args: string[]): Deno.ChildProcess {
  const deno = [Deno.execPath(), "run", "-q", "-A", "--no-check", `tests/layers/parallel/${script}`, ...args];
  return new Deno.Command(launcher, {
    args: [...LAUNCHERS[launcher], "-n", `${ranks}`, ...deno],
    ...{ cwd: ROOT, stdin: "null", stdout: "piped", stderr: "piped" },
    env: { NO_COLOR: "1", GRADUS_THREADS: "1" },
  }).spawn();
}

/** Runs it to its end. */
export async function runRanks(mpi: Mpi, ranks: number, script: string, ...args: string[]): Promise<Said> {
  const start = performance.now();
  const { code, stdout, stderr } = await startRanks(mpi, ranks, script, ...args).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err, seconds: (performance.now() - start) / 1000 };
}

/** Runs the same program in a process of its own, without MPI. */
export async function runAlone(script: string, ...args: string[]): Promise<Said> {
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "--no-check", `tests/layers/parallel/${script}`, ...args],
    ...{ cwd: ROOT, stdin: "null" },
    env: { NO_COLOR: "1", GRADUS_THREADS: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err, seconds: (performance.now() - start) / 1000 };
}
