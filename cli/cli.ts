/**
 * The commands: one program that trains, learns tables, predicts, serves, exports, shows runs, and says what is in use and how fast it is.
 *
 *     deno run -A jsr:@gradus/gradus/cli tabular FILE --target COLUMN
 *
 * @example
 * ```ts
 * import { COMMANDS } from "@gradus/gradus/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(Object.keys(COMMANDS), ["train", "predict", "tabular", "serve", "export", "watch", "doctor", "bench"]);
 * ```
 * @module
 */
import { choices, describe, requireArray } from "../core/arguments.ts";
import { programArguments, setExitCode } from "../core/host/program.ts";

/** A command: what it does in a line, and what runs it with arguments and gives its exit code. */
export interface CliCommand {
  /** What it does. */
  readonly purpose: string;
  /** Runs it; what it needs is loaded then. */
  run(args: readonly string[]): Promise<number>;
}

/** The commands by their names. */
export const COMMANDS: Readonly<Record<string, CliCommand>> = {
  train: {
    purpose: "train a network on handwritten digits",
    run: async (args) => await (await import("./train.ts")).train(args),
  },
  predict: {
    purpose: "name the digits in pictures by what train learned",
    run: async (args) => await (await import("./predict.ts")).predict(args),
  },
  tabular: {
    purpose: "learn a column of a table from the others; tabular predict applies it to other tables",
    run: async (args) => await (await import("./tabular.ts")).tabular(args),
  },
  serve: {
    purpose: "answer records over HTTP by what tabular learned",
    run: async (args) => await (await import("./serve.ts")).serve(args),
  },
  export: {
    purpose: "write what train or tabular learned as TypeScript that imports nothing, or as ONNX",
    run: async (args) => await (await import("./export.ts")).exportModel(args),
  },
  watch: {
    purpose: "serve a page about runs, from the histories beside their checkpoints",
    run: async (args) => await (await import("./watch.ts")).watch(args),
  },
  doctor: {
    purpose: "say which back end is in use, why, and how fast it is",
    run: async (args) => await (await import("./doctor.ts")).doctor(args),
  },
  bench: {
    purpose: "time training and predicting on this machine",
    run: async (args) => await (await import("./bench.ts")).bench(args),
  },
};

/**
 * Runs the command that the first word names with the others, and gives its exit code: 0, or 1 where something went wrong, 2 where it was
 * used wrongly, 130 after Ctrl-C.
 */
export async function cli(args: readonly string[]): Promise<number> {
  requireArray(args, "run", '["tabular", "--help"]');
  const odd = args.find((arg) => typeof arg !== "string");
  if (odd !== undefined) {
    throw new TypeError(`Cannot run with ${describe(odd)}: give words, as in ["doctor", "--json"]`);
  }
  const [name, ...others] = args;
  if (name === "--help" || name === "help") {
    console.log(help());
    return 0;
  }
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) return await COMMANDS[name].run(others);
  const names = Object.keys(COMMANDS);
  const what = name === undefined
    ? `Cannot run without a command: the commands are ${names.join(", ")}`
    : `Cannot run ${name}: ${choices("commands", name, names)}`;
  console.error(`error: ${what}\n       see --help`);
  return 2;
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { purpose }]) => `  ${name.padEnd(8)}  ${purpose}`);
  return ["Commands, each with --help of its own:", "", ...lines].join("\n");
}

if (import.meta.main) setExitCode(await cli(programArguments()));
