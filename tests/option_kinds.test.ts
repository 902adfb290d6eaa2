/** Options of another kind than theirs: the text "false" would count as true, and a text alone as the list of its letters. */
import { assertInstanceOf, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "./bdd.ts";
import * as io from "@gradus/gradus/io";
import * as onnx from "@gradus/gradus/onnx";
import * as data from "@gradus/gradus/data";
import * as train from "@gradus/gradus/train";
import * as g from "../mod.ts";
import { learner, model, sgd, type Wrong, x } from "./wrong_calls/cases.ts";
import { textInstead } from "./wording.ts";

const { nn, optim } = g;
const { functional: F, init } = nn;

const csv = () => new Response("a,b\n1,2\n").body!;
const arff = () => new Response("@ATTRIBUTE a REAL\n@ATTRIBUTE b REAL\n@DATA\n1,2\n").body!;
const nowhere = { cache: "/nowhere", offline: true } as const;
const image = g.ones([1, 1, 4, 4]);
const ints = g.tensor([0, 1], { dtype: "int32" });
const momentum = () => new optim.SGD(model().parameters(), { momentum: 0.9 });
const wide = g.ones([2], { dtype: "float64" }).requiresGrad_();

/** What takes options, and values that none of them can have. */
const CASES: [what: string, call: (options: Wrong) => unknown, wrong: Record<string, unknown>][] = [
  ["DataLoader", (o) => new data.DataLoader([1, 2], o), {
    shuffle: "false",
    dropLast: 0,
    sampler: "01",
    collate: "sum",
    generator: 7,
    transform: "flip",
  }],
  ["DataLoader's normalize", (o) => new data.DataLoader([x], { normalize: { mean: 0, std: 1, ...o } }), {
    mean: "0.1",
  }],
  ["imageLoaders()", (o) => data.imageLoaders(data.digits({ train: 2, test: 2 }), o), {
    transform: "flip",
    shape: "784",
  }],
  ["imageFolder()", (o) => data.imageFolder("nowhere", o), { size: "28", channels: 4 }],
  ["randomCrop()", data.randomCrop, { size: "28", padding: "4", fill: "0", generator: 7 }],
  ["randomShift()", data.randomShift, { most: "2", fill: "0", generator: 7 }],
  ["randomFlip()", data.randomFlip, { p: "0.5", generator: 7 }],
  ["randomErase()", data.randomErase, { p: "0.5", scale: 0.1, ratio: "1", value: "white", generator: 7 }],
  ["fromCsv()", (o) => data.fromCsv(csv(), o), {
    header: "false",
    skipIncomplete: "no",
    dtype: "float16",
    missing: "NA",
    separator: 5,
    quote: 5,
    decimal: 5,
    encoding: 5,
    dates: 5,
    onNote: "log",
    name: 5,
  }],
  ["TableSchema.fit()", (o) => data.TableSchema.fit(csv(), o), {
    target: true,
    kinds: "numeric",
    maxCategories: "5",
    minCount: "2",
    skipIncomplete: "no",
    rows: 5,
    encoding: 5,
    missing: "NA",
  }],
  ["TableSchema.fit()'s kinds", (o) => data.TableSchema.fit(csv(), { kinds: o }), { a: "number" }],
  ["fromCsv()'s columns", (o) => data.fromCsv(csv(), { columns: o }), { a: "number" }],
  ["readArff()", (o) => data.readArff(arff(), o), { skipIncomplete: "false", skip: "a", dtype: "int32", onNote: 1 }],
  ["loadMnist()", (o) => data.loadMnist({ ...nowhere, ...o }), {
    offline: "false",
    cache: 5,
    dir: 5,
    seed: "1",
    mirrors: "http://x/",
  }],
  ["fashionMnist()", (o) => data.fashionMnist({ ...nowhere, ...o }), {
    offline: "false",
    dir: 5,
    mirrors: "http://x/",
  }],
  ["openml()", (o) => data.openml("iris", { ...nowhere, ...o }), {
    offline: "false",
    version: "1",
    skip: "id",
    dtype: "int32",
    skipIncomplete: 1,
  }],
  ["digits()", (o) => data.digits({ train: 1, test: 1, ...o }), { train: "2", seed: "4" }],
  ["drawDigit()", (o) => data.drawDigit([0], o), { columns: "2", max: "2" }],
  ["exportOnnx()", (o) => onnx.exportOnnx(model(), x, undefined, o), { dynamicBatch: "false", inputNames: "x" }],
  ["exportTs()", (o) => train.exportTs(new nn.Sequential(), undefined, o), { inputShape: "28" }],
  ["fit()", (o) => learner().fit(1, o), { ctrlC: "false", oneBatch: "false", signal: "x" }],
  ["findLr()", (o) => train.findLr(learner(), o), { start: "0.1", factor: "2", limit: "4", end: "1" }],
  ["Checkpoints", (o) => new train.Checkpoints("runs", o), { monitor: 3, warn: "log" }],
  ["EarlyStopping", (o) => new train.EarlyStopping(o), { monitor: 3, patience: "3", restoreBest: "false" }],
  ["KeepBest", (o) => new train.KeepBest(o), { monitor: 3 }],
  ["TabularModel", (o) => new nn.TabularModel({ categories: [], numbers: 1 }, 1, o), {
    hidden: "8",
    dropout: "0.1",
    embeddingDropout: "0.1",
  }],
  ["LayerStatistics", (o) => new train.LayerStatistics(o), { every: "3" }],
  ["ShowProgress", (o) => new train.ShowProgress(o), { out: "stderr", print: "false", line: "short" }],
  ["ClipGradients", (o) => new train.ClipGradients(o), { maxNorm: "3", maxValue: "3" }],
  ["conv1d()", (o) => F.conv1d(g.ones([1, 3]), g.ones([1, 1, 2]), null, o), {
    stride: "2",
    padding: "full",
    dilation: "1",
    groups: "1",
  }],
  ["conv2d()", (o) => F.conv2d(g.ones([1, 3, 3]), g.ones([1, 1, 2, 2]), null, o), {
    stride: "2",
    padding: "full",
    dilation: [1],
    groups: "1",
  }],
  ["convTranspose1d()", (o) => F.convTranspose1d(g.ones([1, 3]), g.ones([1, 1, 2]), null, o), {
    stride: "2",
    padding: "same",
    outputPadding: "0",
    dilation: "1",
    groups: "1",
  }],
  ["convTranspose2d()", (o) => F.convTranspose2d(g.ones([1, 3, 3]), g.ones([1, 1, 2, 2]), null, o), {
    stride: "2",
    padding: "same",
    outputPadding: "0",
    dilation: [1],
    groups: "1",
  }],
  ["Conv1d", (o) => new nn.Conv1d(1, 1, 2, o), {
    stride: "2",
    padding: "full",
    groups: "1",
    bias: "false",
    paddingMode: 1,
  }],
  ["Conv2d", (o) => new nn.Conv2d(1, 1, 2, o), {
    stride: [1],
    padding: "full",
    groups: "1",
    bias: "false",
    paddingMode: 1,
  }],
  ["ConvTranspose1d", (o) => new nn.ConvTranspose1d(1, 1, 2, o), {
    padding: "same",
    outputPadding: "1",
    bias: "false",
  }],
  ["ConvTranspose2d", (o) => new nn.ConvTranspose2d(1, 1, 2, o), {
    padding: "same",
    outputPadding: "1",
    bias: "false",
  }],
  ["unfold()", (o) => F.unfold(g.ones([1, 3, 3]), 2, o), { stride: "2", padding: "same", dilation: [1] }],
  ["fold()", (o) => F.fold(g.ones([4, 4]), 3, 2, o), { stride: "2", padding: "same", dilation: [1] }],
  ["Linear", (o) => new nn.Linear(2, 1, o), { bias: "false" }],
  ["BatchNorm1d", (o) => new nn.BatchNorm1d(2, o), {
    eps: "1",
    momentum: "0.1",
    affine: "false",
    trackRunningStats: "false",
  }],
  ["BatchNorm2d", (o) => new nn.BatchNorm2d(2, o), { eps: "1", momentum: "0.1", affine: "false" }],
  ["InstanceNorm2d", (o) => new nn.InstanceNorm2d(2, o), { affine: "false", trackRunningStats: "false" }],
  ["GroupNorm", (o) => new nn.GroupNorm(1, 2, o), { eps: "1", affine: "false" }],
  ["groupNorm()", (o) => F.groupNorm(x, 1, o), { eps: "1" }],
  ["instanceNorm()", (o) => F.instanceNorm(x, o), { eps: "1", useInputStats: "false", momentum: "1" }],
  ["MaxPool2d", (o) => new nn.MaxPool2d(2, o), { stride: "2", padding: "1", dilation: "1", ceilMode: "false" }],
  ["maxPool2d()", (o) => F.maxPool2d(image, 2, o), { stride: "2", returnIndices: "false", ceilMode: "false" }],
  ["MaxPool1d", (o) => new nn.MaxPool1d(2, o), { stride: "2", padding: "1", dilation: "1", ceilMode: "false" }],
  ["AvgPool2d", (o) => new nn.AvgPool2d(2, o), { countIncludePad: "false", divisorOverride: "3" }],
  ["avgPool1d()", (o) => F.avgPool1d(x, 1, o), { stride: "2", countIncludePad: "false", ceilMode: "false" }],
  ["adaptiveMaxPool2d()", (o) => F.adaptiveMaxPool2d(image, 1, o), { returnIndices: "false" }],
  ["pad()", (o) => F.pad(x, [1, 1], o), { mode: "edge", value: "1" }],
  ["interpolate()", (o) => F.interpolate(image, { size: 2, mode: "bilinear", ...o }), {
    size: "2",
    mode: "cubic",
    alignCorners: "false",
  }],
  ["Upsample", (o) => new nn.Upsample(o), { scaleFactor: "2", size: "2" }],
  ["dropout2d()", (o) => F.dropout2d(image, o), { p: "0.5", training: "false" }],
  ["LayerNorm", (o) => new nn.LayerNorm(2, o), { eps: "1", elementwiseAffine: "false" }],
  ["batchNorm()", (o) => F.batchNorm(x, null, null, o), { training: "false", eps: "1", momentum: "1" }],
  ["layerNorm()", (o) => F.layerNorm(x, [2], o), { eps: "1" }],
  ["dropout()", (o) => F.dropout(x, o), { p: "0.5", training: "false" }],
  ["SmoothL1Loss", (o) => new nn.SmoothL1Loss(o), { beta: "1" }],
  ["HuberLoss", (o) => new nn.HuberLoss(o), { delta: "1" }],
  ["KLDivLoss", (o) => new nn.KLDivLoss(o), { logTarget: "false" }],
  ["CrossEntropyLoss", (o) => new nn.CrossEntropyLoss(o), { ignoreIndex: "1", labelSmoothing: "0.1" }],
  ["nll()", (o) => F.nll(x, ints, o), { ignoreIndex: "1" }],
  ["Parameter", (o) => new nn.Parameter(g.ones([2]), o), { requiresGrad: "false" }],
  ["Buffer", (o) => new nn.Buffer(g.ones([2]), o), { persistent: "false" }],
  ["loadStateDict()", (o) => model().loadStateDict(model().stateDict(), o), { strict: "false" }],
  ["tensor()", (o) => g.tensor([1], o), { requiresGrad: "false" }],
  ["randn()", (o) => g.randn([1], o), { requiresGrad: "false" }],
  ["backward()", (o) => g.tensor(1, { requiresGrad: true }).mul(2).backward(o), { retainGraph: "false" }],
  ["allclose()", (o) => g.allclose(x, x, o), { rtol: "1", atol: "1", equalNan: "false" }],
  ["encodeNpz()", (o) => io.encodeNpz({ x }, o), { compress: "false" }],
  ["clipGradNorm()", (o) => optim.clipGradNorm([], 1, o), { normType: "2", errorIfNonfinite: "false" }],
  ["OneCycleLR", (o) => new optim.OneCycleLR(momentum(), { maxLr: 0.1, totalSteps: 10, ...o }), {
    maxLr: "0.1",
    cycleMomentum: "false",
    threePhase: "false",
  }],
  ["gradcheck()", (o) => g.autograd.gradcheck((x) => x.sum(), [wide], o), { step: "0.001" }],
  ["kaimingUniform_()", (o) => init.kaimingUniform_(g.ones([2, 2]), o), { a: "1" }],
  ["xavierNormal_()", (o) => init.xavierNormal_(g.ones([2, 2]), o), { gain: "1" }],
  ["truncNormal_()", (o) => init.truncNormal_(g.ones([2, 2]), o), { std: "1" }],
];

/** What is called without options, and yet with something. */
const PLAIN: [what: string, call: () => unknown, message: string][] = [
  ["new NanWatchdog() with options", () => new (train.NanWatchdog as Wrong)({ every: 3 }), "it takes no options"],
  [
    "new ReLU() with options",
    () => new (nn.ReLU as Wrong)({ inplace: true }),
    "Cannot make ReLU with an object: it tak",
  ],
  [
    "new Linear() of a text",
    () => new nn.Linear("2" as Wrong, 1),
    `make Linear with inFeatures ${textInstead("2", "a whole")}`,
  ],
  [
    "new Embedding() of a text",
    () => new nn.Embedding(2, "1" as Wrong),
    `with embeddingDim ${textInstead("1", "a whole")}`,
  ],
  [
    "new BatchNorm1d() of a text",
    () => new nn.BatchNorm1d("2" as Wrong),
    `with numFeatures ${textInstead("2", "a whole")}`,
  ],
  ["index() by an array", () => x.index([0] as Wrong), "Cannot pick rows by an array: give them in a tensor, tensor(["],
  ["index() by a number", () => x.index(0 as Wrong), "Cannot pick rows by the number 0: give them in a tensor"],
  ["uniform_() between texts", () => init.uniform_(g.ones([2]), "0" as Wrong), `with ${textInstead("0")}`],
  ["normal_() of a text", () => init.normal_(g.ones([2]), 0, "1" as Wrong), `with ${textInstead("1")}`],
];

async function errorOf(call: () => unknown): Promise<Error> {
  const error = await Promise.try(call).then(() => null, (error) => error);
  assertInstanceOf(error, Error, "nothing was refused");
  return error;
}

describe("an option of another kind", () => {
  for (const [what, call, options] of CASES) {
    for (const [name, value] of Object.entries(options)) {
      it(`${what} refuses ${name}: ${JSON.stringify(value)}`, async () => {
        const { message, name: kind } = await errorOf(() => call({ [name]: value }));
        assertMatch(kind, /^(TypeError|RangeError)$/, message);
        assertStringIncludes(message, typeof value === "string" ? `"${value}"` : `${value}`);
        assertMatch(message, /: .*(give |expected |the nearest is )/);
      });
    }
  }
  for (const [what, call, found] of PLAIN) {
    it(`${what} is refused`, async () => {
      const error = await errorOf(call);
      assertInstanceOf(error, TypeError);
      assertStringIncludes(error.message, found);
    });
  }
  it("an option that is undefined is as good as none", () => {
    const none = undefined as Wrong;
    new data.DataLoader([1], { shuffle: none, sampler: none, generator: none, normalize: none });
    new nn.BatchNorm1d(2, { momentum: null, affine: none });
    sgd();
  });
});
