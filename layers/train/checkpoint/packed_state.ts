/** A state as JSON and tensors: plain values go into the JSON, tensors and typed arrays beside it by name. */
import { isPlainObject } from "../../../core/arguments.ts";
import { fromData } from "../../../core/create.ts";
import { isTypedArray } from "../../../core/dtype.ts";
import { runAtOnce, type Steps } from "../../../core/event_loop.ts";
import { joinBytes } from "../../../core/io/in_steps.ts";
import { Tensor } from "../../../core/tensor.ts";

/** A state in two parts. */
interface PackedState {
  /** The plain values as JSON; what JSON cannot hold is written as `{"$tensor": "its name"}`, `{"$map": …}` and the like. */
  json: string;
  /** Tensors and typed arrays by their path in the state. */
  tensors: Map<string, Tensor>;
}

/** What stands in the JSON for values that JSON cannot hold. */
type Marked =
  | { $tensor: string }
  | { $array: string }
  | { $number: string }
  | { $lines: string }
  | { $map: unknown }
  | { $object: unknown };

/** The longest list in the JSON. Longer ones, such as the history of a long run, are lines of JSON in a tensor of bytes. */
const LONGEST = 1_000;

/**
 * The state in two parts; the tensors share their memory.
 *
 * @throws {TypeError} If it holds a function, a symbol or an object of some class.
 */
export function packState(state: unknown): PackedState {
  return runAtOnce(packingState(state));
}

/** The same in steps. */
export function* packingState(state: unknown): Steps<PackedState> {
  const tensors = new Map<string, Tensor>();
  return { json: JSON.stringify(yield* pack(state, "", tensors)), tensors };
}

/**
 * The state that was packed; tensors are those given.
 *
 * @throws {SyntaxError} If the text is not JSON, or names a tensor that is not there.
 */
export function unpackState(packed: PackedState): unknown {
  return runAtOnce(unpackingState(packed));
}

/** The same in steps. */
export function* unpackingState({ json, tensors }: PackedState): Steps<unknown> {
  return yield* unpack(JSON.parse(json), tensors);
}

function* pack(value: unknown, path: string, tensors: Map<string, Tensor>): Steps<unknown> {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return exact(value) ? value : { $number: Object.is(value, -0) ? "-0" : `${value}` };
  if (value instanceof Tensor) return { $tensor: keep(value.detach(), path, tensors) };
  if (isTypedArray(value)) return { $array: keep(fromData(value, [value.length]), path, tensors) };
  if (Array.isArray(value)) return yield* packList(yield* packEach(value.entries(), path, tensors), path, tensors);
  if (value instanceof Map) return { $map: yield* packEntries([...value], path, tensors) };
  if (isPlainObject(value)) return yield* packObject(value, path, tensors);
  throw new TypeError(
    `Cannot save ${path}: expected plain values, maps, tensors and typed arrays, found ${typeof value}`,
  );
}

type Entries = Iterable<readonly [key: unknown, part: unknown]>;

/** The parts of a list, a map or an object, packed. */
function* packEach(entries: Entries, path: string, tensors: Map<string, Tensor>): Steps<unknown[]> {
  const packed: unknown[] = [];
  for (const [key, part] of entries) {
    packed.push(yield* pack(part, join(path, key), tensors));
    yield;
  }
  return packed;
}

function* packObject(value: object, path: string, tensors: Map<string, Tensor>): Steps<object> {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const strange = entries.find(([key]) => key.startsWith("$"));
  if (strange !== undefined) throw new TypeError(`Cannot save ${join(path, strange[0])}: a name may not begin with $`);
  if (entries.length > LONGEST) return { $object: yield* packEntries(entries, path, tensors) };
  const parts = yield* packEach(entries, path, tensors);
  return Object.fromEntries(entries.map(([key], i) => [key, parts[i]]));
}

function* packEntries(
  entries: readonly (readonly [unknown, unknown])[],
  path: string,
  tensors: Map<string, Tensor>,
): Steps<unknown> {
  const parts = yield* packEach(entries, path, tensors);
  return yield* packList(entries.map(([key], i) => [key, parts[i]]), path, tensors);
}

/** A list whose items are packed; a long one as lines of JSON in a tensor of bytes. */
function* packList(items: readonly unknown[], path: string, tensors: Map<string, Tensor>): Steps<unknown> {
  if (items.length <= LONGEST) return items;
  const encoder = new TextEncoder(), lines: Uint8Array[] = [];
  for (const item of items) {
    lines.push(encoder.encode(JSON.stringify(item) + "\n"));
    yield;
  }
  const bytes = joinBytes(lines);
  return { $lines: keep(fromData(bytes, [bytes.length]), path, tensors) };
}

/** Keeps a tensor under its path in the state, or a similar name; returns the name. */
function keep(tensor: Tensor, path: string, tensors: Map<string, Tensor>): string {
  while (tensors.has(path)) path += "'"; // a map's name with a dot may look like a path
  tensors.set(path, tensor);
  return path;
}

function* unpack(value: unknown, tensors: ReadonlyMap<string, Tensor>): Steps<unknown> {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return yield* unpackEach(value, tensors);
  const marked = value as Marked;
  if ("$number" in marked) return Number(marked.$number);
  if ("$tensor" in marked) return found(marked.$tensor, tensors);
  if ("$array" in marked) return found(marked.$array, tensors).data;
  if ("$lines" in marked) return yield* unpackEach(lines(found(marked.$lines, tensors).data as Uint8Array), tensors);
  if ("$map" in marked) return new Map((yield* unpack(marked.$map, tensors)) as [unknown, unknown][]);
  if ("$object" in marked) return Object.fromEntries((yield* unpack(marked.$object, tensors)) as [string, unknown][]);
  const parts = yield* unpackEach(Object.values(value), tensors);
  return Object.fromEntries(Object.keys(value).map((key, i) => [key, parts[i]]));
}

function* unpackEach(values: Iterable<unknown>, tensors: ReadonlyMap<string, Tensor>): Steps<unknown[]> {
  const parts: unknown[] = [];
  for (const value of values) {
    parts.push(yield* unpack(value, tensors));
    yield;
  }
  return parts;
}

/** The values of the lines of JSON. */
function* lines(bytes: Uint8Array): Generator<unknown, void> {
  const decoder = new TextDecoder();
  for (let start = 0, end: number; (end = bytes.indexOf(0x0a, start)) >= 0; start = end + 1) {
    yield JSON.parse(decoder.decode(bytes.subarray(start, end)));
  }
}

function found(path: string, tensors: ReadonlyMap<string, Tensor>): Tensor {
  const tensor = tensors.get(path);
  if (tensor === undefined) throw new SyntaxError(`Cannot restore the state: the tensor ${path} is missing`);
  return tensor;
}

/** Whether JSON can hold the number: it has no −0, no infinity and no NaN. */
function exact(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function join(path: string, key: unknown): string {
  return path === "" ? `${key}` : `${path}.${key}`;
}
