import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Generator } from "@gradus/gradus";
import { randomSplit, randperm, shuffledOrder } from "../../../core/random/torch_streams.ts";

describe("randperm()", () => {
  it("randperm() holds every index once", () => {
    const order = randperm(new Generator(42), 5000);
    assertEquals([...order.toSorted()], Array.from({ length: 5000 }, (_, i) => i));
  });

  it("randperm() of none or one draws nothing", () => {
    const g = new Generator(42);
    assertEquals([[...randperm(g, 0)], [...randperm(g, 1)]], [[], [0]]);
    assertEquals(g.nextWord(), new Generator(42).nextWord());
  });

  it("randperm() refuses a length that is not a whole number below 2**31", () => {
    for (const n of [-1, 1.5, NaN, 2 ** 31]) {
      assertThrows(() => randperm(new Generator(42), n), RangeError, `Cannot permute ${n} elements`);
    }
  });
});

describe("shuffledOrder()", () => {
  it("shuffledOrder() begins MNIST's first epoch as PyTorch's loader does, and takes four words", () => {
    const g = new Generator(42);
    // manual_seed(42); next(iter(DataLoader(range(60000), batch_size=4, shuffle=True))), then rand(1)
    assertEquals([...shuffledOrder(g, 60_000).slice(0, 4)], [21088, 45885, 54725, 56890]);
    assertEquals(g.nextFloat(), 0.3904482126235962);
  });
});

describe("randomSplit()", () => {
  it("randomSplit() deals out every index once", () => {
    const parts = randomSplit(new Generator(42), [3, 0, 4]);
    assertEquals(parts.map((part) => part.length), [3, 0, 4]);
    assertEquals(parts.flatMap((part) => [...part]).sort(), [0, 1, 2, 3, 4, 5, 6]);
  });

  it("randomSplit() refuses a part that is no whole number", () => {
    assertThrows(() => randomSplit(new Generator(42), [3, -1]), RangeError, "a part of -1 elements");
    assertThrows(() => randomSplit(new Generator(42), [0.7, 0.3]), RangeError, "a part of 0.7 elements");
  });
});
