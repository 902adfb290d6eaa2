/** Attention as a function, and what tells it where a token stands. */
import { checkOptions, type OptionTypes, requireSizes, requireTensor } from "../../../core/arguments.ts";
import { fromData } from "../../../core/create.ts";
import { allocate, type DType, isFloating } from "../../../core/dtype.ts";
import {
  type Attention,
  attention,
  attentionInputs,
  attentionWeights,
  type Packed,
  unpacked,
  type WeightDropout,
} from "../../../core/ops/attention.ts";
import { cat } from "../../../core/ops/join.ts";
import { defaultGenerator, type Generator } from "../../../core/random/generator.ts";
import { isTraced } from "../../../core/record.ts";
import { show } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { dropout as drop } from "./layer.ts";

/** The options of `scaledDotProductAttention`. */
export interface ScaledDotProductAttentionOptions {
  /**
   * What a query sees, broadcast to [..., L, S]: bools, true where a key takes part, or numbers that are added to the products.
   *
   * @default {null}
   */
  mask?: Tensor | null;
  /**
   * Whether query i sees the keys up to i alone.
   *
   * @default {false}
   */
  isCausal?: boolean;
  /**
   * The probability that a weight becomes 0; the others are multiplied by `1 / (1 − dropout)`. There is no mode: for predicting give 0.
   *
   * @default {0}
   */
  dropout?: number;
  /**
   * The factor of the products.
   *
   * @default {1 / √E}
   */
  scale?: number | null;
  /**
   * The generator that dropout draws from; `manualSeed` seeds the default one.
   *
   * @default {defaultGenerator}
   */
  generator?: Generator;
}

const ATTENTION: OptionTypes<ScaledDotProductAttentionOptions> = { isCausal: "boolean", dropout: "number" };

/**
 * `softmax(scale · q kᵀ + mask) v` of queries q [..., L, E], keys k [..., S, E] and values v [..., S, V]: [..., L, V]. PyTorch's
 * `scaled_dot_product_attention`.
 *
 * A query that sees no key, since its mask hides all of them, gets zeros, and its gradients are 0; PyTorch answers NaN there.
 *
 * Source: Vaswani et al., "Attention Is All You Need" (2017).
 *
 * @example
 * ```ts
 * import { nn, ones, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const [q, k] = [ones([2, 1]), ones([2, 1])]; // all products are the same
 * const v = tensor([[1], [3]]);
 * const { scaledDotProductAttention } = nn.functional;
 * assertEquals(scaledDotProductAttention(q, k, v).toArray(), [[2], [2]]);
 * assertEquals(scaledDotProductAttention(q, k, v, { isCausal: true }).toArray(), [[1], [2]]);
 * ```
 * @throws {RangeError} If the sizes do not fit together, or the dropout lies outside [0, 1].
 * @throws {TypeError} If they are integers, or the mask is neither of bools nor of floats.
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: ScaledDotProductAttentionOptions = {},
): Tensor {
  const known = ["mask", "isCausal", "dropout", "scale", "generator"] as const;
  checkOptions("attend", options, known, ATTENTION);
  const { mask = null, isCausal = false, dropout = 0, scale = null, generator = defaultGenerator } = options;
  const causal = isCausal ? 0 : null;
  return attended([q, k, v], mask, { scale: scale ?? usualScale(q), causal }, { p: dropout, generator });
}

/** `1 / √E` for queries [..., L, E]. */
function usualScale(q: Tensor): number {
  requireTensor(q, "attend with the queries");
  return 1 / Math.sqrt(q.shape.at(-1) ?? 1);
}

/** Attention and its weights, after dropout. */
export function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor | null,
  by: Attention,
  { p, generator = defaultGenerator }: { p: number; generator?: Generator },
): { y: Tensor; weights: Tensor } {
  const inputs = attentionInputs(q, k, v, mask);
  const all = attentionWeights(inputs.q, inputs.k, inputs.mask, by);
  const weights = drop(all, { p, generator });
  return { y: weights.matmul(inputs.v), weights };
}

/** Attention alone, in one pass where the mask asks for no gradient. */
export function attended(inputs: Packed, mask: Tensor | null, by: Attention, dropout: WeightDropout): Tensor {
  const [q, k, v] = unpacked(inputs);
  if (isTraced() || mask?.requiresGrad) return attend(q, k, v, mask, by, dropout).y;
  const { p } = dropout;
  if (!(p >= 0 && p <= 1)) throw new RangeError(`Cannot drop with probability ${p}: it must lie from 0 to 1`);
  const checked = attentionInputs(q, k, v, mask);
  const isOne = inputs.length === 1 || [q, k, v].every((x) => x.dtype === checked.q.dtype);
  return attention(isOne ? inputs : [checked.q, checked.k, checked.v], checked.mask, by, dropout);
}

// Positions.

/** The options of `sinusoidalPositions`. */
export interface SinusoidalOptions {
  /**
   * The first position.
   *
   * @default {0}
   */
  from?: number;
  /**
   * The base of the wavelengths, which go from 2π to 2π · base.
   *
   * @default {10000}
   */
  base?: number;
  /**
   * The dtype of the result.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/**
 * A vector for each position p: `sin(p / base^(2i / width))` at 2i and the cosine of the same at 2i + 1: [length, width].
 *
 * Source: Vaswani et al., "Attention Is All You Need" (2017).
 *
 * @example
 * ```ts
 * import { nn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(nn.functional.sinusoidalPositions(3, 4).at(0).toArray(), [0, 1, 0, 1]);
 * ```
 */
export function sinusoidalPositions(length: number, width: number, options: SinusoidalOptions = {}): Tensor {
  checkOptions("take sinusoidalPositions()", options, ["from", "base", "dtype"], { from: "number", base: "number" });
  requireSizes("take sinusoidalPositions()", { length, width });
  const { from = 0, base = 10000, dtype = "float32" } = options;
  if (!isFloating(dtype)) throw new TypeError(`Cannot take sinusoidalPositions() in ${dtype}: give a dtype of floats`);
  const values = allocate(dtype, length * width);
  for (let p = 0, at = 0; p < length; p++) {
    for (let i = 0; i < width; i++, at++) {
      const angle = (from + p) / base ** ((i - i % 2) / width);
      values[at] = i % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return fromData(values, [length, width]);
}

/** The options of `rotaryEmbedding`. */
export interface RotaryOptions {
  /**
   * The position of the first row.
   *
   * @default {0}
   */
  from?: number;
  /**
   * The base of the wavelengths.
   *
   * @default {10000}
   */
  base?: number;
  /**
   * Whether pairs are neighbours, 2i and 2i + 1, as in the paper; else i and i + width / 2, as in most models of today.
   *
   * @default {false}
   */
  interleaved?: boolean;
}

/**
 * x [..., length, width] with each pair of values turned by its row's position p: by the angle `p / base^(2i / width)`. The product of a
 * query and a key that were turned depends on their distance alone.
 *
 * Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021).
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { rotaryEmbedding } = nn.functional;
 * const [q, k] = [randn([1, 8]), randn([1, 8])];
 * const product = (at: number, to: number) =>
 *   rotaryEmbedding(q, { from: at }).mul(rotaryEmbedding(k, { from: to })).sum().item();
 * assertAlmostEquals(product(3, 5), product(10, 12), 1e-4);
 * ```
 * @throws {RangeError} If the width is odd.
 * @throws {TypeError} If x is of an integer kind.
 */
export function rotaryEmbedding(x: Tensor, options: RotaryOptions = {}): Tensor {
  requireTensor(x, "take rotaryEmbedding() of");
  checkOptions("take rotaryEmbedding()", options, ["from", "base", "interleaved"], {
    from: "number",
    base: "number",
    interleaved: "boolean",
  });
  const { from = 0, base = 10000, interleaved = false } = options;
  const [length, width] = [x.shape.at(-2), x.shape.at(-1)];
  if (length === undefined || width === undefined || width % 2 !== 0) {
    throw new RangeError(`Cannot take rotaryEmbedding() of ${show(x.shape)}: expected [..., length, an even width]`);
  }
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot take rotaryEmbedding() of ${x.dtype}: cast it with float()`);
  const half = width / 2;
  const angles = (f: (angle: number) => number) => {
    const values = allocate(x.dtype, length * half);
    for (let at = 0; at < values.length; at++) {
      values[at] = f((from + Math.floor(at / half)) / base ** (2 * (at % half) / width));
    }
    return fromData(values, interleaved ? [length, half, 1] : [length, 1, half]);
  };
  const pairs = x.reshape(...x.shape.slice(0, -1), ...(interleaved ? [half, 2] : [2, half]));
  const along = interleaved ? -1 : -2;
  const [a, b] = [pairs.narrow(along, 0, 1), pairs.narrow(along, 1, 1)];
  const [cos, sin] = [angles(Math.cos), angles(Math.sin)];
  return cat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], along).reshape(...x.shape);
}
