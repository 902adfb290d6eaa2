/** Every loss with every reduction and option, twice, and every module in both modes, against finite differences at 1e-7. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, type Tensor } from "@gradus/gradus";
import { checkRule, gradcheck, gradgradcheck } from "@gradus/gradus/autograd";
import { embeddingBackward } from "../../../backward/rules/movement.ts";
import { bceBackward, nllBackward, weightedCrossEntropyBackward } from "../../../backward/rules/loss.ts";
import * as nn from "@gradus/gradus/nn";
import { float64, int32 } from "./reference.ts";

const F = nn.functional;
const REDUCTIONS = ["mean", "sum", "none"] as const;

const p = float64([[0.2, 0.9], [0.7, 0.35], [0.5, 0.62]]); // probabilities, off every bend
const t = float64([[0.6, 0.15], [0.25, 0.5], [0.45, 0.99]]);
const weight = float64([[0.5, 2]]);
const logits = float64([[0.2, -1, 3], [1.5, 0.3, -0.7], [0.5, -0.4, 0.9], [0.1, -2, 1]]);
const images = logits.reshape(2, 3, 2); // [batch, classes, length]
const classes = int32([2, 0, -100, 1]);
const classWeight = float64([0.5, 1, 3]);

type Options = { reduction?: nn.functional.Reduction };
type Pair = (options: Options) => (p: Tensor, t: Tensor) => Tensor;

/** Losses of two tensors, both of which get gradients. */
const pairs: Record<string, Pair> = {
  mse: (o) => (p, t) => F.mse(p, t, o),
  l1: (o) => (p, t) => F.l1(p, t, o),
  smoothL1: (o) => (p, t) => F.smoothL1(p, t, o),
  "smoothL1, beta 0.3": (o) => (p, t) => F.smoothL1(p, t, { ...o, beta: 0.3 }),
  "smoothL1, beta 0": (o) => (p, t) => F.smoothL1(p, t, { ...o, beta: 0 }),
  huber: (o) => (p, t) => F.huber(p, t, o),
  "huber, delta 0.3": (o) => (p, t) => F.huber(p, t, { ...o, delta: 0.3 }),
  bce: (o) => (p, t) => F.bce(p, t, o),
  "bce, weight": (o) => (p, t) => F.bce(p, t, { ...o, weight }),
  bceWithLogits: (o) => (x, t) => F.bceWithLogits(x, t, o),
  "bceWithLogits, weight": (o) => (x, t) => F.bceWithLogits(x, t, { ...o, weight }),
  "bceWithLogits, posWeight": (o) => (x, t) => F.bceWithLogits(x, t, { ...o, posWeight: weight }),
  "bceWithLogits, weight and posWeight": (o) => (x, t) => F.bceWithLogits(x, t, { ...o, weight, posWeight: weight }),
  klDiv: (o) => (x, t) => F.klDiv(x, t, o),
  "klDiv, logTarget": (o) => (x, t) => F.klDiv(x, t, { ...o, logTarget: true }),
  "crossEntropy of probabilities": (o) => (x, t) => F.crossEntropy(x, t, o),
  "crossEntropy of probabilities, weight and smoothing": (o) => (x, t) =>
    F.crossEntropy(x, t, { ...o, weight: float64([0.5, 2]), labelSmoothing: 0.1 }),
};

type OfClasses = (options: Options) => (z: Tensor) => Tensor;

/** Losses against classes. */
const ofClasses: Record<string, [loss: OfClasses, input: Tensor]> = {
  crossEntropy: [(o) => (z) => F.crossEntropy(z, classes, o), logits],
  "crossEntropy, weight": [(o) => (z) => F.crossEntropy(z, classes, { ...o, weight: classWeight }), logits],
  "crossEntropy, ignoreIndex": [(o) => (z) => F.crossEntropy(z, int32([2, 0, 1, 1]), { ...o, ignoreIndex: 1 }), logits],
  "crossEntropy, labelSmoothing": [(o) => (z) => F.crossEntropy(z, classes, { ...o, labelSmoothing: 0.2 }), logits],
  "crossEntropy, everything": [
    (o) => (z) => F.crossEntropy(z, classes, { ...o, weight: classWeight, labelSmoothing: 0.2 }),
    logits,
  ],
  "crossEntropy of [batch, classes, length]": [(o) => (z) => F.crossEntropy(z, int32([[2, 0], [-100, 1]]), o), images],
  "crossEntropy of one row": [(o) => (z) => F.crossEntropy(z, int32(2), o), logits.at(0)],
  nll: [(o) => (z) => F.nll(z, classes, o), logits],
  "nll, weight": [(o) => (z) => F.nll(z, classes, { ...o, weight: classWeight }), logits],
  "nll of [batch, classes, length]": [(o) => (z) => F.nll(z, int32([[2, 0], [-100, 1]]), o), images],
};

/** The gradients, and theirs. */
function checkTwice(f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]): void {
  gradcheck(f, inputs);
  gradgradcheck(f, inputs);
}

describe("losses pass gradcheck and gradgradcheck at 1e-7", () => {
  for (const reduction of REDUCTIONS) {
    for (const [name, loss] of Object.entries(pairs)) {
      it(`${name}, ${reduction}`, () => checkTwice(loss({ reduction }), [p, t]));
    }
    for (const [name, [loss, input]] of Object.entries(ofClasses)) {
      it(`${name}, ${reduction}`, () => checkTwice(loss({ reduction }), [input]));
    }
  }
  it("klDiv, batchmean", () => checkTwice((x, t) => F.klDiv(x, t, { reduction: "batchmean" }), [p, t]));
  it("mse of transposed views", () => checkTwice((p, t) => F.mse(p.t(), t.t()), [p, t]));
});

const dtype = "float64";
manualSeed(1);

/** Modules, with an input for each. */
const modules: Record<string, [module: nn.Module, x: Tensor]> = {
  Linear: [new nn.Linear(3, 2, { dtype }), logits],
  "Linear without a bias": [new nn.Linear(3, 2, { dtype, bias: false }), logits],
  "Linear of three dimensions": [new nn.Linear(2, 3, { dtype }), images],
  "Linear of a vector": [new nn.Linear(3, 2, { dtype }), logits.at(0)],
  Sequential: [
    new nn.Sequential(new nn.Linear(3, 2, { dtype }), new nn.Tanh(), new nn.Linear(2, 1, { dtype })),
    logits,
  ],
  BatchNorm1d: [new nn.BatchNorm1d(3, { dtype }), logits],
  "BatchNorm1d of [batch, channels, length]": [new nn.BatchNorm1d(3, { dtype }), images],
  "BatchNorm1d, not affine": [new nn.BatchNorm1d(3, { dtype, affine: false }), logits],
  "BatchNorm1d, nothing tracked": [new nn.BatchNorm1d(3, { dtype, trackRunningStats: false }), logits],
  LayerNorm: [new nn.LayerNorm(3, { dtype }), logits],
  "LayerNorm over two dimensions": [new nn.LayerNorm([3, 2], { dtype }), images],
  "LayerNorm, not affine": [new nn.LayerNorm(3, { dtype, elementwiseAffine: false }), logits],
  Flatten: [new nn.Flatten(), images],
  Dropout: [new nn.Dropout(0.4), logits],
};

/** The module's output as a function of its input and its parameters, which stand in for its own. */
function checkModule(module: nn.Module, x: Tensor): void {
  const own = module.parameters();
  own.forEach((parameter, i) => nn.init.uniform_(parameter, 0.3 + i, 1.3 + i));
  const leaf = x.clone().requiresGrad_();
  const run = () => {
    manualSeed(5); // dropout draws the same mask each time
    return module.call(leaf);
  };
  const points = [leaf, ...own];
  const taped = (g: Tensor) => {
    points.forEach((point) => point.g = null);
    run().backward({ gradient: g });
    return points.map((point) => point.g!);
  };
  checkRule((...shifted) => withValues(points, shifted, run), taped, points.map((point) => point.detach()));
}

/** What `run` gives while `points` hold other values. */
function withValues(points: Tensor[], values: Tensor[], run: () => Tensor): Tensor {
  const before = points.map((point) => point.detach().clone());
  points.forEach((point, i) => point.detach().copy_(values[i]));
  const out = run().detach().clone(); // it may be a view of a point
  points.forEach((point, i) => point.detach().copy_(before[i]));
  return out;
}

describe("modules pass gradcheck at 1e-7 for input and parameters", () => {
  for (const [name, [module, x]] of Object.entries(modules)) {
    it(`${name}, train()`, () => checkModule(module.train(), x));
    it(`${name}, eval()`, () => checkModule(module.eval(), x));
  }
  it("Embedding", () => {
    checkTwice((w) => F.embedding(int32([[0, 2], [2, 3]]), w), [logits]);
  });
  it("Embedding with padding, whose row counts nothing", () => {
    const w = logits.clone().requiresGrad_();
    F.embedding(int32([0, 2, 2]), w, { paddingIdx: 0 }).sum().backward();
    assertEquals(w.g!.toArray(), [[0, 0, 0], [0, 0, 0], [2, 2, 2], [0, 0, 0]]);
  });
});

describe("rules of nn agree with finite differences, and a wrong twin is caught", () => {
  const x = float64([[0.5, -1.2, 2.1], [-0.3, 0.9, -2.4]]);
  const q = float64([[0, 2, 0], [0, 0, 0.5]]);
  const weighted = (z: Tensor) => F.logSoftmax(z).mul(q).sum(1).neg();
  type Rule = (g: Tensor, ...inputs: Tensor[]) => readonly Tensor[];
  const rules: Record<string, [f: (...inputs: Tensor[]) => Tensor, rule: Rule, inputs: Tensor[]]> = {
    weightedCrossEntropy: [weighted, (g, z) => weightedCrossEntropyBackward(g, F.softmax(z), q), [x]],
    nll: [(l) => l.mul(q).sum(1).neg(), (g) => nllBackward(g, q), [x]],
    bce: [(p, t) => F.bce(p, t, { reduction: "none" }), bceBackward, [p, t]],
    embedding: [
      (w) => w.index(int32([1, 0, 1])),
      (g, w) => embeddingBackward(g, w.shape, Int32Array.of(1, 0, 1), null),
      [x],
    ],
  };
  for (const [name, [f, rule, inputs]] of Object.entries(rules)) {
    it(`${name} agrees`, () => checkRule(f, rule, inputs));
    for (const [i] of inputs.entries()) {
      it(`${name} with a gradient of input ${i} that is 0.1 % too large is caught`, () => {
        const wrong: Rule = (g, ...inputs) => rule(g, ...inputs).map((dx, j) => (i === j ? dx.mul(1.001) : dx));
        assertThrows(() => checkRule(f, wrong, inputs), Error, `gradient of input ${i} differs`);
      });
    }
  }
});
