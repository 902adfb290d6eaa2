/** Layers over tokens [3, 8], by the name of their class, in several ways. */
import * as nn from "@gradus/gradus/nn";

const layer = (options: nn.TransformerLayerOptions = {}) =>
  new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 6, batchFirst: true, ...options });

/** Makes them. */
export const tokenKinds: Readonly<Record<string, readonly (() => nn.Module)[]>> = {
  LearnedPositions: [() => new nn.LearnedPositions(5, 8)],
  SinusoidalPositions: [() => new nn.SinusoidalPositions(8)],
  TransformerEncoderLayer: [layer, () => layer({ normFirst: true, activation: "gelu", layerNormEps: 0.1 })],
  TransformerEncoder: [
    () => new nn.TransformerEncoder(layer(), 2),
    () => new nn.TransformerEncoder(layer({ normFirst: true }), 2, { norm: new nn.LayerNorm(8) }),
    () => new nn.TransformerEncoder(layer(), 0),
  ],
};
