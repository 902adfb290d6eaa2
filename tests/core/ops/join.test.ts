import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, cat, ones, stack, type Tensor, tensor, zeros } from "@gradus/gradus";

const m = tensor([[1, 2], [3, 4]]);

describe("cat()", () => {
  it("cat() sets rows under rows, and columns beside columns", () => {
    const row = tensor([[5, 6]]);
    assertEquals(cat([m, row, row]).toArray(), [[1, 2], [3, 4], [5, 6], [5, 6]]);
    assertEquals(cat([m, tensor([[5], [6]])], -1).toArray(), [[1, 2, 5], [3, 4, 6]]);
  });
  it("cat() along the middle of three keeps the order of the others", () => {
    const a = arange(8).view(2, 2, 2);
    assertEquals(cat([a, a.narrow(1, 0, 1)], 1).at(1).toArray(), [[4, 5], [6, 7], [4, 5]]);
  });
  it("cat() takes views as the elements they show, copies, and keeps the dtype", () => {
    const ints = m.int().t();
    const out = cat([ints, ints]);
    out.zero_();
    assertEquals([out.dtype, ints.toArray()], ["int32", [[1, 3], [2, 4]]]);
  });
  it("cat() takes tensors with nothing in them", () => {
    assertEquals(cat([zeros([0, 2]), m, zeros([0, 2])]).toArray(), m.toArray());
    assertEquals(cat([zeros([2, 0]), zeros([1, 0])]).shape, [3, 0]);
  });
  it("cat() takes mixed dtypes and gives the one that holds them all", () => {
    const x = cat([tensor([1], { dtype: "int32" }), tensor([true]), tensor([2.5])]);
    assertEquals([x.dtype, x.toArray()], ["float32", [1, 1, 2.5]]);
    assertEquals(cat([tensor([200], { dtype: "uint8" }), tensor([true])]).dtype, "uint8");
    assertEquals(cat([m, m.double()]).dtype, "float64");
  });
  it("cat() takes tensors of shape [0] beside any shape, and counts their dtype", () => {
    const ints = tensor([[1, 2]], { dtype: "int32" });
    const x = cat([tensor([]), ints, tensor([]), ints], 0);
    assertEquals([x.dtype, x.toArray()], ["float32", [[1, 2], [1, 2]]]);
    assertEquals([cat([tensor([]), tensor([])]).shape, cat([ints.at(0), ints.at(0).at(":0")]).dtype], [[0], "int32"]);
  });
  it("cat() refuses none, rank 0, other sizes, and what is no list of tensors", () => {
    assertThrows(() => cat([]), RangeError, "Cannot cat no tensors");
    assertThrows(() => cat([tensor(1)]), RangeError, "use stack()");
    assertThrows(() => cat([m, ones([2, 3])]), RangeError, "Cannot cat [2, 2] and [2, 3]: tensor 1");
    assertThrows(() => cat(m as unknown as Tensor[]), TypeError, "cat([a, b])");
    assertThrows(() => cat([1] as unknown as Tensor[]), TypeError, "Cannot cat the number 1");
  });
});

describe("stack()", () => {
  const [a, b] = [tensor([1, 2]), tensor([3, 4])];
  it("stack() makes a new dimension at any place", () => {
    assertEquals([stack([a, b]).toArray(), stack([a, b], -1).toArray()], [[[1, 2], [3, 4]], [[1, 3], [2, 4]]]);
  });
  it("stack() of numbers is a vector", () => assertEquals(stack([tensor(1), tensor(2)]).toArray(), [1, 2]));
  it("stack() takes mixed dtypes and gives the one that holds them all", () => {
    const x = stack([tensor([1], { dtype: "int32" }), tensor([2.5])]);
    assertEquals([x.dtype, x.toArray()], ["float32", [[1], [2.5]]]);
    assertEquals(stack([tensor([]), tensor([])]).shape, [2, 0]);
  });
  it("stack() refuses another shape", () => {
    assertThrows(() => stack([a, ones([3])]), RangeError, "Cannot stack [2] and [3]: tensor 1");
    assertThrows(() => stack([a], 3), RangeError, "Cannot stack along dimension 3");
  });
});
