/**
 * `export`: writes what `train` or `tabular` learned for other programs, as TypeScript that imports nothing or as a file of ONNX.
 *
 *     export [MODEL] [--out FILE.ts|FILE.onnx]
 */
import { isFailure } from "../core/host/host.ts";
import { writeAtomically } from "../core/io/atomic_write.ts";
import { readSafetensors, requireWritable } from "../core/io/io.ts";
import type { TableSchema } from "../datasets/data.ts";
import { exportTs } from "../layers/train/train.ts";
import { cat, nn, rand, randn, type Tensor, tensor } from "../mod.ts";
import { encodeSource } from "./encode_source.ts";
import { runCommand, UsageError, type Values } from "./command_line.ts";
import { networkOf } from "./networks.ts";
import { noteMissing, readingVariables } from "./permissions.ts";
import { modelOf } from "./tabular_model.ts";

const options = {
  out: {
    value: "FILE",
    default: "model.ts",
    help: "where it goes: TypeScript for a name that ends in .ts, ONNX for .onnx",
  },
} as const;

/** A network, how other programs use it, and what they need to know. */
interface Exported {
  readonly model: nn.Module<[Tensor], Tensor>;
  /** The shape of a sample, and typical ones [2, …]. */
  readonly shape: readonly number[];
  readonly example: Tensor;
  /** What the source has beside `predict()`, and the name of that. */
  readonly source: string;
  readonly call: string;
  /** The network from what a program has to what it wants. */
  readonly whole: nn.Module<[Tensor], Tensor>;
  readonly names: readonly [input: string, output: string];
  /** What is written beside it, by the ending that takes the place of its own. */
  readonly beside?: readonly [ending: string, text: string];
}

async function main({ out }: Values<typeof options>, words: string[]): Promise<void> {
  if (words.length > 1) throw new UsageError(`Cannot export ${words.length} files: name one`);
  if (!/\.([mc]?ts|onnx)$/.test(out)) throw new UsageError(`Cannot write ${out}: name it .ts or .onnx`);
  const path = words[0] ?? "mnist.safetensors";
  const { tensors, metadata } = await readSafetensors(path).catch((error) => {
    if (!isFailure(error, "NotFound")) throw error;
    throw new Error(`Cannot read the model ${path}: there is no such file; train or tabular makes it`, {
      cause: error,
    });
  });
  const exported = metadata.has("schema") ? table(tensors, metadata, path) : pictures(tensors, metadata, path);
  await requireWritable(out);
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  const bytes = out.endsWith(".onnx") ? await onnxOf(exported) : await sourceOf(exported);
  const [ending, text] = exported.beside ?? [];
  const other = ending === undefined ? null : out.replace(/\.\w+$/, ending);
  if (other !== null) await writeAtomically(other, [new TextEncoder().encode(text)]);
  await writeAtomically(out, [bytes]);
  const [input, output] = exported.names;
  const use = out.endsWith(".onnx") ? `"${input}" in, "${output}" out` : `import { ${exported.call} } from it`;
  console.log(`${out}, ${Math.ceil(bytes.length / 1024)} kB: ${use}${other === null ? "" : `; ${other} says of what`}`);
}

async function sourceOf({ model, shape, source }: Exported): Promise<Uint8Array<ArrayBuffer>> {
  const text = await exportTs(model, undefined, shape.length > 1 ? { inputShape: shape } : {}).catch((error) => {
    throw new TypeError(`${(error as Error).message}; ONNX may have it: give --out a name that ends in .onnx`);
  });
  return new TextEncoder().encode(text + source);
}

async function onnxOf({ whole, example, names: [input, output] }: Exported): Promise<Uint8Array<ArrayBuffer>> {
  const { exportOnnx } = await import("../layers/onnx/onnx.ts");
  return await exportOnnx(whole, example, undefined, { inputNames: [input], outputNames: [output] });
}

// What train learned.

type Weights = Awaited<ReturnType<typeof readSafetensors>>;

function pictures(tensors: Weights["tensors"], metadata: Weights["metadata"], path: string): Exported {
  const [mean, std] = [Number(metadata.get("mean") ?? 0.1307), Number(metadata.get("std") ?? 0.3081)];
  if (!(Number.isFinite(mean) && std > 0)) throw new RangeError(`Cannot use ${path}: its mean or std is no number`);
  const { model, shape } = networkOf(tensors, path);
  return {
    ...{ model, shape, example: rand([2, ...shape]).mul(255), call: "classify", names: ["levels", "probabilities"] },
    whole: new Between((levels) => levels.div(255).sub(mean).div(std), model, (x) => nn.functional.softmax(x, 1)),
    source: `
/** The probability of each digit, for the 784 levels of a picture of 28×28, row by row: 0 is paper, 255 is ink. */
export function classify(levels: number[] | Uint8Array): number[] {
  return shares(predict(Array.from(levels, (level) => (level / 255 - ${mean}) / ${std})));
}
${SHARES}`,
  };
}

/** What comes before a network and after it. */
class Between extends nn.Module<[Tensor], Tensor> {
  constructor(
    readonly before: (x: Tensor) => Tensor,
    readonly model: nn.Module<[Tensor], Tensor>,
    readonly after: (x: Tensor) => Tensor,
  ) {
    super();
    this.eval();
  }

  override forward(x: Tensor): Tensor {
    return this.after(this.model.call(this.before(x)));
  }
}

const SHARES = `
/** What is left of outputs as probabilities: their softmax. */
function shares(outputs: number[]): number[] {
  const top = Math.max(...outputs), powers = outputs.map((output) => Math.exp(output - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
`;

// What tabular learned.

function table(tensors: Weights["tensors"], metadata: Weights["metadata"], path: string): Exported {
  const { schema, model } = modelOf(tensors, metadata, path), { target } = schema;
  if (target === null) throw new RangeError(`Cannot export ${path}: its schema has no target`);
  const isNumber = target.kind === "numeric";
  const answer = isNumber
    ? (x: Tensor) => x.mul(target.std || 1).add(target.mean)
    : (x: Tensor) => nn.functional.softmax(x, 1);
  return {
    ...{ model, shape: [schema.featureNames.length], example: exampleOf(schema), call: "answer" },
    names: ["features", isNumber ? "value" : "probabilities"],
    whole: new Between((x) => x, model, answer),
    source: answerSource(schema),
    beside: [".schema.json", `${JSON.stringify(schema, null, 2)}\n`],
  };
}

/** Two rows of categories that there are, and of numbers. */
function exampleOf({ features: { categories, numbers } }: TableSchema): Tensor {
  const codes = tensor([0, 1].map((row) => categories.map((size) => Math.min(row, size - 1))));
  if (categories.length === 0) return randn([2, numbers]);
  return numbers === 0 ? codes : cat([codes, randn([2, numbers])], 1);
}

function answerSource(schema: TableSchema): string {
  const { target, featureNames } = schema;
  const own = `
/** The names of the features. */
export const FEATURES: readonly string[] = ${JSON.stringify(featureNames)};
${encodeSource(schema)}`;
  const outputs = "predict(Array.isArray(row) ? row : encode(row))";
  if (target!.kind === "numeric") {
    return `${own}
/** ${commented(target!.name)}, for a row, or for the features of one. */
export function answer(row: Row | number[]): number {
  return ${outputs}[0]! * ${target!.std || 1} + ${target!.mean};
}
`;
  }
  return `${own}
/** The probability of each ${commented(target!.name)}, for a row, or for the features of one. */
export function answer(row: Row | number[]): Record<string, number> {
  const classes: readonly string[] = ${JSON.stringify(target!.categories)}, own = shares(${outputs});
  return Object.fromEntries(classes.map((name, i) => [name, own[i]!]));
}
${SHARES}`;
}

/** A name from a table, such that it ends no comment. */
function commented(name: string): string {
  return JSON.stringify(name.slice(0, 80)).replaceAll("*/", "* /");
}

/** Runs `export`, and gives its exit code. */
export async function exportModel(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Write what train or tabular learned for other programs: as TypeScript that imports nothing, or as ONNX.",
    words: ["MODEL", "the file from train or tabular (mnist.safetensors)"],
    options,
    permissions: () => [readingVariables("GRADUS_BACKEND")],
    run: main,
  }, args);
}
