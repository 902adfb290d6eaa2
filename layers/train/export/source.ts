/** The source text of a trained model: TypeScript whose types can be erased, and nothing to import. */
import type { Steps } from "../../../core/event_loop.ts";
import { joinInSteps, pieces } from "../../../core/io/in_steps.ts";
import { elements } from "../../../core/ops/movement.ts";
import { sameShape, type Shape, show, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { AnyModule } from "../../nn/module.ts";
import * as nn from "../../nn/nn.ts";
import { hasHooks } from "../../nn/module_hooks.ts";
import { Sequential } from "../../nn/sequential.ts";
import { traced } from "./traced.ts";
import { WINDOW_SOURCES } from "./window_sources.ts";

/** The source of each function by its name; the functions that it calls are in `SOURCE_NEEDS`. */
export const SOURCES: Readonly<Record<string, string>> = {
  linear: `
function linear(x: number[], w: Float32Array, b?: Float32Array): number[] {
  const outputs = Array.from({ length: w.length / x.length }, (_, row) => (b === undefined ? 0 : b[row]!));
  return outputs.map((bias, row) => x.reduce((sum, v, i) => sum + v * w[row * x.length + i]!, bias));
}`,
  batchNorm: `
function batchNorm(x: number[], mean: Float32Array, variance: Float32Array, eps: number, w?: Float32Array, b?: Float32Array): number[] {
  return x.map((v, i) => ((v - mean[i]!) / Math.sqrt(variance[i]! + eps)) * (w === undefined ? 1 : w[i]!) + (b === undefined ? 0 : b[i]!));
}`,
  layerNorm: `
function layerNorm(x: number[], eps: number, w?: Float32Array, b?: Float32Array): number[] {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  return x.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * (w === undefined ? 1 : w[i]!) + (b === undefined ? 0 : b[i]!));
}`,
  relu: `
function relu(x: number): number {
  return x < 0 ? 0 : x;
}`,
  leakyRelu: `
function leakyRelu(x: number, slope: number): number {
  return x < 0 ? slope * x : x;
}`,
  sigmoid: `
function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}`,
  elu: `
function elu(x: number, alpha: number): number {
  return x < 0 ? alpha * Math.expm1(x) : x;
}`,
  softplus: `
function softplus(x: number, beta: number, threshold: number): number {
  return x * beta > threshold ? x : (Math.max(x * beta, 0) + Math.log1p(Math.exp(-Math.abs(x * beta)))) / beta;
}`,
  erf: `
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  let sum = 0;
  if (size < 3) {
    for (let n = 0, term = size; n < 60; n++, term *= -size * size / n) sum += term / (2 * n + 1);
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
  }
  for (let n = 40; n > 0; n--) sum = n / 2 / (size + sum);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + sum));
}`,
  gelu: `
function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}`,
  geluTanh: `
function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}`,
  logSoftmax: `
function logSoftmax(x: number[]): number[] {
  const top = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = top + Math.log(x.reduce((sum, v) => sum + Math.exp(v - top), 0));
  return x.map((v) => v - total);
}`,
  softmax: `
function softmax(x: number[]): number[] {
  return logSoftmax(x).map(Math.exp);
}`,
};

/** The other functions that a function calls. */
export const SOURCE_NEEDS: Readonly<Record<string, readonly string[]>> = { gelu: ["erf"], softmax: ["logSoftmax"] };

/** The source of the function that decodes the weights. */
export const DECODE = `
function decode(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}`;

// The source of each layer: one expression, and the weights that it uses.

/** The source of a layer. */
export interface Exported {
  /** The new value of `x`, the array of a sample's values; `take` stores weights and returns the expression for them. */
  expression(take: (weights: Tensor) => string): string;
  /** The functions it calls. */
  calls: readonly string[];
  /** The number of inputs; `null` for any. */
  inputs: number | null;
  /** The number of outputs; `null` for as many as inputs. */
  outputs: number | null;
  /** The shape of the outputs, where it is another than that of the inputs. */
  shape?: Shape;
}

/**
 * What is not a layer of its own, or has no source: `predict()` takes values, an `Embedding` and a `TabularModel` whole numbers, and lists
 * are called by nobody.
 */
type NoSource =
  | ("Module" | "Sequential" | "Embedding" | "TabularModel" | "ChannelNorm")
  | ("ModuleList" | "ModuleDict" | "ParameterList");

/** The layers of `nn` that turn one tensor into another: one without an entry in the table does not compile. */
type LayerName = {
  [K in keyof typeof nn]: (typeof nn)[K] extends abstract new (...args: never[]) => nn.Module ? K : never;
}[Exclude<keyof typeof nn, NoSource>];

/** A layer's source for samples of a shape, which may be unknown, or why it has none. */
type SourceOf<M> = (layer: M, shape: Shape | null) => Exported | string;

/** The source of each layer, by the name of its class. */
export const LAYERS: { readonly [K in LayerName]: SourceOf<InstanceType<(typeof nn)[K]>> } = {
  Linear: ({ weight, bias }, shape) =>
    ofRow(shape) ?? {
      expression: (take) => `linear(x, ${list(take, weight, bias)})`,
      calls: ["linear"],
      inputs: weight.size(1),
      outputs: weight.size(0),
      shape: [weight.size(0)],
    },
  BatchNorm1d: (layer, shape) => {
    const { runningMean, runningVar, eps, weight, bias } = layer;
    if (shape !== null && shape.length !== 1) return traced(layer, shape);
    if (runningMean === null || runningVar === null) return "it has no running statistics to predict with";
    return withNumbers([eps], (eps) => ({
      expression: (take) => `batchNorm(x, ${list(take, runningMean, runningVar)}, ${eps}${more(take, weight, bias)})`,
      calls: ["batchNorm"],
      inputs: runningMean.numel(),
      outputs: null,
    }));
  },
  LayerNorm: ({ normalizedShape, eps, weight, bias }, shape) =>
    (shape === null || sameShape(shape, normalizedShape)
      ? null
      : `it normalises over ${show(normalizedShape)} and not over ${show(shape)}`) ??
      withNumbers([eps], (eps) => ({
        expression: (take) => `layerNorm(x, ${eps}${more(take, weight, bias)})`,
        calls: ["layerNorm"],
        inputs: sizeOf(normalizedShape),
        outputs: null,
      })),
  Flatten: ({ startDim, endDim }, shape) => {
    if (startDim !== 1 || endDim !== -1) return "only dimensions from 1 to the last can be joined";
    return shape === null ? same : { ...same, shape: [sizeOf(shape)] };
  },
  Unflatten: (layer, shape) => {
    const { dim, unflattenedSize } = layer;
    if (shape !== null || dim !== 1 || unflattenedSize.includes(-1)) return traced(layer, shape);
    return { ...same, inputs: sizeOf(unflattenedSize), shape: [...unflattenedSize] };
  },
  Dropout: () => same,
  Dropout2d: () => same,
  Conv1d: traced,
  Conv2d: traced,
  ConvTranspose1d: traced,
  ConvTranspose2d: traced,
  MaxPool1d: traced,
  MaxPool2d: traced,
  AvgPool1d: traced,
  AvgPool2d: traced,
  AdaptiveAvgPool1d: traced,
  AdaptiveAvgPool2d: traced,
  AdaptiveMaxPool2d: traced,
  BatchNorm2d: traced,
  InstanceNorm2d: traced,
  GroupNorm: traced,
  Upsample: traced,
  PixelShuffle: traced,
  ZeroPad2d: traced,
  Identity: () => same,
  ReLU: () => each("relu"),
  LeakyReLU: ({ negativeSlope }) => each("leakyRelu", negativeSlope),
  Sigmoid: () => each("sigmoid"),
  Tanh: () => mapped("Math.tanh(v)"),
  ELU: ({ alpha }) => each("elu", alpha),
  SELU: () => mapped("1.0507009873554805 * elu(v, 1.6732632423543772)", "elu"),
  GELU: ({ options }) => each(options.approximate === "tanh" ? "geluTanh" : "gelu"),
  SiLU: () => mapped("v * sigmoid(v)", "sigmoid"),
  Mish: () => mapped("v * Math.tanh(softplus(v, 1, 20))", "softplus"),
  Softplus: ({ options }) => each("softplus", options.beta ?? 1, options.threshold ?? 20),
  Hardtanh: ({ low, high }) =>
    withNumbers([low, high], (low, high) => mapped(`Math.min(Math.max(v, ${low}), ${high})`)),
  LogSigmoid: () => mapped("-softplus(-v, 1, Infinity)", "softplus"),
  Softmax: ({ dim }, shape) => ofRow(shape) ?? ofAll("softmax", dim),
  LogSoftmax: ({ dim }, shape) => ofRow(shape) ?? ofAll("logSoftmax", dim),
};

/** By class and not by instanceof: what a class derived from one of these adds is not known. */
const BY_CLASS: ReadonlyMap<unknown, SourceOf<never>> = new Map(
  Object.entries(LAYERS).map(([name, sourceOf]) => [nn[name as LayerName], sourceOf]),
);

const same: Exported = { expression: () => "x", calls: [], inputs: null, outputs: null };

/**
 * The source of a layer.
 *
 * @throws {TypeError} If there is no source for it.
 */
export function exportLayer(path: string, module: AnyModule, shape: Shape | null): Exported {
  const exported = BY_CLASS.get(module.constructor)?.(module as never, shape) ?? "there is no source for it";
  if (typeof exported !== "string") return exported;
  const known = Object.keys(LAYERS).join(", ");
  const { name } = module.constructor;
  throw new TypeError(
    `Cannot export ${path === "" ? name : `${path} (${name})`}: ${exported}; known are Sequential, ${known}`,
  );
}

/** Why a layer that takes a row of values has no source for another sample. */
function ofRow(shape: Shape | null): string | null {
  return shape === null || shape.length === 1
    ? null
    : `a sample of ${show(shape)} is no row of values, put Flatten before it`;
}

function each(name: string, ...settings: number[]): Exported | string {
  return withNumbers(
    settings,
    (...texts) => mapped(texts.length === 0 ? name : `${name}(v, ${texts.join(", ")})`, name),
  );
}

/** `make` of the settings as text, or what is wrong with one of them: nothing but numbers is written into the source. */
function withNumbers(settings: readonly number[], make: (...texts: string[]) => Exported): Exported | string {
  const odd = settings.findIndex((value) => typeof value !== "number" || Number.isNaN(value));
  if (odd >= 0) return `its setting ${JSON.stringify(settings[odd])} is no number`;
  return make(...settings.map((value) => Object.is(value, -0) ? "-0" : `${value}`));
}

function mapped(body: string, ...calls: string[]): Exported {
  const expression = () => `x.map((v) => ${body === calls[0] ? `${body}(v)` : body})`;
  return { expression, calls, inputs: null, outputs: null };
}

function ofAll(name: string, dim: number): Exported | string {
  if (dim !== 1 && dim !== -1) return `its dimension ${dim} is not that of the features, 1`;
  return { expression: () => `${name}(x)`, calls: [name], inputs: null, outputs: null };
}

function list(take: (weights: Tensor) => string, ...weights: (Tensor | null)[]): string {
  return weights.filter((part) => part !== null).map(take).join(", ");
}

function more(take: (weights: Tensor) => string, ...weights: (Tensor | null)[]): string {
  const text = list(take, ...weights);
  return text === "" ? "" : `, ${text}`;
}

// The source of a model: a module without imports.

/** The source of a model in parts, each short enough to be encoded at once. */
export function* sourceOf(model: Sequential, inputShape: Shape | null): Steps<string[]> {
  const layers = flat(model, "", { shape: inputShape });
  const { inputs, outputs } = sizesOf(layers, inputShape);
  const weights: Tensor[] = [];
  const take = (tensor: Tensor) => {
    const at = weights.reduce((sum, part) => sum + part.numel(), 0);
    weights.push(tensor);
    return `weights.subarray(${at}, ${at + tensor.numel()})`;
  };
  const statements = layers.map(([, layer]) => layer.expression(take)).filter((text) => text !== "x");
  const base64 = yield* toBase64(weights);
  const functions = needed(layers).map((name) => SOURCES[name] ?? WINDOW_SOURCES[name]);
  return [
    `${header(model, inputs, outputs)}\nconst weights: Float32Array = decode("`,
    ...base64,
    '");\n\n',
    [predictor(statements, inputs), ...functions, DECODE, ""].join("\n"),
  ];
}

function header(model: Sequential, inputs: number | null, outputs: number | null): string {
  const lines = model.toString().split("\n").map((line) => ` * ${line.replaceAll("*/", "* /")}`);
  return [
    "/**",
    ` * A model in one file without imports: ${inputs ?? "any number of"} numbers in, ${outputs ?? "as many"} out.`,
    " *",
    ...lines,
    " */",
  ].join("\n");
}

function predictor(statements: readonly string[], inputs: number | null): string {
  const check = inputs === null ? [] : [
    `  if (input.length !== ${inputs}) {`,
    `    throw new RangeError(\`Cannot predict from \${input.length} numbers: expected ${inputs}\`);`,
    "  }",
  ];
  return [
    "/** The model's output for one sample. */",
    "export function predict(input: number[] | Float32Array): number[] {",
    ...check,
    "  let x: number[] = Array.from(input);",
    '  const odd = x.findIndex((v) => typeof v !== "number");',
    "  if (odd >= 0) {",
    "    throw new TypeError(`Cannot predict: element ${odd} of the sample is no number, give one sample at a time`);",
    "  }",
    ...statements.map((text) => `  x = ${text};`),
    "  return x;",
    "}",
  ].join("\n");
}

/** The layers in order, those of nested sequences among them; `at.shape` is that of the values, where it is known. */
function flat(model: AnyModule, path: string, at: { shape: Shape | null }): [path: string, layer: Exported][] {
  refuseHooks(model, path);
  if (!(model instanceof Sequential)) {
    const layer = exportLayer(path, model, at.shape);
    at.shape = layer.shape ?? at.shape;
    return [[path, layer]];
  }
  return model.namedChildren().flatMap(([name, child]) => flat(child, path === "" ? name : `${path}.${name}`, at));
}

function refuseHooks(module: AnyModule, path: string): void {
  if (!hasHooks(module)) return;
  const { name } = module.constructor;
  throw new TypeError(
    `Cannot export ${
      path === "" ? name : `${path} (${name})`
    }: hooks are registered on it, which the file would not call; ` +
      "remove() them first",
  );
}

function sizesOf(
  layers: readonly [path: string, layer: Exported][],
  inputShape: Shape | null,
): { inputs: number | null; outputs: number | null } {
  const given = inputShape === null ? null : sizeOf(inputShape);
  let [inputs, size] = [given, given];
  for (const [path, layer] of layers) {
    if (layer.inputs !== null && size !== null && layer.inputs !== size) {
      throw new RangeError(`Cannot export ${path}: it takes ${layer.inputs} values and is given ${size}`);
    }
    if (size === null) inputs = layer.inputs;
    size = layer.outputs ?? layer.inputs ?? size;
  }
  return { inputs, outputs: size };
}

function needed(layers: readonly [path: string, layer: Exported][]): string[] {
  const calls = layers.flatMap(([, layer]) => layer.calls);
  return [...new Set(calls.flatMap((name) => [name, ...(SOURCE_NEEDS[name] ?? [])]))];
}

/** Characters that one call takes as arguments. */
const ARGUMENTS = 1 << 13;

/** Bytes in base64: by the engine where it knows how, as Node.js does from 25 on. */
function base64(bytes: Uint8Array): string {
  if (typeof bytes.toBase64 === "function") return bytes.toBase64();
  let text = "";
  for (const piece of pieces(bytes, ARGUMENTS)) text += String.fromCharCode(...piece);
  return btoa(text);
}

/** The numbers as little-endian float32. */
function* toBase64(weights: readonly Tensor[]): Steps<string[]> {
  const parts: Uint8Array[] = [];
  for (const tensor of weights) {
    parts.push(new Uint8Array(new Float32Array(elements(tensor)).buffer));
    yield;
  }
  const texts: string[] = [];
  for (const piece of pieces(yield* joinInSteps(parts), 3 << 18)) { // three bytes are four characters
    texts.push(base64(piece));
    yield;
  }
  return texts;
}
