import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { arange, fromData, Generator, manualSeed, nn, optim, rand, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as data from "@gradus/gradus/data";
import { DataLoader, randomCrop, randomErase, randomFlip, randomShift, TensorDataset } from "@gradus/gradus/data";
import { Learner } from "@gradus/gradus/train";
import { describe, it } from "../../bdd.ts";

/** n pictures of one row with the numbers 1, 2, 3, …. */
const rows = (n: number, w = 4) => arange(1, 1 + n * w).view(n, 1, w);

describe("randomCrop()", () => {
  it("randomCrop() cuts windows out at places that the seed decides", () => {
    const x = arange(16).view(1, 4, 4);
    const corners = new Set<number>();
    manualSeed(3);
    for (let i = 0; i < 200; i++) {
      const [[a, b], [c, d]] = (randomCrop({ size: 2 })(x).toArray() as number[][][])[0];
      assertEquals([b - a, c - a, d - a], [1, 4, 5]);
      corners.add(a);
    }
    assertEquals([...corners].sort((a, b) => a - b), [0, 1, 2, 4, 5, 6, 8, 9, 10]);
  });
  it("randomCrop() draws the row and then the column of each picture", () => {
    const generator = new Generator(5), same = new Generator(5);
    const x = arange(2 * 9).view(2, 3, 3);
    const cut = randomCrop({ size: 1, generator })(x).view(-1).toArray();
    const places = [0, 1].map((i) => 9 * i + 3 * same.nextBelow(3) + same.nextBelow(3));
    assertEquals(cut, places);
  });
  it("randomCrop() moves all channels of a picture alike, and keeps the dtype", () => {
    manualSeed(1);
    const x = zeros([8, 3, 5, 4], { dtype: "uint8" }).add(arange(0, 8, 1, { dtype: "uint8" }).view(8, 1, 1, 1));
    const cut = randomCrop({ padding: [2, 1], fill: 9 })(x);
    assertEquals([cut.dtype, cut.shape], ["uint8", [8, 3, 5, 4]]);
    for (const channel of [1, 2]) assertEquals(cut.at(":", channel).toArray(), cut.at(":", 0).toArray());
  });
  it("randomCrop() says by how much a window is too large", () => {
    assertThrows(
      () => randomCrop({ size: 9, padding: 2 })(zeros([1, 4, 6])),
      RangeError,
      "Cannot crop [9, 9] out of [4, 6] with padding [2, 2]: give a smaller size or more padding",
    );
    assertThrows(() => randomCrop({ padding: 1.5 }), RangeError, "with padding 1.5: give a whole number from 0");
    assertThrows(() => randomCrop()(zeros([4, 6])), RangeError, "expected [n, …, height, width]");
    assertThrows(() => randomCrop({ padding: 1, fill: -1 })(zeros([1, 2, 2], { dtype: "uint8" })), RangeError, "fill");
  });
});

describe("randomShift()", () => {
  it("randomShift() fills what a picture leaves behind", () => {
    manualSeed(0);
    const shifted = randomShift({ most: [0, 1], fill: 7 })(rows(32));
    const starts = [[7, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 7]];
    (shifted.toArray() as number[][][]).forEach(([row], i) => {
      const own = row.map((value, j) => value === 7 && (j === 0 || j === 3) ? 7 : value - 4 * i);
      assert(i === 1 || starts.some((start) => `${start}` === `${own}`), `${own}`); // picture 1 has a 7 of its own
    });
  });
  it("randomShift() may move a picture out of sight", () => {
    assert(randomShift({ most: 50, generator: new Generator(1) })(rows(40)).eq(0).any().item() === 1);
  });
});

describe("randomFlip()", () => {
  it("randomFlip() mirrors about half of the pictures, and the same ones for the same seed", () => {
    const x = rows(400, 2);
    const turned = randomFlip({ generator: new Generator(4) })(x);
    const count = turned.ne(x).any(2).sum().item();
    assert(count > 150 && count < 250, `${count}`); // 200 ± 5 standard deviations of 10
    assertEquals(randomFlip({ generator: new Generator(4) })(x).toArray(), turned.toArray());
  });
  it("randomFlip() leaves its input as it is", () => {
    const x = rows(1);
    assertEquals([randomFlip({ p: 1 })(x).toArray(), x.toArray()], [[[[4, 3, 2, 1]]], [[[1, 2, 3, 4]]]]);
    assertThrows(() => randomFlip({ p: 2 }), RangeError, "Cannot flip with probability 2: it must lie from 0 to 1");
  });
});

describe("randomErase()", () => {
  it("randomErase() writes over a rectangle within scale and ratio", () => {
    manualSeed(2);
    const erased = randomErase({ p: 1, scale: [0.1, 0.2], ratio: [0.5, 2] })(zeros([50, 20, 30]).add(1));
    for (let i = 0; i < 50; i++) {
      const gone = erased.at(i).eq(0);
      const [h, w] = [gone.any(1).sum().item(), gone.any(0).sum().item()];
      assertEquals(gone.sum().item(), h * w); // one rectangle
      assert(h * w >= 0.08 * 600 && h * w <= 0.23 * 600, `${h}×${w}`); // sides are rounded
    }
  });
  it("randomErase() writes noise of mean 0 and standard deviation 1", () => {
    manualSeed(2);
    const noise = randomErase({ p: 1, scale: [0.5, 0.5], ratio: [1, 1], value: "noise" })(zeros([40, 2, 40, 40]));
    const values = Array.from(noise.data).filter((value) => value !== 0);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    assertEquals(values.length, 40 * 2 * 28 * 28);
    assertAlmostEquals(mean, 0, 5 / Math.sqrt(values.length));
    assertAlmostEquals(variance, 1, 5 * Math.sqrt(2 / values.length));
  });
  it("randomErase() leaves a picture where no rectangle fits into it", () => {
    const x = rows(1);
    assertEquals(randomErase({ p: 1, scale: [1, 1], ratio: [1, 1] })(x).toArray(), x.toArray());
    assertThrows(() => randomErase({ scale: [0.5, 2] }), RangeError, "Cannot erase with scale [0.5, 2]");
    const bytes = zeros([1, 4, 4], { dtype: "uint8" });
    assertThrows(() => randomErase({ value: "noise" })(bytes), TypeError, "Cannot erase with noise in a uint8 tensor");
  });
});

describe("testTimeAugmentation()", () => {
  it("testTimeAugmentation() is the mean over the views that are given", () => {
    const sum = (x: Tensor) => x.sum([1, 2]);
    assertEquals(data.testTimeAugmentation(sum, rows(2), [(x) => x, (x) => x.mul(2), (x) => x.mul(6)]).toArray(), [
      30,
      78,
    ]);
    assertThrows(() => data.testTimeAugmentation(sum, rows(1), []), RangeError, "over no view");
  });
});

describe("DataLoader with transform", () => {
  const dataset = new TensorDataset(fromData(Uint8Array.from([0, 255, 255, 0]), [2, 1, 2]), tensor([0, 1]));

  it("DataLoader transforms a batch after it was normalized, one transform after the other", () => {
    const transform = [(x: Tensor) => x.add(1), data.horizontalFlip];
    const [[x, y]] = new DataLoader(dataset, { batchSize: 2, normalize: { mean: 0, std: 1 }, transform });
    assertEquals([x.toArray(), y.toArray()], [[[[2, 1]], [[1, 2]]], [0, 1]]);
  });
  it("DataLoader draws for a batch when it is given out, also where batches come as promises", async () => {
    const drawn = async (prefetch: number) => {
      manualSeed(1);
      const slow = { length: 6, get: (i: number) => Promise.resolve(rows(6).at(i)) };
      const found = [];
      for await (const x of new DataLoader(slow, { batchSize: 2, prefetch, transform: randomFlip() })) {
        found.push(x.toArray(), rand([1]).item());
      }
      return found;
    };
    assertEquals(await drawn(3), await drawn(0));
  });
  it("a Learner that goes on from its state sees the pictures that it would have seen", async () => {
    const make = () => {
      manualSeed(8);
      const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 2));
      const train = new DataLoader(new TensorDataset(rand([12, 1, 4]), zeros([12], { dtype: "int32" })), {
        ...{ batchSize: 4, shuffle: true, transform: [randomShift({ most: [0, 1] }), randomFlip()] },
      });
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      return new Learner({ model, optimizer, loss: nn.functional.crossEntropy, data: { train } });
    };
    const whole = make();
    await whole.fit(2);
    const first = make();
    await first.fit(1);
    const resume = first.stateDict(); // before the next seed is set
    const second = make();
    await second.fit(2, { resume });
    assertEquals(second.history.map(({ trainLoss }) => trainLoss), whole.history.map(({ trainLoss }) => trainLoss));
  });
  it("DataLoader refuses a transform that is no function", () => {
    assertThrows(
      () => new DataLoader([1], { transform: 3 as never }),
      TypeError,
      "Cannot transform batches by the num",
    );
  });
});
