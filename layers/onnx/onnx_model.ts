/** A graph of ONNX as a module that predicts. */
import type { DType } from "../../core/dtype.ts";
import { isFloating } from "../../core/dtype.ts";
import { cast } from "../../core/ops/elementwise.ts";
import { requireTensor } from "../../core/arguments.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Module } from "../nn/module.ts";
import { Buffer, type Parameter } from "../nn/parameter.ts";
import type { Run } from "./onnx_node.ts";

/** What a model takes or gives: a size that is a text may be any. */
export interface OnnxValue {
  /** Its name. */
  readonly name: string;
  /** Its sizes; `null` where the file does not say them. */
  readonly shape: readonly (number | string)[] | null;
  /** Its dtype here: whole numbers of 64 bits are int32. */
  readonly dtype: DType;
}

/** A node that is carried out: which values it takes and makes, by their places. */
export interface PlannedNode {
  readonly run: Run;
  readonly where: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** The values that nothing needs after it. */
  readonly last: readonly number[];
}

/** A graph that was checked: values have places, from 0; −1 is an input that is missing. */
export interface Plan {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly outputPlaces: readonly number[];
  readonly nodes: readonly PlannedNode[];
  /** The values that are known beforehand, by place; `null` for the others. */
  readonly constants: readonly (Tensor | null)[];
  /** The tensors of the file by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** How often each operation stands in the file. */
  readonly operations: ReadonlyMap<string, number>;
}

/**
 * A model of a file of ONNX: it predicts, and learns nothing. `importOnnx` makes one.
 *
 * Its weights are buffers under the names that the file has, as `stateDict()` shows them.
 */
export class OnnxModel extends Module<Tensor[], Tensor> {
  readonly #plan: Plan;
  readonly #buffers: ReadonlyMap<string, Buffer>;

  /** A model that carries out this plan. */
  constructor(plan: Plan) {
    super();
    this.#plan = plan;
    this.#buffers = new Map(Array.from(plan.weights, ([name, x]) => [name, new Buffer(x)]));
    this.training = false;
  }

  /** What `call` takes, in this order. */
  get inputs(): readonly OnnxValue[] {
    return this.#plan.inputs;
  }

  /** What it gives. */
  get outputs(): readonly OnnxValue[] {
    return this.#plan.outputs;
  }

  /**
   * The output for the inputs.
   *
   * @throws {RangeError} If the inputs are not of the sizes that the file says, or the model has several outputs.
   * @throws {TypeError} If one is of another kind.
   */
  forward(...inputs: Tensor[]): Tensor {
    if (this.#plan.outputs.length !== 1) {
      const names = this.#plan.outputs.map(({ name }) => name).join(", ");
      throw new RangeError(`Cannot call a model with the outputs ${names}: use predict(), which gives all by name`);
    }
    return this.#run(inputs)[0];
  }

  /**
   * All outputs by their names.
   *
   * @throws {RangeError} If the inputs are not of the sizes that the file says.
   * @throws {TypeError} If one is of another kind.
   */
  predict(...inputs: Tensor[]): Map<string, Tensor> {
    const found = this.#run(inputs);
    return new Map(this.#plan.outputs.map(({ name }, i) => [name, found[i]]));
  }

  #run(given: readonly Tensor[]): Tensor[] {
    const { inputs, nodes, constants, outputPlaces } = this.#plan;
    if (given.length !== inputs.length) {
      const names = inputs.map(({ name }) => name).join(", ");
      throw new RangeError(`Cannot predict from ${given.length} tensors: the model takes ${inputs.length}, ${names}`);
    }
    const values = [...constants];
    for (let i = 0; i < inputs.length; i++) values[i] = fitted(given[i], inputs[i]);
    for (const node of nodes) carryOut(node, values);
    return outputPlaces.map((place) => values[place]!);
  }

  /** The tensors of the file, by name. */
  override namedBuffers(): [name: string, buffer: Buffer][] {
    return [...this.#buffers];
  }

  /** None: nothing is learned. */
  override namedParameters(): [name: string, parameter: Parameter][] {
    return [];
  }

  /** The tensors of the file, by name. */
  override stateDict(): Map<string, Tensor> {
    return new Map(Array.from(this.#buffers, ([name, buffer]) => [name, buffer.detach()]));
  }

  /** `inputs=(input), outputs=(output), Gemm 3, Relu 2`, for the printed form. */
  override extraRepr(): string {
    const names = (values: readonly OnnxValue[]) => values.map(({ name }) => name).join(", ");
    const counts = Array.from(this.#plan.operations, ([op, count]) => `${op} ${count}`).join(", ");
    return `inputs=(${names(this.#plan.inputs)}), outputs=(${names(this.#plan.outputs)}), ${counts}`;
  }
}

/** Carries out a node on the values that it takes, and forgets those that nothing needs any more; errors say what it is done for. */
export function carryOut(
  { run, where, inputs, outputs, last }: PlannedNode,
  values: (Tensor | null)[],
  action = "predict",
): void {
  let made: Tensor | Tensor[];
  try {
    made = run(...inputs.map((place) => place < 0 ? null : values[place]));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const Kind = error instanceof TypeError ? TypeError : error instanceof RangeError ? RangeError : Error;
    throw new Kind(`Cannot ${action}: ${where} says "${error.message}"`, { cause: error });
  }
  if (Array.isArray(made)) {
    outputs.forEach((place, i) => {
      if (place >= 0) values[place] = made[i] ?? null;
    });
  } else values[outputs[0]] = made;
  for (const place of last) values[place] = null;
}

/** The tensor, in the dtype that the model takes. */
function fitted(x: Tensor, { name, shape, dtype }: OnnxValue): Tensor {
  requireTensor(x, `predict from ${name},`);
  const fits = shape === null ||
    (shape.length === x.ndim && shape.every((size, d) => typeof size === "string" || size === x.shape[d]));
  if (!fits) throw new RangeError(`Cannot predict from ${name} of ${show(x.shape)}: expected [${shape!.join(", ")}]`);
  if (x.dtype === dtype) return x;
  if (isFloating(x.dtype) !== isFloating(dtype) || dtype === "bool") {
    throw new TypeError(`Cannot predict from ${name} of ${x.dtype}: the model takes ${dtype}, cast it first`);
  }
  return cast(x, dtype);
}
