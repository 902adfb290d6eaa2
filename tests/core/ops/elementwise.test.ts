import { assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import type { UnaryOp } from "../../../core/backend/backend.ts";
import { BINARY, UNARY } from "../../../core/backend/reference/formulas.ts";
import { type DType, fromData, nn, ones, Tensor, tensor } from "@gradus/gradus";
import { binary, unary } from "../../../core/ops/elementwise.ts";
import { anyShape, assertModel, broadcastModel, filled, type Model, SEEDED, smallerShape, values } from "../oracle.ts";

const ints = (...values: number[]) => tensor(values, { dtype: "int32" });
const bytes = (...values: number[]) => tensor(Uint8Array.from(values));

const PLAIN = {
  add: (p: number, q: number) => p + q,
  sub: (p: number, q: number) => p - q,
  mul: (p: number, q: number) => p * q,
  maximum: (p: number, q: number) => (p > q ? p : q),
  lt: (p: number, q: number) => Number(p < q),
};

/** Operations whose public name is another one, or that are an option of it. */
const OTHER_NAMES: Record<string, string> = {
  copy: "clone",
  not: "logicalNot",
  and: "logicalAnd",
  or: "logicalOr",
  geluTanh: "gelu",
};

describe("the formulas", () => {
  it("are methods of a tensor, or functions of nn.functional, each of them", () => {
    const names = Object.keys({ ...UNARY, ...BINARY }).map((op) => OTHER_NAMES[op] ?? op);
    assertEquals(names.filter((name) => !(name in Tensor.prototype || name in nn.functional)), []);
  });
});

describe("broadcasting", () => {
  for (const [op, plain] of Object.entries(PLAIN) as [keyof typeof PLAIN, typeof PLAIN["add"]][]) {
    it(`${op}() reads both operands as if they had the larger shape`, () => {
      const cases = anyShape.chain((full) =>
        fc.tuple(fc.constant(full), smallerShape(full), fc.boolean(), fc.boolean())
      );
      fc.assert(
        fc.property(cases, ([full, small, swapped, reversed]) => {
          // A transposed operand, so that strides and broadcasting meet.
          const wide = filled(full.toReversed(), 1);
          const big = reversed
            ? { x: wide.x.permute(...full.keys().toArray().toReversed()), m: turn(wide.m) }
            : filled(full, 1);
          const [a, b] = swapped ? [filled(small, 2), big] : [big, filled(small, 2)];
          const [p, q] = [values(broadcastModel(a.m, full)), values(broadcastModel(b.m, full))];
          const expected = p.map((value, i) => plain(value, q[i]));
          const out = binary(op, a.x, b.x);
          assertEquals(out.shape, full);
          assertEquals([...out.data], expected);
        }),
        SEEDED,
      );
    });
  }

  it("add() keeps its operands as they were", () => {
    const { x, m } = filled([2, 3], 1);
    x.add(x.at(0));
    assertModel(x, m);
  });
});

function turn(m: Model): Model {
  return { shape: m.shape.toReversed(), at: (index) => m.at(index.toReversed()) };
}

describe("dtypes of results", () => {
  const dtypes: DType[] = ["bool", "uint8", "int32", "float32", "float64"];
  for (const a of dtypes) {
    it(`lt() of ${a} is bool`, () => assertEquals(ones([2], { dtype: a }).lt(ones([2])).dtype, "bool"));
    const expected = a === "float64" ? "float64" : "float32";
    it(`div() of ${a} by itself is ${expected}`, () => {
      const x = ones([2], { dtype: a }).div(ones([2], { dtype: a }));
      assertEquals([x.dtype, x.toArray()], [expected, [1, 1]]);
    });
    it(`exp() of ${a} is ${expected}`, () => assertEquals(ones([2], { dtype: a }).exp().dtype, expected));
  }
  for (const op of ["abs", "relu", "floor", "ceil", "round", "sign", "square", "neg"] as UnaryOp[]) {
    it(`${op} of int32 stays int32`, () => assertEquals(unary(op, ints(3)).dtype, "int32"));
  }
  it("div() of integers keeps the fraction", () => assertEquals(ints(7, -7).div(2).toArray(), [3.5, -3.5]));
  it("clamp() of int32 stays int32 between whole bounds, and not between fractions", () => {
    assertEquals(ints(-9, 2).clamp(-1, 1).dtype, "int32");
    assertEquals(ints(-9, 2).clampMin(0).toArray(), [0, 2]);
    assertEquals(ints(-9, 2).clamp(0).toArray(), [0, 2]);
    assertEquals(ints(-9, 2).clamp(-0.5, 1).toArray(), [-0.5, 1]);
  });
  it("clamp() of bool between whole bounds is int32, so that no bool holds a 2", () => {
    const x = tensor([true, false]).clamp(2, 3);
    assertEquals([x.dtype, x.toArray()], ["int32", [2, 2]]);
  });
});

describe("whole numbers", () => {
  it("add() and mul() of int32 wrap at 2**31", () => {
    assertEquals(ints(2147483647).add(1).item(), -2147483648);
    assertEquals(ints(65536).mul(65536).item(), 0);
  });
  it("mul() of int32 wraps exactly where the product passes 2**53", () => {
    assertEquals(ints(123456789).mul(987654321).item(), Number(BigInt.asIntN(32, 123456789n * 987654321n)));
  });
  it("pow() of int32 wraps exactly", () => {
    assertEquals(ints(3, -3, 7).pow(31).toArray(), [3n, -3n, 7n].map((n) => Number(BigInt.asIntN(32, n ** 31n))));
    assertEquals(ints(2, 5, 0).pow(0).toArray(), [1, 1, 1]);
  });
  it("pow() of int32 by a negative tensor keeps the whole part", () => {
    assertEquals(ints(1, -1, -1, 2).pow(ints(-3, -3, -2, -1)).toArray(), [1, -1, 1, 0]);
  });
  it("pow() of int32 by a negative number is refused", () => {
    assertThrows(() => ints(2).pow(-1), RangeError, "Cannot raise int32 to the power -1");
  });
  it("add(), sub() and mul() of uint8 wrap at 256", () => {
    assertEquals(bytes(200).add(bytes(100)).item(), 44);
    assertEquals(bytes(1).sub(bytes(2)).item(), 255);
    assertEquals(bytes(20).mul(bytes(20)).item(), 144);
  });
  it("lt() compares a byte with a number that no byte holds", () => {
    assertEquals(bytes(200).lt(256).toArray(), [true]);
    assertEquals(bytes(255).eq(-1).toArray(), [false]);
    assertEquals(ints(5).lt(2 ** 40).toArray(), [true]);
  });
  it("remainder() of int32 by 0 is refused", () => {
    assertThrows(
      () => binary("remainder", ints(5, 6), ints(2, 0)),
      RangeError,
      "Cannot take the remainder of int32 by 0",
    );
  });
});

describe("bools", () => {
  const [p, q] = [tensor([true, true, false]), tensor([true, false, false])];
  it("add() of bools is true where either is", () => {
    const x = p.add(q);
    assertEquals([x.dtype, [...x.data]], ["bool", [1, 1, 0]]);
  });
  it("mul() of bools is true where both are", () => assertEquals(p.mul(q).toArray(), [true, false, false]));
  it("sub() of bools is refused", () => {
    assertThrows(() => p.sub(q), TypeError, "Cannot subtract bool tensors");
  });
  it("neg() of bools is refused", () => {
    assertThrows(() => p.neg(), TypeError, "Cannot negate a bool tensor");
  });
  it("and, or and not take anything but 0 for true", () => {
    const [x, y] = [tensor([0, 2, NaN]), tensor([1, 0, 1])];
    assertEquals(binary("and", x, y).toArray(), [false, false, true]);
    assertEquals(binary("or", x, y).toArray(), [true, true, true]);
    assertEquals(unary("not", x).toArray(), [true, false, false]);
  });
});

describe("numbers at the edge", () => {
  it("relu(), clamp() and maximum() let NaN through", () => {
    const x = tensor([NaN]);
    for (const y of [x.relu(), x.clamp(0, 1), x.clampMin(0), x.maximum(1), tensor([1]).maximum(x), x.minimum(1)]) {
      assertEquals(y.toArray(), [NaN]);
    }
  });
  it("eq() is false and ne() true for NaN", () => {
    const x = tensor([NaN]);
    assertEquals([x.eq(x).toArray(), x.ne(x).toArray(), x.le(x).toArray()], [[false], [true], [false]]);
  });
  it("clamp() takes its upper bound where the bounds cross, as PyTorch does", () => {
    assertEquals(tensor([0, 3, 9]).clamp(5, 1).toArray(), [1, 1, 1]);
  });
  it("round() sends halves to the even neighbour and keeps the sign of zero", () => {
    assertEquals(unary("round", tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4, -2.6])).toArray(), [
      0,
      2,
      2,
      -0,
      -2,
      -2,
      2,
      -3,
    ]);
    assertEquals(unary("round", tensor([NaN, Infinity, -Infinity])).toArray(), [NaN, Infinity, -Infinity]);
    // assertEquals() takes −0 for 0; the reciprocal tells them apart.
    const zeros = unary("round", tensor([-0, -0.1, -0.5, 0, 0.1, 0.5]));
    assertEquals(unary("sign", tensor(1).div(zeros)).toArray(), [-1, -1, -1, 1, 1, 1]);
  });
  it("remainder() takes the sign of the divisor and fmod that of the dividend", () => {
    const [x, y] = [tensor([7, -7, 7, -7]), tensor([3, 3, -3, -3])];
    assertEquals(binary("remainder", x, y).toArray(), [1, 2, -2, -1]);
    assertEquals(binary("fmod", x, y).toArray(), [1, -1, 1, -1]);
  });
  it("div() by 0 is infinite, and of 0 NaN", () => {
    assertEquals(tensor([1, -1, 0]).div(0).toArray(), [Infinity, -Infinity, NaN]);
    assertEquals(ints(1, -1, 0).div(ints(0, 0, 0)).toArray(), [Infinity, -Infinity, NaN]);
  });
  it("sigmoid() and tanh() reach their ends without NaN", () => {
    assertEquals(tensor([-1000, 1000]).sigmoid().toArray(), [0, 1]);
    assertEquals(tensor([-1000, 1000]).tanh().toArray(), [-1, 1]);
  });
  it("mul() rounds a number to float32 before it multiplies, as PyTorch does", () => {
    assertStrictEquals(tensor([3]).mul(0.1).item(), Math.fround(3 * Math.fround(0.1)));
  });

  // Digits from Abramowitz & Stegun, table 7.1 (10 places), and OEIS A007680 for erf(1).
  for (const [x, y] of [[0, 0], [0.5, 0.5204998778], [1, 0.8427007929], [2, 0.9953222650], [3, 0.9999779095]]) {
    it(`erf of ${x} is ${y}, and odd`, () => {
      const at = (value: number) => unary("erf", fromData(Float64Array.of(value), [1])).item();
      assertAlmostEquals(at(x), y, 5e-11); // half a unit of the table's last place
      assertAlmostEquals(at(-x), -y, 5e-11);
    });
  }
  it("erf is continuous where its two formulas meet", () => {
    const [p, q] = unary("erf", fromData(Float64Array.of(2.5 - 1e-12, 2.5 + 1e-12), [2])).toArray() as number[];
    assertAlmostEquals(p, q, 1e-14); // 2e-12 apart at a slope of 0.0022, and a few ε
  });
  it("erf of infinity is 1 and of NaN is NaN", () => {
    assertEquals(unary("erf", tensor([Infinity, -Infinity, NaN])).toArray(), [1, -1, NaN]);
  });
});
