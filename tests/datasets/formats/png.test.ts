import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { digits, parsePng, readPng } from "@gradus/gradus/data";
import { encode } from "fast-png";
import { crc32, deflateSync } from "node:zlib";
import { inFolder } from "../../core/io/in_folder.ts";
import { longestGap } from "../../longest_gap.ts";
import { pastMaxBytes } from "../../wording.ts";

const digit = Uint8Array.from(digits({ train: 1, test: 1, seed: 5 }).test.images.clone().data);
const greyPng = Uint8Array.from(encode({ width: 28, height: 28, data: digit, channels: 1, depth: 8 }));

/** The grey levels of a picture with one row of pixels, encoded as PNG and read again. */
async function row(data: number[], channels: number, depth: 8 | 16 = 8): Promise<number[]> {
  const pixels = depth === 16 ? Uint16Array.from(data) : Uint8Array.from(data);
  const png = Uint8Array.from(encode({ width: data.length / channels, height: 1, data: pixels, channels, depth }));
  return Array.from((await parsePng(png, "row")).data, Math.round);
}

/** The error message of a PNG file that cannot be read, or `null`. */
async function faultOf(bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  try {
    await parsePng(bytes, "p");
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const u32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

function chunk(type: string, data: ArrayLike<number>): number[] {
  const body = [...new TextEncoder().encode(type), ...Array.from(data)];
  return [...u32(Array.from(data).length), ...body, ...u32(crc32(Uint8Array.from(body)))];
}

/** The parts of a PNG file that is written byte by byte. */
interface Parts {
  width?: number;
  height?: number;
  depth?: number;
  colour?: number;
  interlace?: number;
  /** The bytes of all scanlines, each with the number of its filter before it. */
  rows?: number[];
  /** Chunks before the pixels. */
  before?: number[];
}

function pngFile(
  { width = 2, height = 1, depth = 8, colour = 0, interlace = 0, rows = [0, 7, 9], before = [] }: Parts,
) {
  const header = [...u32(width), ...u32(height), depth, colour, 0, 0, interlace];
  const packed = deflateSync(Uint8Array.from(rows));
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...[...chunk("IHDR", header), ...before, ...chunk("IDAT", packed), ...chunk("IEND", [])],
  ]);
}

const levelsOf = async (parts: Parts) => Array.from((await parsePng(pngFile(parts), "p")).data, Math.round);

async function refuses(parts: Parts, message: string): Promise<void> {
  await assertRejects(() => parsePng(pngFile(parts), "p"), SyntaxError, `Cannot read p: ${message}`);
}

describe("parsePng()", () => {
  it("parsePng() gives the grey levels of a digit", async () => {
    assertEquals(Uint8Array.from((await parsePng(greyPng, "digit")).data, Math.round), digit);
  });

  it("parsePng() reads grey levels of 8 and 16 bits", async () => {
    assertEquals([await row([0, 100, 255], 1), await row([0, 0x6464, 0xffff], 1, 16)], [[0, 100, 255], [0, 100, 255]]);
  });

  it("parsePng() weighs colours as the eye does", async () => {
    assertEquals(await row([255, 0, 0, 0, 255, 0, 0, 0, 255], 3), [76, 150, 29]);
  });

  it("parsePng() keeps colours in three planes, over white", async () => {
    const of = async (data: number[], channels: number) => {
      const png = encode({ width: data.length / channels, height: 1, data: Uint8Array.from(data), channels, depth: 8 });
      return (await parsePng(Uint8Array.from(png), "row", { channels: 3 })).round().toArray();
    };
    assertEquals(await of([255, 0, 9, 0, 128, 7], 3), [[[255, 0]], [[0, 128]], [[9, 7]]]);
    assertEquals(await of([10, 20, 30, 255, 1, 2, 3, 0], 4), [[[10, 255]], [[20, 255]], [[30, 255]]]);
    assertEquals(await of([77, 5], 1), [[[77, 5]], [[77, 5]], [[77, 5]]]);
  });

  it("parsePng() sees white through what is transparent", async () => {
    assertEquals([await row([0, 0, 0, 255], 2), await row([0, 0, 0, 0, 0, 0, 0, 255], 4)], [[255, 0], [255, 0]]);
    assertEquals(await levelsOf({ before: chunk("tRNS", [0, 7]) }), [255, 9]);
  });

  it("parsePng() reads samples of less than a byte, each row beginning with a new one", async () => {
    const bits = { width: 9, height: 2, depth: 1, rows: [0, 0b10101010, 0b10000000, 0, 0, 0b10000000] };
    assertEquals((await levelsOf(bits)).map((level) => level / 255), [
      1,
      0,
      1,
      0,
      1,
      0,
      1,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      1,
    ]);
  });

  it("parsePng() reads palettes, with their transparency", async () => {
    const before = [...chunk("PLTE", [255, 0, 0, 10, 10, 10]), ...chunk("tRNS", [0])];
    assertEquals(await levelsOf({ colour: 3, rows: [0, 0, 1], before }), [255, 10]);
  });

  it("parsePng() takes off each of the five filters", async () => {
    const rows = [[0, 10, 20, 30], [1, 1, 1, 1], [2, 1, 1, 1], [3, 1, 1, 1], [4, 1, 1, 1]];
    // plain; left; up; half of left and up; the nearest of left, up and corner
    const wanted = [[10, 20, 30], [1, 2, 3], [2, 3, 4], [2, 3, 4], [3, 4, 5]];
    assertEquals(await levelsOf({ width: 3, height: 5, rows: rows.flat() }), wanted.flat());
  });

  it("parsePng() reads pictures in seven passes", async () => {
    // the pass of each pixel of a square of 8×8, from the standard
    const square = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"];
    for (const [width, height] of [[8, 8], [13, 9], [1, 1], [3, 5], [4, 1]]) {
      const level = (x: number, y: number) => (7 * x + 31 * y) % 256;
      const rows = [1, 2, 3, 4, 5, 6, 7].flatMap((pass) =>
        Array.from({ length: height }, (_, y) => {
          const line = Array.from({ length: width }, (_, x) => x).filter((x) => square[y % 8][x % 8] === `${pass}`);
          return line.length === 0 ? [] : [0, ...line.map((x) => level(x, y))];
        }).flat()
      );
      const wanted = Array.from({ length: width * height }, (_, i) => level(i % width, Math.floor(i / width)));
      assertEquals(await levelsOf({ width, height, interlace: 1, rows }), wanted, `${width}×${height}`);
    }
  });
});

describe("parsePng() refuses", () => {
  it("parsePng() refuses a picture that would fill the memory, before it inflates", async () => {
    const large = { width: 20_000, height: 20_000, rows: Array(50_000).fill(0) };
    const message = `Cannot read p: a picture of 20000×20000 pixels, as byte 16 says, ${
      pastMaxBytes(2 ** 28, 2_000_020_000)
    }`;
    await assertRejects(() => parsePng(pngFile(large), "p"), RangeError, message);
  });

  it("parsePng() takes another maxBytes", async () => {
    assertEquals((await parsePng(pngFile({}), "p", { maxBytes: 11 })).shape, [1, 2]); // a row of 3, and 4 a level
    await assertRejects(
      () => parsePng(pngFile({}), "p", { maxBytes: 10 }),
      RangeError,
      pastMaxBytes(10),
    );
  });

  it("parsePng() refuses pixels that are more or fewer than its size takes", async () => {
    await refuses({ rows: [0, 7] }, "the pixels in IDAT at byte 33 inflate to 2 bytes, and its size takes 3");
    await refuses(
      { rows: Array(1_000_000).fill(0) },
      "the pixels in IDAT at byte 33 inflate past the 3 bytes of its size",
    );
    await refuses(
      { width: 10_000, height: 1_000 },
      "the pixels in IDAT at byte 33 cannot inflate to the 10001000 bytes",
    );
  });

  it("parsePng() refuses plain pixels that are said to come in seven passes", async () => {
    await refuses(
      { width: 4, height: 4, interlace: 1, rows: Array(20).fill(0) },
      "the pixels in IDAT at byte 33 inflate to 20",
    );
  });

  it("parsePng() refuses a palette that is missing, odd, or too short for a pixel", async () => {
    await refuses({ colour: 3 }, "its pixels are indices into a palette, and it has no PLTE");
    await refuses(
      { colour: 3, before: chunk("PLTE", [1, 2, 3, 4]) },
      "PLTE at byte 33 has 4 bytes, not 3 for each of at most 256",
    );
    await refuses({ colour: 3, before: chunk("PLTE", [1, 2, 3]) }, "a pixel has colour 7 of a palette of 1");
  });

  it("parsePng() refuses colours, depths, sizes and filters that there are not, and names the byte", async () => {
    await refuses({ colour: 1 }, "byte 24 says colour type 1 in 8 bits");
    await refuses({ depth: 4, colour: 2 }, "byte 24 says colour type 2 in 4 bits");
    await refuses({ width: 0 }, "its size at byte 16 is 0×1");
    await refuses({ interlace: 2 }, "byte 26 says methods that are not known: 0, 0, 2");
    await refuses({ rows: [5, 7, 9] }, "row 0 has the unknown filter 5");
  });

  it("parsePng() refuses chunks that must be understood and are not, and passes over others", async () => {
    await refuses({ before: chunk("ABCD", [1]) }, "ABCD at byte 33 must be understood, and is not");
    assertEquals(await levelsOf({ before: chunk("tEXt", [65, 0, 66]) }), [7, 9]);
  });

  it("parsePng() says in words what is wrong with a file, wherever it is cut short or has a flipped byte", async () => {
    const faults = [...greyPng.keys()].flatMap((at) => [
      faultOf(greyPng.slice(0, at)),
      faultOf(greyPng.map((byte, i) => (i === at ? byte ^ 1 : byte))),
    ]);
    const told = await Promise.all(faults);
    assert(told.every((text) => text !== null && /^Cannot read p: \S.*at byte \d+(.*[^:])?$/.test(text)), `${told}`);
  });
});

describe("readPng()", () => {
  it("reads a file, and names it where it is none", () =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/digit.png`, greyPng);
      await Deno.writeTextFile(`${folder}/text.png`, "text");
      assertEquals((await readPng(`${folder}/digit.png`)).shape, [28, 28]);
      const message = `Cannot read ${folder}/text.png: it does not begin as a PNG file does`;
      await assertRejects(() => readPng(`${folder}/text.png`), SyntaxError, message);
    }));

  it("lets the event loop turn while it reads a large picture", () =>
    inFolder(async (folder) => {
      const [width, height] = [3000, 2000];
      const data = Uint8Array.from({ length: width * height }, (_, i) => (i % 7) * (i % 31));
      await Deno.writeFile(`${folder}/large.png`, encode({ width, height, data, channels: 1, depth: 8 }));
      let shape: readonly number[] = [];
      assertLess(await longestGap(async () => shape = (await readPng(`${folder}/large.png`)).shape), 100);
      assertEquals(shape, [height, width]);
    }));
});
