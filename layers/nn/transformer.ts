/** Transformers' encoders: layers of attention and of two linear layers, each with a normalisation and a sum around it. */
import {
  checkOptions,
  describe,
  type OptionTypes,
  requireChoice,
  requireSizes,
  requireTensor,
} from "../../core/arguments.ts";
import type { DType } from "../../core/dtype.ts";
import { defaultGenerator } from "../../core/random/generator.ts";
import type { Tensor } from "../../core/tensor.ts";
import { MultiheadAttention } from "./attention.ts";
import { ModuleList } from "./containers.ts";
import { gelu, relu } from "./functional/activation.ts";
import type { KeyValueCache } from "./key_value_cache.ts";
import { Dropout, Linear } from "./layers.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./normalization.ts";

/** The options of {@linkcode TransformerEncoderLayer} and {@linkcode TransformerDecoderLayer}. */
export interface TransformerLayerOptions {
  /**
   * The width between the two linear layers.
   *
   * @default {2048}
   */
  dimFeedforward?: number;
  /**
   * The probability that an element becomes 0 in training: of the weights of attention, between the linear layers and after each part.
   *
   * @default {0.1}
   */
  dropout?: number;
  /**
   * What is applied between the linear layers.
   *
   * @default {"relu"}
   */
  activation?: "relu" | "gelu";
  /**
   * The ε of the normalisations.
   *
   * @default {1e-5}
   */
  layerNormEps?: number;
  /**
   * Whether tensors are [batch, length, width], and not [length, batch, width].
   *
   * @default {false}
   */
  batchFirst?: boolean;
  /**
   * Whether each part normalises its input, and not the sum of its input and output.
   *
   * @default {false}
   */
  normFirst?: boolean;
  /**
   * Whether attention to the own text turns queries and keys by their positions. Not PyTorch's.
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

const LAYER: OptionTypes<TransformerLayerOptions> = {
  dimFeedforward: "number",
  dropout: "number",
  layerNormEps: "number",
  batchFirst: "boolean",
  normFirst: "boolean",
  rotary: "boolean",
};
const LAYER_NAMES = [
  ...["dimFeedforward", "dropout", "activation", "layerNormEps", "batchFirst", "normFirst", "rotary", "dtype"] as const,
];

/** The options of a call of {@linkcode TransformerEncoderLayer} and {@linkcode TransformerEncoder}. */
export interface TransformerEncoderCallOptions {
  /**
   * [length, length] or [batch · heads, length, length]: true where a token does not see another, or numbers that are added.
   *
   * @default {null}
   */
  mask?: Tensor | null;
  /**
   * [batch, length]: true where a token is hidden, or numbers that are added.
   *
   * @default {null}
   */
  keyPaddingMask?: Tensor | null;
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

const ENCODER_CALL = ["mask", "keyPaddingMask", "isCausal", "cache"] as const;

/** The activations between the linear layers. */
export const ACTIVATIONS = { relu, gelu } as const;

/** What is done around a part: a sum with its input, and a normalisation before it or after. */
export function around(x: Tensor, norm: LayerNorm, part: (x: Tensor) => Tensor, first: boolean): Tensor {
  return first ? x.add(part(norm.call(x))) : norm.call(x.add(part(x)));
}

/** Checks the options of a layer, and says what those that are not given are. */
export function settingsOf(name: string, options: TransformerLayerOptions): Required<TransformerLayerOptions> {
  checkOptions(`make ${name}`, options, LAYER_NAMES, LAYER);
  const settings = {
    ...{ dimFeedforward: 2048, dropout: 0.1, activation: "relu", layerNormEps: 1e-5 } as const,
    ...{ batchFirst: false, normFirst: false, rotary: false, dtype: "float32" } as const,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  requireSizes(`make ${name}`, { dimFeedforward: settings.dimFeedforward });
  requireChoice(`make ${name}`, "activation", settings.activation, Object.keys(ACTIVATIONS));
  return settings;
}

/**
 * A layer of an encoder, or with `isCausal` of a model of text: attention of the tokens to each other, then two linear layers with an
 * activation between, each with its input added and a normalisation.
 *
 * Source: Vaswani et al., "Attention Is All You Need" (2017); with `normFirst` Xiong et al., "On Layer Normalization in the Transformer
 * Architecture" (2020).
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true });
 * assertEquals(layer.call(randn([3, 5, 8]), { isCausal: true }).shape, [3, 5, 8]);
 * ```
 */
export class TransformerEncoderLayer extends Module<[x: Tensor, options?: TransformerEncoderCallOptions]> {
  /** Attention of the tokens to each other. */
  selfAttn: MultiheadAttention;
  /** To the width between. */
  linear1: Linear;
  /** Drops between the linear layers. */
  dropout: Dropout;
  /** And back. */
  linear2: Linear;
  /** The normalisation of attention. */
  norm1: LayerNorm;
  /** The normalisation of the linear layers. */
  norm2: LayerNorm;
  /** Drops after attention. */
  dropout1: Dropout;
  /** Drops after the linear layers. */
  dropout2: Dropout;
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
    this.#settings = settingsOf("TransformerEncoderLayer", options);
    const { dimFeedforward, dropout, layerNormEps: eps, batchFirst, rotary, dtype } = this.#settings;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, batchFirst, rotary, dtype });
    this.linear1 = new Linear(dModel, dimFeedforward, { dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { dtype });
    [this.norm1, this.norm2] = [new LayerNorm(dModel, { eps, dtype }), new LayerNorm(dModel, { eps, dtype })];
    [this.dropout1, this.dropout2] = [new Dropout(dropout), new Dropout(dropout)];
  }

  /** What is applied between the linear layers. */
  get activation(): "relu" | "gelu" {
    return this.#settings.activation;
  }

  /** Whether each part normalises its input, and not the sum of its input and output. */
  get normFirst(): boolean {
    return this.#settings.normFirst;
  }

  /** What becomes of tokens [batch, length, dModel], or [length, batch, dModel] unless `batchFirst`, or without a batch. */
  forward(x: Tensor, options: TransformerEncoderCallOptions = {}): Tensor {
    requireTensor(x, "call TransformerEncoderLayer with");
    checkOptions("call TransformerEncoderLayer", options, ENCODER_CALL, { isCausal: "boolean" });
    const { mask: attnMask = null, ...rest } = options;
    const { normFirst } = this.#settings;
    const attended = around(x, this.norm1, (x) => {
      return this.dropout1.call(this.selfAttn.call(x, x, x, { attnMask, ...rest, needWeights: false })[0]);
    }, normFirst);
    return around(attended, this.norm2, (x) => this.dropout2.call(this.#fed(x)), normFirst);
  }

  #fed(x: Tensor): Tensor {
    const activation = ACTIVATIONS[this.#settings.activation];
    return this.linear2.call(this.dropout.call(activation(this.linear1.call(x))));
  }

  /** A layer of the same weights, which are its own. It draws nothing from the stream. */
  copy(): TransformerEncoderLayer {
    const place = defaultGenerator.getState();
    const copy = new TransformerEncoderLayer(this.dModel, this.nhead, this.#settings);
    defaultGenerator.setState(place);
    copy.loadStateDict(this.stateDict());
    return copy.train(this.training);
  }
}

/** The options of {@linkcode TransformerEncoder}. */
export interface TransformerEncoderOptions {
  /**
   * A normalisation after the last layer.
   *
   * @default {null}
   */
  norm?: LayerNorm | null;
}

/**
 * Copies of a layer, one after the other: they begin with the same weights, as in PyTorch.
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 });
 * const encoder = new nn.TransformerEncoder(layer, 3, { norm: new nn.LayerNorm(8) });
 * assertEquals(encoder.call(randn([5, 2, 8])).shape, [5, 2, 8]);
 * assertEquals([...encoder.stateDict().keys()][0], "layers.0.self_attn.in_proj_weight");
 * ```
 */
export class TransformerEncoder extends Module<[x: Tensor, options?: TransformerEncoderCallOptions]> {
  /** The layers. */
  layers: ModuleList<TransformerEncoderLayer>;
  /** The normalisation after the last; `null` for none. */
  norm: LayerNorm | null;

  /**
   * `numLayers` copies of `layer`, which is not one of them.
   *
   * @throws {TypeError} If it is not a `TransformerEncoderLayer`.
   */
  constructor(layer: TransformerEncoderLayer, numLayers: number, options: TransformerEncoderOptions = {}) {
    super();
    checkOptions("make TransformerEncoder", options, ["norm"]);
    if (!(layer instanceof TransformerEncoderLayer)) {
      throw new TypeError(`Cannot make TransformerEncoder of ${describe(layer)}: give a TransformerEncoderLayer`);
    }
    requireSizes("make TransformerEncoder", { numLayers });
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => layer.copy()));
    this.norm = options.norm ?? null;
  }

  /** What becomes of the tokens. */
  forward(x: Tensor, options: TransformerEncoderCallOptions = {}): Tensor {
    requireTensor(x, "call TransformerEncoder with");
    for (const layer of this.layers) x = layer.call(x, options);
    return this.norm === null ? x : this.norm.call(x);
  }
}
