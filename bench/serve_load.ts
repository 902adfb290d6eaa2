/**
 * Asks `serve` 200 times a second for 30 s while a network learns in the same process, and prints how long the answers took:
 *
 *     deno run -A bench/serve_load.ts [--rate N] [--seconds N] [--json]
 *
 * Whoever asks is a process of its own. Each answer is compared with what the model says to the same record at rest.
 */
import { backendName, Generator, manualSeed, nn, optim } from "@gradus/gradus";
import { DataLoader, TableSchema, TensorDataset } from "@gradus/gradus/data";
import { Learner } from "@gradus/gradus/train";
import { runProgram, type Values } from "../cli/command_line.ts";
import { handlerOf } from "../cli/serve.ts";

const options = {
  rate: { value: "N", least: 1, default: 200, help: "requests a second" },
  seconds: { value: "N", least: 1, default: 30, help: "how long" },
  ask: { value: "URL", help: "what the process that asks is told" },
  json: { help: "one JSON object instead" },
} as const;

const CITIES = ["Graz", "Wien", "Linz", "Brno", "Zurich"];
const ROWS = 20_000;
const RECORDS = 100;

/** Milliseconds of each answer, and how many were not what was expected. */
interface Answers {
  readonly milliseconds: number[];
  readonly wrong: number;
}

function table(): { area: number; city: string; rooms: number; price: number }[] {
  const g = new Generator(5);
  return Array.from({ length: ROWS }, () => {
    const [area, rooms, at] = [30 + 100 * g.nextFloat(), 1 + Math.floor(4 * g.nextFloat()), g.nextFloat()];
    const city = Math.floor(CITIES.length * at);
    return { area, rooms, city: CITIES[city], price: 10 * area + 40 * rooms + 100 * city };
  });
}

/** Asks at an even rate, whether or not the answers come, so that one that is late makes others late too. */
async function ask(url: string, rate: number, seconds: number): Promise<Answers> {
  const records = table().slice(0, RECORDS).map(({ price: _, ...record }) => record);
  const expected = await Promise.all(records.map((record) => answerTo(url, record)));
  const milliseconds: number[] = [], pending: Promise<void>[] = [];
  let wrong = 0;
  const start = performance.now();
  for (let i = 0; i < rate * seconds; i++) {
    const due = start + 1000 * i / rate;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    pending.push(
      answerTo(url, records[i % RECORDS]).then((answer) => {
        milliseconds.push(performance.now() - due);
        if (answer !== expected[i % RECORDS]) wrong++;
      }),
    );
  }
  await Promise.all(pending);
  return { milliseconds, wrong };
}

async function answerTo(url: string, record: Record<string, unknown>): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(record) });
  return `${response.status} ${await response.text()}`;
}

/** A process that asks, and what it found. */
async function asked(url: string, { rate, seconds }: { rate: number; seconds: number }): Promise<Answers> {
  const { pathname } = new URL(import.meta.url);
  const args = ["run", "-q", "-A", pathname, "--ask", url, "--rate", `${rate}`, "--seconds", `${seconds}`];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function main({ rate, seconds, ask: url, json }: Values<typeof options>): Promise<void> {
  if (url !== undefined) return console.log(JSON.stringify(await ask(url, rate, seconds)));
  const rows = table(), schema = await TableSchema.fit(rows, { target: "price" });
  manualSeed(1);
  const served = new nn.TabularModel(schema.features, schema.outputs, { hidden: [64, 32] }).eval();
  const handler = handlerOf({ schema, model: served }, { bytes: 10_000, seconds: 5 });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const where = `http://127.0.0.1:${server.addr.port}/predict`;
  const quiet = await asked(where, { rate, seconds: Math.min(seconds, 5) });

  const { x, y } = await schema.read(rows);
  const model = new nn.TabularModel(schema.features, schema.outputs, { hidden: [64, 32] });
  const train = new DataLoader(new TensorDataset(x, schema.toTargets(y!)), { batchSize: 32, shuffle: true });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  let isOver = false;
  const callbacks = [{ afterStep: (learner: Learner) => void (isOver && learner.stop("the measurement")) }];
  const learner = new Learner({ model, optimizer, loss: nn.functional.mse, data: { train }, callbacks });
  const start = performance.now(), learned = learner.fit(1_000_000);
  const busy = await asked(where, { rate, seconds });
  isOver = true;
  await learned;
  const steps = Math.round(learner.step / ((performance.now() - start) / 1000));
  await server.shutdown();
  const facts = { backend: backendName(), rate, seconds, quiet: figures(quiet), busy: figures(busy), steps };
  console.log(json ? JSON.stringify(facts) : linesOf(facts));
}

function figures({ milliseconds, wrong }: Answers) {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { answers: sorted.length, wrong, p50: at(0.5), p99: at(0.99), most: sorted.at(-1)! };
}

type Figures = ReturnType<typeof figures>;

function linesOf({ backend, rate, quiet, busy, steps }: {
  backend: string;
  rate: number;
  quiet: Figures;
  busy: Figures;
  steps: number;
}): string {
  const line = (what: string, { answers, wrong, p50, p99, most }: Figures) =>
    `${what.padEnd(16)}${`${answers}`.padStart(6)} answers, ${wrong} wrong, ms: ` +
    `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, most ${most.toFixed(1)}`;
  return [
    `${rate} requests a second on ${backend}`,
    line("at rest", quiet),
    line("while it learns", busy),
    `${steps} steps of 32 rows a second beside them`,
  ].join("\n");
}

await runProgram({ purpose: "Measure how long serve takes to answer while a network learns.", options, run: main });
