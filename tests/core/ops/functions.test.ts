import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as g from "@gradus/gradus";
import { type DType, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as functions from "../../../core/ops/functions.ts";

type Method = (...args: unknown[]) => Tensor;

const positive = tensor([[0.25, 0.5], [0.75, 1]]);

/** Arguments after the first, for functions that have others. */
const REST: Record<string, unknown[]> = {
  ...Object.fromEntries(
    [
      "maximum",
      "minimum",
      "atan2",
      "hypot",
      "add",
      "sub",
      "mul",
      "div",
      "pow",
      "remainder",
      "fmod",
      "logaddexp",
      "eq",
      "ne",
      "lt",
      "le",
      "gt",
      "ge",
      "logicalAnd",
      "logicalOr",
    ]
      .map((name) => [name, [ones([2])]]),
  ),
  lerp: [ones([2]), 0.5],
  addcmul: [ones([2]), ones([2]), { value: 2 }],
  addcdiv: [ones([2]), ones([2]), { value: 2 }],
};

/** Functions of all elements, or of those along a dimension; by_name.test.ts tries them. */
const OF_MANY = [
  ...["sum", "prod", "mean", "std", "logsumexp", "norm", "all", "any", "argmax", "argmin", "cumsum", "cumprod"],
];

describe("functions of numbers", () => {
  for (const [name, f] of Object.entries(functions) as unknown as [string, Method][]) {
    if (OF_MANY.includes(name)) continue;
    const call = (x: Tensor) => f(x, ...REST[name] ?? []);
    it(`${name}() is the method of that name, and public`, () => {
      assertEquals(g[name as keyof typeof g], f);
      const method = Reflect.get(positive, name) as Method;
      assertEquals(call(positive).toArray(), method.apply(positive, REST[name] ?? []).toArray());
    });
    it(`${name}() takes a view, nothing, a number and integers`, () => {
      assertEquals(call(positive.t()).toArray(), call(positive.t().clone()).toArray());
      assertEquals(call(zeros([0, 2])).shape, [0, 2]);
      const numbers = (REST[name] ?? []).map((b) => Object(b).shape === undefined ? b : tensor(1));
      assertEquals(f(tensor(0.5), ...numbers).shape, []);
      for (const dtype of ["uint8", "int32"] as DType[]) call(ones([2, 2], { dtype }));
    });
  }
  it("views are functions too", () => {
    const x = ones([2, 3]);
    const shapes = [
      g.reshape(x, [-1]),
      g.permute(x, [1, 0]),
      g.transpose(x, 0, 1),
      g.t(x),
      g.unsqueeze(x, 0),
      g.flatten(x),
    ];
    assertEquals(shapes.map(({ shape }) => shape), [[6], [3, 2], [3, 2], [3, 2], [1, 2, 3], [6]]);
    assertEquals([g.squeeze(g.unsqueeze(x, 0)).shape, g.narrow(x, 1, 0, 2).shape, g.select(x, 0, 1).shape], [[2, 3], [
      2,
      2,
    ], [3]]);
  });
  it("logaddexp() of infinities is theirs", () => {
    const [x, y] = [tensor([Infinity, -Infinity, -Infinity, 1000]), tensor([1, -Infinity, 2, 1000])];
    assertEquals(x.logaddexp(y).toArray(), [Infinity, -Infinity, 2, Math.fround(1000 + Math.LN2)]);
  });
  it("trunc() of int32 stays int32, and atan2() and hypot() of it are float32", () => {
    const x = tensor([3, -4], { dtype: "int32" });
    assertEquals([x.trunc().dtype, x.atan2(2).dtype, x.hypot(x).dtype], ["int32", "float32", "float32"]);
    assertEquals(x.hypot(tensor([4, 3], { dtype: "int32" })).toArray(), [5, 5]);
  });
  it("log2(), log10() and exp2() are exact for powers", () => {
    assertEquals(tensor([8, 0.5]).log2().toArray(), [3, -1]);
    assertEquals(tensor([1000, 1]).log10().toArray(), [3, 0]);
    assertEquals(tensor([10, -1]).exp2().toArray(), [1024, 0.5]);
  });
  it("atan2() of shapes that do not broadcast says what they are", () => {
    assertThrows(() => ones([2]).atan2(ones([3])), RangeError, "Cannot take the angle of [2] and [3]");
  });
});
