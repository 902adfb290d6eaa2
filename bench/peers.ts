/**
 * Times this library beside others on the same workloads, in turns:
 *
 *     deno task peers [--json] [--only TEXT] [--rounds N]
 *     deno task peers --race --data DIR        MNIST to 97.5 % accuracy, whole programs
 *
 * A peer that does not run is left out, with the reason and how to install it. tfjs, jax-js and onnxruntime-node are looked for in the
 * folder that GRADUS_PEERS names, PyTorch with the interpreter that GRADUS_PYTHON names; PyTorch on a slow BLAS is not timed.
 */
import { backendName, backendReason } from "@gradus/gradus";
import { openNative } from "../core/backend/native/native.ts";
import { commandsOf, FLAGS } from "./peers/commands.ts";
import { coldStart } from "./peers/cold_start.ts";
import { memoryGrowth } from "./peers/memory_growth.ts";
import type { Peer, PeerCommand } from "./peers/peer.ts";
import { startPeers } from "./peers/peer.ts";
import { race, raceLine } from "./peers/race.ts";
import { measure, type Row } from "./peers/rounds.ts";
import { header, jsonLine, jsonLines, meansLine, tableLine } from "./peers/table.ts";
import { LENET_STEP, PREDICTIONS, RESNET_STEP } from "./peers/image_workloads.ts";
import { writeNetworks } from "./peers/networks.ts";
import { type Kind, MEMORY_BOUND, product, type Workload, WORKLOADS } from "./peers/workloads.ts";
import { runProgram, UsageError } from "../cli/command_line.ts";

const folder = Deno.env.get("GRADUS_PEERS") ?? "peers";
const commands = commandsOf(folder, Deno.env.get("GRADUS_PYTHON") ?? "/usr/bin/python3");
const { peak = null } = openNative();
const PARTS = ["used memory", "two threads", "wasm", "onnxruntime", "growth", "cold start"];
const WARM_UP = product(64, 64, 64);

const printError = console.error;

/** What the command line asks for. */
interface Options {
  readonly json: boolean;
  readonly only: string;
  readonly rounds: number;
  /** Prints a line for people: with `--json` on standard error. */
  readonly print: (line: string) => void;
}

/** Times workloads in these peers and prints each when it is done; the first peer is compared with the others. */
async function compare(
  options: Options,
  commands: readonly PeerCommand[],
  workloads: readonly Workload[],
): Promise<void> {
  const peers = await startPeers(commands, WARM_UP, printError);
  try {
    await compareRunning(options, commands[0].name, peers, workloads);
  } finally {
    await Promise.all(peers.map((peer: Peer) => peer.stop()));
  }
}

async function compareRunning(
  { json, rounds, print }: Options,
  us: string,
  peers: Peer[],
  workloads: readonly Workload[],
): Promise<void> {
  const others = peers.map(({ name }) => name).filter((name) => name !== us);
  const requireUs = () => {
    if (peers[0]?.name !== us) throw new Error(`Cannot compare: ${us} does not run`);
  };
  requireUs();
  print(header(us, others));
  const rows: Row[] = [];
  for (const workload of workloads) {
    const row = await measure(peers, workload, rounds, peak, printError);
    requireUs();
    rows.push(row);
    if (json) jsonLines(us, row, others).forEach((line) => console.log(line));
    else console.log(tableLine(us, row, others));
  }
  printMeans(print, us, rows, others);
}

function printMeans(print: Options["print"], us: string, rows: readonly Row[], others: readonly string[]): void {
  const groups: [Kind, string][] = [
    ["matmul", "matmul"],
    ["step", "training steps"],
    ["convolution", "convolutions"],
    ["network", "networks for images"],
    ["tensor", "other operations"],
  ];
  for (const [kind, title] of groups) {
    const group = rows.filter(({ workload }) => workload.kind === kind);
    if (group.length > 1) print(meansLine(title, us, group, others));
  }
}

async function printColdStart({ json, print }: Options): Promise<void> {
  const { empty, gradus } = await coldStart(FLAGS);
  const over = (gradus - empty).toFixed(0);
  if (json) console.log(jsonLine("cold start, import and one matmul", gradus * 1e3, 0, "empty program", empty * 1e3));
  else print(`cold start: ${gradus.toFixed(0)} ms, an empty program ${empty.toFixed(0)} ms: ${over} ms over it`);
}

/** Times the same networks in this library and, from the files that it writes, in ONNX Runtime; and those that tfjs has. */
async function comparePredictions(options: Options): Promise<void> {
  const models = await Deno.makeTempDir();
  try {
    await writeNetworks(models, PREDICTIONS.map(({ network }) => network));
    await compare(options, [commands.gradus, commands.onnx(models), commands.tfjs], PREDICTIONS);
  } finally {
    await Deno.remove(models, { recursive: true });
  }
}

async function compareAll(options: Options): Promise<void> {
  const { only, print } = options;
  const { gradus, classes, usedMemory, twoThreads, wasm, torch, tfjs, jax } = commands;
  const wanted = (name: string) => name.includes(only);
  if (![...WORKLOADS.map(({ name }) => name), ...PARTS].some(wanted)) {
    throw new UsageError(`Cannot find --only ${only}: neither a workload nor a part has it in its name`);
  }
  print(`back end: ${backendName()} (${backendReason()})`);
  if (peak !== null) {
    print(`peak of one core just now: ${Math.max(...Array.from({ length: 9 }, peak)).toFixed(1)} GFLOP/s`);
  }
  const workloads = WORKLOADS.filter(({ name }) => wanted(name));
  if (workloads.length > 0) await compare(options, [gradus, classes, torch, tfjs, jax], workloads);
  if (wanted("used memory")) await compare(options, [usedMemory, gradus, torch], MEMORY_BOUND);
  if (wanted("two threads")) await compare(options, [twoThreads, gradus], [product(1024, 1024, 1024), RESNET_STEP]);
  if (wanted("wasm")) {
    await compare(options, [wasm, tfjs], [product(512, 512, 512), LENET_STEP]);
    print("tfjs cannot train convolutions in WebAssembly: its time of LeNet is that of the forward pass alone");
  }
  if (wanted("onnxruntime")) await comparePredictions(options);
  if (wanted("growth")) print(await memoryGrowth(FLAGS));
  if (wanted("cold start")) await printColdStart(options);
}

async function printRace(data: string | undefined, json: boolean): Promise<void> {
  if (data === undefined) {
    throw new UsageError("Cannot race without data: name the folder of MNIST's files with --data");
  }
  const result = await race(data, commands.torch, FLAGS, printError);
  if (!json) console.log(raceLine(result));
  else if (result.torch !== null) {
    console.log(jsonLine("MNIST to 97.5 %", result.gradus * 1e6, 0, "torch", result.torch * 1e6));
  }
}

await runProgram({
  purpose:
    "Time this library beside PyTorch, tfjs, jax-js and ONNX Runtime, one thread against one thread, in turns. GRADUS_PEERS names " +
    "the folder with the JavaScript peers, GRADUS_PYTHON the interpreter. A peer that does not run is left out, with the " +
    "reason and how to install it.",
  options: {
    only: {
      value: "TEXT",
      default: "",
      help: `the workloads whose name holds TEXT; ${
        PARTS.map((part) => `"${part}"`).join(", ")
      } are parts of their own`,
    },
    rounds: { value: "N", least: 1, default: 5, help: "how often each is asked; the table shows medians" },
    json: { help: '{"work","us","gflops","peer","peerUs","ratio"} a line; all else goes to standard error' },
    race: { help: "MNIST to 97.5 % accuracy, whole programs, on the files in --data DIR" },
    data: { value: "DIR", help: "folder with MNIST's files, for --race" },
  },
  run: async ({ json, only, rounds, race, data }) => {
    if (race) await printRace(data, json);
    else await compareAll({ json, only, rounds, print: json ? console.error : console.log });
  },
});
