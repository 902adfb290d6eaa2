/** Conversion between a tensor's elements and a file's bytes; dtypes that tensors do not have are widened. */
import { describe, isPlainObject, notATensor } from "../arguments.ts";
import type { Steps } from "../event_loop.ts";
import { GradientSlot } from "../gradient_slot.ts";
import type { Elements } from "./in_steps.ts";
import { elements } from "../ops/movement.ts";
import { quoted } from "./read_file.ts";
import type { Tensor } from "../tensor.ts";

/** The elements of `tensor` in row-major order, as little-endian bytes; they share its memory if it is row-major. */
export function tensorBytes(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = elements(tensor);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The product of sizes from a file; NaN where it passes 2^53 on the way, even if a later size is 0. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => Number.isSafeInteger(product * size) ? product * size : NaN, 1);
}

/** The most elements a tensor may have. */
export const MAX_ELEMENTS = 2 ** 31 - 1;

/** Names that are looked at in one step. */
const NAMES = 1 << 12;

/** Tensors by name, as a plain object or a map. A name may be anything but `__metadata__`. */
export type NamedTensors = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

/**
 * The names and tensors as a list, in their order, some thousands in a step. A format has its own words for names that it refuses.
 *
 * @throws {TypeError} If it is not a collection of tensors by name, such as a module or nested objects.
 */
export function* namedTensors(
  tensors: NamedTensors,
  checkName: (name: string) => void,
): Steps<[name: string, tensor: Tensor][]> {
  const collection = tensors instanceof Map || isPlainObject(tensors);
  if (!collection) {
    throw new TypeError(
      `Cannot write ${describe(tensors)}: give tensors by name, as in { weight }, or a model's stateDict()`,
    );
  }
  const named = [...(tensors instanceof Map ? tensors : Object.entries(tensors))] as [string, Tensor][];
  for (const [i, [name, tensor]] of named.entries()) {
    if (i % NAMES === NAMES - 1) yield;
    if (!(tensor instanceof GradientSlot)) throw noTensor(name, tensor);
    checkName(name);
  }
  return named;
}

function noTensor(name: string, found: unknown): TypeError {
  if (found instanceof Map || isPlainObject(found)) {
    return new TypeError(`Cannot write ${quoted(name)}, ${describe(found)}: ${flatly(name)}`);
  }
  return notATensor(found, `write ${JSON.stringify(name)},`);
}

function flatly(name: string): string {
  return `such a file is flat, give each tensor in it by a name such as ${quoted(`${name}.weight`)}`;
}

/** Where elements stand in a file, for errors. */
export interface Location {
  /** The name of the file. */
  readonly where: string;
  /** The byte at which the elements begin. */
  readonly at: number;
  /** Their dtype, as the file calls it. */
  readonly fileDType: string;
  /** The tensor's name, in a file of which some can be left out. */
  readonly name?: string;
}

/**
 * Little-endian 64-bit integers: int32 where every one of them fits, else float64, which is exact up to 2^53.
 *
 * @throws {RangeError} If one is past 2^53.
 */
export function widenLongs(bytes: ArrayBuffer, signed: boolean, place: Location): Elements {
  const words = new Int32Array(bytes); // low word first
  const values = new Float64Array(words.length / 2);
  let narrow = true;
  for (let i = 0; i < values.length; i++) {
    const low = words[2 * i], high = signed ? words[2 * i + 1] : words[2 * i + 1] >>> 0;
    values[i] = high * 2 ** 32 + (low >>> 0);
    if (!Number.isSafeInteger(values[i])) throw new RangeError(tooLong(place, i));
    narrow &&= high === low >> 31;
  }
  return narrow ? { data: new Int32Array(values), dtype: "int32" } : { data: values, dtype: "float64" };
}

function tooLong({ where, at, fileDType, name }: Location, i: number): string {
  const found = `the ${fileDType} at byte ${at + 8 * i} is past 2^53, which no dtype here holds exactly`;
  return `Cannot read ${where}: ${found}${cureOf(name)}`;
}

/** How a tensor that cannot be read is left out, where that can be. */
function cureOf(name: string | undefined): string {
  return name === undefined ? "" : `: leave out tensor ${quoted(name)} with { skip: [${quoted(name)}] }`;
}

/** 32-bit unsigned integers: int32 where every one of them fits, else float64. */
export function widenUnsigned(bytes: ArrayBuffer): Elements {
  const values = new Uint32Array(bytes);
  const narrow = values.every((value) => value < 2 ** 31);
  return narrow
    ? { data: new Int32Array(bytes), dtype: "int32" }
    : { data: new Float64Array(values), dtype: "float64" };
}

/**
 * Booleans of one byte each.
 *
 * @throws {SyntaxError} If one is neither 0 nor 1.
 */
export function checkBooleans(bytes: ArrayBuffer, { where, at, fileDType, name }: Location): Elements {
  const data = new Uint8Array(bytes);
  const odd = data.findIndex((value) => value > 1);
  if (odd < 0) return { data, dtype: "bool" };
  throw new SyntaxError(
    `Cannot read ${where}: byte ${at + odd} is ${data[odd]}, and a ${fileDType} is 0 or 1${cureOf(name)}`,
  );
}

/** The float32 values of `bits`, each a bfloat16: the upper half of a float32. */
export function fromBfloat16(bits: Uint16Array<ArrayBuffer>): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** The float32 values of `bits`, each an IEEE 754 binary16. */
export function fromFloat16(bits: Uint16Array<ArrayBuffer>): Float32Array {
  if (typeof Float16Array === "undefined") return Float32Array.from(bits, halfToNumber); // as in Node.js before 24
  return new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
}

/** The value of one binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
