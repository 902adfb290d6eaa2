import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import { arange, ones, tensor, zeros } from "@gradus/gradus";
import { oneHot, pick } from "../../../core/ops/index.ts";
import { assertModel, filled, fullShape, indices, modelOf, SEEDED, values } from "../oracle.ts";

const ints = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "int32" });

describe("at()", () => {
  const x = arange(24).view(2, 3, 4);
  const m = arange(9).view(3, 3);
  const forms: [string, unknown, unknown][] = [
    ["x[1]", m.at(1).toArray(), [3, 4, 5]],
    ["x[-1]", m.at(-1).toArray(), [6, 7, 8]],
    ["x[1, 2]", m.at(1, 2).item(), 5],
    ["x[:, 1]", m.at(":", 1).toArray(), [1, 4, 7]],
    ["x[i, :]", m.at(2, ":").toArray(), [6, 7, 8]],
    ["x[:2]", m.at(":2").toArray(), [[0, 1, 2], [3, 4, 5]]],
    ["x[2:]", m.at("2:").toArray(), [[6, 7, 8]]],
    ["x[0:2, 0:2]", m.at("0:2", "0:2").toArray(), [[0, 1], [3, 4]]],
    ["x[0:5, 0:5] past the end", m.at("0:5", "0:5").toArray(), m.toArray()],
    ["x[-2:]", m.at("-2:", 0).toArray(), [3, 6]],
    ["x[::2]", m.at("::2", 0).toArray(), [0, 6]],
    ["x[::-1]", m.at("::-1", 0).toArray(), [6, 3, 0]],
    ["x[1::-1]", m.at("1::-1", 0).toArray(), [3, 0]],
    ["x[2:0:-1]", m.at("2:0:-1", 0).toArray(), [6, 3]],
    ["x[5:1]", m.at("5:1").shape, [0, 3]],
    ["c[None, :]", arange(3).at(null, ":").shape, [1, 3]],
    ["c[:, None]", arange(3).at(":", null).shape, [3, 1]],
    ["c[None, :] of a column", arange(3).unsqueeze(1).at(null, ":").shape, [1, 3, 1]],
    ["c[:, None] of a column", arange(3).unsqueeze(1).at(":", null).shape, [3, 1, 1]],
    ["res[:, 0]", ones([5, 1]).at(":", 0).shape, [5]],
    ["res[None, :, None]", ones([5, 1]).at(null, ":", null).shape, [1, 5, 1, 1]],
    ["a[i].unsqueeze(-1)", m.at(1).unsqueeze(-1).toArray(), [[3], [4], [5]]],
    ["x[..., -1]", x.at("...", -1).toArray(), [[3, 7, 11], [15, 19, 23]]],
    ["x[0, ...]", x.at(0, "...").shape, [3, 4]],
    ["x[..., None]", x.at("...", null).shape, [2, 3, 4, 1]],
    ["x[1, ..., 2] without anything between", m.at(1, "...", 2).item(), 5],
    ["x[0, None, 1:, 1:3]", x.at(0, null, "1:", "1:3").toArray(), [[[5, 6], [9, 10]]]],
    ["x[()]", m.at().shape, [3, 3]],
    ["x[...] of a number", tensor(3).at("...").shape, []],
    ["x[None] of a number", tensor(3).at(null).shape, [1]],
    ["x[ 1 : 3 ] with spaces", m.at(" 1 : 3 ", 0).toArray(), [3, 6]],
  ];
  for (const [name, actual, expected] of forms) it(`at() reads ${name}`, () => assertEquals(actual, expected));

  it("at() is a view: writing c[i, j] writes c", () => {
    const c = zeros([2, 2]);
    c.at(1, 0).add_(5);
    c.at(0).copy_(tensor([1, 2]));
    assertEquals(c.toArray(), [[1, 2], [5, 0]]);
  });
  it("at() without indices is another view of the same memory", () => {
    const y = m.at();
    assertStrictEquals(y.data, m.data);
    assertEquals(y === m, false);
  });

  it("at() refuses more indices than dimensions", () => {
    assertThrows(() => m.at(0, 0, 0), RangeError, "Cannot index [3, 3] with 3 indices: it has 2 dimensions");
    assertThrows(() => tensor(1).at(0), RangeError, "Cannot index [] with 1 indices");
  });
  it("at() refuses an index out of range", () => {
    assertThrows(() => ones([3]).at(5), RangeError, "Cannot select index 5 of dimension 0 with size 3");
  });
  for (const text of ["1", "a:b", "1:2:3:4", "", "1.5:", "--1:", ".."]) {
    it(`at() refuses "${text}"`, () => {
      assertThrows(() => m.at(text), SyntaxError, `Cannot read the index "${text}"`);
    });
  }
  it("at() refuses two ellipses", () => {
    assertThrows(() => x.at("...", "..."), SyntaxError, "an ellipsis may stand once");
  });
  it("at() refuses a step of 0", () => {
    assertThrows(() => m.at("::0"), RangeError, "a step of 0");
  });
});

describe("index() by whole numbers", () => {
  it("index() picks rows, with the shape of the indices in front", () => {
    fc.assert(
      fc.property(fullShape, fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), fc.gen(), (shape, by, g) => {
        const { x, m } = filled(shape, 1);
        const count = indices(by).length;
        const rows = Array.from({ length: count }, () => g(fc.integer, { min: -shape[0], max: shape[0] - 1 }));
        const places = modelOf(rows, by);
        const at = (index: readonly number[]) => {
          const row = places.at(index.slice(0, by.length));
          return m.at([row < 0 ? row + shape[0] : row, ...index.slice(by.length)]);
        };
        assertModel(x.index(ints(rows).view(...by)), { shape: [...by, ...shape.slice(1)], at });
      }),
      SEEDED,
    );
  });
  it("index() reads through the strides of what it picks from", () => {
    assertEquals(arange(6).view(2, 3).t().index(ints([2, 0])).toArray(), [[2, 5], [0, 3]]);
    assertEquals(arange(6).view(2, 3).at(":", 1).index(ints([1])).toArray(), [4]);
  });
  it("index() by uint8 labels picks too", () => {
    assertEquals(tensor([5, 6, 7]).index(tensor(Uint8Array.of(2, 2))).toArray(), [7, 7]);
  });
  it("index() keeps the dtype and copies", () => {
    const x = tensor([true, false]);
    const y = x.index(ints([0]));
    assertEquals([y.dtype, y.data === x.data], ["bool", false]);
  });
  it("index() by a strided tensor reads its strides", () => {
    assertEquals(tensor([5, 6, 7]).index(ints([[0, 9], [2, 9]]).at(":", 0)).toArray(), [5, 7]);
  });
  for (const i of [3, -4]) {
    it(`index() refuses ${i} of 3`, () => {
      const message = `Cannot take index ${i} of dimension 0 with size 3`;
      assertThrows(() => ones([3]).index(ints([0, i])), RangeError, message);
    });
  }
  it("index() picks rows without elements from anywhere", () => {
    const x = zeros([5, 2, 0]);
    assertEquals(x.slice(1, 1).index(ints([4, 0, -1])).shape, [3, 1, 0]);
    assertEquals(x.slice(0, 2).index(ints([2])).shape, [1, 2, 0]);
    assertEquals(zeros([5, 0]).slice(0, 4).index(tensor([true])).shape, [1, 0]);
    assertThrows(() => x.slice(1, 1).index(ints([5])), RangeError, "index 5");
  });
  it("index() refuses a float tensor and a tensor of rank 0", () => {
    assertThrows(() => ones([3]).index(ones([1])), TypeError, "Cannot index with a float32 tensor");
    assertThrows(() => tensor(1).index(ints([0])), RangeError, "Cannot index a tensor of rank 0");
  });
});

describe("index() by a mask", () => {
  it("index() keeps the places where the mask is true", () => {
    const cases = fullShape.chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length)));
    fc.assert(
      fc.property(cases, fc.gen(), ([shape, rank], g) => {
        const { x, m } = filled(shape, 1);
        const lead = shape.slice(0, rank);
        const on = indices(lead).map(() => g(fc.boolean));
        const kept = indices(lead).filter((_, i) => on[i]);
        const flat = kept.flatMap((head) => indices(shape.slice(rank)).map((tail) => m.at([...head, ...tail])));
        const mask = tensor(on.map(Number)).view(...lead).ne(0);
        const out = x.index(mask);
        assertModel(out, modelOf(flat, [kept.length, ...shape.slice(rank)]));
      }),
      SEEDED,
    );
  });
  it("index() reads a transposed mask by its strides", () => {
    const x = arange(4).view(2, 2);
    assertEquals(x.index(tensor([[true, true], [false, false]]).t()).toArray(), [0, 2]);
  });
  it("index() by a comparison is the documents' filter", () => {
    const x = tensor([3, -1, 2]);
    assertEquals(x.index(x.gt(0)).toArray(), [3, 2]);
  });
  it("index() refuses a mask of another shape", () => {
    assertThrows(() => ones([2, 3]).index(tensor([true, false, true])), RangeError, "by a mask of shape [3]");
    assertThrows(() => ones([2]).index(tensor([[true], [true]])), RangeError, "by a mask of shape [2, 1]");
  });
});

describe("pick() and oneHot()", () => {
  const x = arange(6).view(2, 3);
  it("pick() takes one column of each row", () => {
    assertEquals(pick(x, ints([2, 0])).toArray(), [2, 3]);
    assertEquals(pick(x.t(), ints([1, 0, 1])).toArray(), [3, 1, 5]);
  });
  it("oneHot() has a single 1 a row", () => {
    assertEquals(oneHot(ints([2, 0]), 3).toArray(), [[0, 0, 1], [1, 0, 0]]);
    assertEquals(values({ shape: [2], at: ([i]) => oneHot(ints([2, 0]), 3).sum(1).at(i).item() }), [1, 1]);
  });
  for (const column of [3, -1]) {
    it(`pick() and oneHot() refuse column ${column} of 3`, () => {
      const message = `the target ${column} is out of bounds, expected 0 to 2`;
      assertThrows(() => pick(x, ints([0, column])), RangeError, message);
      assertThrows(() => oneHot(ints([column]), 3), RangeError, message);
    });
  }
  it("pick() refuses targets of another number or dtype", () => {
    assertThrows(() => pick(x, ints([0])), RangeError, "expected int32 or uint8 of shape [2]");
    assertThrows(() => pick(x, ones([2])), RangeError, "by float32 of shape [2]");
  });
});
