import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { noGrad, ones, tensor } from "@gradus/gradus";
import { isGradEnabled } from "@gradus/gradus/autograd";

describe("noGrad()", () => {
  it("answers what its body answers", () => {
    assertEquals(noGrad(() => 3), 3);
  });

  it("makes values without history", () => {
    const y = noGrad(() => ones([2]).requiresGrad_().mul(2));
    assertEquals([y.requiresGrad, y.node], [false, null]);
  });

  it("nests: the end of the inner one does not turn recording on", () => {
    noGrad(() => {
      noGrad(() => {});
      assertEquals(isGradEnabled(), false);
    });
    assertEquals(isGradEnabled(), true);
  });

  it("turns recording on again when its body throws", () => {
    const fail = () => {
      throw new Error("inside");
    };
    assertThrows(() => noGrad(() => noGrad(fail)), Error, "inside");
    assertEquals(isGradEnabled(), true);
  });

  it("refuses an asynchronous body", () => {
    assertThrows(() => noGrad(async () => await Promise.resolve()), TypeError, "asynchronous function in noGrad");
    assertEquals(isGradEnabled(), true);
  });

  it("leaves tensors that want a gradient wanting it", () => {
    const x = ones([2]).requiresGrad_();
    noGrad(() => x.mul_(2));
    assertEquals([x.requiresGrad, x.node], [true, null]);
  });
});

describe("backward()", () => {
  it("turns recording on again when a rule throws", () => {
    const x = ones([2]).requiresGrad_();
    const y = x.exp();
    const loss = y.sum();
    noGrad(() => y.add_(1));
    assertThrows(() => loss.backward(), Error, "modified in place");
    assertEquals(isGradEnabled(), true);
  });
});

describe("requiresGrad_()", () => {
  it("refuses integers, which carry no gradient", () => {
    const x = tensor([1, 2], { dtype: "int32" });
    assertThrows(() => x.requiresGrad_(), TypeError, "Cannot require a gradient of a int32 tensor");
  });

  it("refuses to take the gradient away from a result", () => {
    const y = ones([2]).requiresGrad_().mul(2);
    assertThrows(() => y.requiresGrad_(false), Error, "result of mul: use detach()");
  });

  it("takes the wish away from a leaf", () => {
    assertEquals(ones([2]).requiresGrad_().requiresGrad_(false).mul(2).requiresGrad, false);
  });

  it("on a result begins no new history", () => {
    const x = tensor([3]).requiresGrad_();
    x.mul(2).requiresGrad_().sum().backward();
    assertEquals(x.g?.item(), 2);
  });
});
