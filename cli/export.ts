/**
 * `export`: writes what `train` learned as one TypeScript file that imports nothing.
 *
 *     export [MODEL] [--out FILE]
 */
import { isFailure } from "../core/host/host.ts";
import { writeAtomically } from "../core/io/atomic_write.ts";
import { readSafetensors, requireWritable } from "../core/io/io.ts";
import { exportTs } from "../layers/train/train.ts";
import { runCommand, UsageError, type Values } from "./command_line.ts";
import { networkOf } from "./networks.ts";
import { noteMissing, readingVariables } from "./permissions.ts";

const options = {
  out: { value: "FILE", default: "mnist.ts", help: "where the source goes" },
} as const;

async function main({ out }: Values<typeof options>, words: string[]): Promise<void> {
  if (words.length > 1) throw new UsageError(`Cannot export ${words.length} files: name one`);
  if (!/\.[mc]?ts$/.test(out)) throw new UsageError(`Cannot write ${out}: the source is TypeScript, name it .ts`);
  const path = words[0] ?? "mnist.safetensors";
  const { tensors, metadata } = await readSafetensors(path).catch((error) => {
    if (!isFailure(error, "NotFound")) throw error;
    throw new Error(`Cannot read the weights ${path}: there is no such file; train makes it`, { cause: error });
  });
  if (metadata.has("schema")) {
    throw new TypeError(`Cannot export ${path}: it learned a table; tabular predict and serve apply it`);
  }
  await requireWritable(out);
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  const [mean, std] = [Number(metadata.get("mean") ?? 0.1307), Number(metadata.get("std") ?? 0.3081)];
  if (!(Number.isFinite(mean) && std > 0)) throw new RangeError(`Cannot use ${path}: its mean or std is no number`);
  const { model, shape } = networkOf(tensors, path);
  const source = await exportTs(model, undefined, shape.length > 1 ? { inputShape: shape } : {});
  const bytes = new TextEncoder().encode(source + classifierSource(mean, std));
  await writeAtomically(out, [bytes]);
  console.log(`${out}, ${Math.round(bytes.length / 1024)} kB: import { classify } from it`);
}

/** What makes of a picture what the network takes, and of its outputs probabilities. */
function classifierSource(mean: number, std: number): string {
  return `
/** The probability of each digit, for the 784 levels of a picture of 28×28, row by row: 0 is paper, 255 is ink. */
export function classify(levels: number[] | Uint8Array): number[] {
  const outputs = predict(Array.from(levels, (level) => (level / 255 - ${mean}) / ${std}));
  const top = Math.max(...outputs), powers = outputs.map((output) => Math.exp(output - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
`;
}

/** Runs `export`, and gives its exit code. */
export async function exportModel(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Write what train learned as a TypeScript file that imports nothing, for any program to use.",
    words: ["MODEL", "the weights from train (mnist.safetensors)"],
    options,
    permissions: () => [readingVariables("GRADUS_BACKEND")],
    run: main,
  }, args);
}
