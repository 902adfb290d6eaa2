/** State as text and tensors: plain values go into JSON, tensors and typed arrays beside it by name. */
import { fromData } from "../../core/create.ts";
import { isNumbers } from "../../core/dtype.ts";
import { Tensor } from "../../core/tensor.ts";

/** A state in two parts. */
export interface PackedState {
  /** The plain values as JSON; whatever JSON cannot say stands there as `{"$kind": …}`. */
  json: string;
  /** Tensors and typed arrays by their place in the state. */
  tensors: Map<string, Tensor>;
}

/** Marks of what JSON has no word for. */
type Marked =
  | { $tensor: string }
  | { $array: string }
  | { $number: string }
  | { $map: [unknown, unknown][] };

/**
 * The state in two parts; the tensors share their memory.
 *
 * @throws {TypeError} If it holds a function, a symbol or an object of some class.
 */
export function packState(state: unknown): PackedState {
  const tensors = new Map<string, Tensor>();
  return { json: JSON.stringify(pack(state, "", tensors)), tensors };
}

/**
 * The state that was packed; tensors are those given.
 *
 * @throws {SyntaxError} If the text is no JSON, or names a tensor that is not there.
 */
export function unpackState({ json, tensors }: PackedState): unknown {
  return unpack(JSON.parse(json), tensors);
}

function pack(value: unknown, path: string, tensors: Map<string, Tensor>): unknown {
  const keep = (tensor: Tensor) => {
    while (tensors.has(path)) path += "'"; // a map's name with a dot may look like a path
    tensors.set(path, tensor);
    return path;
  };
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return exact(value) ? value : { $number: Object.is(value, -0) ? "-0" : `${value}` };
  if (value instanceof Tensor) return { $tensor: keep(value.detach()) };
  if (isNumbers(value)) return { $array: keep(fromData(value, [value.length])) };
  if (Array.isArray(value)) return value.map((part, i) => pack(part, join(path, i), tensors));
  if (value instanceof Map) {
    return { $map: Array.from(value, ([key, part]) => [key, pack(part, join(path, key), tensors)]) };
  }
  if (isPlain(value)) return packObject(value, path, tensors);
  throw new TypeError(
    `Cannot save ${path}: expected plain values, maps, tensors and typed arrays, found ${typeof value}`,
  );
}

function packObject(value: object, path: string, tensors: Map<string, Tensor>): Record<string, unknown> {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const strange = entries.find(([key]) => key.startsWith("$"));
  if (strange !== undefined) throw new TypeError(`Cannot save ${join(path, strange[0])}: a name may not begin with $`);
  return Object.fromEntries(entries.map(([key, part]) => [key, pack(part, join(path, key), tensors)]));
}

function unpack(value: unknown, tensors: ReadonlyMap<string, Tensor>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((part) => unpack(part, tensors));
  const marked = value as Marked;
  if ("$number" in marked) return Number(marked.$number);
  if ("$tensor" in marked) return found(marked.$tensor, tensors);
  if ("$array" in marked) return found(marked.$array, tensors).data;
  if ("$map" in marked) return new Map(marked.$map.map(([key, part]) => [key, unpack(part, tensors)]));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unpack(part, tensors)]));
}

function found(path: string, tensors: ReadonlyMap<string, Tensor>): Tensor {
  const tensor = tensors.get(path);
  if (tensor === undefined) throw new SyntaxError(`Cannot restore the state: the tensor ${path} is missing`);
  return tensor;
}

/** Whether JSON gives the number back: it has no −0, no infinity and no NaN. */
function exact(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function join(path: string, key: unknown): string {
  return path === "" ? `${key}` : `${path}.${key}`;
}
