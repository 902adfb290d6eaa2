/** An operation of your own: how it goes forward, and how it goes back. */
import { requireTensor } from "../core/arguments.ts";
import { isFloating } from "../core/dtype.ts";
import type { OpNode } from "../core/record.ts";
import { show } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { isGradEnabled, noGrad, releasedError, Saved } from "./tape.ts";

/** What `forward` leaves for `backward`. */
export class Context {
  #saved: Saved[] | null = null;
  /** Which arguments want a gradient: 0 for those that do not may be skipped. */
  needsInputGrad: readonly boolean[] = [];

  /** Keeps tensors for `backward`; editing them in place before then is noticed. */
  saveForBackward(...tensors: Tensor[]): void {
    for (const x of tensors) requireTensor(x, "save for backward");
    this.#saved = tensors.map((x) => new Saved(x));
  }

  /**
   * The tensors kept, in the same order.
   *
   * @throws {Error} If `forward` kept none.
   */
  get savedTensors(): Tensor[] {
    if (this.#saved === null) {
      throw new Error("Cannot read savedTensors: nothing was saved, call ctx.saveForBackward(…) in forward()");
    }
    return this.#saved.map((saved) => saved.read("a Function"));
  }
}

/** The gradient of each argument of `forward`, in order; `null` for what has none. One argument needs no array. */
export type Gradients = Tensor | readonly (Tensor | null)[];

/** What a class derived from {@linkcode Function} brings. */
export interface Differentiable<Args extends readonly unknown[]> {
  /** The class's name, for messages. */
  readonly name: string;
  /** The value. */
  forward(ctx: Context, ...args: Args): Tensor;
  /** The gradients of the arguments from the gradient of the value. */
  backward(ctx: Context, gradOutput: Tensor): Gradients;
}

/**
 * The base of an operation with a derivative of its own, as in PyTorch: derive from it, write `forward` and `backward` as
 * static methods, and call `apply`. The tape does the rest.
 *
 * @example
 * ```ts
 * import { autograd, tensor, type Tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * class MyRelu extends autograd.Function {
 *   static forward(ctx: autograd.Context, i: Tensor): Tensor {
 *     const result = i.clampMin(0);
 *     ctx.saveForBackward(i);
 *     return result;
 *   }
 *   static backward(ctx: autograd.Context, gradOutput: Tensor): Tensor {
 *     const [i] = ctx.savedTensors;
 *     return gradOutput.mul(i.gt(0));
 *   }
 * }
 *
 * const x = tensor([-1, 2]).requiresGrad_();
 * MyRelu.apply(x).sum().backward();
 * assertEquals(x.g?.toArray(), [0, 1]);
 * ```
 */
export abstract class Function {
  /**
   * Calls `forward` and remembers the way back.
   *
   * @throws {TypeError} If the class lacks `forward` or `backward`, or `forward` answers an integer while an argument wants a
   * gradient.
   */
  static apply<Args extends readonly unknown[]>(this: Differentiable<Args>, ...args: Args): Tensor {
    checkMethods(this);
    const ctx = new Context();
    ctx.needsInputGrad = args.map((x) => x instanceof Tensor && x.requiresGrad);
    const result = noGrad(() => this.forward(ctx, ...args));
    if (!(result instanceof Tensor)) requireTensor(result, `use the answer of ${this.name}.forward(),`);
    if (!isGradEnabled() || !ctx.needsInputGrad.includes(true)) return result;
    if (!isFloating(result.dtype)) {
      throw new TypeError(
        `Cannot differentiate ${this.name}: its result is ${result.dtype}, which carries no gradient`,
      );
    }
    const out = result.detach(); // an argument, or a tensor the function keeps, must not get this history
    out.requiresGrad = true;
    out.node = new FunctionNode(this, ctx, args);
    return out;
  }
}

function checkMethods(op: Differentiable<never>): void {
  const missing = (["forward", "backward"] as const).find((method) => typeof op[method] !== "function");
  if (missing === undefined) return;
  throw new TypeError(`Cannot apply ${op.name}: it has no ${missing}(), write it as a static method of the class`);
}

class FunctionNode implements OpNode {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly #places: readonly number[];
  #ctx: Context | null;

  constructor(readonly op: Pick<Differentiable<never>, "name" | "backward">, ctx: Context, args: readonly unknown[]) {
    this.name = op.name;
    this.#ctx = ctx;
    this.#places = args.flatMap((x, i) => (x instanceof Tensor ? [i] : []));
    this.inputs = args.filter((x) => x instanceof Tensor);
  }

  backward(g: Tensor): readonly (Tensor | null)[] {
    if (this.#ctx === null) throw releasedError(this.name);
    const edits = g.version.count;
    const result = this.op.backward(this.#ctx, g);
    if (g.version.count !== edits) {
      throw new Error(
        `Cannot go back through ${this.name}: its backward() edited the upstream gradient in place, which others read; ` +
          `use methods without "_"`,
      );
    }
    const grads = result instanceof Tensor ? [result] : result;
    checkCount(this.name, grads, this.#ctx.needsInputGrad);
    this.#places.forEach((place, i) => checkShape(this.name, place, grads[place] ?? null, this.inputs[i]));
    return this.#places.map((place) => grads[place] ?? null);
  }

  release(): void {
    this.#ctx = null;
  }
}

function checkCount(op: string, grads: readonly (Tensor | null)[], wanted: readonly boolean[]): void {
  if (grads.length <= wanted.length && wanted.lastIndexOf(true) < grads.length) return;
  throw new RangeError(
    `Cannot go back through ${op}: its backward() answered ${grads.length} gradients for ${wanted.length} arguments, ` +
      `give one for each, null for what has none`,
  );
}

/** A gradient may be larger than its argument only as broadcasting would have made it. */
function checkShape(op: string, place: number, g: Tensor | null, x: Tensor): void {
  const lead = g === null ? 0 : g.shape.length - x.shape.length;
  if (g === null || (lead >= 0 && x.shape.every((n, d) => n === 1 || n === g.shape[lead + d]))) return;
  throw new RangeError(
    `Cannot go back through ${op}: the gradient of argument ${place} has shape ${show(g.shape)}, ` +
      `the argument has ${show(x.shape)}`,
  );
}
