import { type DType, fromData, randn, Tensor, tensor } from "@gradus/gradus";
import { assert, assertEquals, assertLessOrEqual, assertNotStrictEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { CACHE_LINE, MAX_SMALL, newAligned, registerSystemMemory, suballocate } from "../../../core/memory/slabs.ts";

const DTYPES: DType[] = ["float32", "float64", "int32", "uint8", "bool"];

describe("suballocate()", () => {
  for (const dtype of DTYPES) {
    it(`gives zeroed ${dtype} blocks of the length asked for that share no byte`, () => {
      const blocks = [1, 3, 17, 17, 100, 1000].map((length) => suballocate(dtype, length));
      blocks.forEach((block, i) => {
        assert(block.every((v) => v === 0), `block ${i} holds what another one wrote`);
        block.fill(i + 1);
      });
      blocks.forEach((block, i) => assert(block.every((v) => v === i + 1), `block ${i} was written over`));
    });
  }

  it("puts no two blocks on one cache line", () => {
    const lines = Array.from({ length: 20 }, () => suballocate("float32", 5)).map((
      block,
    ) => [block.buffer, block.byteOffset]);
    for (const [i, [buffer, start]] of lines.entries()) {
      for (const [other, another] of lines.slice(0, i)) {
        assert(
          buffer !== other || Math.abs(Number(start) - Number(another)) % CACHE_LINE === 0,
          `${start} and ${another}`,
        );
      }
    }
  });

  it("keeps no more than 32 blocks and 124 kB alive with one that is kept", () => {
    for (const bytes of [64, 1024, 8192, MAX_SMALL]) {
      assertLessOrEqual(suballocate("uint8", bytes).buffer.byteLength, Math.min(32 * bytes, 124 << 10) + CACHE_LINE);
    }
  });

  it("takes a new slab when one is used up, for every size", () => {
    for (let bytes = 64; bytes <= MAX_SMALL; bytes *= 2) {
      const blocks = Array.from({ length: 40 }, () => suballocate("uint8", bytes));
      blocks.forEach((block, i) => block.fill(i + 1));
      blocks.forEach((block, i) => assert(block.every((v) => v === i + 1), `block ${i} of ${bytes} was written over`));
    }
  });
});

describe("newAligned()", () => {
  for (const [after, start] of [[0, 64], [16, 48], [48, 16]]) {
    it(`begins ${start} bytes later where memory begins ${after} bytes after a line`, () => {
      const forget = registerSystemMemory({ offsetInLine: () => after, trim: () => {} });
      try {
        const memory = newAligned(1000);
        assertEquals([memory.byteOffset, memory.length, memory.buffer.byteLength], [start, 1000, 1000 + CACHE_LINE]);
      } finally {
        forget();
      }
    });
  }
});

describe("tensors of one slab", () => {
  it("can be written in place by each other without a copy", () => {
    const [a, b] = [randn([3]).mul(1), randn([3]).mul(1)];
    const sum = a.add(b).toArray();
    a.add_(b);
    assertEquals(a.toArray(), sum);
  });

  it("are told from views that overlap in one array of the caller's", () => {
    const data = new Float32Array([1, 2, 3]);
    const [x, y] = [fromData(data.subarray(0, 2), [2]), fromData(data.subarray(1, 3), [2])];
    y.add_(x); // [2, 3] + [1, 2], with both read before either is written
    assertEquals(data, new Float32Array([1, 3, 5]));
  });

  it("are the garbage collector's one by one: results that are kept never change", () => {
    const kept: Tensor[] = [];
    const x = tensor([1, 2, 3]);
    for (let i = 0; i < 100; i++) kept.push(x.mul(i));
    kept.forEach((result, i) => assertEquals(result.toArray(), [i, 2 * i, 3 * i]));
    assertNotStrictEquals(kept[0].data, kept[1].data);
  });
});
