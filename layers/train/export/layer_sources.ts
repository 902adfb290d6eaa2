/** The source of each layer: one expression, and the weights that it uses. */
import { sameShape, type Shape, show, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { AnyModule } from "../../nn/module.ts";
import * as nn from "../../nn/nn.ts";
import { affineOf, isOfItsClass } from "./fold_batch_norm.ts";
import { graphSource } from "./graph_source.ts";
import { traced } from "./traced.ts";
import { encoder, encoderLayer, learnedPositions, list, sinusoidal } from "./text_sources.ts";

/** Stores weights, and returns the expression for them. */
export type Take = (weights: Tensor) => string;

/** The source of a layer. */
export interface Exported {
  /** The new value of `x`, the array of a sample's values. */
  expression(take: Take): string;
  /** The functions it calls. */
  calls: readonly string[];
  /** The number of inputs; `null` for any. */
  inputs: number | null;
  /** The number of outputs; `null` for as many as inputs. */
  outputs: number | null;
  /** The shape of the outputs, where it is another than that of the inputs. */
  shape?: Shape;
}

/** What is not a layer of its own: nobody calls a list, and a cell is told its state as well. */
type NoSource =
  | "Module"
  | "Sequential"
  | "ChannelNorm"
  | "ModuleList"
  | "ModuleDict"
  | "ParameterList"
  | "RecurrentCell"
  | "RNNCell"
  | "GRUCell";

/** The layers of `nn` that turn one tensor into another: one without an entry in the table does not compile. */
type LayerName = {
  [K in keyof typeof nn]: (typeof nn)[K] extends abstract new (...args: never[]) => nn.Module ? K : never;
}[Exclude<keyof typeof nn, NoSource>];

/** A layer's source for samples of a shape, which may be unknown, or why it has none. */
type SourceOf<M> = (layer: M, shape: Shape | null) => Exported | string;

/** The source of each layer, by the name of its class. */
export const LAYERS: { readonly [K in LayerName]: SourceOf<InstanceType<(typeof nn)[K]>> } = {
  Linear: ({ weight, bias }, shape) => {
    const [outputs, inputs] = weight.shape;
    const call = (take: Take) => `linear(x, ${list(take, weight, bias)})`;
    if (shape === null || shape.length === 1) {
      return { expression: call, calls: ["linear"], inputs, outputs, shape: [outputs] };
    }
    return eachRow(shape, [inputs], [outputs], "linear", call);
  },
  Embedding: ({ weight }, shape) => {
    if (shape === null) return "it needs to know the shape of a sample, give it as { inputShape: [length] }";
    const [rows, size] = weight.shape, inputs = sizeOf(shape);
    const expression = (take: Take) => `x.flatMap((v) => lookup(v, ${take(weight)}, ${rows}))`;
    return { expression, calls: ["lookup"], inputs, outputs: inputs * size, shape: [...shape, size] };
  },
  TabularModel: tabularInputs,
  BatchNorm1d: (layer, shape) => {
    const affine = affineOf(layer);
    if (typeof affine === "string") return affine;
    if (shape !== null && shape.length !== 1) return traced(layer, shape);
    const expression = (take: Take) => `affine(x, ${list(take, affine.mean, affine.scale, affine.shift)})`;
    return { expression, calls: ["affine"], inputs: affine.scale.numel(), outputs: null };
  },
  BatchNorm2d: (layer, shape) => {
    const affine = affineOf(layer);
    return typeof affine === "string" ? affine : traced(layer, shape);
  },
  LayerNorm: ({ normalizedShape, eps, weight, bias }, shape) =>
    withNumbers([eps], (eps) => {
      const call = (take: Take) => `layerNorm(x, ${eps}${more(take, weight, bias)})`;
      if (shape === null || sameShape(shape, normalizedShape)) {
        return { expression: call, calls: ["layerNorm"], inputs: sizeOf(normalizedShape), outputs: null };
      }
      return eachRow(shape, normalizedShape, normalizedShape, "layerNorm", call);
    }),
  Flatten: (layer, shape) => {
    const { startDim, endDim } = layer;
    if (startDim === 0 || startDim === -1 - (shape?.length ?? 1)) return "only dimensions from 1 on can be joined";
    if (startDim !== 1 || endDim !== -1) return traced(layer, shape);
    return shape === null ? same : { ...same, shape: [sizeOf(shape)] };
  },
  Unflatten: (layer, shape) => {
    const { dim, unflattenedSize } = layer;
    if (shape !== null || dim !== 1 || unflattenedSize.includes(-1)) return traced(layer, shape);
    return { ...same, inputs: sizeOf(unflattenedSize), shape: [...unflattenedSize] };
  },
  RMSNorm: ({ normalizedShape, eps, weight }, shape) =>
    withNumbers([eps ?? 2 ** -23], (eps) => {
      const call = (take: Take) => `rmsNorm(x, ${eps}${more(take, weight)})`;
      if (shape === null || sameShape(shape, normalizedShape)) {
        return { expression: call, calls: ["rmsNorm"], inputs: sizeOf(normalizedShape), outputs: null };
      }
      return eachRow(shape, normalizedShape, normalizedShape, "rmsNorm", call);
    }),
  LearnedPositions: learnedPositions,
  SinusoidalPositions: sinusoidal,
  TransformerEncoderLayer: encoderLayer,
  TransformerEncoder: encoder,
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
  Softmax: ({ dim }, shape) => along("softmax", dim, shape),
  LogSoftmax: ({ dim }, shape) => along("logSoftmax", dim, shape),
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
  const source = isOfItsClass(module) ? BY_CLASS.get(module.constructor) : undefined;
  const exported = source?.(module as never, shape) ?? ofOnesOwn(module, shape) ?? noSource();
  if (typeof exported !== "string") return exported;
  const { name } = module.constructor;
  throw new TypeError(`Cannot export ${path === "" ? name : `${path} (${name})`}: ${exported}`);
}

/** The source of a class that is none of `nn`, by what it does with a sample of a shape that is known. */
function ofOnesOwn(module: AnyModule, shape: Shape | null): Exported | string | null {
  const isOwn = !(Object.values(nn) as unknown[]).includes(module.constructor);
  return shape === null || !isOwn || !isOfItsClass(module) ? null : graphSource(module, shape);
}

function noSource(): string {
  return `there is no source for it; known are Sequential, ${Object.keys(LAYERS).join(", ")}`;
}

/** The source of a function of rows, for samples of a shape that ends in theirs. */
function eachRow(
  shape: Shape,
  row: Shape,
  to: Shape,
  name: string,
  call: (take: Take) => string,
): Exported | string {
  const before = shape.slice(0, shape.length - row.length);
  if (!sameShape([...before, ...row], shape)) {
    return `a sample of ${show(shape)} has no rows of ${show(row)}, put Flatten before it`;
  }
  return {
    expression: (take) => `eachRow(x, ${sizeOf(row)}, (x) => ${call(take)})`,
    calls: ["eachRow", name],
    inputs: sizeOf(shape),
    outputs: sizeOf([...before, ...to]),
    shape: [...before, ...to],
  };
}

/** The vectors of the categories and the numbers after them, normalised: what goes into the model's `layers`. */
function tabularInputs({ embeds, embDrop, bnCont }: nn.TabularModel, shape: Shape | null): Exported | string {
  const odd = [...embeds, embDrop, bnCont].find((part) =>
    part !== null && !(BY_CLASS.has(part.constructor) && isOfItsClass(part))
  );
  if (odd) return `there is no source for its ${odd.constructor.name}`;
  const affine = bnCont === null ? null : affineOf(bnCont), categories = embeds.length;
  if (typeof affine === "string") return affine;
  if (shape !== null && shape.length !== 1) return `a sample of ${show(shape)} is no row of values`;
  const numbers = affine?.scale.numel() ?? 0;
  const outputs = embeds.reduce((sum, { weight }) => sum + weight.size(1), numbers);
  const vectors = (take: Take) =>
    embeds.map(({ weight }, i) => `...lookup(Math.trunc(x[${i}]!), ${take(weight)}, ${weight.size(0)})`);
  const rest = (take: Take) =>
    affine === null
      ? []
      : [`...affine(x.slice(${categories}), ${list(take, affine.mean, affine.scale, affine.shift)})`];
  return {
    expression: (take) => `[${[...vectors(take), ...rest(take)].join(", ")}]`,
    calls: [...(categories > 0 ? ["lookup"] : []), ...(affine === null ? [] : ["affine"])],
    inputs: categories + numbers,
    outputs,
    shape: [outputs],
  };
}

function each(name: string, ...settings: number[]): Exported | string {
  return withNumbers(
    settings,
    (...texts) => mapped(texts.length === 0 ? name : `${name}(v, ${texts.join(", ")})`, name),
  );
}

/** `make` of the settings as text, or what is wrong with one of them: nothing but numbers is written into the source. */
function withNumbers(
  settings: readonly number[],
  make: (...texts: string[]) => Exported | string,
): Exported | string {
  const odd = settings.findIndex((value) => typeof value !== "number" || Number.isNaN(value));
  if (odd >= 0) return `its setting ${JSON.stringify(settings[odd])} is no number`;
  return make(...settings.map((value) => Object.is(value, -0) ? "-0" : `${value}`));
}

function mapped(body: string, ...calls: string[]): Exported {
  const expression = () => `x.map((v) => ${body === calls[0] ? `${body}(v)` : body})`;
  return { expression, calls, inputs: null, outputs: null };
}

/** The source of a function along a dimension, the batch's not among them. */
function along(name: string, dim: number, shape: Shape | null): Exported | string {
  const all = { expression: () => `${name}(x)`, calls: [name], inputs: null, outputs: null };
  const rank = (shape?.length ?? 1) + 1, at = dim < 0 ? dim + rank : dim;
  if (!Number.isInteger(at) || at < 1 || at >= rank) return `its dimension ${dim} is not one of a sample's`;
  if (shape === null || shape.length === 1) return all;
  const size = shape[at - 1], step = sizeOf(shape.slice(at));
  return { ...all, expression: () => `along(x, ${size}, ${step}, ${name})`, calls: ["along", name] };
}

function more(take: Take, ...weights: (Tensor | null)[]): string {
  const text = list(take, ...weights);
  return text === "" ? "" : `, ${text}`;
}
