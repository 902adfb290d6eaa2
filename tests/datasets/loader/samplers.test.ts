import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Generator, manualSeed, randint, tensor } from "@gradus/gradus";
import {
  DataLoader,
  RandomSampler,
  type Sampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from "@gradus/gradus/data";
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

const FIVE = [0, 1, 2, 3, 4];

describe("RandomSampler", () => {
  it("draws what PyTorch's draws from the default generator", () => {
    manualSeed(0);
    assertEquals([...new RandomSampler(FIVE)], [1, 3, 4, 2, 0]);
    assertEquals([...new RandomSampler(FIVE, { numSamples: 12 })], [1, 4, 2, 3, 0, 2, 0, 1, 4, 3, 0, 1]);
    const again = new RandomSampler(FIVE, { replacement: true, numSamples: 40 });
    assertEquals([...again].slice(28), [4, 2, 3, 3, 2, 0, 3, 2, 1, 1, 2, 4, 4].slice(1)); // past PyTorch's first 32
    assertEquals(randint(0, 1000, [1]).item(), 427);
  });

  it("draws what PyTorch's draws from one generator, one sampler after the other", () => {
    const generator = new Generator(7);
    const samplers: Sampler[] = [
      new RandomSampler(FIVE, { generator }),
      new RandomSampler(FIVE, { replacement: true, numSamples: 3, generator }),
      new SubsetRandomSampler([10, 20, 30, 40], { generator }),
      new RandomSampler(FIVE, { numSamples: 2, generator }),
    ];
    const found = samplers.map((sampler) => [...sampler]);
    assertEquals(found, [[0, 1, 3, 2, 4], [3, 1, 3], [40, 10, 20, 30], [2, 3]]);
    assertEquals(samplers.map(({ length }) => length), [5, 3, 4, 2]);
  });

  it("orders a DataLoader as PyTorch's does", () => {
    manualSeed(3);
    const loader = new DataLoader(FIVE, { batchSize: 2, sampler: new RandomSampler(FIVE, { numSamples: 7 }) });
    assertEquals([...loader].map((batch) => batch.toArray()), [[1, 4], [3, 0], [2, 2], [3]]);
  });

  it("refuses what has no samples, and no number of them", () => {
    assertThrows(() => new RandomSampler([]), RangeError, "Cannot draw samples of a dataset that has none");
    assertThrows(() => new RandomSampler(FIVE, { numSamples: 0 }), RangeError, "Cannot draw 0 samples");
    assertThrows(() => new RandomSampler(5 as never), TypeError, "Cannot draw samples of the number 5");
    assertThrows(() => new SubsetRandomSampler(5 as never), TypeError, "give their numbers, as in [0, 2]");
    assertThrows(() => new RandomSampler(FIVE, { generator: 7 as never }), TypeError, "as new Generator(42)");
  });
});

describe("a sampler with a generator of its own", () => {
  const makers: Record<string, (generator: Generator) => Sampler> = {
    RandomSampler: (generator) => new RandomSampler(FIVE, { replacement: true, generator }),
    SubsetRandomSampler: (generator) => new SubsetRandomSampler(FIVE, { generator }),
    WeightedRandomSampler: (generator) => new WeightedRandomSampler([1, 2, 3, 4, 5], 5, { generator }),
  };
  for (const [name, make] of Object.entries(makers)) {
    it(`${name} goes on where the state of a DataLoader was taken, within an epoch and in the next ones`, () => {
      const loaderOf = (seed: number) => new DataLoader(FIVE, { batchSize: 2, sampler: make(new Generator(seed)) });
      const [whole, resumed] = [loaderOf(5), loaderOf(99)];
      const epoch = (loader: typeof whole) => [...loader].map((batch) => batch.toArray());
      epoch(whole);
      const loop = whole[Symbol.iterator]();
      loop.next();
      resumed.loadStateDict(structuredClone(loop.stateDict()));
      const rest = [...loop].map((batch) => batch.toArray());
      assertEquals(epoch(resumed), rest);
      for (let i = 0; i < 3; i++) assertEquals(epoch(resumed), epoch(whole));
    });
  }
});
