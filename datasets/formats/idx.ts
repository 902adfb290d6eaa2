/**
 * IDX, the file format of MNIST: two zero bytes, an element type, a rank, big-endian sizes, then big-endian elements.
 */
import { checkOptions, requireBytes } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { runAtOnce, runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, type FileSource, readFile, type ReadOptions, sourceName } from "../../core/io/read_file.ts";
import { type ElementReader, elementReader } from "../../core/io/npy/header.ts";
import { countElements, MAX_ELEMENTS } from "../../core/io/elements.ts";
import type { Tensor } from "../../core/tensor.ts";
import { gunzip } from "./gunzip.ts";

/** The element types, under their names in NumPy. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x08, "u1"],
  [0x09, "i1"],
  [0x0b, ">i2"],
  [0x0c, ">i4"],
  [0x0d, ">f4"],
  [0x0e, ">f8"],
]);

/**
 * The tensor in the bytes of an IDX file that is not compressed: unsigned bytes become uint8; signed bytes, shorts and ints int32;
 * floats float32; doubles float64.
 *
 * @param name What errors call the file
 * @param options How large the tensor may be
 * @throws {SyntaxError} if the first four bytes are not those of an IDX file
 * @throws {RangeError} if the file is not as long as its header says, or takes more than `maxBytes`
 * @see {@link http://yann.lecun.com/exdb/mnist/} for the format
 *
 * @example
 * ```ts
 * import { parseIdx } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new Uint8Array([0, 0, 0x08, 1, 0, 0, 0, 3, 5, 0, 4]);
 * assertEquals(parseIdx(bytes).toArray(), [5, 0, 4]);
 * ```
 */
export function parseIdx(bytes: Uint8Array<ArrayBuffer>, name: string = "IDX", options: ReadOptions = {}): Tensor {
  checkOptions("read IDX", options, ["maxBytes"]);
  requireBytes(bytes, name);
  return runAtOnce(parse(bytes, new Cap(name, options, bytes.length)));
}

/**
 * The tensor in an IDX file, gzipped or not, named by its path or given as bytes, a `Blob` or a `Response`: see {@linkcode parseIdx}.
 *
 * @param options How large the tensor may be
 * @throws {SyntaxError} if it is not an IDX file, or its compression is damaged
 * @throws {RangeError} if the file is not as long as its header says, or comes to more than `maxBytes`
 */
export async function readIdx(source: FileSource, options: ReadOptions = {}): Promise<Tensor> {
  checkOptions("read IDX", options, ["maxBytes"]);
  const file = await readFile(source, options), name = sourceName(source);
  const cap = new Cap(name, options, file.length);
  return await runInSlices(parse(await gunzip(file, name, options), cap));
}

function* parse(bytes: Uint8Array<ArrayBuffer>, cap: Cap): Steps<Tensor> {
  const name = cap.where;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = readType(bytes, name);
  const shape = readShape(view, name);
  const start = 4 + 4 * shape.length;
  const count = countElements(shape);
  if (!(count <= MAX_ELEMENTS)) {
    throw new RangeError(`Cannot read ${name}: its sizes from byte 4 on, [${shape}], are more elements than fit`);
  }
  if (bytes.length !== start + count * type.size) {
    const wanted = `header of ${start} and [${shape}] elements of ${type.size}`;
    throw new RangeError(
      `Cannot read ${name}: ${wanted} end at byte ${start + count * type.size}, the file at ${bytes.length}`,
    );
  }
  cap.count(count * type.memory, () => `[${shape}] of type ${hex(bytes[2])}`);
  const { data, dtype } = yield* type.read(bytes.subarray(start), name, start);
  return fromData(data, shape, dtype);
}

function readType(bytes: Uint8Array, name: string): ElementReader {
  if (bytes.length < 4) {
    throw new SyntaxError(`Cannot read ${name}: it has ${bytes.length} bytes, and an IDX header at least 4`);
  }
  if (bytes[0] !== 0 || bytes[1] !== 0) {
    throw new SyntaxError(
      `Cannot read ${name}: an IDX file begins 00 00, this one ${hex(bytes[0])} ${hex(bytes[1])} at byte 0`,
    );
  }
  const type = TYPES.get(bytes[2]);
  if (type !== undefined) return elementReader(type)!;
  const known = [...TYPES.keys()].map(hex).join(" ");
  throw new SyntaxError(`Cannot read ${name}: byte 2 is ${hex(bytes[2])}, and IDX types are ${known}`);
}

function readShape(view: DataView<ArrayBuffer>, name: string): number[] {
  const rank = view.getUint8(3);
  if (view.byteLength < 4 + 4 * rank) {
    throw new RangeError(
      `Cannot read ${name}: sizes of rank ${rank} end at byte ${4 + 4 * rank}, the file at ${view.byteLength}`,
    );
  }
  return Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
