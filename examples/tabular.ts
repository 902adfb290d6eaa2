/**
 * Learns one column of any CSV file from the others, and reports how well.
 *
 *     deno task tabular FILE [--target COLUMN] [--skip-incomplete] [--categorical COLUMN] [--epochs N] [--out FILE] [--json]
 */
import { backendName, manualSeed, nn, optim, randperm, type Tensor } from "@gradus/gradus";
import { writeSafetensors } from "@gradus/gradus/io";
import { Learner, type Loss, type Metric, metrics, NanWatchdog, ShowProgress } from "@gradus/gradus/train";
import { type CsvOptions, DataLoader, fromCsv, type Table, TableEncoder, TensorDataset } from "@gradus/gradus/data";
import { heeding, noteMissing } from "./permissions.ts";
import { INTERRUPTED, requireWritable, runScript } from "./script.ts";
import { reportClasses, reportNumbers } from "./table_report.ts";
import { readSettings, type Settings } from "./table_settings.ts";

/** More classes than this part of the rows cannot be learned: hardly any is seen twice. */
const MOST_CLASSES = 0.9;

/** What differs between classes and numbers. */
interface Task {
  loss: Loss;
  metrics: Metric[];
  outputs: number;
  /** What turns an output into an answer, for the weights' file. */
  answer: { kind: "numeric"; mean: number; std: number } | { kind: "categorical"; categories: readonly string[] };
  /** Targets as the network sees them. */
  targets(y: Tensor): Tensor;
  /** The report on predictions, and the one number that says most. */
  report(prediction: Tensor, y: Tensor, train: Tensor): { lines: string[]; scores: Record<string, number> };
}

async function main(): Promise<number> {
  const settings = readSettings();
  if (settings === null) return 0;
  backendName(); // a wish that cannot be met is told before the data are read, and a file that cannot be written before the training
  const table = await readTable(settings);
  await requireWritable(settings.out);
  noteMissing([heeding("GRADUS_BACKEND")]);
  manualSeed(settings.seed);
  const [train, test] = split(table, settings.test);
  const features = new TableEncoder(table.columns, table.x.index(train));
  const task = taskOf(table, table.y!.index(train));
  console.log(`${table.x.shape[0]} rows, ${train.numel()} to learn from and ${test.numel()} to judge by`);
  for (const line of features.describe()) console.log(`  ${line}`);
  console.log(`to predict: ${table.target!.name}, ${task.outputs > 1 ? `${task.outputs} classes` : "a number"}\n`);

  const learner = build(table, features, task, [train, test], settings);
  const { outcome, reason } = await learner.fit(settings.epochs);
  if (outcome === "stopped") console.log(`ended by ${reason}`);
  const { model } = learner;
  const tabular = { target: { name: table.target!.name, ...task.answer }, columns: features.columns };
  await writeSafetensors(settings.out, model.stateDict(), { tabular: JSON.stringify(tabular) });

  const prediction = predict(model, features.transform(table.x.index(test)));
  const { lines, scores } = task.report(prediction, table.y!.index(test), table.y!.index(train));
  console.log(["", ...lines, "", `weights saved in ${settings.out}`].join("\n"));
  const counts = { rows: table.x.shape[0], train: train.numel(), test: test.numel(), features: features.width };
  if (settings.json) {
    console.log(JSON.stringify({ target: table.target!.name, ...counts, epochs: learner.epoch, ...scores }));
  }
  return reason === "Ctrl-C" ? INTERRUPTED : 0;
}

async function readTable(settings: Settings): Promise<Table> {
  const { file, classify, skip, categorical } = settings;
  const columns: NonNullable<CsvOptions["columns"]> = Object.fromEntries([
    ...skip.map((name) => [name, "skip"]),
    ...categorical.map((name) => [name, "categorical"]),
  ]);
  const separator = settings.separator ?? null;
  const table = await read(settings, { columns, separator, onNote: (note) => console.error(`note: ${asFlags(note)}`) });
  if (table.columns.length === 0) {
    throw new RangeError(`Cannot learn ${table.target!.name} of ${file}: there is no other column to learn it from`);
  }
  if (!classify || table.target!.kind === "categorical") return table;
  return await read(settings, { columns: { ...columns, [table.target!.name]: "categorical" }, separator });
}

/** Reads in float64, so that times and other large numbers keep their digits until they are scaled. */
async function read({ file, target, skipIncomplete, header }: Settings, options: CsvOptions): Promise<Table> {
  try {
    return await fromCsv(file, { target, skipIncomplete, dtype: "float64", ...(header && { header }), ...options });
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

function split({ x }: Table, percent: number): [train: Tensor, test: Tensor] {
  const rows = x.shape[0];
  const kept = Math.max(1, Math.round((rows * percent) / 100));
  if (rows - kept < 2) throw new RangeError(`Cannot learn from ${rows} rows: there must be 3 at least`);
  const order = randperm(rows);
  return [order.slice(0, kept), order.slice(0, 0, kept)];
}

function taskOf({ target, y: all }: Table, train: Tensor): Task {
  if (target!.kind === "categorical") {
    const names = target!.categories;
    if (names.length < 2) throw new RangeError(`Cannot learn ${target!.name}: it has one value only`);
    if (names.length > MOST_CLASSES * all!.numel()) {
      const found = `${all!.numel()} rows hold ${names.length} classes, such as ${JSON.stringify(names[0])}`;
      throw new RangeError(
        `Cannot learn ${target!.name}: ${found}; write numbers like 1005.5, or choose another --target`,
      );
    }
    return {
      loss: nn.functional.crossEntropy,
      metrics: [metrics.accuracy()],
      outputs: names.length,
      answer: { kind: "categorical", categories: names },
      targets: (y) => y,
      report: (prediction, y, trained) => reportClasses(prediction, y, trained, names),
    };
  }
  const { mean, std } = new TableEncoder([target!], train.unsqueeze(1)).columns[0];
  if (std === 0) throw new RangeError(`Cannot learn ${target!.name}: it has one value only`);
  return {
    loss: nn.functional.mse,
    metrics: [metrics.r2()],
    outputs: 1,
    answer: { kind: "numeric", mean, std },
    targets: (y) => y.sub(mean).div(std).float().unsqueeze(1),
    report: (prediction, y) => reportNumbers(prediction.double().mul(std).add(mean).squeeze(1), y),
  };
}

function build(
  { x, y }: Table,
  features: TableEncoder,
  task: Task,
  rows: [Tensor, Tensor],
  settings: Settings,
): Learner {
  const [train, valid] = rows.map((part) => [features.transform(x.index(part)), task.targets(y!.index(part))] as const);
  const loader = new DataLoader(new TensorDataset(...train), { batchSize: 32, shuffle: true });
  const model = network([features.width, ...settings.hidden, task.outputs]);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const totalSteps = Math.max(1, settings.epochs * loader.length);
  return new Learner({
    model,
    optimizer,
    loss: task.loss,
    data: { train: loader, valid: [valid] },
    metrics: task.metrics,
    scheduler: { scheduler: new optim.OneCycleLR(optimizer, { maxLr: 5e-3, totalSteps }), per: "batch" },
    callbacks: [new ShowProgress({ print: tenLines(settings.epochs) }), new NanWatchdog()],
  });
}

/** Linear layers with ReLU between them. */
function network(sizes: number[]): nn.Sequential {
  const layers = sizes.slice(1).flatMap((out, i) => {
    const linear = new nn.Linear(sizes[i], out);
    return i === sizes.length - 2 ? [linear] : [linear, new nn.ReLU()];
  });
  return new nn.Sequential(...layers);
}

/** Prints ten lines of a run and its first: every line of a short one. */
function tenLines(epochs: number): (line: string) => void {
  const step = Math.ceil(epochs / 10);
  let count = 0;
  return (line) => {
    if (++count === 1 || count % step === 0 || count === epochs) console.log(line);
  };
}

function predict(model: nn.Module, x: Tensor): Tensor {
  return model.eval().requiresGrad_(false).call(x);
}

await runScript(main, () => [heeding("GRADUS_BACKEND")]);
