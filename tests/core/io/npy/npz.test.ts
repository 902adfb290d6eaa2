import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { deflateSync } from "fflate";
import { tensor, zeros } from "@gradus/gradus";
import { decodeNpz, encodeNpy, encodeNpz, readNpz, writeNpz } from "@gradus/gradus/io";
import { runAtOnce } from "../../../../core/event_loop.ts";
import { crc32 } from "../../../../core/io/zip/unzip.ts";
import { inFolder, namesIn } from "../in_folder.ts";
import { type End, type Member, zipFile } from "../zip/zip_file.ts";
import { pastMaxBytes } from "../../../wording.ts";

const content = encodeNpy(tensor([1, 2]));
const packed = deflateSync(content);
const deflated = { packed, method: 8 };

function refuses(bytes: Uint8Array, kind: typeof SyntaxError | typeof RangeError, message: string): void {
  const error = assertThrows(() => decodeNpz(bytes, "bad.npz"), kind, message);
  assert(error.message.startsWith("Cannot read bad.npz: "), error.message);
}

const one = (member: Partial<Member> = {}, end: End = {}) => zipFile([{ name: "t.npy", content, ...member }], end);

describe("crc32()", () => {
  it("crc32() of 123456789 is the check value cbf43926", () => {
    assertEquals(runAtOnce(crc32(new TextEncoder().encode("123456789"))), 0xcbf43926);
  });
});

describe("encodeNpz()", () => {
  it("encodeNpz() gives equal bytes for equal tensors", () => {
    assertEquals(encodeNpz({ a: tensor([1]) }), encodeNpz({ a: tensor([1]) }));
  });

  it("encodeNpz() makes zeros small with compress", () => {
    const t = zeros([10_000]);
    assert(encodeNpz({ t }).length > 40_000);
    assert(encodeNpz({ t }, { compress: true }).length < 1_000);
  });

  it("encodeNpz() and back keeps names that objects treat apart, in their order", () => {
    const named = new Map(["__proto__", "b/c", "", "名前"].map((name, i) => [name, tensor(i)]));
    const back = decodeNpz(encodeNpz(named));
    assertEquals([...back].map(([name, t]) => [name, t.item()]), [...named].map(([name, t]) => [name, t.item()]));
  });

  it("encodeNpz() and back keeps an archive of none", () => {
    assertEquals(decodeNpz(encodeNpz({})).size, 0);
  });

  for (const name of ["/a", "\\a", "C:a", "../a", "a/../b", "..", "\ud800"]) {
    it(`encodeNpz() refuses the name ${JSON.stringify(name)}`, () => {
      assertThrows(() => encodeNpz({ [name]: tensor([1]) }), TypeError, "it is no relative path");
    });
  }

  it("encodeNpz() refuses a name too long for zip", () => {
    assertThrows(() => encodeNpz({ ["é".repeat(33_000)]: tensor([1]) }), TypeError, "a name of 66000 bytes");
  });
});

describe("decodeNpz()", () => {
  it("decodeNpz() reads an archive without zip64, with a comment", () => {
    assertEquals(decodeNpz(one({}, { comment: "hello" })).get("t")!.toArray(), [1, 2]);
  });

  it("decodeNpz() reads a deflated member", () => {
    assertEquals(decodeNpz(one(deflated)).get("t")!.toArray(), [1, 2]);
  });

  it("decodeNpz() reads a member whose sizes stand after it, as a pipe leaves them", () => {
    assertEquals(decodeNpz(one({ flags: 0x808 })).get("t")!.toArray(), [1, 2]);
  });
});

describe("decodeNpz() refuses", () => {
  it("decodeNpz() refuses what is no zip archive, and an archive cut short", () => {
    refuses(new Uint8Array(100), SyntaxError, "no zip archive ends at byte 100");
    refuses(one().subarray(0, -1), SyntaxError, "it may have been cut short");
  });

  it("decodeNpz() refuses an encrypted member, however it says so", () => {
    for (const flag of [1, 0x40, 0x2000]) refuses(one({ flags: 0x800 | flag }), SyntaxError, "is encrypted");
  });

  for (const [name, what] of [["/t.npy", "absolute"], ["\\t.npy", "absolute"], ["C:\\t.npy", "absolute"]]) {
    it(`decodeNpz() refuses the absolute name ${name}`, () => refuses(one({ name }), SyntaxError, `is ${what}`));
  }

  for (const name of ["../t.npy", "a/../../t.npy", "a\\..\\t.npy"]) {
    it(`decodeNpz() refuses the name ${name}`, () => refuses(one({ name }), SyntaxError, 'leads out by ".."'));
  }

  it("decodeNpz() refuses a name that comes twice", () => {
    const member = { name: "t.npy", content };
    refuses(zipFile([member, member]), SyntaxError, 'names "t.npy" a second time');
  });

  it("decodeNpz() refuses a member that is no npy file", () => {
    refuses(one({ name: "t.txt" }), SyntaxError, 'its member "t.txt" is no .npy file');
    const error = assertThrows(() => decodeNpz(one({ content: new Uint8Array(9) }), "bad.npz"), SyntaxError);
    assert(error.message.startsWith("Cannot read bad.npz: t.npy: an npy file begins"), error.message);
  });

  it("decodeNpz() refuses content whose CRC-32 differs", () => {
    refuses(one({ crc: 7 }), SyntaxError, '"t.npy" at byte 0 is damaged: CRC-32');
    refuses(one({ ...deflated, crc: 7 }), SyntaxError, "not 00000007");
  });

  it("decodeNpz() refuses a method other than stored and deflated", () => {
    refuses(one({ method: 14 }), SyntaxError, "is packed by method 14");
  });

  it("decodeNpz() refuses a name that is neither ASCII nor said to be UTF-8", () => {
    refuses(one({ name: "é.npy", flags: 0 }), SyntaxError, "neither ASCII nor said to be UTF-8");
  });

  it("decodeNpz() refuses a local header that names another file", () => {
    refuses(one({ localName: "u.npy" }), SyntaxError, "does not agree with the directory's");
  });

  it("decodeNpz() refuses a local header that is not where the directory says", () => {
    refuses(one({ offset: 1 }), SyntaxError, "byte 1 begins no local header");
    refuses(one({ offset: 1_000_000 }), RangeError, "ends past byte");
  });

  it("decodeNpz() refuses members that all begin past the end", () => {
    const past = (offset: number) => ({ name: `${offset}.npy`, content, offset });
    refuses(zipFile([past(5_000), past(6_000)]), RangeError, "ends past byte");
  });

  it("decodeNpz() refuses members that overlap, as in a bomb", () => {
    refuses(
      zipFile([{ name: "a.npy", content }, { name: "b.npy", content, offset: 0 }]),
      RangeError,
      "ends past byte 0",
    );
  });

  it("decodeNpz() refuses a member whose bytes go on over the next one's, as in a bomb that quotes its headers", () => {
    const both = { size: 2 * content.length + 35, packedSize: 2 * content.length + 35 }; // 30 and the name of the second
    refuses(
      zipFile([{ name: "a.npy", content, ...both }, { name: "b.npy", content }]),
      RangeError,
      `"a.npy" at byte 0 ends at ${35 + both.size}, and what follows begins at ${35 + content.length}`,
    );
  });

  it("decodeNpz() refuses sizes that a member does not have", () => {
    refuses(one({ size: 5 }), RangeError, "is stored in 136 bytes and has 5");
    refuses(one({ size: 500, packedSize: 500 }), RangeError, "and what follows begins at");
    refuses(one({ ...deflated, size: content.length + 1 }), SyntaxError, `inflates to ${content.length} bytes, not`);
    refuses(one({ ...deflated, size: content.length - 1 }), SyntaxError, "inflates past its 135 bytes");
  });

  it("decodeNpz() refuses a deflated stream that is damaged or cut short", () => {
    refuses(one({ ...deflated, packed: packed.slice(0, -4) }), SyntaxError, "is damaged: unexpected EOF");
    refuses(one({ method: 8, packed: new Uint8Array(9).fill(0xff) }), SyntaxError, "is damaged: ");
  });

  it("decodeNpz() refuses a size that so few bytes cannot inflate to, before it takes memory", () => {
    refuses(one({ ...deflated, size: 2 ** 31 }), RangeError, "inflate to 2147483648, which they cannot");
  });

  it("decodeNpz() refuses more bytes than are allowed, before it takes memory", () => {
    const two = encodeNpz({ a: zeros([100]), b: zeros([100]) });
    assertThrows(
      () => decodeNpz(two, "big.npz", { maxBytes: 1_000 }),
      RangeError,
      `with "b.npy" at byte 583 it ${pastMaxBytes(1_000, 1_056)}`,
    );
    const small = { method: 8, packed: new Uint8Array(300_000), size: 2 ** 28 + 1 };
    refuses(one(small), RangeError, `"t.npy" at byte 0 it ${pastMaxBytes(2 ** 28, 2 ** 28 + 1)}`);
    refuses(one({ size: 2 ** 32 - 2, packedSize: 2 ** 32 - 2 }), RangeError, pastMaxBytes(2 ** 28));
  });

  it("decodeNpz() refuses a directory that is not where the end record says", () => {
    refuses(one({}, { offset: 0 }), RangeError, "must end at");
    refuses(one({}, { count: 2 }), RangeError, "too few for 2 entries");
    refuses(one({}, { count: 0 }), RangeError, "0 entries end at byte");
  });

  it("decodeNpz() refuses one of several disks", () => {
    refuses(one({}, { disk: 1 }), SyntaxError, "one of several disks");
  });

  it("decodeNpz() refuses a reference to zip64 fields that are not there", () => {
    refuses(one({ size: 0xffffffff }), RangeError, "refers to a zip64 field that it does not have");
    refuses(one({}, { offset: 0xffffffff }), SyntaxError, "and there is none before it");
  });

  it("decodeNpz() refuses an extra field that ends past its entry's", () => {
    refuses(one({ size: 0xffffffff, extra: [1, 0, 40, 0] }), RangeError, 'the extra field of "t.npy"');
  });
});

describe("writeNpz()", () => {
  it("writeNpz() and readNpz() give back the tensors, and leave nothing else", () =>
    inFolder(async (folder) => {
      await writeNpz(`${folder}/t.npz`, { a: tensor([1]), b: tensor([[2]]) }, { compress: true });
      const back = await readNpz(`${folder}/t.npz`);
      assertEquals([...back].map(([name, t]) => [name, t.toArray()]), [["a", [1]], ["b", [[2]]]]);
      assertEquals(namesIn(folder), ["t.npz"]);
    }));

  it("readNpz() names the file it cannot read", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/t.npz`, "no");
      await assertRejects(() => readNpz(`${folder}/t.npz`), SyntaxError, `${folder}/t.npz`);
    }));
});
