/** A graph of ONNX while it is made: nodes in order, and the tensors they need, each under a name of its own. */
import type { DType } from "../../core/dtype.ts";
import { elements } from "../../core/ops/movement.ts";
import { type Shape, sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Dims } from "./dims.ts";
import { type AttributeMessage, ELEMENT, type NodeMessage, type TensorMessage } from "./messages.ts";

/** A value in the graph. */
export interface Value {
  readonly name: string;
  /** Its sizes, of which some may be multiples of the batch. */
  readonly dims: Dims;
  /** Its sizes for the example. */
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A setting of a node: a whole number or a text, several of them, or `{ f }`, a number with a fraction. */
type Attribute = number | readonly number[] | string | readonly string[] | { readonly f: number };

/** The settings of a node by their names; one that is `undefined` is left out. */
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** The kinds of attributes by their numbers in a file. */
const KIND = { float: 1, int: 2, string: 3, ints: 7, strings: 8 } as const;

/** The nodes and tensors of a graph. */
export class GraphBuilder {
  /** The nodes, each after those whose results it takes. */
  readonly nodes: NodeMessage[] = [];
  /** The tensors by name: the model's own, and constants. */
  readonly tensors = new Map<string, TensorMessage>();
  readonly #names: Set<string>;
  readonly #constants = new Map<string, string>();
  readonly #batched: string | null;
  #batch: string | null = null;
  #scope = "";

  /** A graph in which these names are taken, and whose batch is the first size of the input `batched`, if of any. */
  constructor(taken: Iterable<string>, batched: string | null) {
    this.#names = new Set(taken);
    this.#batched = batched;
  }

  /** Says in which module the nodes that follow are. */
  enter(path: string): void {
    this.#scope = path === "" ? "" : `/${path.replaceAll(".", "/")}`;
  }

  /** A name that nothing has yet: this one, or with a number behind it. */
  unique(name: string): string {
    let free = name;
    for (let i = 1; this.#names.has(free); i++) free = `${name}_${i}`;
    this.#names.add(free);
    return free;
  }

  /** Adds a node; returns the name of its result. An input that is `null` is left out. */
  node(opType: string, inputs: readonly (string | null)[], attributes: Attributes = {}): string {
    return this.nodeOf(opType, inputs, attributes, 1)[0];
  }

  /** Adds a node with so many results; returns their names. */
  nodeOf(opType: string, inputs: readonly (string | null)[], attributes: Attributes, results: number): string[] {
    const name = this.unique(`${this.#scope}/${opType}`);
    const output = Array.from({ length: results }, (_, i) => this.unique(`${name}_output_${i}`));
    const given = inputs.map((input) => input ?? "");
    while (given.at(-1) === "") given.pop();
    const attribute = Object.entries(attributes).flatMap(([key, value]) =>
      value === undefined ? [] : [attributeOf(key, value)]
    );
    this.nodes.push({ name, opType, input: given, output, attribute });
    return output;
  }

  /** The operation whose result has that name, if a node has made it. */
  madeBy(name: string): string | undefined {
    return this.nodes.find(({ output }) => output!.includes(name))?.opType;
  }

  /** The name of a constant with these numbers; equal ones are one. */
  constant(values: readonly number[], dims: Shape, kind: DType | "int64"): string {
    const key = `${kind} ${dims} ${values.map((value) => Object.is(value, -0) ? "-0" : value)}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.unique(`${this.#scope}/Constant`);
    this.tensors.set(name, { name, dims: [...dims], dataType: ELEMENT[kind], rawData: bytesOf(values, kind) });
    this.#constants.set(key, name);
    return name;
  }

  /** The name of a number of the dtype. */
  number(value: number, dtype: DType): string {
    return this.constant([value], [], dtype);
  }

  /** The name of a list of whole numbers, as axes and sizes are given. */
  ints(values: readonly number[]): string {
    return this.constant(values, [values.length], "int64");
  }

  /** Adds a tensor under a name. */
  tensor(name: string, x: Tensor): void {
    const data = elements(x);
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.tensors.set(name, { name, dims: [...x.shape], dataType: ELEMENT[x.dtype], rawData });
  }

  /** The name of a constant with the elements of a tensor. */
  elements(x: Tensor): string {
    if (sizeOf(x.shape) <= 8) return this.constant([...elements(x)], x.shape, x.dtype);
    const name = this.unique(`${this.#scope}/Constant`);
    this.tensor(name, x);
    return name;
  }

  /** The name of a list with these sizes. */
  shape(dims: Dims): string {
    if (dims.every((n) => n >= 0)) return this.ints(dims);
    const parts: string[] = [];
    for (let d = 0; d < dims.length;) {
      const end = dims[d] < 0 ? d + 1 : dims.findIndex((n, e) => e > d && n < 0);
      const part = dims.slice(d, end < 0 ? dims.length : end);
      parts.push(dims[d] < 0 ? this.#batchTimes(-dims[d]) : this.ints(part));
      d += part.length;
    }
    return parts.length === 1 ? parts[0] : this.node("Concat", parts, { axis: 0 });
  }

  /** The name of a list with one number, so many times the batch. */
  #batchTimes(times: number): string {
    this.#batch ??= this.node("Slice", [this.node("Shape", [this.#batched]), this.ints([0]), this.ints([1])]);
    return times === 1 ? this.#batch : this.node("Mul", [this.#batch, this.ints([times])]);
  }

  /** `x` under other sizes. */
  reshape(x: string, dims: Dims): string {
    const open = dims.filter((n) => n < 0).length;
    return this.node("Reshape", [x, open === 1 ? this.ints(dims.map((n) => n < 0 ? -1 : n)) : this.shape(dims)]);
  }

  /** `x` in another dtype. */
  cast(x: string, dtype: DType): string {
    return this.node("Cast", [x], { to: ELEMENT[dtype] });
  }
}

function attributeOf(name: string, value: Attribute): AttributeMessage {
  if (typeof value === "number") return { name, type: KIND.int, i: value };
  if (typeof value === "string") return { name, type: KIND.string, s: new TextEncoder().encode(value) };
  if ("f" in value) return { name, type: KIND.float, f: Math.fround(value.f) };
  const isTexts = (list: readonly (number | string)[]): list is readonly string[] => typeof list[0] === "string";
  if (isTexts(value)) return { name, type: KIND.strings, strings: value.map((text) => new TextEncoder().encode(text)) };
  return { name, type: KIND.ints, ints: [...value] };
}

function bytesOf(values: readonly number[], kind: DType | "int64"): Uint8Array {
  if (kind === "int64") return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  const arrays = {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };
  return new Uint8Array(arrays[kind].from(values).buffer);
}
