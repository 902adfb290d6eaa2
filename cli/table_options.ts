/** How the commands read tables: options for what is guessed otherwise, and what the library advises in the words of the command line. */
import type { CsvTextOptions } from "../datasets/data.ts";
import { UsageError, type Values } from "./command_line.ts";

/** The options for the text of a table. */
export const TEXT_OPTIONS = {
  header: { help: "the first record names the columns, even though it holds numbers" },
  separator: {
    value: "C",
    help: "what stands between cells, \\t for a tab (guessed from the first 64 kB: comma, semicolon, tab or bar)",
  },
  decimal: { value: "C", choices: [".", ","], help: "the decimal sign; guessed column by column" },
  quote: { value: "C", choices: ['"', "'", "none"], help: "what stands around cells; guessed" },
  encoding: { value: "NAME", help: "the encoding of the table, such as windows-1252 (guessed)" },
  dates: {
    value: "ORDER",
    choices: ["dmy", "mdy"],
    help: "the order of day and month in dates like 3/4/2025; guessed",
  },
} as const;

type TextValues = Values<typeof TEXT_OPTIONS>;

/** The same as the library takes them. */
export function textOptions({ header, separator, decimal, quote, encoding, dates }: TextValues): CsvTextOptions {
  if (separator !== undefined && !/^([^"\r\n]|\\t)$/.test(separator)) {
    throw new UsageError(`Cannot use --separator ${JSON.stringify(separator)}: expected one character, and no quote`);
  }
  if (encoding !== undefined) requireEncoding(encoding);
  return {
    ...(header && { header }),
    ...(separator !== undefined && { separator: separator === "\\t" ? "\t" : separator }),
    ...(decimal !== undefined && { decimal: decimal as "." | "," }),
    ...(quote !== undefined && { quote: quote === "none" ? null : quote as '"' | "'" }),
    ...(encoding !== undefined && { encoding }),
    ...(dates !== undefined && { dates: dates as "dmy" | "mdy" }),
  };
}

function requireEncoding(name: string): void {
  try {
    new TextDecoder(name);
  } catch {
    throw new UsageError(`Cannot use --encoding ${name}: there is none of that name, take utf-8 or windows-1252`);
  }
}

/** What the library advises, in the words of the command line. */
export function asFlags(message: string): string {
  return message.replace("skip incomplete rows", "use --skip-incomplete")
    .replace("say that it is categorical or missing", "use --categorical, or leave it empty")
    .replace("skip it, or say that it is categorical", "use --skip, or --categorical")
    .replace("say that it is the header if it is", "use --header if it names the columns")
    .replace("say which order they have", "use --dates dmy or --dates mdy");
}
