/** What each layer becomes in an exported model: one statement, and the weights it takes. */
import { sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import * as nn from "../../nn/nn.ts";
import type { AnyModule } from "../../nn/module.ts";

/** A layer in source. */
export interface Exported {
  /** The new value of `x`, an array of the sample's values; `take` stands for the weights, in their order. */
  expression(take: (weights: Tensor) => string): string;
  /** The functions it calls. */
  calls: readonly string[];
  /** How many values go in, `null` for any number. */
  inputs: number | null;
  /** How many come out, `null` for as many as went in. */
  outputs: number | null;
}

type Kind = abstract new (...settings: never[]) => AnyModule;

/** By class and not by instanceof: what a class of somebody else's adds to one of these is not known. */
const LAYERS: ReadonlyMap<unknown, (module: never) => Exported | string> = new Map<
  Kind,
  (module: never) => Exported | string
>([
  [nn.Linear, ({ weight, bias }: nn.Linear) => ({
    expression: (take) => `linear(x, ${list(take, weight, bias)})`,
    calls: ["linear"],
    inputs: weight.size(1),
    outputs: weight.size(0),
  })],
  [nn.BatchNorm1d, ({ runningMean, runningVar, eps, weight, bias }: nn.BatchNorm1d) => {
    if (runningMean === null || runningVar === null) return "it has no running statistics to predict with";
    return withNumbers([eps], (eps) => ({
      expression: (take) => `batchNorm(x, ${list(take, runningMean, runningVar)}, ${eps}${more(take, weight, bias)})`,
      calls: ["batchNorm"],
      inputs: runningMean.numel(),
      outputs: null,
    }));
  }],
  [nn.LayerNorm, ({ normalizedShape, eps, weight, bias }: nn.LayerNorm) =>
    withNumbers([eps], (eps) => ({
      expression: (take) => `layerNorm(x, ${eps}${more(take, weight, bias)})`,
      calls: ["layerNorm"],
      inputs: sizeOf(normalizedShape),
      outputs: null,
    }))],
  [
    nn.Flatten,
    ({ startDim, endDim }: nn.Flatten) =>
      startDim === 1 && endDim === -1 ? same : "only dimensions from 1 to the last can be joined",
  ],
  [nn.Dropout, () => same],
  [nn.ReLU, () => each("relu")],
  [nn.LeakyReLU, ({ negativeSlope }: nn.LeakyReLU) => each("leakyRelu", negativeSlope)],
  [nn.Sigmoid, () => each("sigmoid")],
  [nn.Tanh, () => mapped("Math.tanh(v)")],
  [nn.ELU, ({ alpha }: nn.ELU) => each("elu", alpha)],
  [nn.SELU, () => mapped("1.0507009873554805 * elu(v, 1.6732632423543772)", "elu")],
  [nn.GELU, ({ options }: nn.GELU) => each(options.approximate === "tanh" ? "geluTanh" : "gelu")],
  [nn.SiLU, () => mapped("v * sigmoid(v)", "sigmoid")],
  [nn.Mish, () => mapped("v * Math.tanh(softplus(v, 1, 20))", "softplus")],
  [nn.Softplus, ({ options }: nn.Softplus) => each("softplus", options.beta ?? 1, options.threshold ?? 20)],
  [
    nn.Hardtanh,
    ({ low, high }: nn.Hardtanh) =>
      withNumbers([low, high], (low, high) => mapped(`Math.min(Math.max(v, ${low}), ${high})`)),
  ],
  [nn.LogSigmoid, () => mapped("-softplus(-v, 1, Infinity)", "softplus")],
  [nn.Softmax, ({ dim }: nn.Softmax) => ofAll("softmax", dim)],
  [nn.LogSoftmax, ({ dim }: nn.LogSoftmax) => ofAll("logSoftmax", dim)],
]);

const same: Exported = { expression: () => "x", calls: [], inputs: null, outputs: null };

/**
 * The layer in source.
 *
 * @throws {TypeError} If there is no source for it.
 */
export function exportLayer(path: string, module: AnyModule): Exported {
  const exported = LAYERS.get(module.constructor)?.(module as never) ?? "there is no source for it";
  if (typeof exported !== "string") return exported;
  const known = Array.from(LAYERS.keys(), (kind) => (kind as Kind).name).join(", ");
  const { name } = module.constructor;
  throw new TypeError(
    `Cannot export ${path === "" ? name : `${path} (${name})`}: ${exported}; known are Sequential, ${known}`,
  );
}

function each(name: string, ...settings: number[]): Exported | string {
  return withNumbers(
    settings,
    (...texts) => mapped(texts.length === 0 ? name : `${name}(v, ${texts.join(", ")})`, name),
  );
}

/** What `make` makes of settings as source, or what is wrong with one: nothing but a number is written there. */
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
