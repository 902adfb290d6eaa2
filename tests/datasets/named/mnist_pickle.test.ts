import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { describe, it } from "../../bdd.ts";
import { granted } from "../../../core/host/host.ts";
import { parseMnistPickle, readMnistPickle } from "@gradus/gradus/data";
import type { Bytes, Tuple } from "../../../core/io/pickle/pickle_values.ts";
import { readNumpyPickle } from "../../../datasets/formats/numpy_pickle.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { gzip } from "../formats/gzip.ts";
import { array, op, part, type Parts, pickle, whole } from "../../core/io/pickle/pickle_file.ts";

const REAL = fromFileUrl(new URL("../../../../shared/data/mnist/mnist.pkl.gz", import.meta.url));
const real = await Deno.stat(REAL).then(() => true, () => false);

const pictures = [[0, 0.25, 0.5], [0.75, 1, 0]];

function refuses(bytes: Uint8Array<ArrayBuffer>, message: string, kind: typeof Error = SyntaxError): void {
  const error = assertThrows(() => parseMnistPickle(bytes, "bad.pkl"), kind, message);
  assert(error.message.startsWith("Cannot read bad.pkl: "), error.message);
}

describe("parseMnistPickle()", () => {
  it("parseMnistPickle() reads three pairs as Python 2 writes them", () => {
    const { train, valid, test } = parseMnistPickle(whole());
    for (const { images, labels } of [train, valid, test]) {
      assertEquals([images.dtype, images.toArray()], ["float32", pictures]);
      assertEquals([labels.dtype, labels.toArray()], ["int32", [5, 0]]);
    }
  });

  const raw = new Uint8Array(new Float32Array([0, 0.25, 0.5, 0.75, 1, 0]).buffer);
  const latin1 = [
    ...[...op.global("_codecs", "encode"), ...op.unicode(String.fromCharCode(...raw)), ...op.unicode("latin1")],
    ...[...op.tuple2, ...op.reduce],
  ];

  it("readNumpyPickle() encodes a text once, however often the file asks for it", () => {
    const again = [op.tuple2, op.reduce, [0x68, 0], [0x68, 1], [0x68, 2], op.tuple2, op.reduce, op.tuple2, op.stop];
    const first = [[...op.global("_codecs", "encode"), 0x71, 0], [...op.unicode("ÿ"), 0x71, 1], op.unicode("latin1"), [
      0x71,
      2,
    ]];
    const pair = readNumpyPickle(pickle(op.proto(), ...first, ...again), "a") as Tuple;
    assertEquals((pair.items[0] as Bytes).raw, new Uint8Array([255]));
    assertStrictEquals(pair.items[0], pair.items[1]);
  });

  it("parseMnistPickle() counts what its arrays take together", () => {
    const takes = 3 * (6 * 4 + 2 * 8); // labels are longs in the file
    assertEquals(parseMnistPickle(whole(), "a", { maxBytes: takes }).train.labels.numel(), 2);
    assertThrows(
      () => parseMnistPickle(whole(), "a.pkl", { maxBytes: takes - 1 }),
      RangeError,
      `Cannot read a.pkl: an array <i8 [2]`,
    );
  });

  for (
    const [what, parts] of [
      ["bytes that Python 3 encodes as Latin-1", { data: latin1 }],
      ["names as Python 3 writes them", { kind: op.unicode("f4"), order: op.unicode("<") }],
      ["the module of NumPy 2", { module: "numpy._core.multiarray" }],
      ["an order told by 0", { fortran: op.small(0) }],
      ["strings of protocol 0", { kind: [...new TextEncoder().encode("S'f\\x34'\np7\n")] }],
      ["integers of protocols 0 and 2", { shape: [...new TextEncoder().encode("(I2\nL3L\nt")] }],
      ["integers of two and of four bytes", { shape: [0x28, 0x4d, 2, 0, 0x8a, 1, 3, 0x74] }],
    ] as [string, Parts][]
  ) {
    it(`parseMnistPickle() reads ${what}`, () => {
      assertEquals(parseMnistPickle(whole(parts)).train.images.toArray(), pictures);
    });
  }

  it("parseMnistPickle() fetches what was kept, by short and by long numbers", () => {
    const kept = [...part(), 0x71, 9], long = [0x72, 1, 1, 0, 0];
    const { test } = parseMnistPickle(
      pickle(op.proto(), kept, long, [0x68, 9], [0x6a, 1, 1, 0, 0], op.tuple3, op.stop),
    );
    assertEquals(test.images.toArray(), pictures);
  });

  it("parseMnistPickle() reads big-endian and Fortran arrays", () => {
    const turned = new DataView(new ArrayBuffer(24));
    [0, 0.75, 0.25, 1, 0.5, 0].forEach((value, i) => turned.setFloat32(4 * i, value));
    const parts = { order: op.short(">"), fortran: op.yes, data: op.raw(new Uint8Array(turned.buffer)) };
    assertEquals(parseMnistPickle(whole(parts)).train.images.toArray(), pictures);
  });
});

describe("parseMnistPickle() executes nothing and refuses", () => {
  for (
    const [module, name] of [["os", "system"], ["builtins", "eval"], ["numpy", "load"], ["numpy.core.multiarray", "x"]]
  ) {
    it(`parseMnistPickle() refuses the name ${module} ${name}`, () => {
      const bytes = pickle(op.proto(), op.global(module, name), op.short("ls"), op.tuple1, op.reduce, op.stop);
      refuses(bytes, `GLOBAL at byte 2 found the name "${module} ${name}", which is none of an array's`);
    });
  }

  const marker = op.global("numpy", "ndarray"), encode = op.global("_codecs", "encode");
  for (
    const [what, parts, message] of [
      ["REDUCE of a marker that makes nothing", [marker, op.tuple1, op.reduce], "REDUCE at byte"],
      ["REDUCE of ndarray", [marker, op.small(1), op.tuple1, op.reduce], "found numpy ndarray with operands"],
      ["REDUCE of bytes", [op.short("f"), op.small(1), op.tuple1, op.reduce], "found Bytes with operands"],
      [
        "REDUCE of encode with another codec",
        [encode, op.unicode("a"), op.unicode("rot13"), op.tuple2, op.reduce],
        "REDUCE",
      ],
      [
        "REDUCE of encode with text past 255",
        [encode, op.unicode("Ā"), op.unicode("latin1"), op.tuple2, op.reduce],
        "REDUCE",
      ],
      [
        "REDUCE of dtype with a number",
        [op.global("numpy", "dtype"), op.small(4), op.tuple1, op.reduce],
        "numpy dtype with",
      ],
      ["BUILD of a number", [op.small(1), op.small(1), op.tuple1, op.build], "neither dtype nor ndarray"],
      ["BUILD with a state that is no tuple", [op.small(1), op.small(1), op.build], "a state that is no tuple"],
      ["a tuple without its mark", [op.small(1), op.tuple], "TUPLE at byte 4 found no mark"],
      ["a tuple of too few", [op.small(1), op.tuple2], "TUPLE2 at byte 4 found an empty stack"],
      ["a tuple over a mark", [op.mark, op.small(1), op.tuple2], "TUPLE2 at byte 5 found Mark"],
      ["a value that was not kept", [[0x68, 1]], "BINGET at byte 2 found nothing kept as 1"],
      ["a mark to keep", [op.mark, [0x71, 1]], "BINPUT at byte 3 found Mark"],
      ["a protocol past 2", [[0x80, 4]], "found protocol 4"],
      [
        "bytes past the end",
        [[0x54, 9, 0, 0, 0, 1]],
        "BINSTRING at byte 2 found 2 of 9 bytes: the file ends at byte 9",
      ],
      ["bytes of 2^32 - 1", [[0x54, 255, 255, 255, 255]], "1 of 4294967295 bytes"],
      ["an integer of nine bytes", [[0x8a, 9, ...Array(9).fill(1)]], "an integer of 9 bytes"],
      ["an integer past 2^53", [[0x8a, 8, ...Array(8).fill(100)]], "an integer past 2^53"],
      ["a number that is none", [[...new TextEncoder().encode("I1e3\n")]], "INT at byte 2 found no whole number"],
      ["a line without an end", [[0x49, 0x31]], "no end of its line"],
      ["an escape that Python does not write", [[...new TextEncoder().encode("S'\\q'\n")]], "an escape"],
      ["a string without quotes", [[...new TextEncoder().encode("Sabc\n")]], "no quoted string"],
    ] as [string, number[][], string][]
  ) {
    it(`parseMnistPickle() refuses ${what}`, () => refuses(pickle(op.proto(), ...parts, op.stop), message));
  }

  for (
    const [code, name] of [["o", "OBJ"], ["i", "INST"], ["\x81", "NEWOBJ"], ["P", "PERSID"], ["\x82", "EXT1"], [
      "}",
      "EMPTY_DICT",
    ]]
  ) {
    it(`parseMnistPickle() refuses the opcode ${name}`, () => {
      const hex = code.charCodeAt(0).toString(16);
      refuses(pickle(op.proto(), [code.charCodeAt(0)]), `opcode at byte 2 found 0x${hex}, which is not read`);
    });
  }

  for (
    const [what, parts, message] of [
      ["an object array", { kind: op.short("O8"), order: op.short("|") }, "kind |O8, which is not read"],
      ["fewer bytes than the shape takes", { data: op.raw([1, 2]) }, "2 bytes where <f4 [2,3] takes 24"],
      ["elements that are no bytes", { data: op.small(1) }, "elements that are no bytes"],
      ["a shape that is no tuple", { shape: op.small(6) }, "a shape that is no tuple of sizes"],
      ["a negative size", { shape: [...op.signed(-1), ...op.tuple1] }, "a shape that is no tuple of sizes"],
      ["a byte order that is none", { order: op.short("!") }, "no state of a plain dtype"],
      ["an order that is neither C nor Fortran", { fortran: op.small(2) }, "neither C nor Fortran"],
    ] as [string, Parts, string][]
  ) {
    it(`parseMnistPickle() refuses ${what}`, () => refuses(whole(parts), message));
  }

  it("parseMnistPickle() refuses an array that is built twice", () => {
    const twice = [...array("u1", [1], [7]), ...array("u1", [1], [7]).slice(array("u1", [1], [7]).indexOf(0x28))];
    refuses(pickle(op.proto(), twice, op.stop), "an array built before");
  });

  it("parseMnistPickle() refuses an array that was never built", () => {
    const empty = array("u1", [1], [7]);
    const unbuilt = [...empty.slice(0, empty.indexOf(0x28)), ...array("u1", [1], [7]), ...op.tuple2];
    refuses(pickle(op.proto(), unbuilt, unbuilt, unbuilt, op.tuple3, op.stop), "where an array must be");
  });

  it("parseMnistPickle() refuses more values on its stack and in its memory than an array needs", () => {
    refuses(new Uint8Array(2_000).fill(0x4e), "more than 1000 values on the stack");
    const puts = Array.from({ length: 10_001 }, (_, i) => [0x72, i & 255, i >> 8, 0, 0]).flat();
    refuses(pickle(op.none, puts), "more than 10000 values kept");
  });

  it("parseMnistPickle() refuses another form than three pairs, and bytes after the end", () => {
    refuses(pickle(op.proto(), part(), op.stop), "it holds Tuple where a tuple of 3 must be");
    refuses(pickle(op.proto(), op.none, op.stop), "it holds None where a tuple of 3 must be");
    refuses(pickle(op.proto(), op.none, op.none, op.stop), "2 values on the stack");
    refuses(new Uint8Array([...whole(), 0]), "found 1 more bytes");
    refuses(new Uint8Array(), "opcode at byte 0 found 0 of 1 bytes");
  });

  it("parseMnistPickle() refuses images and labels of different number", () => {
    const odd = [...array("u1", [2, 1], [1, 2]), ...array("u1", [3], [1, 2, 3]), ...op.tuple2];
    refuses(pickle(op.proto(), odd, odd, odd, op.tuple3, op.stop), "images [2,1] and labels [3]", RangeError);
  });
});

describe("readMnistPickle()", () => {
  it("readMnistPickle() reads a gzipped file, and names the one it cannot read", () =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/m.pkl.gz`, await gzip(whole()));
      assertEquals((await readMnistPickle(`${folder}/m.pkl.gz`)).test.images.toArray(), pictures);
      await Deno.writeFile(`${folder}/n.pkl.gz`, await gzip(whole().slice(0, -1)));
      await assertRejects(() => readMnistPickle(`${folder}/n.pkl.gz`), SyntaxError, `${folder}/n.pkl.gz`);
    }));

  // In a process of its own, so that its memory is what is measured.
  const program = `
    import { readMnistPickle } from ${
    JSON.stringify(new URL("../../../datasets/named/mnist_pickle.ts", import.meta.url).href)
  };
    const { train, valid, test } = await readMnistPickle(Deno.args[0]);
    const { data } = train.images;
    let sum = 0, squares = 0;
    for (let i = 0; i < data.length; i++) sum += data[i], squares += data[i] * data[i];
    const mean = sum / data.length, std = Math.sqrt(squares / data.length - mean * mean);
    const shapes = [train, valid, test].map(({ images, labels }) => [images.shape, labels.shape]);
    const peak = /VmHWM:\\s*(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    console.log(JSON.stringify({ mean, std, shapes, labels: [...train.labels.data.slice(0, 5)], megabytes: peak / 1024 }));
  `;
  const can = real && Deno.build.os === "linux" && granted({ name: "run", command: Deno.execPath() });

  (can ? it : it.skip)(
    "readMnistPickle() reads the full-size file with the numbers everybody knows, in 700 MB",
    async () => {
      const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
      const args = ["eval", "--config", config, "--no-check", program, REAL];
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      const found = JSON.parse(new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr));
      assertAlmostEquals(found.mean, 0.1304, 1e-4); // the documents print four digits, cut and not rounded
      assertAlmostEquals(found.std, 0.3073, 5e-5); // half a unit of the last digit told
      assertEquals(found.shapes, [50_000, 10_000, 10_000].map((n) => [[n, 784], [n]]));
      assertEquals(found.labels, [5, 0, 4, 1, 9]);
      assert(found.megabytes <= 700, `${found.megabytes} MB`);
    },
  );
});
