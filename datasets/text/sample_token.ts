/** Which token comes next, drawn by what a model says of each. */
import { checkOptions, requireTensor, shown } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { isFloating } from "../../core/dtype.ts";
import { elements } from "../../core/ops/movement.ts";
import { type GeneratorOptions, multinomial } from "../../core/random/distributions.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";

/** How {@linkcode sampleToken} draws. */
export interface SampleTokenOptions extends GeneratorOptions {
  /**
   * What the logits are divided by: below 1 the likely tokens become likelier; at 0 the likeliest is taken, and nothing drawn.
   *
   * @default {1}
   */
  temperature?: number;
  /** How many tokens it is drawn from: the likeliest ones. Without it, all of them. */
  topK?: number;
  /** What the probabilities of the tokens it is drawn from reach together: the fewest likeliest ones that do. Without it, 1. */
  topP?: number;
}

type Floats = Float32Array | Float64Array;

/**
 * A token drawn by `softmax(logits / temperature)`, of a vector [vocab] an int32 tensor [], of a batch [batch, vocab] one of [batch].
 * `topK` applies before `topP`, as in Hugging Face's generation; of equally likely tokens the one with the smaller number stays.
 * It draws as PyTorch's `multinomial(probabilities, 1)` does. A logit of −∞ is never drawn.
 *
 * @throws {RangeError} if a logit is NaN or ∞, all of a row are −∞, `temperature` is negative, `topK` is no whole number from 1, or `topP`
 * does not lie above 0 and up to 1
 *
 * @example
 * ```ts
 * import { Generator, tensor } from "@gradus/gradus";
 * import { sampleToken } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const logits = tensor([[0, 3, 1], [2, 0, 2.5]]);
 * assertEquals(sampleToken(logits, { temperature: 0 }).toArray(), [1, 2]);
 * const generator = new Generator(1);
 * const drawn = Array.from({ length: 20 }, () => sampleToken(logits.select(0, 1), { topK: 2, generator }).item());
 * assertEquals(new Set(drawn), new Set([0, 2]));
 * ```
 */
export function sampleToken(logits: Tensor, options: SampleTokenOptions = {}): Tensor {
  requireTensor(logits, "draw a token by");
  checkOptions("draw a token", options, ["temperature", "topK", "topP", "generator"]);
  const { temperature = 1, topK = Infinity, topP = 1, ...rest } = options;
  checkSettings(temperature, topK, topP);
  checkLogits(logits);
  const vocab = logits.shape.at(-1)!, rows = logits.shape.slice(0, -1);
  const weights = (elements(logits.detach()) as Floats).slice(), tokens = new Int32Array(weights.length / vocab);
  for (let row = 0; row < tokens.length; row++) {
    const own = weights.subarray(row * vocab, (row + 1) * vocab), largest = likeliest(own, row);
    if (temperature === 0) tokens[row] = largest;
    else toWeights(own, own[largest], temperature, topK, topP);
  }
  if (temperature === 0 || tokens.length === 0) return fromData(tokens, rows);
  return multinomial(fromData(weights, logits.shape), 1, rest).squeeze(-1);
}

function checkSettings(temperature: number, topK: number, topP: number): void {
  const refuse = (name: string, value: number, cure: string) => {
    const Kind = typeof value === "number" ? RangeError : TypeError;
    return new Kind(`Cannot draw a token with ${name} ${shown(value)}: give ${cure}`);
  };
  if (!(typeof temperature === "number" && temperature >= 0 && temperature < Infinity)) {
    throw refuse("temperature", temperature, "a number from 0, the likeliest token");
  }
  if (!(topK === Infinity || (Number.isInteger(topK) && topK >= 1))) {
    throw refuse("topK", topK, "a whole number from 1, or leave it out for all tokens");
  }
  if (!(typeof topP === "number" && topP > 0 && topP <= 1)) {
    throw refuse("topP", topP, "a number above 0, up to 1 for all tokens");
  }
}

function checkLogits({ shape, dtype }: Tensor): void {
  if (!isFloating(dtype)) throw new TypeError(`Cannot draw a token by logits of ${dtype}: use float() first`);
  if (shape.length >= 1 && shape.length <= 2 && shape.at(-1) !== 0) return;
  const last = shape.length > 2 ? "; of a sequence take the last place, logits.select(1, -1)" : "";
  throw new RangeError(`Cannot draw a token by logits of shape ${show(shape)}: give [vocab] or [batch, vocab]${last}`);
}

/** The place of the largest logit, the first of equal ones. */
function likeliest(logits: Floats, row: number): number {
  let at = 0;
  for (let i = 0; i < logits.length; i++) {
    if (!(logits[i] < Infinity)) {
      throw new RangeError(
        `Cannot draw a token: logit ${i} of ${logits.length} in row ${row} is ${logits[i]}, ` +
          "look for NaN and infinite weights in the model",
      );
    }
    if (logits[i] > logits[at]) at = i;
  }
  if (logits[at] > -Infinity) return at;
  throw new RangeError(
    `Cannot draw a token: all ${logits.length} logits in row ${row} are -Infinity, leave one to draw`,
  );
}

/** Makes weights of the logits of a row, 0 for what is not drawn. */
function toWeights(logits: Floats, largest: number, temperature: number, topK: number, topP: number): void {
  for (let i = 0; i < logits.length; i++) logits[i] = Math.exp((logits[i] - largest) / temperature);
  if (topK < logits.length) keepLargest(logits, topK);
  if (topP < 1) keepLargest(logits, countFor(logits, topP));
}

/** Leaves the `count` largest weights, and of equal ones the first. */
function keepLargest(weights: Floats, count: number): void {
  const least = weights.slice().sort()[weights.length - count];
  let above = 0;
  for (const weight of weights) if (weight > least) above++;
  for (let i = 0, equal = count - above; i < weights.length; i++) {
    if (weights[i] > least || (weights[i] === least && equal-- > 0)) continue;
    weights[i] = 0;
  }
}

/** How many of the largest weights reach the part `p` of their sum. */
function countFor(weights: Floats, p: number): number {
  const ascending = weights.slice().sort();
  let sum = 0, wanted = 0, count = 0;
  for (const weight of ascending) wanted += p * weight;
  while (sum < wanted && count < ascending.length) sum += ascending[ascending.length - ++count];
  return count;
}
