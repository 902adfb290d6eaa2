import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import { arange, full, ones, tensor, zeros } from "@gradus/gradus";
import { reduce } from "../../../core/ops/reduce.ts";
import { Tensor } from "@gradus/gradus";
import { anyShape, assertModel, filled, indices, type Model, SEEDED } from "../oracle.ts";

const ints = (...values: number[]) => tensor(values, { dtype: "int32" });

const REDUCTIONS = {
  sum: (group: number[]) => group.reduce((p, q) => p + q, 0),
  prod: (group: number[]) => group.reduce((p, q) => p * q, 1),
  max: (group: number[]) => group.toSorted((p, q) => q - p)[0],
  min: (group: number[]) => group.toSorted((p, q) => p - q)[0],
  argmax: (group: number[]) => group.indexOf(group.toSorted((p, q) => q - p)[0]),
  argmin: (group: number[]) => group.indexOf(group.toSorted((p, q) => p - q)[0]),
  any: (group: number[]) => Number(group.some((p) => p !== 0)),
  all: (group: number[]) => Number(group.every((p) => p !== 0)),
};

/** The groups gathered index by index, each reduced as a list. */
function reduceModel(
  m: Model,
  dims: readonly number[],
  keepdim: boolean,
  reduction: (group: number[]) => number,
): Model {
  const kept = [...m.shape.keys()].filter((d) => !dims.includes(d));
  const shape = keepdim ? m.shape.map((n, d) => (dims.includes(d) ? 1 : n)) : kept.map((d) => m.shape[d]);
  const at = (index: readonly number[]) => {
    const wanted = keepdim ? kept.map((d) => index[d]) : index;
    return reduction(indices(m.shape).filter((i) => kept.every((d, n) => i[d] === wanted[n])).map((i) => m.at(i)));
  };
  return { shape, at };
}

describe("reductions", () => {
  for (
    const [op, reduction] of Object.entries(REDUCTIONS) as [keyof typeof REDUCTIONS, (group: number[]) => number][]
  ) {
    it(`${op} reduces any dimensions of any strided tensor`, () => {
      fc.assert(
        fc.property(anyShape, fc.gen(), (shape, g) => {
          const { x, m } = filled(shape.toReversed(), 3);
          const reversed: Model = { shape, at: (index) => m.at(index.toReversed()) };
          const dims = g(() => fc.shuffledSubarray([...shape.keys()]));
          const empty = dims.some((d) => shape[d] === 0);
          if (empty && /m(ax|in)/.test(op)) return;
          const written = dims.map((d) => (g(fc.boolean) ? d : d - shape.length));
          const keepdim = g(fc.boolean);
          const out = reduce(op, x.permute(...shape.keys().toArray().toReversed()), written, keepdim);
          assertModel(out, reduceModel(reversed, dims, keepdim, reduction));
        }),
        SEEDED,
      );
    });
  }

  it("sum() without dimensions reduces everything, and keepdim keeps the rank", () => {
    const x = arange(6).view(2, 3);
    assertEquals([x.sum().shape, x.sum().item(), x.sum(undefined, true).shape], [[], 15, [1, 1]]);
  });
  it("sum() of a number is the number", () => {
    assertEquals([tensor(3).sum().item(), tensor(3).sum(0).item(), tensor(3).sum(-1).item()], [3, 3, 3]);
  });
  it("sum() of float32 is carried in float64 and rounded once", () => {
    // 2**24 + 1 + 1: a float32 sum would stay at 2**24.
    assertEquals(tensor([2 ** 24, 1, 1]).sum().item(), 2 ** 24 + 2);
  });
  it("sum() of bools and bytes counts in int32", () => {
    const x = full([300], 255, { dtype: "uint8" }).sum();
    assertEquals([x.dtype, x.item()], ["int32", 76500]);
    assertEquals(tensor([true, true, false]).sum().item(), 2);
  });
  it("sum() of int32 reaches both ends of int32", () => {
    assertEquals(ints(2147483646, 1).sum().item(), 2147483647);
    assertEquals(ints(-2147483647, -1).sum().item(), -2147483648);
  });
  it("sum() of int32 past 2**31 throws and names the cure", () => {
    const error = assertThrows(() => ints(2147483647, 1).sum(), RangeError);
    assertEquals(
      error.message,
      "Cannot hold the sum 2147483648 in int32: it lies outside -2147483648 to 2147483647, cast first with double()",
    );
    assertThrows(() => ints(-2147483648, -1).sum(), RangeError, "the sum -2147483649");
    assertEquals(ints(2147483647, 1).double().sum().item(), 2147483648);
  });
  it("prod() of int32 past 2**31 throws", () => {
    assertThrows(() => ints(65536, 65536).prod(), RangeError, "Cannot hold the prod 4294967296");
  });
  it("max() of integers and bools keeps the dtype", () => {
    assertEquals([ints(1, 5).max().dtype, tensor([true]).max().dtype], ["int32", "bool"]);
  });
  it("any() and all() are bool, and NaN counts as true", () => {
    assertEquals([tensor([0, NaN]).any().toArray(), tensor([NaN, 1]).all().toArray()], [true, true]);
    assertEquals(tensor([[0, 1], [0, 0]]).any(1).toArray(), [true, false]);
  });
});

describe("extremes", () => {
  it("max() and min() along a dimension give values and first indices", () => {
    const { values, indices } = tensor([[3, 9, 9], [7, 7, 1]]).max(1);
    assertEquals([values.toArray(), indices.toArray(), indices.dtype], [[9, 7], [1, 0], "int32"]);
    assertEquals(tensor([[3, 1], [1, 1]]).min(0).indices.toArray(), [1, 0]);
  });
  it("max() with keepdim keeps both", () => {
    const { values, indices } = ones([2, 3]).max(1, true);
    assertEquals([values.shape, indices.shape], [[2, 1], [2, 1]]);
  });
  it("argmax() and argmin() give the first of several", () => {
    assertEquals([tensor([1, 5, 5]).argmax().item(), tensor([2, 0, 0]).argmin().item()], [1, 1]);
  });
  it("argmax() without a dimension counts in row-major order, also of a transposed tensor", () => {
    assertEquals(tensor([[1, 2, 3], [9, 5, 6]]).t().argmax().item(), 1);
  });
  it("argmax() along -1 is along the last dimension", () => {
    assertEquals(tensor([[1, 9], [8, 2]]).argmax(-1).toArray(), [1, 0]);
    assertEquals(ones([2, 3]).argmax(0, true).shape, [1, 3]);
  });
  it("max(), min(), argmax() and argmin() give NaN the first word", () => {
    const x = tensor([1, NaN, 5, NaN]);
    assertEquals([x.max().item(), x.min().item(), x.argmax().item(), x.argmin().item()], [NaN, NaN, 1, 1]);
  });
  it("max() of infinities is their largest", () => {
    assertEquals([tensor([-Infinity]).max().item(), tensor([-Infinity]).argmax().item()], [-Infinity, 0]);
  });
});

describe("statistics", () => {
  it("mean() of nothing is NaN, sum() 0, prod() 1", () => {
    const x = zeros([0]);
    assertEquals([x.mean().item(), x.sum().item(), x.prod().item()], [NaN, 0, 1]);
    assertEquals([x.any().item(), x.all().item()], [0, 1]);
  });
  it("sum() over a dimension of 0 gives zeros for the others", () => {
    assertEquals([zeros([2, 0]).sum(1).toArray(), zeros([2, 0]).sum(0).shape], [[0, 0], [0]]);
  });
  for (const op of ["max", "min", "argmax", "argmin"] as const) {
    it(`${op}() of nothing throws`, () => {
      assertThrows(() => zeros([0])[op](), RangeError, `Cannot take the ${op} of an empty tensor of shape [0]`);
      assertThrows(() => zeros([2, 0])[op](1), RangeError, "over dimension 1");
    });
    it(`${op}() of no groups is empty`, () => {
      const out = zeros([0, 3])[op](1);
      assertEquals(out instanceof Tensor ? out.shape : out.values.shape, [0]);
    });
  }
  for (const op of ["mean", "var", "std", "norm"] as const) {
    it(`${op}() of integers throws and names the cure`, () => {
      assertThrows(
        () => ints(1, 2)[op](),
        TypeError,
        "of int32: its result may be a fraction, cast it first with float()",
      );
    });
  }
  it("var() divides by n - correction", () => {
    const x = tensor([1, 2, 3, 4]); // Σ(x − 2.5)² = 5
    assertAlmostEquals(x.var().item(), 5 / 3, 1e-6); // a few float32 roundings
    assertEquals([x.var(undefined, false, 0).item(), x.var(undefined, false, 3).item()], [1.25, 5]);
    assertEquals(x.std(undefined, false, 3).item(), Math.fround(Math.sqrt(5)));
  });
  it("std() of one element is NaN, and 0 with correction 0", () => {
    assertEquals([tensor([5]).std().item(), tensor([5]).std(undefined, false, 0).item()], [NaN, 0]);
  });
  it("var() with a correction past n is infinite, as in PyTorch", () => {
    assertEquals(tensor([1, 3]).var(undefined, false, 5).item(), Infinity);
  });
  it("var() does not lose a small spread beside a large mean", () => {
    assertEquals(tensor([1e7 + 1, 1e7 + 2, 1e7 + 3]).var().item(), 1);
  });
  it("var() and mean() along several dimensions keep the others", () => {
    const x = arange(8).view(2, 2, 2);
    assertEquals([x.mean([0, 2]).toArray(), x.mean([0, -1], true).shape], [[2.5, 4.5], [1, 2, 1]]);
    assertEquals(x.var([1, 2], false, 0).toArray(), [1.25, 1.25]);
  });
  it("norm() is the root of the sum of squares", () => {
    assertEquals([tensor([3, 4]).norm().item(), tensor([[3, 4], [0, 5]]).norm(1).toArray()], [5, [5, 5]]);
  });
});

describe("logsumexp()", () => {
  it("logsumexp() of large numbers does not overflow", () => {
    assertAlmostEquals(tensor([1000, 1000]).logsumexp().item(), 1000 + Math.LN2, 1e-4); // ε · 1000
    assertAlmostEquals(tensor([-1000, -1000]).logsumexp().item(), -1000 + Math.LN2, 1e-4);
  });
  it("logsumexp() of a row of -Infinity is -Infinity, and of one Infinity is Infinity", () => {
    const x = tensor([[-Infinity, -Infinity], [Infinity, 1], [Infinity, -Infinity], [-Infinity, 0]]);
    assertEquals(x.logsumexp(1).toArray(), [-Infinity, Infinity, Infinity, 0]);
  });
  it("logsumexp() of NaN is NaN", () => assertEquals(tensor([NaN, 1]).logsumexp().item(), NaN));
  it("logsumexp() of nothing is -Infinity", () => {
    assertEquals([zeros([0]).logsumexp().item(), zeros([2, 0]).logsumexp(1).toArray()], [-Infinity, [
      -Infinity,
      -Infinity,
    ]]);
  });
  it("logsumexp() keeps dimensions with keepdim, in float64 too", () => {
    const x = zeros([2, 4], { dtype: "float64" });
    assertEquals([x.logsumexp(1, true).shape, x.logsumexp([0, 1]).shape, x.logsumexp().dtype], [[2, 1], [], "float64"]);
    assertAlmostEquals(x.logsumexp(1).at(0).item(), Math.log(4), 1e-15); // ε
  });
});

describe("dimensions that cannot be reduced", () => {
  const x = ones([2, 3]);
  it("sum() refuses a dimension that is not there", () => {
    assertThrows(
      () => x.sum(2),
      RangeError,
      "Cannot take the sum over dimension 2: the dimension is out of range, expected -2 to 1",
    );
  });
  it("mean(), var(), norm() and logsumexp() name themselves where they refuse a dimension or keepdim", () => {
    const keep = "yes" as unknown as boolean;
    assertThrows(() => x.mean(2), RangeError, "Cannot take the mean over dimension 2");
    assertThrows(() => x.mean(0, keep), TypeError, 'Cannot take the mean with keepdim the text "yes"');
    assertThrows(() => x.var(2), RangeError, "Cannot take the variance over dimension 2");
    assertThrows(() => x.norm(2), RangeError, "Cannot take the norm over dimension 2");
    assertThrows(() => x.norm(0, keep), TypeError, "Cannot take the norm with keepdim");
    assertThrows(() => x.logsumexp(2), RangeError, "Cannot take the logsumexp over dimension 2");
  });
  it("sum() refuses a dimension twice, also written differently", () => {
    assertThrows(
      () => x.sum([1, -1]),
      RangeError,
      "Cannot take the sum over dimensions [1, -1]: one of them stands there twice",
    );
  });
});
