/** Layers over images and sequences, each with the shape of a sample, to be exported. */
import * as nn from "@gradus/gradus/nn";

const image = [4, 5, 6];
const sequence = [4, 9];

/** Layers by class, which may stand here in several ways. */
export const imageKinds: Readonly<Record<string, [make: () => nn.Module, shape: number[]]>> = {
  Conv1d: [() => new nn.Conv1d(4, 3, 3, { stride: 2, padding: 1 }), sequence],
  Conv2d: [() => new nn.Conv2d(4, 3, [3, 2], { padding: 1 }), image],
  "Conv2d in groups without bias": [() => new nn.Conv2d(4, 6, 2, { groups: 2, dilation: [2, 1], bias: false }), image],
  "Conv2d with the same size": [() => new nn.Conv2d(4, 2, 2, { padding: "same" }), image],
  "Conv2d beside its mirror image": [() => new nn.Conv2d(4, 2, 3, { padding: 1, paddingMode: "reflect" }), image],
  ConvTranspose1d: [() => new nn.ConvTranspose1d(4, 2, 3, { stride: 2, padding: 1 }), sequence],
  ConvTranspose2d: [() => new nn.ConvTranspose2d(4, 6, 3, { stride: 2, groups: 2, outputPadding: 1 }), image],
  MaxPool1d: [() => new nn.MaxPool1d(3, { stride: 2, padding: 1 }), sequence],
  MaxPool2d: [() => new nn.MaxPool2d(2, { ceilMode: true }), image],
  "MaxPool2d with dilation": [() => new nn.MaxPool2d([2, 3], { stride: 1, dilation: [2, 1] }), image],
  AvgPool1d: [() => new nn.AvgPool1d(3, { padding: 1 }), sequence],
  AvgPool2d: [() => new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }), image],
  "AvgPool2d by another divisor": [() => new nn.AvgPool2d(2, { divisorOverride: 3 }), image],
  AdaptiveAvgPool1d: [() => new nn.AdaptiveAvgPool1d(4), sequence],
  AdaptiveAvgPool2d: [() => new nn.AdaptiveAvgPool2d([3, 4]), image],
  AdaptiveMaxPool2d: [() => new nn.AdaptiveMaxPool2d(2), image],
  "BatchNorm1d of sequences": [() => new nn.BatchNorm1d(4), sequence],
  BatchNorm2d: [() => new nn.BatchNorm2d(4), image],
  "BatchNorm2d without weights": [() => new nn.BatchNorm2d(4, { affine: false }), image],
  GroupNorm: [() => new nn.GroupNorm(2, 4), image],
  InstanceNorm2d: [() => new nn.InstanceNorm2d(4), image],
  "InstanceNorm2d with all": [() => new nn.InstanceNorm2d(4, { affine: true, trackRunningStats: true }), image],
  Dropout2d: [() => new nn.Dropout2d(), image],
  Upsample: [() => new nn.Upsample({ scaleFactor: 2 }), image],
  "Upsample between its pixels": [() => new nn.Upsample({ size: [7, 9], mode: "bilinear" }), image],
  PixelShuffle: [() => new nn.PixelShuffle(2), image],
  ZeroPad2d: [() => new nn.ZeroPad2d([1, -1, 2, 0]), image],
  Unflatten: [() => new nn.Unflatten(1, [2, 2]), image],
  "Flatten of images": [() => new nn.Flatten(), image],
  "Flatten of rows and columns": [() => new nn.Flatten(2), image],
  "Flatten of channels and rows": [() => new nn.Flatten(-3, -2), image],
  "Linear of every row": [() => new nn.Linear(6, 3), image],
  "LayerNorm of every image": [() => new nn.LayerNorm(image), image],
  "LayerNorm of every plane": [() => new nn.LayerNorm([5, 6]), image],
  "Softmax of every pixel": [() => new nn.Softmax(1), image],
  "LogSoftmax of every column": [() => new nn.LogSoftmax(-2), image],
  "GELU of images": [() => new nn.GELU(), image],
};
