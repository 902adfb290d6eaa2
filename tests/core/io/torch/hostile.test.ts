/** Files made to run something, to read elsewhere, or to fill the memory: each is refused, and the message names what and where. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { readTorch } from "@gradus/gradus/io";
import { zlibSync } from "fflate";
import { op, pickle } from "../pickle/pickle_file.ts";
import type { Member } from "../zip/zip_file.ts";
import { FILES } from "./torch_files.ts";
import { archive, archiveOf, dict, elements, emptyDict, storage, torchTensor } from "./torch_archive.ts";

async function refuses(
  bytes: Uint8Array<ArrayBuffer>,
  message: string,
  kind: typeof Error = SyntaxError,
): Promise<void> {
  const file = new File([bytes], "bad.pt");
  const error = await assertRejects(() => readTorch(file), kind, message);
  assert(error.message.startsWith("Cannot read bad.pt"), error.message);
  assert(/byte|record/.test(error.message), error.message);
}

const text = (words: string) => new TextEncoder().encode(words);
const tuple = (...items: number[][]) => [...op.mark, ...items.flat(), ...op.tuple];
const long = (value: bigint) => [0x8a, 8, ...new Uint8Array(new BigInt64Array([value]).buffer)];

describe("readTorch() of a file by hand", () => {
  it("readTorch() reads it, so that what is changed below is what is refused", async () => {
    const { tensors, values } = await readTorch(archive(dict({ w: torchTensor(), n: op.small(7) })));
    assertEquals([tensors.get("w")!.toArray(), values.get("n")], [[[1, 2, 3], [4, 5, 6]], 7]);
  });

  for (
    const [what, rebuild, operands] of [
      ["the rebuilder of the first versions", "_rebuild_tensor", []],
      ["an untyped storage", "_rebuild_tensor_v3", [op.no, emptyDict, op.global("torch", "float32")]],
      ["metadata", "_rebuild_tensor_v2", [op.no, op.none, op.dict]],
    ] as [string, string, number[][]][]
  ) {
    it(`readTorch() reads a tensor with ${what}`, async () => {
      const bytes = [...op.global("torch.storage", "UntypedStorage")];
      const untyped = [
        ...tuple(op.unicode("storage"), bytes, op.unicode("0"), op.unicode("cpu"), op.small(24)),
        ...op.persistent,
      ];
      const place = rebuild.endsWith("v3") ? untyped : storage("0", op.small(6));
      const tensor = [
        ...op.global("torch._utils", rebuild),
        ...tuple(place, op.small(1), tuple(op.small(2)), tuple(op.small(2)), ...operands),
        ...op.reduce,
      ];
      assertEquals((await readTorch(archive(tensor))).tensors.get("")!.toArray(), [2, 4]);
    });
  }

  it("readTorch() reads what PyTorch 2 writes: more records, and dtypes without a storage of their own", async () => {
    const untyped = [
      ...tuple(
        ...[op.unicode("storage"), op.global("torch.storage", "UntypedStorage"), op.unicode("0")],
        ...[op.unicode("cpu"), op.small(4)],
      ),
      ...op.persistent,
    ];
    const of = (dtype: string, offset: number, size: number) => [
      ...op.global("torch._utils", "_rebuild_tensor_v3"),
      ...tuple(
        untyped,
        op.small(offset),
        tuple(op.small(size)),
        tuple(op.small(1)),
        op.no,
        emptyDict,
        op.global("torch", dtype),
      ),
      ...op.reduce,
    ];
    const named = {
      f8: of("float8_e4m3fn", 0, 4),
      u16: of("uint16", 1, 1),
      u32: of("uint32", 0, 1),
      odd: of("complex32", 0, 1),
    };
    const records = ["byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"];
    const file = archive(dict(named), [
      { name: "m/data/0", content: Uint8Array.of(0x38, 0xc0, 0xff, 0x3f) },
      ...records.map((name) => ({ name: `m/${name}`, content: text(name === "byteorder" ? "little" : "1") })),
    ]);
    const { tensors } = await readTorch(file, { skip: ["odd"] });
    const found = ["f8", "u16", "u32"].map((name) => tensors.get(name)!.toArray());
    assertEquals(found, [[1, -2, NaN, 1.875], [0x3fff], [0x3fffc038]]);
    await assertRejects(() => readTorch(file), TypeError, 'tensor "odd", made at byte');
  });

  it("readTorch() reads a tensor with attributes, and a Parameter with a state", async () => {
    const type = op.global("torch.nn.parameter", "Parameter"),
      rebuild = op.global("torch._utils", "_rebuild_tensor_v2");
    const operands = tuple(
      ...[storage("0", op.small(6)), op.small(0), tuple(op.small(1)), tuple(op.small(1)), op.no, emptyDict],
    );
    const typed = [...op.global("torch._tensor", "_rebuild_from_type_v2"), ...tuple(rebuild, type, operands, op.dict)];
    const stated = [
      ...op.global("torch._utils", "_rebuild_parameter_with_state"),
      ...tuple(torchTensor(), op.yes, emptyDict, op.dict),
    ];
    const file = archive(dict({ a: [...typed, ...op.reduce], b: [...stated, ...op.reduce] }));
    const { tensors } = await readTorch(file);
    assertEquals([tensors.get("a")!.toArray(), tensors.get("b")!.shape], [[1], [2, 3]]);
  });
});

describe("readTorch() calls nothing", () => {
  for (
    const name of [
      ...["os system", "posix system", "subprocess Popen", "builtins eval", "__builtin__ eval", "builtins getattr"],
      ...["torch load", "torch.hub load", "torch._utils _import_dotted_name", "runpy run_path", "numpy load"],
      ...["__main__ Net", "constructor constructor", "__proto__ __proto__", "collections Counter", "torch FakeStorage"],
    ]
  ) {
    it(`readTorch() refuses the name ${name}`, () => {
      const [module, attribute] = name.split(" ");
      const call = [...op.global(module, attribute), ...op.unicode("id"), ...op.tuple1, ...op.reduce];
      return refuses(archive(call), `bad.pt: m/data.pkl: GLOBAL at byte 2 found the name "${name}", `);
    });
  }

  it("readTorch() refuses a name where it stands, deep in a checkpoint", () => {
    const deep = dict({ model: dict({ w: torchTensor(), hook: op.global("os", "system") }) });
    const at = 2 + deep.lastIndexOf("c".charCodeAt(0));
    return refuses(archive(deep), `GLOBAL at byte ${at} found the name "os system", which is refused`);
  });

  const parameter = op.global("torch.nn.parameter", "Parameter");
  for (
    const [what, parts, message] of [
      ["a class", [...parameter, ...op.tuple0, ...op.reduce], "torch.nn.parameter Parameter with operands"],
      ["a text", [...op.unicode("os"), ...op.tuple0, ...op.reduce], "found Text with operands"],
      ["a rebuilder through another", [
        ...op.global("torch._tensor", "_rebuild_from_type_v2"),
        ...tuple(op.global("torch", "device"), op.global("torch", "Tensor"), tuple(op.unicode("cpu")), op.dict),
        ...op.reduce,
      ], "torch._tensor _rebuild_from_type_v2 with operands"],
      ["OrderedDict with items", [
        ...op.global("collections", "OrderedDict"),
        ...op.list,
        ...op.tuple1,
        ...op.reduce,
      ], "collections OrderedDict with operands"],
      ["a codec", [
        ...op.global("_codecs", "encode"),
        ...op.unicode("a"),
        ...op.unicode("zlib"),
        ...op.tuple2,
        ...op.reduce,
      ], "_codecs encode with operands"],
      ["a set of a tensor", [
        ...op.global("builtins", "set"),
        ...torchTensor(),
        ...op.tuple1,
        ...op.reduce,
      ], "builtins set with operands"],
    ] as [string, number[], string][]
  ) {
    it(`readTorch() refuses to call ${what}`, () => refuses(archive(parts), message));
  }

  for (
    const [code, name] of [
      ...[["o", "OBJ"], ["i", "INST"], ["\x81", "NEWOBJ"], ["\x92", "NEWOBJ_EX"], ["P", "PERSID"], ["\x82", "EXT1"]],
      ...[["\x8b", "LONG4"], ["2", "DUP"], ["\x97", "NEXT_BUFFER"], ["\x98", "READONLY_BUFFER"]],
    ]
  ) {
    it(`readTorch() refuses the opcode ${name}`, () => {
      const hex = code.charCodeAt(0).toString(16);
      return refuses(archive([code.charCodeAt(0)]), `opcode at byte 2 found 0x${hex}, which is not read`);
    });
  }

  for (
    const [what, parts, message] of [
      ["a state for a tensor", [...torchTensor(), ...op.dict, ...op.build], "a state Dict for TorchTensor"],
      ["a state that is no dict", [...emptyDict, ...op.tuple0, ...op.build], "a state Tuple for Dict"],
      ["an item of a number", [...op.small(1), ...op.small(2), ...op.append], "APPEND at byte 6 found 1 where a list"],
      ["items of a dict", [...op.dict, ...op.mark, ...op.small(2), ...op.appends], "found Dict where a list must be"],
      ["a key of a list", [...op.list, ...op.none, ...op.none, ...op.setItem], "found List where a dict must be"],
      ["a key without a value", [...op.dict, ...op.mark, ...op.none, ...op.setItems], "a key without a value"],
      ["a mark for a value", [...op.dict, ...op.none, ...op.mark, ...op.setItem], "found Mark where a value must be"],
      ["a storage alone", storage("0", op.small(6)), "holds TorchStorage without a tensor"],
      [
        "a key that is a list",
        [...op.dict, ...op.list, ...op.none, ...op.setItem],
        "a key of the dict at byte 2 is List",
      ],
      ["a text that is not UTF-8", [0x58, 1, 0, 0, 0, 0xff], "the text at byte 7 is not UTF-8"],
      ["a second protocol", [...op.proto(4), ...op.none], "PROTO at byte 2 found protocol 4"],
      [
        "a name from the stack",
        [...op.brief("os"), ...op.brief("system"), ...op.stackGlobal],
        'name "os system", which',
      ],
      [
        "a name that is no text",
        [...op.brief("os"), ...op.none, ...op.stackGlobal],
        "no texts for a module and a name",
      ],
      ["half a name", [...op.brief("os"), ...op.stackGlobal], "an empty stack where a value must be"],
      ["nothing kept", op.memoize, "MEMOIZE at byte 2 found an empty stack"],
      ["a frame past the file", [...op.frame(100), ...op.none], "FRAME at byte 2 found 2 of 100 bytes"],
      ["bytes past any file", [0x8e, ...new Array(8).fill(255)], "BINBYTES8 at byte 2 found 1 of 18446744073709552000"],
      ["items of a set in a dict", [...op.dict, ...op.mark, 0x90], "found Dict where a list must be"],
    ] as [string, number[], string][]
  ) {
    it(`readTorch() refuses ${what}`, () => refuses(archive(parts), message));
  }
});

describe("readTorch() reads nothing but a tensor's own storage", () => {
  const wrong = "REDUCE at byte";
  for (
    const [what, parts] of [
      ["an offset past its storage", { offset: op.small(1) }],
      ["a negative offset", { offset: op.signed(-1) }],
      ["an offset that is no number", { offset: op.unicode("0") }],
      ["a stride past its storage", { strides: tuple(op.small(4), op.small(1)) }],
      ["a negative stride", { strides: tuple(op.small(3), op.signed(-1)) }],
      ["a negative size", { shape: tuple(op.signed(-1), op.small(3)) }],
      ["a size past 2^53", { shape: tuple(long(2n ** 60n), op.small(3)) }],
      ["sizes whose product overflows", {
        shape: tuple(long(2n ** 40n), long(2n ** 40n)),
        strides: tuple(op.small(0), op.small(0)),
      }],
      ["sizes whose product overflows before a 0", {
        shape: tuple(long(2n ** 40n), long(2n ** 40n), op.small(0)),
        strides: tuple(op.small(0), op.small(0), op.small(0)),
      }],
      ["fewer strides than sizes", { strides: tuple(op.small(3)) }],
      ["a storage that is none", { storage: op.unicode("0") }],
      ["flags that are none", { flags: [...op.small(0), ...emptyDict] }],
      ["hooks", { flags: [...op.no, ...op.unicode("hook")] }],
    ] as [string, Record<string, number[]>][]
  ) {
    it(`readTorch() refuses a tensor with ${what}`, () => refuses(archive(dict({ w: torchTensor(parts) })), wrong));
  }

  for (
    const [what, parts, message] of [
      ["a negative length", storage("0", op.signed(-6)), "BINPERSID at byte"],
      ["a type that is none", [
        ...tuple(op.unicode("storage"), op.unicode("f"), op.unicode("0"), op.unicode("cpu"), op.small(6)),
        ...op.persistent,
      ], "found no storage's type, key, place and size"],
      ["another id", [...op.unicode("0"), ...op.persistent], "found no storage's type, key, place and size"],
    ] as [string, number[], string][]
  ) {
    it(`readTorch() refuses a storage with ${what}`, () =>
      refuses(archive(dict({ w: torchTensor({ storage: parts }) })), message));
  }

  it("readTorch() refuses a storage that its record does not fill, or overfills", async () => {
    for (const length of [5, 7, 200]) {
      const shape = tuple(op.small(5)), strides = tuple(op.small(1));
      const w = torchTensor({ storage: storage("0", op.small(length)), shape, strides });
      const message = `record "m/data/0" has 24 bytes, and tensor "w" says that it has ${4 * length}`;
      await refuses(archive(dict({ w })), message, RangeError);
    }
  });

  it("readTorch() refuses a second tensor that says more of the same storage", () => {
    const shape = tuple(op.small(100)), strides = tuple(op.small(1));
    const long = torchTensor({ storage: storage("0", op.small(100)), shape, strides });
    return refuses(archive(dict({ w: torchTensor(), v: long })), 'tensor "v" says that it has 400', RangeError);
  });

  for (const key of ["1", "../../../etc/passwd", "0/../0", "constructor"]) {
    it(`readTorch() refuses the record ${key}, which is not there`, () => {
      const w = torchTensor({ storage: storage(key, op.small(6)) });
      return refuses(archive(dict({ w })), `tensor "w" is in record "m/data/${key}", which the archive does not have`);
    });
  }
});

describe("readTorch() does not fill the memory", () => {
  const bomb = (size: number, claimed = size): Member[] => {
    const content = new Uint8Array(size), packed = zlibSync(content).slice(2, -4);
    return [{ name: "m/data/0", content, packed, method: 8, size: claimed }];
  };

  it("readTorch() refuses a record that says that it inflates to more than is allowed, before it inflates it", () => {
    const members: Member[] = [{ name: "m/data/0", content: elements, method: 8, size: 24_000 }];
    const claims = { name: "m/data/1", content: new Uint8Array(1 << 20), method: 8, size: 2 ** 28 + 1 };
    return refuses(archive(dict({}), [...members, claims]), 'with "m/data/1" at byte', RangeError);
  });

  it("readTorch() refuses a record that inflates past what it says", () => {
    const file = archive(dict({ w: torchTensor() }), bomb(100_000, 24));
    return refuses(file, '"m/data/0" at byte');
  });

  it("readTorch() refuses a tensor that repeats one element billions of times", () => {
    const shape = tuple(long(2n ** 30n)), strides = tuple(op.small(0));
    return refuses(archive(dict({ w: torchTensor({ shape, strides }) })), 'with tensor "w", made at byte', RangeError);
  });

  it("readTorch() counts all that it reads of a storage for two tensors at its ends", async () => {
    const count = 100_000, members = [{ name: "m/data/0", content: new Uint8Array(count) }];
    const at = (place: number) =>
      torchTensor({
        storage: storage("0", op.signed(count), "Char"),
        offset: op.signed(place),
        shape: tuple(op.small(1)),
        strides: tuple(op.small(1)),
      });
    const file = archive(dict({ a: at(0), b: at(count - 1) }), members);
    assertEquals((await readTorch(file)).tensors.get("b")!.toArray(), [0]);
    const message = 'with the storage of tensor "a", from its element 0 to 100000, it comes to';
    await assertRejects(() => readTorch(file, { maxBytes: 300_000 }), RangeError, message);
  });

  it("readTorch() refuses a list and a dict that hold themselves", async () => {
    const list = [...op.list, ...op.put(0), ...op.get(0), ...op.append];
    await refuses(archive(list), "the dict or list at byte 2 lies deeper than 64: it may hold itself");
    const loop = [...op.dict, ...op.put(0), ...op.unicode("again"), ...op.get(0), ...op.setItem];
    await refuses(archive(loop), "the dict or list at byte 2 lies deeper than 64: it may hold itself");
  });

  it("readTorch() refuses tuples of tuples that double forty times", () => {
    const doubled = Array.from({ length: 40 }, (_, i) => [...op.put(i), ...op.get(i), ...op.tuple2]).flat();
    return refuses(archive([...op.list, ...doubled]), "a pickle of many names, one of them at byte", RangeError);
  });

  it("readTorch() refuses dicts that double forty times, under long names", () => {
    const doubled = (depth: number): number[] =>
      depth === 0 ? op.small(1) : [
        ...[...op.dict, ...op.mark, ...op.unicode("x".repeat(200)), ...doubled(depth - 1), ...op.put(depth)],
        ...[...op.unicode("y"), ...op.get(depth), ...op.setItems],
      ];
    return refuses(archive(doubled(40)), "a pickle of many names, one of them at byte", RangeError);
  });

  it("readTorch() refuses millions of values", () => {
    const many = new Uint8Array(5_000_000).fill(0x4e);
    return refuses(archive([...many]), "a pickle of many values", RangeError);
  });

  it("readTorch() refuses sizes of texts and integers past the file", async () => {
    await refuses(archive([0x58, 255, 255, 255, 255]), "BINUNICODE at byte 2 found 1 of 4294967295 bytes");
    await refuses(archive([0x8a, 255]), "LONG1 at byte 2 found 1 of 255 bytes");
  });

  it("readTorch() refuses two items of one name", async () => {
    const nested = [
      ...op.dict,
      ...op.mark,
      ...op.unicode("a.b"),
      ...op.none,
      ...op.unicode("a"),
      ...dict({ b: op.none }),
    ];
    await refuses(archive([...nested, ...op.setItems]), 'two items are named "a.b", the second in the dict at byte');
    const twice = [...op.dict, ...op.mark, ...op.small(1), ...op.none, ...op.unicode("1"), ...op.none, ...op.setItems];
    await refuses(archive(twice), 'two items are named "1"');
  });
});

describe("readTorch() of a damaged file", () => {
  it("readTorch() refuses a record whose check sum is another", () => {
    const members = [{ name: "m/data/0", content: elements, crc: 7 }];
    return refuses(archive(dict({ w: torchTensor() }), members), '"m/data/0" at byte');
  });

  it("readTorch() refuses a pickle that ends too early, wherever that is", async () => {
    const whole = pickle(op.proto(), dict({ w: torchTensor() }), op.stop);
    for (let end = 0; end < whole.length; end++) await refuses(archiveOf(whole.slice(0, end)), "m/data.pkl: ");
  });

  it("readTorch() refuses a file that ends too early, wherever that is", async () => {
    const whole = await Deno.readFile(`${FILES}/alone.pt`);
    for (let end = 0; end < whole.length; end++) {
      const error = await assertRejects(() => readTorch(whole.subarray(0, end)), Error, "Cannot read the bytes: ");
      assert(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
    }
  });

  it("readTorch() refuses a byteorder that is none", () => {
    const members = [{ name: "m/data/0", content: elements }, { name: "m/byteorder", content: text("LITTLE") }];
    return refuses(archive(dict({ w: torchTensor() }), members), 'record byteorder says "LITTLE"');
  });
});
