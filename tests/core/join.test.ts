import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { arange, ones, tensor, zeros } from "../../core/create.ts";
import { cat, stack } from "../../core/ops/join.ts";
import type { Tensor } from "../../core/tensor.ts";

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
  it("cat() takes views as the elements they show, copies, and keeps the kind", () => {
    const ints = m.int().t();
    const out = cat([ints, ints]);
    out.zero_();
    assertEquals([out.dtype, ints.toArray()], ["int32", [[1, 3], [2, 4]]]);
  });
  it("cat() takes tensors with nothing in them", () => {
    assertEquals(cat([zeros([0, 2]), m, zeros([0, 2])]).toArray(), m.toArray());
    assertEquals(cat([zeros([2, 0]), zeros([1, 0])]).shape, [3, 0]);
  });
  it("cat() refuses none, rank 0, other sizes, other kinds, and what is no list of tensors", () => {
    assertThrows(() => cat([]), RangeError, "Cannot cat no tensors");
    assertThrows(() => cat([tensor(1)]), RangeError, "use stack()");
    assertThrows(() => cat([m, ones([2, 3])]), RangeError, "Cannot cat [2, 2] and [2, 3]: tensor 1");
    assertThrows(() => cat([m, m.int()]), TypeError, 'Cannot cat float32 and int32: cast tensor 1 with to("float32")');
    assertThrows(() => cat(m as unknown as Tensor[]), TypeError, "cat([a, b])");
    assertThrows(() => cat([1] as unknown as Tensor[]), TypeError, "Cannot cat the number 1");
  });
});

describe("stack()", () => {
  const [a, b] = [tensor([1, 2]), tensor([3, 4])];
  it("stack() makes a new dimension wherever it is told", () => {
    assertEquals([stack([a, b]).toArray(), stack([a, b], -1).toArray()], [[[1, 2], [3, 4]], [[1, 3], [2, 4]]]);
  });
  it("stack() of numbers is a vector", () => assertEquals(stack([tensor(1), tensor(2)]).toArray(), [1, 2]));
  it("stack() refuses another shape", () => {
    assertThrows(() => stack([a, ones([3])]), RangeError, "Cannot stack [2] and [3]: tensor 1");
    assertThrows(() => stack([a], 3), RangeError, "Cannot stack along dimension 3");
  });
});
