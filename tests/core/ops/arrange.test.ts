import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as g from "@gradus/gradus";
import { arange, type DType, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as functions from "../../../core/ops/arrange.ts";

type Call = (x: Tensor) => Tensor | Tensor[];

const matrix = arange(6).view(2, 3);

/** Every function of a tensor, of a matrix of any size. */
const CALLS: Record<string, Call> = {
  chunk: (x) => g.chunk(x, 2, -1),
  split: (x) => g.split(x, 2, { dim: -1 }),
  unbind: (x) => g.unbind(x, 1),
  movedim: (x) => g.movedim(x, -1, 0),
  flip: (x) => g.flip(x, -1),
  roll: (x) => g.roll(x, 4, -1),
  rot90: (x) => g.rot90(x, -1),
  repeat: (x) => g.repeat(x, 2, 1, 3),
  tile: (x) => g.tile(x, 2),
  repeatInterleave: (x) => g.repeatInterleave(x, 2, -1),
  tril: (x) => g.tril(x),
  triu: (x) => g.triu(x, -1),
  diagonal: (x) => g.diagonal(x, 1),
  diag: (x) => g.diag(x, -1),
  trace: (x) => g.trace(x),
  hstack: (x) => g.hstack([x, x]),
  vstack: (x) => g.vstack([x, x]),
  meshgrid: (x) => g.meshgrid([x.select(0, 0), tensor([1, 2])]),
};

const arrays = (found: Tensor | Tensor[]) => [found].flat().map((x) => x.toArray());

describe("arranging", () => {
  it("is tried with every function", () => {
    assertEquals(Object.keys(functions).filter((name) => name !== "dimOf").sort(), Object.keys(CALLS).sort());
  });
  for (const [name, call] of Object.entries(CALLS)) {
    it(`${name}() of a view is that of its copy`, () => {
      const x = arange(12).view(3, 4).t().slice(0, undefined, undefined, 2);
      assertEquals(arrays(call(x)), arrays(call(x.clone())));
    });
    it(`${name}() takes every dtype, and keeps it`, () => {
      for (const dtype of ["bool", "uint8", "int32", "float64"] as DType[]) {
        const found = [call(ones([2, 3], { dtype }))].flat();
        const expected = name === "trace" && dtype !== "float64" ? "int32" : dtype;
        if (name !== "meshgrid") assertEquals(found.map((y) => y.dtype), found.map(() => expected));
      }
    });
    it(`${name}() takes one row, and columns of nothing`, () => {
      for (const shape of [[1, 3], [1, 1], [2, 0]]) call(zeros(shape));
    });
  }
  it("copies where PyTorch copies, and gives views where it does", () => {
    const x = ones([2, 2]);
    for (const y of [x.flip(0), x.roll(0, 0), x.repeat(1, 1), x.rot90(0), x.diag()]) y.zero_();
    assertEquals(x.sum().item(), 4);
    for (const y of [x.chunk(2)[0], x.unbind(1)[0], x.diagonal()]) y.fill_(5);
    assertEquals(x.toArray(), [[5, 5], [5, 5]]);
  });
  it("roll() goes round however far, and over everything without dimensions", () => {
    assertEquals(matrix.roll(-4).toArray(), [[4, 5, 0], [1, 2, 3]]);
    assertEquals(matrix.roll(7, 1).toArray(), matrix.roll(1, 1).toArray());
  });
  it("rot90() of four quarters is the same, and of −1 that of 3", () => {
    assertEquals(matrix.rot90(4).toArray(), matrix.toArray());
    assertEquals(matrix.rot90(-1).toArray(), [[3, 0], [4, 1], [5, 2]]);
    assertEquals(matrix.rot90(2).toArray(), [[5, 4, 3], [2, 1, 0]]);
  });
  it("repeatInterleave() takes a count for each slice, and none for all elements", () => {
    assertEquals(matrix.repeatInterleave(tensor([0, 2], { dtype: "int32" }), 0).toArray(), [[3, 4, 5], [3, 4, 5]]);
    assertEquals(matrix.repeatInterleave(1).toArray(), [0, 1, 2, 3, 4, 5]);
  });
  it("tril() and triu() take batches, and diagonals outside", () => {
    const x = ones([2, 2, 2]);
    assertEquals(x.tril().toArray(), [[[1, 0], [1, 1]], [[1, 0], [1, 1]]]);
    assertEquals([matrix.triu(5).sum().item(), matrix.tril(5).sum().item()], [0, 15]);
  });
  it("diagonal() outside of a matrix is empty", () => assertEquals(matrix.diagonal(7).shape, [0]));
  it("meshgrid() in the order of pictures exchanges the first two", () => {
    const [x] = g.meshgrid([tensor([1, 2]), tensor([3, 4, 5])], { indexing: "xy" });
    assertEquals(x.toArray(), [[1, 2], [1, 2], [1, 2]]);
  });
  it("says what is wrong", () => {
    const cases: [() => unknown, string][] = [
      [() => matrix.chunk(0), "Cannot chunk [2, 3] into 0 parts: give a whole number from 1"],
      [() => matrix.split([1, 1], 1), "Cannot split [2, 3] at dimension 1 into [1, 1]: the sizes must add up to 3"],
      [() => matrix.split(0), "Cannot split [2, 3] into parts of 0: give a whole size from 1"],
      [() => matrix.roll([1, 2], [0]), "Cannot roll by [1, 2] along [0]"],
      [() => matrix.flip(0, -2), "Cannot flip [2, 3] along [0, -2]: one of them stands there twice"],
      [() => matrix.repeat(2), "Cannot repeat [2, 3] by [2]: give a number for each of its 2 dimensions"],
      [() => matrix.repeatInterleave([1], 2), "Cannot repeat the slices along dimension 2"],
      [() => matrix.repeatInterleave([1, 2, 3], 0), "Cannot repeat the 2 slices of [2, 3] along dimension 0"],
      [() => matrix.diagonal(0, 1, -1), "Cannot take the diagonal of [2, 3] along 1 and -1"],
      [() => matrix.chunk(2, 2), "Cannot chunk dimension 2: the dimension is out of range, expected -2 to 1"],
      [() => tensor(1).unbind(), "Cannot unbind a tensor of rank 0"],
      [() => tensor([1]).tril(), "Cannot take tril() of [1]: give a matrix"],
      [() => g.vstack([]), "Cannot vstack no tensors"],
    ];
    for (const [call, message] of cases) assertThrows(call, RangeError, message);
  });
  it("chunk() refuses a misspelt option", () => {
    assertThrows(() => matrix.chunk(2, { dimension: 1 } as never), TypeError, 'the option "dimension"');
  });
});
