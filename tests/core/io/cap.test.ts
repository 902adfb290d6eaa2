import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor, zeros } from "@gradus/gradus";
import {
  decodeNpy,
  decodeNpz,
  decodeSafetensors,
  encodeNpz,
  encodeSafetensors,
  readNpy,
  readNpz,
  readSafetensors,
  writeNpy,
} from "@gradus/gradus/io";
import { Cap } from "../../../core/io/read_file.ts";
import { inFolder } from "./in_folder.ts";
import { header, npyFile } from "./npy/npy_file.ts";
import { pastMaxBytes } from "../../wording.ts";

const most = (size: number | null, maxBytes?: number) => new Cap("f", { maxBytes }, size).limit;

describe("Cap", () => {
  it("Cap allows 256 MiB, of a larger file 32 times its size, of a stream 1 GiB", () => {
    assertEquals([most(0), most(2 ** 23), most(2 ** 24), most(null)], [2 ** 28, 2 ** 28, 2 ** 29, 2 ** 30]);
  });

  it("Cap allows maxBytes instead, where it is given", () => {
    assertEquals([most(0, 5), most(null, 0), most(0, Infinity)], [5, 0, Infinity]);
    for (const maxBytes of [NaN, -1, "9" as unknown as number]) {
      assertThrows(
        () => most(0, maxBytes),
        RangeError,
        `Cannot set maxBytes to ${maxBytes}: expected a number of bytes`,
      );
    }
  });

  it("Cap names the file, what was too much, and the option that allows more", () => {
    const cap = new Cap("a.npz", { maxBytes: 10 });
    cap.count(10, () => "all");
    assertThrows(
      () => cap.count(1, () => "one more"),
      RangeError,
      "Cannot read a.npz: one more comes to 11 bytes, and maxBytes allows 10: raise it if you trust the file",
    );
  });
});

describe("readers of tensors within their cap", () => {
  const shorts = npyFile(header("<i2", "(10,)"), Array(20).fill(1)); // 20 bytes in the file, 40 here

  it("decodeNpy() counts the bytes that the elements take here", () => {
    assertEquals(decodeNpy(shorts, "a", { maxBytes: 40 }).shape, [10]);
    assertThrows(
      () => decodeNpy(shorts, "a.npy", { maxBytes: 39 }),
      RangeError,
      `Cannot read a.npy: <i2 [10] ${pastMaxBytes(39, 40)}`,
    );
  });

  it("decodeNpz() counts its tensors together, those that it inflates as well", () => {
    const bytes = encodeNpz({ a: zeros([100]), b: zeros([100]) }, { compress: true });
    assertEquals(decodeNpz(bytes, "a", { maxBytes: 1056 }).size, 2); // each 400 and a header of 128
    assertThrows(() => decodeNpz(bytes, "a.npz", { maxBytes: 1055 }), RangeError, 'with "b.npy" at byte');
  });

  it("decodeSafetensors() counts the tensors and what each takes beside its elements", () => {
    const bytes = encodeSafetensors({ a: zeros([100]), b: tensor([1]) });
    assertEquals(decodeSafetensors(bytes, "a", { maxBytes: 4_000 }).tensors.size, 2);
    assertThrows(
      () => decodeSafetensors(bytes, "a.safetensors", { maxBytes: 2_500 }),
      RangeError,
      pastMaxBytes(2_500),
    );
  });

  it("readNpy(), readNpz() and readSafetensors() hold a file to maxBytes, and name it", () =>
    inFolder(async (folder) => {
      const path = `${folder}/a`;
      await writeNpy(path, zeros([100]));
      assertEquals((await readNpy(path, { maxBytes: 528 })).shape, [100]);
      for (const read of [readNpy, readNpz, readSafetensors]) {
        await assertRejects(() => read(path, { maxBytes: 500 }), RangeError, `${path}: the file comes to 528 bytes`);
      }
    }));

  it("readNpy() ends a device without end", { ignore: Deno.build.os === "windows" }, async () => {
    await assertRejects(
      () => readNpy("/dev/zero", { maxBytes: 1e6 }),
      RangeError,
      "Cannot read /dev/zero: what came so far",
    );
  });
});

describe("decodeSafetensors() of headers made to fill the memory", () => {
  function file(json: string): Uint8Array {
    const text = new TextEncoder().encode(json), bytes = new Uint8Array(8 + text.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    return bytes;
  }

  it("decodeSafetensors() refuses millions of maps", () => {
    const bytes = file(`{"a":[${"{},".repeat(3_000_000)}{}]}`);
    assertThrows(() => decodeSafetensors(bytes, "a"), RangeError, "JSON of many values, at character");
  });

  it("decodeSafetensors() reads a string of 20 MB, with escapes in it, and gives it whole", () => {
    const text = `${"x".repeat(10_000_000)}${"\\".repeat(5_000_000)}"`;
    const { metadata } = decodeSafetensors(encodeSafetensors({}, { text }));
    assertEquals(metadata.get("text") === text, true);
  });

  it("decodeSafetensors() repeats the beginning of a long name and of a long shape, not all", () => {
    const name = "n".repeat(1_000_000), ones = Array(500_000).fill(1);
    for (
      const entry of [{}, { dtype: "F32", shape: ones, data_offsets: [0, 8] }, {
        dtype: name,
        shape: [],
        data_offsets: [0, 0],
      }]
    ) {
      const { message } = assertThrows(() => decodeSafetensors(file(JSON.stringify({ [name]: entry })), "a"), Error);
      assert(message.length < 500 && message.includes(`"${"n".repeat(100)}…"`), message.slice(0, 500));
    }
  });

  it("decodeSafetensors() refuses a string of 20 MB that does not end", () => {
    const bytes = file(`{"__metadata__":{"a":"${'\\"'.repeat(10_000_000)}`);
    assertThrows(() => decodeSafetensors(bytes, "a"), SyntaxError, "found no well-formed string at byte");
  });
});
