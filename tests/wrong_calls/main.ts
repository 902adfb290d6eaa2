/** Wrong calls of what `mod.ts` exports beside `nn` and `optim`, and of `data`. */
import * as data from "../../datasets/data.ts";
import * as g from "../../mod.ts";
import {
  batches,
  capped,
  type Cases,
  create,
  csv,
  file,
  ints,
  learner,
  metric,
  NEITHER,
  parts,
  random,
  sgd,
  type TensorCase,
  unary,
  x,
  y,
} from "./cases.ts";

const { optim, metrics, autograd, tensor, ones, zeros } = g;

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
  measure: {
    tensors: [(p) => metrics.measure(metrics.mse(), p, x), (t) => metrics.measure(metrics.mse(), x, t)],
  },
};

class Odd extends autograd.Function {
  static forward(_: g.autograd.Context, answer: g.Tensor): g.Tensor {
    return answer;
  }
  static backward(_: g.autograd.Context, g: g.Tensor): g.Tensor {
    return g;
  }
}

export const AUTOGRAD: Record<string, Cases | typeof NEITHER> = {
  Context: unary((x) => new autograd.Context().saveForBackward(x)),
  Function: unary((answer) => Odd.apply(answer)),
  isGradEnabled: NEITHER,
  noGrad: NEITHER,
  registerHook: unary((x) => g.registerHook(x, () => {})),
  retainGrad: unary(g.retainGrad),
};

const tensorMethods = (["matmul", "index", "expandAs"] as const).map((name): TensorCase => (b) => x[name](b));
const operandMethods = ([
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "maximum",
  "minimum",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "add_",
  "sub_",
  "mul_",
  "div_",
  "copy_",
] as const).map((name): TensorCase => [(b) => ones([2, 2])[name](b), "number"]);

export const MAIN: Record<string, Cases | typeof NEITHER> = {
  CancelBatch: NEITHER,
  CancelEpoch: NEITHER,
  CancelFit: NEITHER,
  Checkpoints: {
    options: [
      ["keep_last", "keepLast", (o) => new g.Checkpoints("run", o)],
      ["moniter", "monitor", (o) => new g.Checkpoints("run", o)],
    ],
  },
  ClipGradients: { options: [["max_norm", "maxNorm", (o) => new g.ClipGradients({ maxValue: 1, ...o })]] },
  DataLoader: {
    options: [
      ["batch_size", "batchSize", (o) => new g.DataLoader([1], o)],
      ["drop_last", "dropLast", (o) => new g.DataLoader([1], o)],
      ["men", "mean", (o) => new g.DataLoader([1], { normalize: { mean: 0, std: 1, ...o } })],
    ],
  },
  EarlyStopping: { options: [["patiance", "patience", (o) => new g.EarlyStopping(o)]] },
  Generator: NEITHER,
  GradientSlot: NEITHER,
  LayerStatistics: { options: [["evry", "every", (o) => new g.LayerStatistics(o)]] },
  Learner: {
    options: [
      ["optimiser", "optimizer", (o) => new g.Learner({ ...parts(), ...o })],
      ["validation", "valid", (o) => new g.Learner({ ...parts(), data: { train: batches, ...o } })],
      ["resum", "resume", (o) => learner().fit(1, o)],
      [
        "Per",
        "per",
        (o) => new g.Learner({ ...parts(), scheduler: { scheduler: new optim.StepLR(sgd(), { stepSize: 1 }), ...o } }),
      ],
    ],
    tensors: [
      (x) => new g.Learner({ ...parts(), data: { train: [[x, y]] } }).fit(1),
      (y) => new g.Learner({ ...parts(), data: { train: [[x, y]] } }).fit(1),
      (loss) => new g.Learner({ ...parts(), loss: () => loss }).fit(1),
      (x) => learner().evaluate([[x, y]]),
    ],
  },
  MNIST_MIRRORS: NEITHER,
  NanWatchdog: NEITHER,
  Normalizer: {
    options: [["Mean", "mean", (o) => new g.Normalizer({ mean: 0, std: 1, ...o })]],
    tensors: [
      (x) => new g.Normalizer({ mean: 0, std: 1 }).all(x),
      (x) => new g.Normalizer({ mean: 0, std: 1 }).rows(x, ints),
    ],
  },
  Progress: NEITHER,
  RandomState: NEITHER,
  Recorder: NEITHER,
  Schedule: NEITHER,
  ShowProgress: { options: [["prnt", "print", (o) => new g.ShowProgress(o)]] },
  Subset: NEITHER,
  Tensor: {
    options: [["retain_graph", "retainGraph", (o) => tensor(1).requiresGrad_().mul(2).backward(o)]],
    tensors: [
      ...tensorMethods,
      ...operandMethods,
      [(gradient) => tensor(1).requiresGrad_().mul(2).backward({ gradient }), "undefined"],
    ],
  },
  TensorDataset: unary((x) => new g.TensorDataset(x)),
  UPDATE_SETTINGS: NEITHER,
  WichmannHill: NEITHER,
  allclose: {
    options: [["Atol", "atol", (o) => g.allclose(x, x, o)]],
    tensors: [(a) => g.allclose(a, x), (b) => g.allclose(x, b)],
  },
  arange: create((o) => g.arange(0, 2, 1, o)),
  backend: NEITHER,
  backendReason: NEITHER,
  cat: unary((x) => g.cat([x])),
  ceil: unary(g.ceil),
  checkRule: {
    options: [["Atol", "atol", (o) => g.checkRule((x) => x, (g) => [g], [], o)]],
    tensors: [(x) => g.checkRule((x) => x, (g) => [g], [x])],
  },
  collate: NEITHER,
  cos: unary(g.cos),
  cumsum: unary((x) => g.cumsum(x, 0)),
  decodeNpy: capped((o) => g.decodeNpy(g.encodeNpy(x), "npy", o)),
  decodeSafetensors: capped((o) => g.decodeSafetensors(g.encodeSafetensors({ x }), "safetensors", o)),
  defaultGenerator: NEITHER,
  describeEpoch: NEITHER,
  digits: { options: [["sed", "seed", (o) => g.digits({ train: 1, test: 1, ...o })]] },
  drawDigit: { options: [["colums", "columns", (o) => g.drawDigit([1], o)]] },
  einsum: unary((x) => g.einsum("i->i", x)),
  encodeNpy: unary(g.encodeNpy),
  encodeSafetensors: unary((w) => g.encodeSafetensors({ w })),
  erf: unary(g.erf),
  expm1: unary(g.expm1),
  exportTs: NEITHER,
  eye: create((o) => g.eye(2, o)),
  findLr: { options: [["Start", "start", (o) => g.findLr(learner(), o)]] },
  floor: unary(g.floor),
  fmod: { tensors: [(a) => g.fmod(a, 1), [(b) => g.fmod(x, b), "number"]] },
  formatSeconds: NEITHER,
  fromData: NEITHER,
  full: create((o) => g.full([1], 1, o)),
  gradcheck: {
    options: [["Atol", "atol", (o) => g.gradcheck((x) => x, [tensor([1], { dtype: "float64" })], o)]],
    tensors: [(x) => g.gradcheck((x) => x, [x])],
  },
  ladder: {
    tensors: g.ladder.filter(({ backend }) => backend === "reference").flatMap(({ multiply }): TensorCase[] => [
      (a) => multiply(a, x),
      (b) => multiply(x, b),
    ]),
  },
  linspace: create((o) => g.linspace(0, 1, 2, o)),
  loadMnist: { options: [["ofline", "offline", (o) => g.loadMnist({ dir: "nowhere", ...o })]] },
  log1p: unary(g.log1p),
  logicalAnd: { tensors: [(a) => g.logicalAnd(a, 1), [(b) => g.logicalAnd(x, b), "number"]] },
  logicalNot: unary(g.logicalNot),
  logicalOr: { tensors: [(a) => g.logicalOr(a, 1), [(b) => g.logicalOr(x, b), "number"]] },
  manualSeed: NEITHER,
  near: { tensors: [(a) => g.near(a, x), (b) => g.near(x, b)] },
  noGrad: NEITHER,
  normalizer: {
    options: [["Mean", "mean", (o) => g.normalizer({ mean: 0, std: 1, ...o })]],
    tensors: [(x) => g.normalizer({ mean: 0, std: 1 })(x)],
  },
  ones: create((o) => ones([1], o)),
  parseIdx: capped((o) => g.parseIdx(new Uint8Array([0, 0, 8, 1, 0, 0, 0, 0]), "IDX", o)),
  rand: random((o) => g.rand([1], o)),
  randint: random((o) => g.randint(0, 2, [1], o)),
  randn: random((o) => g.randn([1], o)),
  randomSplit: NEITHER,
  randperm: { options: [["generater", "generator", (o) => g.randperm(2, o)]] },
  readIdx: capped((o) => g.readIdx("nowhere", o)),
  readNpy: capped((o) => g.readNpy("nowhere", o)),
  readSafetensors: capped((o) => g.readSafetensors("nowhere", o)),
  reciprocal: unary(g.reciprocal),
  registerHook: AUTOGRAD.registerHook,
  remainder: { tensors: [(a) => g.remainder(a, 1), [(b) => g.remainder(x, b), "number"]] },
  retainGrad: AUTOGRAD.retainGrad,
  round: unary(g.round),
  rsqrt: unary(g.rsqrt),
  setPrintOptions: { options: [["precison", "precision", (o) => g.setPrintOptions(o)]] },
  setThreads: NEITHER,
  sign: unary(g.sign),
  sin: unary(g.sin),
  square: unary(g.square),
  stack: unary((x) => g.stack([x])),
  standardError: NEITHER,
  tensor: create((o) => tensor([1], o)),
  testEq: NEITHER,
  testNearZero: unary((x) => g.testNearZero(x)),
  threads: NEITHER,
  useBackend: NEITHER,
  where: {
    tensors: [
      (condition) => g.where(condition, 1, 0),
      [(a) => g.where(x.gt(0), a, x), "number"],
      [(b) => g.where(x.gt(0), x, b), "number"],
    ],
  },
  writeNpy: unary((x) => g.writeNpy(file, x)),
  writeSafetensors: unary((w) => g.writeSafetensors(file, { w })),
  zeros: create((o) => zeros([1], o)),
};

export const DATA: Record<string, Cases | typeof NEITHER> = {
  FASHION_CLASSES: NEITHER,
  FASHION_MIRRORS: NEITHER,
  MISSING: NEITHER,
  OPENML_API: NEITHER,
  decodeNpz: capped((o) => data.decodeNpz(data.encodeNpz({ x }), "npz", o)),
  encodeNpz: {
    options: [["compres", "compress", (o) => data.encodeNpz({ x }, o)]],
    ...unary((w) => data.encodeNpz({ w })),
  },
  fashionMnist: { options: [["ofline", "offline", (o) => data.fashionMnist({ dir: "nowhere", ...o })]] },
  fromCsv: {
    options: [
      ["seperator", "separator", (o) => data.fromCsv(csv(), o)],
      ["skip_incomplete", "skipIncomplete", (o) => data.fromCsv(csv(), o)],
    ],
  },
  openml: { options: [["ofline", "offline", (o) => data.openml("iris", { cache: "nowhere", offline: true, ...o })]] },
  parseMnistPickle: capped((o) => data.parseMnistPickle(new Uint8Array(2), "pickle", o)),
  readArff: { options: [["traget", "target", (o) => data.readArff(csv(), o)]] },
  readMnistPickle: capped((o) => data.readMnistPickle("nowhere", o)),
  readNpz: capped((o) => data.readNpz("nowhere", o)),
  writeNpz: {
    options: [["compres", "compress", (o) => data.writeNpz(file, { x }, o)]],
    ...unary((w) => data.writeNpz(file, { w })),
  },
};
