import { assertEquals, assertIsError, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { defaultGenerator, Generator, manualSeed, type Tensor } from "@gradus/gradus";
import { DataLoader, type DataLoaderOptions } from "@gradus/gradus/data";

/** Samples 0 to `length` that come as promises, and what happened in which order. */
class Slow {
  readonly log: string[] = [];
  constructor(readonly length: number, readonly broken = NaN) {}
  async get(i: number): Promise<number> {
    this.log.push(`begin ${i}`);
    await new Promise((done) => setTimeout(done, 0));
    if (i === this.broken) throw new RangeError("the disk is full of holes");
    this.log.push(`end ${i}`);
    return i;
  }
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const values = (x: Tensor) => x.toArray() as number[];
const load = (slow: Slow, options: DataLoaderOptions<Promise<number>, Tensor> = {}) =>
  new DataLoader(slow, { batchSize: 2, ...options });

/** All batches that a loop still gives. */
async function rest(loader: AsyncIterable<Tensor>): Promise<number[][]> {
  return (await Array.fromAsync(loader)).map(values);
}

describe("DataLoader with samples that come as promises", () => {
  it("gives the batches and the draws of a loader whose samples are there", async () => {
    for (const prefetch of [0, 1, 3]) {
      manualSeed(5);
      const there = new DataLoader(range(7), { batchSize: 2, shuffle: true });
      const expected = [...there, ...there].map(values);
      const drawn = defaultGenerator.getState();
      manualSeed(5);
      const promised = load(new Slow(7), { shuffle: true, prefetch });
      assertEquals([...await rest(promised), ...await rest(promised)], expected);
      assertEquals(defaultGenerator.getState(), drawn);
    }
  });

  it("gives two loops a place each, whichever is asked", async () => {
    const loader = load(new Slow(5), { prefetch: 2 });
    const loops = [loader[Symbol.asyncIterator](), loader[Symbol.asyncIterator]()];
    const seen: number[][][] = [[], []];
    for (const i of [0, 1, 1, 0, 0, 1]) seen[i].push(values((await loops[i].next()).value!));
    assertEquals(seen, [[[0, 1], [2, 3], [4]], [[0, 1], [2, 3], [4]]]);
    assertEquals([(await loops[0].next()).done, (await loops[1].next()).done], [true, true]);
  });

  it("begins the next batch before this one is learned from, and the one after only then", async () => {
    const slow = new Slow(6);
    for await (const batch of load(slow)) slow.log.push(`learn ${values(batch)}`);
    const at = (line: string) => slow.log.indexOf(line);
    assertEquals(slow.log.filter((line) => !line.startsWith("end")), [
      ...["begin 0", "begin 1", "begin 2", "begin 3", "learn 0,1"],
      ...["begin 4", "begin 5", "learn 2,3", "learn 4,5"],
    ]);
    assertEquals(at("end 1") < at("learn 0,1"), true);
  });

  it("prepares it while this one is learned from", async () => {
    const slow = new Slow(4);
    for await (const batch of load(slow)) {
      await new Promise((done) => setTimeout(done, 20)); // room for a timer of 0 ms, with much to spare
      slow.log.push(`learnt ${values(batch)}`);
    }
    assertEquals(slow.log.indexOf("end 3") < slow.log.indexOf("learnt 0,1"), true);
  });

  it("begins nothing early with prefetch: 0", async () => {
    const slow = new Slow(4);
    for await (const batch of load(slow, { prefetch: 0 })) slow.log.push(`learn ${values(batch)}`);
    assertEquals(slow.log.slice(-5, -2).concat(slow.log.at(-1)!), ["begin 2", "begin 3", "end 2", "learn 2,3"]);
  });

  it("throws the error of a batch when its turn comes, and names its place", async () => {
    const seen: number[][] = [];
    const error = await assertRejects(async () => {
      for await (const batch of load(new Slow(6, 3))) {
        await new Promise((done) => setTimeout(done, 20)); // the error is there before it is asked for
        seen.push(values(batch));
      }
    });
    assertEquals(seen, [[0, 1]]);
    assertIsError(error, Error, "Cannot load batch 1, of the samples 2, 3: the disk is full of holes");
    assertIsError(error.cause, RangeError);
  });

  it("waits at an early end for what is under way, and begins no more", async () => {
    const slow = new Slow(9);
    for await (const _ of load(slow)) break;
    assertEquals(slow.log.filter((line) => line.startsWith("begin")).length, 4);
    assertEquals(slow.log.filter((line) => line.startsWith("end")).length, 4);
  });

  it("goes on after the batch in hand, not after the one that was prepared", async () => {
    for (let stop = 1; stop <= 3; stop++) {
      const make = () => load(new Slow(6), { shuffle: true, generator: new Generator(3) });
      const whole = make();
      const [first, second] = [await rest(whole), await rest(whole)];
      const resumed = make();
      const killed = make();
      let left = stop;
      for await (const _ of killed) if (--left === 0) resumed.loadStateDict(killed.stateDict());
      assertEquals([await rest(resumed), await rest(resumed)], [first.slice(stop), second]);
    }
  });

  it("takes a collate that promises its batch, and normalizes what comes", async () => {
    const collate = async (samples: number[]) => {
      await Promise.resolve();
      return samples.join("+");
    };
    assertEquals(await Array.fromAsync(new DataLoader(range(3), { batchSize: 2, collate })), ["0+1", "2"]);
    const normalize = { mean: 1, std: 2 };
    assertEquals(await rest(load(new Slow(4), { normalize })), [[-0.5, 0], [0.5, 1]]);
  });

  it("takes a dataset's own batches of promises", async () => {
    const dataset = {
      length: 4,
      get: (i: number) => Promise.resolve([i]),
      getBatch: (rows: Int32Array) => Promise.resolve([...rows]),
    };
    assertEquals(await Array.fromAsync(new DataLoader(dataset, { batchSize: 2 })) as unknown, [[0, 1], [2, 3]]);
  });

  it("refuses a plain loop", () => {
    const dataset = { length: 1, get: () => Promise.reject(new Error("nobody hears this")) };
    assertThrows(() => [...new DataLoader(dataset)], TypeError, "write for await");
  });

  it("refuses to prepare a part of a batch ahead", () => {
    for (const prefetch of [-1, 0.5, NaN]) {
      assertThrows(() => load(new Slow(2), { prefetch }), RangeError, `Cannot prepare ${prefetch} batches`);
    }
  });
});

describe("DataLoader with samples that are there", () => {
  it("gives in for await what it gives in a plain loop, and draws each sample when its batch is asked for", async () => {
    const log: string[] = [];
    const noisy = { length: 4, get: (i: number) => (log.push(`draw ${i}`), defaultGenerator.nextFloat()) };
    manualSeed(1);
    const plain = [...new DataLoader(noisy, { batchSize: 2 })].map(values);
    manualSeed(1);
    log.length = 0;
    const found: number[][] = [];
    for await (const batch of new DataLoader(noisy, { batchSize: 2 })) {
      log.push("learn");
      found.push(values(batch));
    }
    assertEquals(found, plain);
    assertEquals(log, ["draw 0", "draw 1", "learn", "draw 2", "draw 3", "learn"]);
  });
});

describe("DataLoader.reset()", () => {
  it("gives up the epoch under way: the next loop is the one that would have followed a break", async () => {
    for (const own of [true, false]) {
      manualSeed(4);
      const make = () =>
        new DataLoader(range(6), { batchSize: 2, shuffle: true, ...(own ? { generator: new Generator(2) } : {}) });
      const broken = make();
      for (const _ of broken) break;
      broken.reset();
      const state = broken.stateDict();
      const expected = [...broken].map(values);
      const resumed = make();
      resumed.loadStateDict(state);
      assertEquals(await rest(resumed), expected);
      assertEquals([state.order, state.position, expected.length], [null, 0, 3]);
    }
  });
});
