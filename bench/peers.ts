/**
 * Times this library beside others on the same work, in turns: `deno task peers [--json] [--only TEXT] [--rounds N]`.
 *
 * A peer that is not installed is left out, and how to install it is said. tfjs and jax-js are looked for in the folder that
 * GRADUS_PEERS names.
 */
import { parseArgs } from "node:util";
import { Peer, type PeerCommand } from "./peers/peer.ts";
import { operations, type Work, WORKS } from "./peers/works.ts";
import { openNative } from "../core/backend/native.ts";

const here = import.meta.dirname!;
const folder = Deno.env.get("GRADUS_PEERS") ?? "peers";
const flags = ["--allow-read", "--allow-write", "--allow-ffi", "--allow-env", "--allow-run=cc", "--allow-sys=cpus"];
const npm = "npm install --ignore-scripts @tensorflow/tfjs @tensorflow/tfjs-backend-wasm @jax-js/jax";
const javascript = (name: string, which: string): PeerCommand => ({
  name,
  command: Deno.execPath(),
  args: ["run", "-A", "--no-config", "--node-modules-dir=manual", `${folder}/js.mjs`, which],
  cwd: folder,
  install: `in a folder outside the project: ${npm}, and name it in GRADUS_PEERS`,
});

const PEERS: readonly PeerCommand[] = [
  { name: "gradus", command: Deno.execPath(), args: ["run", ...flags, `${here}/peers/gradus.ts`], install: "" },
  {
    name: "gradus stage 2",
    command: Deno.execPath(),
    args: ["run", ...flags, `${here}/peers/gradus.ts`, "classes"],
    install: "",
  },
  {
    name: "torch",
    command: "/usr/bin/python3",
    args: [`${here}/peers/pytorch.py`],
    install: "apt-get install --no-install-recommends python3-torch libopenblas0-pthread",
  },
  javascript("tfjs-wasm", "tfjs"),
  javascript("jax-js", "jax"),
];

/** The figures of one piece of work: medians over the rounds, in microseconds. */
type Row = Map<string, number>;

async function start(): Promise<Peer[]> {
  await Deno.copyFile(`${here}/peers/js.mjs`, `${folder}/js.mjs`).catch(() => {});
  const running: Peer[] = [];
  const first = WORKS.find((work) => work.name.startsWith("train step"))!;
  for (const command of PEERS) {
    try {
      const peer = new Peer(command.name, command);
      await peer.time(first);
      running.push(peer);
    } catch {
      console.error(`${command.name} is not here. To install it: ${command.install}`);
    }
  }
  return running;
}

async function measure(peers: readonly Peer[], work: Work, rounds: number): Promise<Row> {
  const times = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      const us = await peer.time(work);
      if (us !== null) times.set(peer.name, [...(times.get(peer.name) ?? []), us]);
    }
  }
  return new Map(Array.from(times, ([name, list]) => [name, median(list)]));
}

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1];
}

/** What one core can do at most, in GFLOP/s, and `null` where no kernel can be compiled. */
function ceiling(): number | null {
  const { peak } = openNative();
  return peak === undefined ? null : Math.max(...Array.from({ length: 5 }, peak));
}

function jsonLines(work: Work, row: Row): string[] {
  const us = row.get("gradus") ?? row.get("gradus stage 2");
  if (us === undefined) return [];
  const gflops = operations(work) / us / 1000;
  return [...row].filter(([name]) => name !== "gradus").map(([peer, peerUs]) =>
    JSON.stringify({
      work: work.name,
      us: round(us),
      gflops: round(gflops),
      peer,
      peerUs: round(peerUs),
      ratio: round(us / peerUs),
    })
  );
}

function round(x: number): number {
  return Number(x.toPrecision(4));
}

function tableLine(work: Work, row: Row, peak: number | null, peers: readonly string[]): string {
  const us = row.get("gradus") ?? NaN;
  const gflops = operations(work) / us / 1000;
  const cells = [
    us.toFixed(1).padStart(10),
    gflops.toFixed(1).padStart(8),
    (peak === null ? "-" : `${((100 * gflops) / peak).toFixed(0)} %`).padStart(6),
    ...peers.flatMap((peer) => {
      const other = row.get(peer);
      return other === undefined
        ? ["-".padStart(10), "".padStart(6)]
        : [other.toFixed(1).padStart(10), (us / other).toFixed(2).padStart(6)];
    }),
  ];
  return work.name.padEnd(48) + cells.join(" ");
}

function header(peers: readonly string[]): string {
  const cells = [
    "µs".padStart(10),
    "GFLOP/s".padStart(8),
    "peak".padStart(6),
    ...peers.flatMap((name) => [name.padStart(10), "ratio".padStart(6)]),
  ];
  return "work".padEnd(48) + cells.join(" ");
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
  },
});
const running = await start();
const others = running.map((peer) => peer.name).filter((name) => name !== "gradus");
const peak = ceiling();
if (!values.json) console.log(`ceiling of one core: ${peak?.toFixed(1) ?? "unknown"} GFLOP/s\n${header(others)}`);
for (const work of WORKS.filter(({ name }) => name.includes(values.only))) {
  const row = await measure(running, work, Number(values.rounds));
  if (values.json) jsonLines(work, row).forEach((line) => console.log(line));
  else console.log(tableLine(work, row, peak, others));
}
for (const peer of running) await peer.stop();
