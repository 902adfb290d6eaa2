/** The dicts and lists of a PyTorch file by one name for each tensor and each other value. */
import type { Steps } from "../../event_loop.ts";
import { Bytes, Dict, kindOf, List, Marker, Text, Tuple, type Value } from "../pickle/pickle_values.ts";
import { type Cap, quoted } from "../read_file.ts";
import { TorchTensor } from "./torch_pickle.ts";

/** What a PyTorch file holds beside tensors. Integers past 2^53 are bigints; tuples and sets are arrays, dtypes and devices texts. */
export type TorchValue = null | boolean | number | bigint | string | Uint8Array | readonly TorchValue[];

/** Tensors and other values by name. */
export interface Flattened {
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
 * tensors and dicts is one value. What is the root itself is named `""`.
 *
 * @throws {SyntaxError} if a key is neither text nor number, two items have one name, or something lies in itself
 * @throws {RangeError} if there are more than `cap` allows
 */
export function* flatten(root: Value, cap: Cap): Steps<Flattened> {
  const walk = new Walk(cap);
  yield* walk.add("", root, 0, 0);
  return walk;
}

class Walk implements Flattened {
  readonly tensors = new Map<string, TorchTensor>();
  readonly values = new Map<string, TorchValue>();
  #count = 0;

  constructor(readonly cap: Cap) {}

  *add(name: string, value: Value, depth: number, at: number): Steps<void> {
    this.#visit(depth, at, name.length);
    if (this.#count % STEP === 0) yield;
    if (value instanceof TorchTensor) return this.#set(this.tensors, name, value, at);
    if (value instanceof Dict) {
      for (const [key, item] of value.pairs) {
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
    if (value instanceof Dict || value instanceof TorchTensor) return undefined;
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
