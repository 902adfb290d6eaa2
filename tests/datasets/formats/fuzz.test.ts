import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as fc from "fast-check";
import * as data from "@gradus/gradus/data";
import { type Column, fromCsv, parseIdx, parseMnistPickle, parsePng, readArff, type Table } from "@gradus/gradus/data";
import { encode as encodePng } from "fast-png";
import { crc32 } from "node:zlib";
import { gunzip } from "../../../datasets/formats/gunzip.ts";
import { checkError, damage, damages, readsOrRefuses } from "../../core/io/damage.ts";
import { gzip } from "./gzip.ts";
import { whole } from "../../core/io/pickle/pickle_file.ts";

const CASES = { numRuns: 20_000, seed: 6 };

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Whether all indices of categories are valid, and every row is complete. */
function isRight({ x, y, columns, target }: Table): boolean {
  const [rows, width] = x.shape;
  const fits = ({ kind, categories }: Column, value: number) =>
    kind !== "categorical" || Number.isNaN(value) ||
    (Number.isInteger(value) && value >= 0 && value < categories.length);
  const right = x.data.every((value: number, i: number) => fits(columns[i % width], value));
  return right && rows > 0 && x.data.length === rows * width &&
    (y === null || (y.data.length === rows && y.data.every((value: number) => fits(target!, value))));
}

/** As `readsOrRefuses`, for readers that return promises. */
async function refusesOrReads<T>(reading: Promise<T>, isRight: (value: T) => boolean): Promise<void> {
  const read = await reading.then((value) => ({ value }), (error) => ({ error }));
  if ("error" in read) checkError(read.error);
  else assert(isRight(read.value), "a wrong table");
}

describe("a damaged IDX file", () => {
  it("parseIdx() gives what is there, or an error that names file and place", () => {
    const file = new Uint8Array([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8]);
    const property = fc.property(damages, (all) => {
      const bytes = damage(file, all);
      const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
      return readsOrRefuses(
        () => parseIdx(bytes, "bad"),
        ({ data, shape }) =>
          data.length === count(shape) &&
          (bytes[2] !== 8 || data.every((byte, i) => byte === bytes.at(i - data.length))),
      );
    });
    fc.assert(property, CASES);
  });
});

describe("a damaged mnist.pkl", () => {
  it("parseMnistPickle() gives arrays, or an error that names file, opcode and byte", () => {
    const file = whole();
    const property = fc.property(
      damages,
      (all) =>
        readsOrRefuses(
          () => parseMnistPickle(damage(file, all), "bad"),
          (parts) =>
            Object.values(parts).every(({ images, labels }) =>
              images.data.length === images.numel() && labels.data.length === images.shape[0]
            ),
        ),
    );
    fc.assert(property, CASES);
  });
});

describe("a damaged gzip file", () => {
  it("gunzip() gives the very bytes, or an error that names the file", async () => {
    const content = encode("steps ".repeat(20)), file = await gzip(content);
    const property = fc.asyncProperty(damages, async (all) => {
      const bytes = damage(file, all);
      if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return; // not gzip any more: given as it is
      await refusesOrReads(gunzip(bytes, "bad"), (given) => `${given}` === `${content}`);
    });
    await fc.assert(property, CASES);
  });
});

describe("a damaged table", () => {
  it("fromCsv() gives a whole table, or an error that names file and record", async () => {
    const file = encode('age,city,"tall, or not"\n30,"Gr""az",yes\n,Wien,no\n41.5,Graz,yes\n');
    const property = fc.asyncProperty(damages, async (all) => {
      const stream = new Blob([damage(file, all)]).stream();
      await refusesOrReads(fromCsv(stream, { name: "bad", target: -1 }), isRight);
    });
    await fc.assert(property, CASES);
  });

  it("readArff() gives a whole table, or an error that names file and line", async () => {
    const file = encode("@RELATION r\n@ATTRIBUTE 'a b' real\n@ATTRIBUTE c {x,'y z'}\n@DATA\n1,x\n?,'y z'\n3.5,x\n");
    const property = fc.asyncProperty(damages, async (all) => {
      const stream = new Blob([damage(file, all)]).stream();
      await refusesOrReads(readArff(stream, { name: "bad" }), isRight);
    });
    await fc.assert(property, CASES);
  });
});

describe("a damaged PNG file", () => {
  const colours = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => 7 * i);
  const file = Uint8Array.from(encodePng({ width: 5, height: 4, data: colours, channels: 3, depth: 8 }));

  /** The file with right check sums of all chunks that are whole, so that damages get past them. */
  function withCheckSums(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const view = new DataView(bytes.buffer);
    for (let at = 8, end; at + 12 <= bytes.length; at = end) {
      end = at + 12 + view.getUint32(at);
      if (end <= bytes.length) view.setUint32(end - 4, crc32(bytes.subarray(at + 4, end - 4)));
    }
    return bytes;
  }

  it("parsePng() gives grey levels, or an error that names file and place", async () => {
    const property = fc.asyncProperty(damages, async (all) => {
      const bytes = withCheckSums(damage(file, all));
      await refusesOrReads(parsePng(bytes, "bad"), ({ data, shape: [height, width] }) => {
        return data.length === height * width && data.every((level) => level >= 0 && level <= 255.001);
      });
    });
    await fc.assert(property, CASES);
  });
});

describe("every reader of @gradus/gradus/data", () => {
  it("is given damaged files here, by itself or as parse… of the same format", async () => {
    const text = await Deno.readTextFile(new URL(import.meta.url));
    const readers = Object.keys(data).filter((name) => /^(read|parse|from)[A-Z]/.test(name));
    const parsers = (name: string) => [name, name.replace(/^read/, "parse")];
    assertEquals(readers.filter((name) => !parsers(name).some((one) => text.includes(`${one}(`))), []);
  });
});
