import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, Generator, manualSeed, tensor, zeros } from "@gradus/gradus";
import {
  collate,
  ConcatDataset,
  DataLoader,
  type Dataset,
  randomSplit,
  Subset,
  TensorDataset,
} from "@gradus/gradus/data";
import reference from "../../reference/torch_reference.json" with { type: "json" };

const squares: Dataset<number> = { length: 10, get: (i) => i * i };

describe("TensorDataset", () => {
  const dataset = new TensorDataset(tensor([[1, 2], [3, 4], [5, 6]]), tensor([7, 8, 9]));

  it("TensorDataset gives row i of each tensor, sharing its memory", () => {
    const [x, y] = dataset.get(1);
    assertEquals([dataset.length, x.toArray(), y.item()], [3, [3, 4], 8]);
    assert(x.data === dataset.tensors[0].data);
  });

  it("TensorDataset.getBatch() gathers rows in the order asked for, of every kind", () => {
    const bytes = new TensorDataset(tensor([[1, 2], [3, 4]], { dtype: "uint8" }), tensor([true, false]));
    const [x, y] = bytes.getBatch(new Int32Array([1, 0, 1]));
    assertEquals([x.dtype, x.toArray(), y.toArray()], ["uint8", [[3, 4], [1, 2], [3, 4]], [false, true, false]]);
  });

  it("TensorDataset refuses tensors of different numbers of rows, single numbers, and none", () => {
    assertThrows(() => new TensorDataset(zeros([2]), zeros([3, 1])), RangeError, "[2] and [3, 1]: each needs");
    assertThrows(() => new TensorDataset(tensor(1)), RangeError, "a dataset of []");
    assertThrows(() => new TensorDataset(), RangeError, "a dataset of no tensor");
  });
});

describe("Subset", () => {
  it("Subset gives the samples it names, in its order", () => {
    const subset = new Subset(squares, [3, 1]);
    assertEquals([subset.length, subset.get(0), subset.get(1)], [2, 9, 1]);
  });

  it("Subset gathers through the dataset under it, and only where that can", () => {
    const subset = new Subset(new TensorDataset(arange(10)), [8, 5, 2]);
    assertEquals(subset.getBatch!(new Int32Array([2, 0]))[0].toArray(), [2, 8]);
    assertEquals(new Subset(squares, [1]).getBatch, undefined);
  });

  it("Subset refuses samples that are not there", () => {
    for (const i of [-1, 10, 1.5]) assertThrows(() => new Subset(squares, [i]), RangeError, `sample ${i} of 10`);
  });
});

describe("randomSplit()", () => {
  for (const seed of [0, 1, 42, 123456789]) {
    it(`randomSplit() of 10 in 7 and 3 after manualSeed(${seed}) is PyTorch's`, () => {
      manualSeed(seed);
      const key = `manual_seed(${seed}); random_split(range(10), [7, 3]) indices` as keyof typeof reference.random;
      assertEquals(
        randomSplit(squares, [7, 3]).map(({ indices }) => [...indices]),
        reference.random[key] as number[][],
      );
    });
  }

  it("randomSplit() takes fractions, and deals what rounding leaves to the first parts", () => {
    const parts = randomSplit(squares, [0.33, 0.33, 0.34], new Generator(1));
    assertEquals(parts.map(({ length }) => length), [4, 3, 3]);
    assertEquals(parts.flatMap(({ indices }) => [...indices]).sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("randomSplit() refuses lengths that do not sum to the dataset's", () => {
    assertThrows(() => randomSplit(squares, [7, 2]), RangeError, "10 samples into parts of 7 + 2: they sum to 9");
    assertThrows(() => randomSplit(squares, [11, -1]), RangeError, "a part of -1 elements");
  });
});

describe("collate()", () => {
  it("collate() sets tensors on a new dimension 0", () => {
    assertEquals(collate([tensor([1, 2]), tensor([3, 4])]).toArray(), [[1, 2], [3, 4]]);
  });

  it("collate() takes views as the elements they show", () => {
    assertEquals(collate([tensor([[1, 2], [3, 4]]).t()]).toArray(), [[[1, 3], [2, 4]]]);
  });

  it("collate() stacks typed arrays, each of its own kind", () => {
    const kinds = [Float32Array, Float64Array, Int32Array, Uint8Array].map((kind) => {
      const batch = collate([new kind([1, 2, 3]), new kind([4, 5, 6])]);
      assertEquals(batch.toArray(), [[1, 2, 3], [4, 5, 6]]);
      return batch.dtype;
    });
    assertEquals(kinds, ["float32", "float64", "int32", "uint8"]);
  });

  it("collate() makes a typed array in a sample one part of it", () => {
    const [x, { mask }] = collate([[new Float32Array([1, 2]), { mask: new Uint8Array([0, 1]) }] as const]);
    assertEquals([x.toArray(), mask.toArray()], [[[1, 2]], [[0, 1]]]);
  });

  it("collate() refuses typed arrays of different lengths, and of kinds that no tensor has", () => {
    assertThrows(() => collate([new Float32Array(2), new Float32Array(3)]), RangeError, "Cannot stack [2] and [3]");
    assertThrows(() => collate([new Int16Array(2)]), TypeError, "Cannot see a Int16Array as a tensor");
  });

  it("collate() makes float32 of numbers, whole or not, and bool of truths", () => {
    const kinds = [[1, 2], [1, 2.5], [true]].map((samples) => collate<number | boolean>(samples).dtype);
    assertEquals(kinds, ["float32", "float32", "bool"]);
  });

  it("collate() keeps integers that are declared", () => {
    const labels = [2, 0].map((label) => tensor(label, { dtype: "int32" }));
    assertEquals([collate(labels).dtype, collate(labels).toArray()], ["int32", [2, 0]]);
  });

  it("collate() leaves objects of a class an array", () => {
    const days = [new Date(0), new Date(1)];
    assertEquals(collate(days.map((day) => ({ day }))), { day: days });
  });

  it("collate() keeps pairs and named parts, and leaves words an array", () => {
    const [x, { label, word }] = collate(
      [[tensor([1]), { label: 3, word: "a" }], [tensor([2]), { label: 4, word: "b" }]] as [
        ReturnType<typeof tensor>,
        { label: number; word: string },
      ][],
    );
    assertEquals([x.toArray(), label.toArray(), word], [[[1], [2]], [3, 4], ["a", "b"]]);
  });

  it("collate() promotes tensors of different kinds, as PyTorch's default_collate does", () => {
    const batch = collate([tensor([1]), tensor([true])]);
    assertEquals([batch.dtype, batch.toArray()], ["float32", [[1], [1]]]);
  });

  it("collate() refuses tensors of different shapes, and pairs with triples", () => {
    assertThrows(() => collate([zeros([2]), zeros([3])]), RangeError, "Cannot stack [2] and [3]: tensor 1");
    assertThrows(() => collate([[1, 2], [1, 2, 3]]), RangeError, "of 2 and of 3 parts");
  });
});

describe("ConcatDataset", () => {
  const part = (...x: number[]) => new TensorDataset(tensor(x), tensor(x.map((v) => [v, -v])));

  it("counts and fetches over all datasets, empty ones among them", () => {
    const all = new ConcatDataset([part(1, 2), new Subset(part(9), []), part(3)]);
    assertEquals(all.length, 3);
    assertEquals([0, 1, 2].map((i) => all.get(i)[0].item()), [1, 2, 3]);
    for (const i of [3, -1, 0.5]) assertThrows(() => all.get(i), RangeError, `Cannot take sample ${i} of 3`);
  });

  it("gathers a batch of several datasets in the order that is asked for", () => {
    const all = new ConcatDataset([part(1, 2), part(3), part(4, 5)]);
    const [x, y] = all.getBatch!(new Int32Array([4, 0, 2, 3, 0]));
    assertEquals(x.toArray(), [5, 1, 3, 4, 1]);
    assertEquals(y.toArray(), [[5, -5], [1, -1], [3, -3], [4, -4], [1, -1]]);
  });

  it("loads samples that have no faster way, and batches that come as promises", async () => {
    const slow = { length: 2, get: (i: number) => 10 * i };
    const [batch] = new DataLoader(new ConcatDataset([slow, slow]), { batchSize: 4 });
    assertEquals(batch.toArray(), [0, 10, 0, 10]);
    const rows = part(1, 2);
    const late = {
      length: 2,
      get: (i: number) => Promise.resolve(rows.get(i)),
      getBatch: (which: Int32Array) => Promise.resolve(rows.getBatch(which)),
    };
    const found: unknown[] = [];
    for await (const [x] of new DataLoader(new ConcatDataset([late, late]), { batchSize: 3 })) found.push(x.toArray());
    assertEquals(found, [[1, 2, 1], [2]]);
  });

  it("refuses nothing, and what is no dataset", () => {
    assertThrows(() => new ConcatDataset([]), RangeError, "Cannot join no datasets");
    assertThrows(
      () => new ConcatDataset([tensor([1])] as never),
      TypeError,
      "Cannot join a Tensor: give a dataset, new TensorDataset",
    );
  });
});
