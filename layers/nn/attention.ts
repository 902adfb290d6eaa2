/** Attention with several heads. */
import { checkOptions, type OptionTypes, requireSizes, requireTensor } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import { type DType, isFloating } from "../../core/dtype.ts";
import { type Packed, unpacked } from "../../core/ops/attention.ts";
import { where } from "../../core/ops/where.ts";
import { defaultGenerator } from "../../core/random/generator.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { attend, attended, rotaryEmbedding } from "./functional/attention.ts";
import { linear } from "./functional/layer.ts";
import { xavierUniform_, zeros_ } from "./init.ts";
import { Linear } from "./layers.ts";
import type { KeyValueCache } from "./key_value_cache.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** The options of {@linkcode MultiheadAttention}. */
export interface MultiheadAttentionOptions {
  /**
   * The probability that a weight becomes 0 in training.
   *
   * @default {0}
   */
  dropout?: number;
  /**
   * Whether the projections add a bias.
   *
   * @default {true}
   */
  bias?: boolean;
  /**
   * How many values a key comes with.
   *
   * @default {embedDim}
   */
  kdim?: number;
  /**
   * How many values a value comes with.
   *
   * @default {embedDim}
   */
  vdim?: number;
  /**
   * Whether tensors are [batch, length, width], and not [length, batch, width].
   *
   * @default {false}
   */
  batchFirst?: boolean;
  /**
   * Whether queries and keys are turned by their positions: {@linkcode functional.rotaryEmbedding}. Not PyTorch's.
   *
   * @default {false}
   */
  rotary?: boolean;
  /**
   * The dtype of the parameters.
   *
   * @default {"float32"}
   */
  dtype?: DType;
}

/** The options of a call of {@linkcode MultiheadAttention}. */
export interface AttentionCallOptions {
  /**
   * [batch, S]: true where a key is hidden, or numbers that are added.
   *
   * @default {null}
   */
  keyPaddingMask?: Tensor | null;
  /**
   * [L, S] or [batch · heads, L, S]: true where a query does not see a key, or numbers that are added. Mind that
   * `scaledDotProductAttention` means the contrary by true, as PyTorch's does.
   *
   * @default {null}
   */
  attnMask?: Tensor | null;
  /**
   * Whether query i sees the keys up to i alone; with a cache, also all before.
   *
   * @default {false}
   */
  isCausal?: boolean;
  /**
   * Whether the weights are returned, which takes longer.
   *
   * @default {true}
   */
  needWeights?: boolean;
  /**
   * Whether these are the mean over the heads, [batch, L, S], and not [batch, heads, L, S].
   *
   * @default {true}
   */
  averageAttnWeights?: boolean;
  /**
   * Keys and values of the tokens before, to which those of this call are added.
   *
   * @default {null}
   */
  cache?: KeyValueCache | null;
}

const MODULE: OptionTypes<MultiheadAttentionOptions> = {
  dropout: "number",
  bias: "boolean",
  kdim: "number",
  vdim: "number",
  batchFirst: "boolean",
  rotary: "boolean",
};
const MODULE_NAMES = ["dropout", "bias", "kdim", "vdim", "batchFirst", "rotary", "dtype"] as const;

const CALL: OptionTypes<AttentionCallOptions> = {
  isCausal: "boolean",
  needWeights: "boolean",
  averageAttnWeights: "boolean",
};
const CALL_NAMES = ["keyPaddingMask", "attnMask", "isCausal", "needWeights", "averageAttnWeights", "cache"] as const;

/**
 * Attention by several heads, each of which sees `embedDim / numHeads` values of projections of queries, keys and values; a last
 * projection joins them.
 *
 * A query that sees no key, since masks hide all of them, gets zeros from each head, where PyTorch answers NaN.
 *
 * Source: Vaswani et al., "Attention Is All You Need" (2017).
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const attention = new nn.MultiheadAttention(8, 2, { batchFirst: true });
 * const x = randn([3, 5, 8]); // [batch, length, width]
 * const [y, weights] = attention.call(x, x, x);
 * assertEquals([y.shape, weights?.shape], [[3, 5, 8], [3, 5, 5]]);
 * ```
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, options?: AttentionCallOptions],
  [output: Tensor, weights: Tensor | null]
> {
  /** [3 · embedDim, embedDim]: of queries, keys and values, one below the other; `null` where these differ in width. */
  inProjWeight: Parameter | null = null;
  /** [embedDim, embedDim], where the widths differ. */
  qProjWeight: Parameter | null = null;
  /** [embedDim, kdim], where the widths differ. */
  kProjWeight: Parameter | null = null;
  /** [embedDim, vdim], where the widths differ. */
  vProjWeight: Parameter | null = null;
  /** [3 · embedDim], 0 at first; `null` without a bias. */
  inProjBias: Parameter | null;
  /** Joins the heads. */
  outProj: Linear;
  /** The probability that a weight becomes 0 in training. */
  readonly dropout: number;
  /** Whether tensors are [batch, length, width]. */
  readonly batchFirst: boolean;
  /** Whether queries and keys are turned by their positions. */
  readonly rotary: boolean;

  /**
   * A layer for queries of `embedDim` values.
   *
   * @throws {RangeError} If the heads do not divide them, or the dropout lies outside [0, 1].
   */
  constructor(
    /** How many values a query and the output have. */
    readonly embedDim: number,
    /** How many heads there are. */
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super();
    checkOptions("make MultiheadAttention", options, MODULE_NAMES, MODULE);
    const { dropout = 0, bias = true, kdim = embedDim, vdim = embedDim, dtype = "float32" } = options;
    requireSizes("make MultiheadAttention", { embedDim, numHeads, kdim, vdim });
    if (numHeads === 0 || embedDim % numHeads !== 0) {
      throw new RangeError(
        `Cannot make MultiheadAttention of ${embedDim} values with ${numHeads} heads: give a number that divides them`,
      );
    }
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new RangeError(`Cannot drop with probability ${dropout}: it must lie from 0 to 1`);
    }
    [this.dropout, this.batchFirst] = [dropout, options.batchFirst ?? false];
    this.rotary = options.rotary ?? false;
    const weight = (rows: number, cols: number) => new Parameter(zeros([rows, cols], { dtype }));
    if (kdim === embedDim && vdim === embedDim) this.inProjWeight = weight(3 * embedDim, embedDim);
    else {
      this.qProjWeight = weight(embedDim, embedDim);
      this.kProjWeight = weight(embedDim, kdim);
      this.vProjWeight = weight(embedDim, vdim);
    }
    this.inProjBias = bias ? new Parameter(zeros([3 * embedDim], { dtype })) : null;
    this.outProj = new Linear(embedDim, embedDim, { bias, dtype }); // draws before the others, as in PyTorch
    this.resetParameters();
  }

  /** Draws the weights of the three projections again; all biases become 0. */
  resetParameters(): void {
    for (const w of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight]) {
      if (w !== null) xavierUniform_(w);
    }
    for (const b of [this.inProjBias, this.outProj.bias]) if (b !== null) zeros_(b);
  }

  /**
   * The output for queries [batch, L, embedDim], keys [batch, S, kdim] and values [batch, S, vdim], or without a batch, or with it second
   * unless `batchFirst`; and the weights, if they are wanted.
   *
   * @throws {RangeError} If sizes do not fit together.
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionCallOptions = {},
  ): [output: Tensor, weights: Tensor | null] {
    checkOptions("call MultiheadAttention", options, CALL_NAMES, CALL);
    checkInputs(this, query, key, value);
    if (query.ndim === 2) return this.#alone(query, key, value, options);
    const { cache = null, isCausal = false, needWeights = true, averageAttnWeights = true } = options;
    const from = cache?.lengthOf(this) ?? 0, p = this.training ? this.dropout : 0;
    const all = this.#projected(query, key, value); // [3, batch, heads, length, width], or three without the 3
    const inputs = this.rotary || cache !== null || needWeights ? this.#moved(all, from, cache) : all;
    const by = { scale: 1 / Math.sqrt(this.embedDim / this.numHeads), causal: isCausal ? from : null };
    const mask = this.#mask(options, unpacked(inputs));
    const found = needWeights ? attend(...unpacked(inputs), mask, by, { p }) : null;
    const y = found?.y ?? attended(inputs, mask, by, { p, generator: defaultGenerator });
    const joined = this.batchFirst ? y.permute(0, 2, 1, 3) : y.permute(2, 0, 1, 3);
    const output = this.outProj.call(joined.reshape(...query.shape));
    return [output, found && (averageAttnWeights ? found.weights.mean(1) : found.weights)];
  }

  /** Queries, keys and values apart: turned by their positions, and after those of the cache. */
  #moved(inputs: Packed, from: number, cache: KeyValueCache | null): Packed {
    let [q, k, v] = unpacked(inputs);
    if (this.rotary) [q, k] = [rotaryEmbedding(q, { from }), rotaryEmbedding(k, { from })];
    if (cache !== null) [k, v] = cache.append(this, k, v);
    return [q, k, v];
  }

  /** A text without a batch, as a batch of one. */
  #alone(q: Tensor, k: Tensor, v: Tensor, options: AttentionCallOptions): [Tensor, Tensor | null] {
    const dim = this.batchFirst ? 0 : 1;
    const padding = options.keyPaddingMask?.unsqueeze(0) ?? null;
    const [y, weights] = this.forward(q.unsqueeze(dim), k.unsqueeze(dim), v.unsqueeze(dim), {
      ...options,
      keyPaddingMask: padding,
    });
    return [y.squeeze(dim), weights?.squeeze(0) ?? null];
  }

  #projected(query: Tensor, key: Tensor, value: Tensor): Packed {
    const { embedDim, numHeads, inProjWeight: w, inProjBias: b } = this;
    const heads = [numHeads, embedDim / numHeads], order = this.batchFirst ? [0, 2, 1, 3] : [1, 2, 0, 3];
    if (w !== null && query === key && key === value) {
      const apart = linear(query, w, b).reshape(...query.shape.slice(0, 2), 3, ...heads);
      return [apart.permute(2, ...order.map((dim) => dim < 2 ? dim : dim + 1))];
    }
    const rows = (x: Tensor | null, i: number) => x && x.narrow(0, i * embedDim, embedDim);
    const weights = w === null
      ? [this.qProjWeight!, this.kProjWeight!, this.vProjWeight!]
      : [0, 1, 2].map((i) => rows(w, i)!);
    const [q, k, v] = [query, key, value].map((x, i) => {
      return linear(x, weights[i], rows(b, i)).reshape(...x.shape.slice(0, 2), ...heads).permute(...order);
    });
    return [q, k, v];
  }

  /** Both masks as one of numbers that are added, which broadcasts to [batch, heads, L, S]. */
  #mask({ attnMask = null, keyPaddingMask = null }: AttentionCallOptions, [q, k]: readonly Tensor[]): Tensor | null {
    const [batch, heads, rows] = q.shape, cols = k.shape[2];
    const masks: Tensor[] = [];
    if (attnMask !== null) {
      requireMask("attnMask", attnMask, [[rows, cols], [batch * heads, rows, cols]]);
      masks.push(added(attnMask.ndim === 2 ? attnMask : attnMask.reshape(batch, heads, rows, cols)));
    }
    if (keyPaddingMask !== null) {
      requireMask("keyPaddingMask", keyPaddingMask, [[batch, cols]]);
      masks.push(added(keyPaddingMask).reshape(batch, 1, 1, cols));
    }
    return masks.length === 2 ? masks[0].add(masks[1]) : masks[0] ?? null;
  }

  /** Those of the projections of queries, keys and values, and of the products with the weights. */
  override multiplyAdds([output]: [Tensor, Tensor | null], query: Tensor, key: Tensor, value: Tensor): number {
    const { embedDim } = this;
    const length = key.ndim === 2 ? key.shape[0] : key.shape[this.batchFirst ? 1 : 0];
    return embedDim * (query.numel() + key.numel() + value.numel()) + 2 * output.numel() * length;
  }
}

/** A mask of bools, true where a key is hidden, as numbers that are added. */
function added(mask: Tensor): Tensor {
  return mask.dtype === "bool" ? where(mask, -Infinity, 0) : mask;
}

function requireMask(name: string, mask: Tensor, shapes: readonly (readonly number[])[]): void {
  requireTensor(mask, `attend with the ${name}`);
  if (mask.dtype !== "bool" && !isFloating(mask.dtype)) {
    throw new TypeError(`Cannot attend with the ${name} of ${mask.dtype}: give bools, or floats that are added`);
  }
  if (shapes.some((shape) => show(shape) === show(mask.shape))) return;
  throw new RangeError(
    `Cannot attend with the ${name} ${show(mask.shape)}: expected ${shapes.map(show).join(" or ")}`,
  );
}

function checkInputs(
  { embedDim, kProjWeight, vProjWeight, batchFirst }: MultiheadAttention,
  ...inputs: Tensor[]
): void {
  ["the query", "the key", "the value"].forEach((name, i) => requireTensor(inputs[i], `attend with ${name}`));
  const [q, k, v] = inputs.map(({ shape }) => shape);
  const widths = [embedDim, kProjWeight?.shape[1] ?? embedDim, vProjWeight?.shape[1] ?? embedDim];
  const [batch, length] = batchFirst ? [0, 1] : [1, 0];
  const isWide = [q, k, v].every((shape, i) => shape.length === q.length && shape.at(-1) === widths[i]);
  const fits = isWide && (q.length === 2 || (q.length === 3 && q[batch] === k[batch] && k[batch] === v[batch])) &&
    k[q.length === 2 ? 0 : length] === v[q.length === 2 ? 0 : length];
  if (fits) return;
  const order = (name: string, width: number) =>
    `[${(batchFirst ? ["batch", name] : [name, "batch"]).join(", ")}, ${width}]`;
  throw new RangeError(
    `Cannot attend with a query ${show(q)}, a key ${show(k)} and a value ${show(v)}: expected ` +
      `${order("L", widths[0])}, ${order("S", widths[1])} and ${order("S", widths[2])}, or all without a batch`,
  );
}
