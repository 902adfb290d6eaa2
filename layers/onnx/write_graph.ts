/** A traced model as a graph of ONNX. */
import type { Tensor } from "../../core/tensor.ts";
import { elements } from "../../core/ops/movement.ts";
import { sameShape } from "../../core/shape.ts";
import { type Dims, dimsOf } from "./dims.ts";
import { GraphBuilder, type Value } from "./graph_builder.ts";
import { ELEMENT, type GraphMessage, type ValueMessage } from "./messages.ts";
import { describeStep, type Source, type Step, type Trace, type TracedOp, whereIs } from "./trace.ts";
import { BINARY_WRITERS, CHOICE_WRITERS, UNARY_WRITERS } from "./write_elementwise.ts";
import { MOVEMENT_WRITERS, PRODUCT_WRITERS, REDUCTION_WRITERS } from "./write_movement.ts";
import { RECURRENT_WRITERS } from "./write_recurrent.ts";
import { WINDOW_WRITERS } from "./write_windows.ts";
import { Unwritable, type Writer } from "./writer.ts";

/** Why some operations have no writer. */
const WITHOUT: Readonly<Partial<Record<TracedOp, string>>> = {
  crossEntropy: "a loss is no prediction, leave it out of forward()",
  im2col: "ONNX has no columns of windows, use a convolution",
  col2im: "ONNX adds no columns up to images before opset 18, use a transposed convolution",
  asStrided: "ONNX has no strides, use reshape() and slice()",
};

const WRITERS: Readonly<Partial<Record<TracedOp, Writer<never>>>> = {
  ...UNARY_WRITERS,
  ...BINARY_WRITERS,
  ...CHOICE_WRITERS,
  ...MOVEMENT_WRITERS,
  ...REDUCTION_WRITERS,
  ...PRODUCT_WRITERS,
  ...WINDOW_WRITERS,
  ...RECURRENT_WRITERS,
};

/** Names of what a graph takes and gives. */
interface GraphNames {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The model's tensors by name. */
  readonly state: ReadonlyMap<string, Tensor>;
}

/** The two traces of a model, how many rows each had, and which inputs have a batch. */
interface Traces {
  readonly traces: readonly [Trace, Trace];
  readonly inputs: readonly (readonly [Tensor, Tensor])[];
  readonly batches: readonly [number, number];
}

/**
 * The graph of a model that was traced twice, with different batches and values.
 *
 * @throws {TypeError} If an operation cannot be written, or what it does depends on values that ONNX would not see.
 */
export function graphOf(given: Traces, names: GraphNames): GraphMessage {
  const [first, second] = given.traces;
  requireSameSteps(first, second);
  const dims = first.steps.map((step, i) =>
    dimsOf([step.shape, second.steps[i].shape], given.batches, () => describeStep(step))
  );
  const inputDims = given.inputs.map(([a, b], i) =>
    dimsOf([a.shape, b.shape], given.batches, () => `its input ${names.inputs[i]}`)
  );
  const [graph, again] = [first, second].map((trace, i) =>
    new GraphWriter(trace, { inputs: inputDims, steps: dims }, names, given.inputs.map((pair) => pair[i])).write()
  );
  requireSameGraph(graph, again);
  return graph.message;
}

function requireSameSteps(first: Trace, second: Trace): void {
  const key = ({ op, path }: Step) => `${op} in ${path}`;
  const odd = first.steps.findIndex((step, i) =>
    second.steps[i] === undefined || key(step) !== key(second.steps[i]) ||
    step.inputs.some((input, j) => placeOf(input) !== placeOf(second.steps[i].inputs[j]))
  );
  if (odd < 0 && first.steps.length === second.steps.length && first.outputs.length === second.outputs.length) return;
  const step = first.steps[odd] ?? second.steps[first.steps.length];
  throw new TypeError(
    `Cannot export ${
      step === undefined ? "a model" : whereIs(step)
    }: for another batch or other values it does something ` +
      "else, and a graph does the same always",
  );
}

function placeOf(source: Source | null): string {
  if (source === null) return "none";
  return source.kind === "constant" ? "constant" : `${source.kind} ${source.at}`;
}

interface Written {
  readonly message: GraphMessage;
  /** Which step each node and tensor is of. */
  readonly steps: ReadonlyMap<string, Step>;
  /** The constants that came from the forward pass, in order. */
  readonly constants: readonly (readonly [step: Step | null, tensor: Tensor])[];
}

/** Refuses a model whose two graphs differ: something came from values or from the batch's size. */
function requireSameGraph(a: Written, b: Written): void {
  const nodes = a.message.node!, others = b.message.node!;
  const odd = nodes.findIndex((node, i) => JSON.stringify(node, shortly) !== JSON.stringify(others[i], shortly));
  const refuse = (step: Step | null | undefined, what: string): TypeError =>
    new TypeError(
      `Cannot export ${
        step ? whereIs(step) : "a model"
      }: ${what} comes from the values or the size of the batch by a ` +
        "way that no operation tells of, such as item(), toArray() or random numbers",
    );
  if (odd >= 0 || nodes.length !== others.length) {
    const step = a.steps.get(nodes[odd]?.name ?? "");
    throw refuse(step, `what ${step?.op ?? "it"} does`);
  }
  a.constants.forEach(([step, tensor], i) => {
    const other = b.constants[i]?.[1];
    if (other === tensor || (other !== undefined && sameTensor(tensor, other))) return;
    throw refuse(step, `a tensor of ${step?.op ?? "its outputs"}`);
  });
  const [tensors, otherTensors] = [a.message.initializer!, b.message.initializer!];
  const differing = tensors.find((tensor, i) =>
    tensor.name !== otherTensors[i]?.name || !sameBytes(tensor.rawData!, otherTensors[i].rawData!)
  );
  if (differing !== undefined) throw refuse(a.steps.get(differing.name!), "a setting");
}

const shortly = (_: string, value: unknown) => value instanceof Uint8Array ? [...value].join() : value;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return (a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length) ||
    (a.length === b.length && a.every((byte, i) => byte === b[i]));
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) return false;
  const [p, q] = [elements(a), elements(b)];
  return p.every((value, i) => Object.is(value, q[i]));
}

class GraphWriter {
  readonly #graph: GraphBuilder;
  readonly #values: Value[] = [];
  readonly #inputs: readonly Value[];
  readonly #steps = new Map<string, Step>();
  readonly #constants: [Step | null, Tensor][] = [];
  readonly #known = new Map<Tensor, string>();

  constructor(
    readonly trace: Trace,
    readonly dims: { readonly inputs: readonly Dims[]; readonly steps: readonly Dims[] },
    readonly names: GraphNames,
    examples: readonly Tensor[],
  ) {
    const taken = [...names.inputs, ...names.outputs, ...names.state.keys()];
    const batched = dims.inputs.findIndex((of) => of[0] === -1);
    this.#graph = new GraphBuilder(taken, batched < 0 ? null : names.inputs[batched]);
    this.#inputs = examples.map(({ shape, dtype }, i) => ({
      ...{ name: names.inputs[i], dims: dims.inputs[i], shape, dtype },
    }));
  }

  write(): Written {
    for (const [i, step] of this.trace.steps.entries()) this.#writeStep(step, this.dims.steps[i]);
    this.#graph.enter("");
    const { nodes, tensors } = this.#graph;
    const outputs = this.trace.outputs.map((source, i) => {
      const value = this.#valueOf(source, null);
      const [name] = [this.names.outputs[i]];
      nodes.push({ name: this.#graph.unique("/Identity"), opType: "Identity", input: [value.name], output: [name] });
      return { ...value, name };
    });
    const message: GraphMessage = {
      node: withoutIdentities(nodes, new Set(this.#inputs.map(({ name }) => name)), tensors),
      name: "gradus",
      initializer: [...tensors.values()],
      input: this.#inputs.map(valueMessage),
      output: outputs.map(valueMessage),
    };
    return { message, steps: this.#steps, constants: this.#constants };
  }

  #writeStep(step: Step, dims: Dims): void {
    const { op, path, shape, dtype, settings } = step;
    const write = WRITERS[op] as Writer<unknown> | undefined;
    const refuse = (why: string) => new TypeError(`Cannot export ${describeStep(step)}: ${why}`);
    if (write === undefined) throw refuse(WITHOUT[op] ?? "ONNX has no such operation");
    this.#graph.enter(path);
    const inputs = step.inputs.map((source) => source && this.#valueOf(source, step));
    const [nodes, tensors] = [this.#graph.nodes.length, this.#graph.tensors.size];
    try {
      const name = write(this.#graph, { inputs, x: inputs[0]!, dims, shape, dtype, settings });
      this.#values.push({ name, dims, shape, dtype });
    } catch (error) {
      if (error instanceof Unwritable) throw refuse(error.message);
      throw error;
    }
    for (const { name } of this.#graph.nodes.slice(nodes)) this.#steps.set(name!, step);
    for (const name of [...this.#graph.tensors.keys()].slice(tensors)) this.#steps.set(name, step);
  }

  #valueOf(source: Source, step: Step | null): Value {
    if (source.kind !== "constant") return (source.kind === "step" ? this.#values : this.#inputs)[source.at];
    const { tensor, shape, dtype } = source;
    return { name: this.#nameOf(tensor, step), dims: shape, shape, dtype };
  }

  /** The name of a tensor that is no result: that of the model's own, or of a constant. */
  #nameOf(x: Tensor, step: Step | null): string {
    const known = this.#known.get(x);
    if (known !== undefined) return known;
    const name = this.#stateName(x) ?? this.#constant(x, step);
    this.#known.set(x, name);
    return name;
  }

  #stateName(x: Tensor): string | null {
    for (const [name, own] of this.names.state) {
      const same = own.data === x.data && own.offset === x.offset && sameShape(own.shape, x.shape) &&
        sameShape(own.strides, x.strides);
      if (!same) continue;
      if (!this.#graph.tensors.has(name)) this.#graph.tensor(name, own);
      return name;
    }
    return null;
  }

  #constant(x: Tensor, step: Step | null): string {
    this.#constants.push([step, x]);
    return this.#graph.elements(x);
  }
}

type Node = NonNullable<GraphMessage["node"]>[number];

/** Gives the output's name to the node that makes it, where nothing else needs the old one. */
function withoutIdentities(nodes: Node[], inputs: ReadonlySet<string>, tensors: ReadonlyMap<string, unknown>): Node[] {
  const uses = new Map<string, number>();
  for (const { input } of nodes) for (const name of input!) uses.set(name, (uses.get(name) ?? 0) + 1);
  const renamed = new Map<string, string>();
  const kept = nodes.filter(({ opType, input, output }) => {
    if (opType !== "Identity") return true;
    const [from] = input!;
    if (inputs.has(from) || tensors.has(from) || uses.get(from) !== 1) return true;
    renamed.set(from, output![0]);
    return false;
  });
  return kept.map((node) => ({ ...node, output: node.output!.map((name) => renamed.get(name) ?? name) }));
}

function valueMessage({ name, dims, dtype }: Value): ValueMessage {
  const dim = dims.map((n) => n >= 0 ? { dimValue: n } : { dimParam: n === -1 ? "batch" : `${-n} * batch` });
  return { name, type: { tensorType: { elemType: ELEMENT[dtype], shape: { dim } } } };
}
