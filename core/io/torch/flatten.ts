/** The dicts and lists of a PyTorch file by one name for each tensor and each other value. */
import type { Steps } from "../../event_loop.ts";
import { Bytes, Dict, kindOf, List, Marker, Text, Tuple, type Value } from "../pickle/pickle_values.ts";
import { type Cap, quoted, shortened } from "../read_file.ts";
import { Foreign } from "./foreign.ts";
import { HOLDS, TorchTensor } from "./torch_pickle.ts";

/** What a PyTorch file holds beside tensors. Integers past 2^53 are bigints; tuples and sets are arrays, dtypes and devices texts. */
export type TorchValue = null | boolean | number | bigint | string | Uint8Array | readonly TorchValue[];

/** Tensors and other values by name. */
interface Flattened {
  /** Where each tensor lies. */
  readonly tensors: Map<string, TorchTensor>;
  /** Everything else. */
  readonly values: Map<string, TorchValue>;
}

/** Deeper than any checkpoint, and what is in itself is deeper than that. */
const MAX_DEPTH = 64;

/** Bytes of memory that an item takes beside its text. */
const ITEM_COST = 64;

/** Items in one step. */
const STEP = 1 << 10;

/**
 * The tensors and values in `root`, the names of dicts' keys and the indices of lists joined by dots: `model.0.weight`. A list without
 * tensors and dicts is one value. What is the root itself is named `""`. With `at` only what lies there, under the names that it has
 * there; what lies elsewhere may be anything.
 *
 * @throws {SyntaxError} if a key is neither text nor number, two items have one name, something lies in itself, or is foreign
 * @throws {RangeError} if there are more than `cap` allows, or there is nothing at `at`
 */
export function* flatten(root: Value, cap: Cap, at?: string): Steps<Flattened> {
  const walk = new Walk(cap, at);
  yield* walk.add("", root, 0, 0);
  return at === undefined ? walk : walk.part(at);
}

class Walk implements Flattened {
  readonly tensors = new Map<string, TorchTensor>();
  readonly values = new Map<string, TorchValue>();
  readonly #tops = new Set<string>();
  #count = 0;

  constructor(readonly cap: Cap, readonly at: string | undefined) {}

  /** What lies at `at`, under the names that it has there. */
  part(at: string): Flattened {
    const cut = <T>(map: Map<string, T>) =>
      new Map([...map].filter(([name]) => contains(at, name)).map(([name, item]) => [name.slice(at.length + 1), item]));
    const [tensors, values] = [cut(this.tensors), cut(this.values)];
    if (tensors.size + values.size > 0) return { tensors, values };
    const tops = [...this.#tops].slice(0, 20).join(", ");
    throw new RangeError(`Cannot read ${this.cap.where} at ${quoted(at)}: nothing is there, it holds ${tops}`);
  }

  *add(name: string, value: Value, depth: number, at: number): Steps<void> {
    this.#visit(depth, at, name.length);
    if (this.#count % STEP === 0) yield;
    if (depth === 1) this.#tops.add(shortened(name.split(".", 1)[0]));
    if (!this.#isWanted(name)) return;
    if (value instanceof Foreign) throw this.#foreign(name, value);
    if (value instanceof TorchTensor) return this.#set(this.tensors, name, value, at);
    if (value instanceof Dict) {
      for (const [key, item] of value.pairs) {
        if (typeof key === "object" && key !== null && !(key instanceof Text) && !this.#isInside(name)) continue;
        yield* this.add(join(name, this.#key(key, value)), item, depth + 1, value.at);
      }
      return;
    }
    const data = this.#data(value, depth, at);
    if (data !== undefined) return this.#set(this.values, name, data, at);
    for (const [i, item] of (value as List | Tuple).items.entries()) {
      yield* this.add(join(name, `${i}`), item, depth + 1, value instanceof List ? value.at : at);
    }
  }

  /** Whether what is wanted lies at this name, in it or around it. */
  #isWanted(name: string): boolean {
    return name === "" || this.#isInside(name) || contains(name, this.at!);
  }

  #isInside(name: string): boolean {
    return this.at === undefined || contains(this.at, name);
  }

  #foreign(name: string, { name: type, why, at }: Foreign): SyntaxError {
    return this.#error(`${quoted(name)} is the name ${quoted(type)}, at byte ${at} of its pickle, ${why}; ${HOLDS}`);
  }

  #set<T>(map: Map<string, T>, name: string, value: T, at: number): void {
    if (this.tensors.has(name) || this.values.has(name)) {
      throw this.#error(`two items are named ${quoted(name)}, the second in the dict at byte ${at}`);
    }
    map.set(name, value);
  }

  #key(key: Value, { at }: Dict): string {
    const text = key instanceof Text ? key.decoded : key === null ? "None" : key;
    if (text === null) throw this.#error(`the key at byte ${(key as Text).at} is not UTF-8`);
    if (typeof text !== "object") return String(text);
    throw this.#error(`a key of the dict at byte ${at} is ${kindOf(key)}, and neither text nor number`);
  }

  /** A value without tensors and dicts; `undefined` where there are some. */
  #data(value: Value, depth: number, at: number): TorchValue | undefined {
    if (value instanceof Text) return this.#text(value);
    if (value instanceof Bytes) return this.#bytes(value);
    if (value instanceof Marker) return value.name.replace(" ", ".");
    if (value instanceof List || value instanceof Tuple) return this.#list(value, depth, at);
    if (value === null || typeof value !== "object") return value;
    if (value instanceof Dict || value instanceof TorchTensor || value instanceof Foreign) return undefined;
    throw this.#error(`the dict or list at byte ${at} holds ${kindOf(value)} without a tensor`);
  }

  #list(value: List | Tuple, depth: number, at: number): TorchValue | undefined {
    const all: TorchValue[] = [], place = value instanceof List ? value.at : at;
    for (const item of value.items) {
      this.#visit(depth + 1, place, 0);
      const data = this.#data(item, depth + 1, place);
      if (data === undefined) return undefined;
      all.push(data);
    }
    return all;
  }

  #text(text: Text): string {
    if (text.decoded === null) throw this.#error(`the text at byte ${text.at} is not UTF-8`);
    return text.decoded;
  }

  #bytes({ raw, at }: Bytes): Uint8Array {
    this.cap.count(raw.length, () => `with the bytes at byte ${at} it`);
    return raw.slice();
  }

  #visit(depth: number, at: number, characters: number): void {
    this.#count++;
    this.cap.count(ITEM_COST + 2 * characters, () => `a pickle of many names, one of them at byte ${at},`);
    if (depth <= MAX_DEPTH) return;
    throw this.#error(`the dict or list at byte ${at} lies deeper than ${MAX_DEPTH}: it may hold itself`);
  }

  #error(found: string): SyntaxError {
    return new SyntaxError(`Cannot read ${this.cap.where}: ${found}`);
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Whether an item is at a place of the file or in what is there. */
function contains(place: string, name: string): boolean {
  return name === place || name.startsWith(`${place}.`);
}
