/**
 * Learns one column of any CSV file from the others, and reports how well.
 *
 *     deno task tabular FILE [--target COLUMN] [--skip-incomplete] [--categorical COLUMN] [--epochs N] [--out FILE] [--json]
 */
import { manualSeed, nn, noGrad, optim, randperm, type Tensor } from "@gradus/gradus";
import { type CsvOptions, DataLoader, fromCsv, type Table, TableEncoder, TensorDataset } from "@gradus/gradus/data";
import { requireWritable, writeSafetensors } from "@gradus/gradus/io";
import { Learner, type LearnerOptions, metrics, NanWatchdog, ShowProgress } from "@gradus/gradus/train";
import { INTERRUPTED, runCommand, UsageError, type Values, wholeNumber } from "./command_line.ts";
import { noteMissing, readingVariables } from "./permissions.ts";

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
  skip: { value: "COLUMNS", default: "", help: "columns to leave out, with commas between" },
  "skip-incomplete": { help: "leave out rows with an empty cell" },
  header: { help: "the first record names the columns, even though it holds numbers" },
  separator: {
    value: "C",
    help: "what stands between cells (guessed from the first line: comma, semicolon, tab or bar)",
  },
  hidden: { value: "SIZES", default: "64,32", help: "sizes of the hidden layers, with commas between" },
  epochs: { value: "N", least: 1, default: 60, help: "times through the training rows" },
  test: { value: "PERCENT", least: 1, default: 20, help: "rows kept apart to judge by" },
  seed: { value: "S", least: 0, default: 42, help: "seed of the split, the weights and the order of the rows" },
  out: { value: "FILE", default: "tabular.safetensors", help: "where the weights go" },
  json: { help: "one JSON object as the last line" },
} as const;

type Settings = Values<typeof options>;

/** More classes than this part of the rows cannot be learned: hardly any is seen twice. */
const MOST_CLASSES = 0.9;

/** What differs between classes and numbers. */
interface Task extends Pick<LearnerOptions, "loss" | "metrics"> {
  /** How many numbers the network gives for a row. */
  outputs: number;
  /** What makes an answer of them, for the file of the weights. */
  answer: { kind: "numeric"; mean: number; std: number } | { kind: "categorical"; categories: readonly string[] };
  /** Targets as the network learns them. */
  targets(y: Tensor): Tensor;
  /** What the predictions for test rows are worth, in lines for people and in numbers. */
  report(prediction: Tensor, y: Tensor): { lines: string[]; scores: Record<string, number> };
}

async function main(settings: Settings, words: string[]): Promise<number> {
  const [file] = checkedFiles(settings, words);
  const hidden = listOf(settings.hidden).map((size) => wholeNumber("hidden", size, 1));
  const table = await readTable(file, settings);
  await requireWritable(settings.out);
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  manualSeed(settings.seed);
  const [train, test] = split(table.x.shape[0], settings.test);
  const encoder = new TableEncoder(table.columns, table.x.index(train));
  const task = table.target!.kind === "categorical" ? classification(table, train) : regression(table, train);
  console.log(`${table.x.shape[0]} rows, ${train.numel()} to learn from and ${test.numel()} to judge by`);
  for (const line of encoder.describe()) console.log(`  ${line}`);
  console.log(`to predict: ${table.target!.name}, ${task.outputs > 1 ? `${task.outputs} classes` : "a number"}\n`);

  const learner = learnerOf(table, encoder, task, [train, test], { hidden, epochs: settings.epochs });
  const { outcome, reason } = await learner.fit(settings.epochs);
  if (outcome === "stopped") console.log(`ended by ${reason}`);
  const { model } = learner;
  const tabular = { target: { name: table.target!.name, ...task.answer }, columns: encoder.columns };
  await writeSafetensors(settings.out, model.stateDict(), { tabular: JSON.stringify(tabular) });

  const prediction = noGrad(() => model.eval().call(encoder.transform(table.x.index(test))));
  const { lines, scores } = task.report(prediction, table.y!.index(test));
  console.log(["", ...lines, "", `weights saved in ${settings.out}`].join("\n"));
  const counts = { rows: table.x.shape[0], train: train.numel(), test: test.numel(), features: encoder.width };
  const facts = { target: table.target!.name, ...counts, epochs: learner.epoch, ...scores };
  if (settings.json) console.log(JSON.stringify(facts));
  return reason === "Ctrl-C" ? INTERRUPTED : 0;
}

function checkedFiles({ test, separator }: Settings, files: string[]): string[] {
  if (files.length !== 1) throw new UsageError(`Cannot read ${files.length} files: name one CSV file`);
  if (test > 90) throw new UsageError(`Cannot use --test ${test}: expected 1 to 90 percent`);
  if (separator === undefined || /^([^"\r\n]|\\t)$/.test(separator)) return files;
  throw new UsageError(`Cannot use --separator ${JSON.stringify(separator)}: expected one character, and no quote`);
}

function listOf(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

async function readTable(file: string, settings: Settings): Promise<Table> {
  const { classify, skip, categorical, target = -1, header, separator = null } = settings;
  const columns: NonNullable<CsvOptions["columns"]> = Object.fromEntries([
    ...listOf(skip).map((name) => [name, "skip"]),
    ...categorical.map((name) => [name, "categorical"]),
  ]);
  const csv: CsvOptions = {
    ...{ target, columns, separator: separator === "\\t" ? "\t" : separator, ...(header && { header }) },
    skipIncomplete: settings["skip-incomplete"],
    dtype: "float64", // times and other large numbers keep their digits until they are scaled
    onNote: (note) => console.error(`note: ${asFlags(note)}`),
  };
  const table = await read(file, csv);
  if (table.columns.length === 0) {
    throw new RangeError(`Cannot learn ${table.target!.name} of ${file}: there is no other column to learn it from`);
  }
  if (!classify || table.target!.kind === "categorical") return table;
  return await read(file, { ...csv, columns: { ...columns, [table.target!.name]: "categorical" }, onNote: () => {} });
}

async function read(file: string, csv: CsvOptions): Promise<Table> {
  try {
    return await fromCsv(file, csv);
  } catch (error) {
    (error as Error).message = asFlags((error as Error).message);
    throw error;
  }
}

/** What the library advises, in the words of the command line. */
function asFlags(message: string): string {
  return message.replace("skip incomplete rows", "use --skip-incomplete")
    .replace("say that it is categorical or missing", "use --categorical, or leave it empty")
    .replace("say that it is the header if it is", "use --header if it names the columns");
}

/** The numbers of the rows to learn from and to judge by, by chance. */
function split(rows: number, percent: number): [train: Tensor, test: Tensor] {
  const kept = Math.max(1, Math.round((rows * percent) / 100));
  if (rows - kept < 2) throw new RangeError(`Cannot learn from ${rows} rows: there must be 3 at least`);
  const order = randperm(rows);
  return [order.at(`${kept}:`), order.at(`:${kept}`)];
}

function classification({ target, y }: Table, train: Tensor): Task {
  const { name, categories } = target!;
  if (categories.length < 2) throw new RangeError(`Cannot learn ${name}: it has one value only`);
  if (categories.length > MOST_CLASSES * y!.numel()) {
    const found = `${y!.numel()} rows hold ${categories.length} classes, such as ${JSON.stringify(categories[0])}`;
    throw new RangeError(`Cannot learn ${name}: ${found}; write numbers like 1005.5, or choose another --target`);
  }
  const frequent = mostFrequent(y!.index(train), categories.length);
  return {
    loss: nn.functional.crossEntropy,
    metrics: [metrics.accuracy()],
    outputs: categories.length,
    answer: { kind: "categorical", categories },
    targets: (y) => y,
    report: (prediction, y) => {
      const accuracy = metrics.measure(metrics.accuracy(), prediction, y) as number;
      const baseline = y.eq(frequent).sum().item() / y.numel();
      const compared = `always "${categories[frequent]}" would have ${baseline.toFixed(4)}`;
      const report = metrics.classificationReport(prediction, y, categories);
      return { lines: [`accuracy ${accuracy.toFixed(4)}, ${compared}`, "", report], scores: { accuracy, baseline } };
    },
  };
}

function mostFrequent(classes: Tensor, count: number): number {
  const counts = Array.from({ length: count }, (_, c) => classes.eq(c).sum().item());
  return counts.indexOf(Math.max(...counts));
}

function regression({ target, y }: Table, train: Tensor): Task {
  const scale = new TableEncoder([target!], y!.index(train).unsqueeze(1));
  const [{ mean, std }] = scale.columns;
  if (std === 0) throw new RangeError(`Cannot learn ${target!.name}: it has one value only`);
  return {
    loss: nn.functional.mse,
    metrics: [metrics.r2()],
    outputs: 1,
    answer: { kind: "numeric", mean, std },
    targets: (y) => scale.transform(y.unsqueeze(1)),
    report: (prediction, y) => {
      const estimate = prediction.double().mul(std).add(mean).squeeze(1);
      const [mae, mse, r2] = [metrics.mae(), metrics.mse(), metrics.r2()].map((metric) => {
        return metrics.measure(metric, estimate, y) as number;
      });
      const rmse = Math.sqrt(mse);
      const off = `off by ${mae.toPrecision(4)} on average (root mean square ${rmse.toPrecision(4)})`;
      return { lines: [off, `explains ${(100 * r2).toFixed(1)} % of the variance`], scores: { mae, rmse, r2 } };
    },
  };
}

function learnerOf(
  { x, y }: Table,
  encoder: TableEncoder,
  task: Task,
  rows: [train: Tensor, test: Tensor],
  { hidden, epochs }: { hidden: number[]; epochs: number },
): Learner {
  const [train, valid] = rows.map((part) => [encoder.transform(x.index(part)), task.targets(y!.index(part))] as const);
  const loader = new DataLoader(new TensorDataset(...train), { batchSize: 32, shuffle: true });
  const model = network([encoder.width, ...hidden, task.outputs]);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 5e-3, totalSteps: epochs * loader.length });
  return new Learner({
    ...{ model, optimizer, loss: task.loss, metrics: task.metrics ?? [] },
    data: { train: loader, valid: [valid] },
    scheduler: { scheduler: schedule, per: "batch" },
    callbacks: [new ShowProgress({ print: tenLines(epochs) }), new NanWatchdog()],
  });
}

/** Linear layers with ReLU between them. */
function network(sizes: number[]): nn.Sequential {
  const layers = sizes.slice(1).flatMap((out, i) => [new nn.Linear(sizes[i], out), new nn.ReLU()]);
  return new nn.Sequential(...layers.slice(0, -1));
}

/** Prints ten lines of a run and its first: every line of a short one. */
function tenLines(epochs: number): (line: string) => void {
  const step = Math.ceil(epochs / 10);
  let count = 0;
  return (line) => {
    if (++count === 1 || count % step === 0 || count === epochs) console.log(line);
  };
}

await runCommand({
  purpose: "Learn one column of a CSV file from the others.",
  words: [
    "FILE",
    "the table, gzipped if its name ends in .gz; its first record may name the columns, cells may be empty",
  ],
  options,
  permissions: () => [readingVariables("GRADUS_BACKEND")],
  run: main,
});
