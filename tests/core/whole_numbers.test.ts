/** Integers at and past the ends of their dtypes, and integers that become fractions: PyTorch 1.13's numbers, on every back end. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { arange, einsum, full, type Tensor, tensor, where, zeros } from "@gradus/gradus";

const LEAST = -2147483648;
const MOST = 2147483647;
const ints = (...values: number[]) => tensor(values, { dtype: "int32" });
const bytes = (...values: number[]) => tensor(values, { dtype: "uint8" });
const flags = (...values: boolean[]) => tensor(values);

describe("floats to integers", () => {
  const odd = [1, NaN, Infinity, -Infinity, 3e9, -3e9, 2147483648, 2.7, -2.7, 1e30];
  const whole = [1, LEAST, LEAST, LEAST, LEAST, LEAST, LEAST, 2, -2, LEAST];
  // Long enough for the vector loop, and with strides.
  const long = [...odd, ...odd, ...odd, ...odd];
  const wholes = [...whole, ...whole, ...whole, ...whole];

  for (const dtype of ["float32", "float64"] as const) {
    const x = tensor(long, { dtype });
    it(`int() of ${dtype} makes NaN, infinities and what lies outside int32 its least number`, () => {
      assertEquals(x.int().toArray(), wholes);
      assertEquals(x.view(2, 20).t().int().t().reshape(40).toArray(), wholes);
      assertEquals(zeros([40], { dtype: "int32" }).copy_(x).toArray(), wholes);
    });
    it(`to("uint8") of ${dtype} wraps, and makes NaN and infinities 0`, () => {
      const given = tensor([1, NaN, Infinity, -Infinity, 3e9, 2.7, -2.7, 300, -1, 1e10, 1e30], { dtype });
      assertEquals(given.to("uint8").toArray(), [1, 0, 0, 0, 0, 2, 254, 44, 255, 0, 0]);
    });
    it(`bool() of ${dtype} counts NaN as true`, () => {
      assertEquals(tensor([NaN, -0, 1e-30], { dtype }).bool().toArray(), [true, false, true]);
    });
  }
  it("int() of float64 cuts toward zero to the last numbers of int32", () => {
    assertEquals(tensor([MOST + 0.5, LEAST - 0.5], { dtype: "float64" }).int().toArray(), [MOST, LEAST]);
  });
});

describe("operations past the dtype", () => {
  const wraps: [string, () => Tensor, number | number[]][] = [
    ["square() of int32", () => ints(MOST, 65537).square(), [1, 131073]],
    ["square() of uint8", () => bytes(255, 16).square(), [1, 0]],
    ["neg() and abs() of the least int32", () => ints(LEAST).neg().add(ints(LEAST).abs()), [0]],
    ["matmul() of int32", () => ints(MOST, MOST).matmul(ints(MOST, MOST)), 2],
    ["matmul() of uint8", () => bytes(200, 100).matmul(bytes(200, 100)), 80],
    ["matmul() past 2⁵³", () => ints(MOST, 3).matmul(ints(MOST, 3)), 10],
    ["einsum() of int32", () => einsum("i,i->", ints(65536, 65537), ints(65536, 65537)), 131073],
  ];
  for (const [name, run, expected] of wraps) {
    it(`${name} wraps`, () => assertEquals(run().toArray(), expected));
  }
  it("square() of bool counts, as pow(2) does", () => {
    assertEquals([flags(true, false).square().dtype, flags(true).pow(2).dtype], ["int32", "int32"]);
  });
  it("prod() of int32 that outgrows every float and meets 0 is 0", () => {
    assertEquals(full([40], MOST, { dtype: "int32" }).mul(arange(40).ne(39)).prod().item(), 0);
  });
});

describe("numbers outside the dtype", () => {
  const wrong: [string, () => unknown, string][] = [
    [
      "maximum()",
      () => ints(1).maximum(3e9),
      "Cannot hold the number 3000000000 in int32: it lies outside -2147483648",
    ],
    ["add()", () => bytes(1).add(300), "Cannot hold the number 300 in uint8: it lies outside 0 to 255"],
    ["add() of less than 0", () => bytes(1).add(-1), "the number -1 in uint8"],
    ["mul()", () => flags(true).mul(3e9), "3000000000 in int32"],
    ["sub_()", () => ints(1).sub_(-3e9), "-3000000000 in int32"],
    ["clamp()", () => bytes(1).clamp(-5, -1), "-5 in uint8"],
    ["clampMin()", () => ints(1).clampMin(3e9), "3000000000 in int32"],
    ["fill_()", () => bytes(1).fill_(256), "256 in uint8"],
    ["fill_() of a fraction", () => ints(1).fill_(3e9 + 0.5), "3000000000.5 in int32"],
    ["fill_() just past the end", () => bytes(1).fill_(255.5), "255.5 in uint8"],
    ["full() just below 0", () => full([2], -0.5, { dtype: "uint8" }), "-0.5 in uint8"],
    ["fill_() of NaN", () => ints(1).fill_(NaN), "NaN in int32"],
    ["where()", () => where(flags(true), ints(1), 3e9), "3000000000 in int32"],
    ["full()", () => full([2], NaN, { dtype: "int32" }), "NaN in int32"],
    ["tensor()", () => tensor([[1], [-1]], { dtype: "uint8" }), "-1 in uint8"],
    ["tensor() of NaN", () => tensor([NaN], { dtype: "int32" }), "NaN in int32"],
    ["arange()", () => arange(0, 600, 200, { dtype: "uint8" }), "400 in uint8"],
  ];
  for (const [name, run, message] of wrong) {
    it(`${name} refuses a number that its dtype cannot hold`, () => void assertThrows(run, RangeError, message));
  }
  it("fill_() leaves the tensor as it was when it refuses", () => {
    const x = ints(1, 2);
    assertThrows(() => x.fill_(Infinity), RangeError);
    assertEquals(x.toArray(), [1, 2]);
  });
  it("fill_(), full() and tensor() cut a fraction off, as int() does", () => {
    assertEquals(bytes(1).fill_(254.9).item(), 254);
    assertEquals(full([], 0.5, { dtype: "uint8" }).item(), 0);
    assertEquals(ints(-1.5, 1.5).toArray(), [-1, 1]);
  });
  it("comparisons take any number as it is", () => {
    const x = bytes(0, 255);
    assertEquals(x.eq(-1).toArray(), [false, false]);
    assertEquals(x.gt(-1).toArray(), [true, true]);
    assertEquals(x.lt(256).toArray(), [true, true]);
    assertEquals(ints(MOST).lt(3e9).toArray(), [true]);
    assertEquals(ints(16777217).eq(16777216.5).toArray(), [false]);
    assertEquals(flags(true).eq(2).toArray(), [false]);
  });
});

describe("integers to fractions", () => {
  it("div() takes a number that the integers could not hold", () => {
    assertEquals(bytes(0, 128, 255).div(256).toArray(), [0, 0.5, 0.99609375]);
    assertEquals(bytes(0, 128, 255).div(1000).mul(1000).toArray(), [0, 128, 255]);
    assertEquals(ints(4).div(2 ** 31).toArray(), [2 ** -29]);
    assertEquals(bytes(3).div(-2).toArray(), [-1.5]);
    assertEquals(flags(true).div(4e9).toArray(), [Math.fround(1 / 4e9)]);
  });
  it("add() and its kin turn an integer into the float's dtype before they begin", () => {
    const far = ints(16777217); // 16777216 as float32
    assertEquals(far.add(tensor([1])).toArray(), [16777216]);
    assertEquals(far.add(0.75).sub(tensor(16777216)).toArray(), [0]);
    assertEquals(far.mul(tensor([1], { dtype: "float64" })).toArray(), [16777217]);
    assertEquals(far.maximum(tensor([0])).toArray(), [16777216]);
    assertEquals(far.eq(tensor([16777216])).toArray(), [true]);
    assertEquals(tensor([1]).add_(far).toArray(), [16777216]);
    assertEquals(far.remainder(2.5).toArray(), [1]);
    assertEquals(far.fmod(tensor([2.5])).toArray(), [1]);
    assertEquals(tensor([1]).add(tensor(16777217, { dtype: "float64" })).toArray(), [16777216]);
  });
  it("a rank-0 integer takes the dtype of the tensor beside it first, but is compared as it is", () => {
    const x = bytes(3, 200);
    const less = tensor(-2, { dtype: "int32" });
    assertEquals(x.maximum(less).toArray(), [254, 254]);
    assertEquals(x.remainder(less).toArray(), [3, 200]);
    assertEquals(x.add(less).toArray(), [1, 198]);
    assertEquals(x.gt(less).toArray(), [true, true]);
  });
  it("remainder() of no integers by 0 is empty", () => {
    assertEquals(bytes().remainder(0).shape, [0]);
    assertEquals(ints().view(0, 1).fmod(ints(0, 0)).shape, [0, 2]);
    assertThrows(() => bytes(1).remainder(0), RangeError, "remainder of uint8 by 0");
    assertThrows(() => bytes(1).remainder(tensor(256, { dtype: "int32" })), RangeError, "remainder of uint8 by 0");
  });
  it("functions of one argument see the integer as float32", () => {
    const far = ints(16777217);
    assertEquals(far.sin().toArray(), tensor([16777216]).sin().toArray());
    assertEquals(far.rsqrt().toArray(), [2 ** -12]);
    assertEquals(far.clamp(0.5, 1e9).toArray(), [16777216]);
  });
  it("logsumexp() of integers is float32", () => {
    const y = ints(1, 2).logsumexp();
    assertEquals([y.dtype, y.item().toFixed(4)], ["float32", "2.3133"]);
  });
});

describe("what has no order", () => {
  const odd = tensor([1, 2, NaN]);
  it("clamp() with a bound of NaN is NaN everywhere", () => {
    assertEquals(odd.clamp(NaN, 2).toArray(), [NaN, NaN, NaN]);
    assertEquals(odd.clamp(0, NaN).toArray(), [NaN, NaN, NaN]);
    assertEquals(odd.clampMin(NaN).toArray(), [NaN, NaN, NaN]);
    assertEquals(odd.double().clamp(0, NaN).toArray(), [NaN, NaN, NaN]);
    assertEquals(ints(1, 2).clamp(NaN, 2).toArray(), [NaN, NaN]);
  });
  it("sign() of NaN is 0, and so is that of -0", () => {
    const x = tensor([NaN, -0, 3, -0.5, -Infinity]);
    assertEquals(x.sign().toArray(), [0, 0, 1, -1, -1]);
    assertEquals(x.double().sign().toArray(), [0, 0, 1, -1, -1]);
  });
  it("clamp() keeps NaN and the sign of 0, and gives the upper bound where they cross", () => {
    assertEquals(odd.clamp(5, 2).toArray(), [2, 2, NaN]);
    assertEquals(tensor([-0, 0]).clamp(0, 1).toArray(), [-0, 0]);
  });
  for (const dtype of ["float32", "float64"] as const) {
    it(`pow() of ${dtype} is 1 where IEEE 754 says so`, () => {
      const [a, b] = [[1, -1, -1, 1, 2, NaN], [NaN, Infinity, -Infinity, -Infinity, NaN, 0]];
      const expected = [1, 1, 1, 1, NaN, 1];
      assertEquals(tensor(a, { dtype }).pow(tensor(b, { dtype })).toArray(), expected);
      assertEquals(tensor([1, 2], { dtype }).pow(NaN).toArray(), [1, NaN]);
    });
  }
});
