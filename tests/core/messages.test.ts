import { assert, assertInstanceOf, assertMatch, assertNotMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { arange, einsum, fromData, ones, rand, randint, randn, tensor, useBackend, zeros } from "@gradus/gradus";
import { pick } from "../../core/ops/index.ts";
import { loops } from "../../core/matmul/01_loops.ts";
import { notATensor } from "../wording.ts";

const ints = tensor([1, 2], { dtype: "int32" });
const bools = tensor([true, false]);
const x = ones([2, 3]);
const untyped = (value: unknown) => value as number;
const bytes = (...shape: number[]) => zeros(shape, { dtype: "uint8" });

// Call, class, and what its message must contain: what was found, and the cure where there is a usual one.
const MESSAGES: [string, () => unknown, ErrorConstructor, string[]][] = [
  ["add() of shapes that clash", () => x.add(ones([2])), RangeError, ["add [2, 3] and [2]", "3 and 2", "unsqueeze(1)"]],
  ["maximum() of shapes that clash", () => x.maximum(ones([2])), RangeError, ["take the maximum of [2, 3] and [2]"]],
  ["pow() of shapes that clash", () => ones([2]).pow(ones([3])), RangeError, ["raise [2] and [3]"]],
  ["sub() of bools", () => bools.sub(bools), TypeError, ["ne()", "int()"]],
  ["neg() of bools", () => bools.neg(), TypeError, ["logicalNot()", "int()"]],
  ["pow() to a negative power", () => ints.pow(-2), RangeError, ["int32", "-2", "float()"]],
  ["mean() of integers", () => ints.mean(), TypeError, ["mean", "int32", "float()"]],
  ["sum() past int32", () => tensor([2147483647, 1], { dtype: "int32" }).sum(), RangeError, ["double()"]],
  ["sum() of a dimension out of range", () => x.sum(2), RangeError, ["dimension 2", "-2 to 1"]],
  ["sum() of a dimension twice", () => x.sum([0, 0]), RangeError, ["[0, 0]", "twice"]],
  ["max() of nothing", () => zeros([0]).max(), RangeError, ["max", "[0]", "no elements"]],
  ["sum() of options", () => x.sum(untyped({ dims: 1 })), TypeError, ["the sum", '"dims"', "the nearest is dim"]],
  ["sum() of dates", () => x.sum(untyped(new Date())), TypeError, ["the sum over a Date", "1 or [0, 1]"]],
  ["max() of options", () => x.max(untyped({ dims: 1 })), TypeError, ["the max", '"dims"']],
  ["mean() with keepdim by name", () => x.mean(1, untyped({ keepdim: true }) as never), TypeError, [
    "keepdim an object",
  ]],
  ["transpose() of names", () => x.transpose(untyped("rows"), 1), TypeError, ['dimension the text "rows"']],
  ["rand() of sizes one by one", () => rand(untyped(3) as never, 4 as never), TypeError, [
    "shape 3",
    "[2, 3] instead of",
  ]],
  ["randn() of sizes one by one", () => randn(untyped(3) as never, 4 as never), TypeError, ["[2, 3] instead of 2, 3"]],
  ["randint() of a size", () => randint(0, 2, untyped(3) as never, 4 as never), TypeError, ["[2, 3] instead of 2, 3"]],
  ["backward() of a gradient", () => x.backward(ones([2, 3]) as never), TypeError, [
    "a Tensor for options",
    "gradient",
  ]],
  ["backward() recorded by a text", () => x.backward({ createGraph: "yes" } as never), TypeError, [
    "createGraph",
    "true",
  ]],
  ["matmul() of sizes that differ", () => x.matmul(x), RangeError, ["[2, 3] by [2, 3]", "3 and 2", "t()"]],
  ["matmul() of a number", () => x.matmul(tensor(1)), RangeError, ["rank 0", "mul()"]],
  ["matmul() of bools", () => bools.matmul(bools), TypeError, ["bool", "float()"]],
  ["a rung of other sizes", () => loops(x, x), RangeError, ["[2, 3] by [2, 3]", "[m, k] and [k, n]"]],
  ["a rung of float64", () => loops(x.double(), x.t()), TypeError, ["float64", "float()"]],
  ["view() of other strides", () => x.t().view(6), RangeError, ["[3, 2]", "[1, 3]", "[6]", "reshape()"]],
  ["view() of another size", () => x.view(4), RangeError, ["[2, 3] as [4]", "6 elements"]],
  ["view() with two open sizes", () => x.view(-1, -1), RangeError, ["[-1, -1]", "only one"]],
  ["permute() of too few", () => x.permute(1), RangeError, ["[2, 3]", "[1]"]],
  ["t() of rank 3", () => x.unsqueeze(0).t(), RangeError, ["[1, 2, 3]", "transpose(a, b)"]],
  ["expand() of a size", () => x.expand(4, 3), RangeError, ["[2, 3] to [4, 3]", "size 2 at dimension 0", "4"]],
  ["narrow() past the end", () => x.narrow(0, 1, 2), RangeError, ["[2, 3]", "2 elements from 1", "size 2"]],
  ["select() past the end", () => x.select(0, 2), RangeError, ["index 2", "dimension 0", "size 2"]],
  ["select() of a number", () => tensor(1).select(0, 0), RangeError, ["rank 0", "item()"]],
  ["slice() by 0", () => x.slice(0, 0, 1, 0), RangeError, ["step of 0"]],
  ["flatten() backwards", () => x.flatten(1, 0), RangeError, ["[2, 3]", "1 to 0"]],
  ["at() of too many", () => x.at(0, 0, 0), RangeError, ["[2, 3]", "3 indices", "2 dimensions"]],
  ["at() of no range", () => x.at("x"), SyntaxError, ['"x"', '"1:3"']],
  ["at() of two ellipses", () => x.at("...", "..."), SyntaxError, ["[2, 3]", "once"]],
  ["index() out of range", () => x.index(ints), RangeError, ["index 2", "dimension 0", "size 2"]],
  ["index() by floats", () => x.index(ones([1])), TypeError, ["float32", "int32", "bool mask"]],
  ["index() by another mask", () => x.index(tensor([true])), RangeError, ["[2, 3]", "[1]"]],
  ["index() of a number", () => tensor(1).index(ints), RangeError, ["rank 0", "item()"]],
  ["pick() out of range", () => pick(x, tensor([0, 3], { dtype: "int32" })), RangeError, ["3", "0 to 2"]],
  ["pick() by floats", () => pick(x, ones([2])), RangeError, ["float32", "int32", "[2]"]],
  ["item() of several", () => x.item(), RangeError, ["[2, 3]", "6 elements", "reduce or index"]],
  ["size() of a number", () => tensor(1).size(0), RangeError, ["dimension 0", "rank 0"]],
  ["tensor() of ragged rows", () => tensor([[1], [1, 2]]), RangeError, ["1 elements", "2 elements"]],
  ["tensor() of text", () => tensor("1" as unknown as number), TypeError, ["string"]],
  ["zeros() of a fraction", () => zeros([0.5]), RangeError, ["[0.5]", "0.5"]],
  ["zeros() of too many", () => zeros([2 ** 31]), RangeError, ["2147483648", "2147483647"]],
  ["add() of too many", () => bytes(65536, 1).add(bytes(32768)), RangeError, ["[65536, 32768]", "2147483647"]],
  ["fromData() of another size", () => fromData(new Float32Array(2), [3]), RangeError, ["2 elements", "[3]"]],
  ["fromData() as another dtype", () => fromData(new Float32Array(1), [1], "bool"), TypeError, ["bool", "float32"]],
  ["arange() away from its end", () => arange(0, 1, -1), RangeError, ["0 to 1 by -1"]],
  ["add() of an array", () => x.add(untyped([1, 2, 3])), TypeError, ["add an array", "tensor([…])"]],
  ["mul() of a text", () => x.mul(untyped("x")), TypeError, [notATensor('multiply the text "x"')]],
  ["sub_() of null", () => ones([1]).sub_(untyped(null)), TypeError, [notATensor("subtract null"), "give one"]],
  ["matmul() of an array", () => x.matmul(untyped([1]) as unknown as typeof x), TypeError, ["multiply by an array"]],
  ["at() of a mask", () => x.at(untyped(x.gt(0))), TypeError, ["at() of a tensor", "index()", "bool mask"]],
  ["at() of places", () => x.at(untyped([0, 2])), TypeError, ["at() of an array", "index()", "int32"]],
  ["norm() of Infinity", () => x.norm(Infinity), RangeError, ["norm", "p is 2", "abs().max()"]],
  ["norm() of a name", () => x.norm(untyped("fro")), RangeError, ["norm", "p is 2"]],
  ["einsum() of another count", () => einsum("i,j", x), SyntaxError, ['"i,j"', "2 operands", "1 were"]],
  ["einsum() of another rank", () => einsum("i", x), RangeError, ['"i"', "[2, 3]"]],
  ["einsum() of two sizes", () => einsum("ii", x), RangeError, ['"i"', "2 and 3"]],
  ["add_() of a larger shape", () => ones([3]).add_(x), RangeError, ["[2, 3] into [3]", "larger"]],
  ["add_() of a float", () => ones([1], { dtype: "int32" }).add_(0.5), TypeError, ["float32", "int32", "float()"]],
  ["add_() into a bool", () => tensor([true]).add_(1), TypeError, ["int32", "bool", "int()"]],
  ["copy_() into an expanded tensor", () => ones([1]).expand(3).copy_(ones([3])), RangeError, ["[3]", "clone()"]],
  ["useBackend() of no back end", () => useBackend("cuda" as "auto"), TypeError, ["cuda", "native, wasm, reference"]],
];

describe("messages", () => {
  for (const [name, call, kind, facts] of MESSAGES) {
    it(`${name} says what was tried, what was found, and ends without a full stop`, () => {
      const error = assertThrows(call);
      assertInstanceOf(error, kind);
      const [first] = error.message.split("\n");
      assertMatch(first, /^Cannot [a-z].*: .+/);
      assertNotMatch(error.message, /\.$/);
      assert(!/undefined|NaN|\[object/.test(error.message), error.message);
      for (const fact of facts) assertStringIncludes(first, fact);
    });
  }

  it("add() of undefined says so", () => {
    assertThrows(() => x.add(untyped(undefined)), TypeError, notATensor("Cannot add undefined"));
  });
});
