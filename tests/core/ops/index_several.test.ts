import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, type DType, noGrad, ones, type Rows, tensor, zeros } from "@gradus/gradus";

const ints = (values: Rows) => tensor(values, { dtype: "int32" });
const cube = arange(24).view(2, 3, 4);

describe("index() by several indices", () => {
  it("index() picks one element for each of the tensors', which are broadcast", () => {
    assertEquals(cube.index(ints([0, 1]), ints([2, 0])).toArray(), [[8, 9, 10, 11], [12, 13, 14, 15]]);
    assertEquals(cube.index(ints([[0], [1]]), ints([0, -1]), 1).toArray(), [[1, 9], [13, 21]]);
  });
  it("index() puts the new dimensions where neighbours were indexed, else in front, as PyTorch does", () => {
    assertEquals(cube.index(":", ints([2, 0])).shape, [2, 2, 4]);
    assertEquals(cube.index(":", ints([[2, 0]]), ints([1, 3])).shape, [2, 1, 2]);
    assertEquals(cube.index(ints([0, 1, 1]), ":", ints([1, 3, 0])).shape, [3, 3]);
    assertEquals(cube.index("...", ints([1, 1])).shape, [2, 3, 2]);
    assertEquals(cube.index(null, ints([1]), "1:", "::2").shape, [1, 1, 2, 2]);
    assertEquals(cube.index(0, ":", ints([3, 1])).toArray(), [[3, 1], [7, 5], [11, 9]]);
  });
  it("index() takes masks among others, for as many dimensions as they have", () => {
    const rows = tensor([true, false, true]);
    assertEquals(cube.index(":", rows, 0).toArray(), [[0, 8], [12, 20]]);
    assertEquals(cube.index(cube.at("...", 0).gt(8), ints([1])).toArray(), [13, 17, 21]);
    assertEquals(cube.index(ints([1, 0]), rows, 0).toArray(), [12, 8]);
  });
  it("index() of views, of every dtype and of nothing", () => {
    const x = cube.permute(2, 0, 1).slice(0, undefined, undefined, -1);
    assertEquals(x.index(ints([0]), ":", ints([1])).toArray(), x.clone().index(ints([0]), ":", ints([1])).toArray());
    for (const dtype of ["bool", "uint8", "int32", "float64"] as DType[]) {
      assertEquals(ones([2, 2], { dtype }).index(ints([0]), ints([1])).dtype, dtype);
    }
    assertEquals(zeros([0, 3]).index(":", ints([0, 2])).shape, [0, 2]);
    assertEquals(ones([2, 3]).index(":", ints([]).int()).shape, [2, 0]);
  });
  it("index() without a tensor copies", () => {
    const x = zeros([2, 2]);
    x.index(0, ":").fill_(1);
    assertEquals(x.sum().item(), 0);
  });
  it("index() past the end names index, dimension and size", () => {
    const message = "Cannot take index 3 of dimension 1 with size 3: it is out of range";
    assertThrows(() => cube.index(":", ints([0, 3])), RangeError, message);
    assertThrows(() => cube.index(0, ints([0]), 4), RangeError, "Cannot select index 4 of dimension 2 with size 4");
  });
  it("index() says what is wrong", () => {
    const mask = tensor([true, false]);
    assertThrows(() => cube.index(":", mask), RangeError, "Cannot index dimension 1 with size 3 by a mask of size 2");
    assertThrows(() => cube.index(0, 0, 0, ints([0])), RangeError, "with 4 indices: it has 3 dimensions");
    assertThrows(() => cube.index(ints([0, 1]), ints([0, 1, 2])), RangeError, "Cannot index with [2] and [3]");
    assertThrows(() => cube.index(":", ones([1])), TypeError, "Cannot index with a float32 tensor");
  });
});

describe("indexPut()", () => {
  it("indexPut_() writes into what ranges and numbers name", () => {
    const x = zeros([2, 3]);
    assertEquals(x.indexPut_([0, "1:"], tensor([5, 6])).toArray(), [[0, 5, 6], [0, 0, 0]]);
    assertEquals(x.indexPut_([":", 0], 7).toArray(), [[7, 5, 6], [7, 0, 0]]);
    assertEquals(x.indexPut_([1, "..."], 1, { accumulate: true }).toArray(), [[7, 5, 6], [8, 1, 1]]);
  });
  it("indexPut_() writes by tensors, masks and views, and counts what stands twice", () => {
    const counts = zeros([2, 2], { dtype: "int32" });
    counts.t().indexPut_([ints([0, 0, 1]), ints([1, 1, 0])], 1, { accumulate: true });
    assertEquals(counts.toArray(), [[0, 1], [2, 0]]);
    assertEquals(counts.indexPut_([counts.gt(0)], 9).toArray(), [[0, 9], [9, 0]]);
  });
  it("indexPut() leaves x as it is, and the last of several values for one place stays", () => {
    const x = zeros([3]);
    assertEquals(x.indexPut([ints([1, 1])], tensor([5, 6])).toArray(), [0, 6, 0]);
    assertEquals(x.toArray(), [0, 0, 0]);
  });
  it("indexPut() sends the gradient to the values, and none to what they replaced", () => {
    const [x, v] = [ones([3]).requiresGrad_(), tensor(2).requiresGrad_()];
    x.indexPut([ints([0, 2])], v).mul(tensor([1, 2, 3])).sum().backward();
    assertEquals([x.g?.toArray(), v.g?.toArray()], [[0, 2, 0], 4]);
  });
  it("indexPut_() is noticed by the tape", () => {
    const [x, factor] = [ones([2]).requiresGrad_(), tensor([3, 4])];
    const loss = x.mul(factor).sum();
    factor.indexPut_([0], 1);
    assertThrows(() => loss.backward(), Error, "modified in place");
    assertThrows(() => x.indexPut_([0], 1), Error, 'use the method without "_"');
    assertThrows(() => x.indexPut_([ints([0])], 1), Error, 'use the method without "_"');
    noGrad(() => x.indexPut_([ints([0])], 5));
    assertEquals(x.toArray(), [5, 1]);
  });
  it("indexPut() says what is wrong", () => {
    assertThrows(() => zeros([2]).indexPut([ints([0])], ones([3])), RangeError, "Cannot write [3] by index into [1]");
    assertThrows(() => zeros([2]).indexPut([ints([2])], 1), RangeError, "index 2 of dimension 0 with size 2");
    assertThrows(() => zeros([2]).indexPut_([2], 1), RangeError, "index 2 of dimension 0 with size 2");
    assertThrows(() => zeros([2]).indexPut_(0 as never, 1), TypeError, "give an array");
  });
});

describe("masks", () => {
  const x = tensor([[1, -2], [-3, 4]]);
  it("maskedFill() keeps the dtype, broadcasts the mask, and leaves x as it is", () => {
    assertEquals(x.maskedFill(tensor([true, false]), 0).toArray(), [[0, -2], [0, 4]]);
    assertEquals(ints([1, 2]).maskedFill(tensor([true, false]), tensor(7, { dtype: "int32" })).dtype, "int32");
    assertEquals(x.maskedFill(x.lt(0), -Infinity).toArray(), [[1, -Infinity], [-Infinity, 4]]);
    assertEquals(x.at(0, 0).item(), 1);
  });
  it("maskedFill() refuses what the dtype cannot hold, and more than a number", () => {
    assertThrows(() => ints([1]).maskedFill(tensor([true]), 0.5), TypeError, "Cannot fill a int32 tensor");
    assertThrows(() => x.maskedFill(x.gt(0), ones([2])), RangeError, "give a number");
    assertThrows(() => x.maskedFill(x, 1), TypeError, "Cannot choose by a float32 tensor");
  });
  it("maskedFill_() writes", () => assertEquals(ones([2]).maskedFill_(tensor([false, true]), 3).toArray(), [1, 3]));
  it("maskedSelect() broadcasts", () => {
    assertEquals(x.maskedSelect(tensor([true, false])).toArray(), [1, -3]);
    assertEquals(tensor([1, 2]).maskedSelect(tensor([[true, true], [false, true]])).toArray(), [1, 2, 2]);
  });
  it("nonzero() has a row for each place, NaN among them", () => {
    assertEquals(tensor([[0, NaN], [3, 0]]).nonzero().toArray(), [[0, 1], [1, 0]]);
    assertEquals([zeros([2]).nonzero().shape, tensor(1).nonzero().shape], [[0, 1], [1, 0]]);
    assertEquals(x.t().gt(0).nonzero().dtype, "int32");
  });
});
