import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { noGrad, ones, type Tensor, tensor } from "@gradus/gradus";
import { Context, Function, gradcheck, isGradEnabled, retainGrad } from "@gradus/gradus/autograd";
import { values } from "./sample.ts";
import { leaf } from "./leaf.ts";
import { modifiedInPlace } from "../wording.ts";

/** Document 004's, line by line. */
class MyRelu extends Function {
  static forward(ctx: Context, i: Tensor): Tensor {
    const result = i.clampMin(0);
    ctx.saveForBackward(i);
    return result;
  }
  static backward(ctx: Context, gradOutput: Tensor): Tensor {
    const [i] = ctx.savedTensors;
    return gradOutput.mul(i.gt(0).float());
  }
}

/** `a · bᵖ`, with a plain number among its arguments. */
class Scaled extends Function {
  static forward(ctx: Context, a: Tensor, power: number, b: Tensor): Tensor {
    const raised = b.pow(power);
    ctx.saveForBackward(a, b, raised, tensor(power));
    return a.mul(raised);
  }
  static backward(ctx: Context, g: Tensor): (Tensor | null)[] {
    const [a, b, raised, power] = ctx.savedTensors;
    const db = ctx.needsInputGrad[2] ? g.mul(a).mul(power).mul(b.pow(power.item() - 1)) : null;
    return [g.mul(raised), null, db];
  }
}

/** A function with the `backward` given. */
function withBackward(back: (ctx: Context, g: Tensor, a: Tensor, b: Tensor) => Tensor | (Tensor | null)[]) {
  return class Custom extends Function {
    static forward(ctx: Context, a: Tensor, b: Tensor): Tensor {
      ctx.saveForBackward(a, b);
      return a.add(b);
    }
    static backward(ctx: Context, g: Tensor): Tensor | (Tensor | null)[] {
      const [a, b] = ctx.savedTensors;
      return back(ctx, g, a, b);
    }
  };
}

describe("Function", () => {
  it("MyRelu of document 004 gives the values and gradients of relu", () => {
    const x = leaf(-1, 2, -3, 4);
    const y = MyRelu.apply(x);
    assertEquals(y.toArray(), [0, 2, 0, 4]);
    y.mul(y).sum().backward();
    assertEquals(x.g?.toArray(), [0, 4, 0, 8]);
  });

  it("MyRelu agrees with finite differences to 1e-7", () => {
    gradcheck((x) => MyRelu.apply(x.sub(1)).mul(x), [values([2, 3], 1)]);
  });

  it("of several arguments, a plain number among them, agrees with finite differences to 1e-7", () => {
    gradcheck((a, b) => Scaled.apply(a, 3, b), [values([2, 3], 1), values([2, 3], 2)]);
  });

  it("undoes the broadcasting of its arguments", () => {
    gradcheck((a, b) => Scaled.apply(a, 2, b), [values([2, 1], 1), values([3], 2)]);
  });

  it("names itself in the graph", () => {
    assertEquals(MyRelu.apply(leaf(1)).node?.name, "MyRelu");
  });

  it("says in needsInputGrad which arguments want a gradient", () => {
    const seen: (readonly boolean[])[] = [];
    class Watching extends Function {
      static forward(ctx: Context, a: Tensor, _: string, b: Tensor): Tensor {
        seen.push(ctx.needsInputGrad);
        return a.mul(b);
      }
      static backward(_: Context, g: Tensor): Tensor[] {
        return [g];
      }
    }
    Watching.apply(leaf(1), "text", ones([1]));
    assertEquals(seen, [[true, false, false]]);
  });

  it("runs forward without recording", () => {
    class Asking extends Function {
      static forward(_: Context, x: Tensor): Tensor {
        return x.mul(isGradEnabled() ? 0 : 1);
      }
      static backward(_: Context, g: Tensor): Tensor {
        return g;
      }
    }
    assertEquals(Asking.apply(leaf(3)).toArray(), [3]);
  });

  it("is not recorded within noGrad", () => {
    assertEquals(noGrad(() => MyRelu.apply(leaf(1))).requiresGrad, false);
  });

  it("is not recorded where no argument requires a gradient", () => {
    assertEquals(MyRelu.apply(ones([1])).requiresGrad, false);
  });

  it("with a null gradient leaves the argument without one", () => {
    const [a, b] = [leaf(1), leaf(2)];
    withBackward((_, g) => [g, null]).apply(a, b).sum().backward();
    assertEquals([a.g?.item(), b.g], [1, null]);
  });

  it("with a null gradient lets other ways to that argument count", () => {
    const [a, b] = [leaf(1), leaf(2)];
    const c = b.mul(5);
    withBackward((_, g) => [g, null]).apply(a, c).add(c).sum().backward();
    assertEquals(b.g?.item(), 5);
  });

  it("may leave out the gradients of last arguments that want none", () => {
    const a = leaf(1);
    withBackward((_, g) => g).apply(a, ones([1])).sum().backward();
    assertEquals(a.g?.item(), 1);
  });

  it("refuses fewer gradients than there are arguments that want one", () => {
    const y = withBackward((_, g) => [g]).apply(leaf(1), leaf(2)).sum();
    assertThrows(() => y.backward(), RangeError, "through Custom: its backward() returned 1 gradients for 2 arguments");
  });

  it("refuses more gradients than there are arguments", () => {
    const y = withBackward((_, g) => [g, g, g]).apply(leaf(1), leaf(2)).sum();
    assertThrows(() => y.backward(), RangeError, "returned 3 gradients for 2 arguments");
  });

  it("refuses a gradient of another shape, even one with as many elements", () => {
    const [a, b] = [ones([2, 3]).requiresGrad_(), ones([2, 3])];
    const y = withBackward((_, g) => [g.t(), null]).apply(a, b).sum();
    assertThrows(
      () => y.backward(),
      RangeError,
      "the gradient of argument 0 has shape [3, 2], the argument has [2, 3]",
    );
  });

  it("refuses a gradient that is smaller than its argument", () => {
    const y = withBackward((_, g) => [g.sum(), null]).apply(leaf(1, 2), ones([2])).sum();
    assertThrows(() => y.backward(), RangeError, "argument 0 has shape [], the argument has [2]");
  });

  it("refuses a gradient with fewer dimensions than its argument", () => {
    const y = withBackward((_, g) => [g.sum(), null]).apply(leaf(1), ones([1])).sum();
    assertThrows(() => y.backward(), RangeError, "argument 0 has shape [], the argument has [1]");
  });

  it("refuses a backward that modifies the gradient of the output", () => {
    const y = withBackward((_, g) => [g.mul_(2), null]).apply(leaf(1), leaf(2)).sum();
    assertThrows(() => y.backward(), Error, "modified the output's gradient in place");
  });

  it("refuses a saved tensor that was modified in place", () => {
    const [a, b] = [leaf(1), tensor([2])];
    const y = withBackward((_, g) => [g, null]).apply(a, b).sum();
    b.mul_(2);
    assertThrows(() => y.backward(), Error, modifiedInPlace("a Function", "[1]"));
  });

  it("refuses to go a second time, and goes again with retainGraph", () => {
    const x = leaf(2);
    const y = MyRelu.apply(x).sum();
    y.backward({ retainGraph: true });
    y.backward();
    assertEquals(x.g?.item(), 2);
    const z = MyRelu.apply(x);
    z.backward();
    assertThrows(() => z.backward(), Error, "Cannot go backward through MyRelu a second time");
  });

  it("that answers its argument gives the argument no new history", () => {
    class Identity extends Function {
      static forward(_: Context, x: Tensor): Tensor {
        return x;
      }
      static backward(_: Context, g: Tensor): Tensor {
        return g.mul(10);
      }
    }
    const x = leaf(3);
    const y = Identity.apply(x);
    y.sum().backward();
    assertEquals([x.node, x.g?.item()], [null, 10]);
    assertStrictEquals(y.data, x.data);
  });

  it("that answers a tensor it keeps gives that tensor no history", () => {
    const kept = ones([1]);
    class Constant extends Function {
      static forward(_ctx: Context, _x: Tensor): Tensor {
        return kept;
      }
      static backward(_: Context, g: Tensor): Tensor {
        return g;
      }
    }
    Constant.apply(leaf(3));
    assertEquals([kept.requiresGrad, kept.node], [false, null]);
  });

  it("may answer one tensor as the gradient of two arguments: each leaf gets a copy", () => {
    const [a, b] = [leaf(1), leaf(2)];
    withBackward((_, g) => {
      const twice = g.mul(2);
      return [twice, twice];
    }).apply(a, b).sum().backward();
    a.g!.mul_(100);
    assertEquals(b.g?.item(), 2);
  });

  it("may answer a tensor it saved: the leaf gets a copy", () => {
    const [a, b] = [leaf(1), leaf(2)];
    withBackward((_ctx, _g, _a, b) => [b, null]).apply(a, b).sum().backward();
    a.g!.mul_(100);
    assertEquals(b.item(), 2);
  });

  it("leaves a value between its gradient when asked", () => {
    const y = retainGrad(MyRelu.apply(leaf(2)));
    y.mul(3).sum().backward();
    assertEquals(y.g?.item(), 3);
  });

  it("refuses an integer result where an argument requires a gradient", () => {
    class Whole extends Function {
      static forward(_: Context, x: Tensor): Tensor {
        return x.int();
      }
      static backward(_: Context, g: Tensor): Tensor {
        return g;
      }
    }
    assertThrows(() => Whole.apply(leaf(1)), TypeError, "Cannot differentiate Whole: its result is int32");
  });

  it("needs forward() and backward() as static methods", () => {
    class Half extends Function {
      static forward(_: Context, x: Tensor): Tensor {
        return x;
      }
    }
    const apply = (Class: unknown) => () => (Class as { apply(x: Tensor): Tensor }).apply(leaf(1));
    assertThrows(apply(class Bare extends Function {}), TypeError, "Cannot apply Bare: it has no forward()");
    assertThrows(apply(Half), TypeError, "Cannot apply Half: it has no backward(), write it as a static method");
  });

  it("that reads savedTensors without having saved any is told so", () => {
    class Forgetful extends Function {
      static forward(_: Context, x: Tensor): Tensor {
        return x.mul(2);
      }
      static backward(ctx: Context, g: Tensor): Tensor {
        const [x] = ctx.savedTensors;
        return g.mul(x);
      }
    }
    assertThrows(() => Forgetful.apply(leaf(1)).sum().backward(), Error, "call ctx.saveForBackward(…) in forward()");
  });
});
