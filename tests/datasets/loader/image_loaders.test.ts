import { assertEquals, assertThrows } from "@std/assert";
import { arange, manualSeed, tensor, zeros } from "@gradus/gradus";
import { digits, imageLoaders, normalizationOf, randomFlip } from "@gradus/gradus/data";
import { describe, it } from "../../bdd.ts";

const set = digits({ train: 130, test: 20, seed: 3 });

describe("imageLoaders()", () => {
  it("imageLoaders() shuffles what is learned from, and keeps the order of the test set", () => {
    manualSeed(5);
    const { train, valid, normalize } = imageLoaders(set);
    assertEquals([train.length, valid.length, normalize], [3, 1, normalizationOf(set.train.images)]);
    const [[x, y]] = valid;
    assertEquals([x.shape, x.dtype, y.dtype], [[20, 1, 28, 28], "float32", "int32"]);
    assertEquals(y.toArray(), set.test.labels.toArray());
    const [first] = [...train].map(([, y]) => y.toArray());
    assertEquals(`${first}` === `${set.train.labels.at(":64").toArray()}`, false);
  });
  it("imageLoaders() gives pictures in the shape that a network takes, and those with channels as they are", () => {
    const [[rows]] = imageLoaders(set, { shape: [784] }).train;
    const colours = { images: zeros([4, 3, 5, 6]), labels: tensor([0, 1, 2, 3]) };
    const [[planes]] = imageLoaders({ train: colours, test: colours }).valid;
    assertEquals([rows.shape, planes.shape], [[64, 784], [4, 3, 5, 6]]);
    assertThrows(() => imageLoaders(set, { shape: [28] }), RangeError);
  });
  it("imageLoaders() changes the pictures that are learned from alone", () => {
    const row = { images: arange(0, 4, 1, { dtype: "uint8" }).view(1, 1, 4), labels: tensor([0]) };
    const options = { normalize: { mean: 0, std: 1 / 255 }, transform: randomFlip({ p: 1 }) };
    const { train, valid } = imageLoaders({ train: row, test: row }, options);
    const [[turned], [whole]] = [...train, ...valid];
    const rounded = [turned, whole].map((x) => x.view(-1).round().toArray());
    assertEquals(rounded, [[3, 2, 1, 0], [0, 1, 2, 3]]);
  });
});
