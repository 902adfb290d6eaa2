import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type Tensor, tensor } from "@gradus/gradus";
import { clipGradNorm, clipGradValue } from "@gradus/gradus/optim";

/** A parameter with the gradient given. */
function withGradient(...values: number[]): Tensor {
  const p = tensor(values, { dtype: "float64" }).requiresGrad_();
  p.g = tensor(values, { dtype: "float64" });
  return p;
}

describe("clipGradNorm()", () => {
  it("measures all gradients together and scales them alike", () => {
    const [p, q] = [withGradient(3, 0), withGradient(4)];
    assertEquals(clipGradNorm([p, q], 2.5), 5);
    assertAlmostEquals(p.g!.data[0], 1.5, 1e-6); // PyTorch's 1e-6 in the denominator
    assertAlmostEquals(q.g!.data[0], 2, 1e-6);
  });

  it("leaves short gradients as they are, bit by bit", () => {
    const p = withGradient(0.3, 0.4);
    clipGradNorm(p, 1);
    assertEquals([...p.g!.data], [0.3, 0.4]);
  });

  it("writes into the gradient's own memory", () => {
    const p = withGradient(3, 4);
    const g = p.g!;
    clipGradNorm([p], 1);
    assertEquals([p.g === g, g.data[0] < 3], [true, true]);
  });

  it("passes over parameters without a gradient", () => {
    assertEquals(clipGradNorm([tensor([1]).requiresGrad_()], 1), 0);
  });

  it("scales a gradient once where its parameter is named twice", () => {
    const p = withGradient(3, 4);
    assertEquals(clipGradNorm([p, p], 1), 5);
  });

  it("takes the largest element for normType Infinity", () => {
    assertEquals(clipGradNorm([withGradient(3, -7), withGradient(4)], 10, { normType: Infinity }), 7);
  });

  it("takes the sum of magnitudes for normType 1", () => {
    assertEquals(clipGradNorm([withGradient(3, -7), withGradient(4)], 100, { normType: 1 }), 14);
  });

  it("spreads a NaN as PyTorch does, and refuses it with errorIfNonfinite", () => {
    const p = withGradient(NaN, 4);
    assertThrows(() => clipGradNorm([p], 1, { errorIfNonfinite: true }), RangeError, "their norm is NaN");
    assertEquals(p.g!.data[1], 4);
    clipGradNorm([p], 1);
    assertEquals(p.g!.data[1], NaN);
  });

  it("refuses a negative norm", () => {
    assertThrows(() => clipGradNorm([withGradient(1)], -1), RangeError, "Cannot clip the norm of the gradients to -1");
  });

  it("refuses a norm of type 0", () => {
    assertThrows(() => clipGradNorm([withGradient(1)], 1, { normType: 0 }), RangeError, "norm of type 0");
  });
});

describe("clipGradValue()", () => {
  it("clamps each element in the gradient's own memory", () => {
    const p = withGradient(-3, 0.5, 4);
    const { data } = p.g!;
    clipGradValue([p], 2);
    assertEquals([...data], [-2, 0.5, 2]);
  });

  it("refuses a negative bound", () => {
    assertThrows(() => clipGradValue([withGradient(1)], -1), RangeError, "values of the gradients to -1");
  });
});
