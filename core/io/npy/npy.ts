/** npy files: one tensor each, as NumPy saves it. */
import { checkOptions, requireBytes, requireTensor } from "../../arguments.ts";
import { fromData } from "../../create.ts";
import { runAtOnce, runInSlices, type Steps } from "../../event_loop.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomically } from "../atomic_write.ts";
import { Cap, type FileSource, readFile, type ReadOptions, sourceName } from "../read_file.ts";
import { recognise } from "../recognise.ts";
import { joinInSteps } from "../in_steps.ts";
import {
  DESCR,
  type ElementReader,
  elementReader,
  MAX_NPY_HEADER,
  type NpyHeader,
  parseNpyHeader,
  printNpyHeader,
  READABLE,
} from "./header.ts";
import { countElements, MAX_ELEMENTS, tensorBytes } from "../elements.ts";

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY")];
const ALIGNMENT = 64;

/**
 * The `.npy` file that holds `tensor`, version 1.0, in row-major order; a view is written with its own elements only.
 *
 * @throws {RangeError} if the shape is too long for a header
 * @see {@link https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html} for the format
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { decodeNpy, encodeNpy } from "@gradus/gradus/io";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeNpy(tensor([[1, 2], [3, 4]]));
 * assertEquals(decodeNpy(bytes).toArray(), [[1, 2], [3, 4]]);
 * ```
 */
export function encodeNpy(tensor: Tensor): Uint8Array<ArrayBuffer> {
  return runAtOnce(encodingNpy(tensor));
}

/** The same in steps. */
export function* encodingNpy(tensor: Tensor): Steps<Uint8Array<ArrayBuffer>> {
  return yield* joinInSteps(toParts(tensor));
}

/**
 * The tensor in the `.npy` file `bytes`, a copy; one in Fortran order comes as a transposed view.
 *
 * float16 becomes float32; int8, int16 and uint16 become int32; uint32, int64 and uint64 int32 where every value fits,
 * else float64.
 *
 * @param name What to call the file in errors
 * @param options How much may become of it: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if it is no `.npy` file, or holds anything but numbers, such as Python objects
 * @throws {RangeError} if a size is wrong, a 64-bit integer is past 2^53, or the tensor takes more than `maxBytes`
 */
export function decodeNpy(bytes: Uint8Array, name: string = "npy", options: ReadOptions = {}): Tensor {
  return runAtOnce(decodingNpy(bytes, name, options));
}

function* decodingNpy(bytes: Uint8Array, name: string, options: ReadOptions): Steps<Tensor> {
  checkOptions("read npy", options, ["maxBytes"]);
  requireBytes(bytes, name);
  return yield* decodeWithin(bytes, name, new Cap(name, options, bytes.length));
}

/** The same for one of several tensors in a file: `cap` counts the bytes of all. */
export function* decodeWithin(bytes: Uint8Array, name: string, cap: Cap): Steps<Tensor> {
  const { header, start } = readHeader(bytes, name);
  const { descr, fortranOrder, shape } = header;
  const reader = elementReader(descr);
  if (reader === null) {
    throw new SyntaxError(
      `Cannot read ${name}: the header at byte 10 has descr '${descr}': save it as one of ${READABLE}`,
    );
  }
  checkLength(header, reader, bytes.length - start, name, start);
  cap.count(countElements(shape) * reader.memory, () => `${descr} [${shape}]`);
  const { data, dtype } = yield* reader.read(bytes.subarray(start), name, start);
  if (!fortranOrder) return fromData(data, shape, dtype);
  return fromData(data, shape.toReversed(), dtype).permute(...shape.map((_, dim) => shape.length - 1 - dim));
}

/**
 * Writes `tensor` to the `.npy` file `path`, wholly or not at all: see {@linkcode encodeNpy}.
 *
 * @throws {RangeError} if the shape is too long for a header
 */
export async function writeNpy(path: string, tensor: Tensor): Promise<void> {
  await writeAtomically(path, toParts(tensor));
}

/**
 * Reads the `.npy` file `source`, which is its path, or in its place bytes, a `Blob` or a `Response`: see {@linkcode decodeNpy}
 * for what becomes of each dtype.
 *
 * @param options How much may become of it: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if it is no `.npy` file, or holds anything but numbers, such as Python objects
 * @throws {RangeError} if a size is wrong, a 64-bit integer is past 2^53, or the tensor takes more than `maxBytes`
 */
export async function readNpy(source: FileSource, options: ReadOptions = {}): Promise<Tensor> {
  return await runInSlices(decodingNpy(await readFile(source, options), sourceName(source), options));
}

function toParts(tensor: Tensor): [head: Uint8Array, data: Uint8Array] {
  requireTensor(tensor, "write");
  const { dtype, shape } = tensor;
  const text = printNpyHeader({ descr: DESCR[dtype], fortranOrder: false, shape });
  const start = Math.ceil((10 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  if (start - 10 > MAX_NPY_HEADER) {
    throw new RangeError(`Cannot write a header of ${start - 10} bytes: ${MAX_NPY_HEADER} are allowed`);
  }
  const head = new Uint8Array(start).fill(" ".charCodeAt(0));
  head.set([...MAGIC, 1, 0]);
  new DataView(head.buffer).setUint16(8, start - 10, true);
  head.set(new TextEncoder().encode(text), 10);
  head[start - 1] = "\n".charCodeAt(0);
  return [head, tensorBytes(tensor)];
}

/** The header, and the byte at which the data begins. */
function readHeader(bytes: Uint8Array, name: string): { header: NpyHeader; start: number } {
  const from = checkMagic(bytes, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = from === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_NPY_HEADER) {
    throw new RangeError(`Cannot read ${name}: the length at byte 8 is ${length}, a header may have ${MAX_NPY_HEADER}`);
  }
  const start = from + length;
  if (start > bytes.length) {
    throw new RangeError(`Cannot read ${name}: its header ends at byte ${start}, the file at ${bytes.length}`);
  }
  return { header: parseNpyHeader(headerText(bytes.subarray(from, start), name, from), name, from), start };
}

/** Checks magic and version; returns the byte at which the header's text begins. */
function checkMagic(bytes: Uint8Array, name: string): 10 | 12 {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    const stranger = recognise(bytes, "readNpy");
    if (stranger !== null) throw new SyntaxError(`Cannot read ${name}: ${stranger}`);
    const found = bytes.length === 0 ? "nothing" : Array.from(bytes.subarray(0, 6)).map(hex).join(" ");
    throw new SyntaxError(
      `Cannot read ${name}: an npy file begins ${MAGIC.map(hex).join(" ")}, this one ${found} at byte 0`,
    );
  }
  const major = bytes[6], minor = bytes[7];
  if (bytes.length < 8 || major < 1 || major > 3 || minor !== 0) {
    throw new SyntaxError(
      `Cannot read ${name}: its version at byte 6 is ${major}.${minor}, known are 1.0, 2.0 and 3.0`,
    );
  }
  const from = major === 1 ? 10 : 12;
  if (bytes.length >= from) return from;
  throw new RangeError(`Cannot read ${name}: the header's length ends at byte ${from}, the file at ${bytes.length}`);
}

/** Versions 1 and 2 write Latin-1, 3 writes UTF-8; what a header may hold is ASCII in both. */
function headerText(bytes: Uint8Array, name: string, from: number): string {
  const odd = bytes.findIndex((byte) => byte > 0x7f);
  if (odd < 0) return new TextDecoder().decode(bytes);
  throw new SyntaxError(`Cannot read ${name}: byte ${from + odd} of the header is ${hex(bytes[odd])}, not ASCII`);
}

function checkLength({ descr, shape }: NpyHeader, { size }: ElementReader, found: number, name: string, start: number) {
  const count = countElements(shape);
  if (!(count <= MAX_ELEMENTS)) {
    throw new RangeError(`Cannot read ${name}: shape [${shape}] in the header at byte 10 has more elements than fit`);
  }
  if (found !== count * size) {
    throw new RangeError(
      `Cannot read ${name}: ${descr} [${shape}] from byte ${start} on takes ${
        count * size
      } bytes, the file has ${found}`,
    );
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
