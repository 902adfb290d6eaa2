/**
 * PNG pictures as grey levels: every size is checked before memory is taken for it.
 *
 * @see {@link https://www.w3.org/TR/png-3/} for the format
 */
import { crc32, inflateSync } from "node:zlib";

/** Grey levels, 0 (dark) to 255 (light), row by row. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly levels: Float32Array;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Of each kind of colour the samples of a pixel, and the bits that a sample may have. */
const COLOURS: ReadonlyMap<number, readonly [channels: number, depths: readonly number[]]> = new Map([
  [0, [1, [1, 2, 4, 8, 16]]], // grey
  [2, [3, [8, 16]]], // red, green, blue
  [3, [1, [1, 2, 4, 8]]], // number in the palette
  [4, [2, [8, 16]]], // grey, alpha
  [6, [4, [8, 16]]], // red, green, blue, alpha
]);

/** Where the pixels of a pass begin and how far apart they are, across and down. */
type Pass = readonly [left: number, top: number, across: number, down: number];

const WHOLE: readonly Pass[] = [[0, 0, 1, 1]];
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
const MOST_GROWTH = 1032;

interface Header {
  width: number;
  height: number;
  depth: number;
  colour: number;
  channels: number;
  passes: readonly Pass[];
}

interface Chunk {
  type: string;
  data: Uint8Array;
  at: number;
}

type Fail = (what: string) => SyntaxError;

/**
 * The grey levels of a PNG file; what is transparent is white.
 *
 * @param maxBytes The most bytes that the picture may come to; 256 MiB when absent, or 32 times the file where that is more
 * @throws {SyntaxError} If the bytes are no PNG file, or it is damaged.
 * @throws {RangeError} If the picture comes to more than `maxBytes`.
 */
export function readPng(
  bytes: Uint8Array,
  name: string,
  { maxBytes = Math.max(2 ** 28, 32 * bytes.length) }: { maxBytes?: number } = {},
): GreyImage {
  const fail: Fail = (what) => new SyntaxError(`Cannot read ${name}: ${what}`);
  const chunks = readChunks(bytes, fail);
  const header = readHeader(chunks[0], fail);
  const { width, height } = header;
  const size = packedSize(header);
  const total = size + 4 * width * height;
  if (total > maxBytes) {
    throw new RangeError(
      `Cannot read ${name}: ${width}×${height} pixels at byte 16 come to ${total} bytes, and maxBytes allows ${maxBytes}: raise it if you trust the file`,
    );
  }
  const levels = new Float32Array(width * height);
  const toGrey = greyOf(header, chunks, fail);
  const rows = unpack(chunks, size, fail);
  let at = 0;
  for (const pass of header.passes) at = readPass(rows, at, pass, header, levels, toGrey, fail);
  return { width, height, levels };
}

/** The chunks up to IEND, each with the right check sum. */
function readChunks(bytes: Uint8Array, fail: Fail): Chunk[] {
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
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw fail(`${type} at byte ${at} is damaged: its check sum differs`);
    }
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
  const [depth, colour, packing, filtering, interlace] = data.subarray(8);
  const [channels, depths] = COLOURS.get(colour) ?? [0, []];
  if (width === 0 || height === 0 || width >= 2 ** 31 || height >= 2 ** 31) {
    throw fail(`its size at byte ${at + 8} is ${width}×${height}`);
  }
  if (!depths.includes(depth)) throw fail(`byte ${at + 16} says colours of kind ${colour} in ${depth} bits`);
  if (packing !== 0 || filtering !== 0 || interlace > 1) {
    throw fail(`byte ${at + 18} says ways of packing that are not known: ${packing}, ${filtering}, ${interlace}`);
  }
  return { width, height, depth, colour, channels, passes: interlace === 1 ? ADAM7 : WHOLE };
}

/** How many pixels a pass has, across and down. */
function sizeOfPass([left, top, across, down]: Pass, { width, height }: Header): [columns: number, rows: number] {
  return [Math.max(0, Math.ceil((width - left) / across)), Math.max(0, Math.ceil((height - top) / down))];
}

function bytesPerRow(columns: number, { channels, depth }: Header): number {
  return Math.ceil((columns * channels * depth) / 8);
}

/** Bytes that all rows take, each with one that names its filter. */
function packedSize(header: Header): number {
  return header.passes.reduce((sum, pass) => {
    const [columns, rows] = sizeOfPass(pass, header);
    return columns === 0 ? sum : sum + rows * (1 + bytesPerRow(columns, header));
  }, 0);
}

/** What the IDAT chunks inflate to: `size` bytes, not one more or less. */
function unpack(chunks: readonly Chunk[], size: number, fail: Fail): Uint8Array {
  const first = chunks.findIndex(({ type }) => type === "IDAT");
  const parts = chunks.filter(({ type }) => type === "IDAT");
  if (first < 0) throw fail("it has no IDAT, and so no pixels");
  if (chunks[first + parts.length - 1].type !== "IDAT") throw fail("something stands between its IDAT chunks");
  const packed = new Uint8Array(parts.reduce((sum, { data }) => sum + data.length, 0));
  parts.reduce((at, { data }) => (packed.set(data, at), at + data.length), 0);
  const where = `the pixels in IDAT at byte ${chunks[first].at}`;
  if (size > (packed.length + 1) * MOST_GROWTH) throw fail(`${where} cannot inflate to the ${size} bytes of its size`);
  let rows: Uint8Array;
  try {
    rows = inflateSync(packed, { maxOutputLength: size });
  } catch (error) {
    const tooLong = (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
    throw fail(
      tooLong
        ? `${where} inflate past the ${size} bytes of its size`
        : `${where} are damaged: ${(error as Error).message}`,
    );
  }
  if (rows.length === size) return rows;
  throw fail(`${where} inflate to ${rows.length} bytes, and its size takes ${size}`);
}

/** Takes the filters off the rows of a pass, which begin at byte `at`, and sets the levels of its pixels; gives the end. */
function readPass(
  rows: Uint8Array,
  at: number,
  pass: Pass,
  header: Header,
  levels: Float32Array,
  toGrey: (samples: readonly number[]) => number,
  fail: Fail,
): number {
  const [columns, count] = sizeOfPass(pass, header);
  const [left, top, across, down] = pass;
  const { channels, depth, width } = header;
  const length = bytesPerRow(columns, header), step = Math.max(1, (channels * depth) >> 3);
  const samples: number[] = Array(channels).fill(0);
  let above: Uint8Array = new Uint8Array(length);
  for (let row = 0; row < count && columns > 0; row++, at += 1 + length) {
    const line = rows.subarray(at + 1, at + 1 + length);
    if (!unfilter(rows[at], line, above, step)) throw fail(`row ${row} has the unknown filter ${rows[at]}`);
    for (let column = 0; column < columns; column++) {
      for (let c = 0; c < channels; c++) samples[c] = sampleAt(line, column * channels + c, depth);
      levels[(top + row * down) * width + left + column * across] = toGrey(samples);
    }
    above = line;
  }
  return at;
}

function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): boolean {
  for (let i = 0; i < line.length && filter > 0; i++) {
    const left = i < step ? 0 : line[i - step], corner = i < step ? 0 : above[i - step], up = above[i];
    line[i] += filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
  }
  return filter <= 4;
}

/** The one of three neighbours that is nearest to left + up − corner. */
function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** Sample i of a row: of less than 8 bits several stand in a byte, the first in its high bits. */
function sampleAt(line: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return line[i];
  if (depth === 16) return (line[2 * i] << 8) | line[2 * i + 1];
  const bit = i * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

/** The grey level of a pixel's samples, by palette and transparency. */
function greyOf(header: Header, chunks: readonly Chunk[], fail: Fail): (samples: readonly number[]) => number {
  const { colour, channels, depth } = header;
  const transparency = chunks.find(({ type }) => type === "tRNS")?.data;
  const most = 2 ** depth - 1;
  if (colour === 3) {
    const palette = readPalette(chunks, depth, fail);
    return ([i]) => {
      if (3 * i >= palette.length) throw fail(`a pixel has colour ${i} of a palette of ${palette.length / 3}`);
      return grey(
        palette[3 * i] / 255,
        palette[3 * i + 1] / 255,
        palette[3 * i + 2] / 255,
        (transparency?.[i] ?? 255) / 255,
      );
    };
  }
  const clear = colour > 3 || transparency === undefined ? null : keyOf(transparency, channels, fail);
  return (samples) => {
    const [red, green, blue] = channels < 3 ? [samples[0], samples[0], samples[0]] : samples;
    const alpha = channels % 2 === 0
      ? samples[channels - 1] / most
      : clear?.every((key, c) => key === samples[c])
      ? 0
      : 1;
    return grey(red / most, green / most, blue / most, alpha);
  };
}

/** The colour that a tRNS chunk makes transparent: two bytes a sample. */
function keyOf(data: Uint8Array, channels: number, fail: Fail): number[] {
  if (data.length !== 2 * channels) {
    throw fail(`its tRNS has ${data.length} bytes, and its colours take ${2 * channels}`);
  }
  return Array.from({ length: channels }, (_, c) => (data[2 * c] << 8) | data[2 * c + 1]);
}

function readPalette(chunks: readonly Chunk[], depth: number, fail: Fail): Uint8Array {
  const chunk = chunks.find(({ type }) => type === "PLTE");
  if (chunk === undefined) throw fail("its pixels are numbers of a palette, and it has no PLTE");
  const { data, at } = chunk;
  if (data.length > 0 && data.length % 3 === 0 && data.length <= 3 * 2 ** depth) return data;
  throw fail(`PLTE at byte ${at} has ${data.length} bytes, not 3 for each of at most ${2 ** depth} colours`);
}

/** Rec. 601 luma over white, from parts between 0 and 1. */
function grey(red: number, green: number, blue: number, alpha: number): number {
  const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  return 255 * (luma * alpha + 1 - alpha);
}
