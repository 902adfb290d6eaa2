/** Gradients as values: `autograd.grad`. */
import { gradientsBy } from "./tape.ts";
import { checkOptions, describe, type OptionTypes, requireTensor } from "../core/arguments.ts";
import { show } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";

/** One tensor, or several in an array. */
export type Tensors = Tensor | readonly Tensor[];

/** Options of {@linkcode grad}. */
export interface GradOptions {
  /**
   * The gradient of each output, of its shape.
   *
   * @default {1} for outputs of one element; others need one
   */
  gradOutputs?: Tensor | readonly (Tensor | null)[];
  /**
   * Whether the pass is recorded, so that what it answers can be differentiated again.
   *
   * @default {false}
   */
  createGraph?: boolean;
  /**
   * Whether the recorded values are kept, so that the same graph can be gone back through again.
   *
   * @default {createGraph}
   */
  retainGraph?: boolean;
  /**
   * Whether an input may be one that no output was made from: its gradient is then `null`.
   *
   * @default {false}
   */
  allowUnused?: boolean;
}

const KNOWN = ["gradOutputs", "createGraph", "retainGraph", "allowUnused"] as const;
const KINDS: OptionTypes<GradOptions> = { createGraph: "boolean", retainGraph: "boolean", allowUnused: "boolean" };

/**
 * The gradients of the sum of `outputs`, each times its gradient, by `inputs`, in their order; `.g` stays as it is everywhere. Inputs are
 * leaves or any other values on the way. PyTorch's `torch.autograd.grad`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([1, 2]).requiresGrad_();
 * const [slope] = autograd.grad(x.pow(3).sum(), x, { createGraph: true }); // 3x²
 * assertEquals(slope.toArray(), [3, 12]);
 * const [bend] = autograd.grad(slope.sum(), x); // 6x
 * assertEquals(bend.toArray(), [6, 12]);
 * assertEquals(x.g, null);
 * ```
 * @throws {Error} If an input or output does not require a gradient, or no output was made from an input.
 * @throws {RangeError} If an output of several elements comes without a gradient, or one of another shape.
 */
export function grad(outputs: Tensors, inputs: Tensors, options?: GradOptions & { allowUnused?: false }): Tensor[];
/** The same where an input may be unused. */
export function grad(outputs: Tensors, inputs: Tensors, options: GradOptions): (Tensor | null)[];
export function grad(outputs: Tensors, inputs: Tensors, options: GradOptions = {}): (Tensor | null)[] {
  checkOptions("take the gradient", options, KNOWN, KINDS);
  const { gradOutputs, allowUnused = false, ...kept } = options;
  const [roots, wanted] = [listed(outputs, "take the gradient of"), listed(inputs, "take the gradient by")];
  wanted.forEach(requireWanted);
  const found = gradientsBy(wanted, roots, gradientsFor(roots, gradOutputs), kept);
  const unused = found.indexOf(null);
  if (unused === -1 || allowUnused) return found;
  throw new Error(
    `Cannot take the gradient by input ${unused} of shape ${show(wanted[unused].shape)}: no output was made from it, ` +
      `use allowUnused: true for null`,
  );
}

/** One tensor, or an array of them, as an array. */
export function listed(x: Tensors, action: string): readonly Tensor[] {
  const list = Array.isArray(x) ? x as readonly Tensor[] : [x as Tensor];
  for (const one of list) requireTensor(one, action);
  return list;
}

function requireWanted(x: Tensor, i: number): void {
  if (x.requiresGrad) return;
  throw new Error(
    `Cannot take the gradient by input ${i} of shape ${show(x.shape)}: it does not require a gradient, ` +
      `use requiresGrad_() before it is used`,
  );
}

function gradientsFor(
  roots: readonly Tensor[],
  given: GradOptions["gradOutputs"],
): readonly (Tensor | null)[] {
  if (given === undefined) return roots.map(() => null);
  const list = given instanceof Tensor ? [given] : given;
  if (!Array.isArray(list) || list.length !== roots.length) {
    const found = Array.isArray(list) ? `${list.length} of them` : describe(list);
    throw new TypeError(
      `Cannot take the gradient with gradOutputs ${found}: give one for each of ${roots.length} outputs`,
    );
  }
  for (const g of list) if (g !== null) requireTensor(g, "take the gradient with gradOutputs");
  return list;
}
