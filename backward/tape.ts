/**
 * The tape: remembers which operation made each value, and walks back from a loss to everything it was made from.
 *
 * Loading this file registers it with `core/`. There is no list of operations: each value points to the step that made it.
 */
import { describe } from "../core/arguments.ts";
import { isFloating } from "../core/dtype.ts";
import { type BackwardOptions, type OpName, type OpSettings, origin, registerRecorder } from "../core/record.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { RuleNode } from "./node.ts";
import { notDifferentiable } from "./rules/rule.ts";
import { rules } from "./rules/table.ts";
import { Walk } from "./walk.ts";

let recording = true;

/** Whether operations are recorded just now. */
export function isGradEnabled(): boolean {
  return recording;
}

/**
 * Runs `body` without recording: for updates of parameters, and for predictions.
 *
 * @example
 * ```ts
 * import { noGrad, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([1, 2]).requiresGrad_();
 * noGrad(() => w.sub_(1));
 * assertEquals(w.toArray(), [0, 1]);
 * ```
 * @throws {TypeError} If `body` is asynchronous: recording would be on again before it ends.
 */
export function noGrad<T>(body: () => T): T {
  if (typeof body !== "function") {
    throw new TypeError(`Cannot run ${describe(body)} in noGrad: give a function, as in noGrad(() => …)`);
  }
  const before = recording;
  recording = false;
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new TypeError("Cannot run an asynchronous function in noGrad: await inside it would record again");
    }
    return result;
  } finally {
    recording = before;
  }
}

registerRecorder({ record: recordOp, beforeEdit, backward });

function recordOp<K extends OpName>(op: K, out: Tensor, inputs: readonly Tensor[], settings: OpSettings[K]): void {
  if (!recording || rules[op] === notDifferentiable || !isFloating(out.dtype)) return;
  out.requiresGrad = true;
  out.node = new RuleNode(op, rules[op], out, inputs, settings);
}

function beforeEdit(out: Tensor, x: Tensor, verb: string): void {
  if (!recording) return;
  const what = out.requiresGrad ? (out.node === null ? "a leaf that requires a gradient" : origin(out.node)) : "";
  if (what !== "") {
    throw new Error(
      `Cannot ${verb} in place: the tensor is ${what}; use the method without "_", or do it inside noGrad(() => …)`,
    );
  }
  throw new Error(
    `Cannot ${verb} in place a value of shape ${
      show(x.shape)
    } that requires a gradient: it would be lost; use the method without "_"`,
  );
}

function backward(root: Tensor, { gradient, retainGraph = false }: BackwardOptions): void {
  noGrad(() => new Walk(root, gradient, retainGraph).run());
}
