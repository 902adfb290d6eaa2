import { fromData, randn, Tensor, tensor } from "@gradus/gradus";
import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { DType } from "../../core/dtype.ts";
import { cut, LARGEST_CUT } from "../../core/sheet.ts";

const KINDS: [DType, number][] = [["float32", 4], ["float64", 8], ["int32", 4], ["uint8", 1], ["bool", 1]];

describe("cut", () => {
  for (const [dtype, size] of KINDS) {
    it(`gives zeroed ${dtype} blocks of the length asked for that share no byte`, () => {
      const blocks = [1, 3, 17, 17, 100, 1000].map((length) => cut(dtype, length, length * size));
      blocks.forEach((block, i) => {
        assert(block.every((v) => v === 0), `block ${i} holds what another one wrote`);
        block.fill(i + 1);
      });
      blocks.forEach((block, i) => assert(block.every((v) => v === i + 1), `block ${i} was written over`));
    });
  }

  it("begins every block on a cache line", () => {
    for (let i = 0; i < 20; i++) assertEquals(cut("float32", 5, 20).byteOffset % 64, 0);
  });

  it("holds back no more than eight blocks with one that is kept", () => {
    for (const bytes of [64, 1024, LARGEST_CUT]) {
      assertEquals(cut("uint8", bytes, bytes).buffer.byteLength, 8 * bytes);
    }
  });
});

describe("tensors of one sheet", () => {
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
