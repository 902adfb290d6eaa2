/** What the scripts that people run have in common: exit codes, errors without stack traces, numbers from the command line. */
import { parseArgs } from "node:util";
import { checkFlags } from "../core/arguments.ts";
import { tryWriting } from "../core/io/atomic_write.ts";
import { REQUIRE_PERMISSIONS, requirePermissions, type Use } from "./permissions.ts";

/** The exit code after Ctrl-C, as shells count it: 128 and the signal's number. */
export const INTERRUPTED = 130;

/** The options of every script that trains or predicts, for `parseArgs`. */
export const COMMON_OPTIONS = {
  json: { type: "boolean", default: false },
  "require-permissions": { type: "boolean", default: false },
  debug: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** The wrong use of a script: told with a hint at --help, exit code 2. */
export class UsageError extends Error {}

/**
 * Node's `parseArgs`, but that an unknown option is told with the nearest.
 *
 * @throws {UsageError} If an option is unknown.
 */
export const parseOptions: typeof parseArgs = (config) => {
  try {
    checkFlags(config?.args ?? Deno.args, Object.keys(config?.options ?? {}), true);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return parseArgs(config);
};

/**
 * Runs a script: an error becomes one line and an exit code, unless `--debug` asks for its stack. `uses` are those of permissions
 * that it could do without, and does not with `--require-permissions`.
 */
export async function runScript(main: () => Promise<number | void>, uses: () => readonly Use[]): Promise<void> {
  try {
    if (Deno.args.includes(REQUIRE_PERMISSIONS)) requirePermissions(uses());
    Deno.exitCode = await main() ?? 0;
  } catch (error) {
    if (Deno.args.includes("--debug")) throw error;
    const usage = error instanceof UsageError || /^ERR_PARSE_ARGS/.test((error as { code?: string }).code ?? "");
    console.error(`error: ${messageOf(error as Error)}${usage ? "\n       see --help" : ""}`);
    Deno.exitCode = usage ? 2 : 1;
  }
}

/** What is wrong; of a file that is not there, or is a folder, Deno tells the system's call, which is of no use to anybody. */
function messageOf(error: Error): string {
  const path = /^.* \(os error \d+\): \w+ '(.*)'$/.exec(error.message)?.[1];
  if (path === undefined) return error.message;
  if (error instanceof Deno.errors.NotFound) return `Cannot read ${path}: there is no such file`;
  return error instanceof Deno.errors.IsADirectory ? `Cannot read ${path}: it is a folder` : error.message;
}

/** The whole number in an option. */
export function wholeNumber(name: string, text: string, least = 0): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`Cannot use --${name} ${text}: expected a whole number of ${least} or more`);
}

/**
 * Refuses a place where nothing can be written, before the work whose result goes there: writes an empty file beside it,
 * in the way in which the result will be.
 *
 * @throws {Error} With the file system's reason, or the permissions that are missing and their flags.
 */
export async function requireWritable(path: string): Promise<void> {
  const isFolder = await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
  if (isFolder) throw new Error(`Cannot write ${path}: it is a folder`);
  await tryWriting(path).catch((error) => {
    throw new Error(`Cannot write ${path}: ${error.message}`, { cause: error.cause });
  });
}

/** The same for a folder, which is made if it is not there. */
export async function requireWritableFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    throw new Error(`Cannot make the folder ${folder}: ${(error as Error).message}`, { cause: error });
  }
  await requireWritable(`${folder}/checkpoint`);
}
