/** The source of layers over tokens: their places, and encoders of transformers. */
import { sameShape, type Shape, show, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { sinusoidalPositions } from "../../nn/functional/attention.ts";
import * as nn from "../../nn/nn.ts";
import { isOfItsClass } from "./fold_batch_norm.ts";
import type { Exported, Take } from "./layer_sources.ts";

/** The expressions for weights, as arguments; those that are missing are left out. */
export function list(take: Take, ...weights: (Tensor | null)[]): string {
  return weights.filter((part) => part !== null).map(take).join(", ");
}

/** What is added to tokens by their places. */
export function learnedPositions(
  { weight, maxLength, width }: nn.LearnedPositions,
  shape: Shape | null,
): Exported | string {
  const odd = oddTokens(shape, width);
  if (odd !== null) return odd;
  if (shape![0] > maxLength) return `a sample of ${show(shape!)} has more places than there are, ${maxLength}`;
  return tokens(shape!, (take) => `plus(x, ${take(weight)})`, "plus");
}

/** The same by sines, which are written as weights. */
export function sinusoidal({ width }: nn.SinusoidalPositions, shape: Shape | null): Exported | string {
  const odd = oddTokens(shape, width);
  if (odd !== null) return odd;
  return tokens(shape!, (take) => `plus(x, ${take(sinusoidalPositions(shape![0], width))})`, "plus");
}

/** A layer of an encoder, in which every token sees all others. */
export function encoderLayer(layer: nn.TransformerEncoderLayer, shape: Shape | null): Exported | string {
  const odd = oddLayer(layer) ?? oddTokens(shape, layer.dModel);
  return odd ?? tokens(shape!, (take) => layerSource(layer, take), ...CALLS, layer.activation);
}

/** Its layers one after the other. */
export function encoder({ layers, norm }: nn.TransformerEncoder, shape: Shape | null): Exported | string {
  const all = [...layers];
  const oddOne = all.map((layer) => isLayer(layer) ? oddLayer(layer) : noSourceOf(layer)).find((odd) => odd !== null) ??
    (norm === null ? null : oddNorm(norm, norm.normalizedShape.at(-1)!));
  if (oddOne) return oddOne;
  if (all.length === 0 && norm === null) return { expression: () => "x", calls: [], inputs: null, outputs: null };
  const odd = oddTokens(shape, all[0]?.dModel ?? norm!.normalizedShape[0]);
  if (odd !== null) return odd;
  const source = (take: Take) => {
    const encoded = all.reduce((x, layer) => of(layerSource(layer, take), x), "x");
    return norm === null ? encoded : of(normSource(norm, take), encoded);
  };
  return tokens(shape!, source, ...CALLS, ...all.map(({ activation }) => activation));
}

const CALLS = ["plus", "attention", "eachRow", "layerNorm", "linear"];

function tokens(shape: Shape, expression: (take: Take) => string, ...calls: string[]): Exported {
  return { expression, calls: [...new Set(calls)], inputs: sizeOf(shape), outputs: sizeOf(shape), shape };
}

function oddTokens(shape: Shape | null, width: number): string | null {
  if (shape === null) return "it needs to know the shape of a sample, give it as { inputShape: [length, width] }";
  return shape.length === 2 && shape[1] === width
    ? null
    : `a sample of ${show(shape)} is no row of tokens [length, ${width}]`;
}

function noSourceOf(module: object): string {
  return `there is no source for its ${module.constructor.name}`;
}

function isLayer(layer: nn.TransformerEncoderLayer): boolean {
  return layer.constructor === nn.TransformerEncoderLayer && isOfItsClass(layer);
}

/** Why there is no source for a layer, in words that follow its name. */
function oddLayer(layer: nn.TransformerEncoderLayer): string | null {
  const { selfAttn, linear1, linear2, norm1, norm2, dropout, dropout1, dropout2, dModel } = layer;
  const parts: [nn.AnyModule, unknown][] = [
    ...[[selfAttn, nn.MultiheadAttention], [linear1, nn.Linear], [linear2, nn.Linear]] as [nn.AnyModule, unknown][],
    ...[selfAttn.outProj].map((part): [nn.AnyModule, unknown] => [part, nn.Linear]),
    ...[dropout, dropout1, dropout2].map((part): [nn.AnyModule, unknown] => [part, nn.Dropout]),
  ];
  const odd = parts.find(([part, kind]) => part.constructor !== kind || !isOfItsClass(part));
  if (odd !== undefined) return noSourceOf(odd[0]);
  if (!selfAttn.batchFirst) return "its batch comes second, make it with { batchFirst: true }";
  if (selfAttn.rotary) return "there is no source for rotary attention, write it as a file of ONNX with exportOnnx()";
  return oddNorm(norm1, dModel) ?? oddNorm(norm2, dModel);
}

function oddNorm(norm: nn.LayerNorm, width: number): string | null {
  if (norm.constructor !== nn.LayerNorm || !isOfItsClass(norm)) return noSourceOf(norm);
  if (typeof norm.eps !== "number" || Number.isNaN(norm.eps)) {
    return `its setting ${JSON.stringify(norm.eps)} is no number`;
  }
  return sameShape(norm.normalizedShape, [width]) ? null : `its norm is not over ${width} values`;
}

/** The source of a function of x, applied to another expression. */
function of(source: string, x: string): string {
  return x === "x" ? source : `((x: number[]) => ${source})(${x})`;
}

function normSource({ normalizedShape, eps, weight, bias }: nn.LayerNorm, take: Take): string {
  const weights = list(take, weight, bias);
  return `eachRow(x, ${sizeOf(normalizedShape)}, (x) => layerNorm(x, ${eps}${weights === "" ? "" : `, ${weights}`}))`;
}

function layerSource(layer: nn.TransformerEncoderLayer, take: Take): string {
  const { selfAttn: { inProjWeight, inProjBias, outProj, numHeads }, linear1, linear2, dModel, activation } = layer;
  const attend = `attention(x, ${dModel}, ${numHeads}, ${
    list(take, inProjWeight, outProj.weight, inProjBias, outProj.bias)
  })`;
  const [first, second] = [linear1, linear2].map(({ weight, bias }) => list(take, weight, bias));
  const feed = `eachRow(x, ${dModel}, (x) => linear(linear(x, ${first}).map((v) => ${activation}(v)), ${second}))`;
  const [norm1, norm2] = [layer.norm1, layer.norm2].map((norm) => normSource(norm, take));
  const around = (part: string, norm: string, x: string) =>
    layer.normFirst ? of(`plus(x, ${of(part, norm)})`, x) : of(norm, of(`plus(x, ${part})`, x));
  return around(feed, norm2, around(attend, norm1, "x"));
}
