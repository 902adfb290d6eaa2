/** Wrong calls of attention, of what is made of it, and of positions. */
import { nn, ones } from "@gradus/gradus";
import { called, type Cases, NEITHER, unary, x } from "./cases.ts";

const F = nn.functional;
const text = ones([1, 2, 4]);
const attention = () => new nn.MultiheadAttention(4, 2, { batchFirst: true });
const encoder = () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 4, batchFirst: true });
const decoder = () => new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 4, batchFirst: true });

export const ATTENTION_FUNCTIONS: Record<string, Cases> = {
  scaledDotProductAttention: {
    options: [["is_causal", "isCausal", (o) => F.scaledDotProductAttention(x, x, x, o)]],
    tensors: [
      (q) => F.scaledDotProductAttention(q, x, x),
      (k) => F.scaledDotProductAttention(x, k, x),
      (v) => F.scaledDotProductAttention(x, x, v),
      [(mask) => F.scaledDotProductAttention(x, x, x, { mask }), "undefined"],
    ],
  },
  rotaryEmbedding: { options: [["bsae", "base", (o) => F.rotaryEmbedding(x, o)]], ...unary(F.rotaryEmbedding) },
  sinusoidalPositions: { options: [["bsae", "base", (o) => F.sinusoidalPositions(2, 2, o)]] },
  rmsNorm: {
    options: [["epsilon", "eps", (o) => F.rmsNorm(x, [2], o)]],
    tensors: [(x) => F.rmsNorm(x, [2]), [(weight) => F.rmsNorm(x, [2], { weight }), "undefined"]],
  },
};

export const ATTENTION: Record<string, Cases | typeof NEITHER> = {
  MultiheadAttention: {
    options: [
      ["batch_first", "batchFirst", (o) => new nn.MultiheadAttention(4, 2, o)],
      ["attn_mask", "attnMask", (o) => attention().call(text, text, text, o)],
    ],
    tensors: [
      (q) => attention().call(q, text, text),
      (k) => attention().call(text, k, text),
      (v) => attention().call(text, text, v),
      [(attnMask) => attention().call(text, text, text, { attnMask }), "undefined"],
      [(keyPaddingMask) => attention().call(text, text, text, { keyPaddingMask }), "undefined"],
    ],
  },
  TransformerEncoderLayer: {
    options: [
      ["norm_first", "normFirst", (o) => new nn.TransformerEncoderLayer(4, 2, o)],
      ["is_causal", "isCausal", (o) => encoder().call(text, o)],
    ],
    ...called(encoder),
  },
  TransformerEncoder: {
    options: [["nrom", "norm", (o) => new nn.TransformerEncoder(encoder(), 1, o)]],
    ...called(() => new nn.TransformerEncoder(encoder(), 1)),
  },
  TransformerDecoderLayer: {
    options: [
      ["norm_first", "normFirst", (o) => new nn.TransformerDecoderLayer(4, 2, o)],
      ["memory_mask", "memoryMask", (o) => decoder().call(text, text, o)],
    ],
    tensors: [(x) => decoder().call(x, text), (memory) => decoder().call(text, memory)],
  },
  KeyValueCache: NEITHER,
  LearnedPositions: {
    options: [["dtpye", "dtype", (o) => new nn.LearnedPositions(2, 2, o)]],
    ...called(() => new nn.LearnedPositions(2, 2)),
  },
  SinusoidalPositions: called(() => new nn.SinusoidalPositions(2)),
  RMSNorm: {
    options: [["elementwise_affine", "elementwiseAffine", (o) => new nn.RMSNorm(2, o)]],
    ...called(() => new nn.RMSNorm(2)),
  },
};
