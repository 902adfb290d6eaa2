/** Files of ONNX as modules that predict. */
import { checkOptions } from "../../core/arguments.ts";
import { runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, type FileSource, quoted, readFile, type ReadOptions, sourceName } from "../../core/io/read_file.ts";
import { recognise } from "../../core/io/recognise.ts";
import type { Tensor } from "../../core/tensor.ts";
import { decodeModel, type GraphMessage, type ModelMessage, type NodeMessage, type ValueMessage } from "./messages.ts";
import { nameOfNode, OnnxNode, type Operator } from "./onnx_node.ts";
import { carryOut, OnnxModel, type OnnxValue, type Plan, type PlannedNode } from "./onnx_model.ts";
import { ELEMENTWISE } from "./read_elementwise.ts";
import { MOVEMENT } from "./read_movement.ts";
import { RECURRENT } from "./read_recurrent.ts";
import { dtypeOfElement, elementName, tensorOf } from "./read_tensor.ts";
import { WINDOWS } from "./read_windows.ts";

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries({ ...ELEMENTWISE, ...MOVEMENT, ...WINDOWS, ...RECURRENT }),
);

/** The operations of which more than the first result may be wanted. */
const OF_MANY: readonly string[] = ["Split", ...Object.keys(RECURRENT)];

/** The versions of operations that are read. */
const [OLDEST, NEWEST] = [9, 22];

/** Activations that are carried out with what is before them, and where. */
const FUSED = { Relu: "relu", Sigmoid: "sigmoid", Tanh: "tanh" } as const;
const FUSING: Readonly<Record<string, readonly string[]>> = {
  Gemm: Object.keys(FUSED),
  Conv: Object.keys(FUSED),
  BatchNormalization: ["Relu"],
};

/**
 * The model of a file of ONNX, as a module that predicts: of those that {@linkcode exportOnnx} writes, and of PyTorch's `torch.onnx.export`
 * for the same layers. Nothing in a file is run but operations that are known here, and all of it is checked before.
 *
 * @param source The file's path; or its bytes, a `Blob` or a `Response`
 * @param options How much may become of it: `maxBytes`, by default 256 MiB, or 32 times the file where that is more
 * @throws {SyntaxError} If it is no file of ONNX, or is cut short
 * @throws {TypeError} If it has an operation, a setting or a kind of tensor that is not known here; node and opset are named
 * @throws {RangeError} If sizes are wrong, nodes stand in a circle, or it comes to more than `maxBytes`
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { exportOnnx, importOnnx } from "@gradus/gradus/onnx";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.Tanh());
 * const again = await importOnnx(await exportOnnx(model, randn([1, 4])));
 * const x = randn([2, 4]);
 * assert(model.call(x).sub(again.call(x)).abs().max().item() < 1e-6);
 * assertEquals([...again.stateDict().keys()], ["0.weight", "0.bias"]);
 * ```
 */
export async function importOnnx(source: FileSource, options: ReadOptions = {}): Promise<OnnxModel> {
  checkOptions("import a model", options, ["maxBytes"]);
  const bytes = await readFile(source, options);
  const cap = new Cap(sourceName(source), options, bytes.length);
  return new OnnxModel(await runInSlices(new Planner(messageOf(bytes, cap), cap).plan()));
}

function messageOf(bytes: Uint8Array, cap: Cap): ModelMessage {
  try {
    return decodeModel(bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = recognise(bytes, "importOnnx") ?? `or cut short (${error.message})`;
    throw new SyntaxError(`Cannot read ${cap.where}: it is no file of ONNX, ${what}`, { cause: error });
  }
}

class Planner {
  readonly #graph: GraphMessage;
  readonly #opset: number;
  /** The place of each value by its name. */
  readonly #places = new Map<string, number>();
  readonly #constants: (Tensor | null)[] = [];
  readonly #weights = new Map<string, Tensor>();

  constructor(model: ModelMessage, readonly cap: Cap) {
    if (model.graph === undefined) {
      throw new SyntaxError(`Cannot read ${cap.where}: it is no file of ONNX, it holds no graph`);
    }
    this.#graph = model.graph;
    const imports = model.opsetImport ?? [];
    this.#opset = imports.find(({ domain = "" }) => domain === "" || domain === "ai.onnx")?.version ?? 0;
    if (!(this.#opset >= OLDEST && this.#opset <= NEWEST)) {
      throw new TypeError(
        `Cannot read ${cap.where}: its operations are of opset ${this.#opset}, and those from ${OLDEST} to ${NEWEST} are known here`,
      );
    }
  }

  /** The checked graph; a tensor or a node is one step. */
  *plan(): Steps<Plan> {
    const { initializer = [], sparseInitializer = [], input = [], output = [], node = [] } = this.#graph;
    if (sparseInitializer.length > 0) throw new TypeError(`Cannot read ${this.cap.where}: its tensors are sparse`);
    const named = new Set(initializer.map(({ name = "" }) => name));
    const inputs = input.filter(({ name = "" }) => !named.has(name)).map((value) => this.#valueOf(value));
    inputs.forEach(({ name }) => this.#place(name, null, "an input"));
    for (const message of initializer) {
      const x = tensorOf(message, this.cap), { name = "" } = message;
      this.#place(name, x, "a tensor");
      this.#weights.set(name, x);
      yield;
    }
    const nodes = yield* this.#nodes(node, new Set(output.map(({ name = "" }) => name)));
    if (output.length === 0) throw new SyntaxError(`Cannot read ${this.cap.where}: it has no outputs`);
    const outputPlaces = output.map(({ name = "" }) => {
      const place = this.#places.get(name);
      if (place === undefined) {
        throw new RangeError(`Cannot read ${this.cap.where}: nothing makes its output ${quoted(name)}`);
      }
      return place;
    });
    return {
      ...{ inputs, outputs: output.map((value) => this.#valueOf(value)), outputPlaces },
      ...{
        nodes: withLastUses(nodes, outputPlaces, this.#constants),
        constants: this.#constants,
        weights: this.#weights,
      },
      operations: countsOf(node),
    };
  }

  #valueOf({ name = "", type }: ValueMessage): OnnxValue {
    const tensor = type?.tensorType, element = tensor?.elemType;
    const dtype = element === undefined ? "float32" : dtypeOfElement(element);
    if (dtype === null || tensor === undefined) {
      const kind = tensor === undefined ? "no tensor" : `of ${elementName(element)}, which no tensor here has`;
      throw new TypeError(`Cannot read ${this.cap.where}: its value ${quoted(name)} is ${kind}`);
    }
    const shape = tensor.shape === undefined
      ? null
      : (tensor.shape.dim ?? []).map(({ dimValue, dimParam }) => dimValue ?? (dimParam || "?"));
    return { name, shape, dtype };
  }

  #place(name: string, x: Tensor | null, what: string): number {
    if (name === "" || this.#places.has(name)) {
      throw new RangeError(`Cannot read ${this.cap.where}: ${what} is named ${quoted(name)}, as something else is`);
    }
    this.#places.set(name, this.#constants.push(x) - 1);
    return this.#constants.length - 1;
  }

  /** The nodes that are left when those whose inputs are all known were carried out, and activations joined to what is before them. */
  *#nodes(messages: readonly NodeMessage[], outputs: ReadonlySet<string>): Steps<PlannedNode[]> {
    const uses = new Map<string, number>();
    for (const { input = [] } of messages) for (const name of input) uses.set(name, (uses.get(name) ?? 0) + 1);
    const planned: PlannedNode[] = [];
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i], next = messages[i + 1], [made = ""] = message.output ?? [];
      const joins = next !== undefined && (FUSING[message.opType ?? ""] ?? []).includes(next.opType ?? "") &&
        next.input?.[0] === made && uses.get(made) === 1 && !outputs.has(made) && (next.domain ?? "") === "";
      const node = this.#node(message, joins ? next : null);
      if (joins) i++;
      if (node !== null) planned.push(node);
      yield;
    }
    return planned;
  }

  /** A node as it is carried out; `null` where it has been. */
  #node(message: NodeMessage, activation: NodeMessage | null): PlannedNode | null {
    const { opType = "", domain = "", input = [] } = message, where = nameOfNode(message);
    const operator = domain === "" || domain === "ai.onnx" ? OPERATORS.get(opType) : undefined;
    if (operator === undefined) {
      const of = domain === "" ? "" : ` of ${quoted(domain)}`;
      throw new TypeError(`Cannot read ${this.cap.where}: ${where}${of}, opset ${this.#opset}, is not known here`);
    }
    const inputs = input.map((name) => this.#input(name, where));
    const constants = inputs.map((place) => place < 0 ? null : this.#constants[place]);
    const made = (activation ?? message).output ?? [];
    const used = made.findLastIndex((name) => name !== "") + 1;
    const node = new OnnxNode(message, this.#opset, constants, this.cap, used);
    if (activation !== null) node.activation = FUSED[activation.opType as keyof typeof FUSED];
    const run = operator(node);
    node.finish();
    if (used > 1 && !OF_MANY.includes(opType)) {
      throw node.refuse(`has ${used} outputs, and only the first is known here`);
    }
    const outputs = made.slice(0, used).map((name) =>
      name === "" && OF_MANY.includes(opType) ? -1 : this.#place(name, null, `a result of ${where}`)
    );
    const planned = { run, where, inputs, outputs, last: [] };
    if (inputs.some((place) => place >= 0 && this.#constants[place] === null)) return planned;
    carryOut(planned, this.#constants, `read ${this.cap.where}`);
    for (const place of outputs.filter((place) => place >= 0)) {
      this.cap.count(8 * (this.#constants[place]?.numel() ?? 0), () => `the result of ${where}`);
    }
    return null;
  }

  #input(name: string, where: string): number {
    if (name === "") return -1;
    const place = this.#places.get(name);
    if (place !== undefined) return place;
    throw new RangeError(
      `Cannot read ${this.cap.where}: ${where} takes ${
        quoted(name)
      }, which nothing before it makes: nodes stand in a circle or in another order`,
    );
  }
}

/** Each node with the values that nothing needs after it. */
function withLastUses(
  nodes: readonly PlannedNode[],
  outputs: readonly number[],
  constants: readonly (Tensor | null)[],
): PlannedNode[] {
  const seen = new Set(outputs);
  return nodes.toReversed().map((node) => {
    const last = [...new Set([...node.inputs, ...node.outputs])].filter((place) =>
      place >= 0 && constants[place] === null && !seen.has(place)
    );
    for (const place of last) seen.add(place);
    return { ...node, last };
  }).toReversed();
}

function countsOf(nodes: readonly NodeMessage[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { opType = "" } of nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return counts;
}
