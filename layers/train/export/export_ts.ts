/** A trained model as one TypeScript file without imports. */
import { checkOptions, describe, requireArray } from "../../../core/arguments.ts";
import { runInSlices } from "../../../core/event_loop.ts";
import { files } from "../../../core/host/files.ts";
import { writeAtomically } from "../../../core/io/atomic_write.ts";
import { checkShape } from "../../../core/shape.ts";
import { Module } from "../../nn/module.ts";

/** The options of `exportTs`. */
export interface ExportOptions {
  /**
   * The shape of one sample, such as [channels, height, width]; layers over images and sequences need it. `predict` takes the values
   * row by row.
   *
   * @default {null} for a row of values
   */
  inputShape?: readonly number[] | null;
}

/**
 * The source of a module that exports `predict(input)`: it takes the values of one sample and returns the model's output in `eval()`
 * mode. The weights are part of the source, as float32. It imports nothing, and runs in Deno, and with its types erased in Node and in
 * a browser.
 *
 * A model is a layer of `nn`, a `TabularModel`, or a `Sequential` of such; where the shape of a sample is known also a module of your own,
 * whose `forward` is made of layers over images, linear and recurrent ones, activations, sums, products, parts of tensors and `cat`. Batch
 * normalisation becomes part of the layer before it or, for rows of values, after it, where there is one; categories and the indices of an
 * `Embedding` are whole numbers among the values.
 *
 * With a `path` the source is also written to that file.
 *
 * @example
 * ```ts
 * import { nn } from "@gradus/gradus";
 * import { exportTs } from "@gradus/gradus/train";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2), new nn.Softmax(1));
 * assertStringIncludes(await exportTs(model), "export function predict(input: number[] | Float32Array): number[]");
 * ```
 * @throws {TypeError} If there is no source for one of its layers, or for what one of your own does: it is named, and nothing is written.
 * @throws {RangeError} If the sizes of its layers do not fit together.
 */
export async function exportTs(model: Module, path?: string, options: ExportOptions = {}): Promise<string> {
  if (!(model instanceof Module)) throw new TypeError(`Cannot export ${describe(model)}: give a model of layers`);
  checkOptions("export a model", options, ["inputShape"]);
  const { inputShape = null } = options;
  if (inputShape !== null) {
    requireArray(inputShape, "export a model with inputShape", "[1, 28, 28]");
    checkShape(inputShape);
  }
  if (path !== undefined) await files(`write ${path}`, "without a path the text is returned");
  const { sourceOf } = await import("./source.ts"); // not at every start
  const parts = await runInSlices(sourceOf(model, inputShape));
  if (path !== undefined) await writeAtomically(path, encoded(parts));
  return parts.reduce((text, part) => text + part, ""); // not joined: the engine copies 100 MB where they are read
}

function* encoded(parts: readonly string[]): Generator<Uint8Array, void> {
  const encoder = new TextEncoder();
  for (const part of parts) yield encoder.encode(part);
}
