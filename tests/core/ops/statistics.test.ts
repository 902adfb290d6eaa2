import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { bincount, ones, type Rows, tensor, zeros } from "@gradus/gradus";

const ints = (values: Rows) => tensor(values, { dtype: "int32" });
const x = tensor([[3, 1, 2, 10], [9, NaN, 7, 8]]);

describe("median() and quantile()", () => {
  it("median() is the lower of two in the middle, and NaN where there is one, with its place", () => {
    assertEquals(x.median(1).values.toArray(), [2, NaN]);
    assertEquals(x.median({ dim: 1, keepdim: true }).indices.toArray(), [[2], [1]]);
    assertEquals([x.at(0).median().item(), ints([4, 2]).median().item(), tensor(5).median().item()], [2, 2, 5]);
    assertEquals(x.t().median(0).values.toArray(), [2, NaN]);
  });
  it("median() of nothing is refused", () => {
    assertThrows(() => zeros([0]).median(), RangeError, "it has no elements");
    assertThrows(() => zeros([2, 0]).median(1), RangeError, "along dimension 1: it has no elements");
  });
  it("quantile() interpolates as it is told", () => {
    const found = (["linear", "lower", "higher", "nearest", "midpoint"] as const).map((interpolation) =>
      x.at(0).quantile(0.5, { interpolation }).item()
    );
    assertEquals(found, [2.5, 2, 3, 3, 2.5]); // 1.5 is rounded to the even 2
  });
  it("quantile() has the shapes of PyTorch's", () => {
    assertEquals(x.quantile(0.5).shape, []);
    assertEquals(x.quantile(0.5, { keepdim: true }).shape, [1, 1]);
    assertEquals(x.quantile([0.5], 0).shape, [1, 4]);
    assertEquals(x.quantile([0.1, 0.2], 0, true).shape, [2, 1, 4]);
    assertEquals(x.quantile(tensor(0.5), 1).shape, [2]);
    assertEquals(x.quantile(0, 1).toArray(), [1, NaN]);
  });
  it("quantile() refuses what it cannot take", () => {
    assertThrows(() => x.quantile(1.5), RangeError, "Cannot take the quantile 1.5: give a number from 0 to 1");
    assertThrows(() => ints([1]).quantile(0.5), TypeError, "Cannot take the quantile of int32");
    assertThrows(() => zeros([0]).quantile(0.5), RangeError, "it has no elements");
    assertThrows(() => x.quantile(0.5, { interpolation: "neares" as never }), TypeError, "the nearest is nearest");
  });
});

describe("counts", () => {
  it("unique() has each value once, and where and how often it stands", () => {
    const { values, inverse, counts } = ints([[5, 2], [5, 9]]).t().unique({ returnCounts: true });
    assertEquals([values.toArray(), inverse.toArray(), counts.toArray()], [[2, 5, 9], [[1, 1], [0, 2]], [1, 2, 1]]);
    assertEquals(tensor([NaN, 0, -0, NaN]).unique().toArray(), [0, NaN, NaN]); // as in PyTorch
    assertEquals([zeros([0]).unique().shape, tensor(3).unique().toArray()], [[0], [3]]);
    assertEquals(tensor([true, false, true]).unique().toArray(), [false, true]);
  });
  it("bincount() counts, with weights too, and has at least as many places as asked for", () => {
    assertEquals(ints([1, 1, 0]).bincount().toArray(), [1, 2]);
    assertEquals(bincount(ints([1, 1, 0]), { weights: tensor([0.5, 1, 2]) }).toArray(), [2, 1.5]);
    assertEquals(ints([]).int().bincount({ minlength: 2 }).toArray(), [0, 0]);
  });
  it("bincount() refuses what it cannot count", () => {
    assertThrows(() => ints([0, -1]).bincount(), RangeError, "Cannot count the negative number -1");
    assertThrows(() => ones([2]).bincount(), TypeError, "Cannot count float32");
    assertThrows(() => ints([[1]]).bincount(), RangeError, "give a vector");
    assertThrows(() => ints([1]).bincount({ weights: ones([2]) }), RangeError, "give one for each");
  });
  it("histc() counts both bounds, and takes the least and largest element without", () => {
    assertEquals(tensor([0, 1, 2, 3, 9, NaN]).histc(2, 0, 2).toArray(), [1, 2]);
    assertEquals(tensor([0, 1, 2, 4]).histc(2).toArray(), [2, 2]);
    assertEquals(tensor([3, 3]).histc(2).toArray(), [0, 2]);
    assertThrows(() => ones([1]).histc(0), RangeError, "Cannot take a histogram of 0 parts");
  });
});

describe("cov() and corrcoef()", () => {
  it("cov() of a vector is its variance", () => {
    assertEquals([tensor([1, 3]).cov().item(), tensor([1, 3]).cov({ correction: 0 }).item()], [2, 1]);
    assertEquals([tensor([1, 3]).cov().shape, ints([[1, 3]]).cov().toArray()], [[], [[2]]]);
  });
  it("corrcoef() of a vector is 1, and of a constant row NaN", () => {
    assertEquals(tensor([1, 3]).corrcoef().item(), 1);
    assertEquals(tensor([[1, 1], [1, 3]]).corrcoef().toArray(), [[NaN, NaN], [NaN, 1]]);
  });
});
