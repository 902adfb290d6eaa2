import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { autograd, nn, noGrad, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import {
  type Context,
  Function,
  grad,
  gradcheck,
  gradgradcheck,
  registerHook,
  retainGrad,
} from "@gradus/gradus/autograd";
import * as functions from "@gradus/gradus/function";
import { RuleNode } from "../../backward/nodes.ts";
import { rules } from "../../backward/rules/table.ts";
import { leaf } from "./leaf.ts";
import { float64, signed, values } from "./sample.ts";
import { modifiedInPlace } from "../wording.ts";

describe("grad()", () => {
  it("answers gradients in the order of the inputs and leaves every .g as it is", () => {
    const [a, b] = [leaf(2), leaf(3)];
    const found = grad(a.mul(b).mul(b), [b, a]);
    assertEquals(found.map((g) => g.item()), [12, 9]);
    assertEquals([a.g, b.g], [null, null]);
  });

  it("answers the gradient of a value between, and of the output itself", () => {
    const x = leaf(3);
    const square = x.mul(x);
    const y = square.mul(5);
    assertEquals(grad(y, [square, x, y, square]).map((g) => g.item()), [5, 30, 1, 5]);
  });

  it("adds up several outputs, each with a gradient of its own", () => {
    const x = leaf(1, 2);
    const [g] = grad([x.mul(2), x.square()], x, { gradOutputs: [tensor([1, 10]), tensor([100, 1000])] });
    assertEquals(g.toArray(), [2 + 200, 20 + 4000]);
  });

  it("takes 1 for outputs of one element, and for those whose gradient is null", () => {
    const x = leaf(1, 2);
    assertEquals(grad([x.sum(), x.mul(3).sum()], x)[0].toArray(), [4, 4]);
    assertEquals(grad([x.sum(), x.mul(3)], x, { gradOutputs: [null, ones([2])] })[0].toArray(), [4, 4]);
    assertThrows(() => grad(x.mul(2), x), RangeError, "only for scalar outputs");
  });

  it("goes back only through what leads to the inputs", () => {
    const visited: string[] = [];
    class Visited extends Function {
      static forward(ctx: Context & { name?: string }, x: Tensor, name: string): Tensor {
        ctx.name = name;
        return x.mul(1);
      }
      static backward(ctx: Context & { name?: string }, g: Tensor): Tensor {
        visited.push(ctx.name!);
        return g;
      }
    }
    const [a, b] = [leaf(2), leaf(3)];
    const middle = Visited.apply(a, "a");
    const y = middle.mul(Visited.apply(b, "b"));
    assertEquals(grad(y, b, { retainGraph: true })[0].item(), 2);
    assertEquals(grad(y, middle)[0].item(), 3);
    assertEquals(visited, ["b"]);
  });

  it("frees what was recorded on its way and nothing else, unless it is to be kept", () => {
    const [a, b] = [leaf(2), leaf(3)];
    const [p, q] = [a.exp(), b.exp()];
    const y = p.mul(q);
    grad(y, a, { retainGraph: true });
    grad(y, a);
    assertThrows(() => grad(y, a), Error, "a second time");
    assertEquals(grad(q, b)[0].toArray(), q.toArray());
  });

  it("names an input that no output was made from, or answers null for it", () => {
    const [x, other] = [leaf(1), leaf(1, 2)];
    const y = x.mul(2);
    assertThrows(
      () => grad(y, [x, other], { retainGraph: true }),
      Error,
      "by input 1 of shape [2]: no output was made",
    );
    assertEquals(grad(y, [x, other], { allowUnused: true })[1], null);
  });

  it("refuses an input or an output that requires no gradient", () => {
    assertThrows(() => grad(leaf(1).mul(2), ones([1])), Error, "by input 0 of shape [1]: it does not require");
    assertThrows(() => grad(ones([1]), leaf(1)), Error, "it does not require a gradient");
  });

  it("refuses gradients of other shapes, and another number of them", () => {
    const x = leaf(1, 2);
    assertThrows(() => grad(x.mul(2), x, { gradOutputs: ones([3]) }), RangeError, "gradient of shape [3]");
    assertThrows(() => grad(x.mul(2), x, { gradOutputs: [] }), TypeError, "0 of them: give one for each of 1 outputs");
  });

  it("answers gradients whose memory is their own", () => {
    const [a, b] = [leaf(1, 2), leaf(3, 4)];
    const given = tensor([1, 1]);
    const [da, db] = grad(a.add(b), [a, b], { gradOutputs: given });
    da.mul_(7);
    assertEquals([db.toArray(), given.toArray()], [[1, 1], [1, 1]]);
  });

  it("runs hooks, and leaves no gradient where one is retained", () => {
    const x = leaf(3);
    const middle = retainGrad(x.mul(2));
    registerHook(middle, (g) => g.mul(10));
    assertEquals([grad(middle.sum(), x)[0].item(), middle.g], [20, null]);
  });
});

describe("createGraph", () => {
  const cube = () => {
    const x = leaf(2, 3);
    return { x, y: x.pow(3).sum() };
  };

  it("lets a gradient be differentiated again, as often as is wanted", () => {
    const { x, y } = cube();
    let f = y;
    for (const expected of [[12, 27], [12, 18], [6, 6]]) {
      const [slope] = grad(f, x, { createGraph: true });
      assertEquals(slope.toArray(), expected);
      f = slope.sum();
    }
    assertEquals(f.requiresGrad, true);
  });

  it("of backward() leaves gradients with a history in .g, to which others are added", () => {
    const { x, y } = cube();
    y.backward({ createGraph: true });
    const slope = x.g!; // 3x²
    x.square().sum().backward(); // which is not recorded
    assertEquals([slope.requiresGrad, x.g!.toArray(), x.g!.requiresGrad], [true, [16, 33], false]);
    x.g = null;
    slope.sum().backward();
    assertEquals(x.g!.toArray(), [12, 18]);
  });

  it("adds gradients of two recorded passes with the history of both", () => {
    const x = leaf(2);
    x.pow(3).sum().backward({ createGraph: true });
    x.pow(2).sum().backward({ createGraph: true });
    const sum = x.g!; // 3x² + 2x
    assertEquals(grad(sum, x)[0].item(), 14);
  });

  it("keeps the graph of the first pass, unless it is told not to", () => {
    const { x, y } = cube();
    grad(y, x, { createGraph: true });
    grad(y, x, { createGraph: true, retainGraph: false });
    assertThrows(() => grad(y, x), Error, "a second time");
  });

  it("records within noGrad() as well, and leaves recording as it was", () => {
    const { x, y } = cube();
    const [slope] = noGrad(() => {
      const found = grad(y, x, { createGraph: true });
      assertEquals(autograd.isGradEnabled(), false);
      return found;
    });
    assertEquals(grad(slope.sum(), x)[0].toArray(), [12, 18]);
  });

  it("takes gradients that require one themselves", () => {
    const { x, y } = cube();
    const weight = tensor(5).requiresGrad_();
    const [slope] = grad(y, x, { createGraph: true, gradOutputs: weight });
    assertEquals(grad(slope.sum(), weight)[0].item(), 12 + 27);
  });

  it("shows hooks a gradient with a history", () => {
    const x = leaf(2);
    const middle = x.mul(3);
    registerHook(middle, (g) => g.mul(x));
    const [slope] = grad(middle.square().sum(), x, { createGraph: true }); // 2m · x · 3 with m = 3x
    assertEquals([slope.item(), grad(slope, x)[0].item()], [72, 36 + 72]); // 6m, and 6x · x · 3 by the hook again
  });

  it("notices that a value was modified in place which the second pass would read", () => {
    const [x, w] = [leaf(2), leaf(3)];
    const [slope] = grad(x.mul(w).square().sum(), x, { createGraph: true });
    noGrad(() => w.add_(1));
    assertThrows(() => grad(slope, x), Error, modifiedInPlace("mul", "[1]"));
  });

  it("of a function that is linear answers a gradient that depends on nothing", () => {
    const x = leaf(1, 2);
    const [slope] = grad(x.mul(3).sum(), x, { createGraph: true });
    assertEquals([slope.toArray(), slope.requiresGrad], [[3, 3], false]);
  });

  it("goes through the layers and losses of nn", () => {
    const target = tensor([0, 2], { dtype: "int32" });
    const { functional: F } = nn;
    const losses: Record<string, (x: Tensor) => Tensor> = {
      "class weights": (x) => F.crossEntropy(x, target, { weight: float64([[1, 2, 3]]).view(3) }),
      "smoothed labels": (x) => F.crossEntropy(x, target, { labelSmoothing: 0.1 }),
      "nll": (x) => F.nll(F.logSoftmax(x), target, { reduction: "sum" }),
      "huber": (x) => F.huber(x, zeros(x.shape, { dtype: "float64" })),
      "smoothL1": (x) => F.smoothL1(x, zeros(x.shape, { dtype: "float64" }), { beta: 0.5 }),
      "bce": (x) => F.bce(x.sigmoid(), values([2, 3], 2).div(3)),
      "bceWithLogits": (x) => F.bceWithLogits(x, values([2, 3], 2).div(3)),
      "embedding": (w) => F.embedding(tensor([1, 0, 1], { dtype: "int32" }), w, { paddingIdx: 0 }).pow(3),
      "groupNorm": (x) => F.groupNorm(x.view(1, 2, 3), 2).pow(3),
    };
    for (const f of Object.values(losses)) gradgradcheck((x) => f(x), [signed]);
  });
});

/** `eˣ`, of which the result is saved. */
class Exp extends Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    const y = x.exp();
    ctx.saveForBackward(y);
    return y;
  }
  static backward(ctx: Context, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0]);
  }
}

/** `eˣ`, whose derivative is computed outside of operations. */
class OnceExp extends Exp {
  static readonly onceDifferentiable = true;
}

describe("a Function that is differentiated twice", () => {
  it("goes through its arguments and its result", () => {
    gradgradcheck((x) => Exp.apply(x).square(), [signed]);
    const x = leaf(0);
    let [y] = [Exp.apply(x)];
    for (let n = 0; n < 4; n++) [y] = grad(y, x, { createGraph: true });
    assertEquals(y.item(), 1);
  });

  it("that answers its argument, and saved it, goes back to that", () => {
    class Same extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.saveForBackward(x);
        return x;
      }
      static backward(ctx: Context, g: Tensor): Tensor {
        return g.mul(ctx.savedTensors[0]);
      }
    }
    const x = leaf(3);
    const [slope] = grad(Same.apply(x), x, { createGraph: true });
    assertEquals([slope.item(), grad(slope, x)[0].item()], [3, 1]);
  });

  it("throws with its name where it is differentiable once, and not before that is asked for", () => {
    const x = leaf(1);
    gradcheck((x) => OnceExp.apply(x), [signed]);
    const [slope] = grad(OnceExp.apply(x), x, { createGraph: true });
    assertEquals(slope.item(), Math.fround(Math.E));
    assertThrows(() => grad(slope, x), Error, "Cannot differentiate OnceExp twice: its derivative has none of its own");
    assertThrows(() => OnceExp.apply(x).square().backward({ createGraph: true }) ?? x.g!.backward(), Error, "OnceExp");
    assertThrows(() => gradgradcheck((x) => OnceExp.apply(x), [signed]), Error, "OnceExp twice");
  });

  it("does not throw where the gradient depends on it only by what arrives", () => {
    const [x, w] = [leaf(1), leaf(5)];
    const [slope] = grad(OnceExp.apply(x).mul(w), w, { createGraph: true }); // eˣ
    assertEquals(slope.item(), Math.fround(Math.E));
  });
});

describe("the functions of stage 4", () => {
  const t = values([2], 3);
  const cases: Record<string, [f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]]> = {
    Lin: [(x, w, b) => functions.Lin.apply(x, w, b), [signed, values([3, 2], 2), values([2], 3)]],
    Relu: [(x) => functions.Relu.apply(x), [signed]],
    Sigmoid: [(x) => functions.Sigmoid.apply(x), [signed]],
    Mse: [(x) => functions.Mse.apply(x, t), [values([2, 1], 1)]],
    CrossEntropy: [(x) => functions.CrossEntropy.apply(x, tensor([2, 0], { dtype: "int32" })), [signed]],
  };
  for (const [name, [f, inputs]] of Object.entries(cases)) {
    it(`${name} is differentiated twice`, () => gradgradcheck(f, inputs));
  }
});

describe("a rule that is differentiable once", () => {
  it("throws with the operation's name where its derivative is differentiated", () => {
    const x = leaf(2);
    const y = noGrad(() => x.exp());
    y.requiresGrad = true;
    y.node = new RuleNode("exp", { once: (g, { y }) => [g.mul(y)] }, y, [x], { low: 0, high: 0 });
    const [slope] = grad(y, x, { createGraph: true });
    assertEquals(slope.toArray(), y.toArray());
    assertThrows(() => grad(slope, x), Error, "Cannot differentiate exp twice");
    assertEquals(grad(y, x)[0].toArray(), y.toArray());
  });

  it("stands in the table for no operation: each that has a derivative has one of that too", () => {
    const once = Object.entries(rules).filter(([, rule]) => typeof rule === "object").map(([op]) => op);
    assertEquals(once, []);
  });
});

describe("gradgradcheck()", () => {
  it("catches a second derivative that is lost, or 0.1 % too large", () => {
    class Lost extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.saveForBackward(x.square());
        return x.pow(3);
      }
      static backward(ctx: Context, g: Tensor): Tensor {
        return g.mul(ctx.savedTensors[0]).mul(3);
      }
    }
    gradcheck((x) => Lost.apply(x), [signed]);
    assertThrows(() => gradgradcheck((x) => Lost.apply(x), [signed]), Error, "The gradient of input 1 differs");
    class Large extends Exp {
      static override backward(ctx: Context, g: Tensor): Tensor {
        const [y] = ctx.savedTensors;
        return g.mul(y.mul(1.001).sub(y.detach().mul(0.001)));
      }
    }
    gradcheck((x) => Large.apply(x), [signed]);
    assertThrows(() => gradgradcheck((x) => Large.apply(x), [signed]), Error, "differs");
  });

  it("passes functions whose second derivative is 0, and such without any", () => {
    gradgradcheck((x) => x.mul(3), [signed]);
    gradgradcheck((x) => x.sign(), [signed]);
    gradgradcheck((x, _) => x.exp(), [signed, signed]);
  });

  it("refuses float32 and expanded inputs", () => {
    assertThrows(() => gradgradcheck((x) => x, [signed.float()]), TypeError, "float64");
    assertThrows(() => gradgradcheck((x) => x, [float64([[1]]).expand(2, 3)]), RangeError, "expanded");
  });
});
