/** Settings of reductions and scans by name, and what they add to those by position. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as g from "@gradus/gradus";
import { type Tensor, tensor, zeros } from "@gradus/gradus";

const x = tensor([[3, 1, 2], [9, 8, 7]]);

type Reduction = (over?: unknown, keepdim?: boolean) => Tensor;

describe("reductions by name", () => {
  for (
    const name of ["sum", "prod", "mean", "var", "std", "logsumexp", "norm", "all", "any", "amax", "amin"] as const
  ) {
    it(`${name}() takes dim and keepdim by name`, () => {
      const reduce = (x[name] as Reduction).bind(x);
      assertEquals(reduce({ dim: 1, keepdim: true }).toArray(), reduce(1, true).toArray());
      assertEquals(reduce({ keepdim: true }).shape, [1, 1]);
      assertEquals(reduce({}).toArray(), reduce().toArray());
      assertThrows(() => reduce({ dims: 1 }), TypeError, 'the option "dims"');
      assertThrows(() => reduce({ keepdim: 1 }), TypeError, "give true or false");
    });
    if (name === "var") continue;
    it(`${name}() is a function too`, () => {
      const f = g[name] as (x: Tensor, ...rest: unknown[]) => Tensor;
      assertEquals(f(x, 0).toArray(), (x[name] as Reduction)(0).toArray());
    });
  }
  it("max(), min(), argmax() and argmin() take dim and keepdim by name", () => {
    assertEquals(x.max({ dim: 1, keepdim: true }).values.toArray(), [[3], [9]]);
    assertEquals(x.min({ dim: 0 }).indices.toArray(), [0, 0, 0]);
    assertEquals(x.argmax({ dim: 1 }).toArray(), [0, 0]);
    assertEquals(g.argmin(x, { dim: 1, keepdim: true }).toArray(), [[1], [2]]);
  });
  it("var(), std() and varMean() take the correction by name", () => {
    assertEquals(x.var({ dim: 1, correction: 0 }).toArray(), x.var(1, false, 0).toArray());
    assertEquals(x.var({ dim: 1, unbiased: false }).toArray(), x.var(1, false, 0).toArray());
    assertThrows(() => x.std({ unbiased: true, correction: 0 }), TypeError, "give one of the two");
    assertEquals(g.std(x, { correction: 0 }).item(), x.std(undefined, false, 0).item());
    const [variance, mean] = g.varMean(x, { dim: 0, keepdim: true });
    assertEquals([variance.toArray(), mean.toArray()], [x.var(0, true).toArray(), x.mean(0, true).toArray()]);
  });
  it("norm() takes any p by name", () => {
    const v = tensor([3, 0, -4]);
    const norms = [0, 1, 2, 3, Infinity, -Infinity, 0.5].map((p) => v.double().norm({ p }).item());
    assertEquals(norms.slice(0, 3), [2, 7, 5]);
    assertEquals(norms.slice(4, 6), [4, 0]);
    assertEquals(Math.abs(norms[3] - 91 ** (1 / 3)) < 1e-12, true);
    assertEquals(Math.abs(norms[6] - (Math.sqrt(3) + 2) ** 2) < 1e-12, true);
    assertThrows(() => x.norm(Infinity), RangeError, "norm({ p: Infinity })");
  });
  for (const p of [0.5, 1, 2, 3, Infinity]) {
    it(`norm() of zeros has slope 0 for p = ${p}`, () => {
      const zero = zeros([2]).requiresGrad_();
      zero.norm({ p }).backward();
      assertEquals(zero.g?.toArray(), [0, 0]);
    });
  }
});

describe("views by name", () => {
  it("squeeze(), unsqueeze(), flatten(), roll(), tril(), triu() and diagonal() take their arguments by name", () => {
    const y = g.arange(24).view(1, 2, 3, 4);
    assertEquals(y.squeeze({ dim: 0 }).shape, [2, 3, 4]);
    assertEquals(y.unsqueeze({ dim: -1 }).shape, [1, 2, 3, 4, 1]);
    assertEquals([y.flatten({ startDim: 2 }).shape, y.flatten({ endDim: 1 }).shape], [[1, 2, 12], [2, 3, 4]]);
    assertEquals(x.roll(1, { dims: 1 }).toArray(), x.roll(1, 1).toArray());
    assertEquals(x.tril({ diagonal: -1 }).toArray(), x.tril(-1).toArray());
    assertEquals(g.triu(x, { diagonal: 1 }).toArray(), x.triu(1).toArray());
    assertEquals(y.diagonal({ offset: 1, dim1: 2, dim2: 3 }).toArray(), y.diagonal(1, 2, 3).toArray());
  });
  it("a misspelt name is refused with the nearest", () => {
    assertThrows(() => x.flatten({ start_dim: 1 } as never), TypeError, "the nearest is startDim");
    assertThrows(() => x.tril({ k: 1 } as never), TypeError, "the only one is diagonal");
    assertThrows(() => x.unsqueeze({} as never), TypeError, "dimension undefined");
  });
});

describe("scans", () => {
  it("cumprod() of integers is int32, and refuses what does not fit", () => {
    const y = tensor([2, 3, 4], { dtype: "int32" }).cumprod({ dim: 0 });
    assertEquals([y.dtype, y.toArray()], ["int32", [2, 6, 24]]);
    assertThrows(() => tensor([65536, 65536], { dtype: "int32" }).cumprod(0), RangeError, "cumulative product");
  });
  it("cumprod() and cumsum() take views, nothing and a number", () => {
    assertEquals(x.t().cumprod(1).toArray(), [[3, 27], [1, 8], [2, 14]]);
    assertEquals([zeros([0, 2]).cumprod(0).shape, tensor(3).cumprod(0).item()], [[0, 2], 3]);
    assertEquals(x.cumsum({ dim: 1 }).toArray(), x.cumsum(1).toArray());
  });
  it("cummax() and cummin() take the last of equal ones, and NaN stays", () => {
    const y = tensor([1, 1, NaN, 3]);
    assertEquals(y.cummax(0).values.toArray(), [1, 1, NaN, NaN]);
    assertEquals(y.cummax({ dim: 0 }).indices.toArray(), [0, 1, 2, 2]);
    assertEquals(x.t().cummin(1).values.toArray(), [[3, 3], [1, 1], [2, 2]]);
    assertEquals([tensor(5).cummax(0).values.item(), zeros([2, 0]).cummin(1).values.shape], [5, [2, 0]]);
  });
  it("diff() takes differences n times, of bools whether they change", () => {
    assertEquals(tensor([1, 4, 9, 16]).diff(2).toArray(), [2, 2]);
    assertEquals(x.diff(1, 0).toArray(), [[6, 7, 5]]);
    assertEquals(tensor([true, true, false]).diff().toArray(), [false, true]);
    assertEquals([tensor([1]).diff(3).shape, tensor([1, 2]).diff(0).toArray()], [[0], [1, 2]]);
    assertThrows(() => x.diff(-1), RangeError, "give a whole number from 0");
  });
});
