/** A trained model as a file of ONNX. */
import {
  checkOptions,
  describe,
  requireArray,
  requirePath,
  requireTensor,
  requireTexts,
} from "../../core/arguments.ts";
import { files } from "../../core/host/files.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { joinInSteps } from "../../core/io/in_steps.ts";
import { runInSlices } from "../../core/event_loop.ts";
import { cast } from "../../core/ops/elementwise.ts";
import { cat } from "../../core/ops/join.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { noGrad } from "../../backward/tape.ts";
import { type AnyModule, Module } from "../nn/module.ts";
import { encodeModel } from "./messages.ts";
import { traceModel } from "./trace.ts";
import { graphOf } from "./write_graph.ts";

/** The options of `exportOnnx`. */
export interface OnnxExportOptions {
  /**
   * Whether the first size of the inputs may be any, as for batches; else it is that of the example.
   *
   * @default {true}
   */
  dynamicBatch?: boolean;
  /**
   * What the inputs are called.
   *
   * @default {["input"], or "input_0", "input_1", … where there are several}
   */
  inputNames?: readonly string[];
  /**
   * What the outputs are called.
   *
   * @default {["output"], or "output_0", "output_1", … where there are several}
   */
  outputNames?: readonly string[];
}

/** The version of ONNX's operations that is written, and of its files. */
const [OPSET, IR_VERSION] = [17, 8];

/** Bytes that a file of protobuf can have. */
const MOST = 2 ** 31 - 1;

/**
 * The file of ONNX (opset 17) that predicts what the model predicts in `eval()` mode: for ONNX Runtime, browsers, phones, C++. With a
 * `path` it is also written there, wholly or not at all.
 *
 * `forward` is called with the example, and every operation in it is written as nodes, also those of modules of your own; weights keep the
 * names that they have in `stateDict()`, and nodes are named after their modules. It is called a second time with one row more and values
 * half as large: what differs then depends on the batch's size, and what cannot be told apart from a constant is refused. So the example
 * should be a typical one, with values other than 0.
 *
 * @param model A module whose `forward` takes tensors and returns a tensor, or an array of them, as of states
 * @param example What it is called with: a tensor, or an array of tensors; those whose first size is that of the first have a batch
 * @throws {TypeError} If an operation cannot be written, or results depend on values that ONNX would not see; the module is named
 * @throws {RangeError} If a size is neither fixed nor a multiple of the batch, or the file would pass 2 GB
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { exportOnnx, importOnnx } from "@gradus/gradus/onnx";
 * import { assertEquals } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2));
 * const bytes = await exportOnnx(model, randn([1, 4]));
 * const again = await importOnnx(bytes);
 * assertEquals(again.call(randn([5, 4])).shape, [5, 2]);
 * ```
 */
export async function exportOnnx(
  model: AnyModule,
  example: Tensor | readonly Tensor[],
  path?: string,
  options: OnnxExportOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(model instanceof Module)) throw new TypeError(`Cannot export ${describe(model)}: give a model of layers`);
  checkOptions("export a model", options, ["dynamicBatch", "inputNames", "outputNames"], { dynamicBatch: "boolean" });
  requireTexts("export a model", "inputNames", options.inputNames);
  requireTexts("export a model", "outputNames", options.outputNames);
  const inputs = Array.isArray(example) ? example as readonly Tensor[] : [example as Tensor];
  requireArray(inputs, "export a model with the example", "[x, y]");
  inputs.forEach((x) => requireTensor(x, "export a model with the example"));
  if (inputs.length === 0) throw new RangeError("Cannot export a model with no example: give the tensors it takes");
  if (path !== undefined) {
    requirePath(path, "write");
    await files(`write ${path}`, "without a path the bytes are returned");
  }
  const parts = encodeModel({
    ...{ irVersion: IR_VERSION, producerName: "gradus", opsetImport: [{ domain: "", version: OPSET }] },
    graph: tracedGraph(model, inputs, options),
  });
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  if (size > MOST) throw new RangeError(`Cannot export a model of ${size} bytes: a file of ONNX has ${MOST} at most`);
  if (path !== undefined) await writeAtomically(path, parts);
  return await runInSlices(joinInSteps(parts));
}

function tracedGraph(model: AnyModule, inputs: readonly Tensor[], options: OnnxExportOptions) {
  const { dynamicBatch = true } = options;
  const batch = inputs[0].shape[0] ?? 0;
  if (dynamicBatch && inputs[0].ndim > 0 && batch === 0) {
    throw new RangeError(`Cannot export a model with an example of ${show(inputs[0].shape)}: give a row at least`);
  }
  const grows = (x: Tensor) => dynamicBatch && x.ndim > 0 && x.shape[0] === batch;
  const others = inputs.map((x) => noGrad(() => otherValues(grows(x) ? cat([x, x.narrow(0, 0, 1)]) : x)));
  const first = traceModel(model, inputs.map((x) => x.detach()));
  const second = traceAgain(model, others, dynamicBatch);
  const named = (given: readonly string[] | undefined, count: number, word: string) =>
    namesOf(given, count, word, [...model.stateDict().keys()]);
  return graphOf(
    {
      traces: [first, second],
      inputs: inputs.map((x, i) => [x, others[i]]),
      batches: [batch, batch + 1],
    },
    {
      inputs: named(options.inputNames, inputs.length, "input"),
      outputs: named(options.outputNames, first.outputs.length, "output"),
      state: stateOf(model),
    },
  );
}

function traceAgain(model: AnyModule, inputs: readonly Tensor[], dynamicBatch: boolean) {
  try {
    return traceModel(model, inputs);
  } catch (error) {
    if (!dynamicBatch || !(error instanceof Error)) throw error;
    const cure = "give { dynamicBatch: false } if it is for batches like the example only";
    throw new RangeError(
      `Cannot export ${model.constructor.name} for a batch of any size: with one row more it says "${error.message}"; ${cure}`,
      { cause: error },
    );
  }
}

/** The same tensor with other values, which are indices still where these were: half as large, whole numbers rounded down. */
function otherValues(x: Tensor): Tensor {
  const half = x.double().mul(0.5);
  return x.dtype === "bool"
    ? x.logicalNot()
    : cast(half.floor().numel() > 0 && isWhole(x) ? half.floor() : half, x.dtype);
}

function isWhole({ dtype }: Tensor): boolean {
  return dtype === "int32" || dtype === "uint8";
}

/** Parameters and buffers by path, also those that are not saved; the one that is shared has the name that it has first. */
function stateOf(model: AnyModule): ReadonlyMap<string, Tensor> {
  return new Map<string, Tensor>([...model.namedParameters(), ...model.namedBuffers()]);
}

function namesOf(
  given: readonly string[] | undefined,
  count: number,
  word: string,
  taken: readonly string[],
): readonly string[] {
  const names = given ?? Array.from({ length: count }, (_, i) => count === 1 ? word : `${word}_${i}`);
  const twice = names.find((name, i) => name === "" || names.indexOf(name) !== i || taken.includes(name));
  if (names.length === count && twice === undefined) return names;
  const why = twice === undefined ? `there are ${count}` : `"${twice}" names nothing else, and is not empty`;
  throw new RangeError(`Cannot export a model with ${word}Names ${JSON.stringify(names)}: ${why}`);
}
