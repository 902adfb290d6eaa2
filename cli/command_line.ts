/** The command line of the commands that people run: options, help, exit codes, and errors in a line instead of a stack trace. */
import { parseArgs } from "node:util";
import { choices as choiceOf } from "../core/arguments.ts";
import { files } from "../core/host/files.ts";
import { isFailure } from "../core/host/host.ts";
import { programArguments, setExitCode } from "../core/host/program.ts";
import { requireWritable } from "../core/io/io.ts";
import type { ImageDataset } from "../datasets/data.ts";
import type { Callback } from "../layers/train/train.ts";
import { backendName, backendReason } from "../mod.ts";
import { type PermissionUse, REQUIRE_PERMISSIONS, requirePermissions } from "./permissions.ts";

/** The exit code after Ctrl-C, as shells count it: 128 and the signal's number. */
export const INTERRUPTED = 130;

/** The option that opens a page about the run. */
export const WATCH = { help: "serve a page about the run at 127.0.0.1, whose address is printed" } as const;

/** The callback that `--watch` asks for: what serves the page is loaded for those who want one. */
export async function watching(
  watch: boolean,
  options: { runs?: string; classes?: readonly string[] } = {},
): Promise<Callback[]> {
  return watch ? [new (await import("../display/display.ts")).Dashboard(options)] : [];
}

/** What `--data` takes, for its help. */
export const IMAGE_FOLDER = "folder with the four IDX files, gzipped or not";

/** The wrong use of a command: its message is followed by a hint at --help, the exit code is 2. */
export class UsageError extends Error {}

/** An option of a command. */
export interface Option {
  /** What it is for. */
  readonly help: string;
  /** What stands for its value in the help, such as `FILE`; an option without it is a switch. */
  readonly value?: string;
  /** What its value must be one of. */
  readonly choices?: readonly string[];
  /** The least whole number that it may be; an option with it is a number. */
  readonly least?: number;
  /** The largest that it may be; 999,999,999 if left out. */
  readonly most?: number;
  /** Its value where it is not given. */
  readonly default?: string | number;
  /** Whether it may be given more than once. */
  readonly multiple?: true;
}

type Options = Readonly<Record<string, Option>>;

type Given<O extends Option> = O extends { least: number } ? number : string;
type ValueOf<O extends Option> = O extends { value: string }
  ? O extends { multiple: true } ? string[] : Given<O> | (O extends { default: unknown } ? never : undefined)
  : boolean;

/** The values of options, by their names. */
export type Values<T extends Options> = { [K in keyof T]: ValueOf<T[K]> };

/** The command line of a command. */
export interface CommandLine<T extends Options = Options> {
  /** What the command does, in a sentence: the first of its help. */
  readonly purpose: string;
  /** What stands for the words beside its options, and what they are; without it there may be none. */
  readonly words?: readonly [name: string, help: string];
  /** Its options, by their names, beside `--help` and `--debug`. */
  readonly options: T;
  /** What it needs permissions for and can do without, but not with `--require-permissions`. */
  readonly permissions?: () => readonly PermissionUse[];
}

/** A command. */
export interface Command<T extends Options> extends CommandLine<T> {
  /** Does it, and gives an exit code that is not 0. */
  readonly run: (values: Values<T>, words: string[]) => number | void | Promise<number | void>;
}

/** Runs a command as this program, whose arguments and exit code are its own. */
export async function runProgram<const T extends Options>(command: Command<T>): Promise<void> {
  setExitCode(await runCommand(command, programArguments()));
}

/**
 * Runs a command with the values of its command line, and gives its exit code. An error becomes a line and a code, unless `--debug` asks
 * for its stack. A back end that `GRADUS_BACKEND` asks for and that cannot be used is an error before anything is read.
 */
export async function runCommand<const T extends Options>(
  command: Command<T>,
  args: readonly string[],
): Promise<number> {
  try {
    const { permissions } = command;
    if (permissions && args.includes(REQUIRE_PERMISSIONS)) requirePermissions(permissions());
    const { values, words } = parse(command, args);
    if (args.includes("--help")) {
      console.log(helpOf(command));
      return 0;
    }
    backendName();
    return await command.run(values, words) ?? 0;
  } catch (error) {
    if (args.includes("--debug")) throw error;
    return tellError(error as Error);
  }
}

/** Prints what is wrong, and gives the exit code: 2 for a wrong use, else 1. */
function tellError(error: Error): 1 | 2 {
  const isUsage = error instanceof UsageError || /^ERR_PARSE_ARGS/.test((error as { code?: string }).code ?? "");
  console.error(`error: ${messageOf(error)}${isUsage ? "\n       see --help" : ""}`);
  return isUsage ? 2 : 1;
}

function optionsOf(command: CommandLine): Options {
  const help = "end where a permission is missing, instead of doing without; the tasks of deno.json say so";
  return {
    ...command.options,
    ...(command.permissions && { [REQUIRE_PERMISSIONS.slice(2)]: { help } }),
    debug: { help: "show where an error came from" },
    help: { help: "this text" },
  };
}

/** Node's `parseArgs`, with numbers checked, and the nearest option named for one that there is not. */
function parse<T extends Options>(
  command: CommandLine<T>,
  args: readonly string[],
): { values: Values<T>; words: string[] } {
  const options = optionsOf(command);
  const types = Object.fromEntries(
    Object.entries(options).map(([name, { value, multiple = false }]) => {
      return [name, { type: value === undefined ? "boolean" as const : "string" as const, multiple }];
    }),
  );
  const config = { args: [...args], options: types, allowPositionals: command.words !== undefined };
  for (const token of parseArgs({ ...config, allowPositionals: true, strict: false, tokens: true }).tokens) {
    if (token.kind === "option" && !Object.hasOwn(options, token.name)) throw unknown(token.rawName, options);
  }
  const { values: given, positionals } = parseArgs(config);
  const values = Object.entries(options).map(([name, option]) => [name, valueOf(name, option, given[name])]);
  return { values: Object.fromEntries(values) as Values<T>, words: positionals };
}

function valueOf(name: string, option: Option, given: unknown): unknown {
  const { value, choices, least, most, multiple, default: usual } = option;
  if (value === undefined) return given ?? false;
  if (given === undefined) return multiple ? [] : usual;
  if (choices?.includes(given as string) === false) {
    throw new UsageError(`Cannot use --${name} ${given}: expected ${choices.join(", ")}`);
  }
  return least === undefined ? given : wholeNumber(name, given as string, least, most);
}

/** The whole number that an option, or a part of one, is. */
export function wholeNumber(name: string, text: string, least = 0, most = 999_999_999): number {
  const isWhole = /^\d+$/.test(text);
  if (isWhole && Number(text) >= least && Number(text) <= most) return Number(text);
  const range = isWhole && Number(text) > most ? `from ${least} to ${most}` : `of ${least} or more`;
  throw new UsageError(`Cannot use --${name} ${text}: expected a whole number ${range}`);
}

function unknown(flag: string, options: Options): UsageError {
  const known = Object.keys(options).map((name) => `--${name}`);
  return new UsageError(`Cannot use ${flag}: ${choiceOf("options", flag, known)}`);
}

const COLUMN = 20; // where the explanations begin

function helpOf(command: CommandLine): string {
  const lines = Object.entries(optionsOf(command)).map((
    [name, { value, help, choices, default: usual }],
  ): [name: string, help: string] => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    (choices ? `${help}: ${choices.join(", ")}` : help) + (usual === undefined || usual === "" ? "" : ` (${usual})`),
  ]);
  const entries = command.words === undefined ? lines : [command.words, ...lines];
  return [wrapped(command.purpose, 100).join("\n"), "", ...entries.map(([name, help]) => helpEntry(name, help))].join(
    "\n",
  );
}

/** An option and its explanation, in lines of no more than a hundred characters. */
function helpEntry(name: string, help: string): string {
  const lines = wrapped(help, 100 - COLUMN);
  const first = name.length > COLUMN - 1 ? `  ${name}\n${" ".repeat(COLUMN + 2)}` : `  ${name.padEnd(COLUMN)}`;
  return first + lines.join(`\n${" ".repeat(COLUMN + 2)}`);
}

function wrapped(text: string, width: number): string[] {
  return text.match(new RegExp(`\\S.{0,${width - 1}}(?= |$)`, "g"))!;
}

/** What is wrong; of a file that is not there, or is a folder, hosts tell the system's call, which is of no use to anybody. */
function messageOf(error: Error): string {
  const { message } = error;
  const path = (/^.* \(os error \d+\): \w+ '(.*)'$/.exec(message) ?? /^E[A-Z]+: .*, \w+ '(.*)'$/.exec(message))?.[1];
  if (path === undefined) return message;
  if (isFailure(error, "NotFound")) return `Cannot read ${path}: there is no such file`;
  return isFailure(error, "IsADirectory") ? `Cannot read ${path}: it is a folder` : message;
}

/** Makes a folder where it is not there, and refuses one in which nothing can be written, before the work whose result goes there. */
export async function requireWritableFolder(folder: string): Promise<void> {
  const { mkdir } = await files(`make the folder ${folder}`);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new Error(`Cannot make the folder ${folder}: ${(error as Error).message}`, { cause: error });
  }
  await requireWritable(`${folder}/checkpoint`);
}

/** Prints where pictures come from and what computes; how many there are to learn from and to judge by. */
export function tellData({ name, source, train, test }: ImageDataset): { train: number; test: number } {
  const counts = { train: train.labels.numel(), test: test.labels.numel() };
  console.log(`Data: ${name}, ${counts.train} images to learn from and ${counts.test} to judge by; ${source}`);
  console.log(`Back end: ${backendName()} (${backendReason()})`);
  return counts;
}
