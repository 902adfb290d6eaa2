import { assertEquals, assertGreater, assertLessOrEqual, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { afterEach, beforeEach, describe, it } from "../../bdd.ts";
import type { DType, TypedArray } from "@gradus/gradus";
import * as pool from "../../../core/memory/pool.ts";

const { bytesKept, endPass, MAX_KEPT, PASSES_KEPT, release, setReuse } = pool;

const MB = 1 << 20;

/** A block as a backward pass acquires it. */
function acquire(dtype: DType, length: number): TypedArray {
  return pool.trackAcquired([], () => pool.acquire(dtype, length));
}

describe("acquire()", () => {
  beforeEach(() => setReuse("on")); // which empties the pool
  afterEach(() => setReuse("on"));

  it("gives a block again that was released", () => {
    const block = acquire("float32", 10_000);
    release(block);
    assertStrictEquals(acquire("float32", 10_000), block);
    assertNotStrictEquals(acquire("float32", 10_000), block);
  });

  it("passes over blocks whose buffer was transferred with that of another small tensor", () => {
    const [held, block] = [acquire("float32", 8), acquire("float32", 8)];
    release(block);
    for (const x of [held, block]) if (!(x.buffer as ArrayBuffer).detached) (x.buffer as ArrayBuffer).transfer();
    assertEquals([acquire("float32", 8).length, bytesKept()], [8, 0]);
  });

  it("gives memory to another dtype and a near size, but small blocks to their own alone", () => {
    const block = acquire("float32", 100_000);
    release(block);
    const near = acquire("int32", 99_000);
    assertEquals([near.buffer, near.length, near.constructor], [block.buffer, 99_000, Int32Array]);
    release(acquire("float32", 10));
    assertEquals(acquire("float32", 9).length, 9);
    assertEquals(acquire("bool", 40).constructor, Uint8Array);
  });

  it("gives a result that will not be released just its own memory", () => {
    assertLessOrEqual(pool.acquire("uint8", 1_100_000).buffer.byteLength, 1_100_000 + 64);
  });

  it("never takes more than an eighth beside what a large value needs", () => {
    for (let length = 20_000; length < 40_000_000; length = Math.trunc(length * 1.37)) {
      assertLessOrEqual(acquire("uint8", length).buffer.byteLength, length * 1.125 + 64);
    }
  });

  it("takes just as much as a value needs that is too large to be kept", () => {
    assertLessOrEqual(acquire("uint8", 260 * MB).buffer.byteLength, 260 * MB + 64);
  });
});

describe("release()", () => {
  it("takes back no block whose slab was transferred", () => {
    const block = acquire("float32", 8);
    structuredClone(block.buffer, { transfer: [block.buffer as ArrayBuffer] });
    release(block);
    assertEquals((acquire("float32", 0).buffer as ArrayBuffer).detached, false);
  });

  it("counts no bytes of a small block whose slab was transferred, once it is dropped", () => {
    const [held, block] = [acquire("float32", 8), acquire("float32", 8)];
    release(block);
    structuredClone(held.buffer, { transfer: [held.buffer as ArrayBuffer] });
    setReuse("on");
    assertEquals(bytesKept(), 0);
  });

  beforeEach(() => setReuse("on"));
  afterEach(() => setReuse("on"));

  it("keeps no more than MAX_KEPT bytes, whatever comes", () => {
    const blocks = Array.from({ length: 30 }, (_, i) => acquire("uint8", (10 + i) * MB));
    blocks.forEach(release);
    assertGreater(bytesKept(), MAX_KEPT / 2);
    assertLessOrEqual(bytesKept(), MAX_KEPT);
  });

  it("drops what nobody acquired for PASSES_KEPT backward passes", () => {
    release(acquire("uint8", MB));
    for (let pass = 0; pass <= 2 * PASSES_KEPT; pass++) {
      const wanted = acquire("uint8", 2 * MB);
      release(wanted);
      endPass();
    }
    assertEquals(bytesKept(), 2 * MB);
  });

  it("keeps nothing where reuse is off, and spoils what it keeps for a test", () => {
    setReuse("off");
    release(acquire("float32", 10_000));
    assertEquals(bytesKept(), 0);
    setReuse("spoil");
    const block = acquire("float32", 10_000);
    release(block);
    assertEquals(new Set(block), new Set([NaN]));
  });
});
