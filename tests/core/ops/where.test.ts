import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, ones, tensor, where } from "@gradus/gradus";

describe("where()", () => {
  const mask = tensor([true, false, true]);
  it("where() takes the first where the mask is true, and the second elsewhere", () => {
    assertEquals(where(mask, tensor([1, 2, 3]), tensor([7, 8, 9])).toArray(), [1, 8, 3]);
  });
  it("where() broadcasts all three", () => {
    assertEquals(where(mask, tensor([[1], [2]]), 0).toArray(), [[1, 0, 1], [2, 0, 2]]);
  });
  it("where() reads views in their order", () => {
    const m = arange(4).view(2, 2);
    assertEquals(where(m.gt(1).t(), m.t(), -1).toArray(), [[-1, 2], [-1, 3]]);
  });
  it("where() hides NaN that is not chosen", () => {
    assertEquals(where(mask, 1, tensor([NaN, 0, NaN])).toArray(), [1, 0, 1]);
  });
  it("where() promotes dtypes, and numbers take the dtype beside them", () => {
    const ints = ones([3], { dtype: "int32" });
    const dtypes = [where(mask, ints, 0), where(mask, 0.5, ints), where(mask, ints, ones([3])), where(mask, 1, 0)];
    assertEquals(dtypes.map((x) => x.dtype), ["int32", "float32", "float32", "float32"]);
    assertEquals(where(mask, true, false).dtype, "bool");
  });
  it("where() refuses a mask that is not bool, and what is no tensor", () => {
    assertThrows(() => where(ones([3]), 1, 0), TypeError, "Cannot choose by a float32 tensor of shape [3]: use a bool");
    assertThrows(() => where(mask, [1] as unknown as number, 0), TypeError, "Cannot choose between an array");
    assertThrows(() => where(mask, 0, "1" as unknown as number), TypeError, 'Cannot choose between the text "1"');
  });
  it("where() refuses shapes that clash", () => {
    assertThrows(() => where(mask, ones([2]), 0), RangeError, "Cannot choose between [3] and [2]");
  });
});
