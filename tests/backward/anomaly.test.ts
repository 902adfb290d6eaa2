import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { autograd, nn, ones, type Tensor, tensor } from "@gradus/gradus";
import { detectAnomaly, Function, grad } from "@gradus/gradus/autograd";
import { leaf } from "./leaf.ts";

/** `√x · x`, whose slope at 0 is ∞ · 0. */
const odd = (x: Tensor) => x.sqrt().mul(x).sum(); // line 8

class NotANumber extends Function {
  static forward(_: autograd.Context, x: Tensor): Tensor {
    return x.mul(1);
  }
  static backward(_: autograd.Context, g: Tensor): Tensor {
    return g.mul(NaN);
  }
}

describe("detectAnomaly()", () => {
  it("names the operation, the element and the line that called it", () => {
    const error = assertThrows(() => detectAnomaly(() => odd(leaf(4, 0)).backward()), Error);
    assertMatch(
      error.message,
      /^Cannot go back through sqrt: the gradient of its input 0 is NaN at element 1 of \[2\]; it was called at file:.*anomaly\.test\.ts:8:30$/,
    );
    const cause = error.cause as Error;
    assertEquals(cause.message, "sqrt was called here");
    assert(cause.stack!.split("\n").some((line) => /anomaly\.test\.ts:21:/.test(line)), cause.stack);
  });

  it("finds the line below layers in layers", () => {
    class Odd extends nn.Module {
      forward(x: Tensor): Tensor {
        return odd(x);
      }
    }
    let model: nn.Module = new Odd();
    for (let depth = 0; depth < 30; depth++) model = new nn.Sequential(model);
    assertThrows(() => detectAnomaly(() => model.call(leaf(0)).backward()), Error, "anomaly.test.ts:8:30");
  });

  it("finds a layer of the library by the line that called the model", () => {
    const model = new nn.Sequential(new nn.Softmax(-1), new nn.Identity());
    const y = () => model.call(tensor([[1, Infinity]]).requiresGrad_()).sum();
    assertThrows(() => detectAnomaly(() => y().backward()), Error, "anomaly.test.ts:44:27");
  });

  it("names a Function", () => {
    assertThrows(() => detectAnomaly(() => NotANumber.apply(leaf(1)).backward()), Error, "back through NotANumber: ");
  });

  it("says that the line is not known where the way forward was outside", () => {
    const loss = odd(leaf(0));
    const { message } = assertThrows(() => detectAnomaly(() => loss.backward()), Error);
    assertMatch(message, /through sqrt: .*; which line called it is not known/);
  });

  it("finds it in recorded passes, and in those that answer gradients", () => {
    const x = leaf(0);
    assertThrows(() => detectAnomaly(() => grad(odd(x), x)), Error, "through sqrt");
    assertThrows(() => detectAnomaly(() => odd(x).backward({ createGraph: true })), Error, "through sqrt");
  });

  it("leaves gradients that are numbers, or infinite, as they are", () => {
    const x = leaf(0, 4);
    detectAnomaly(() => x.sqrt().sum().backward());
    assertEquals(x.g!.toArray(), [Infinity, 0.25]);
  });

  it("returns what the body returns, and finds nothing once it has ended", () => {
    const x = leaf(0);
    assertEquals(detectAnomaly(() => 3), 3);
    odd(x).backward();
    assertEquals(x.g!.toArray(), [NaN]);
    const thrown = new Error("inside");
    assertStrictEquals(
      assertThrows(() =>
        detectAnomaly(() => {
          throw thrown;
        })
      ),
      thrown,
    );
    odd(x).backward();
  });

  it("lasts as long as a promise that the body returns", async () => {
    const later = detectAnomaly(async () => {
      await Promise.resolve();
      odd(leaf(0)).backward();
    });
    await assertRejects(() => later, Error, "through sqrt");
    odd(leaf(0)).backward();
  });

  it("refuses what is no function", () => {
    assertThrows(() => detectAnomaly(ones([1]) as never), TypeError, "anomalies in a Tensor: give a function");
  });
});
