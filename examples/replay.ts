/**
 * Runs the program of a document again, on MNIST and with its seed, and prints its numbers beside these.
 *
 *     deno task replay 000|002|003 [--data DIR] [--epochs N]
 */
import { backendName, backendReason } from "@gradus/gradus";
import { type ImageDataset, loadMnist } from "@gradus/gradus/data";
import reference from "../tests/reference/documents_reference.json" with { type: "json" };
import { IMAGE_FOLDER, runProgram, UsageError } from "../cli/command_line.ts";
import { show000 } from "./document_000.ts";
import { show002 } from "./document_002.ts";
import { show003 } from "./document_003.ts";
import { compilingKernel, noteMissing, readingEnvironment, readingMnist } from "../cli/permissions.ts";

/** The number that a document prints, or that its program printed with a fixed seed: the one whose key has all of these words. */
function numberThere<T>(...words: string[]): T {
  return Object.entries(reference).find(([key]) => words.every((word) => key.includes(word)))![1] as unknown as T;
}

/** A document's program. */
interface Program {
  readonly purpose: string;
  /** For how many epochs there are numbers to compare with. */
  readonly epochs: number;
  readonly show: (mnist: ImageDataset, epochs: number) => void;
}

const curve000 = numberThere<[loss: number, accuracy: number][]>("000:");
const networks002 = [[784, 16, 10], [784, 100, 100, 10]];
const curves002 = networks002.map((sizes) => numberThere<number[]>("002:", ` ${sizes.join("-")},`));

const PROGRAMS: Readonly<Record<string, Program>> = {
  "000": {
    purpose: "a network from memory, log-softmax over the whole batch",
    epochs: curve000.length,
    show: (mnist, epochs) => show000(mnist, curve000.slice(0, epochs)),
  },
  "002": {
    purpose: "sigmoid networks in float64, 784-16-10 and 784-100-100-10",
    epochs: Math.max(...curves002.map(({ length }) => length)),
    show: (mnist, epochs) => networks002.forEach((sizes, i) => show002(mnist, sizes, curves002[i].slice(0, epochs))),
  },
  "003": {
    purpose: "two layers, their loss before training and their gradients by hand",
    epochs: 1,
    show: (mnist) => show003(mnist, numberThere("001, 003:"), numberThere("003: manual", "mse")),
  },
};

/** The real MNIST: the digits drawn here are other pictures, and give other numbers. */
async function loadRealMnist(dir: string | undefined): Promise<ImageDataset> {
  const dataset = await loadMnist({ dir, offline: true });
  if (dataset.name === "mnist") return dataset;
  const reason = /\((?:offline, and )?(.*)\)$/.exec(dataset.source)?.[1] ?? dataset.source;
  const cure = "give --data DIR with its files, or run deno task train, which downloads it";
  throw new Error(`Cannot replay without MNIST itself: ${reason}; ${cure}`);
}

const name = Deno.args.find((arg) => Object.hasOwn(PROGRAMS, arg));
const program = name === undefined ? undefined : PROGRAMS[name];
const most = program === undefined ? "as many as there are numbers to compare with" : `${program.epochs}, and no more`;

await runProgram({
  purpose: program === undefined ? "Replay a document." : `Replay document ${name}: ${program.purpose}.`,
  words: ["000|002|003", Object.entries(PROGRAMS).map(([name, { purpose }]) => `${name}: ${purpose}`).join("; ")],
  options: {
    data: {
      value: "DIR",
      help: `${IMAGE_FOLDER}; without it: the cache, where deno task train puts them`,
    },
    epochs: { value: "N", least: 1, help: `times through the training images (${most})` },
  },
  permissions: () => [...readingEnvironment(), compilingKernel(), readingMnist()],
  async run({ data, epochs = program?.epochs ?? 0 }, words) {
    if (program === undefined || words.length !== 1) {
      throw new UsageError(`Cannot replay document ${words.join(" ") || "without a number"}: expected 000, 002 or 003`);
    }
    if (epochs > program.epochs) {
      throw new UsageError(`Cannot run --epochs ${epochs}: there are numbers to compare with for ${program.epochs}`);
    }
    const mnist = await loadRealMnist(data);
    console.log(`Back end: ${backendName()} (${backendReason()})`);
    noteMissing(readingEnvironment());
    program.show(mnist, epochs);
    console.log(`${(performance.now() / 1000).toFixed(1)} s`);
  },
});
