import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { autograd, noGrad, ones, type Tensor, tensor } from "@gradus/gradus";
import { float64 } from "./sample.ts";

const { hessian, hvp, jacobian, jvp, vjp } = autograd.functional;
const x = tensor([1, 2]);
const w = tensor([10, 20, 30]);
/** `[2, 3]`: each element of the one times each of the other. */
const outer = (a: Tensor, b: Tensor) => a.unsqueeze(1).mul(b);

describe("jacobian()", () => {
  it("has the shape of the output and then that of the input", () => {
    const J = jacobian((x) => x.sum(0), ones([3, 2]));
    assertEquals([J.shape, J.at(1).toArray()], [[2, 3, 2], [[0, 1], [0, 1], [0, 1]]]);
  });

  it("of several inputs and outputs is an array by output, then by input", () => {
    const f = (a: Tensor, b: Tensor) => [a.sum().mul(b), a.square()];
    const J = jacobian(f, [x, w]);
    assertEquals(J.map((row) => row.map((part) => part.shape)), [[[3, 2], [3, 3]], [[2, 2], [2, 3]]]);
    assertEquals(J[0][0].toArray(), [[10, 10], [20, 20], [30, 30]]);
    assertEquals(J[1].map((part) => part.toArray()), [[[2, 0], [0, 4]], [[0, 0, 0], [0, 0, 0]]]);
  });

  it("leaves inputs as they were, and answers what has no history", () => {
    const leaf = tensor([3]).requiresGrad_();
    const J = jacobian((x) => x.square(), leaf);
    assertEquals([leaf.g, J.requiresGrad, J.toArray()], [null, false, [[6]]]);
  });

  it("works within noGrad(), and of an output without elements", () => {
    assertEquals(noGrad(() => jacobian((x) => x.square(), x)).toArray(), [[2, 0], [0, 4]]);
    assertEquals(jacobian((x) => x.narrow(0, 0, 0), x).shape, [0, 2]);
  });

  it("with createGraph is differentiated by the input and by what the function reads", () => {
    const [a, scale] = [float64([[2, 3]]).requiresGrad_(), float64([[5]]).requiresGrad_()];
    const J = jacobian((x) => x.pow(3).mul(scale), a, { createGraph: true });
    const [da, ds] = autograd.grad(J.sum(), [a, scale]);
    assertEquals([da.toArray(), ds.toArray()], [[[60, 90]], [[39]]]); // 6x · 5, Σ 3x²
  });

  it("is 0 where the output does not depend on the input, or an error with strict", () => {
    assertEquals(jacobian(() => ones([1]), x).toArray(), [[0, 0]]);
    assertThrows(() => jacobian(() => ones([1]), x, { strict: true }), Error, "depend on none of the inputs");
    assertThrows(() => jacobian((a, _) => a, [x, w], { strict: true }), Error, "does not depend on input 1");
  });

  it("refuses what is no function, and what does not answer tensors", () => {
    assertThrows(() => jacobian(x as never, x), TypeError, "Cannot take the jacobian of a Tensor: give a function");
    assertThrows(() => jacobian((() => 3) as never, x), TypeError, "take the jacobian of the number 3");
  });
});

describe("hessian()", () => {
  it("of several inputs has a block for each pair", () => {
    const H = hessian((a, b) => a.square().sum().mul(b.sum()), [x, w]);
    assertEquals(H.map((row) => row.map((block) => block.shape)), [[[2, 2], [2, 3]], [[3, 2], [3, 3]]]);
    assertEquals(H[0][0].toArray(), [[120, 0], [0, 120]]);
    assertEquals(H[0][1].toArray(), [[2, 2, 2], [4, 4, 4]]);
    assertEquals(H[1][0].toArray(), H[0][1].t().toArray());
    assertEquals(H[1][1].eq(0).all().item(), 1);
  });

  it("of a linear function is 0", () => {
    assertEquals(hessian((x) => x.mul(3).sum(), x).toArray(), [[0, 0], [0, 0]]);
  });

  it("refuses an output of several elements", () => {
    assertThrows(() => hessian((x) => x.square(), x), RangeError, "hessian of an output of shape [2]");
  });
});

describe("products with vectors", () => {
  it("agree with the Jacobian, of several inputs and outputs too", () => {
    const f = (a: Tensor, b: Tensor) => [outer(a, b), a.square()];
    const J = jacobian(f, [x, w]);
    const [v, u] = [[ones([2, 3]), tensor([5, 7])], [tensor([1, 3]), tensor([1, 0, 2])]];
    const [y, back] = vjp(f, [x, w], v);
    assertEquals(y.map((part) => part.toArray()), f(x, w).map((part) => part.toArray()));
    const byHand = [0, 1].map((i) =>
      J.map((row, o) => row[i].flatten(0, v[o].ndim - 1).mul(v[o].reshape(-1, 1)).sum(0)).reduce((p, q) => p.add(q))
    );
    assertEquals(back.map((g) => g.toArray()), byHand.map((g) => g.toArray()));
    const [, forth] = jvp(f, [x, w], u);
    const along = J.map((row) => row.map((part, i) => part.mul(u[i]).sum(-1)).reduce((p, q) => p.add(q)));
    assertEquals(forth.map((g) => g.toArray()), along.map((g) => g.toArray()));
  });

  it("agree with the Hessian", () => {
    const f = (x: Tensor) => x.pow(3).sum().mul(x.at(0));
    const v = tensor([2, 3]);
    assertEquals(hvp(f, x, v)[1].toArray(), hessian(f, x).matmul(v).toArray());
  });

  it("need no vector where there is one element", () => {
    assertEquals(vjp((x) => x.square().sum(), x)[1].toArray(), [2, 4]);
    assertEquals(jvp((t) => t.mul(x), tensor(3))[1].toArray(), [1, 2]);
    assertThrows(() => jvp((x) => x, x), RangeError, "without a vector");
    assertThrows(() => vjp((x) => x, x), RangeError, "only for scalar outputs");
  });

  it("with createGraph are differentiated themselves", () => {
    const a = float64([[2, 3]]).requiresGrad_();
    const [, dy] = jvp((x) => x.pow(3), a, float64([[1, 1]]), { createGraph: true });
    assertEquals(autograd.grad(dy.sum(), a)[0].toArray(), [[12, 18]]);
    const [, bend] = hvp((x) => x.pow(3).sum(), a, float64([[1, 1]]), { createGraph: true });
    assertEquals(autograd.grad(bend.sum(), a)[0].toArray(), [[6, 6]]);
  });

  it("refuse vectors of other shapes, and another number of them", () => {
    assertThrows(() => jvp((x) => x, x, w), RangeError, "a vector of shape [3]: input 0 has shape [2]");
    assertThrows(() => vjp((x) => x, x, w), RangeError, "a vector of shape [3]: output 0 has shape [2]");
    assertThrows(() => hvp((a, _) => a.sum(), [x, w], x), RangeError, "with 1 vectors: give one for each input, 2");
  });
});
