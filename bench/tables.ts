/**
 * Reads and learns a CSV file of 1,000,000 rows, and prints rows a second beside PapaParse and pandas, and the memory of training:
 *
 *     deno run -A bench/tables.ts [--rows N] [--rounds N] [--json]
 *
 * Each reading is a process of its own, in turns; what is timed is the reading alone, into typed arrays or a data frame. A peer that is
 * not installed is left out. The sums of the first column must agree.
 */
import { TableSchema } from "@gradus/gradus/data";
import { runProgram, type Values } from "../cli/command_line.ts";
import { tabular } from "../cli/tabular.ts";

const options = {
  rows: { value: "N", least: 100, default: 1_000_000, help: "rows of the table" },
  rounds: { value: "N", least: 1, default: 3, help: "how often each reads it, in turns; medians are told" },
  as: { value: "PART", help: "what a process of its own does" },
  file: { value: "FILE", help: "the table that it reads" },
  json: { help: "one JSON object instead" },
} as const;

const NUMBERS = 17;
const CITIES = ["Wien", "Graz", "Linz", "Brno", "Bern", "Chur", "Ulm", "Bonn"];
const ROWS_A_WRITE = 10_000;

/** What a reading gives: its seconds, its rows and the sum of the first column. */
interface Reading {
  readonly seconds: number;
  readonly rows: number;
  readonly sum: number;
}

const PANDAS = `
import json, sys, time
import pandas
start = time.perf_counter()
frame = pandas.read_csv(sys.argv[1])
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "rows": len(frame), "sum": float(frame["n0"].sum())}))
`;

/** Numbers that anybody can draw again: a linear congruential generator (Numerical Recipes). */
function* draws(): Generator<number, never> {
  for (let state = 1;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

async function writeTable(path: string, rows: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const names = Array.from({ length: NUMBERS }, (_, i) => `n${i}`), random = draws(), encoder = new TextEncoder();
  let text = `${[...names, "city", "price"].join(",")}\n`;
  for (let row = 0; row < rows; row++) {
    const cells = names.map((_, i) =>
      i % 2 === 0 ? random.next().value.toFixed(2) : (100 * random.next().value).toFixed(1)
    );
    const city = Math.floor(CITIES.length * random.next().value);
    const price = 300 * Number(cells[0]) + Number(cells[1]) - Number(cells[3]) + 20 * city;
    text += `${cells.join(",")},${CITIES[city]},${price.toFixed(2)}\n`;
    if (row % ROWS_A_WRITE !== ROWS_A_WRITE - 1 && row < rows - 1) continue;
    await new Blob([encoder.encode(text)]).stream().pipeTo(file.writable, { preventClose: true });
    text = "";
  }
}

async function timed(read: () => Promise<{ rows: number; sum: number }>): Promise<Reading> {
  const start = performance.now();
  const { rows, sum } = await read();
  return { seconds: (performance.now() - start) / 1000, rows, sum };
}

/** Reads by a schema that knows the columns already, as `tabular predict` does. */
async function readHere(file: string): Promise<Reading> {
  const schema = await TableSchema.fit(file, { target: "price" });
  return await timed(async () => {
    const { x } = await schema.read(file), n0 = schema.columns[0] as { mean: number; std: number };
    const first = x.select(1, schema.featureNames.indexOf("n0")).double();
    return { rows: x.shape[0], sum: first.sum().item() * n0.std + n0.mean * x.shape[0] };
  });
}

async function fitHere(file: string): Promise<Reading> {
  return await timed(async () => {
    const { rows, columns } = await TableSchema.fit(file, { target: "price" });
    return { rows, sum: (columns[0] as { mean: number }).mean * rows };
  });
}

/** PapaParse as its manual has it for large files: row by row in steps, numbers told by `dynamicTyping`, kept in typed arrays. */
async function readByPapa(file: string): Promise<Reading> {
  const { default: Papa } = await import("papaparse");
  return await timed(async () => {
    const columns = Array.from({ length: NUMBERS + 2 }, () => new Float32Array(1_000_000));
    const codes = new Map<string, number>();
    let rows = -1, sum = 0;
    const step = ({ data }: { data: (string | number)[] }) => {
      if (++rows === 0) return; // the header
      data.forEach((cell, i) => {
        if (typeof cell === "string") {
          if (!codes.has(cell)) codes.set(cell, codes.size);
          columns[i][rows - 1] = codes.get(cell)!;
        } else columns[i][rows - 1] = cell;
      });
      sum += data[0] as number;
    };
    Papa.parse(await Deno.readTextFile(file), { dynamicTyping: true, skipEmptyLines: true, step });
    return { rows, sum };
  });
}

/** Trains for one epoch, and prints the most memory while it does. */
async function train(file: string): Promise<void> {
  const { log } = console;
  let most = 0, isTraining = false;
  const watch = setInterval(() => {
    if (isTraining) most = Math.max(most, Deno.memoryUsage().rss);
  }, 20);
  console.log = (line: string) => {
    if (line.startsWith("to predict: ")) isTraining = true; // which is printed when the table has been read
    if (line.startsWith("epoch ")) isTraining = false;
  };
  const start = performance.now();
  await tabular([file, "--epochs", "1", "--out", `${file}.model`]);
  console.log = log;
  clearInterval(watch);
  console.log(JSON.stringify({ most, seconds: (performance.now() - start) / 1000 }));
}

const READERS: Readonly<Record<string, (file: string) => Promise<Reading>>> = {
  "TableSchema.read()": readHere,
  "TableSchema.fit()": fitHere,
  PapaParse: readByPapa,
};

/** What a process prints as JSON; `null` where it fails, as a peer that is not installed does. */
async function saidBy<T>(program: string, args: readonly string[]): Promise<T | null> {
  const { success, stdout } = await new Deno.Command(program, { args: [...args], stderr: "null" }).output()
    .catch(() => ({ success: false, stdout: new Uint8Array() }));
  return success ? JSON.parse(new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!) : null;
}

async function main({ rows, rounds, as: part, file, json }: Values<typeof options>): Promise<void> {
  if (part === "train") return await train(file!);
  if (part !== undefined) return console.log(JSON.stringify(await READERS[part](file!)));
  const folder = await Deno.makeTempDir();
  try {
    await compare(`${folder}/table.csv`, rows, rounds, json);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compare(path: string, rows: number, rounds: number, json: boolean): Promise<void> {
  await writeTable(path, rows);
  const { pathname } = new URL(import.meta.url);
  const own = (as: string) => ["run", "-q", "-A", "--no-check", pathname, "--as", as, "--file", path];
  const programs: [name: string, program: string, args: string[]][] = [
    ...Object.keys(READERS).map((name): [string, string, string[]] => [name, Deno.execPath(), own(name)]),
    ["pandas", "/usr/bin/python3", ["-c", PANDAS, path]],
  ];
  const readings = new Map<string, Reading[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, program, args] of programs) {
      const reading = await saidBy<Reading>(program, args);
      if (reading !== null) readings.set(name, [...readings.get(name) ?? [], reading]);
    }
  }
  requireSame(readings);
  const speeds = [...readings].map(([name, all]): [string, number] => [
    name,
    Math.round(rows / median(all.map(({ seconds }) => seconds))),
  ]);
  const training = await saidBy<{ most: number; seconds: number }>(Deno.execPath(), own("train"));
  const { size } = await Deno.stat(path), tensors = rows * (4 * (NUMBERS + 1) + 8);
  const facts = { rows, bytes: size, rowsPerSecond: Object.fromEntries(speeds), tensors, training };
  if (json) return console.log(JSON.stringify(facts));
  console.log(`${rows} rows, ${Math.round(size / 1e6)} MB`);
  for (const [name, speed] of speeds) console.log(`${name.padEnd(20)}${`${speed}`.padStart(9)} rows/s`);
  for (const [name] of programs) if (!readings.has(name)) console.log(`${name.padEnd(20)}not installed`);
  if (training === null) return;
  const [most, held] = [training.most, tensors].map((bytes) => Math.round(bytes / 1e6));
  console.log(
    `training for an epoch: ${most} MB, ${(training.most / tensors).toFixed(2)} times its tensors of ${held} MB`,
  );
}

/** Refuses figures of readers that did not read the same. */
function requireSame(readings: ReadonlyMap<string, readonly Reading[]>): void {
  const all = [...readings].flatMap(([name, list]) => list.map(({ rows, sum }) => ({ name, rows, sum })));
  const [first] = all;
  // Rows that were scaled are float32: half a step of 2^-24 for each of them.
  const odd = all.find(({ rows, sum }) => rows !== first.rows || Math.abs(sum - first.sum) > 2 ** -24 * 4 * rows);
  if (odd !== undefined) throw new Error(`Cannot compare: ${JSON.stringify(odd)} is not ${JSON.stringify(first)}`);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

await runProgram({
  purpose: "Measure how fast tables are read, and how much memory training takes.",
  options,
  run: main,
});
