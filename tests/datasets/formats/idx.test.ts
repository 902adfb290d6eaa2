import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Tensor } from "@gradus/gradus";
import { parseIdx, readIdx } from "@gradus/gradus/data";
import { gzip } from "./gzip.ts";
import { pastMaxBytes } from "../../wording.ts";

/** An IDX file: type, sizes, then the element bytes as given. */
function idx(type: number, sizes: number[], elements: number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + 4 * sizes.length + elements.length);
  bytes.set([0, 0, type, sizes.length]);
  const view = new DataView(bytes.buffer);
  sizes.forEach((size, i) => view.setUint32(4 + 4 * i, size));
  bytes.set(elements, 4 + 4 * sizes.length);
  return bytes;
}

function refuses(bytes: Uint8Array<ArrayBuffer>, kind: typeof SyntaxError | typeof RangeError, message: string): void {
  const error = assertThrows(() => parseIdx(bytes, "bad-idx"), kind, message);
  assert(error.message.includes("bad-idx"), error.message);
}

async function withFile(bytes: Uint8Array, task: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    await task(path);
  } finally {
    await Deno.remove(path);
  }
}

describe("parseIdx()", () => {
  it("parseIdx() gives a Tensor with the sizes of the header", () => {
    const t = parseIdx(idx(0x08, [2, 3], [1, 2, 3, 4, 5, 255]));
    assert(t instanceof Tensor);
    assertEquals([t.dtype, t.toArray()], ["uint8", [[1, 2, 3], [4, 5, 255]]]);
  });

  it("parseIdx() widens signed bytes to int32", () => {
    const t = parseIdx(idx(0x09, [3], [0x80, 0xff, 0x7f]));
    assertEquals([t.dtype, t.toArray()], ["int32", [-128, -1, 127]]);
  });

  it("parseIdx() widens big-endian shorts to int32", () => {
    const t = parseIdx(idx(0x0b, [2], [0x01, 0x02, 0xff, 0xfe]));
    assertEquals([t.dtype, t.toArray()], ["int32", [258, -2]]);
  });

  it("parseIdx() reads big-endian ints as int32", () => {
    const t = parseIdx(idx(0x0c, [2], [0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff]));
    assertEquals([t.dtype, t.toArray()], ["int32", [65536, -1]]);
  });

  it("parseIdx() reads big-endian floats as float32", () => {
    const t = parseIdx(idx(0x0d, [1], [0x3f, 0xc0, 0, 0]));
    assertEquals([t.dtype, t.toArray()], ["float32", [1.5]]);
  });

  it("parseIdx() reads big-endian doubles as float64", () => {
    const t = parseIdx(idx(0x0e, [1], [0xbf, 0xf8, 0, 0, 0, 0, 0, 0]));
    assertEquals([t.dtype, t.toArray()], ["float64", [-1.5]]);
  });

  it("parseIdx() reads rank 0 and size 0", () => {
    assertEquals(parseIdx(idx(0x08, [], [7])).item(), 7);
    assertEquals(parseIdx(idx(0x08, [0, 28], [])).shape, [0, 28]);
  });

  it("parseIdx() copies, from a slice that begins anywhere", () => {
    const file = idx(0x0d, [1], [0x3f, 0xc0, 0, 0]);
    const shifted = new Uint8Array([9, ...file]).subarray(1);
    const t = parseIdx(shifted);
    shifted.fill(0);
    assertEquals(t.toArray(), [1.5]);
  });

  it("parseIdx() refuses fewer than four bytes", () => {
    refuses(new Uint8Array(3), SyntaxError, "it has 3 bytes");
  });

  it("parseIdx() refuses other first bytes and names them", () => {
    refuses(new Uint8Array([0x1f, 0x8b, 8, 0]), SyntaxError, "begins 00 00, this one 1f 8b at byte 0");
  });

  it("parseIdx() refuses an unknown type and lists the known", () => {
    refuses(idx(0x0a, [1], [0]), SyntaxError, "byte 2 is 0a, and IDX types are 08 09 0b 0c 0d 0e");
  });

  it("parseIdx() refuses sizes cut short", () => {
    refuses(idx(0x08, [2, 2], []).slice(0, 11), RangeError, "sizes of rank 2 end at byte 12, the file at 11");
  });

  it("parseIdx() refuses one byte too few and one too many", () => {
    refuses(idx(0x08, [2, 2], [1, 2, 3]), RangeError, "end at byte 16, the file at 15");
    refuses(idx(0x08, [2, 2], [1, 2, 3, 4, 5]), RangeError, "end at byte 16, the file at 17");
  });

  it("parseIdx() refuses sizes that no memory holds, before it takes any", () => {
    refuses(idx(0x0e, [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], []), RangeError, "more elements than fit");
    refuses(idx(0x08, [...Array(40).fill(2 ** 32 - 1), 0], []), RangeError, "more elements than fit");
  });
});

describe("readIdx()", () => {
  const file = idx(0x08, [3], [1, 2, 3]);

  it("readIdx() reads a plain file", () =>
    withFile(file, async (path) => assertEquals((await readIdx(path)).toArray(), [1, 2, 3])));

  it("readIdx() reads a gzipped file", async () => {
    await withFile(await gzip(file), async (path) => assertEquals((await readIdx(path)).toArray(), [1, 2, 3]));
  });

  it("readIdx() names the path in an error", () =>
    withFile(file.slice(0, 10), async (path) => {
      await assertRejects(() => readIdx(path), RangeError, path);
    }));

  it("readIdx() refuses a gzipped file cut short", async () => {
    const bytes = await gzip(file);
    await withFile(bytes.slice(0, bytes.length - 5), async (path) => {
      await assertRejects(() => readIdx(path), SyntaxError, `Cannot inflate ${path}`);
    });
  });

  it("readIdx() refuses a gzipped file with one flipped bit, by its CRC", async () => {
    const bytes = await gzip(file);
    bytes[bytes.length - 6] ^= 1;
    await withFile(bytes, async (path) => {
      await assertRejects(() => readIdx(path), SyntaxError, `Cannot inflate ${path}`);
    });
  });

  it("parseIdx() and readIdx() hold the elements to maxBytes, as they are here", async () => {
    const bytes = idx(0x09, [10], Array(10).fill(1)); // widened to four bytes each
    assertEquals(parseIdx(bytes, "a", { maxBytes: 40 }).shape, [10]);
    assertThrows(() => parseIdx(bytes, "a", { maxBytes: 39 }), RangeError, "[10] of type 09 comes to 40 bytes");
    await withFile(await gzip(bytes), async (path) => {
      assertEquals((await readIdx(path, { maxBytes: 40 })).shape, [10]);
      await assertRejects(() => readIdx(path, { maxBytes: 39 }), RangeError, pastMaxBytes(39));
    });
  });
});
