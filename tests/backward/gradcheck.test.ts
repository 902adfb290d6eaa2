import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { type Tensor, tensor } from "@gradus/gradus";
import { checkRule, type Context, Function, gradcheck } from "@gradus/gradus/autograd";
import { relu, sigmoid } from "@gradus/gradus/functional";
import { reluBackward, sigmoidBackward } from "../../backward/rules/elementwise.ts";

type Rule = (g: Tensor, ...inputs: Tensor[]) => readonly Tensor[];

const x = tensor([[0.5, -1.2, 2.1], [-0.3, 0.9, -2.4]], { dtype: "float64" }); // off the kink at 0

describe("checkRule()", () => {
  it("refuses float32, in which differences drown in rounding", () => {
    assertThrows(() => checkRule(relu, reluBackward, [x.float()]), TypeError, "float64");
  });

  it("catches a gradient of the wrong shape", () => {
    assertThrows(() => checkRule(relu, (g) => [g.sum(0)], [x]), Error, "differs in shape");
  });

  it("catches a leaking relu", () => {
    const leaky: Rule = (g, x) => [g.mul(x.gt(0).double().add(x.le(0).double().mul(0.001)))];
    assertThrows(() => checkRule(relu, leaky, [x]), Error, "differs at element 1");
  });

  it("catches a sigmoid rule that is applied to the input instead of the output", () => {
    assertThrows(() => checkRule(sigmoid, (g, x) => sigmoidBackward(g, x), [x]), Error, "differs");
  });

  it("catches an error in the last element alone", () => {
    const wrong: Rule = (g, x) => {
      const dx = g.mul(x).mul(2);
      dx.narrow(0, 2, 1).mul_(1.001);
      return [dx];
    };
    const input = tensor([0, 1, 2], { dtype: "float64" });
    assertThrows(() => checkRule((x) => x.mul(x), wrong, [input]), Error, "differs at element 2 of [3]");
  });

  it("says of a single output how it changes, and not how it was weighted", () => {
    const one = tensor(0.5, { dtype: "float64" });
    const { message } = assertThrows(() => checkRule((x) => x.mul(2), (g) => [g.mul(3)], [one]), Error);
    assertEquals(
      message,
      "The gradient of input 0 differs at element 0 of []: the rule gives 3, finite differences give 2",
    );
  });

  it("catches a rule that leaves the gradient from above out, and says what that was", () => {
    const one = tensor(0.5, { dtype: "float64" });
    const deaf: Rule = (_, x) => [x.mul(0).add(2)];
    assertThrows(() => checkRule((x) => x.mul(2), deaf, [one]), Error, "2, finite differences give 0.8, where the");
  });

  it("says how several outputs were weighted", () => {
    assertThrows(
      () => checkRule((x) => x.mul(2), (g) => [g.mul(3)], [x]),
      Error,
      "the rule gives 1.2, finite differences give 0.8, where the outputs are weighted by 0.4, 1.018034, 0.636068, …",
    );
  });

  it("refuses an expanded input, whose elements are one", () => {
    const expanded = tensor([0.5], { dtype: "float64" }).expand(3);
    assertThrows(() => checkRule(relu, reluBackward, [expanded]), RangeError, "clone() it first");
    checkRule(relu, reluBackward, [expanded.clone()]);
  });

  it("leaves its inputs as they were", () => {
    const before = [...x.data];
    checkRule(sigmoid, (g, x) => sigmoidBackward(g, sigmoid(x)), [x]);
    assertEquals([...x.data], before);
  });
});

/** A square whose slope is `factor · x` instead of `2x`. */
function squareWithSlope(factor: number) {
  return class Square extends Function {
    static forward(ctx: Context, x: Tensor): Tensor {
      ctx.saveForBackward(x);
      return x.mul(x);
    }
    static backward(ctx: Context, g: Tensor): Tensor {
      const [x] = ctx.savedTensors;
      return g.mul(x).mul(factor);
    }
  };
}

describe("gradcheck()", () => {
  it("passes a right derivative and catches one that is a millionth too large", () => {
    gradcheck((x) => squareWithSlope(2).apply(x), [x]);
    assertThrows(
      () => gradcheck((x) => squareWithSlope(2.000002).apply(x), [x]),
      Error,
      "input 0 differs at element 0",
    );
  });

  it("names the input, the element and both values", () => {
    const wrong = (a: Tensor, b: Tensor) => a.sum().add(squareWithSlope(3).apply(b).sum());
    const [a, b] = [tensor([1], { dtype: "float64" }), tensor([0, 2], { dtype: "float64" })];
    assertThrows(
      () => gradcheck(wrong, [a, b]),
      Error,
      "The gradient of input 1 differs at element 1 of [2]: the rule gives 6, finite differences give 4",
    );
  });

  it("catches a gradient that does not arrive", () => {
    assertThrows(() => gradcheck((x) => x.detach().mul(2), [x]), Error, "does not require a gradient");
    assertThrows(() => gradcheck((x) => x.detach().mul(2).add(x), [x]), Error, "differs");
  });

  it("passes an input that the function does not read", () => {
    gradcheck((a, _) => a.mul(2), [x, x]);
  });

  it("refuses float32", () => {
    assertThrows(
      () => gradcheck((x) => x.mul(2), [x.float()]),
      TypeError,
      "Cannot check the gradient of input 0: it is float32",
    );
  });

  it("leaves no gradient in its inputs", () => {
    const leaf = x.clone().requiresGrad_();
    gradcheck((x) => x.mul(2), [leaf]);
    assertEquals(leaf.g, null);
  });

  it("takes a wider tolerance as an option", () => {
    gradcheck((x) => squareWithSlope(2.0002).apply(x), [x], { rtol: 1e-3 });
  });
});
