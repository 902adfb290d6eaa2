import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { allclose, arange, near, ones, tensor, testEq, testNearZero } from "@gradus/gradus";

const f64 = (values: number[]) => tensor(values, { dtype: "float64" });

describe("allclose()", () => {
  // |a − b| ≤ 1e-8 + 1e-5·|b|: at 1 the bound is 1.001e-5, at 0 it is 1e-8.
  it("allclose() allows 1e-5 of the right side", () => {
    assertEquals([allclose(f64([1.000010]), f64([1])), allclose(f64([1.0000101]), f64([1]))], [true, false]);
    assertEquals([allclose(f64([0.99999]), f64([1])), allclose(f64([0.9999899]), f64([1]))], [true, false]);
  });
  it("allclose() allows 1e-8 beside 0", () => {
    assertEquals([allclose(f64([0.9e-8]), f64([0])), allclose(f64([1.1e-8]), f64([0]))], [true, false]);
  });
  it("allclose() measures relative to the right side, not the left", () => {
    const [a, b] = [f64([100]), f64([110])];
    assertEquals([allclose(a, b, { rtol: 0.095, atol: 0 }), allclose(b, a, { rtol: 0.095, atol: 0 })], [true, false]);
  });
  it("allclose() takes tolerances", () => {
    assertEquals([allclose(f64([1]), f64([2]), { atol: 1 }), allclose(f64([1]), f64([2]), { rtol: 0.4 })], [
      true,
      false,
    ]);
  });
  it("allclose() holds infinities equal to themselves alone", () => {
    const [up, down] = [tensor([Infinity]), tensor([-Infinity])];
    assertEquals([allclose(up, up), allclose(up, down), allclose(up, ones([1])), allclose(ones([1]), up)], [
      true,
      false,
      false,
      false,
    ]);
  });
  it("allclose() counts NaN as unequal to NaN, but with equalNan", () => {
    const x = tensor([NaN]);
    assertEquals([allclose(x, x), allclose(x, x, { equalNan: true }), allclose(x, ones([1]), { equalNan: true })], [
      false,
      true,
      false,
    ]);
  });
  it("allclose() broadcasts and reads strides", () => {
    const x = arange(4).view(2, 2);
    assertEquals([allclose(ones([2, 3]), tensor(1)), allclose(x.t(), x), allclose(x.t().t(), x)], [true, false, true]);
  });
  it("allclose() sees a difference in the last element", () => {
    assertEquals(allclose(tensor([1, 2, 3]), tensor([1, 2, 4])), false);
  });
  it("allclose() refuses shapes that do not broadcast", () => {
    assertThrows(() => allclose(ones([2]), ones([3])), RangeError, "Cannot compare [2] and [3]");
  });
});

describe("near()", () => {
  it("near() allows a thousandth", () => {
    assertEquals([near(f64([1000.9]), f64([1000])), near(f64([1002]), f64([1000]))], [true, false]);
  });
});

describe("testEq()", () => {
  it("testEq() passes for the same shape and elements, whatever the strides", () => {
    const m = arange(6).view(2, 3);
    testEq(m.t().clone(), m.t());
    testEq(m.shape, [2, 3]);
    testEq(m.numel(), 6);
  });
  it("testEq() refuses another element, shape or NaN", () => {
    assertThrows(() => testEq(tensor([1, 2]), tensor([1, 3])), Error, "Not equal:\ntensor([1., 2.])\ntensor([1., 3.])");
    assertThrows(() => testEq(ones([2, 1]), ones([1, 2])), Error, "Not equal");
    assertThrows(() => testEq(tensor([NaN]), tensor([NaN])), Error, "Not equal");
  });
  it("testEq() refuses other numbers and arrays", () => {
    assertThrows(() => testEq(1, 2), Error, "Not equal:\n1\n2");
    assertThrows(() => testEq([1, 2], [1, 2, 3]), Error, "Not equal");
  });
  it("testEq() refuses nested arrays beside flat ones", () => {
    assertThrows(() => testEq([[1, 2]] as unknown as number[], [1, 2]), Error, "Not equal");
  });
  it("testEq() refuses NaN beside NaN, as Python does", () => {
    assertThrows(() => testEq(NaN, NaN), Error, "Not equal");
  });
});

describe("testNearZero()", () => {
  it("testNearZero() allows a thousandth on either side", () => testNearZero(tensor([0.0009, -0.0009])));
  it("testNearZero() refuses more, and says how much it found", () => {
    const message = "Not near zero: found -0.5 in a tensor of shape [2], tolerance 0.001";
    assertThrows(() => testNearZero(tensor([0, -0.5])), Error, message);
  });
  it("testNearZero() takes a tolerance", () => testNearZero(tensor([0.4]), 0.5));
  it("testNearZero() refuses NaN", () => {
    assertThrows(() => testNearZero(tensor([NaN])), Error, "found NaN");
  });
});
