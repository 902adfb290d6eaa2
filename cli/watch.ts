/**
 * `watch`: serves a page about the runs in a folder, on this machine alone.
 *
 *     watch [DIR] [--port N]
 */
import { isFailure } from "../core/host/host.ts";
import { watchRuns } from "../display/display.ts";
import { runCommand, UsageError, type Values } from "./command_line.ts";

const options = {
  port: {
    ...{ value: "N", least: 0, most: 65_535, default: 0 },
    help: "where it is served, at 127.0.0.1; 0 for any that is free",
  },
} as const;

async function main({ port }: Values<typeof options>, words: string[]): Promise<void> {
  if (words.length > 1) throw new UsageError(`Cannot watch ${words.length} folders: name the one that they are in`);
  const [folder = "runs"] = words;
  try {
    const { address } = await watchRuns(folder, { port });
    console.log(`Watch the runs in ${folder} at ${address} (Ctrl-C ends it)`);
  } catch (error) {
    if (!isFailure(error, "AddrInUse")) throw error;
    throw new Error(`Cannot serve on port ${port}: another program does; give another --port, or 0 for any`);
  }
  await new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1)); // the page alone does not keep a program from ending
}

/** Runs `watch`, which ends with the program. */
export async function watch(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Serve a page about runs, from the history.jsonl that each keeps beside its checkpoints.",
    words: ["DIR", "the folder that the folders of checkpoints are in (runs)"],
    options,
    run: main,
  }, args);
}
