import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { gradcheck } from "../../backward/gradcheck.ts";
import { retainGrad } from "../../backward/hooks.ts";
import { noGrad } from "../../backward/tape.ts";
import { full, ones, tensor, zeros } from "../../core/create.ts";
import { overlap } from "../../core/dtype.ts";
import { einsum } from "../../core/ops/einsum.ts";
import type { Tensor } from "../../core/tensor.ts";
import { values } from "./samples.ts";

const leaf = (...numbers: number[]) => tensor(numbers).requiresGrad_();
const float64 = (shape: number[], seed = 1) => values(shape, seed).requiresGrad_();

function diamond(x: Tensor): Tensor {
  const top = x.exp();
  return top.tanh().mul(top.log());
}

/** Graphs of every form, each a function of inputs near 1. */
const GRAPHS: Record<string, [f: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]]> = {
  "a value used twice by one step": [(x) => x.mul(x), values([3], 1)],
  "a value used three times": [(x) => x.mul(x).add(x), values([3], 1)],
  "a diamond": [diamond, values([3], 1)],
  "a diamond within a diamond": [
    (x, y) => {
      const a = x.mul(y);
      const b = a.add(x).mul(a.sub(y));
      return b.mul(a).add(b);
    },
    values([3], 1),
    values([3], 2),
  ],
  "a long way and a short way to one value": [(x) => x.tanh().exp().mul(2).add(x), values([3], 1)],
  "operands that broadcast on both sides": [(a, b) => a.mul(b).add(a), values([3, 1], 1), values([1, 4], 2)],
  "a view of a view of a view": [(x) => x.t().at(1, "::2").unsqueeze(0).expand(3, -1).mul(2), values([4, 3], 1)],
  "two views that overlap": [(x) => x.narrow(0, 0, 3).mul(x.narrow(0, 1, 3)), values([4], 1)],
  "a matrix with its transpose": [(x) => x.matmul(x.t()), values([2, 3], 1)],
  "a mean and a standard deviation": [(x) => x.sub(x.mean(0)).div(x.std(0)), values([4, 2], 1)],
  "a variance over two of three dimensions": [(x) => x.var([0, 2], true, 0), values([2, 3, 2], 1)],
  "a norm": [(x) => x.norm(1), values([2, 3], 1)],
  "a logsumexp": [(x) => x.logsumexp(0), values([3, 2], 1)],
  "a logsumexp over everything": [(x) => x.logsumexp(), values([3, 2], 1)],
  "rows that are picked, changed and summed": [
    (x) => x.index(tensor([2, 0, 2], { dtype: "int32" })).exp().sum(0),
    values([3, 2], 1),
  ],
  "an index, a mask and a product": [(x) => x.index(x.gt(1)).prod(), values([2, 3], 1)],
  "a chain of five kinds of step": [
    (x, w) => x.matmul(w).relu().sum(1).log().mean(),
    values([2, 3], 1),
    values([3, 2], 4),
  ],
};

const EQUATIONS: Record<string, number[][]> = {
  "ij,jk->ik": [[2, 3], [3, 2]],
  "ik,kj->": [[2, 3], [3, 2]],
  "ij->ji": [[2, 3]],
  "ij->j": [[2, 3]],
  "ii->i": [[3, 3]],
  "ii->": [[3, 3]],
  "iij->j": [[2, 2, 3]],
  "i,j->ij": [[2], [3]],
  "i,i->": [[3], [3]],
  "bij,bjk->bik": [[2, 2, 3], [2, 3, 2]],
  "...ij,...jk->...ik": [[2, 2, 3], [3, 2]],
  "ij,jk,kl->il": [[2, 3], [3, 2], [2, 2]],
  "ij,ij,ij->i": [[2, 3], [2, 3], [2, 3]],
  "ijk,k->kji": [[2, 1, 3], [3]],
  "bi,bj->b": [[2, 3], [2, 2]],
};

describe("backward()", () => {
  for (const [name, [f, ...inputs]] of Object.entries(GRAPHS)) {
    it(`through ${name} agrees with finite differences to 1e-7`, () => gradcheck(f, inputs));
  }

  for (const [equation, shapes] of Object.entries(EQUATIONS)) {
    it(`through einsum ${equation} agrees with finite differences to 1e-7`, () => {
      gradcheck((...x) => einsum(equation, ...x), shapes.map((shape, i) => values(shape, i + 1)));
    });
  }

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

  it("casts the gradient given to the kind of its value", () => {
    const x = leaf(1, 2);
    x.backward({ gradient: tensor([1, 2], { dtype: "float64" }) });
    assertEquals(x.g?.dtype, "float32");
  });

  it("does not record the gradient given, even one that wants a gradient itself", () => {
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

describe("the tape", () => {
  it("gives each operand of mixed kinds a gradient of its own kind", () => {
    const [a, b] = [leaf(1, 2), float64([2])];
    a.mul(b).sum().backward();
    assertEquals([a.g?.dtype, b.g?.dtype], ["float32", "float64"]);
    assertEquals(b.g?.toArray(), [1, 2]);
  });

  it("gives a number of float64 beside a matrix of float32 a gradient of float64", () => {
    const [a, b] = [ones([2, 2]), tensor(3, { dtype: "float64" }).requiresGrad_()];
    const y = a.mul(b);
    y.sum().backward();
    assertEquals([y.dtype, b.g?.dtype, b.g?.item()], ["float32", "float64", 4]);
  });

  it("multiplies matrices of mixed kinds and goes back in each kind", () => {
    const [a, b] = [ones([2, 3]).requiresGrad_(), float64([3, 2])];
    a.matmul(b).sum().backward();
    assertEquals([a.g?.dtype, b.g?.dtype, b.g?.toArray()], ["float32", "float64", [[2, 2], [2, 2], [2, 2]]]);
  });

  it("sends a gradient back through integers to what multiplied them", () => {
    const x = leaf(0.5, 2);
    tensor([3, 4], { dtype: "int32" }).mul(x).sum().backward();
    assertEquals(x.g?.toArray(), [3, 4]);
  });

  it("stops at a cast to integers", () => {
    assertEquals(leaf(1.5).int().requiresGrad, false);
  });

  it("detach() cuts: only the other way counts", () => {
    const x = leaf(3);
    x.mul(x.detach()).sum().backward();
    assertEquals(x.g?.toArray(), [3]);
  });

  it("detach() shares the memory", () => {
    const x = leaf(3);
    assertEquals([x.detach().data === x.data, x.detach().requiresGrad], [true, false]);
  });

  it("shares ties of max() equally, and gives all of max(dim) to the first", () => {
    const x = tensor([[1, 7, 7, 2]]).requiresGrad_();
    x.max().backward();
    assertEquals(x.g?.toArray(), [[0, 0.5, 0.5, 0]]);
    x.g = null;
    x.max(1).values.sum().backward();
    assertEquals(x.g!.toArray(), [[0, 1, 0, 0]]);
  });

  it("shares ties of maximum() and minimum() equally", () => {
    const [a, b] = [leaf(2), leaf(2)];
    a.maximum(b).sum().backward();
    assertEquals([a.g?.item(), b.g?.item()], [0.5, 0.5]);
    a.minimum(b).sum().backward();
    assertEquals([a.g?.item(), b.g?.item()], [1, 1]);
  });

  it("gives pow() at 0 PyTorch's slopes: 0 for a power of 0, and 0 for the exponent", () => {
    const [a, b] = [leaf(0, 0), leaf(0, 2)];
    a.pow(b).sum().backward();
    assertEquals([a.g?.toArray(), b.g?.toArray()], [[0, 0], [0, 0]]);
  });
});

describe("gradients", () => {
  const cases: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
    "add()": (a, b) => a.add(b),
    "sub()": (a, b) => a.sub(b),
    "mul()": (a, b) => a.mul(b),
    "maximum()": (a, b) => a.maximum(b),
    "views": (a, b) => a.view(3).add(b.unsqueeze(0).squeeze(0)),
    "a sum": (a, b) => a.add(b).sum(),
    "an expanded view": (a, b) => a.expand(2, 3).add(b),
    "clones": (a, b) => a.clone().add(b.clone()),
    "values that are hooked and retained": (a, b) => retainGrad(a.mul(1)).add(b),
  };
  for (const [name, f] of Object.entries(cases)) {
    it(`of ${name} share no memory with each other, the inputs or what came from above`, () => {
      const [a, b] = [leaf(1, 2, 3), leaf(4, 5, 6)];
      const y = f(a, b);
      const gradient = full(y.shape, 2);
      y.backward({ gradient });
      const all = [a, b, a.g!, b.g!, gradient].map((x) => x.data);
      for (const [i, one] of all.entries()) for (const other of all.slice(0, i)) assert(!overlap(one, other));
    });

    it(`of ${name} may be edited in place: the other one stays`, () => {
      const [a, b] = [leaf(1, 2, 3), leaf(4, 5, 6)];
      f(a, b).sum().backward();
      const before = b.g!.toArray();
      a.g!.mul_(100);
      assertEquals(b.g!.toArray(), before);
    });
  }

  it("are dense: each element has a place of its own", () => {
    const x = zeros([2, 3]).requiresGrad_();
    x.sum().backward();
    assert(x.g!.isContiguous());
    x.g!.at(0, 0).add_(1);
    assertEquals(x.g!.toArray(), [[2, 1, 1], [1, 1, 1]]);
  });

  it("of a retained value and of what it was made from share no memory", () => {
    const x = leaf(1, 2);
    const middle = retainGrad(x.add(0));
    middle.sum().backward();
    assertNotStrictEquals(middle.g!.data, x.g!.data);
    middle.g!.mul_(100);
    assertEquals(x.g!.toArray(), [1, 1]);
  });

  it("are not recorded", () => {
    const x = leaf(1, 2);
    x.mul(x).sum().backward();
    assertEquals([x.g!.requiresGrad, x.g!.node], [false, null]);
  });

  it("go back from within noGrad as well, for what was recorded outside", () => {
    const x = leaf(2);
    const loss = x.mul(x).sum();
    noGrad(() => loss.backward());
    assertEquals(x.g?.item(), 4);
  });
});
