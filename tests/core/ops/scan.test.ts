import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor, zeros } from "@gradus/gradus";

describe("cumsum()", () => {
  const m = tensor([[1, 2, 3], [4, 5, 6]]);
  it("cumsum() adds up along a dimension, in the order of a view", () => {
    assertEquals([m.cumsum(0).toArray(), m.cumsum(-1).toArray()], [[[1, 2, 3], [5, 7, 9]], [[1, 3, 6], [4, 9, 15]]]);
    assertEquals(m.t().cumsum(1).toArray(), [[1, 5], [2, 7], [3, 9]]);
  });
  it("cumsum() of bools is int32, and of nothing is nothing", () => {
    const places = tensor([true, false, true]).cumsum(0);
    assertEquals([places.dtype, places.toArray(), zeros([2, 0]).cumsum(0).shape], ["int32", [1, 1, 2], [2, 0]]);
  });
  it("cumsum() of a number is that number", () => assertEquals(tensor(3).cumsum(-1).toArray(), 3));
  it("cumsum() carries its sums in float64", () => { // in float32, 2²⁴ + 1 is 2²⁴
    assertEquals(tensor([2 ** 24, 1, 1]).cumsum(0).at(-1).item(), 2 ** 24 + 2);
  });
  it("cumsum() refuses a dimension that is not there, and a sum past int32", () => {
    assertThrows(() => m.cumsum(2), RangeError, "Cannot take the cumulative sum over dimension 2");
    const large = tensor([2147483647, 1], { dtype: "int32" });
    assertThrows(() => large.cumsum(0), RangeError, "Cannot hold the cumulative sum 2147483648 in int32");
  });
});
