/** A node of a file of ONNX, as those who carry it out read it: settings by name, and inputs that are known beforehand. */
import type { Activation } from "../../core/backend/backend.ts";
import { type Cap, quoted } from "../../core/io/read_file.ts";
import { elements } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { AttributeMessage, NodeMessage } from "./messages.ts";
import { tensorOf } from "./read_tensor.ts";

/** Carries a node out; an input that is missing is `null`. */
export type Run = (...inputs: (Tensor | null)[]) => Tensor | Tensor[];

/** Reads a node's settings, and returns what carries it out. */
export type Operator = (node: OnnxNode) => Run;

/** The kinds of attributes by their numbers in a file. */
const [FLOAT, INT, STRING, TENSOR, FLOATS, INTS, STRINGS] = [1, 2, 3, 4, 6, 7, 8];

/** A node. */
export class OnnxNode {
  /** What it does. */
  readonly op: string;
  /** What it is called in errors. */
  readonly where: string;
  /** The activation after it, which is its part. */
  activation: Activation = "none";
  readonly #attributes: ReadonlyMap<string, AttributeMessage>;
  readonly #read = new Set<string>();
  readonly #constants: readonly (Tensor | null)[];
  readonly #cap: Cap;

  /** A node of a file whose version of operations is `opset`; `constants` are the inputs that are known. */
  constructor(
    message: NodeMessage,
    readonly opset: number,
    constants: readonly (Tensor | null)[],
    cap: Cap,
    /** How many of its outputs are wanted. */
    readonly outputs: number,
  ) {
    this.op = message.opType ?? "";
    this.where = nameOfNode(message);
    this.#attributes = new Map((message.attribute ?? []).map((attribute) => [attribute.name ?? "", attribute]));
    this.#constants = constants;
    this.#cap = cap;
  }

  /** An error about this node. */
  refuse(why: string): TypeError {
    return new TypeError(`Cannot read ${this.#cap.where}: ${this.where} ${why}`);
  }

  /** A whole number. */
  int(name: string, otherwise: number): number;
  int<T>(name: string, otherwise: T): number | T;
  int<T>(name: string, otherwise: T): number | T {
    return this.#get(name, INT)?.i ?? (this.#attributes.has(name) ? 0 : otherwise);
  }

  /** A number. */
  float(name: string, otherwise: number): number {
    return this.#get(name, FLOAT)?.f ?? (this.#attributes.has(name) ? 0 : otherwise);
  }

  /** A text. */
  text(name: string, otherwise: string): string {
    const found = this.#get(name, STRING);
    return found === undefined ? otherwise : new TextDecoder().decode(found.s);
  }

  /** Texts. */
  texts(name: string): readonly string[] | null {
    const found = this.#get(name, STRINGS);
    return found === undefined ? null : (found.strings ?? []).map((text) => new TextDecoder().decode(text));
  }

  /** Whole numbers. */
  ints(name: string): readonly number[] | null {
    const found = this.#get(name, INTS);
    return found === undefined ? null : found.ints ?? [];
  }

  /** Numbers. */
  floats(name: string): readonly number[] | null {
    const found = this.#get(name, FLOATS);
    return found === undefined ? null : found.floats ?? [];
  }

  /** A tensor. */
  tensor(name: string): Tensor | null {
    const found = this.#get(name, TENSOR);
    return found === undefined ? null : tensorOf(found.t ?? {}, this.#cap);
  }

  /** An input that is known before any other. */
  constant(at: number): Tensor | null {
    return this.#constants[at] ?? null;
  }

  /** A setting that must be the usual one: others are not carried out here. */
  usual(name: string, value: number | string): void {
    const found = typeof value === "number" ? this.int(name, value) : this.text(name, value);
    if (found !== value) throw this.refuse(`has the setting ${name} ${found}, and only ${value} is known here`);
  }

  /** Checks that a tensor that would be made is not larger than the file may become. */
  room(count: number): void {
    this.#cap.check(8 * count, () => `the result of ${this.where}`);
  }

  /** Refuses settings that nothing has read. */
  finish(): void {
    const odd = [...this.#attributes.keys()].find((name) => !this.#read.has(name));
    if (odd !== undefined) throw this.refuse(`has the setting ${quoted(odd)}, which is not known here`);
  }

  #get(name: string, type: number): AttributeMessage | undefined {
    this.#read.add(name);
    const found = this.#attributes.get(name);
    if (found !== undefined && found.type !== undefined && found.type !== type) {
      throw this.refuse(`has a setting ${name} of another kind than it should be`);
    }
    return found;
  }
}

/** What a node is called in errors: its operation, and its name. */
export function nameOfNode({ opType = "", name = "", output = [] }: NodeMessage): string {
  return `its node ${quoted(name || output[0] || "")} (${quoted(opType).slice(1, -1)})`;
}

/** The numbers of a list that settings are given in. */
export function numbersOf(x: Tensor): number[] {
  return Array.from(elements(x));
}
