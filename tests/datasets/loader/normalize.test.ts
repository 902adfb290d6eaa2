import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, stack, type Tensor, tensor, useBackend } from "@gradus/gradus";
import { DataLoader, normalizationOf, Normalizer, normalizer, Subset, TensorDataset } from "@gradus/gradus/data";
import { backend } from "../../../core/backend/choose.ts";

describe("Normalizer", () => {
  const images = tensor([[0, 255], [255, 0], [51, 51]], { dtype: "uint8" }).view(3, 1, 2);
  const rows = tensor([2, 0], { dtype: "int32" });

  it("Normalizer.all() normalizes every picture, in the shape it has", () => {
    assertEquals(new Normalizer({ mean: 0.5, std: 0.5 }).all(images).toArray(), [
      ...[[[-1, 1]], [[1, -1]], [[Math.fround(-0.6), Math.fround(-0.6)]]],
    ]);
  });
  it("Normalizer.rows() gives the rows that all() gives, of bytes and of floats", () => {
    const one = new Normalizer({ mean: 0.5, std: 0.5 });
    for (const x of [images, images.double()]) {
      assertEquals(one.rows(x, rows).toArray(), one.all(x).index(rows).toArray());
    }
  });
});

describe("DataLoader with normalize", () => {
  it("DataLoader normalizes bytes: their 255th part, less the mean, by the deviation, in float32", () => {
    const dataset = new TensorDataset(tensor([[0, 51], [255, 1]], { dtype: "uint8" }), tensor([1, 2]));
    const [[x, y]] = new DataLoader(dataset, { batchSize: 2, normalize: { mean: 0.1307, std: 0.3081 } });
    const f = Math.fround;
    const expected = [0, 51, 255, 1].map((byte) => f(f(f(byte / 255) - f(0.1307)) / f(0.3081)));
    assertEquals([x.dtype, x.shape, [...x.data], y.toArray()], ["float32", [2, 2], expected, [1, 2]]);
  });

  it("DataLoader normalizes bytes by the kernel to the bits of a look-up", () => {
    const bytes = arange(0, 256, 1, { dtype: "uint8" });
    const normalize = { mean: 0.1307, std: 0.3081 };
    const [found] = new DataLoader(new TensorDataset(bytes), { batchSize: 256, normalize });
    const before = backend().name;
    useBackend("reference");
    const [expected] = new DataLoader(new TensorDataset(bytes), { batchSize: 256, normalize });
    useBackend(before);
    assertEquals([...found[0].data], [...expected[0].data]);
  });

  it("DataLoader normalizes a subset, and pictures of several dimensions, as normalizer() does", () => {
    const images = arange(0, 240, 1, { dtype: "uint8" }).view(10, 2, 3, 4), normalize = { mean: 0.4, std: 0.2 };
    const subset = new Subset(new TensorDataset(images, arange(0, 10)), [7, 2, 9]);
    const [[x, y]] = new DataLoader(subset, { batchSize: 3, normalize });
    const expected = normalizer(normalize)(images).index(tensor([7, 2, 9], { dtype: "int32" }));
    assertEquals([x.shape, x.toArray(), y.toArray()], [[3, 2, 3, 4], expected.toArray(), [7, 2, 9]]);
  });

  it("DataLoader normalizes floats in memory, a batch at a time, and leaves them as they were", () => {
    const values = tensor([[1], [3], [5]]);
    const [[x]] = new DataLoader(new TensorDataset(values), { batchSize: 3, normalize: { mean: 1, std: 2 } });
    assertEquals([x.toArray(), values.toArray()], [[[0], [1], [2]], [[1], [3], [5]]]);
  });

  it("DataLoader leaves what a collate of one's own makes of samples to be normalized", () => {
    const dataset = new TensorDataset(tensor([[0], [255]], { dtype: "uint8" }));
    const collate = (samples: (readonly [Tensor])[]) => stack(samples.map(([x]) => x)).view(-1);
    const [x] = new DataLoader(dataset, { batchSize: 2, collate, normalize: { mean: 0.5, std: 0.5 } });
    assertEquals(x.toArray(), [-1, 1]);
  });

  it("DataLoader normalizes other numbers without dividing by 255, and leaves the dataset as it was", () => {
    const values = tensor([1, 3]);
    const [x] = new DataLoader([values], { normalize: { mean: 1, std: 2 } });
    assertEquals([x.toArray(), values.toArray()], [[[0, 1]], [1, 3]]);
  });

  it("DataLoader refuses to normalize what does not begin with a tensor", () => {
    const loader = new DataLoader(["a"], { normalize: { mean: 0, std: 1 } });
    assertThrows(() => [...loader], TypeError, "does not begin with a tensor");
  });
});

describe("normalizationOf()", () => {
  it("takes mean and deviation of bytes as parts of 255", () => {
    const { mean, std } = normalizationOf(tensor([[0, 255]], { dtype: "uint8" }));
    assertEquals([mean, std], [0.5, Math.fround(Math.SQRT1_2)]);
  });

  it("takes other numbers as they are, and leaves them", () => {
    const [ints, floats] = [tensor([1, 2, 3], { dtype: "int32" }), tensor([1, 2, 3], { dtype: "float64" })];
    assertEquals([ints, floats].map(normalizationOf), [{ mean: 2, std: 1 }, { mean: 2, std: 1 }]);
    assertEquals(floats.toArray(), [1, 2, 3]);
  });
});
