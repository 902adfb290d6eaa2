import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { isfinite, isinf, isnan, nanToNum, tensor } from "@gradus/gradus";

const odd = [0, -0, 1.5, NaN, Infinity, -Infinity, 3e38];

describe("isnan(), isinf() and isfinite()", () => {
  for (const dtype of ["float32", "float64"] as const) {
    it(`tell numbers apart in ${dtype}`, () => {
      const x = tensor(odd, { dtype });
      assertEquals(isnan(x).toArray(), odd.map(Number.isNaN));
      assertEquals(isinf(x).toArray(), odd.map((value) => Math.abs(value) === Infinity));
      assertEquals(isfinite(x).toArray(), odd.map(Number.isFinite));
      assertEquals(isnan(x).dtype, "bool");
    });
  }

  it("find nothing in integers and bools", () => {
    for (const dtype of ["int32", "uint8", "bool"] as const) {
      const x = tensor([[0, 1]], { dtype });
      assertEquals([isnan(x), isinf(x), isfinite(x)].map((y) => y.toArray()), [[[false, false]], [[false, false]], [[
        true,
        true,
      ]]]);
    }
  });

  it("take views as they stand, and empty tensors", () => {
    assertEquals(isnan(tensor([[1, NaN], [2, 3]]).t()).toArray(), [[false, false], [true, false]]);
    assertEquals(isfinite(tensor([])).shape, [0]);
  });
});

describe("nanToNum()", () => {
  it("puts 0 and the ends of the dtype in their place", () => {
    const largest = 2 ** 128 - 2 ** 104;
    assertEquals(nanToNum(tensor([NaN, Infinity, -Infinity, 2])).toArray(), [0, largest, -largest, 2]);
    const wide = tensor([Infinity, -Infinity], { dtype: "float64" });
    assertEquals(nanToNum(wide).toArray(), [Number.MAX_VALUE, -Number.MAX_VALUE]);
  });

  it("puts what it is told in their place", () => {
    const x = tensor([NaN, Infinity, -Infinity, 2]);
    assertEquals(nanToNum(x, { nan: 7, posinf: 8, neginf: 9 }).toArray(), [7, 8, 9, 2]);
  });

  it("passes the gradient of numbers alone", () => {
    const x = tensor([NaN, 2, Infinity]).requiresGrad_();
    nanToNum(x, { posinf: 1 }).mul(3).sum().backward();
    assertEquals(x.g!.toArray(), [0, 3, 0]);
  });

  it("leaves integers as they are, and their dtype", () => {
    const x = tensor([1, 2], { dtype: "int32" });
    assertEquals([nanToNum(x).dtype, nanToNum(x).toArray()], ["int32", [1, 2]]);
  });
});
