/** npz files: named tensors, each an npy file in a zip archive, as NumPy's `savez` writes them. */
import { checkOptions, requireBytes } from "../../arguments.ts";
import { runAtOnce, runInSlices, type Steps } from "../../event_loop.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomically } from "../atomic_write.ts";
import { Cap, type FileSource, readFile, type ReadOptions, sourceName } from "../read_file.ts";
import { recognise } from "../recognise.ts";
import { joinInSteps } from "../in_steps.ts";
import { type NamedTensors, namedTensors } from "../elements.ts";
import { decodeWithin, encodingNpy } from "./npy.ts";
import { unzip } from "../zip/unzip.ts";
import { zipParts } from "../zip/zip.ts";

/** Options of the functions that write npz files. */
export interface NpzOptions {
  /**
   * Whether the tensors are deflated, as by NumPy's `savez_compressed`.
   *
   * @default {false}
   */
  compress?: boolean;
}

const SUFFIX = ".npy";
const MAX_NAME = 0xffff - SUFFIX.length;

/**
 * The `.npz` file that holds `tensors`; equal tensors give equal bytes, and a view is written with its own elements only.
 *
 * @throws {TypeError} if a name is not a relative path, has `..` in it, or is not well-formed Unicode
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { decodeNpz, encodeNpz } from "@gradus/gradus/io";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeNpz({ x: tensor([1, 2]), y: tensor([[3]]) }, { compress: true });
 * assertEquals([...decodeNpz(bytes).keys()], ["x", "y"]);
 * ```
 */
export function encodeNpz(tensors: NamedTensors, options: NpzOptions = {}): Uint8Array<ArrayBuffer> {
  return runAtOnce(encoding(tensors, options));
}

function* encoding(tensors: NamedTensors, options: NpzOptions): Steps<Uint8Array<ArrayBuffer>> {
  return yield* joinInSteps(yield* toParts(tensors, options));
}

/**
 * The tensors in the `.npz` file `bytes`, in the order of their bytes: see {@linkcode decodeNpy} for what becomes of
 * each dtype. A map, because a name may be `__proto__`.
 *
 * @param name What to call the file in errors
 * @param options How much may become of it: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if it is not a zip archive of npy files, or a member is encrypted, oddly named or damaged
 * @throws {RangeError} if a size or an offset is wrong, or more comes of it than `maxBytes`
 */
export function decodeNpz(bytes: Uint8Array, name: string = "npz", options: ReadOptions = {}): Map<string, Tensor> {
  return runAtOnce(decoding(bytes, name, options));
}

function* decoding(bytes: Uint8Array, name: string, options: ReadOptions): Steps<Map<string, Tensor>> {
  checkOptions("read npz", options, ["maxBytes"]);
  requireBytes(bytes, name);
  const stranger = recognise(bytes, "readNpz");
  if (stranger !== null) throw new SyntaxError(`Cannot read ${name}: ${stranger}`);
  const tensors = new Map<string, Tensor>();
  const cap = new Cap(name, options, bytes.length);
  for (const member of yield* unzip(bytes, name, cap)) {
    const content = yield* member.content();
    if (!member.name.endsWith(SUFFIX)) {
      throw new SyntaxError(`Cannot read ${name}: its member ${JSON.stringify(member.name)} is no ${SUFFIX} file`);
    }
    tensors.set(member.name.slice(0, -SUFFIX.length), yield* decodeWithin(content, `${name}: ${member.name}`, cap));
  }
  return tensors;
}

/**
 * Writes `tensors` to the `.npz` file `path`, wholly or not at all: see {@linkcode encodeNpz}.
 *
 * @throws {TypeError} if a name is not a relative path, has `..` in it, or is not well-formed Unicode
 */
export async function writeNpz(path: string, tensors: NamedTensors, options: NpzOptions = {}): Promise<void> {
  await writeAtomically(path, await runInSlices(toParts(tensors, options)));
}

/**
 * Reads the `.npz` file `source`, which is its path, or in its place bytes, a `Blob` or a `Response`: see {@linkcode decodeNpz}.
 *
 * @param options How much may become of it: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} if it is not a zip archive of npy files, or a member is encrypted, oddly named or damaged
 * @throws {RangeError} if a size or an offset is wrong, or more comes of it than `maxBytes`
 */
export async function readNpz(source: FileSource, options: ReadOptions = {}): Promise<Map<string, Tensor>> {
  return await runInSlices(decoding(await readFile(source, options), sourceName(source), options));
}

function* toParts(tensors: NamedTensors, options: NpzOptions): Steps<Uint8Array[]> {
  checkOptions("write npz", options, ["compress"], { compress: "boolean" });
  const { compress = false } = options;
  const named = yield* namedTensors(tensors, checkName);
  return yield* zipParts(named.map(([name, tensor]) => [name + SUFFIX, encodingNpy(tensor)] as const), compress);
}

function checkName(name: string): void {
  const wrong = !name.isWellFormed() || /^[/\\]|^[A-Za-z]:/.test(name) || name.split(/[/\\]/).includes("..");
  if (wrong) throw new TypeError(`Cannot write a tensor named ${JSON.stringify(name)}: it is no relative path`);
  const { length } = new TextEncoder().encode(name);
  if (length > MAX_NAME) throw new TypeError(`Cannot write a name of ${length} bytes: ${MAX_NAME} are allowed`);
}
