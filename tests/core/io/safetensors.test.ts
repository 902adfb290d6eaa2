import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { fromData, tensor, zeros } from "../../../core/create.ts";
import type { DType } from "../../../core/dtype.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../../core/io/safetensors.ts";
import { Tensor } from "../../../core/tensor.ts";

/** A file with the header `json`, padded like a writer does, and `data`; `length` may lie. */
function file(json: string | Uint8Array, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const header = typeof json === "string" ? new TextEncoder().encode(json) : json;
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

/** The header entry of a tensor. */
const entry = (name: string, dtype: string, shape: number[], begin: number, end: number) =>
  `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`;

const one = (kind: string, shape: number[], data: ArrayBufferView<ArrayBuffer>) =>
  decodeSafetensors(file(`{${entry("t", kind, shape, 0, data.byteLength)}}`, new Uint8Array(data.buffer))).tensors.get(
    "t",
  )!;

function refuses(bytes: Uint8Array, kind: typeof SyntaxError | typeof RangeError, message: string): void {
  const error = assertThrows(() => decodeSafetensors(bytes, "bad.safetensors"), kind, message);
  assert(error.message.includes("bad.safetensors"), error.message);
}

describe("decodeSafetensors() refuses", () => {
  it("decodeSafetensors() refuses a file shorter than the header's length", () => {
    refuses(new Uint8Array(7), RangeError, "it has 7 bytes, and the header's length takes 8");
  });

  it("decodeSafetensors() refuses a header length past 100,000,000 before it looks at the file's", () => {
    refuses(file("{}", [], 100_000_001n), RangeError, "the length at byte 0 is 100000001");
  });

  it("decodeSafetensors() refuses a header length of 2^64 - 1", () => {
    refuses(file("{}", [], 2n ** 64n - 1n), RangeError, "the length at byte 0 is");
  });

  it("decodeSafetensors() refuses a header that ends past the file", () => {
    refuses(file("{}", [], 3n), RangeError, "its header ends at byte 11, the file at 10");
  });

  it("decodeSafetensors() refuses a header that is not UTF-8", () => {
    refuses(file(new Uint8Array([0x7b, 0xff, 0x7d])), SyntaxError, "the header in bytes 8 to 11 is not UTF-8");
  });

  for (const [json, begins] of [["", ""], [" {}", " "], ["[]", "["], ["\ufeff{}", "\ufeff"]]) {
    it(`decodeSafetensors() refuses a header that begins with ${JSON.stringify(begins)}`, () => {
      refuses(file(json), SyntaxError, `the header at byte 8 begins with ${JSON.stringify(begins)}, not "{"`);
    });
  }

  it("decodeSafetensors() refuses a header that is not JSON, and names the byte in the file", () => {
    refuses(file("{nonsense}"), SyntaxError, "at byte 9");
  });

  it("decodeSafetensors() refuses a name that comes twice", () => {
    const json = `{${entry("t", "U8", [1], 0, 1)},${entry("t", "U8", [1], 1, 2)}}`;
    refuses(file(json, [1, 2]), SyntaxError, 'the key "t" a second time');
  });

  it("decodeSafetensors() refuses an offset past 2^53", () => {
    refuses(
      file('{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,9007199254740993]}}'),
      SyntaxError,
      "an integer past 2^53",
    );
  });

  it("decodeSafetensors() refuses metadata that is not an object", () => {
    refuses(file('{"__metadata__":[]}'), SyntaxError, "__metadata__ in the header is not an object");
  });

  it("decodeSafetensors() refuses metadata with a value that is not a string", () => {
    refuses(file('{"__metadata__":{"step":7}}'), SyntaxError, '__metadata__ key "step" in the header is not a string');
  });

  for (
    const [what, value] of [
      ["is not an object", "1"],
      ["has no dtype", '{"shape":[],"data_offsets":[0,0]}'],
      ["has no shape made of sizes", '{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}'],
      ["has no shape made of sizes", '{"dtype":"F32","data_offsets":[0,4]}'],
      ["has no data_offsets [begin, end]", '{"dtype":"F32","shape":[],"data_offsets":[0]}'],
      ["has no data_offsets [begin, end]", '{"dtype":"F32","shape":[],"data_offsets":[0,4,8]}'],
    ]
  ) {
    it(`decodeSafetensors() refuses the entry ${value}`, () => {
      refuses(file(`{"t":${value}}`), SyntaxError, `header entry "t" ${what}`);
    });
  }

  it("decodeSafetensors() names a kind it does not read, and those it does", () => {
    const message = 'entry "t" has dtype F8_E4M3: save it as one of F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL';
    refuses(file(`{${entry("t", "F8_E4M3", [1], 0, 1)}}`, [0]), SyntaxError, message);
  });

  it("decodeSafetensors() refuses data that does not begin at 0", () => {
    const json = `{${entry("t", "U8", [1], 1, 2)}}`;
    const start = 8 + json.length;
    refuses(
      file(json, [0, 0]),
      RangeError,
      `tensor "t" begins at byte ${start + 1}, and the data before ends at ${start}`,
    );
  });

  it("decodeSafetensors() refuses a gap", () => {
    const json = `{${entry("a", "U8", [1], 0, 1)},${entry("b", "U8", [1], 2, 3)}}`;
    refuses(file(json, [0, 0, 0]), RangeError, 'tensor "b" begins at byte');
  });

  it("decodeSafetensors() refuses an overlap", () => {
    const json = `{${entry("a", "U8", [2], 0, 2)},${entry("b", "U8", [2], 1, 3)}}`;
    refuses(file(json, [0, 0, 0]), RangeError, 'tensor "b" begins at byte');
  });

  it("decodeSafetensors() refuses an end before its begin", () => {
    const json = `{${entry("a", "U8", [4], 0, 4)},${entry("b", "U8", [1], 4, 3)}}`;
    refuses(file(json, [0, 0, 0, 0]), RangeError, 'tensor "b" ends at byte');
  });

  it("decodeSafetensors() refuses a shape whose product overflows, even where a later size is 0", () => {
    const json = `{${entry("t", "U8", [2 ** 30, 2 ** 30, 0], 0, 0)}}`;
    refuses(file(json), RangeError, "more elements than can be counted");
  });

  it("decodeSafetensors() refuses fewer bytes than the shape takes", () => {
    refuses(file(`{${entry("t", "F32", [2], 0, 4)}}`, [0, 0, 0, 0]), RangeError, 'tensor "t" has 4 bytes');
  });

  it("decodeSafetensors() refuses more bytes than the shape takes", () => {
    refuses(file(`{${entry("t", "U8", [], 0, 4)}}`, [0, 0, 0, 0]), RangeError, 'tensor "t" has 4 bytes');
  });

  it("decodeSafetensors() refuses a file longer than its tensors", () => {
    const json = `{${entry("t", "U8", [1], 0, 1)}}`;
    const end = 8 + json.length + 1;
    refuses(file(json, [0, 0]), RangeError, `its tensors end at byte ${end}, the file at ${end + 1}`);
  });

  it("decodeSafetensors() refuses a file shorter than its tensors", () => {
    refuses(file(`{${entry("t", "U8", [2], 0, 2)}}`, [0]), RangeError, "its tensors end at byte");
  });

  it("decodeSafetensors() refuses an I64 past 2^53 and names its byte", () => {
    const json = `{${entry("t", "I64", [2], 0, 16)}}`;
    const data = new Uint8Array(new BigInt64Array([0n, 2n ** 53n]).buffer);
    refuses(file(json, data), RangeError, `the I64 at byte ${8 + json.length + 8} is past 2^53`);
  });

  it("decodeSafetensors() refuses a BOOL that is neither 0 nor 1", () => {
    const json = `{${entry("t", "BOOL", [3], 0, 3)}}`;
    refuses(file(json, [0, 1, 2]), SyntaxError, `byte ${8 + json.length + 2} is 2, and a BOOL is 0 or 1`);
  });

  it("decodeSafetensors() gives an error, and no tensor, for every way to cut a file short", () => {
    const whole = encodeSafetensors({ a: tensor([1, 2, 3]), b: zeros([2], { dtype: "uint8" }) }, { step: "7" });
    for (let end = 0; end < whole.length; end++) {
      assertThrows(() => decodeSafetensors(whole.subarray(0, end)), Error, "Cannot read");
    }
  });

  it("decodeSafetensors() gives tensors or one of its own errors for every flipped bit of a header", () => {
    const whole = encodeSafetensors({ a: tensor([1, 2, 3]), b: zeros([2], { dtype: "uint8" }) }, { step: "7" });
    for (let bit = 0; bit < 8 * (whole.length - 14); bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      try {
        for (const t of decodeSafetensors(damaged).tensors.values()) assertEquals(t.data.length, t.numel());
      } catch (error) {
        assert(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
        assert(error.message.startsWith("Cannot read "), error.message);
      }
    }
  });
});

describe("decodeSafetensors()", () => {
  it("decodeSafetensors() takes a file of no tensors and its space padding", () => {
    assertEquals(decodeSafetensors(file("{}      ")).tensors.size, 0);
  });

  it("decodeSafetensors() takes tensors whose data stand in another order than their names", () => {
    const json = `{${entry("a", "U8", [1], 1, 2)},${entry("b", "U8", [1], 0, 1)}}`;
    const { tensors } = decodeSafetensors(file(json, [5, 6]));
    assertEquals([tensors.get("a")!.item(), tensors.get("b")!.item()], [6, 5]);
  });

  it("decodeSafetensors() reads a float that is not aligned in the file", () => {
    const json = `{${entry("b", "U8", [1], 0, 1)},${entry("t", "F32", [1], 1, 5)}}`;
    const data = [7, ...new Uint8Array(new Float32Array([1.5]).buffer)];
    assertEquals(decodeSafetensors(file(json, data)).tensors.get("t")!.item(), 1.5);
  });

  it("decodeSafetensors() copies, so that writing to a tensor leaves the bytes as they were", () => {
    const bytes = encodeSafetensors({ t: tensor([1]) });
    const before = bytes.slice();
    decodeSafetensors(bytes).tensors.get("t")!.data[0] = 9;
    assertEquals(bytes, before);
  });

  it("decodeSafetensors() widens F16 to float32: 1, -2, the largest, the smallest, infinity", () => {
    const t = one("F16", [5], new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00]));
    assertEquals([t.dtype, [...t.data]], ["float32", [1, -2, 65504, 2 ** -24, Infinity]]);
  });

  it("decodeSafetensors() keeps a NaN of F16 and BF16 a NaN", () => {
    assert(Number.isNaN(one("F16", [], new Uint16Array([0x7e00])).item()));
    assert(Number.isNaN(one("BF16", [], new Uint16Array([0x7fc0])).item()));
  });

  it("decodeSafetensors() widens BF16 to float32: 1, -2, -0, infinity", () => {
    const t = one("BF16", [4], new Uint16Array([0x3f80, 0xc000, 0x8000, 0x7f80]));
    assertEquals([t.dtype, [...t.data]], ["float32", [1, -2, -0, Infinity]]);
  });

  it("decodeSafetensors() widens I8 and I16 to int32", () => {
    const bytes = one("I8", [2], new Int8Array([-128, 127])), shorts = one("I16", [2], new Int16Array([-32768, 32767]));
    assertEquals([bytes.dtype, [...bytes.data]], ["int32", [-128, 127]]);
    assertEquals([shorts.dtype, [...shorts.data]], ["int32", [-32768, 32767]]);
  });

  it("decodeSafetensors() gives I64 as int32 where every value fits", () => {
    const t = one("I64", [3], new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n, -1n]));
    assertEquals([t.dtype, [...t.data]], ["int32", [-(2 ** 31), 2 ** 31 - 1, -1]]);
  });

  it("decodeSafetensors() gives I64 as float64 where one value does not fit", () => {
    const t = one("I64", [4], new BigInt64Array([2n ** 31n, -(2n ** 31n) - 1n, 2n ** 53n - 1n, 1n - 2n ** 53n]));
    assertEquals([t.dtype, [...t.data]], ["float64", [2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, 1 - 2 ** 53]]);
  });
});

describe("encodeSafetensors()", () => {
  it("encodeSafetensors() gives these bytes for one tensor and a word of metadata", () => {
    const header = '{"__metadata__":{"k":"v"},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    const data = new Uint8Array(new Float32Array([1, 2]).buffer);
    assertEquals(encodeSafetensors({ t: tensor([1, 2]) }, { k: "v" }), file(padded, data));
  });

  it("encodeSafetensors() puts wider kinds first, then sorts by name", () => {
    const named = {
      z: tensor([true]),
      c: tensor([1]),
      d: tensor([1], { dtype: "float64" }),
      b: tensor([1]),
      a: tensor([1], { dtype: "uint8" }),
      i: tensor([1], { dtype: "int32" }),
    };
    assertEquals([...decodeSafetensors(encodeSafetensors(named)).tensors.keys()], ["d", "b", "c", "i", "a", "z"]);
  });

  it("encodeSafetensors() begins the data at a multiple of 8", () => {
    for (const name of ["a", "ab", "abc", "é"]) {
      const bytes = encodeSafetensors({ [name]: tensor([1]) });
      assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0);
    }
  });

  for (const dtype of ["float32", "float64", "int32", "uint8", "bool"] as DType[]) {
    for (const shape of [[], [0], [2, 0, 3], [2, 3]]) {
      it(`encodeSafetensors() and back keeps ${dtype} [${shape}]`, () => {
        const t = zeros(shape, { dtype });
        t.data.forEach((_, i) => t.data[i] = i % 2);
        const back = decodeSafetensors(encodeSafetensors({ t })).tensors.get("t")!;
        assertEquals([back.dtype, back.shape, [...back.data]], [dtype, shape, [...t.data]]);
      });
    }
  }

  it("encodeSafetensors() and back keeps the bits of NaN, -0 and infinity", () => {
    const data = new Float32Array([NaN, -0, Infinity, -Infinity, 1e-45]);
    const back = decodeSafetensors(encodeSafetensors({ t: fromData(data, [5]) })).tensors.get("t")!;
    assertEquals(new Uint8Array(back.data.buffer), new Uint8Array(data.buffer));
  });

  it("encodeSafetensors() writes a transposed view as the elements it shows", () => {
    const t = tensor([[1, 2, 3], [4, 5, 6]]).t();
    assertEquals(decodeSafetensors(encodeSafetensors({ t })).tensors.get("t")!.toArray(), [[1, 4], [2, 5], [3, 6]]);
  });

  it("encodeSafetensors() writes only the part of its memory that a view shows", () => {
    const t = new Tensor(new Float32Array([1, 2, 3, 4]), [2], [1], 1, "float32");
    const bytes = encodeSafetensors({ t });
    assertEquals(decodeSafetensors(bytes).tensors.get("t")!.toArray(), [2, 3]);
  });

  it("encodeSafetensors() writes an expanded view, stride 0, element for element", () => {
    const t = new Tensor(new Float32Array([7]), [3], [0], 0, "float32");
    assertEquals(decodeSafetensors(encodeSafetensors({ t })).tensors.get("t")!.toArray(), [7, 7, 7]);
  });

  it("encodeSafetensors() and back keeps names that objects treat apart", () => {
    const named = new Map(["__proto__", "constructor", "", "a\u0000b", "名前"].map((name, i) => [name, tensor([i])]));
    const { tensors } = decodeSafetensors(encodeSafetensors(named));
    for (const [name, t] of named) assertEquals(tensors.get(name)!.item(), t.item());
  });

  it("encodeSafetensors() refuses the name the format keeps", () => {
    assertThrows(() => encodeSafetensors({ __metadata__: tensor([1]) }), TypeError, "the format keeps that name");
  });

  it("encodeSafetensors() refuses names and metadata that are not Unicode", () => {
    assertThrows(() => encodeSafetensors({ "\ud800": tensor([1]) }), TypeError, "it is not Unicode");
    assertThrows(() => encodeSafetensors({}, { k: "\ud800" }), TypeError, 'Cannot write metadata "k"');
  });
});

describe("writeSafetensors()", () => {
  it("writeSafetensors() and readSafetensors() give back tensors and metadata", async () => {
    const folder = await Deno.makeTempDir();
    try {
      await writeSafetensors(`${folder}/m.safetensors`, { w: tensor([[1, 2]]) }, { step: "7" });
      const { tensors, metadata } = await readSafetensors(`${folder}/m.safetensors`);
      assertEquals([tensors.get("w")!.toArray(), metadata.get("step")], [[[1, 2]], "7"]);
      assertEquals(Array.from(Deno.readDirSync(folder), (f) => f.name), ["m.safetensors"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("writeSafetensors() leaves the old file when it refuses the new", async () => {
    const path = await Deno.makeTempFile();
    try {
      await writeSafetensors(path, { w: tensor([1]) });
      await assertRejects(() => writeSafetensors(path, { __metadata__: tensor([1]) }), TypeError);
      assertEquals((await readSafetensors(path)).tensors.get("w")!.item(), 1);
    } finally {
      await Deno.remove(path);
    }
  });

  it("readSafetensors() names the file it cannot read", async () => {
    const path = await Deno.makeTempFile();
    try {
      await assertRejects(() => readSafetensors(path), RangeError, path);
    } finally {
      await Deno.remove(path);
    }
  });
});
