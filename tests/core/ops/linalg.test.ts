import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import { arange, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import { linear } from "../../../core/ops/linalg.ts";
import { assertModel, broadcastModel, broadcastShape, filled, type Model, SEEDED, smallerShape } from "../oracle.ts";

/** The definition: `c[…, i, j] = Σ a[…, i, k]·b[…, k, j]` over broadcast leading dimensions. */
function productModel(a: Model, b: Model): Model {
  const [k, lead] = [a.shape.at(-1)!, broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))!];
  const left = broadcastModel(a, [...lead, ...a.shape.slice(-2)]);
  const right = broadcastModel(b, [...lead, ...b.shape.slice(-2)]);
  const at = (index: readonly number[]) => {
    const [batch, i, j] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
    let sum = 0;
    for (let l = 0; l < k; l++) sum += left.at([...batch, i, l]) * right.at([...batch, l, j]);
    return sum;
  };
  return { shape: [...lead, a.shape.at(-2)!, b.shape.at(-1)!], at };
}

/** A matrix or batch whose last two dimensions lie transposed in memory when `transposed`. */
function laid(shape: readonly number[], seed: number, transposed: boolean): { x: Tensor; m: Model } {
  if (!transposed) return filled(shape, seed);
  const swap = <T>(list: readonly T[]) => [...list.slice(0, -2), list.at(-1)!, list.at(-2)!];
  const { x, m } = filled(swap(shape), seed);
  return { x: x.transpose(-1, -2), m: { shape, at: (index) => m.at(swap(index)) } };
}

describe("matmul()", () => {
  it("matmul() is the definition for every batch that broadcasts, transposed or not", () => {
    const size = fc.integer({ min: 0, max: 4 });
    const lead = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 });
    const cases = lead.chain((full) =>
      fc.tuple(fc.constant(full), smallerShape(full), size, size, size, fc.boolean(), fc.boolean(), fc.boolean())
    );
    fc.assert(
      fc.property(cases, ([full, small, m, k, n, turnA, turnB, swapped]) => {
        const a = laid([...(swapped ? small : full), m, k], 1, turnA);
        const b = laid([...(swapped ? full : small), k, n], 2, turnB);
        assertModel(a.x.matmul(b.x), productModel(a.m, b.m));
      }),
      SEEDED,
    );
  });
  it("matmul() of two vectors is their dot product, a single number", () => {
    const x = tensor([1, 2, 3]).matmul(tensor([4, 5, 6]));
    assertEquals([x.shape, x.item()], [[], 32]);
  });
  it("matmul() takes a vector as a row on the left and as a column on the right", () => {
    const m = tensor([[1, 2], [3, 4], [5, 6]]);
    assertEquals(tensor([1, 0, 1]).matmul(m).toArray(), [6, 8]);
    assertEquals(m.matmul(tensor([1, 10])).toArray(), [21, 43, 65]);
  });
  it("matmul() of a vector and a batch gives a row or column a matrix", () => {
    const batch = arange(12).view(2, 3, 2);
    assertEquals(tensor([1, 1, 1]).matmul(batch).toArray(), [[6, 9], [24, 27]]);
    assertEquals(batch.matmul(tensor([1, -1])).toArray(), [[-1, -1, -1], [-1, -1, -1]]);
  });
  it("matmul() over an inner size of 0 gives zeros", () => {
    assertEquals(zeros([2, 0]).matmul(zeros([0, 2])).toArray(), [[0, 0], [0, 0]]);
  });
  it("matmul() of integers is an integer, and beside floats a float", () => {
    const m = tensor([[1, 2], [3, 4]], { dtype: "int32" });
    assertEquals([m.matmul(m).dtype, m.matmul(m).toArray()], ["int32", [[7, 10], [15, 22]]]);
    assertEquals(m.matmul(m.float()).dtype, "float32");
    assertEquals(m.matmul(m.double()).dtype, "float64");
  });
  it("matmul() of float64 keeps float64's digits", () => {
    const x = tensor([[1, 1e-12]], { dtype: "float64" });
    assertEquals(x.matmul(ones([2, 1], { dtype: "float64" })).item(), 1 + 1e-12);
  });
  it("matmul() lets NaN and infinity through", () => {
    assertEquals(tensor([[NaN, 0]]).matmul(ones([2, 1])).item(), NaN);
    assertEquals(tensor([[Infinity, 1]]).matmul(tensor([[1], [1]])).item(), Infinity);
    assertEquals(tensor([[0, 1]]).matmul(tensor([[Infinity], [1]])).item(), NaN);
  });

  const errors: [string, Tensor, Tensor, string][] = [
    [
      "inner sizes that differ",
      ones([64, 50]),
      ones([49, 10]),
      "Cannot multiply [64, 50] by [49, 10]: inner sizes 50 and 49 differ",
    ],
    [
      "two equal shapes, and names the cure",
      ones([3, 2]),
      ones([3, 2]),
      "Cannot multiply [3, 2] by [3, 2]: inner sizes 2 and 3 differ, t() on the right one would fit",
    ],
    ["a vector in its own shape", ones([3]), ones([4, 2]), "Cannot multiply [3] by [4, 2]: inner sizes 3 and 4 differ"],
    ["a vector on the right", ones([4, 2]), ones([3]), "Cannot multiply [4, 2] by [3]: inner sizes 2 and 3 differ"],
    ["two vectors", ones([2]), ones([3]), "Cannot multiply [2] by [3]: inner sizes 2 and 3 differ"],
    ["a number", tensor(2), ones([2]), "Cannot multiply [] by [2]: a tensor of rank 0 is no matrix, use mul()"],
    ["batches that clash", ones([2, 1, 1]), ones([3, 1, 1]), "Cannot multiply batches of [2] and [3]"],
  ];
  for (const [name, a, b, message] of errors) {
    it(`matmul() refuses ${name}`, () => void assertThrows(() => a.matmul(b), RangeError, message));
  }
  it("matmul() refuses bools", () => {
    const x = tensor([[true]]);
    assertThrows(() => x.matmul(x), TypeError, "Cannot multiply matrices of bool");
  });
});

describe("linear()", () => {
  const [x, w, b] = [arange(6).view(2, 3), arange(12).view(3, 4), tensor([1, 2, 3, 4])];
  it("linear() is x @ w + b", () => {
    assertEquals(linear(x, w, b).toArray(), x.matmul(w).add(b).toArray());
    assertEquals(linear(x, w, b).at(0).toArray(), [21, 25, 29, 33]);
  });
  it("linear() reads transposed weights and a strided bias", () => {
    const column = tensor([[1, 9], [2, 9], [3, 9], [4, 9]]).at(":", 0);
    assertEquals(linear(x, w.t().clone().t(), column).toArray(), linear(x, w, b).toArray());
  });
  it("linear() of batches and of one row falls back on the two operations", () => {
    assertEquals(linear(x.unsqueeze(0), w, b).toArray(), [linear(x, w, b).toArray()]);
    assertEquals(linear(x.at(0), w, b).toArray(), [21, 25, 29, 33]);
  });
  it("linear() broadcasts a bias of one element", () => {
    assertEquals(linear(x, w, tensor([1])).toArray(), x.matmul(w).add(1).toArray());
  });
  it("linear() with a bias of another dtype promotes", () => assertEquals(linear(x, w, b.double()).dtype, "float64"));
  it("linear() refuses sizes that do not fit", () => {
    assertThrows(() => linear(x, w.t(), b), RangeError, "Cannot multiply [2, 3] by [4, 3]");
    assertThrows(() => linear(x, w, ones([3])), RangeError, "Cannot add [2, 4] and [3]");
  });
});
