import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, defaultGenerator, Generator, manualSeed, type Tensor, tensor } from "@gradus/gradus";
import { DataLoader, type DataLoaderOptions, Subset, TensorDataset } from "@gradus/gradus/data";
import { randperm } from "../../../core/random/torch_streams.ts";
import reference from "../../reference/torch_reference.json" with { type: "json" };

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const numbers = (loader: Iterable<Tensor>) => Array.from(loader, (batch) => batch.toArray() as number[]);
const load = (n: number, options: DataLoaderOptions<number, Tensor> = {}) => new DataLoader(range(n), options);

describe("DataLoader gives PyTorch's order", () => {
  for (const seed of [0, 1, 42, 123456789]) {
    it(`DataLoader shuffles 20 samples twice after manualSeed(${seed}) as PyTorch does`, () => {
      const key =
        `manual_seed(${seed}); list(DataLoader(range(20), batch_size=6, shuffle=True)) twice` as keyof typeof reference.random;
      manualSeed(seed);
      const loader = load(20, { batchSize: 6, shuffle: true });
      assertEquals([numbers(loader), numbers(loader)], reference.random[key] as unknown as number[][][]);
    });
  }

  it("DataLoader begins MNIST's first epoch after manualSeed(42) as PyTorch does, and leaves the stream where it does", () => {
    // manual_seed(42); next(iter(DataLoader(range(60000), batch_size=4, shuffle=True))), then rand(1)
    manualSeed(42);
    for (const batch of load(60_000, { batchSize: 4, shuffle: true })) {
      assertEquals(batch.toArray(), [21088, 45885, 54725, 56890]);
      break;
    }
    assertEquals(defaultGenerator.nextFloat(), 0.3904482126235962);
  });

  it("DataLoader that does not shuffle draws one seed an epoch, as its loop begins", () => {
    const expected = new Generator(7);
    expected.nextSeed();
    manualSeed(7);
    const loader = load(3);
    loader[Symbol.iterator]();
    assertEquals(defaultGenerator.getState(), expected.getState());
  });

  // torch.manual_seed(5); a, b = iter(loader), iter(loader); [[next(a), next(b)] for _ in range(3)], then rand(1)
  const interleaved = (loader: Iterable<Tensor>) => {
    const [a, b] = [loader[Symbol.iterator](), loader[Symbol.iterator]()];
    return range(3).map(() => [a.next().value.toArray(), b.next().value.toArray()]);
  };

  it("DataLoader gives two loops a place each, as PyTorch does", () => {
    manualSeed(5);
    const batches = interleaved(load(5, { batchSize: 2, shuffle: true }));
    assertEquals(batches, [[[1, 2], [0, 4]], [[4, 3], [1, 3]], [[0], [2]]]);
    assertEquals(defaultGenerator.nextFloat(), 0.0332646369934082);
  });

  it("DataLoader gives two loops a place each where they share a generator of their own, as PyTorch does", () => {
    const generator = new Generator(5);
    const batches = interleaved(load(5, { batchSize: 2, shuffle: true, generator }));
    assertEquals(batches, [[[1, 3], [3, 1]], [[0, 4], [0, 2]], [[2], [4]]]);
    assertEquals(generator.nextFloat(), 0.6697648167610168);
  });

  // Batches that were taken, and how many permutations PyTorch has drawn by then: [samples, batchSize, dropLast, taken, drawn]
  const drawn: [number, number, boolean, number, number][] = [
    [5, 2, false, 2, 1],
    [5, 2, false, 3, 2], // the short last batch: the sampler was asked for a sixth sample
    [6, 2, false, 3, 1],
    [5, 2, true, 2, 1],
    [3, 5, false, 1, 2],
    [5, 5, false, 1, 1],
  ];
  for (const [samples, batchSize, dropLast, taken, permutations] of drawn) {
    const what = `${samples} samples by ${batchSize}${dropLast ? " with dropLast" : ""}`;
    it(`DataLoader over ${what}, left at batch ${taken}, has drawn ${permutations} permutations from its own generator`, () => {
      const [given, expected] = [new Generator(7), new Generator(7)];
      const loader = load(samples, { batchSize, dropLast, shuffle: true, generator: given });
      const loop = loader[Symbol.iterator]();
      for (let i = 0; i < taken; i++) loop.next();
      expected.nextSeed();
      for (let i = 0; i < permutations; i++) randperm(expected, samples);
      assertEquals(given.getState(), expected.getState());
      loop.next();
      if (permutations === 1) randperm(expected, samples);
      if (!loop.next().done) throw new Error("the epoch goes on");
      assertEquals(given.getState(), expected.getState());
    });
  }

  it("DataLoader with a generator of its own permutes with that, and draws once more at its end", () => {
    // PyTorch's RandomSampler uses a given generator directly, and asks it for a remainder of no samples at the end.
    const expected = new Generator(7), given = new Generator(7);
    expected.nextSeed();
    const order = randperm(expected, 5);
    randperm(expected, 5);
    assertEquals(numbers(load(5, { batchSize: 5, shuffle: true, generator: given })), [[...order]]);
    assertEquals(given.getState(), expected.getState());
  });
});

describe("DataLoader makes batches", () => {
  it("DataLoader keeps a short last batch, and counts it", () => {
    const loader = load(5, { batchSize: 2 });
    assertEquals([loader.length, numbers(loader)], [3, [[0, 1], [2, 3], [4]]]);
  });

  it("DataLoader leaves the short last batch out when told", () => {
    const loader = load(5, { batchSize: 2, dropLast: true });
    assertEquals([loader.length, numbers(loader)], [2, [[0, 1], [2, 3]]]);
  });

  it("DataLoader gives batches of 1 by default, and none of an empty dataset", () => {
    assertEquals([numbers(load(2)), numbers(load(0)), load(0).length], [[[0], [1]], [], 0]);
  });

  it("DataLoader visits what a sampler says, each epoch anew", () => {
    let epoch = 0;
    const sampler = {
      length: 3,
      *[Symbol.iterator]() {
        yield* [4, 0, epoch++];
      },
    };
    const loader = load(5, { batchSize: 2, sampler });
    assertEquals([loader.length, numbers(loader), numbers(loader)], [2, [[4, 0], [0]], [[4, 0], [1]]]);
  });

  it("DataLoader gives samples to collate", () => {
    const loader = new DataLoader(["a", "b", "c"], { batchSize: 2, collate: (words) => words.join("") });
    assertEquals([...loader], ["ab", "c"]);
  });

  it("DataLoader gives targets .5, 1.5 | 2, 3 one kind in every batch", () => {
    const samples = [.5, 1.5, 2, 3].map((y) => [new Float32Array([y, 0]), y] as const);
    const batches = Array.from(
      new DataLoader(samples, { batchSize: 2 }),
      ([x, y]) => [x.shape, y.dtype, y.mean().item()],
    );
    assertEquals(batches, [[[2, 2], "float32", 1], [[2, 2], "float32", 2.5]]);
  });

  it("DataLoader gathers rows of tensors, through a subset as well", () => {
    const dataset = new TensorDataset(arange(6).view(3, 2), tensor([5, 6, 7]));
    const batches = Array.from(new DataLoader(new Subset(dataset, [2, 0]), { batchSize: 2 }), ([x, y]) => [
      x.toArray(),
      y.toArray(),
    ]);
    assertEquals(batches, [[[[4, 5], [0, 1]], [7, 5]]]);
  });

  it("DataLoader gives a tensor dataset's batches to a collate of one's own, sample by sample", () => {
    const dataset = new TensorDataset(tensor([3, 1, 2]));
    const collate = (samples: (readonly [Tensor])[]) => Math.max(...samples.map(([x]) => x.item()));
    assertEquals([...new DataLoader(dataset, { batchSize: 2, collate })], [3, 2]);
  });

  it("DataLoader refuses batch sizes below 1, and a sampler beside shuffle", () => {
    for (const batchSize of [0, -1, 1.5, NaN]) {
      assertThrows(() => load(3, { batchSize }), RangeError, `of ${batchSize}`);
    }
    assertThrows(() => load(3, { shuffle: true, sampler: [0] }), TypeError, "leave out shuffle or sampler");
  });
});

describe("DataLoader.stateDict()", () => {
  const kinds: Record<string, () => DataLoaderOptions<number, Tensor>> = {
    "shuffled": () => ({ shuffle: true, generator: new Generator(3) }),
    "shuffled, the last batch short,": () => ({ shuffle: true, generator: new Generator(3) }),
    "in order": () => ({ generator: new Generator(3) }),
    "sampled": () => ({ sampler: [3, 1, 4, 1, 5], generator: new Generator(3) }),
  };

  for (const [kind, options] of Object.entries(kinds)) {
    for (let stop = 0; stop <= 3; stop++) {
      it(`DataLoader ${kind} goes on after batch ${stop} with the batches that the other sees, epoch after epoch`, () => {
        const make = () => load(kind.includes("short") ? 5 : 6, { batchSize: 2, ...options() });
        const whole = make();
        const [, second, third] = [numbers(whole), numbers(whole), numbers(whole)];

        const killed = make();
        numbers(killed);
        const loop = killed[Symbol.iterator]();
        for (let i = 0; i < stop; i++) loop.next();
        const resumed = make();
        resumed.loadStateDict(killed.stateDict());
        assertEquals(numbers(resumed), second.slice(stop));
        assertEquals(numbers(resumed), third);
      });
    }
  }

  it("DataLoader goes on with the default generator as well", () => {
    manualSeed(9);
    const first = load(6, { batchSize: 2, shuffle: true });
    const loop = first[Symbol.iterator]();
    loop.next();
    const state = first.stateDict();
    const expected = [numbers({ [Symbol.iterator]: () => loop }), numbers(first)];
    manualSeed(1);
    const second = load(6, { batchSize: 2, shuffle: true });
    second.loadStateDict(state);
    assertEquals([numbers(second), numbers(second)], expected);
  });

  it("DataLoader's loops tell their own places, the loader that of the loop that began last", () => {
    const loader = load(6, { batchSize: 2, shuffle: true, generator: new Generator(3) });
    const first = loader[Symbol.iterator]();
    first.next();
    const second = loader[Symbol.iterator]();
    second.next();
    second.next();
    assertEquals([first.stateDict().position, second.stateDict().position, loader.stateDict().position], [1, 2, 2]);
    const resumed = load(6, { batchSize: 2 });
    resumed.loadStateDict(first.stateDict());
    assertEquals(numbers(resumed), numbers({ [Symbol.iterator]: () => first }));
    assertEquals([first.stateDict().order, loader.stateDict().position], [null, 2]);
  });

  it("DataLoader keeps nothing of a state it was given or gave", () => {
    const loader = load(4, { shuffle: true, generator: new Generator(1) });
    for (const _ of loader) {
      loader.stateDict().order!.fill(0);
      assertEquals([...loader.stateDict().order!].sort(), [0, 1, 2, 3]);
    }
  });

  it("DataLoader refuses a state of another dataset, and stays as it was", () => {
    const loader = load(3, { generator: new Generator(1) });
    const before = loader.stateDict();
    const bad = { order: new Int32Array([0, 3]), position: 0, generator: new Generator(2).getState() };
    assertThrows(() => loader.loadStateDict(bad), RangeError, "sample 3: the dataset has 3");
    assertThrows(() => loader.loadStateDict({ ...bad, order: new Int32Array(2), position: 3 }), RangeError, "has 2");
    assertEquals(loader.stateDict(), before);
  });
});
