/**
 * Learns one column of any CSV file from the others, and reports how well.
 *
 *     deno task tabular FILE [--target COLUMN] [--epochs N] [--hidden 64,32] [--out FILE] [--json]
 */
import { parseArgs } from "node:util";
import {
  backend,
  DataLoader,
  Learner,
  type Loss,
  manualSeed,
  type Metric,
  metrics,
  NanWatchdog,
  nn,
  optim,
  randperm,
  ShowProgress,
  type Tensor,
  TensorDataset,
  writeSafetensors,
} from "@gradus/gradus";
import { fromCsv, type Table } from "@gradus/gradus/data";
import { heeding, noteMissing } from "./permissions.ts";
import { INTERRUPTED, requireWritable, runScript, UsageError, wholeNumber } from "./script.ts";
import { type Features, featuresOf } from "./table_features.ts";
import { separatorOf } from "./table_separator.ts";
import { reportClasses, reportNumbers } from "./table_report.ts";

const HELP = `Learn one column of a CSV file from the others.

  FILE             the table: its first record names the columns, or not; empty cells may be there; gzipped if it ends in .gz
  --target COLUMN  the column to predict (the last one); words are classified, numbers are estimated
  --classify       take the target for classes even though it holds numbers
  --skip COLUMNS   columns to leave out, with commas between
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

interface Settings {
  file: string;
  target: string | number;
  classify: boolean;
  skip: string[];
  separator: string | undefined;
  hidden: number[];
  epochs: number;
  test: number;
  seed: number;
  out: string;
  json: boolean;
}

/** What differs between classes and numbers. */
interface Task {
  loss: Loss;
  metrics: Metric[];
  outputs: number;
  /** Targets as the network sees them. */
  targets(y: Tensor): Tensor;
  /** The report on predictions, and the one number that says most. */
  report(prediction: Tensor, y: Tensor, train: Tensor): { lines: string[]; scores: Record<string, number> };
}

async function main(): Promise<number> {
  const settings = readSettings();
  if (settings === null) return 0;
  backend(); // a wish that cannot be met is told before the data are read, and a file that cannot be written before the training
  const table = await readTable(settings);
  await requireWritable(settings.out);
  noteMissing([heeding("GRADUS_BACKEND")]);
  manualSeed(settings.seed);
  const [train, test] = split(table, settings.test);
  const features = featuresOf(table, table.x.index(train));
  const task = taskOf(table, table.y!.index(train));
  console.log(`${table.x.shape[0]} rows, ${train.numel()} to learn from and ${test.numel()} to judge by`);
  for (const line of features.describe()) console.log(`  ${line}`);
  console.log(`to predict: ${table.target!.name}, ${task.outputs > 1 ? `${task.outputs} classes` : "a number"}\n`);

  const learner = build(table, features, task, [train, test], settings);
  const { outcome, reason } = await learner.fit(settings.epochs);
  if (outcome === "stopped") console.log(`ended by ${reason}`);
  const { model } = learner;
  await writeSafetensors(settings.out, model.stateDict());

  const prediction = predict(model, features.of(table.x.index(test)));
  const { lines, scores } = task.report(prediction, table.y!.index(test), table.y!.index(train));
  console.log(["", ...lines, "", `weights saved in ${settings.out}`].join("\n"));
  const counts = { rows: table.x.shape[0], train: train.numel(), test: test.numel(), features: features.width };
  if (settings.json) {
    console.log(JSON.stringify({ target: table.target!.name, ...counts, epochs: learner.epoch, ...scores }));
  }
  return reason === "Ctrl-C" ? INTERRUPTED : 0;
}

async function readTable(settings: Settings): Promise<Table> {
  const { file, target, classify, skip } = settings;
  const columns = Object.fromEntries(skip.map((name) => [name, "skip" as const]));
  const separator = settings.separator ?? await separatorOf(file);
  const table = await fromCsv(file, { target, columns, separator });
  if (table.columns.length === 0) {
    throw new RangeError(`Cannot learn ${table.target!.name} of ${file}: there is no other column to learn it from`);
  }
  if (!classify || table.target!.kind === "categorical") return table;
  return await fromCsv(file, { target, columns: { ...columns, [table.target!.name]: "categorical" }, separator });
}

function split({ x }: Table, percent: number): [train: Tensor, test: Tensor] {
  const rows = x.shape[0];
  const kept = Math.max(1, Math.round((rows * percent) / 100));
  if (rows - kept < 2) throw new RangeError(`Cannot learn from ${rows} rows: there must be 3 at least`);
  const order = randperm(rows);
  return [order.slice(0, kept), order.slice(0, 0, kept)];
}

function taskOf({ target }: Table, train: Tensor): Task {
  if (target!.kind === "categorical") {
    const names = target!.categories;
    if (names.length < 2) throw new RangeError(`Cannot learn ${target!.name}: it has one value only`);
    return {
      loss: nn.functional.crossEntropy,
      metrics: [metrics.accuracy()],
      outputs: names.length,
      targets: (y) => y,
      report: (prediction, y, trained) => reportClasses(prediction, y, trained, names),
    };
  }
  const [mean, std] = [train.mean().item(), train.std(undefined, false, 0).item() || 1];
  return {
    loss: nn.functional.mse,
    metrics: [metrics.r2()],
    outputs: 1,
    targets: (y) => y.sub(mean).div(std).unsqueeze(1),
    report: (prediction, y) => reportNumbers(prediction.mul(std).add(mean).squeeze(1), y),
  };
}

function build({ x, y }: Table, features: Features, task: Task, rows: [Tensor, Tensor], settings: Settings): Learner {
  const [train, valid] = rows.map((part) => [features.of(x.index(part)), task.targets(y!.index(part))] as const);
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
    callbacks: [new ShowProgress({ print: everyTenth() }), new NanWatchdog()],
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

/** Prints the first line and each tenth. */
function everyTenth(): (line: string) => void {
  let count = 0;
  return (line) => {
    if (++count === 1 || count % 10 === 0) console.log(line);
  };
}

function predict(model: nn.Module, x: Tensor): Tensor {
  return model.eval().requiresGrad_(false).call(x);
}

function readSettings(): Settings | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: "string" },
      classify: { type: "boolean", default: false },
      skip: { type: "string", default: "" },
      separator: { type: "string" },
      hidden: { type: "string", default: "64,32" },
      epochs: { type: "string", default: "60" },
      test: { type: "string", default: "20" },
      seed: { type: "string", default: "42" },
      out: { type: "string", default: "tabular.safetensors" },
      json: { type: "boolean", default: false },
      "require-permissions": { type: "boolean", default: false },
      debug: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return null;
  }
  if (positionals.length !== 1) throw new UsageError(`Cannot read ${positionals.length} files: name one CSV file`);
  const test = wholeNumber("test", values.test, 1);
  if (test > 90) throw new UsageError(`Cannot use --test ${test}: expected 1 to 90 percent`);
  const list = (text: string) => text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return {
    ...values,
    file: positionals[0],
    target: values.target ?? -1,
    skip: list(values.skip),
    separator: values.separator,
    hidden: list(values.hidden).map((size) => wholeNumber("hidden", size, 1)),
    epochs: wholeNumber("epochs", values.epochs, 1),
    test,
    seed: wholeNumber("seed", values.seed),
  };
}

await runScript(main, () => [heeding("GRADUS_BACKEND")]);
