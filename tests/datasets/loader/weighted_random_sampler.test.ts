import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Generator, manualSeed, tensor } from "@gradus/gradus";
import { DataLoader, WeightedRandomSampler } from "@gradus/gradus/data";
import { BACKENDS, courseRandom, onBackend } from "../../course_reference.ts";

const WEIGHTS = [0.1, 0.9, 0.4, 0.7];

describe("WeightedRandomSampler", () => {
  for (const seed of [0, 42]) {
    for (const name of BACKENDS) {
      it(`draws what PyTorch's draws for seed ${seed} (${name})`, () => {
        manualSeed(seed);
        const found = onBackend(name, () => [...new WeightedRandomSampler(WEIGHTS, 8)]);
        assertEquals(found, courseRandom[`manual_seed(${seed}); WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 8)`]);
      });
    }
  }
  it("draws anew each time, from its own generator and tensors too", () => {
    const sampler = new WeightedRandomSampler(tensor(WEIGHTS), 40, { generator: new Generator(3) });
    const [first, second] = [[...sampler], [...sampler]];
    assertEquals([first.length, first.join() === second.join()], [40, false]);
  });
  it("draws each sample once without replacement", () => {
    const once = new WeightedRandomSampler(WEIGHTS, 4, { replacement: false });
    assertEquals([...once].sort(), [0, 1, 2, 3]);
  });
  it("orders the batches of a DataLoader", async () => {
    const sampler = new WeightedRandomSampler([0, 1, 0], 4);
    const batches: unknown[] = [];
    const loader = new DataLoader(["a", "b", "c"], { batchSize: 2, sampler, collate: (samples) => samples });
    for await (const batch of loader) batches.push(batch);
    assertEquals(batches, [["b", "b"], ["b", "b"]]);
  });
  it("refuses what are no weights, and no number of samples", () => {
    assertThrows(() => new WeightedRandomSampler("x" as never, 1), TypeError, "give weights in an array or a tensor");
    assertThrows(() => new WeightedRandomSampler([1], 0), RangeError, "give a whole number from 1");
    assertThrows(() => [...new WeightedRandomSampler([-1, 1], 1)], RangeError, "one is negative");
    assertThrows(() => [...new WeightedRandomSampler([1], 2, { replacement: false })], RangeError, "there are fewer");
  });
});
