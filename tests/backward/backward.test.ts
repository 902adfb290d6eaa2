import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import "../../backward/tape.ts"; // registers itself
import { ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import { leaf } from "./leaf.ts";

describe("backward()", () => {
  it("adds to the gradient that is there: two losses of one weight", () => {
    const w = leaf(1, 2);
    w.mul(3).sum().backward();
    w.mul(10).sum().backward();
    assertEquals(w.g?.toArray(), [13, 13]);
  });

  it("adds into a tensor of its own, so that a gradient kept from before stays", () => {
    const w = leaf(1);
    w.mul(3).sum().backward();
    const kept = w.g!;
    w.mul(10).sum().backward();
    assertEquals([kept.item(), w.g!.item()], [3, 13]);
  });

  it("refuses to go a second time", () => {
    const loss = leaf(2).exp().sum();
    loss.backward();
    assertThrows(() => loss.backward(), Error, "Cannot go backward through sum a second time");
  });

  it("refuses to go through a part that another loss went through", () => {
    const shared = leaf(2).exp();
    shared.sum().backward();
    assertThrows(() => shared.mul(2).sum().backward(), Error, "through exp a second time");
  });

  it("with retainGraph can be gone again, and adds", () => {
    const x = leaf(2);
    const loss = x.mul(x).sum();
    loss.backward({ retainGraph: true });
    loss.backward();
    assertEquals(x.g?.toArray(), [8]);
    assertThrows(() => loss.backward(), Error, "a second time");
  });

  it("begins with the gradient given", () => {
    const x = leaf(1, 2, 3);
    x.mul(2).backward({ gradient: tensor([1, 10, 100]) });
    assertEquals(x.g?.toArray(), [2, 20, 200]);
  });

  it("refuses a gradient of another shape", () => {
    const y = leaf(1, 2).mul(2);
    assertThrows(() => y.backward({ gradient: ones([1]) }), RangeError, "shape [2] with a gradient of shape [1]");
  });

  it("casts the gradient given to the dtype of its value", () => {
    const x = leaf(1, 2);
    x.backward({ gradient: tensor([1, 2], { dtype: "float64" }) });
    assertEquals(x.g?.dtype, "float32");
  });

  it("does not record the gradient given, even one that requires a gradient itself", () => {
    const [x, gradient] = [leaf(1), leaf(3)];
    x.backward({ gradient });
    assertEquals([x.g!.requiresGrad, x.g!.node], [false, null]);
  });

  it("from a leaf leaves 1 in it", () => {
    const x = tensor(5).requiresGrad_();
    x.backward();
    assertEquals(x.g?.toArray(), 1);
  });

  it("from a single number in a matrix leaves a matrix", () => {
    const x = tensor([[5]]).requiresGrad_();
    x.mul(2).backward();
    assertEquals(x.g?.toArray(), [[2]]);
  });

  it("refuses what requires no gradient", () => {
    assertThrows(() => ones([]).backward(), Error, "does not require a gradient");
  });

  it("refuses more than one number", () => {
    assertThrows(() => leaf(1, 2).mul(2).backward(), RangeError, "only for scalar outputs");
  });

  it("gives a tensor of rank 0 a gradient of rank 0", () => {
    const x = tensor(3, { dtype: "float64" }).requiresGrad_();
    ones([2, 2], { dtype: "float64" }).mul(x).sum().backward();
    assertEquals([x.g?.shape, x.g?.item()], [[], 4]);
  });

  for (const op of ["max", "min"] as const) {
    for (const keepdim of [false, true]) {
      it(`${op}(0, ${keepdim}) of rank 0 gives all of its gradient back`, () => {
        const x = tensor(3).requiresGrad_();
        const { values, indices } = x[op](0, keepdim);
        assertEquals([values.toArray(), indices.toArray()], [3, 0]);
        values.backward();
        assertEquals([x.g?.shape, x.g?.item()], [[], 1]);
      });
    }
  }

  it("gives a tensor of size 0 a gradient of size 0", () => {
    const x = zeros([0, 3]).requiresGrad_();
    x.exp().sum().backward();
    assertEquals(x.g?.shape, [0, 3]);
  });

  it("leaves no gradient where none is wanted", () => {
    const [x, y] = [leaf(1), tensor([2])];
    x.mul(y).sum().backward();
    assertEquals(y.g, null);
  });

  it("leaves no gradient in values between", () => {
    const middle = leaf(1).mul(2);
    middle.sum().backward();
    assertEquals(middle.g, null);
  });

  it("through 10,000 steps needs no stack", () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 10_000; i++) y = y.add(x);
    y.sum().backward();
    assertEquals(x.g?.item(), 10_001);
  });

  it("through 10,000 values that are each used twice visits each once", () => {
    const x = tensor([0], { dtype: "float64" }).requiresGrad_();
    let y: Tensor = x;
    for (let i = 0; i < 10_000; i++) y = y.add(y).mul(0.5);
    y.sum().backward();
    assertEquals(x.g?.item(), 1);
  });

  it("through a tree whose sides differ in length waits for the longer one", () => {
    const x = tensor([1], { dtype: "float64" }).requiresGrad_();
    const root = x.mul(2);
    let long = root;
    for (let i = 0; i < 5; i++) long = long.mul(2);
    root.add(long).add(root).sum().backward();
    assertEquals(x.g?.item(), 2 * (1 + 32 + 1));
  });
});
