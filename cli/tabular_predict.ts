/** `tabular predict`: what a model file of `tabular` says about the rows of a table. */
import { files, type OpenFile } from "../core/host/files.ts";
import { isFailure } from "../core/host/host.ts";
import { standardInput, writeOutput } from "../core/host/program.ts";
import { type SchemaBatch, type TableAnswer, type TableSchema } from "../datasets/data.ts";
import { requireWritable } from "../core/io/io.ts";
import { runCommand, UsageError, type Values } from "./command_line.ts";
import { noteMissing, readingVariables } from "./permissions.ts";
import { asFlags, TEXT_OPTIONS, textOptions } from "./table_options.ts";
import { loadModel, outputsOf } from "./tabular_model.ts";

const options = {
  model: { value: "FILE", default: "tabular.safetensors", help: "the model file that tabular wrote" },
  out: {
    value: "FILE",
    help: "where the table goes with a column for the answers; without it, or for -, it is printed",
  },
  probabilities: { help: "a column for the probability of each class, too" },
  json: { help: "one JSON object a row" },
  ...TEXT_OPTIONS,
} as const;

type Settings = Values<typeof options>;

async function main(settings: Settings, tables: string[]): Promise<void> {
  if (tables.length > 1) {
    throw new UsageError(`Cannot read ${tables.length} files: name one, or none for standard input`);
  }
  const text = textOptions(settings);
  const { schema, model } = await loadModel(settings.model);
  if (schema.target === null) throw new RangeError(`Cannot predict by ${settings.model}: its schema has no target`);
  if (settings.probabilities && schema.target.kind === "numeric") {
    throw new RangeError(`Cannot tell probabilities: ${schema.target.name} is a number, leave out --probabilities`);
  }
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  const source = await sourceOf(tables[0]);
  const rows = schema.stream(source, {
    ...text,
    target: false,
    onNote: (note) => console.error(`note: ${asFlags(note)}`),
    ...(typeof source !== "string" && { name: "standard input" }),
  });
  await write(settings.out, async (put) => {
    let isFirst = true;
    for await (const batch of rows) {
      const answers = schema.toAnswers(outputsOf(model, batch.x));
      await put(settings.json ? toJson(batch, answers, schema) : toCsv(batch, answers, schema, settings, isFirst));
      isFirst = false;
    }
    if (isFirst) throw new RangeError("Cannot predict: the table holds no rows");
  });
}

/** The table's path; or standard input, for no name or `-`. */
export async function sourceOf(file: string | undefined): Promise<string | ReadableStream<Uint8Array<ArrayBuffer>>> {
  return file === undefined || file === "-" ? await standardInput() : file;
}

/** Writes to a file, which is whole or not there, or to standard output, for no name or `-`. */
async function write(
  path: string | undefined,
  body: (put: (text: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const encoder = new TextEncoder();
  if (path === undefined || path === "-") {
    return await body((text) => writeOutput(encoder.encode(text))).catch((error) => {
      if (!isFailure(error, "BrokenPipe")) throw error; // whoever read has seen enough
    });
  }
  await requireWritable(path);
  const part = `${path}.part`;
  const { open, rename, remove } = await files(`write ${path}`);
  const file = await open(part, { write: true, create: true, truncate: true });
  try {
    await body((text) => all(file, encoder.encode(text)));
    file.close();
    await rename(part, path);
  } catch (error) {
    try {
      file.close();
    } catch { /* closed already */ }
    await remove(part).catch(() => {});
    throw error;
  }
}

async function all(to: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** The name of the column of answers; one that the table has already gets a sign more. */
function answerName(names: readonly string[]): string {
  let name = "prediction";
  while (names.includes(name)) name += "_";
  return name;
}

function classesOf({ target }: TableSchema): readonly string[] {
  return target?.kind === "categorical" ? target.categories : [];
}

function toCsv(
  { names, cells }: SchemaBatch,
  answers: readonly TableAnswer[],
  schema: TableSchema,
  { probabilities }: Settings,
  withHeader: boolean,
): string {
  const wanted = probabilities ? classesOf(schema) : [];
  const header = [...names, answerName(names), ...wanted.map((word) => `p(${word})`)];
  const rows = answers.map((
    { value, probabilities: p },
    i,
  ) => [...cells[i], `${value}`, ...wanted.map((_, c) => `${p![c]}`)]);
  return [...(withHeader ? [header] : []), ...rows].map((row) => `${row.map(quotedCell).join(",")}\n`).join("");
}

function quotedCell(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function toJson({ names, cells }: SchemaBatch, answers: readonly TableAnswer[], schema: TableSchema): string {
  const name = answerName(names), classes = classesOf(schema);
  return answers.map(({ value, probabilities }, i) => {
    const row = Object.fromEntries(names.map((column, at) => [column, cells[i][at]]));
    const p = probabilities &&
      { probabilities: Object.fromEntries(classes.map((word, c) => [word, probabilities[c]])) };
    return `${JSON.stringify({ ...row, [name]: value, ...p })}\n`;
  }).join("");
}

/** Runs `tabular predict`, and gives its exit code. */
export async function predictTable(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Say what a model of tabular thinks of a table's rows, which may have its columns in any order.",
    words: ["FILE", "the table; without it, or for -, standard input"],
    options,
    permissions: () => [readingVariables("GRADUS_BACKEND")],
    run: main,
  }, args);
}
