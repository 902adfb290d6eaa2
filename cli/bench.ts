/**
 * `bench`: how fast the networks of `train` learn and answer on this machine, on pictures that are drawn here.
 *
 *     bench [--model mlp|lenet|resnet] [--rounds N] [--json]
 */
import { digits, normalizationOf, normalizer } from "../datasets/data.ts";
import { backendName, backendReason, manualSeed, nn, noGrad, optim, type Tensor } from "../mod.ts";
import { runCommand, type Values } from "./command_line.ts";
import { type NetworkName, NETWORKS } from "./networks.ts";
import { compilingKernel, noteMissing, readingEnvironment } from "./permissions.ts";

const options = {
  model: { value: "NAME", choices: Object.keys(NETWORKS), help: "one of the networks; without it all" },
  rounds: { value: "N", least: 1, default: 7, help: "how often each is timed, in turns; medians are told" },
  json: { help: "one JSON object instead" },
} as const;

const BATCH = 64;
const STEPS = 10;
const ANSWERS = 20;

/** What is timed of a network. */
interface Trial {
  readonly name: NetworkName;
  readonly model: nn.Sequential;
  readonly step: () => number;
  readonly answer: () => void;
}

/** The speed of a network. */
interface Speed {
  /** Pictures learned from in a second, in batches of 64. */
  readonly imagesPerSecond: number;
  /** Microseconds for the answer to one picture. */
  readonly answer: number;
}

function trialOf(name: NetworkName, x: Tensor, y: Tensor): Trial {
  manualSeed(42);
  const { make, shape } = NETWORKS[name], model = make();
  const batch = x.view(-1, ...shape), one = batch.slice(0, 0, 1);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  return {
    ...{ name, model },
    step() {
      const loss = nn.functional.crossEntropy(model.call(batch), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss.item();
    },
    answer: () => void noGrad(() => model.call(one)),
  };
}

/** Refuses to time a network that does not learn its batch. */
function requireLearning(trial: Trial): void {
  const losses = Array.from({ length: 30 }, trial.step);
  if (losses[29] < losses[0]) return;
  throw new Error(`Cannot time ${trial.name}: its loss goes from ${losses[0]} to ${losses[29]}`);
}

function secondsOf(work: () => void, times: number): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) work();
  return (performance.now() - start) / 1000 / times;
}

function main({ model, rounds, json }: Values<typeof options>): void {
  noteMissing(readingEnvironment());
  const { images, labels } = digits({ train: BATCH, test: 1, seed: 1 }).train;
  const x = normalizer(normalizationOf(images))(images);
  const names = Object.keys(NETWORKS).filter((name) => model === undefined || name === model) as NetworkName[];
  const trials = names.map((name) => trialOf(name, x, labels));
  trials.forEach(requireLearning);
  const times = trials.map(() => ({ step: [] as number[], answer: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    trials.forEach(({ model, step, answer }, i) => {
      model.train();
      times[i].step.push(secondsOf(step, STEPS));
      model.eval();
      times[i].answer.push(secondsOf(answer, ANSWERS));
    });
  }
  const speeds = Object.fromEntries(trials.map(({ name }, i): [string, Speed] => [name, {
    imagesPerSecond: Math.round(BATCH / median(times[i].step)),
    answer: Math.round(1e7 * median(times[i].answer)) / 10,
  }]));
  console.log(json ? JSON.stringify({ backend: backendName(), ...speeds }) : linesOf(speeds));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

function linesOf(speeds: Readonly<Record<string, Speed>>): string {
  const lines = Object.entries(speeds).map(([name, { imagesPerSecond, answer }]) =>
    `${name.padEnd(8)}${`${imagesPerSecond}`.padStart(9)} images/s learned${
      answer.toFixed(1).padStart(10)
    } µs an answer`
  );
  return [`back end ${backendName()} (${backendReason()})`, ...lines].join("\n");
}

/** Runs `bench`, and gives its exit code. */
export async function bench(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Time how fast the networks of train learn in batches of 64, and answer one picture.",
    options,
    permissions: () => [...readingEnvironment(), compilingKernel()],
    run: main,
  }, args);
}
