import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { digits, type LabelledImages } from "@gradus/gradus/data";

const PIXELS = 784;

/** The share of `test` whose nearest picture in `train`, by squared distance, has the same label. */
function nearestNeighbour(train: LabelledImages, test: LabelledImages): number {
  const known = train.images.data, unknown = test.images.data, count = test.labels.numel();
  let right = 0;
  for (let i = 0; i < count; i++) {
    let best = Infinity, label = -1;
    for (let j = 0; j < train.labels.numel(); j++) {
      let distance = 0;
      for (let p = 0; p < PIXELS; p++) distance += (known[j * PIXELS + p] - unknown[i * PIXELS + p]) ** 2;
      if (distance < best) [best, label] = [distance, train.labels.data[j]];
    }
    right += Number(label === test.labels.data[i]);
  }
  return right / count;
}

describe("digits()", () => {
  const { name, source, train, test } = digits({ train: 1500, test: 300, seed: 0 });

  it("digits() gives pictures uint8 [n, 28, 28] and labels uint8 [n]", () => {
    assertEquals([train.images.shape, train.labels.shape], [[1500, 28, 28], [1500]]);
    assertEquals([test.images.shape, test.labels.shape], [[300, 28, 28], [300]]);
    assertEquals([train.images.dtype, train.labels.dtype], ["uint8", "uint8"]);
  });

  it("digits() says where they come from", () => {
    assertEquals([name, source], ["digits", "built-in generator, seed 0"]);
  });

  it("digits() gives the same for the same seed", () => {
    const again = digits({ train: 100, test: 300, seed: 0 });
    assertEquals(again.test.images.data, test.images.data);
    assertEquals(again.train.images.data, train.images.data.subarray(0, 100 * PIXELS));
  });

  it("digits() gives others for another seed", () => {
    assertNotEquals(digits({ train: 0, test: 300, seed: 1 }).test.labels.data, test.labels.data);
  });

  it("digits() tests with none of the pictures it trains with", () => {
    const picture = (data: ArrayLike<number>, i: number) =>
      String(Array.prototype.slice.call(data, i * PIXELS, (i + 1) * PIXELS));
    const seen = new Set(Array.from({ length: 1500 }, (_, i) => picture(train.images.data, i)));
    assertEquals(seen.size, 1500);
    for (let i = 0; i < 300; i++) assert(!seen.has(picture(test.images.data, i)));
  });

  it("digits() writes each digit about as often as the others", () => {
    const counts = new Array(10).fill(0);
    train.labels.data.forEach((label) => counts[label]++);
    const deviation = Math.sqrt(1500 * 0.1 * 0.9); // of a binomial count; 4 of them is 1 in 16,000
    for (const count of counts) assert(Math.abs(count - 150) < 4 * deviation, `${counts}`);
  });

  it("digits() leaves most of a picture empty and inks some of it fully", () => {
    for (let i = 0; i < 300; i++) {
      const picture = test.images.data.subarray(i * PIXELS, (i + 1) * PIXELS);
      const inked = picture.filter((level) => level > 0).length;
      assert(inked > 20 && inked < PIXELS / 2, `${inked} pixels of picture ${i} are inked`);
      assert(Math.max(...picture) > 150);
    }
  });

  it("digits() can be told apart: the nearest of 1,500 pictures is right for more than 8 of 10", () => {
    assert(nearestNeighbour(train, test) > 0.8);
  });

  it("digits() gives empty parts for counts of 0", () => {
    assertEquals(digits({ train: 0, test: 0 }).train.images.shape, [0, 28, 28]);
  });

  for (const count of [-1, 1.5, NaN, 2 ** 60]) {
    it(`digits() refuses ${count} digits`, () => {
      assertThrows(() => digits({ train: count }), RangeError, `Cannot write ${count} digits`);
    });
  }
});
