/** Losses of distances, margins and distributions: their options against numbers of PyTorch 1.13, their modules, and what they refuse. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { nn, ones, type Rows, type Tensor, tensor, zeros } from "@gradus/gradus";

const F = nn.functional;
const ints = (values: Rows) => tensor(values, { dtype: "int32" });
const a = tensor([[1, -2, 0.5], [0.3, 2, -1]]);
const b = tensor([[0.5, 1, 2], [1, 1, -2]]);
const c = tensor([[0.9, -1.5, 0.25], [3, 0, 1]]);

/** To the four digits that PyTorch prints. */
function near(found: Tensor, expected: number[]): void {
  const values = found.flatten().toArray() as number[];
  assertEquals(values.length, expected.length);
  expected.forEach((value, i) => assertAlmostEquals(values[i], value, 5.1e-5));
}

describe("losses with their options", () => {
  it("tripletMargin() with p, margin and swap", () => {
    near(F.tripletMargin(a, b, c, { margin: 2, p: 1, swap: true, reduction: "none" }), [6.15, 0]);
  });
  it("poissonNll() of rates, in full", () => {
    const counts = tensor([[0, 3, 1], [2, 5, 0]]);
    const found = F.poissonNll(b.abs(), counts, { logInput: false, full: true, reduction: "none" });
    near(found, [0.5, 2.7641, 1.3069, 1.6518, 5.7708, 2]);
  });
  it("gaussianNll() of a variance for each row, which is at least eps", () => {
    const found = F.gaussianNll(a, b, tensor([1e-9, 2]), { full: true, reduction: "sum" });
    assertAlmostEquals(found.item(), 5749986.5, 1); // ½ · 11.5 / 1e-6, and little else
    assertEquals(F.gaussianNll(a, b, tensor([[1e-9], [2]]), { full: true, reduction: "sum" }).item(), found.item());
  });
  it("multiMargin() with p, margin and weights", () => {
    const weight = tensor([1, 2, 3]);
    near(F.multiMargin(a, ints([2, 0]), { p: 2, margin: 0.5, weight, reduction: "none" }), [1, 1.6133]);
  });
  it("cosineEmbedding() of two vectors, up to a margin", () => {
    near(F.cosineEmbedding(a.at(0), b.at(0), tensor(-1), { margin: -0.9 }), [0.8048]);
  });
  it("hingeEmbedding() with a margin, and a target that is neither", () => {
    const targets = ints([[1, -1, 0], [-1, 1, 1]]);
    near(F.hingeEmbedding(a, targets, { margin: 0.5, reduction: "none" }), [1, 2.5, 0.5, 0.2, 2, -1]);
  });
  it("marginRanking() with a margin", () => {
    near(F.marginRanking(a, b, tensor([[1, -1, 1], [-1, 1, -1]]), { margin: 0.25, reduction: "sum" }), [3]);
  });
});

describe("losses as modules", () => {
  const [one, rows] = [ones([2, 3]), ones([2])];
  const PAIRS: Record<string, [Tensor, Tensor]> = {
    CosineEmbeddingLoss: [
      new nn.CosineEmbeddingLoss({ margin: 0.5 }).call(a, b, rows),
      F.cosineEmbedding(a, b, rows, { margin: 0.5 }),
    ],
    HingeEmbeddingLoss: [new nn.HingeEmbeddingLoss().call(a, one), F.hingeEmbedding(a, one)],
    MarginRankingLoss: [new nn.MarginRankingLoss().call(a, b, one), F.marginRanking(a, b, one)],
    MultiMarginLoss: [new nn.MultiMarginLoss({ p: 2 }).call(a, ints([0, 1])), F.multiMargin(a, ints([0, 1]), { p: 2 })],
    TripletMarginLoss: [new nn.TripletMarginLoss().call(a, b, c), F.tripletMargin(a, b, c)],
    PoissonNLLLoss: [new nn.PoissonNLLLoss().call(a, one), F.poissonNll(a, one)],
    GaussianNLLLoss: [new nn.GaussianNLLLoss().call(a, b, one), F.gaussianNll(a, b, one)],
  };
  for (const [name, [module, value]] of Object.entries(PAIRS)) {
    it(`${name} is its function`, () => assertEquals(module.item(), value.item()));
  }
});

describe("vectors", () => {
  it("cosineSimilarity() broadcasts, and of nothing but zeros is 0", () => {
    const found = F.cosineSimilarity(a.unsqueeze(0), b.unsqueeze(1), { dim: -1 });
    near(found, [-0.0952, 0.0290, -0.3563, 0.7781]);
    assertEquals(F.cosineSimilarity(a, zeros([2, 3])).toArray(), [0, 0]);
    assertEquals(F.cosineSimilarity(a, b.at(0), { dim: -1 }).shape, [2]);
  });
  it("normalize() takes another p and dimension, and leaves zeros", () => {
    near(F.normalize(a, { p: 1, dim: 0 }), [0.7692, -0.5, 0.3333, 0.2308, 0.5, -0.6667]);
    assertEquals(F.normalize(zeros([1, 2])).toArray(), [[0, 0]]);
  });
  it("oneHot() takes any shape, and counts the classes where none are given", () => {
    assertEquals(F.oneHot(ints([[0, 2]])).toArray(), [[[1, 0, 0], [0, 0, 1]]]);
    assertEquals([F.oneHot(ints(1)).toArray(), F.oneHot(zeros([0], { dtype: "int32" }), 2).shape], [[0, 1], [0, 2]]);
    assertEquals(F.oneHot(tensor(Uint8Array.of(1)), 2).dtype, "int32");
  });
});

describe("what does not fit", () => {
  it("is refused with what was found", () => {
    const cases: [() => unknown, string][] = [
      [() => F.tripletMargin(a, b, b.at(0)), "the shapes differ"],
      [() => F.cosineEmbedding(a, b, ones([3])), "give one for each row"],
      [() => F.marginRanking(a, b, ones([2, 1])), "the shapes differ"],
      [() => F.multiMargin(a, ints([0])), "expected [n, classes] and [n]"],
      [() => F.multiMargin(a, ints([0, 3])), "index 3 of dimension 1 with size 3"],
      [() => F.gaussianNll(a, b, ones([3])), "give as many, or one a row"],
      [() => F.gaussianNll(a, b, ones([2, 3]).neg()), "a negative variance"],
      [() => F.oneHot(ints([3]), 3), "Cannot take oneHot() of 3 with 3 classes"],
      [() => F.oneHot(ints([-1])), "Cannot take oneHot() of -1"],
      [() => F.oneHot(zeros([0], { dtype: "int32" })), "give the number of classes"],
      [() => F.normalize(a, { dim: 2 }), "dimension 2"],
    ];
    for (const [call, message] of cases) assertThrows(call, RangeError, message);
    assertThrows(() => F.oneHot(a), TypeError, "Cannot take oneHot() of float32");
    assertThrows(() => F.multiMargin(a, ints([0, 1]), { p: 3 as never }), TypeError, "the ps are 1, 2");
  });
});
