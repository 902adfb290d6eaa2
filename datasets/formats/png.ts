/**
 * PNG pictures as grey levels, or as red, green and blue.
 *
 * Every size in the file is checked before memory is taken for it.
 */
import { checkOptions, requireBytes, shown } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, type FileSource, readFile, type ReadOptions, sourceName } from "../../core/io/read_file.ts";
import { crc32 } from "../../core/io/zip/unzip.ts";
import type { Tensor } from "../../core/tensor.ts";
import { inflated } from "../../core/host/node_streams.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** By colour type: the samples of a pixel, and the bits that a sample may have. */
const COLOUR_TYPES: ReadonlyMap<number, readonly [channels: number, depths: readonly number[]]> = new Map([
  [0, [1, [1, 2, 4, 8, 16]]], // grey
  [2, [3, [8, 16]]], // red, green, blue
  [3, [1, [1, 2, 4, 8]]], // index into the palette
  [4, [2, [8, 16]]], // grey, alpha
  [6, [4, [8, 16]]], // red, green, blue, alpha
]);

/** The pixels of an interlacing pass: the first column and row, and the steps to the next ones. */
type Pass = readonly [left: number, top: number, columnStep: number, rowStep: number];

const NOT_INTERLACED: readonly Pass[] = [[0, 0, 1, 1]];
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** Deflate makes at most 1032 bytes of one. */
const MAX_RATIO = 1032;

/** Bytes or pixels a step, so that the event loop can turn in between. */
const STEP = 1 << 16;

interface Header {
  width: number;
  height: number;
  depth: number;
  colourType: number;
  channels: number;
  passes: readonly Pass[];
}

interface Chunk {
  type: string;
  data: Uint8Array<ArrayBuffer>;
  /** The byte of the file at which it begins. */
  at: number;
}

type Fail = (what: string) => SyntaxError;

/** The level in a plane of the result, of a pixel with these samples. */
type ToLevel = (samples: readonly number[]) => number;

/** The level in a plane of a colour over white, from parts between 0 and 1. */
type Mix = (red: number, green: number, blue: number, alpha: number) => number;

/** How pictures are read. */
export interface PngOptions extends ReadOptions {
  /**
   * 1 for grey levels [height, width], 3 for red, green and blue [3, height, width].
   *
   * @default {1}
   */
  channels?: 1 | 3;
}

/**
 * The picture in a PNG file, named by its path or given as bytes, a `Blob` or a `Response`, as grey levels from 0 (black) to 255 (white): float32 [height, width]. Colours become their
 * Rec. 601 luma, `0.299 R + 0.587 G + 0.114 B`; with `channels: 3` they stay, as float32 [3, height, width]. What is transparent shows
 * white.
 *
 * @throws {SyntaxError} if it is not a PNG file or is damaged; the message names the byte
 * @throws {RangeError} if the picture comes to more than `maxBytes`
 * @see {@link https://www.w3.org/TR/png-3/} for the format
 */
export async function readPng(source: FileSource, options: PngOptions = {}): Promise<Tensor> {
  const { channels: _, ...whole } = checkPngOptions(options);
  return await parsePng(await readFile(source, whole), sourceName(source), options);
}

/**
 * The picture in the bytes of a PNG file, see {@linkcode readPng}.
 *
 * @param name What to call the file in errors
 * @throws {SyntaxError} if the bytes are not a PNG file or are damaged
 * @throws {RangeError} if the picture comes to more than `maxBytes`
 *
 * @example
 * ```ts
 * import { parsePng } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4XmNgBwAACQAIthLoQgAAAABJRU5ErkJggg==";
 * const picture = await parsePng(Uint8Array.fromBase64(onePixel));
 * assertEquals(picture.toArray(), [[7]]);
 * ```
 */
export async function parsePng(
  bytes: Uint8Array<ArrayBuffer>,
  name: string = "PNG",
  options: PngOptions = {},
): Promise<Tensor> {
  const { channels = 1 } = checkPngOptions(options);
  requireBytes(bytes, name);
  const cap = new Cap(name, options, bytes.length);
  const fail: Fail = (what) => new SyntaxError(`Cannot read ${name}: ${what}`);
  const chunks = await runInSlices(readChunks(bytes, fail));
  const header = readHeader(chunks[0], fail);
  const { width, height } = header;
  const size = bytesOfScanlines(header);
  cap.check(size + 4 * channels * width * height, () => `a picture of ${width}×${height} pixels, as byte 16 says,`);
  const scanlines = await inflateAll(chunks, size, fail);
  const pixels = chunks.find(({ type }) => type === "IDAT")!;
  const failAtPixel: Fail = (what) => fail(`${what}, in the pixels of IDAT at byte ${pixels.at}`);
  const planes = (channels === 1 ? [greyOverWhite] : RGB_OVER_WHITE).map((mix) => {
    return levelOf(header, chunks, mix, fail, failAtPixel);
  });
  const levels = await runInSlices(readPixels(scanlines, header, planes, failAtPixel));
  return fromData(levels, channels === 1 ? [height, width] : [channels, height, width]);
}

/**
 * Refuses options that there are not, and another number of channels than 1 and 3.
 *
 * @throws {TypeError | RangeError} with what was found
 */
export function checkPngOptions(options: PngOptions): PngOptions {
  checkOptions("read PNG", options, ["maxBytes", "channels"]);
  const { channels = 1 } = options;
  if (channels === 1 || channels === 3) return options;
  throw new RangeError(
    `Cannot read PNG with ${shown(channels)} channels: give 1 for grey, or 3 for red, green and blue`,
  );
}

/** The chunks up to IEND, their check sums compared. */
function* readChunks(bytes: Uint8Array<ArrayBuffer>, fail: Fail): Steps<Chunk[]> {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw fail("it does not begin as a PNG file does, at byte 0");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; chunks.at(-1)?.type !== "IEND";) {
    if (at + 12 > bytes.length) throw fail(`it is cut short: the chunk at byte ${at} ends past byte ${bytes.length}`);
    const end = at + 12 + view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw fail(`no chunk begins at byte ${at}`);
    if (end > bytes.length) {
      throw fail(`it is cut short: ${type} at byte ${at} ends at ${end}, the file at ${bytes.length}`);
    }
    if ((yield* crc32(bytes.subarray(at + 4, end - 4))) !== view.getUint32(end - 4)) {
      throw fail(`${type} at byte ${at} is damaged: its check sum differs`);
    }
    // A capital first letter marks a chunk without which the picture cannot be shown.
    if (/^[A-Z]/.test(type) && !["IHDR", "PLTE", "IDAT", "IEND"].includes(type)) {
      throw fail(`${type} at byte ${at} must be understood, and is not`);
    }
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4), at });
    at = end;
  }
  return chunks;
}

function readHeader({ type, data, at }: Chunk, fail: Fail): Header {
  if (type !== "IHDR" || data.length !== 13) throw fail(`the chunk at byte ${at} is ${type}, not an IHDR of 13 bytes`);
  const view = new DataView(data.buffer, data.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colourType, compression, filter, interlace] = data.subarray(8);
  const [channels, depths] = COLOUR_TYPES.get(colourType) ?? [0, []];
  if (width === 0 || height === 0 || width >= 2 ** 31 || height >= 2 ** 31) {
    throw fail(`its size at byte ${at + 8} is ${width}×${height}`);
  }
  if (!depths.includes(depth)) throw fail(`byte ${at + 16} says colour type ${colourType} in ${depth} bits`);
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw fail(`byte ${at + 18} says methods that are not known: ${compression}, ${filter}, ${interlace}`);
  }
  return { width, height, depth, colourType, channels, passes: interlace === 1 ? ADAM7 : NOT_INTERLACED };
}

function sizeOfPass(
  [left, top, columnStep, rowStep]: Pass,
  { width, height }: Header,
): [columns: number, rows: number] {
  return [Math.max(0, Math.ceil((width - left) / columnStep)), Math.max(0, Math.ceil((height - top) / rowStep))];
}

function bytesPerRow(columns: number, { channels, depth }: Header): number {
  return Math.ceil((columns * channels * depth) / 8);
}

/** Bytes of all scanlines; each begins with one that names its filter. */
function bytesOfScanlines(header: Header): number {
  return header.passes.reduce((sum, pass) => {
    const [columns, rows] = sizeOfPass(pass, header);
    return columns === 0 ? sum : sum + rows * (1 + bytesPerRow(columns, header));
  }, 0);
}

/** The scanlines that the IDAT chunks inflate to: `size` bytes, not one more or less. */
async function inflateAll(chunks: readonly Chunk[], size: number, fail: Fail): Promise<Uint8Array> {
  const first = chunks.findIndex(({ type }) => type === "IDAT");
  const parts = chunks.filter(({ type }) => type === "IDAT");
  if (first < 0) throw fail(`it has no IDAT, and so no pixels, before byte ${chunks.at(-1)!.at}`);
  const between = chunks.slice(first, first + parts.length).find(({ type }) => type !== "IDAT");
  if (between !== undefined) throw fail(`${between.type} at byte ${between.at} stands between the IDAT chunks`);
  const where = `the pixels in IDAT at byte ${chunks[first].at}`;
  const deflated = parts.reduce((sum, { data }) => sum + data.length, 0);
  if (size > (deflated + 1) * MAX_RATIO) throw fail(`${where} cannot inflate to the ${size} bytes of its size`);
  const scanlines = new Uint8Array(size);
  let length = 0;
  try {
    for await (const piece of inflated(parts.map(({ data }) => data), "zlib")) {
      if (length + piece.length <= size) scanlines.set(piece, length);
      length += piece.length;
      if (length > size) break;
    }
  } catch (error) {
    throw fail(`${where} are damaged: ${(error as Error).message}`);
  }
  if (length > size) throw fail(`${where} inflate past the ${size} bytes of its size`);
  if (length < size) throw fail(`${where} inflate to ${length} bytes, and its size takes ${size}`);
  return scanlines;
}

/** The levels of all pixels, plane by plane and row by row. */
function* readPixels(
  scanlines: Uint8Array,
  header: Header,
  planes: readonly ToLevel[],
  fail: Fail,
): Steps<Float32Array<ArrayBuffer>> {
  const { width, height, channels, depth, passes } = header;
  const levels = new Float32Array(planes.length * width * height);
  const samples: number[] = Array(channels).fill(0);
  let at = 0;
  for (const pass of passes) {
    const [columns, rows] = sizeOfPass(pass, header), [left, top, columnStep, rowStep] = pass;
    for (let row = 0; row < rows && columns > 0; row++) {
      const line = yield* unfilter(scanlines, at, row, bytesPerRow(columns, header), header, fail);
      let to = (top + row * rowStep) * width + left;
      for (let column = 0; column < columns; column++, to += columnStep) {
        for (let c = 0; c < channels; c++) samples[c] = sampleAt(line, column * channels + c, depth);
        for (let p = 0; p < planes.length; p++) levels[p * width * height + to] = planes[p](samples);
        if (column % STEP === STEP - 1) yield;
      }
      at += 1 + line.length;
      yield;
    }
  }
  return levels;
}

/** Takes the filter off the scanline at byte `at`, in place: each byte is a difference from its neighbours, those of its row and of the one above. */
function* unfilter(
  scanlines: Uint8Array,
  at: number,
  row: number,
  length: number,
  { channels, depth }: Header,
  fail: Fail,
): Steps<Uint8Array> {
  const filter = scanlines[at];
  if (filter > 4) throw fail(`row ${row} has the unknown filter ${filter}`);
  const line = scanlines.subarray(at + 1, at + 1 + length);
  const above = row === 0 ? new Uint8Array(length) : scanlines.subarray(at - length, at);
  const pixel = Math.max(1, (channels * depth) >> 3); // bytes to the neighbour on the left
  for (let i = 0; i < length && filter > 0; i++) {
    const a = i < pixel ? 0 : line[i - pixel], b = above[i], c = i < pixel ? 0 : above[i - pixel];
    line[i] += filter === 1 ? a : filter === 2 ? b : filter === 3 ? (a + b) >> 1 : paeth(a, b, c);
    if (i % STEP === STEP - 1) yield;
  }
  return line;
}

/** The one of left, above and upper left that is nearest to left + above − upper left. */
function paeth(left: number, above: number, upperLeft: number): number {
  const a = Math.abs(above - upperLeft), b = Math.abs(left - upperLeft), c = Math.abs(left + above - 2 * upperLeft);
  if (a <= b && a <= c) return left;
  return b <= c ? above : upperLeft;
}

/** Sample i of a row: of less than 8 bits several stand in a byte, the first in its high bits. */
function sampleAt(line: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return line[i];
  if (depth === 16) return (line[2 * i] << 8) | line[2 * i + 1];
  const bit = i * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

/** What makes a level of samples, by the palette and the transparent colour. */
function levelOf(header: Header, chunks: readonly Chunk[], mix: Mix, fail: Fail, failAtPixel: Fail): ToLevel {
  const { colourType, channels, depth } = header;
  const transparency = chunks.find(({ type }) => type === "tRNS")?.data;
  if (colourType === 3) return levelOfPalette(readPalette(chunks, depth, fail), transparency, mix, failAtPixel);
  const most = 2 ** depth - 1;
  const clear = colourType > 3 || transparency === undefined ? null : transparentColour(transparency, channels, fail);
  return (samples) => {
    const [red, green, blue] = channels < 3 ? [samples[0], samples[0], samples[0]] : samples;
    const isClear = clear?.every((value, c) => value === samples[c]) ?? false;
    const alpha = channels % 2 === 0 ? samples[channels - 1] / most : isClear ? 0 : 1;
    return mix(red / most, green / most, blue / most, alpha);
  };
}

function levelOfPalette(
  palette: Uint8Array,
  transparency: Uint8Array | undefined,
  mix: Mix,
  failAtPixel: Fail,
): ToLevel {
  const part = (byte: number) => byte / 255;
  return ([i]) => {
    if (3 * i >= palette.length) throw failAtPixel(`a pixel has colour ${i} of a palette of ${palette.length / 3}`);
    const [red, green, blue] = [palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]].map(part);
    return mix(red, green, blue, part(transparency?.[i] ?? 255));
  };
}

/** The colour that a tRNS chunk makes transparent: two bytes a sample. */
function transparentColour(data: Uint8Array, channels: number, fail: Fail): number[] {
  if (data.length !== 2 * channels) {
    throw fail(`its tRNS has ${data.length} bytes, and its colours take ${2 * channels}`);
  }
  return Array.from({ length: channels }, (_, c) => (data[2 * c] << 8) | data[2 * c + 1]);
}

function readPalette(chunks: readonly Chunk[], depth: number, fail: Fail): Uint8Array {
  const chunk = chunks.find(({ type }) => type === "PLTE");
  if (chunk === undefined) {
    throw fail(`its pixels are indices into a palette, and it has no PLTE before byte ${chunks.at(-1)!.at}`);
  }
  const { data, at } = chunk;
  if (data.length > 0 && data.length % 3 === 0 && data.length <= 3 * 2 ** depth) return data;
  throw fail(`PLTE at byte ${at} has ${data.length} bytes, not 3 for each of at most ${2 ** depth} colours`);
}

/** Rec. 601 luma over white, from parts between 0 and 1. */
function greyOverWhite(red: number, green: number, blue: number, alpha: number): number {
  return overWhite(0.299 * red + 0.587 * green + 0.114 * blue, alpha);
}

const overWhite = (part: number, alpha: number) => 255 * (part * alpha + 1 - alpha);

const RGB_OVER_WHITE: readonly Mix[] = [
  (red, _green, _blue, alpha) => overWhite(red, alpha),
  (_red, green, _blue, alpha) => overWhite(green, alpha),
  (_red, _green, blue, alpha) => overWhite(blue, alpha),
];
