/** The layer of a transformer's decoder, which attends to a memory as well. */
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import type { Tensor } from "../../core/tensor.ts";
import { MultiheadAttention } from "./attention.ts";
import type { KeyValueCache } from "./key_value_cache.ts";
import { Dropout, Linear } from "./layers.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalization.ts";
import { ACTIVATIONS, around, settingsOf, type TransformerLayerOptions } from "./transformer.ts";

/** The options of a call of {@linkcode TransformerDecoderLayer}. */
export interface TransformerDecoderCallOptions {
  /**
   * What the tokens see of each other: [length, length] or [batch · heads, length, length], true where one does not, or numbers.
   *
   * @default {null}
   */
  mask?: Tensor | null;
  /**
   * What they see of the memory: [length, S] or [batch · heads, length, S], likewise.
   *
   * @default {null}
   */
  memoryMask?: Tensor | null;
  /**
   * [batch, length]: true where a token is hidden, or numbers that are added.
   *
   * @default {null}
   */
  keyPaddingMask?: Tensor | null;
  /**
   * [batch, S]: true where one of the memory is hidden, or numbers that are added.
   *
   * @default {null}
   */
  memoryKeyPaddingMask?: Tensor | null;
  /**
   * Whether a token sees itself and those before it alone.
   *
   * @default {false}
   */
  isCausal?: boolean;
  /**
   * The tokens before, to which those of this call are added.
   *
   * @default {null}
   */
  cache?: KeyValueCache | null;
}

const DECODER_CALL = [
  ...["mask", "memoryMask", "keyPaddingMask", "memoryKeyPaddingMask", "isCausal", "cache"] as const,
];

/**
 * A layer of a decoder: attention of the tokens to each other, then to a memory, such as what an encoder gave, then two linear layers with
 * an activation between, each with its input added and a normalisation.
 *
 * Source: Vaswani et al., "Attention Is All You Need" (2017).
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true });
 * const memory = randn([3, 7, 8]);
 * assertEquals(layer.call(randn([3, 5, 8]), memory, { isCausal: true }).shape, [3, 5, 8]);
 * ```
 */
export class TransformerDecoderLayer extends Module<
  [x: Tensor, memory: Tensor, options?: TransformerDecoderCallOptions]
> {
  /** Attention of the tokens to each other. */
  selfAttn: MultiheadAttention;
  /** Attention to the memory. */
  multiheadAttn: MultiheadAttention;
  /** To the width between. */
  linear1: Linear;
  /** Drops between the linear layers. */
  dropout: Dropout;
  /** And back. */
  linear2: Linear;
  /** The normalisation of attention to each other. */
  norm1: LayerNorm;
  /** The normalisation of attention to the memory. */
  norm2: LayerNorm;
  /** The normalisation of the linear layers. */
  norm3: LayerNorm;
  /** Drops after attention to each other. */
  dropout1: Dropout;
  /** Drops after attention to the memory. */
  dropout2: Dropout;
  /** Drops after the linear layers. */
  dropout3: Dropout;
  readonly #settings: Required<TransformerLayerOptions>;

  /**
   * A layer for tokens of `dModel` values, attended to by `nhead` heads.
   *
   * @throws {RangeError} If the heads do not divide them.
   */
  constructor(
    /** How many values a token has. */
    readonly dModel: number,
    /** How many heads there are. */
    readonly nhead: number,
    options: TransformerLayerOptions = {},
  ) {
    super();
    this.#settings = settingsOf("TransformerDecoderLayer", options);
    const { dimFeedforward, dropout, layerNormEps: eps, batchFirst, rotary, dtype } = this.#settings;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, rotary, dtype });
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, dtype });
    this.linear1 = new Linear(dModel, dimFeedforward, { dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { dtype });
    [this.norm1, this.norm2, this.norm3] = [1, 2, 3].map(() => new LayerNorm(dModel, { eps, dtype }));
    [this.dropout1, this.dropout2, this.dropout3] = [1, 2, 3].map(() => new Dropout(dropout));
  }

  /** What becomes of tokens [batch, length, dModel] and a memory [batch, S, dModel], or with the batch second unless `batchFirst`. */
  forward(x: Tensor, memory: Tensor, options: TransformerDecoderCallOptions = {}): Tensor {
    requireTensor(x, "call TransformerDecoderLayer with");
    requireTensor(memory, "call TransformerDecoderLayer with the memory");
    checkOptions("call TransformerDecoderLayer", options, DECODER_CALL, { isCausal: "boolean" });
    const { mask = null, memoryMask = null, memoryKeyPaddingMask = null, ...own } = options;
    const { normFirst } = this.#settings;
    const attended = around(x, this.norm1, (x) => {
      return this.dropout1.call(this.selfAttn.call(x, x, x, { ...own, attnMask: mask, needWeights: false })[0]);
    }, normFirst);
    const told = around(attended, this.norm2, (x) => {
      const masks = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask };
      return this.dropout2.call(this.multiheadAttn.call(x, memory, memory, { ...masks, needWeights: false })[0]);
    }, normFirst);
    return around(told, this.norm3, (x) => this.dropout3.call(this.#fed(x)), normFirst);
  }

  #fed(x: Tensor): Tensor {
    const activation = ACTIVATIONS[this.#settings.activation];
    return this.linear2.call(this.dropout.call(activation(this.linear1.call(x))));
  }
}
