import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import "../../backward/tape.ts"; // registers itself
import { ones } from "@gradus/gradus";
import { grad, registerHook, registerPostAccumulateGradHook, retainGrad } from "@gradus/gradus/autograd";
import { leaf } from "./leaf.ts";

describe("registerHook()", () => {
  it("sees the complete gradient once, of a value that is used twice", () => {
    const x = leaf(3);
    const seen: number[] = [];
    const middle = x.mul(2);
    registerHook(middle, (g) => void seen.push(g.item()));
    middle.add(middle.mul(10)).sum().backward();
    assertEquals(seen, [11]);
  });

  it("changes what goes on from a value between", () => {
    const x = leaf(3);
    const middle = x.mul(2);
    registerHook(middle, (g) => g.mul(10));
    middle.sum().backward();
    assertEquals(x.g?.item(), 20);
  });

  it("changes what a leaf gets", () => {
    const x = leaf(3, -3);
    registerHook(x, (g) => g.clamp(-1, 1));
    x.mul(x).sum().backward();
    assertEquals(x.g?.toArray(), [1, -1]);
  });

  it("runs hooks in the order in which they were registered", () => {
    const x = leaf(1);
    registerHook(x, (g) => g.add(1));
    registerHook(x, (g) => g.mul(10));
    x.sum().backward();
    assertEquals(x.g?.item(), 20);
  });

  it("runs in every backward pass", () => {
    const x = leaf(1);
    let count = 0;
    registerHook(x, () => void count++);
    for (let i = 0; i < 3; i++) x.sum().backward();
    assertEquals(count, 3);
  });

  it("returns a function that takes the hook away, and only that one", () => {
    const x = leaf(1);
    const double = (g: typeof x) => g.mul(2);
    const remove = registerHook(x, double);
    registerHook(x, double);
    remove();
    remove();
    x.sum().backward();
    assertEquals(x.g?.item(), 2);
  });

  for (const hooked of [0, 1]) {
    it(`on operand ${hooked} of a sum may modify the gradient in place without harm to the other`, () => {
      const leaves = [leaf(1), leaf(1)];
      const [a, b] = leaves.map((x) => x.mul(1));
      registerHook([a, b][hooked], (g) => void g.mul_(100));
      a.add(b).sum().backward();
      assertEquals([leaves[hooked].g?.item(), leaves[1 - hooked].g?.item()], [100, 1]);
    });
  }

  it("that answers a tensor of its own keeps it to itself", () => {
    const [x, y, own] = [leaf(1), leaf(1), ones([1])];
    [x, y].forEach((p) => registerHook(p, () => own));
    x.add(y).sum().backward();
    x.g!.mul_(100);
    assertEquals([y.g?.item(), own.item()], [1, 1]);
  });

  it("that answers another shape is refused", () => {
    const x = leaf(1, 2);
    registerHook(x, (g) => g.sum());
    assertThrows(() => x.sum().backward(), RangeError, "has shape [], its value [2]");
  });

  it("that answers another dtype is cast", () => {
    const x = leaf(1);
    registerHook(x, (g) => g.double());
    x.sum().backward();
    assertEquals(x.g?.dtype, "float32");
  });

  it("does not record what it computes", () => {
    const x = leaf(2);
    registerHook(x, (g) => g.mul(x));
    x.sum().backward();
    assertEquals([x.g?.item(), x.g?.requiresGrad], [2, false]);
  });

  it("refuses a tensor that requires no gradient", () => {
    assertThrows(() => registerHook(ones([2]), () => {}), Error, "Cannot register a hook on a tensor of shape [2]");
  });
});

describe("registerPostAccumulateGradHook()", () => {
  it("calls once a pass, when the gradient has been added to the leaf's own", () => {
    const x = leaf(3);
    const seen: unknown[] = [];
    const remove = registerPostAccumulateGradHook(x, (leaf) => void seen.push(leaf === x, leaf.g?.item()));
    for (const _ of [1, 2]) x.mul(x).add(x).sum().backward(); // 2x + 1
    remove();
    x.sum().backward();
    assertEquals(seen, [true, 7, true, 14]);
  });

  it("may change the gradient, and is not called by grad()", () => {
    const x = leaf(3);
    let calls = 0;
    registerPostAccumulateGradHook(x, (leaf) => (calls++, leaf.g = null));
    x.mul(2).sum().backward();
    grad([x.mul(2).sum()], [x]);
    assertEquals([x.g, calls], [null, 1]);
  });

  it("refuses what is no leaf", () => {
    const call = () => registerPostAccumulateGradHook(leaf(3).mul(2), () => {});
    assertThrows(call, Error, "it is no leaf, take registerHook()");
  });
});

describe("retainGrad()", () => {
  it("leaves the gradient of a value between in its .g, and answers the value", () => {
    const middle = retainGrad(leaf(3).mul(2));
    middle.mul(middle).sum().backward();
    assertEquals(middle.g?.item(), 12);
  });

  it("adds up over two backward passes", () => {
    const middle = retainGrad(leaf(3).mul(2));
    const loss = middle.mul(5).sum();
    loss.backward({ retainGraph: true });
    loss.backward();
    assertEquals(middle.g?.item(), 10);
  });

  it("may be cleared by a hook while the gradient is still on its way", () => {
    const [x, y] = [ones([5000]).requiresGrad_(), ones([5000]).requiresGrad_()];
    const sum = retainGrad(x.mul(2).add(y.mul(3))); // one gradient for both
    for (const leaf of [x, y]) {
      registerHook(leaf, () => {
        sum.g = null;
        ones([5000]).mul(7); // may lie in the memory that is free now
      });
    }
    sum.sum().backward();
    assertEquals([new Set(x.g!.data), new Set(y.g!.data)], [new Set([2]), new Set([3])]);
  });

  it("refuses a tensor that requires no gradient", () => {
    assertThrows(() => retainGrad(ones([2])), Error, "Cannot retain the gradient of a tensor of shape [2]");
  });
});
