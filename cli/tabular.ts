/**
 * `tabular`: learns one column of any CSV file from the others, reports how well, and predicts it for other files.
 *
 *     tabular FILE [--target COLUMN] [--skip-incomplete] [--categorical COLUMN] [--epochs N] [--out MODEL] [--watch] [--json]
 *     tabular predict NEW.csv [--model MODEL] [--out OUT.csv] [--probabilities] [--json]
 */
import { fromData, Generator, manualSeed, nn, optim, randperm, type Tensor } from "../mod.ts";
import {
  DataLoader,
  type EncodedRows,
  type SchemaOptions,
  Subset,
  TableSchema,
  type TableSource,
  TensorDataset,
} from "../datasets/data.ts";
import { requireWritable } from "../core/io/io.ts";
import { type Callback, KeepBest, Learner, metrics, NanWatchdog, ShowProgress } from "../layers/train/train.ts";
import { INTERRUPTED, runCommand, UsageError, type Values, WATCH, watching, wholeNumber } from "./command_line.ts";
import { noteMissing, readingVariables, REQUIRE_PERMISSIONS } from "./permissions.ts";
import { outputsOf, saveModel } from "./tabular_model.ts";
import { predictTable, sourceOf } from "./tabular_predict.ts";
import { asFlags, TEXT_OPTIONS, textOptions } from "./table_options.ts";
import { reportOn, usualTarget } from "./tabular_report.ts";

const options = {
  target: {
    value: "COLUMN",
    help: "the column to predict (the last one); words are classified, numbers are estimated",
  },
  classify: { help: "take the target for classes even though it holds numbers" },
  categorical: {
    value: "COLUMN",
    multiple: true,
    help: "take a column for words even though it holds numbers; may be given more than once",
  },
  numeric: { value: "COLUMN", multiple: true, help: "take a column for numbers" },
  date: { value: "COLUMN", multiple: true, help: "take a column for dates" },
  skip: { value: "COLUMNS", default: "", help: "columns to leave out, with commas between" },
  "skip-incomplete": { help: "leave out rows with an empty cell" },
  ...TEXT_OPTIONS,
  hidden: { value: "SIZES", default: "64,32", help: "sizes of the hidden layers, with commas between" },
  epochs: { value: "N", least: 1, default: 60, help: "times through the training rows" },
  test: { value: "PERCENT", least: 1, default: 20, help: "rows kept apart to judge by" },
  seed: { value: "S", least: 0, default: 42, help: "seed of the split, the weights and the order of the rows" },
  out: { value: "FILE", default: "tabular.safetensors", help: "where the model goes" },
  watch: WATCH,
  json: { help: "one JSON object as the last line" },
} as const;

type Settings = Values<typeof options>;

/** More classes than this part of the rows cannot be learned: hardly any is seen twice. */
const MOST_CLASSES = 0.9;

/** One row of so many to learn from chooses the best epoch, if there are so many rows that this leaves enough, but not more than suffice. */
const CHOOSING = 8;
const ENOUGH = 80;
const SUFFICIENT = 10_000;

const BATCH = 32;
const CHOOSING_BATCH = 1024;

/** The numbers of the rows for each purpose. */
interface Split {
  readonly learn: Int32Array<ArrayBuffer>;
  readonly choose: Int32Array<ArrayBuffer>;
  readonly test: Int32Array<ArrayBuffer>;
}

async function main(settings: Settings, words: string[]): Promise<number> {
  const [file] = checkedFiles(settings, words);
  const hidden = listOf(settings.hidden).map((size) => wholeNumber("hidden", size, 1));
  const source = await tableOf(file), text = readOptions(settings);
  const whole = await fit(source, settings, (note) => console.error(`note: ${asFlags(note)}`));
  requireTarget(whole);
  await requireWritable(settings.out);
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  manualSeed(settings.seed);
  const rows = split(whole.rows, settings.test);
  const isJudged = new Uint8Array(whole.rows);
  for (const row of rows.test) isJudged[row] = 1;
  const schema = await fit(source, settings, () => {}, (row) => isJudged[row] === 0);
  const { data, ...judging } = prepared(schema, await schema.read(source, text), rows);
  tell(schema, rows);

  const page = await watching(settings.watch, {
    classes: schema.target!.kind === "categorical" ? schema.target!.categories : [],
  });
  const learner = learnerOf(schema, data, rows, { hidden, epochs: settings.epochs, page });
  const { outcome, reason } = await learner.fit(settings.epochs);
  if (outcome === "stopped") console.log(`ended by ${reason}`);
  const model = learner.model as nn.TabularModel;
  await saveModel(settings.out, { schema, model });

  const { lines, facts } = reportOn({
    ...{ schema, x: rowsOf(data.tensors[0], rows.test), ...judging },
    ...{ outputs: (x) => outputsOf(model, x), order: randperm },
  });
  console.log(["", ...lines, "", `weights saved in ${settings.out}, with the table's schema`].join("\n"));
  const counts = { rows: whole.rows, train: whole.rows - rows.test.length, test: rows.test.length };
  const features = schema.featureNames.length, target = schema.target!.name;
  if (settings.json) console.log(JSON.stringify({ target, ...counts, features, epochs: learner.epoch, ...facts }));
  return reason === "Ctrl-C" ? INTERRUPTED : 0;
}

function checkedFiles({ test }: Settings, files: string[]): string[] {
  if (files.length !== 1) {
    const other = files.length > 1 ? ", after predict to use a model" : "";
    throw new UsageError(`Cannot read ${files.length} files: name one CSV file${other}`);
  }
  if (test > 90) throw new UsageError(`Cannot use --test ${test}: expected 1 to 90 percent`);
  return files;
}

function listOf(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** What is read three times: the path of the file; of standard input, its bytes. */
async function tableOf(file: string): Promise<TableSource> {
  const source = await sourceOf(file);
  return typeof source === "string" ? source : new File([await new Response(source).blob()], "standard input");
}

function readOptions(settings: Settings) {
  return { ...textOptions(settings), skipIncomplete: settings["skip-incomplete"] };
}

/** The schema of the rows that `rows` chooses. */
async function fit(
  source: TableSource,
  settings: Settings,
  onNote: (note: string) => void,
  rows?: (row: number) => boolean,
): Promise<TableSchema> {
  const { classify, skip, categorical, numeric, date, target = -1 } = settings;
  const kinds: NonNullable<SchemaOptions["kinds"]> = Object.fromEntries([
    ...listOf(skip).map((name) => [name, "skip"]),
    ...numeric.map((name) => [name, "numeric"]),
    ...date.map((name) => [name, "date"]),
    ...categorical.map((name) => [name, "categorical"]),
  ]);
  const schemaOf = (more: SchemaOptions["kinds"], onNote: (note: string) => void) =>
    TableSchema.fit(source, {
      ...readOptions(settings),
      ...{ target, kinds: { ...kinds, ...more }, onNote, ...(rows && { rows }) },
    });
  try {
    const schema = await schemaOf({}, onNote);
    if (!classify || schema.target!.kind === "categorical") return schema;
    return await schemaOf({ [schema.target!.name]: "categorical" }, () => {});
  } catch (error) {
    (error as Error).message = asFlags((error as Error).message);
    throw error;
  }
}

/** Refuses a target of which nothing can be learned. */
function requireTarget({ target, rows }: TableSchema): void {
  const { name } = target!;
  const only = target!.kind === "numeric" ? target!.std === 0 : target!.categories.length < 2;
  if (only) throw new RangeError(`Cannot learn ${name}: it has one value only`);
  if (target!.kind === "numeric" || target!.categories.length <= MOST_CLASSES * rows) return;
  const found = `${rows} rows hold ${target!.categories.length} classes, such as ${
    JSON.stringify(target!.categories[0])
  }`;
  throw new RangeError(`Cannot learn ${name}: ${found}; write numbers like 1005.5, or choose another --target`);
}

/** The numbers of the rows to learn from, to choose the epoch by and to judge by, by chance. */
function split(rows: number, percent: number): Split {
  const test = Math.max(1, Math.round((rows * percent) / 100)), others = rows - test;
  if (others < 2) throw new RangeError(`Cannot learn from ${rows} rows: there must be 3 at least`);
  const order = randperm(rows).data as Int32Array<ArrayBuffer>;
  const choose = others < ENOUGH ? 0 : Math.min(SUFFICIENT, Math.floor(others / CHOOSING));
  return {
    learn: order.subarray(test + choose),
    choose: order.subarray(test, test + choose),
    test: order.subarray(0, test),
  };
}

function rowsOf(x: Tensor, rows: Int32Array<ArrayBuffer>): Tensor {
  return x.index(fromData(rows, [rows.length]));
}

/** What is learned from, and what it is judged by: no more of the table, which may be large, is in memory meanwhile. */
function prepared(schema: TableSchema, { x, y }: EncodedRows, { learn, test }: Split) {
  return {
    data: new TensorDataset(x, schema.toTargets(y!)),
    y: rowsOf(y!, test),
    usual: usualTarget(schema, y!, learn),
  };
}

function tell(schema: TableSchema, { learn, choose, test }: Split): void {
  const count = learn.length + choose.length;
  const part = choose.length === 0 ? "" : ` (${choose.length} of them to choose the epoch)`;
  console.log(`${schema.rows} rows, ${count} to learn from${part} and ${test.length} to judge by`);
  for (const line of schema.describe()) console.log(`  ${line}`);
  const what = schema.target!.kind === "numeric" ? "a number" : `${schema.outputs} classes`;
  console.log(`to predict: ${schema.target!.name}, ${what}\n`);
}

function learnerOf(
  schema: TableSchema,
  data: TensorDataset<readonly [x: Tensor, y: Tensor]>,
  { learn, choose }: Split,
  { hidden, epochs, page }: { hidden: number[]; epochs: number; page: Callback[] },
): Learner {
  const isNumber = schema.target!.kind === "numeric";
  const chooses = choose.length > 0;
  const dropLast = learn.length > BATCH && learn.length % BATCH === 1; // of one row batch norm can make nothing
  const train = new DataLoader(new Subset(data, learn), { batchSize: BATCH, shuffle: true, dropLast });
  const choosing = { batchSize: CHOOSING_BATCH, generator: new Generator(0) }; // which draws nothing that training would
  const model = new nn.TabularModel(schema.features, schema.outputs, { hidden });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 5e-3, totalSteps: epochs * train.length });
  return new Learner({
    ...{ model, optimizer, loss: isNumber ? nn.functional.mse : nn.functional.crossEntropy },
    ...(chooses && { metrics: [isNumber ? metrics.r2() : metrics.accuracy()] }),
    data: { train, ...(chooses && { valid: new DataLoader(new Subset(data, choose), choosing) }) },
    scheduler: { scheduler: schedule, per: "batch" },
    callbacks: [
      new ShowProgress({ print: tenLines(epochs) }),
      new NanWatchdog(),
      ...(chooses ? [new KeepBest()] : []),
      ...page,
    ],
  });
}

/** Prints ten lines of a run and its first: every line of a short one. */
function tenLines(epochs: number): (line: string) => void {
  const step = Math.ceil(epochs / 10);
  let count = 0;
  return (line) => {
    if (++count === 1 || count % step === 0 || count === epochs) console.log(line);
  };
}

/** Runs `tabular` or `tabular predict`, and gives its exit code. */
export async function tabular(args: readonly string[]): Promise<number> {
  const first = args.findIndex((arg) => arg !== REQUIRE_PERMISSIONS); // which the task puts before everything
  if (args[first] === "predict") return await predictTable(args.toSpliced(first, 1));
  return await runCommand({
    purpose: "Learn one column of a CSV file from the others; tabular predict applies what was learned to other files.",
    words: [
      "FILE",
      "the table, gzipped if its name ends in .gz, or - for standard input; its first record may name the columns, " +
      "cells may be empty",
    ],
    options,
    permissions: () => [readingVariables("GRADUS_BACKEND")],
    run: main,
  }, args);
}
