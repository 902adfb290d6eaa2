/** Products by PyTorch's names, distances, and bounds that are tensors. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as g from "@gradus/gradus";
import { arange, ones, tensor, zeros } from "@gradus/gradus";

const [v, m] = [tensor([1, 2]), tensor([[1, 2], [3, 4]])];

describe("products by name", () => {
  it("are those of matmul, as methods and as functions", () => {
    assertEquals([v.dot(v).item(), g.dot(v, v).item()], [5, 5]);
    assertEquals(m.mv(v).toArray(), [5, 11]);
    assertEquals(m.t().mm(m).toArray(), g.mm(m.t(), m).toArray());
    assertEquals(ones([2, 1, 3]).bmm(ones([2, 3, 1])).toArray(), [[[3]], [[3]]]);
    assertEquals(g.matmul(m, v).toArray(), m.mv(v).toArray());
  });
  it("refuse operands of other ranks, and batches that differ", () => {
    assertThrows(() => m.dot(v), RangeError, "Cannot take dot() of [2, 2]: give a vector");
    assertThrows(() => m.mv(m), RangeError, "Cannot take mv() of [2, 2]: give a vector");
    assertThrows(() => v.mm(m), RangeError, "Cannot take mm() of [2]: give a matrix");
    assertThrows(() => ones([2, 1, 1]).bmm(ones([3, 1, 1])), RangeError, "batches of 2 and 3 differ");
    assertThrows(() => v.dot(ones([3])), RangeError, "inner sizes 2 and 3 differ");
  });
  it("addmm() broadcasts what it adds, and does not read it for beta 0", () => {
    assertEquals(v.addmm(m, m).toArray(), [[8, 12], [16, 24]]);
    assertEquals(tensor([NaN, NaN]).addmm(m, m, { beta: 0, alpha: 2 }).toArray(), [[14, 20], [30, 44]]);
    assertEquals(g.baddbmm(tensor(1), ones([1, 1, 2]), ones([1, 2, 1])).toArray(), [[[3]]]);
  });
  it("outer() and kron() multiply each by each", () => {
    assertEquals(v.outer(tensor([3, 4, 5])).toArray(), [[3, 4, 5], [6, 8, 10]]);
    assertEquals(v.kron(tensor([1, 10])).toArray(), [1, 10, 2, 20]);
    assertEquals(m.kron(v).toArray(), [[1, 2, 2, 4], [3, 6, 4, 8]]);
    assertEquals(g.kron(zeros([0, 2]), m).shape, [0, 4]);
  });
  it("tensordot() sums over the dimensions that are named, views too", () => {
    const [a, b] = [arange(24).view(2, 3, 4), arange(12).view(4, 3)];
    assertEquals(g.tensordot(a, b, [[2, 1], [0, -1]]).toArray(), g.einsum("abc,cb->a", a, b).toArray());
    assertEquals(g.tensordot(a.transpose(0, 2), v, [[2], [0]]).toArray(), g.einsum("abc,a->cb", a, v).toArray());
    assertEquals(g.tensordot(v, v, 0).toArray(), v.outer(v).toArray());
  });
  it("tensordot() says what does not fit", () => {
    assertThrows(() => g.tensordot(m, ones([3, 2]), 1), RangeError, "sizes 2 and 3 of dimensions 1 and 0 differ");
    assertThrows(() => g.tensordot(m, v, 2), RangeError, "they have no 2 dimensions in common");
    assertThrows(() => g.tensordot(m, v, [[0]] as never), TypeError, "give a number, or two lists");
  });
});

describe("cdist()", () => {
  it("cdist() takes batches, any p, and no rows", () => {
    const [a, b] = [tensor([[0, 0], [1, 1]]), tensor([[3, 4]])];
    assertEquals(g.cdist(a, b, 1).toArray(), [[7], [5]]);
    assertEquals(g.cdist(a, b, Infinity).toArray(), [[4], [3]]);
    assertEquals([g.cdist(ones([5, 2, 3]), ones([4, 3])).shape, g.cdist(zeros([0, 2]), b).shape], [[5, 2, 4], [0, 1]]);
  });
  it("cdist() of equal rows has slope 0", () => {
    const x = ones([2, 2]).requiresGrad_();
    g.cdist(x, ones([1, 2])).sum().backward();
    assertEquals(x.g?.toArray(), [[0, 0], [0, 0]]);
  });
  it("cdist() refuses vectors and rows of other lengths", () => {
    assertThrows(() => g.cdist(v, m), RangeError, "Cannot take distances of [2]");
    assertThrows(() => g.cdist(m, ones([1, 3])), RangeError, "rows of 2 and 3 have no distance");
  });
});

describe("clamp() by tensors", () => {
  const x = tensor([-2, 0.5, 2, NaN]);
  it("clamp() broadcasts, takes bounds by name, and one without the other", () => {
    assertEquals(x.clamp(tensor(0), tensor([1, 1, 1, 1])).toArray(), [0, 0.5, 1, NaN]);
    assertEquals(x.clamp(null, 1).toArray(), [-2, 0.5, 1, NaN]);
    assertEquals(x.clamp({ min: tensor([0]) }).toArray(), [0, 0.5, 2, NaN]);
    assertEquals(x.clamp({ min: 0, max: 1 }).toArray(), [0, 0.5, 1, NaN]);
    assertEquals(tensor([1, 2]).clamp(tensor([5, NaN]), tensor([3, 3])).toArray(), [3, NaN]); // the upper one wins
  });
  it("clamp() sends the gradient to the bound that was reached", () => {
    const [y, low] = [tensor([-1, 1]).requiresGrad_(), tensor([0, 1]).requiresGrad_()];
    y.clamp(low).sum().backward();
    assertEquals([y.g?.toArray(), low.g?.toArray()], [[0, 1], [1, 0]]);
  });
});
