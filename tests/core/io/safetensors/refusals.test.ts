import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor, zeros } from "@gradus/gradus";
import { decodeSafetensors, encodeSafetensors } from "@gradus/gradus/io";
import { entry, file } from "./safetensors_file.ts";

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
    refuses(new TextEncoder().encode("city,area\nGraz,50\n"), RangeError, "it is no safetensors file");
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

  it("decodeSafetensors() names a dtype it does not read, and those it does", () => {
    const message = 'entry "t" has dtype C64, which no dtype here holds: leave it out with { skip: ["t"] }, or ' +
      "save it as one of F64 F32 F16 BF16 F8_E4M3 F8_E5M2 I64 I32 I16 I8 U64 U32 U16 U8 BOOL";
    refuses(file(`{${entry("t", "C64", [1], 0, 8)}}`, Array(8).fill(0)), SyntaxError, message);
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

  it("decodeSafetensors() refuses a U64 past 2^53 and names its byte", () => {
    const json = `{${entry("t", "U64", [1], 0, 8)}}`;
    const data = new Uint8Array(new BigUint64Array([2n ** 64n - 1n]).buffer);
    refuses(file(json, data), RangeError, `the U64 at byte ${8 + json.length} is past 2^53`);
    refuses(file(json, data), RangeError, 'holds exactly: leave out tensor "t" with { skip: ["t"] }');
  });

  it("decodeSafetensors() refuses a BOOL that is neither 0 nor 1", () => {
    const json = `{${entry("t", "BOOL", [3], 0, 3)}}`;
    refuses(
      file(json, [0, 1, 2]),
      SyntaxError,
      `byte ${8 + json.length + 2} is 2, and a BOOL is 0 or 1: leave out tensor "t" with`,
    );
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
