import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { arange, fromData, ones, tensor, zeros } from "@gradus/gradus";

const grid = () => arange(9).view(3, 3);

describe("in-place operations", () => {
  it("add_() returns the tensor it wrote", () => {
    const x = ones([2]);
    assertStrictEquals(x.add_(1), x);
    assertEquals(x.toArray(), [2, 2]);
  });
  it("add_(), sub_(), mul_() and div_() broadcast their operand", () => {
    const x = ones([2, 2]).add_(tensor([1, 2])).mul_(tensor([[2], [3]])).sub_(1).div_(tensor(2));
    assertEquals(x.toArray(), [[1.5, 2.5], [2.5, 4]]);
  });
  it("add_() writes through a view into the memory it shares", () => {
    const x = zeros([2, 3]);
    x.at(":", 1).add_(tensor([5, 6]));
    assertEquals(x.toArray(), [[0, 5, 0], [0, 6, 0]]);
  });
  it("add_() of its own transpose reads the old elements", () => {
    const x = grid();
    assertEquals(x.add_(x.t()).toArray(), [[0, 4, 8], [4, 8, 12], [8, 12, 16]]);
  });
  it("add_() of its own first row reads the old row", () => {
    const x = grid();
    assertEquals(x.add_(x.at(0)).toArray(), [[0, 2, 4], [3, 5, 7], [6, 8, 10]]);
  });
  it("mul_() by itself is the square", () => {
    const x = grid();
    assertEquals(x.mul_(x).toArray(), [[0, 1, 4], [9, 16, 25], [36, 49, 64]]);
  });
  it("copy_() of its own reverse turns it round", () => {
    const x = arange(5);
    assertEquals(x.copy_(x.slice(0, undefined, undefined, -1)).toArray(), [4, 3, 2, 1, 0]);
  });
  it("add_() reads the old elements of another array over the same bytes", () => {
    const buffer = Float32Array.of(1, 2, 3, 4).buffer;
    const [head, tail] = [new Float32Array(buffer, 0, 3), new Float32Array(buffer, 4, 3)];
    assertEquals(fromData(tail, [3]).add_(fromData(head, [3])).toArray(), [3, 5, 7]);
  });
  it("copy_() casts to the dtype of its place", () => {
    assertEquals(zeros([2], { dtype: "int32" }).copy_(tensor([1.7, -1.7])).toArray(), [1, -1]);
    assertEquals([...zeros([2], { dtype: "bool" }).copy_(tensor([3, 0])).data], [1, 0]);
  });
  it("fill_() and zero_() set every element of a view and no other", () => {
    const x = grid();
    x.at("1:", "::2").fill_(-1);
    assertEquals(x.toArray(), [[0, 1, 2], [-1, 4, -1], [-1, 7, -1]]);
    x.t().at(1).zero_();
    assertEquals(x.toArray(), [[0, 0, 2], [-1, 0, -1], [-1, 0, -1]]);
  });
  it("fill_() of a bool stores 1 for anything but 0", () => {
    assertEquals([...zeros([1], { dtype: "bool" }).fill_(7).data], [1]);
  });
  it("add_() of float64 into float32 keeps float32", () => {
    assertEquals(ones([1]).add_(tensor([0.5], { dtype: "float64" })).dtype, "float32");
  });
  it("add_() of bools is true where either is", () => {
    assertEquals([...tensor([true, false]).add_(tensor([true, true])).data], [1, 1]);
  });
  it("add_() wraps int32 and uint8", () => {
    assertEquals(tensor([2147483647], { dtype: "int32" }).add_(1).item(), -2147483648);
    assertEquals(tensor(Uint8Array.of(200)).add_(tensor([100], { dtype: "int32" })).item(), 44);
  });
});

describe("in-place operations that do not fit", () => {
  const int = () => ones([2], { dtype: "int32" });
  it("add_() refuses a float into int32", () => {
    assertThrows(() => int().add_(tensor([0.5, 1])), TypeError, "a result of dtype float32 does not fit");
    assertThrows(() => int().add_(0.5), TypeError, "a tensor of dtype int32, cast it with float()");
  });
  it("div_() refuses int32, whose quotients are fractions", () => {
    assertThrows(() => int().div_(2), TypeError, "Cannot divide in place");
  });
  it("add_() and mul_() refuse a number into bool", () => {
    assertThrows(
      () => tensor([true]).add_(1),
      TypeError,
      "a result of dtype int32 does not fit a tensor of dtype bool",
    );
    assertThrows(() => tensor([true]).mul_(int().at(0)), TypeError, "cast it with int()");
  });
  it("sub_() refuses bools", () => {
    assertThrows(() => tensor([true]).sub_(tensor([true])), TypeError, "Cannot subtract bool tensors");
  });
  it("add_() refuses an operand of a larger shape", () => {
    const error = assertThrows(() => ones([3]).add_(ones([2, 3])), RangeError);
    assertEquals(error.message, "Cannot add [2, 3] into [3]: the result [2, 3] is larger than its place");
    assertThrows(() => ones([1]).add_(ones([3])), RangeError, "[3] is larger than its place");
  });
  it("add_() refuses a shape that does not broadcast", () => {
    assertThrows(() => ones([3]).add_(ones([2])), RangeError, "Cannot add in place [3] and [2]: sizes 3 and 2 differ");
  });
  it("copy_() and add_() refuse an expanded tensor, whose elements would be written twice", () => {
    const x = ones([3]);
    assertThrows(() => x.expand(2, 3).copy_(ones([2, 3])), RangeError, "clone() it first");
    assertThrows(() => x.expand(2, 3).add_(1), RangeError, "clone() it first");
    assertEquals(x.toArray(), [1, 1, 1]);
  });
  it("fill_() and zero_() of an expanded tensor set what it shows, as in PyTorch", () => {
    const x = ones([3]);
    assertEquals(x.expand(2, 3).fill_(2).toArray(), [[2, 2, 2], [2, 2, 2]]);
    x.expand(2, 3).zero_();
    assertEquals(x.toArray(), [0, 0, 0]);
  });
  it("add_() leaves the tensor as it was when it refuses", () => {
    const x = int();
    assertThrows(() => x.add_(0.5));
    assertEquals(x.toArray(), [1, 1]);
  });
});

describe("copies", () => {
  it("clone() is row-major and shares nothing", () => {
    const x = grid();
    const y = x.t().clone();
    y.fill_(0);
    assertEquals([y.strides, x.at(0, 1).item()], [[3, 1], 1]);
  });
  it("contiguous() is the tensor itself where it is row-major", () => {
    const x = grid();
    assertStrictEquals(x.contiguous(), x);
    assertEquals(x.t().contiguous().strides, [3, 1]);
  });
});
