import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor, zeros } from "@gradus/gradus";
import { decodeSafetensors, encodeSafetensors, readSafetensors, readSafetensorsHeader } from "@gradus/gradus/io";
import { inFolder } from "../in_folder.ts";
import { entry, file } from "./safetensors_file.ts";

const names = (bytes: Uint8Array, options: { only?: string[]; skip?: string[] }) =>
  [...decodeSafetensors(bytes, "a", options).tensors.keys()].sort();

describe("decodeSafetensors() with only and skip", () => {
  const bytes = encodeSafetensors({
    "body.0.w": tensor([1]),
    "body.1.w": tensor([2]),
    "body.10.w": tensor([3]),
    head: zeros([0]),
  });

  it("decodeSafetensors() reads what only names, a tensor or all under a name", () => {
    assertEquals(names(bytes, { only: ["head", "body.1"] }), ["body.1.w", "head"]);
    assertEquals(names(bytes, { only: ["body"] }), ["body.0.w", "body.1.w", "body.10.w"]);
    assertEquals(names(bytes, { only: [] }), []);
  });

  it("decodeSafetensors() leaves out what skip names, of what only names too", () => {
    assertEquals(names(bytes, { skip: ["body", "elsewhere"] }), ["head"]);
    assertEquals(names(bytes, { only: ["body"], skip: ["body.10.w"] }), ["body.0.w", "body.1.w"]);
  });

  it("decodeSafetensors() refuses a name of only that is not there, and tells the nearest", () => {
    const message =
      'Cannot read a with only "body.2.w": it has no tensor of that name, the names are body.0.w, body.1.w, ' +
      "body.10.w, head, the nearest is body.0.w";
    assertThrows(() => names(bytes, { only: ["head", "body.2.w"] }), RangeError, message);
    const many = encodeSafetensors(new Map(Array.from({ length: 50 }, (_, i) => [`${i}.w`, zeros([0])])));
    assertThrows(() => names(many, { only: ["x"] }), RangeError, "it has no tensor of that name, and 50 of others");
  });

  it("decodeSafetensors() skips a tensor of a dtype that has no place here", () => {
    const json = `{${entry("a", "C64", [1], 0, 8)},${entry("b", "U8", [1], 8, 9)},${entry("c", "F4", [2], 9, 10)}}`;
    const odd = file(json, [0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
    assertEquals(names(odd, { skip: ["a", "c"] }), ["b"]);
    assertThrows(() => names(odd, { skip: ["a"] }), SyntaxError, 'entry "c" has dtype F4, which no dtype here holds');
  });

  it("decodeSafetensors() counts what it reads and not what it leaves out", () => {
    const large = encodeSafetensors({ a: zeros([1000]), b: zeros([10]) });
    const read = (skip: string[]) => decodeSafetensors(large, "a", { maxBytes: 4_000, skip }).tensors.size;
    assertEquals(read(["a"]), 1);
    assertThrows(() => read([]), RangeError, "maxBytes allows 4000");
  });

  it("readSafetensors() reads of a file of 8 GB, or a Blob, only what is wanted", () =>
    inFolder(async (folder) => {
      const elements = 2 ** 31 - 1, path = `${folder}/large`;
      const json = `{${entry("w", "F32", [elements], 0, 4 * elements)},${
        entry("b", "U8", [2], 4 * elements, 4 * elements + 2)
      }}`;
      await Deno.writeFile(path, file(json));
      await Deno.truncate(path, 8 + json.length + 4 * elements); // a hole, which takes no room
      await Deno.writeFile(path, Uint8Array.of(5, 6), { append: true });
      for (const options of [{ only: ["b"] }, { skip: ["w"] }]) {
        const { tensors } = await readSafetensors(path, { ...options, maxBytes: 10_000 });
        assertEquals([...tensors].map(([name, x]) => [name, x.toArray()]), [["b", [5, 6]]]);
      }
      const blob = new Blob([bytes.slice()]);
      assertEquals((await readSafetensors(blob, { only: ["body.1"] })).tensors.get("body.1.w")?.toArray(), [2]);
      await assertRejects(() => readSafetensors(path, { only: ["a"] }), RangeError, `${path} with only "a"`);
      await assertRejects(
        () => readSafetensors(path, { only: ["w"], maxBytes: 10_000 }),
        RangeError,
        'with tensor "w"',
      );
    }));

  it("readSafetensors() takes both of a file", () =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/a`, bytes);
      const { tensors } = await readSafetensors(`${folder}/a`, { only: ["body"], skip: ["body.0"] });
      assertEquals([...tensors.keys()], ["body.1.w", "body.10.w"]);
    }));
});

describe("decodeSafetensors() and encodeSafetensors() of nested objects", () => {
  it("decodeSafetensors() names an entry that holds entries", () => {
    const json = `{"model":{${entry("w", "U8", [1], 0, 1)}}}`;
    const message =
      'header entry "model" holds entries of its own: the format is flat, save its tensors as "model.NAME"';
    assertThrows(() => decodeSafetensors(file(json, [0])), SyntaxError, message);
  });

  it("encodeSafetensors() names a record or a map among the tensors", () => {
    const w = tensor([1]);
    for (const model of [{ w }, new Map([["w", w]])] as never[]) {
      const message = 'such a file is flat, give each tensor in it by a name such as "model.weight"';
      assertThrows(() => encodeSafetensors({ model }), TypeError, message);
    }
  });
});

describe("readSafetensorsHeader()", () => {
  const bytes = encodeSafetensors({ w: tensor([[1, 2]]), n: tensor(3, { dtype: "int32" }) }, { step: "7" });
  const start = bytes.length - 12;

  it("readSafetensorsHeader() tells dtypes, shapes and places, whatever the file is given as", async () => {
    for (const source of [bytes, new Blob([bytes.slice()]), new Response(bytes.slice())]) {
      const { tensors, metadata } = await readSafetensorsHeader(source);
      assertEquals([...tensors], [
        ["w", { dtype: "F32", shape: [1, 2], at: start, bytes: 8 }],
        ["n", { dtype: "I32", shape: [], at: start + 8, bytes: 4 }],
      ]);
      assertEquals([...metadata], [["step", "7"]]);
    }
  });

  it("readSafetensorsHeader() takes dtypes that have no place here", async () => {
    const json = `{${entry("a", "F6_E2M3", [4], 0, 3)}}`;
    assertEquals((await readSafetensorsHeader(file(json, [0, 0, 0]))).tensors.get("a")?.dtype, "F6_E2M3");
  });

  it("readSafetensorsHeader() reads of a file of 8 GB its header alone", () =>
    inFolder(async (folder) => {
      const elements = 2 ** 31 - 1,
        json = `{${entry("w", "F32", [elements], 0, 4 * elements)}}`,
        path = `${folder}/large`;
      await Deno.writeFile(path, file(json));
      await Deno.truncate(path, 8 + json.length + 4 * elements); // a hole, which takes no room
      const before = performance.now();
      const { tensors } = await readSafetensorsHeader(path);
      assertEquals(tensors.get("w")?.shape, [elements]);
      assertLess(performance.now() - before, 2_000); // to read it all takes longer
    }));

  it("readSafetensorsHeader() leaves a stream that goes on", async () => {
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(bytes.subarray(0, bytes.length - 3)),
      cancel: () => void (cancelled = true),
    }, { highWaterMark: 0 });
    assertEquals((await readSafetensorsHeader(new Response(body))).tensors.size, 2);
    assertEquals(cancelled, true);
  });

  it("readSafetensorsHeader() refuses a file that is cut short, or is longer than it says", () =>
    inFolder(async (folder) => {
      const path = `${folder}/a`;
      for (
        const [end, message] of [[3, "it has 3 bytes"], [30, "its header ends at byte"], [
          bytes.length - 1,
          "the file at",
        ]]
      ) {
        await Deno.writeFile(path, bytes.subarray(0, end as number));
        await assertRejects(() => readSafetensorsHeader(path), RangeError, message as string);
      }
      await Deno.writeFile(path, new Uint8Array([...bytes, 0]));
      await assertRejects(() => readSafetensorsHeader(path), RangeError, "its tensors end at byte");
    }));
});
