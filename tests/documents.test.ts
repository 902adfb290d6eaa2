import { describe, it } from "./bdd.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess, fail } from "@std/assert";
import { backendName, einsum, manualSeed, randn, setPrintOptions, type Tensor, tensor } from "@gradus/gradus";
import type { ImageDataset } from "@gradus/gradus/data";
import { relu } from "@gradus/gradus/functional";
import { replay000 } from "../examples/document_000.ts";
import { type Replay003, replay003 } from "../examples/document_003.ts";
import { itOnMnist } from "./real_mnist.ts";
import documents from "./reference/documents_reference.json" with { type: "json" };
import torch from "./reference/torch_reference.json" with { type: "json" };

/** Epochs of a curve that the back end in use runs here; where that is not all, `examples/` runs the rest. */
const EPOCHS = { native: Infinity, wasm: 2, reference: 1 }[backendName()];

/** The tests of one entry; the name is what its key says. */
type Judge = (name: string, value: never) => void;

/** By the beginning of the key; the first that fits is taken. */
const JUDGES: readonly [start: string, judge: Judge][] = [
  ["000:", judge000],
  ["002:", () => {}], // document_002.test.ts
  ["001: Frobenius norm", judgeNorm],
  ["001, 003: mnist.pkl.gz", judgeData],
  ["003: manual_seed(42): mse", judgeLoss],
  ["001: seconds there", skipTimes],
  ["004: seconds there", skipTimes],
  ["004: x = randn(200,100) through 50 layers", judgeInitialisation],
  ["004: einsum", judgeEinsum],
];

describe("the documents' numbers", () => {
  for (const [key, value] of Object.entries(documents)) {
    const judge = JUDGES.find(([start]) => key.startsWith(start))?.[1];
    if (judge) judge(key, value as never);
    else it(key, () => fail("Cannot judge this entry: add it to JUDGES"));
  }
});

/** A test of the first epochs of a curve, and the rest by name. */
function itEpochs<T>(
  name: string,
  curve: readonly T[],
  fn: (dataset: ImageDataset, first: readonly T[]) => void,
): void {
  const count = Math.min(curve.length, EPOCHS);
  itOnMnist(`${name}: epochs 1 to ${count}`, (data) => fn(data, curve.slice(0, count)));
  if (count < curve.length) {
    it.skip(`${name}: epochs ${count + 1} to ${curve.length} (judged where the native back end is in use)`, () => {});
  }
}

function judge000(name: string, curve: readonly [loss: number, accuracy: number][]): void {
  itEpochs(name, curve, (data, first) => {
    const here = Array.from(replay000(data, first.length));
    assertEquals(here.length, first.length);
    here.forEach(([loss, accuracy], i) => {
      assertAlmostEquals(loss, first[i][0], 1e-3, `loss of epoch ${i + 1}`);
      assertAlmostEquals(accuracy, first[i][1], 5e-3, `accuracy of epoch ${i + 1}`);
    });
  });
}

function judgeNorm(name: string, norm: number): void {
  it(name, () => {
    const m1 = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
    assertAlmostEquals(m1.norm().item(), norm, 5e-5); // printed with four decimals
  });
}

function judgeData(name: string, [n, m, c, mean, std]: readonly number[]): void {
  itOnMnist(name, (data) => {
    const { xTrain, yTrain } = replayed(data);
    assertEquals([...xTrain.shape, yTrain.max().item() + 1], [n, m, c]);
    assertAlmostEquals(meanAndStd(data)[0], mean, 5e-5); // printed with four decimals
    assertAlmostEquals(meanAndStd(data)[1], std, 5e-5);
  });
}

function judgeLoss(name: string, loss: number): void {
  itOnMnist(name, (data) => assertAlmostEquals(replayed(data).loss, loss, 0.005)); // printed with two decimals
}

function skipTimes(name: string): void {
  it.skip(`${name} (times of another machine: the bench prints them beside ours)`, () => {});
}

function judgeEinsum(name: string, product: number[][]): void {
  it(name, () => {
    const c = tensor([10, 20, 30]).unsqueeze(1).expand(3, 3);
    const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
    assertEquals(einsum("ik,kj->ij", c, m).toArray(), product);
  });
}

/** What becomes of randn(200, 100) in 50 layers of weights randn(100, 100) · scale. */
function throughLayers(scale: number, activation: (x: Tensor) => Tensor = (x) => x): Tensor {
  manualSeed(42);
  let x = randn([200, 100]);
  for (let i = 0; i < 50; i++) x = activation(x.matmul(randn([100, 100]).mul(scale)));
  return x;
}

/** One judgement for each of the five verdicts, in the order of the key. */
function judgeInitialisation(name: string, verdicts: readonly string[]): void {
  const experiments: [what: string, judge: () => void][] = [
    ["scale 1", () => assert(Number.isNaN(throughLayers(1).sum().item()))],
    ["scale 0.01", () => assertEquals(throughLayers(0.01).eq(0).all().item(), 1)],
    ["scale 0.1", () => assertAlmostEquals(throughLayers(0.1).std().log().item() / Math.LN2, 0, 1)],
    ["relu, scale 0.1", () => assertLess(throughLayers(0.1, relu).max().item(), 1e-6)],
    ["relu, scale √(2/100)", () => assertAlmostEquals(healthyStd(), 1.55, 1.45)], // 0.1 to 3
  ];
  assertEquals(experiments.length, verdicts.length);
  experiments.forEach(([what, judge], i) => it(`${name}: ${what} gives ${verdicts[i]}`, judge));
}

function healthyStd(): number {
  return throughLayers(Math.sqrt(2 / 100), relu).std().item();
}

let replay: Replay003 | undefined;

function replayed(data: ImageDataset): Replay003 {
  return replay ??= replay003(data);
}

let statistics: readonly [mean: number, std: number] | undefined;

/** Of the training pixels; 39 million of them take their time, so only once. */
function meanAndStd(data: ImageDataset): readonly [mean: number, std: number] {
  const { xTrain } = replayed(data);
  return statistics ??= [xTrain.mean().item(), xTrain.std().item()];
}

describe("document 003", () => {
  const there = torch.mnist;
  const values = <T>(start: string) => Object.entries(there).find(([key]) => key.startsWith(start))![1] as T;

  itOnMnist("takes the pictures that PyTorch took", (data) => {
    assertNear(meanAndStd(data), values("pixels / 256"), 1e-6);
  });
  itOnMnist("has PyTorch's activations in the first layer", (data) => {
    assertNear(replayed(data).activations.at(0).toArray(), values("manual_seed(42); w1 = randn(784,50); w2"), 1e-5);
  });
  itOnMnist("has PyTorch's gradients after forwardAndBackward()", (data) => {
    const { w1, b1, w2, b2 } = replayed(data).weights;
    const here = [w1.g!.at(400, ":5"), b1.g!.at(":5"), w2.g!.at(":5", 0), b2.g!].map((g) => g.toArray());
    assertNear(here, values("…after backward"), 1e-5);
  });
  itOnMnist("has the same loss and gradient by functions and by classes, to the bit", (data) => {
    const { loss, classLoss, weights, classGradient } = replayed(data);
    assertEquals([classLoss, classGradient.eq(weights.w1.g!).all().item()], [loss, 1]);
  });
  itOnMnist("prints the activations as the document shows them", (data) => {
    setPrintOptions({ precision: 2, lineWidth: 125, sciMode: false });
    try {
      assertEquals(`${replayed(data).activations}`.split("\n"), PRINTED);
    } finally {
      setPrintOptions({ profile: "default" });
    }
  });
});

/** Cell 13 of the document. */
const PRINTED = [
  "tensor([[ 0.00, 11.87,  0.00,  ...,  5.48,  2.14, 15.30],",
  "        [ 5.38, 10.21,  0.00,  ...,  0.88,  0.08, 20.23],",
  "        [ 3.31,  0.12,  3.10,  ..., 16.89,  0.00, 24.74],",
  "        ...,",
  "        [ 4.01, 10.35,  0.00,  ...,  0.23,  0.00, 18.28],",
  "        [10.62,  0.00, 10.72,  ...,  0.00,  0.00, 18.23],",
  "        [ 2.84,  0.00,  1.43,  ...,  0.00,  5.75,  2.12]])",
];

/** Numbers in nested arrays, each within `rtol` of the other: sums of 50,000 float32 differ that much by their order. */
function assertNear(here: unknown, there: unknown, rtol: number): void {
  if (!Array.isArray(there)) {
    return assertAlmostEquals(here as number, there as number, rtol * Math.max(1, Math.abs(there as number)));
  }
  const list = here as unknown[];
  assertEquals(list.length, there.length);
  there.forEach((value, i) => assertNear(list[i], value, rtol));
}
