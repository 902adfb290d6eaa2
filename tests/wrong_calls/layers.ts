/** Wrong calls of `nn`. */
import * as g from "@gradus/gradus";
import { ATTENTION, ATTENTION_FUNCTIONS } from "./attention.ts";
import {
  called,
  type Cases,
  initialiser,
  ints,
  loss,
  lossClass,
  model,
  NEITHER,
  type TensorCase,
  unary,
  type Wrong,
  x,
} from "./cases.ts";
import { SEQUENCES } from "./sequences.ts";

const { nn, ones } = g;

const LOSSES: Record<string, Cases> = {
  mse: loss(nn.functional.mse),
  l1: loss(nn.functional.l1),
  smoothL1: loss(nn.functional.smoothL1, x, ["Beta", "beta", (o) => nn.functional.smoothL1(x, x, o)]),
  huber: loss(nn.functional.huber, x, ["dleta", "delta", (o) => nn.functional.huber(x, x, o)]),
  bce: loss(nn.functional.bce, x, ["wieght", "weight", (o) => nn.functional.bce(x, x, o)]),
  bceWithLogits: loss(nn.functional.bceWithLogits, x, [
    "pos_weight",
    "posWeight",
    (o) => nn.functional.bceWithLogits(x, x, o),
  ]),
  klDiv: loss(nn.functional.klDiv, x, ["log_target", "logTarget", (o) => nn.functional.klDiv(x, x, o)]),
  nll: loss(nn.functional.nll, ints, ["ignore_index", "ignoreIndex", (o) => nn.functional.nll(x, ints, o)]),
  crossEntropy: loss(nn.functional.crossEntropy, ints, [
    "labelSmooth",
    "labelSmoothing",
    (o) => nn.functional.crossEntropy(x, ints, o),
  ]),
};
for (const [name, f] of Object.entries({ bce: nn.functional.bce, bceWithLogits: nn.functional.bceWithLogits })) {
  LOSSES[name].tensors!.push([(weight) => f(x, x, { weight }), "undefined"]);
}
for (const [name, f] of Object.entries({ nll: nn.functional.nll, crossEntropy: nn.functional.crossEntropy })) {
  LOSSES[name].tensors!.push([(weight) => f(x, ints, { weight }), "undefined"]);
}
LOSSES.bceWithLogits.tensors!.push([(posWeight) => nn.functional.bceWithLogits(x, x, { posWeight }), "undefined"]);

const F = nn.functional;
/** Losses of two tensors and a third. */
const three = (f: (a: Wrong, b: Wrong, c: Wrong, o?: Wrong) => unknown, c: g.Tensor, written = "margn"): Cases => ({
  options: [[written, written === "margn" ? "margin" : "full", (o) => f(x, x, c, o)]],
  tensors: [(a) => f(a, x, c), (b) => f(x, b, c), (wrong) => f(x, x, wrong)],
});
Object.assign(LOSSES, {
  hingeEmbedding: loss(F.hingeEmbedding, x, ["Margin", "margin", (o) => F.hingeEmbedding(x, x, o)]),
  multiMargin: loss(F.multiMargin, ints, ["weigths", "weight", (o) => F.multiMargin(x, ints, o)]),
  poissonNll: loss(F.poissonNll, x, ["log_input", "logInput", (o) => F.poissonNll(x, x, o)]),
  cosineEmbedding: three(F.cosineEmbedding, ones([2])),
  marginRanking: three(F.marginRanking, x),
  tripletMargin: three(F.tripletMargin, x),
  gaussianNll: three(F.gaussianNll, x, "ful"),
});
const image = ones([1, 4, 4]);
const kernel = ones([1, 1, 2, 2]);
const sequence = ones([1, 4]);
const short = ones([1, 1, 2]);
/** A convolution of x by a weight, with a bias. */
const convolved = (f: (x: Wrong, w: Wrong, b?: Wrong, o?: Wrong) => unknown, x: g.Tensor, w: g.Tensor): Cases => ({
  options: [["strides", "stride", (o) => f(x, w, null, o)], ["Dilation", "dilation", (o) => f(x, w, null, o)]],
  tensors: [(wrong) => f(wrong, w), (wrong) => f(x, wrong), [(wrong) => f(x, w, wrong), "undefined"]],
});
export const FUNCTIONAL: Record<string, Cases> = {
  cosineSimilarity: {
    options: [["dims", "dim", (o) => F.cosineSimilarity(x, x, o)]],
    tensors: [(a) => F.cosineSimilarity(a, x), (b) => F.cosineSimilarity(x, b)],
  },
  normalize: { options: [["dims", "dim", (o) => F.normalize(x, o)]], tensors: [(x) => F.normalize(x)] },
  oneHot: unary((x) => F.oneHot(x)),
  ...LOSSES,
  relu: unary(F.relu),
  leakyRelu: unary(F.leakyRelu),
  sigmoid: unary(F.sigmoid),
  tanh: unary(F.tanh),
  elu: unary(F.elu),
  selu: unary(F.selu),
  gelu: { options: [["aproximate", "approximate", (o) => F.gelu(x, o)]], ...unary(F.gelu) },
  silu: unary(F.silu),
  mish: unary(F.mish),
  softplus: { options: [["thresh", "threshold", (o) => F.softplus(x, o)]], ...unary(F.softplus) },
  logSigmoid: unary(F.logSigmoid),
  hardtanh: unary(F.hardtanh),
  softmax: unary(F.softmax),
  logSoftmax: unary(F.logSoftmax),
  linear: {
    tensors: [(x) => F.linear(x, x), (w) => F.linear(x, w), [(b) => F.linear(x, x, b), "undefined"]],
  },
  conv1d: convolved(F.conv1d, sequence, short),
  conv2d: convolved(F.conv2d, image, kernel),
  convTranspose1d: convolved(F.convTranspose1d, sequence, short),
  convTranspose2d: convolved(F.convTranspose2d, image, kernel),
  unfold: { options: [["strides", "stride", (o) => F.unfold(image, 2, o)]], ...unary((x) => F.unfold(x, 2)) },
  fold: { options: [["Padding", "padding", (o) => F.fold(ones([4, 9]), 4, 2, o)]], ...unary((x) => F.fold(x, 4, 2)) },
  dropout: { options: [["trainning", "training", (o) => F.dropout(x, o)]], ...unary(F.dropout) },
  embedding: {
    options: [["padding_idx", "paddingIdx", (o) => F.embedding(ints, x, o)]],
    tensors: [(i) => F.embedding(i, x), (w) => F.embedding(ints, w)],
  },
  batchNorm: {
    options: [["momentun", "momentum", (o) => F.batchNorm(x, null, null, o)]],
    tensors: [
      (x) => F.batchNorm(x, null, null),
      (mean) => F.batchNorm(x, mean, null),
      (variance) => F.batchNorm(x, null, variance),
      [(weight) => F.batchNorm(x, null, null, { weight }), "undefined"],
      [(bias) => F.batchNorm(x, null, null, { bias }), "undefined"],
    ],
  },
  layerNorm: {
    options: [["epsilon", "eps", (o) => F.layerNorm(x, [2], o)]],
    tensors: [
      (x) => F.layerNorm(x, [2]),
      [(weight) => F.layerNorm(x, [2], { weight }), "undefined"],
      [(bias) => F.layerNorm(x, [2], { bias }), "undefined"],
    ],
  },
};

const images = ones([1, 1, 4, 4]);
const WINDOWS: Record<string, Cases> = {
  maxPool1d: { options: [["ceil_mode", "ceilMode", (o) => F.maxPool1d(x, 1, o)]], ...unary((x) => F.maxPool1d(x, 2)) },
  maxPool2d: {
    options: [["return_indices", "returnIndices", (o) => F.maxPool2d(images, 1, o)]],
    ...unary((x) => F.maxPool2d(x, 2)),
  },
  avgPool1d: {
    options: [["count_include_pad", "countIncludePad", (o) => F.avgPool1d(x, 1, o)]],
    ...unary((x) => F.avgPool1d(x, 2)),
  },
  avgPool2d: {
    options: [["divisor_override", "divisorOverride", (o) => F.avgPool2d(images, 1, o)]],
    ...unary((x) => F.avgPool2d(x, 2)),
  },
  adaptiveAvgPool1d: unary((x) => F.adaptiveAvgPool1d(x, 1)),
  adaptiveAvgPool2d: unary((x) => F.adaptiveAvgPool2d(x, 1)),
  adaptiveMaxPool2d: {
    options: [["return_indices", "returnIndices", (o) => F.adaptiveMaxPool2d(images, 1, o)]],
    ...unary((x) => F.adaptiveMaxPool2d(x, 1)),
  },
  pad: { options: [["vlaue", "value", (o) => F.pad(x, [1, 1], o)]], ...unary((x) => F.pad(x, [1, 1])) },
  interpolate: {
    options: [["scale_factor", "scaleFactor", (o) => F.interpolate(images, o)]],
    ...unary((x) => F.interpolate(x, { size: 2 })),
  },
  pixelShuffle: unary((x) => F.pixelShuffle(x, 1)),
  dropout2d: { options: [["trainning", "training", (o) => F.dropout2d(images, o)]], ...unary(F.dropout2d) },
  groupNorm: {
    options: [["epsilon", "eps", (o) => F.groupNorm(x, 1, o)]],
    tensors: [
      (x) => F.groupNorm(x, 1),
      [(weight) => F.groupNorm(x, 1, { weight }), "undefined"],
      [(bias) => F.groupNorm(x, 1, { bias }), "undefined"],
    ],
  },
  instanceNorm: {
    options: [["use_input_stats", "useInputStats", (o) => F.instanceNorm(images, o)]],
    tensors: [
      (x) => F.instanceNorm(x),
      [(weight) => F.instanceNorm(images, { weight }), "undefined"],
      [(bias) => F.instanceNorm(images, { bias }), "undefined"],
      [(runningMean) => F.instanceNorm(images, { runningMean }), "undefined"],
      [(runningVar) => F.instanceNorm(images, { runningVar }), "undefined"],
    ],
  },
};
Object.assign(FUNCTIONAL, WINDOWS, ATTENTION_FUNCTIONS);

const I = nn.init;
export const INIT: Record<string, Cases | typeof NEITHER> = {
  calculateGain: NEITHER,
  fanIn: unary(I.fanIn),
  fanOut: unary(I.fanOut),
  uniform_: initialiser((x, o) => I.uniform_(x, 0, 1, o)),
  normal_: initialiser((x, o) => I.normal_(x, 0, 1, o)),
  zeros_: unary(I.zeros_),
  ones_: unary(I.ones_),
  constant_: unary((x) => I.constant_(x, 1)),
  kaimingUniform_: initialiser(I.kaimingUniform_, ["nonlinarity", "nonlinearity"], ["Mode", "mode"]),
  kaimingNormal_: initialiser(I.kaimingNormal_, ["nonlinarity", "nonlinearity"]),
  xavierUniform_: initialiser(I.xavierUniform_, ["Gain", "gain"]),
  xavierNormal_: initialiser(I.xavierNormal_, ["Gain", "gain"]),
  orthogonal_: initialiser(I.orthogonal_, ["Gain", "gain"]),
  truncNormal_: initialiser(I.truncNormal_, ["Std", "std"]),
};

class Kept extends nn.Module {
  forward(x: g.Tensor): g.Tensor {
    return x;
  }
}

export const NN: Record<string, Cases | typeof NEITHER> = {
  ...SEQUENCES,
  ...ATTENTION,
  BCELoss: lossClass((o) => new nn.BCELoss(o)),
  BCEWithLogitsLoss: lossClass((o) => new nn.BCEWithLogitsLoss(o)),
  CrossEntropyLoss: lossClass((o) => new nn.CrossEntropyLoss(o), ints),
  HuberLoss: lossClass((o) => new nn.HuberLoss(o)),
  KLDivLoss: lossClass((o) => new nn.KLDivLoss(o)),
  L1Loss: lossClass((o) => new nn.L1Loss(o)),
  HingeEmbeddingLoss: lossClass((o) => new nn.HingeEmbeddingLoss(o)),
  MultiMarginLoss: lossClass((o) => new nn.MultiMarginLoss(o), ints),
  PoissonNLLLoss: lossClass((o) => new nn.PoissonNLLLoss(o)),
  CosineEmbeddingLoss: three((a, b, c, o) => new nn.CosineEmbeddingLoss(o).call(a, b, c), ones([2])),
  MarginRankingLoss: three((a, b, c, o) => new nn.MarginRankingLoss(o).call(a, b, c), x),
  TripletMarginLoss: three((a, b, c, o) => new nn.TripletMarginLoss(o).call(a, b, c), x),
  GaussianNLLLoss: three((a, b, c, o) => new nn.GaussianNLLLoss(o).call(a, b, c), x, "ful"),
  MSELoss: lossClass((o) => new nn.MSELoss(o)),
  NLLLoss: lossClass((o) => new nn.NLLLoss(o), ints),
  SmoothL1Loss: lossClass((o) => new nn.SmoothL1Loss(o)),
  BatchNorm1d: {
    options: [["track_running_stats", "trackRunningStats", (o) => new nn.BatchNorm1d(2, o)]],
    ...called(() => new nn.BatchNorm1d(2)),
  },
  BatchNorm2d: {
    options: [["track_running_stats", "trackRunningStats", (o) => new nn.BatchNorm2d(2, o)]],
    ...called(() => new nn.BatchNorm2d(2)),
  },
  ChannelNorm: NEITHER,
  fuseConvBatchNorm: NEITHER,
  InstanceNorm2d: {
    options: [["track_running_stats", "trackRunningStats", (o) => new nn.InstanceNorm2d(2, o)]],
    ...called(() => new nn.InstanceNorm2d(2)),
  },
  GroupNorm: {
    options: [["afine", "affine", (o) => new nn.GroupNorm(1, 2, o)]],
    ...called(() => new nn.GroupNorm(1, 2)),
  },
  MaxPool1d: {
    options: [["ceil_mode", "ceilMode", (o) => new nn.MaxPool1d(2, o)]],
    ...called(() => new nn.MaxPool1d(2)),
  },
  MaxPool2d: {
    options: [["ceil_mode", "ceilMode", (o) => new nn.MaxPool2d(2, o)]],
    ...called(() => new nn.MaxPool2d(2)),
  },
  AvgPool1d: {
    options: [["count_include_pad", "countIncludePad", (o) => new nn.AvgPool1d(2, o)]],
    ...called(() => new nn.AvgPool1d(2)),
  },
  AvgPool2d: {
    options: [["divisor_override", "divisorOverride", (o) => new nn.AvgPool2d(2, o)]],
    ...called(() => new nn.AvgPool2d(2)),
  },
  AdaptiveAvgPool1d: called(() => new nn.AdaptiveAvgPool1d(1)),
  AdaptiveAvgPool2d: called(() => new nn.AdaptiveAvgPool2d(1)),
  AdaptiveMaxPool2d: called(() => new nn.AdaptiveMaxPool2d(1)),
  Upsample: {
    options: [["scale_factor", "scaleFactor", (o) => new nn.Upsample(o)]],
    ...called(() => new nn.Upsample({ size: 2 })),
  },
  PixelShuffle: called(() => new nn.PixelShuffle(1)),
  ZeroPad2d: called(() => new nn.ZeroPad2d(1)),
  Dropout2d: called(() => new nn.Dropout2d()),
  Identity: called(() => new nn.Identity()),
  Unflatten: called(() => new nn.Unflatten(1, [1, 2])),
  Buffer: { options: [["presistent", "persistent", (o) => new nn.Buffer(x, o)]], ...unary((x) => new nn.Buffer(x)) },
  Conv1d: {
    options: [["padding_mode", "paddingMode", (o) => new nn.Conv1d(1, 1, 2, o)]],
    ...called(() => new nn.Conv1d(1, 1, 2)),
  },
  Conv2d: {
    options: [["padding_mode", "paddingMode", (o) => new nn.Conv2d(1, 1, 2, o)]],
    ...called(() => new nn.Conv2d(1, 1, 2)),
  },
  ConvTranspose1d: {
    options: [["output_padding", "outputPadding", (o) => new nn.ConvTranspose1d(1, 1, 2, o)]],
    ...called(() => new nn.ConvTranspose1d(1, 1, 2)),
  },
  ConvTranspose2d: {
    options: [["output_padding", "outputPadding", (o) => new nn.ConvTranspose2d(1, 1, 2, o)]],
    ...called(() => new nn.ConvTranspose2d(1, 1, 2)),
  },
  Dropout: called(() => new nn.Dropout()),
  ELU: called(() => new nn.ELU()),
  TabularModel: {
    options: [
      ["embedding_dropout", "embeddingDropout", (o) => new nn.TabularModel({ categories: [], numbers: 1 }, 1, o)],
    ],
    ...called(() => new nn.TabularModel({ categories: [2], numbers: 1 }, 1)),
  },
  Embedding: {
    options: [["padding_idx", "paddingIdx", (o) => new nn.Embedding(2, 2, o)]],
    ...called(() => new nn.Embedding(2, 2)),
  },
  Flatten: called(() => new nn.Flatten()),
  GELU: { options: [["aproximate", "approximate", (o) => new nn.GELU(o)]], ...called(() => new nn.GELU()) },
  Hardtanh: called(() => new nn.Hardtanh()),
  LayerNorm: {
    options: [["elementwise_affine", "elementwiseAffine", (o) => new nn.LayerNorm(2, o)]],
    ...called(() => new nn.LayerNorm(2)),
  },
  LeakyReLU: called(() => new nn.LeakyReLU()),
  Linear: { options: [["bais", "bias", (o) => new nn.Linear(2, 2, o)]], ...called(() => new nn.Linear(2, 2)) },
  LogSigmoid: called(() => new nn.LogSigmoid()),
  LogSoftmax: called(() => new nn.LogSoftmax()),
  Mish: called(() => new nn.Mish()),
  Module: {
    options: [["Strict", "strict", (o) => new Kept().loadStateDict(new Map(), o)]],
    tensors: [(weight) => model().loadStateDict({ weight, bias: ones([1]) })],
  },
  ModuleDict: { tensors: [[(part) => new nn.ModuleDict({ part }), "module"]] },
  ModuleList: { tensors: [[(part) => new nn.ModuleList([part]), "module"]] },
  ParameterList: unary((x) => new nn.ParameterList([x])),
  Parameter: {
    options: [["requires_grad", "requiresGrad", (o) => new nn.Parameter(x, o)]],
    ...unary((x) => new nn.Parameter(x)),
  },
  ReLU: called(() => new nn.ReLU()),
  SELU: called(() => new nn.SELU()),
  Sequential: {
    tensors: [model, () => new nn.ReLU(), () => new nn.Dropout()].flatMap((make): TensorCase[] => [
      (x) => new nn.Sequential(make()).call(x),
      (x) => new nn.Sequential(make(), new nn.ReLU()).call(x),
    ]),
  },
  SiLU: called(() => new nn.SiLU()),
  Sigmoid: called(() => new nn.Sigmoid()),
  Softmax: called(() => new nn.Softmax()),
  Softplus: { options: [["thresh", "threshold", (o) => new nn.Softplus(o)]], ...called(() => new nn.Softplus()) },
  Tanh: called(() => new nn.Tanh()),
};
