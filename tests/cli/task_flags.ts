/** The permission flags of the tasks in `.ci/task.ts`, and runs of tasks without one of them. */
import { TASKS } from "../../.ci/task.ts";
import { decode, ROOT, type Said } from "./run_script.ts";

/** A task that runs a script. */
export type ScriptTask = "train" | "replay" | "tabular" | "predict" | "export";

/** The places that flags name. */
export interface Places {
  /** Where the script runs, and writes. */
  work: string;
  /** The folder of compiled kernels. */
  cache: string;
  /** The folder in `GRADUS_DATA`. */
  data: string;
}

/** A flag with one of the values it lists, or without any: `--allow-run=cc`, `--allow-read`. */
export type Grant = string;

/** The command line of a task. */
function wordsOf(task: ScriptTask, { cache, data }: Places): string[] {
  return TASKS[task]({ cache, data: `${cache},${data}`, temp: cache, deno: Deno.execPath() });
}

/** The permissions that a task grants, one by one. */
export function grantsOf(task: ScriptTask, places: Places): Grant[] {
  return wordsOf(task, places).filter((word) => word.startsWith("--allow-")).flatMap((flag) => {
    const [name, values] = flag.split("=");
    return values === undefined ? [name] : values.split(",").map((value) => `${name}=${value}`);
  });
}

/** Runs a task's script with all that it grants but `without`, in a folder of its own. */
export async function runTask(
  task: ScriptTask,
  places: Places,
  { args = [], env = {}, without }: { args?: string[]; env?: Record<string, string>; without?: Grant } = {},
): Promise<Said> {
  const words = wordsOf(task, places).filter((word) => !word.startsWith("--allow-"));
  const grants = grantsOf(task, places).filter((grant) => grant !== without);
  const script = words.findIndex((word) => /^(examples|cli)\//.test(word));
  words[script] = new URL(words[script], ROOT).pathname;
  words.splice(script, 0, "--no-check", ...grants);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...words, ...args],
    cwd: places.work,
    env: { NO_COLOR: "1", GRADUS_BACKEND: "auto", GRADUS_THREADS: "", ...env },
    stdin: "null",
  }).output();
  return { code, out: decode(stdout), err: decode(stderr) };
}
