import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { fromData, type Tensor, tensor, zeros } from "@gradus/gradus";
import { decodeNpy, encodeNpy, readNpy, writeNpy } from "@gradus/gradus/io";
import { inFolder, namesIn } from "../in_folder.ts";
import { header, npyFile } from "./npy_file.ts";

function refuses(bytes: Uint8Array, kind: typeof SyntaxError | typeof RangeError, message: string): void {
  const error = assertThrows(() => decodeNpy(bytes, "bad.npy"), kind, message);
  assert(error.message.startsWith("Cannot read bad.npy: "), error.message);
}

/** The file of `data` in one dimension. */
function one(descr: string, data: ArrayBufferView<ArrayBuffer>, count = 2): Tensor {
  return decodeNpy(npyFile(header(descr, `(${count},)`), new Uint8Array(data.buffer)));
}

describe("encodeNpy()", () => {
  it("encodeNpy() gives these bytes for a row of two floats", () => {
    const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".padEnd(117) + "\n";
    assertEquals(encodeNpy(tensor([1, 2])), npyFile(text, new Uint8Array(new Float32Array([1, 2]).buffer)));
  });

  it("encodeNpy() begins the data at a multiple of 64", () => {
    for (let rank = 0; rank < 30; rank++) {
      const bytes = encodeNpy(zeros(Array(rank).fill(1)));
      assertEquals((bytes.length - 4) % 64, 0);
    }
  });

  it("encodeNpy() writes bytes and booleans without a byte order", () => {
    const text = (t: Tensor) => new TextDecoder().decode(encodeNpy(t).subarray(10, 30));
    assert(text(tensor([1], { dtype: "uint8" })).includes("'|u1'"));
    assert(text(tensor([true])).includes("'|b1'"));
  });

  it("encodeNpy() refuses a shape that NumPy would not read back", () => {
    assertThrows(() => encodeNpy(zeros(Array(4_000).fill(1))), RangeError, "10000 are allowed");
  });
});

describe("decodeNpy()", () => {
  it("decodeNpy() reads rank 0 and sizes of 0", () => {
    assertEquals(decodeNpy(npyFile(header("|u1", "()"), [7])).item(), 7);
    assertEquals(decodeNpy(npyFile(header("|u1", "(2, 0, 3)"))).shape, [2, 0, 3]);
  });

  it("decodeNpy() reads Fortran order as a transposed view", () => {
    const t = decodeNpy(npyFile(header("|u1", "(2, 3)", "True"), [1, 4, 2, 5, 3, 6]));
    assertEquals([t.strides, t.toArray()], [[1, 2], [[1, 2, 3], [4, 5, 6]]]);
  });

  for (const version of [2, 3]) {
    it(`decodeNpy() reads version ${version}, whose header may be long`, () => {
      assertEquals(decodeNpy(npyFile(header("|u1", "(2,)").padEnd(9_000), [1, 2], version)).toArray(), [1, 2]);
    });
  }

  it("decodeNpy() reads sizes with Python 2's L, other quotes, other order and no spaces", () => {
    const text = `{"shape":(2L,1L),"fortran_order":False,"descr":"|u1"}`;
    assertEquals(decodeNpy(npyFile(text, [1, 2])).shape, [2, 1]);
  });

  it("decodeNpy() reads big-endian elements", () => {
    assertEquals(decodeNpy(npyFile(header(">f4", "(1,)"), [0x3f, 0xc0, 0, 0])).item(), 1.5);
    assertEquals(decodeNpy(npyFile(header(">i2", "(2,)"), [1, 2, 0xff, 0xfe])).toArray(), [258, -2]);
  });

  it("decodeNpy() takes = and no byte order for this machine's", () => {
    for (const descr of ["=f4", "f4"]) assertEquals(one(descr, new Float32Array([1, 2])).toArray(), [1, 2]);
  });

  for (
    const [descr, data, dtype] of [
      ["|i1", new Int8Array([-128, 127]), "int32"],
      ["<u2", new Uint16Array([0, 65535]), "int32"],
      ["<i2", new Int16Array([-32768, 32767]), "int32"],
      ["<u4", new Uint32Array([0, 2 ** 31 - 1]), "int32"],
      ["<u4", new Uint32Array([0, 2 ** 31]), "float64"],
      ["<f8", new Float64Array([Math.PI, -0]), "float64"],
    ] as const
  ) {
    it(`decodeNpy() gives ${descr} [${data}] as ${dtype}`, () => {
      const t = one(descr, data);
      assertEquals([t.dtype, [...t.data]], [dtype, [...data]]);
    });
  }

  it("decodeNpy() gives 64-bit integers as int32 where they fit, else float64", () => {
    assertEquals(one("<i8", new BigInt64Array([-1n, 2n ** 31n - 1n])).dtype, "int32");
    const wide = one("<i8", new BigInt64Array([-(2n ** 31n) - 1n, 2n ** 53n - 1n]));
    assertEquals([wide.dtype, [...wide.data]], ["float64", [-(2 ** 31) - 1, 2 ** 53 - 1]]);
    assertEquals(one("<u8", new BigUint64Array([0n, 2n ** 31n])).dtype, "float64");
  });

  it("decodeNpy() widens float16 to float32", () => {
    assertEquals([...one("<f2", new Uint16Array([0x3c00, 0x7bff])).data], [1, 65504]);
  });

  it("decodeNpy() copies, from a slice that begins anywhere", () => {
    const shifted = new Uint8Array([9, ...encodeNpy(tensor([1.5]))]).subarray(1);
    const t = decodeNpy(shifted);
    shifted.fill(0);
    assertEquals(t.toArray(), [1.5]);
  });
});

describe("decodeNpy() refuses", () => {
  const good = header("|u1", "(2,)");

  it("decodeNpy() refuses other first bytes, and none", () => {
    refuses(
      new Uint8Array([0x93, 1, 2, 3, 4, 5, 6]),
      SyntaxError,
      "begins 93 4e 55 4d 50 59, this one 93 01 02 03 04 05",
    );
    refuses(new Uint8Array(), SyntaxError, "this one nothing");
  });

  it("decodeNpy() refuses versions 0 and 4, and 1.1", () => {
    for (const [major, minor] of [[0, 0], [4, 0], [1, 1]]) {
      const bytes = npyFile(good, [1, 2]);
      bytes.set([major, minor], 6);
      refuses(bytes, SyntaxError, `its version at byte 6 is ${major}.${minor}`);
    }
  });

  it("decodeNpy() refuses a header longer than 10,000 before it looks for it", () => {
    const bytes = npyFile(good, [1, 2], 2);
    new DataView(bytes.buffer).setUint32(8, 2 ** 32 - 1, true);
    refuses(bytes, RangeError, "the length at byte 8 is 4294967295, a header may have 10000");
  });

  it("decodeNpy() refuses a header that ends past the file", () => {
    const bytes = npyFile(good).subarray(0, 30);
    refuses(bytes, RangeError, `its header ends at byte ${10 + good.length}, the file at 30`);
  });

  it("decodeNpy() refuses one byte too few and one too many", () => {
    const start = 10 + good.length;
    refuses(npyFile(good, [1]), RangeError, `from byte ${start} on takes 2 bytes, the file has 1`);
    refuses(npyFile(good, [1, 2, 3]), RangeError, "takes 2 bytes, the file has 3");
  });

  it("decodeNpy() refuses sizes that no memory holds, before it takes any", () => {
    refuses(npyFile(header("<f8", "(4611686018427, 4611686018427)")), RangeError, "has more elements than fit");
    refuses(npyFile(header("<f8", "(4611686018427, 4611686018427, 0)")), RangeError, "has more elements than fit");
    refuses(npyFile(header("<f8", "(1000000000,)")), RangeError, "takes 8000000000 bytes, the file has 0");
  });

  for (const descr of ["|O", "<U5", "|S3", "<c8", "<M8[ns]", "|V4", "<f3", "^f4", "<b2", ""]) {
    it(`decodeNpy() refuses the dtype '${descr}', Python objects among them, and names those it reads`, () => {
      refuses(npyFile(header(descr, "(2,)"), [1, 2]), SyntaxError, `descr '${descr}': save it as one of b1 u1 i1`);
    });
  }

  for (
    const [what, text, message] of [
      ["no dict", "['descr']", 'found no "{" in the header at byte 10'],
      ["a call", "{'descr': print('x')}", "found nothing a header may hold"],
      [
        "a structured kind",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
        "nothing a header may hold",
      ],
      ["a missing key", "{'descr': '|u1', 'shape': (2,)}", "no 'fortran_order' that is True or False"],
      ["a further key", "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'x': 1}", "no key among 'descr'"],
      [
        "a key twice",
        "{'descr': '|u1', 'descr': '|i1', 'fortran_order': False, 'shape': (2,)}",
        "'descr' a second time",
      ],
      ["a size that is no tuple", header("|u1", "(2)"), "a size in brackets, which is no tuple"],
      ["a bare size", header("|u1", "2"), "no value of 'shape'"],
      ["a negative size", header("|u1", "(-2,)"), "nothing a header may hold"],
      ["a fraction", header("|u1", "(2.0,)"), "nothing a header may hold"],
      ["a size past 2^53", header("|u1", "(9007199254740993,)"), "a size past 2^53"],
      ["sizes without a comma", header("|u1", "(2 1)"), "or no comma before it"],
      ["a truth for a shape", header("|u1", "True"), "no 'shape' that is a tuple"],
      ["a word for an order", "{'descr': '|u1', 'fortran_order': 'no', 'shape': (2,)}", "no 'fortran_order'"],
      ["text after the dict", good + "import os", "text after the dict"],
      ["an escape", "{'descr': '\\x7cu1', 'fortran_order': False, 'shape': (2,)}", "nothing a header may hold"],
      ["an end too early", "{'descr': '|u1'", 'no "}"'],
    ]
  ) {
    it(`decodeNpy() refuses ${what} in the header, and names the byte`, () => {
      refuses(npyFile(text, [1, 2]), SyntaxError, message);
    });
  }

  it("decodeNpy() refuses a header that is not ASCII", () => {
    refuses(npyFile(good.replace("descr", "déscr"), [1, 2]), SyntaxError, "byte 13 of the header is c3, not ASCII");
  });

  it("decodeNpy() refuses a boolean that is neither 0 nor 1", () => {
    refuses(npyFile(header("|b1", "(2,)"), [1, 2]), SyntaxError, "is 2, and a |b1 is 0 or 1");
  });

  it("decodeNpy() refuses an unsigned 2^64 - 1, which is not -1", () => {
    const data = new Uint8Array(8).fill(0xff);
    refuses(npyFile(header("<u8", "(1,)"), data), RangeError, "the <u8 at byte");
  });

  it("decodeNpy() refuses a 64-bit integer past 2^53 and names its byte", () => {
    const text = header("<i8", "(1,)");
    const data = new Uint8Array(new BigInt64Array([2n ** 53n]).buffer);
    refuses(npyFile(text, data), RangeError, `the <i8 at byte ${10 + text.length} is past 2^53`);
  });
});

describe("writeNpy()", () => {
  it("writeNpy() and readNpy() give back the tensor, and leave nothing else", () =>
    inFolder(async (folder) => {
      await writeNpy(`${folder}/t.npy`, tensor([[1, 2], [3, 4]]).t());
      assertEquals((await readNpy(`${folder}/t.npy`)).toArray(), [[1, 3], [2, 4]]);
      assertEquals(namesIn(folder), ["t.npy"]);
    }));

  it("readNpy() names the file it cannot read", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/t.npy`, "no");
      await assertRejects(() => readNpy(`${folder}/t.npy`), SyntaxError, `${folder}/t.npy`);
    }));

  it("writeNpy() writes the memory of a dense tensor as it is", () =>
    inFolder(async (folder) => {
      const data = new Float32Array([NaN, -0, 1e-45]);
      await writeNpy(`${folder}/t.npy`, fromData(data, [3]));
      assertEquals(Deno.readFileSync(`${folder}/t.npy`).subarray(-12), new Uint8Array(data.buffer));
    }));
});
