/** Wrong calls of what the entry points for training, data and files export. */
import { nn, optim, zeros } from "@gradus/gradus";
import * as train from "@gradus/gradus/train";
import * as metrics from "@gradus/gradus/metrics";
import * as data from "@gradus/gradus/data";
import * as io from "@gradus/gradus/io";
import * as onnx from "@gradus/gradus/onnx";
import * as display from "@gradus/gradus/display";
import {
  batches,
  capped,
  type Cases,
  csv,
  file,
  ints,
  learner,
  metric,
  model,
  NEITHER,
  parts,
  sgd,
  unary,
  x,
  y,
} from "./cases.ts";

export const DISPLAY: Record<string, Cases | typeof NEITHER> = {
  explain: {
    options: [["elemnt", "element", (o) => display.explain(x.detach().requiresGrad_().sum(), o)]],
    tensors: [
      (loss) => display.explain(loss),
      (x) => display.explain(zeros([1]).requiresGrad_().sum(), { names: { x } }),
      (x) => display.explain(zeros([1]).requiresGrad_().sum(), { element: [x, 0] }),
    ],
  },
  Dashboard: { options: [["prt", "port", (o) => new display.Dashboard(o)]] },
  watchRuns: { options: [["prt", "port", (o) => display.watchRuns("runs", o)]] },
  historyCsv: NEITHER,
  historyLines: NEITHER,
  parseHistory: NEITHER,
  readHistory: NEITHER,
  writeHistory: NEITHER,
  SummaryWriter: {
    tensors: [
      (x) => new display.SummaryWriter("runs").addHistogram("w", x, 1),
      (x) => new display.SummaryWriter("runs").addImage("x", x, 1),
    ],
  },
  TensorBoard: { options: [["evry", "every", (o) => new display.TensorBoard("runs", o)]] },
};

export const METRICS: Record<string, Cases> = {
  accuracy: metric(metrics.accuracy),
  binaryAccuracy: metric(metrics.binaryAccuracy),
  confusionMatrix: metric(() => metrics.confusionMatrix(2)),
  f1: metric(() => metrics.f1(2)),
  mae: metric(metrics.mae),
  mse: metric(metrics.mse),
  precision: metric(() => metrics.precision(2)),
  r2: metric(metrics.r2),
  recall: metric(() => metrics.recall(2)),
  topK: metric(() => metrics.topK(1)),
  classificationReport: {
    tensors: [
      (p) => metrics.classificationReport(p, ints, ["a", "b"]),
      (t) => metrics.classificationReport(x, t, ["a", "b"]),
    ],
  },
  measure: {
    tensors: [(p) => metrics.measure(metrics.mse(), p, x), (t) => metrics.measure(metrics.mse(), x, t)],
  },
};

export const TRAIN: Record<string, Cases | typeof NEITHER> = {
  CancelBatch: NEITHER,
  CancelEpoch: NEITHER,
  CancelFit: NEITHER,
  Checkpoints: {
    options: [
      ["keep_last", "keepLast", (o) => new train.Checkpoints("run", o)],
      ["moniter", "monitor", (o) => new train.Checkpoints("run", o)],
    ],
  },
  AverageWeights: { options: [["averge", "average", (o) => new train.AverageWeights(o)]] },
  AveragedModel: { options: [["use_buffers", "useBuffers", (o) => new train.AveragedModel(new nn.Linear(1, 1), o)]] },
  getEmaAvgFn: NEITHER,
  updateBn: { tensors: [(x) => train.updateBn([[x, x]], new nn.BatchNorm1d(1))] },
  ClipGradients: { options: [["max_norm", "maxNorm", (o) => new train.ClipGradients({ maxValue: 1, ...o })]] },
  EarlyStopping: { options: [["patiance", "patience", (o) => new train.EarlyStopping(o)]] },
  KeepBest: { options: [["moniter", "monitor", (o) => new train.KeepBest(o)]] },
  LayerStatistics: { options: [["evry", "every", (o) => new train.LayerStatistics(o)]] },
  Learner: {
    options: [
      ["optimiser", "optimizer", (o) => new train.Learner({ ...parts(), ...o })],
      ["validation", "valid", (o) => new train.Learner({ ...parts(), data: { train: batches, ...o } })],
      ["resum", "resume", (o) => learner().fit(1, o)],
      [
        "Per",
        "per",
        (o) =>
          new train.Learner({ ...parts(), scheduler: { scheduler: new optim.StepLR(sgd(), { stepSize: 1 }), ...o } }),
      ],
    ],
    tensors: [
      (x) => new train.Learner({ ...parts(), data: { train: [[x, y]] } }).fit(1),
      (y) => new train.Learner({ ...parts(), data: { train: [[x, y]] } }).fit(1),
      (loss) => new train.Learner({ ...parts(), loss: () => loss }).fit(1),
      (x) => learner().evaluate([[x, y]]),
    ],
  },
  NanWatchdog: NEITHER,
  Progress: NEITHER,
  Recorder: NEITHER,
  RunSettings: { options: [["prnt", "print", (o) => new train.RunSettings("run", {}, o)]] },
  Schedule: NEITHER,
  ShowProgress: { options: [["prnt", "print", (o) => new train.ShowProgress(o)]] },
  describeEpoch: NEITHER,
  exportTs: { options: [["input_shape", "inputShape", (o) => train.exportTs(new nn.Sequential(), undefined, o)]] },
  findLr: { options: [["Start", "start", (o) => train.findLr(learner(), o)]] },
  formatSeconds: NEITHER,
  showDownload: NEITHER,
  loadCheckpoint: NEITHER,
  standardError: NEITHER,
};

const pictures = { images: zeros([2, 3, 3]), labels: zeros([2]) };
const sets = { train: pictures, test: pictures };

export const DATA: Record<string, Cases | typeof NEITHER> = {
  BytePairTokenizer: { options: [["vocab_size", "vocabSize", (o) => data.BytePairTokenizer.train("a", o)]] },
  CharacterTokenizer: { options: [["unk", "unknown", (o) => data.CharacterTokenizer.train("a", o)]] },
  sampleToken: {
    options: [["top_k", "topK", (o) => data.sampleToken(x, o)], [
      "temprature",
      "temperature",
      (o) => data.sampleToken(x, o),
    ]],
    tensors: [(x) => data.sampleToken(x)],
  },
  textWindows: {
    options: [["blok", "block", (o) => data.textWindows([1, 2, 3], o)]],
    tensors: [[(x) => data.textWindows(x, { block: 1 }), "array"]],
  },
  ConcatDataset: NEITHER,
  RandomSampler: { options: [["num_samples", "numSamples", (o) => new data.RandomSampler([1], o)]] },
  SubsetRandomSampler: { options: [["generater", "generator", (o) => new data.SubsetRandomSampler([1], o)]] },
  WeightedRandomSampler: {
    options: [["replace", "replacement", (o) => new data.WeightedRandomSampler([1], 1, o)]],
    tensors: [[(weights) => new data.WeightedRandomSampler(weights, 1), "array"]],
  },
  DataLoader: {
    options: [
      ["batch_size", "batchSize", (o) => new data.DataLoader([1], o)],
      ["drop_last", "dropLast", (o) => new data.DataLoader([1], o)],
      ["men", "mean", (o) => new data.DataLoader([1], { normalize: { mean: 0, std: 1, ...o } })],
    ],
  },
  FASHION_CLASSES: NEITHER,
  FASHION_MIRRORS: NEITHER,
  MISSING: NEITHER,
  MNIST_MIRRORS: NEITHER,
  Normalizer: {
    options: [["Mean", "mean", (o) => new data.Normalizer({ mean: 0, std: 1, ...o })]],
    tensors: [
      (x) => new data.Normalizer({ mean: 0, std: 1 }).all(x),
      (x) => new data.Normalizer({ mean: 0, std: 1 }).rows(x, ints),
    ],
  },
  OPENML_API: NEITHER,
  Subset: NEITHER,
  TableEncoder: {
    options: [["max_categories", "maxCategories", (o) => new data.TableEncoder([], zeros([1, 0]), o)]],
    tensors: [(x) => new data.TableEncoder([], x), (x) => new data.TableEncoder([], zeros([1, 0])).transform(x)],
  },
  TableSchema: {
    options: [
      ["traget", "target", (o) => data.TableSchema.fit(csv(), o)],
      ["max_categories", "maxCategories", (o) => data.TableSchema.fit(csv(), o)],
    ],
  },
  TensorDataset: unary((x) => new data.TensorDataset(x)),
  seriesWindows: {
    options: [["window", "length", (o) => data.seriesWindows([1, 2, 3], { length: 1, ...o as object })]],
    tensors: [[(x) => data.seriesWindows(x, { length: 1 }), "array"]],
  },
  nameColumns: unary((x) => data.nameColumns(x, ["a"])),
  columnNames: NEITHER,
  collate: NEITHER,
  digits: { options: [["sed", "seed", (o) => data.digits({ train: 1, test: 1, ...o })]] },
  drawDigit: { options: [["colums", "columns", (o) => data.drawDigit([1], o)]] },
  drawDigits: {
    options: [["colums", "columns", (o) => data.drawDigits(zeros([1, 1, 1]), ["a"], o)]],
    tensors: [(x) => data.drawDigits(x, [])],
  },
  fashionMnist: { options: [["ofline", "offline", (o) => data.fashionMnist({ dir: "nowhere", ...o })]] },
  fromCsv: {
    options: [
      ["seperator", "separator", (o) => data.fromCsv(csv(), o)],
      ["skip_incomplete", "skipIncomplete", (o) => data.fromCsv(csv(), o)],
    ],
  },
  horizontalFlip: unary(data.horizontalFlip),
  imageLoaders: { options: [["batch_size", "batchSize", (o) => data.imageLoaders(sets, o)]] },
  imageFolder: { options: [["sise", "size", (o) => data.imageFolder("nowhere", o)]] },
  loadMnist: { options: [["ofline", "offline", (o) => data.loadMnist({ dir: "nowhere", ...o })]] },
  mnistFolder: NEITHER,
  normalizationOf: unary(data.normalizationOf),
  normalizer: {
    options: [["Mean", "mean", (o) => data.normalizer({ mean: 0, std: 1, ...o })]],
    tensors: [(x) => data.normalizer({ mean: 0, std: 1 })(x)],
  },
  openml: { options: [["ofline", "offline", (o) => data.openml("iris", { cache: "nowhere", offline: true, ...o })]] },
  parsePng: capped((o) => data.parsePng(new Uint8Array(), "PNG", o)),
  testTimeAugmentation: { tensors: [(x) => data.testTimeAugmentation((x) => x, x)] },
  toMnistDigit: { tensors: [(x) => data.toMnistDigit(x)] },
  parseIdx: capped((o) => data.parseIdx(new Uint8Array([0, 0, 8, 1, 0, 0, 0, 0]), "IDX", o)),
  parseMnistPickle: capped((o) => data.parseMnistPickle(new Uint8Array(2), "pickle", o)),
  randomCrop: { options: [["paddding", "padding", data.randomCrop]], tensors: [(x) => data.randomCrop()(x)] },
  randomErase: { options: [["scal", "scale", data.randomErase]], tensors: [(x) => data.randomErase()(x)] },
  randomFlip: { options: [["generater", "generator", data.randomFlip]], tensors: [(x) => data.randomFlip()(x)] },
  randomShift: { options: [["moost", "most", data.randomShift]], tensors: [(x) => data.randomShift()(x)] },
  randomSplit: NEITHER,
  readArff: { options: [["traget", "target", (o) => data.readArff(csv(), o)]] },
  readIdx: capped((o) => data.readIdx("nowhere", o)),
  readPng: capped((o) => data.readPng("nowhere", o)),
  readMnistPickle: capped((o) => data.readMnistPickle("nowhere", o)),
};

export const IO: Record<string, Cases | typeof NEITHER> = {
  decodeNpy: capped((o) => io.decodeNpy(io.encodeNpy(x), "npy", o)),
  decodeNpz: capped((o) => io.decodeNpz(io.encodeNpz({ x }), "npz", o)),
  decodeSafetensors: capped((o) => io.decodeSafetensors(io.encodeSafetensors({ x }), "safetensors", o)),
  requireWritable: NEITHER,
  encodeNpy: unary(io.encodeNpy),
  encodeNpz: {
    options: [["compres", "compress", (o) => io.encodeNpz({ x }, o)]],
    ...unary((w) => io.encodeNpz({ w })),
  },
  encodeSafetensors: unary((w) => io.encodeSafetensors({ w })),
  readNpy: capped((o) => io.readNpy("nowhere", o)),
  readNpz: capped((o) => io.readNpz("nowhere", o)),
  readSafetensors: {
    options: [
      ["max_bytes", "maxBytes", (o) => io.readSafetensors("nowhere", o)],
      ["skp", "skip", (o) => io.readSafetensors("nowhere", o)],
    ],
  },
  readSafetensorsHeader: capped((o) => io.readSafetensorsHeader("nowhere", o)),
  readTorch: {
    options: [
      ["max_bytes", "maxBytes", (o) => io.readTorch("nowhere", o)],
      ["onyl", "only", (o) => io.readTorch("nowhere", o)],
    ],
  },
  writeNpy: unary((x) => io.writeNpy(file, x)),
  writeNpz: {
    options: [["compres", "compress", (o) => io.writeNpz(file, { x }, o)]],
    ...unary((w) => io.writeNpz(file, { w })),
  },
  writeSafetensors: unary((w) => io.writeSafetensors(file, { w })),
};

export const ONNX: Record<string, Cases> = {
  exportOnnx: {
    options: [
      ["dynamic_batch", "dynamicBatch", (o) => onnx.exportOnnx(model(), x, undefined, o)],
      ["input_names", "inputNames", (o) => onnx.exportOnnx(model(), x, undefined, o)],
    ],
    tensors: [(x) => onnx.exportOnnx(model(), x), (x) => onnx.exportOnnx(model(), [x])],
  },
  importOnnx: capped((o) => onnx.importOnnx("nowhere", o)),
};
