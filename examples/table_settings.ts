/** What may be said to the table example on its command line. */
import { COMMON_OPTIONS, parseOptions, UsageError, wholeNumber } from "./script.ts";

const HELP = `Learn one column of a CSV file from the others.

  FILE             the table: its first record names the columns, or not; empty cells may be there; gzipped if it ends in .gz
  --target COLUMN  the column to predict (the last one); words are classified, numbers are estimated
  --classify       take the target for classes even though it holds numbers
  --categorical COLUMN
                   take a column for words even though it holds numbers; may be given more than once
  --skip COLUMNS   columns to leave out, with commas between
  --skip-incomplete
                   leave out rows with an empty cell
  --header         the first record names the columns, even though it holds numbers
  --separator C    what stands between cells (told by the first line: comma, semicolon, tab or bar)
  --hidden SIZES   sizes of the hidden layers, with commas between (64,32)
  --epochs N       times through the training rows (60)
  --test PERCENT   rows kept apart to judge by (20)
  --seed S         seed of the split, the weights and the order of the rows (42)
  --out FILE       where the weights go (tabular.safetensors)
  --json           one JSON object as the last line
  --require-permissions
                   end where a permission is missing, instead of doing without; deno task tabular says so
  --debug          show where an error came from
  --help           this text`;

/** What the command line says. */
export interface Settings {
  file: string;
  target: string | number;
  classify: boolean;
  categorical: string[];
  skip: string[];
  skipIncomplete: boolean;
  header: boolean;
  separator: string | undefined;
  hidden: number[];
  epochs: number;
  test: number;
  seed: number;
  out: string;
  json: boolean;
}

/** What the command line says; `null` where it asks for help, which is given. */
export function readSettings(): Settings | null {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      target: { type: "string" },
      classify: { type: "boolean", default: false },
      categorical: { type: "string", multiple: true, default: [] },
      skip: { type: "string", default: "" },
      "skip-incomplete": { type: "boolean", default: false },
      header: { type: "boolean", default: false },
      separator: { type: "string" },
      hidden: { type: "string", default: "64,32" },
      epochs: { type: "string", default: "60" },
      test: { type: "string", default: "20" },
      seed: { type: "string", default: "42" },
      out: { type: "string", default: "tabular.safetensors" },
      ...COMMON_OPTIONS,
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  if (positionals.length !== 1) throw new UsageError(`Cannot read ${positionals.length} files: name one CSV file`);
  const test = wholeNumber("test", values.test, 1);
  if (test > 90) throw new UsageError(`Cannot use --test ${test}: expected 1 to 90 percent`);
  const separator = values.separator === "\\t" ? "\t" : values.separator;
  if (separator !== undefined && !/^[^"\r\n]$/.test(separator)) {
    throw new UsageError(`Cannot use --separator ${JSON.stringify(separator)}: expected one character, and no quote`);
  }
  const list = (text: string) => text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return {
    ...values,
    file: positionals[0],
    target: values.target ?? -1,
    skip: list(values.skip),
    skipIncomplete: values["skip-incomplete"],
    separator,
    hidden: list(values.hidden).map((size) => wholeNumber("hidden", size, 1)),
    epochs: wholeNumber("epochs", values.epochs, 1),
    test,
    seed: wholeNumber("seed", values.seed),
  };
}
