import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import { arange, type DType, fromData, ones, type Rows, type Tensor, tensor, where, zeros } from "@gradus/gradus";
import { SEEDED } from "../oracle.ts";

const ints = (values: Rows) => tensor(values, { dtype: "int32" });
const x = tensor([[3, 1, 2], [9, 8, 7]]);

describe("sort()", () => {
  const values = fc.array(fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1), fc.float()), { maxLength: 40 });
  for (const dtype of ["float32", "float64"] as const) {
    for (const descending of [false, true]) {
      it(`sort() of ${dtype} is stable, ${descending ? "NaN first" : "NaN last"}`, () => {
        fc.assert(
          fc.property(values, (list) => {
            const numbers = dtype === "float32" ? Float32Array.from(list) : Float64Array.from(list);
            const { values, indices } = fromData(numbers, [list.length]).sort(-1, descending);
            const compare = (a: number, b: number) => a < b ? -1 : a > b ? 1 : Number(a !== a) - Number(b !== b);
            const order = [...list.keys()].sort((i, j) => (descending ? -1 : 1) * compare(numbers[i], numbers[j]));
            assertEquals([...indices.data], order);
            assertEquals([...values.data], order.map((i) => numbers[i]));
          }),
          SEEDED,
        );
      });
    }
  }
  it("sort() takes every dtype, views, any dimension, a number and nothing", () => {
    for (const dtype of ["bool", "uint8", "int32"] as DType[]) {
      const y = tensor([1, 0, 1]).to(dtype).sort();
      assertEquals([y.values.dtype, y.indices.toArray()], [dtype, [1, 0, 2]]);
    }
    assertEquals(ints([5, -7, 2 ** 31 - 1, -(2 ** 31)]).argsort().toArray(), [3, 1, 0, 2]);
    assertEquals(x.t().sort(0).values.toArray(), x.sort(1).values.t().toArray());
    assertEquals(arange(24).view(2, 3, 4).flip(1).sort(1).values.toArray(), arange(24).view(2, 3, 4).toArray());
    assertEquals([tensor(5).sort().values.item(), tensor(5).sort().indices.item()], [5, 0]);
    assertEquals(zeros([0, 3]).sort(0).values.shape, [0, 3]);
    assertEquals(zeros([3, 0]).sort(0).indices.shape, [3, 0]);
  });
  it("topk() takes none to all, and kthvalue() counts from 1", () => {
    assertEquals(x.topk(0).values.shape, [2, 0]);
    assertEquals(x.topk(3, { largest: false }).values.toArray(), x.sort().values.toArray());
    assertEquals(x.kthvalue(3, { keepdim: true }).values.toArray(), [[3], [9]]);
    assertEquals(x.kthvalue(1, 0).indices.toArray(), [0, 0, 0]);
  });
  it("topk() of a few among many takes what sort() begins with: equal ones as they stood, NaN as the largest", () => {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      const halves = arange(600).mul(7919).remainder(13).reshape(3, 200); // many of them equal
      const many = dtype === "int32" ? halves.int() : where(halves.eq(5), NaN, halves.sub(6)).to(dtype);
      for (const k of [0, 1, 3, 11]) {
        for (const largest of [true, false]) {
          const [few, all] = [many.topk(k, { largest }), many.sort({ descending: largest })];
          assertEquals(few.indices.toArray(), all.indices.slice(1, 0, k).toArray(), `${dtype} ${k} ${largest}`);
          assertEquals(few.values.toArray(), all.values.slice(1, 0, k).toArray());
        }
      }
    }
  });
  it("topk() and kthvalue() refuse more than there are", () => {
    assertThrows(() => x.topk(4), RangeError, "Cannot take topk() with k 4 of [2, 3] along dimension 1");
    assertThrows(() => x.kthvalue(0), RangeError, "give a whole number from 1 to 3");
    assertThrows(() => x.sort(2), RangeError, "Cannot sort along dimension 2");
    assertThrows(() => x.sort({ descending: 1 } as never), TypeError, "give true or false");
  });
});

describe("gather() and scatter()", () => {
  it("gather() takes fewer rows and columns than there are, from the end too, and views", () => {
    assertEquals(x.gather(1, ints([[-1]])).toArray(), [[2]]);
    assertEquals(x.t().gather(0, ints([[2, 0]])).toArray(), [[2, 9]]);
    assertEquals(tensor(5).gather(0, ints(0)).item(), 5);
    assertEquals(x.gather(0, zeros([0, 3], { dtype: "int32" })).shape, [0, 3]);
  });
  it("scatter() takes numbers, and sources larger than the index, in the dtype of x", () => {
    assertEquals(x.scatter(1, ints([[0], [2]]), 5).toArray(), [[5, 1, 2], [9, 8, 5]]);
    assertEquals(ints([0, 0, 0]).scatter(0, ints([2]), tensor([7, 8])).toArray(), [0, 0, 7]);
    assertEquals(zeros([3]).scatterAdd(0, ints([1, 1]), 2).toArray(), [0, 4, 0]);
  });
  it("scatter_() and its neighbours write, and scatter() does not", () => {
    const y = zeros([3]);
    y.scatter(0, ints([0]), 1);
    assertEquals(y.scatter_(0, ints([0]), 1).scatterAdd_(0, ints([0, 2]), tensor([1, 5])).toArray(), [2, 0, 5]);
    assertEquals(y.indexAdd_(0, ints([1]), ones([1]), { alpha: 3 }).toArray(), [2, 3, 5]);
  });
  it("indexSelect() and indexAdd() take any dimension, and slices twice", () => {
    assertEquals(x.indexSelect(1, ints([2, 2])).toArray(), [[2, 2], [7, 7]]);
    assertEquals(zeros([2, 2]).indexAdd(1, ints([0, 0]), ones([2, 2])).toArray(), [[2, 0], [2, 0]]);
  });
  it("gradients of what stands twice add up", () => {
    const y = x.detach().clone().requiresGrad_();
    y.gather(1, ints([[0, 0], [1, 2]])).sum().backward();
    assertEquals(y.g?.toArray(), [[2, 0, 0], [0, 1, 1]]);
  });
  it("an index past the end names index, dimension and size", () => {
    const calls: (() => Tensor)[] = [
      () => x.gather(1, ints([[3]])),
      () => x.scatter(1, ints([[3]]), 1),
      () => x.scatterAdd(1, ints([[3]]), 1),
      () => x.indexSelect(1, ints([3])),
      () => x.indexAdd(1, ints([3]), ones([2, 1])),
    ];
    for (const call of calls) assertThrows(call, RangeError, "Cannot take index 3 of dimension 1 with size 3");
  });
  it("shapes that do not fit are named", () => {
    assertThrows(
      () => x.gather(1, ints([0])),
      RangeError,
      "Cannot gather [2, 3] along dimension 1 by an index of shape [1]",
    );
    assertThrows(() => x.gather(1, ints([[0], [0], [0]])), RangeError, "by an index of shape [3, 1]");
    assertThrows(() => x.scatter(1, ints([[0, 1]]), ones([1, 1])), RangeError, "a source of shape [1, 1]");
    assertThrows(() => x.indexAdd(0, ints([0]), ones([2, 3])), RangeError, "expected [1, 3]");
    assertThrows(() => x.indexSelect(0, ints([[0]])), RangeError, "give a vector");
    assertThrows(() => x.gather(1, ones([1, 1])), TypeError, "Cannot index with a float32 tensor");
    assertThrows(() => tensor([true]).scatterAdd(0, ints([0]), true), TypeError, "Cannot add bools");
  });
});
