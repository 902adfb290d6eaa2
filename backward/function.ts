/** `autograd.Function`: an operation with a derivative of your own. */
import { requireTensor } from "../core/arguments.ts";
import { isFloating } from "../core/dtype.ts";
import type { OpNode } from "../core/record.ts";
import { show } from "../core/shape.ts";
import { Tensor } from "../core/tensor.ts";
import { isDetecting, noteCaller } from "./anomaly.ts";
import { differentiatedOnce, inputsThen, releasedError, Saved } from "./nodes.ts";
import { isGradEnabled, noGrad } from "./tape.ts";

/** Lets what was saved of a function's result be the value that its node made, so that gradients go through it. */
let bindResult: (ctx: Context, result: Tensor, out: Tensor) => void;

/** What `forward` saves for `backward`: PyTorch's `ctx`. */
export class Context {
  #saved: Saved[] | null = null;
  /** For each argument, whether it requires a gradient; `backward` may return `null` for the others. */
  needsInputGrad: readonly boolean[] = [];

  static {
    bindResult = (ctx, result, out) => {
      ctx.#saved = ctx.#saved?.map((saved) => saved.value === result ? new Saved(out, saved.version) : saved) ?? null;
    };
  }

  /**
   * Saves tensors for `backward`, which throws if they were written in place since then. Save arguments and the result; what else
   * `forward` computed has no gradient of its own when `backward` is differentiated.
   */
  saveForBackward(...tensors: Tensor[]): void {
    for (const x of tensors) requireTensor(x, "save for backward");
    this.#saved = tensors.map((x) => new Saved(x));
  }

  /**
   * The saved tensors, in the same order.
   *
   * @throws {Error} If `forward` saved none.
   */
  get savedTensors(): Tensor[] {
    if (this.#saved === null) {
      throw new Error("Cannot read savedTensors: nothing was saved, call ctx.saveForBackward(…) in forward()");
    }
    return this.#saved.map((saved) => saved.read("a Function"));
  }
}

/** The gradients of `forward`'s arguments, in order; `null` for those without one. For a single argument no array is needed. */
export type Gradients = Tensor | readonly (Tensor | null)[];

/** The static members that a class derived from {@linkcode Function} must have. */
export interface Differentiable<Args extends readonly unknown[]> {
  /** The class's name, for messages. */
  readonly name: string;
  /**
   * Whether what `backward` answers cannot be differentiated, since it is not made of operations on tensors: gradients of gradients
   * that would go through it then throw. PyTorch's `once_differentiable`.
   *
   * @default {false}
   */
  readonly onceDifferentiable?: boolean;
  /** The result for the arguments. */
  forward(ctx: Context, ...args: Args): Tensor;
  /** The gradients of the arguments from the gradient of the result. */
  backward(ctx: Context, gradOutput: Tensor): Gradients;
}

/**
 * The base class of an operation with a derivative of your own, as in PyTorch: derive from it, write `forward` and `backward` as
 * static methods, and call `apply`.
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
   * Calls `forward` and records the operation; what `forward` itself computes is not recorded.
   *
   * @throws {TypeError} If the class lacks `forward` or `backward`, or `forward` returns an integer tensor while an argument requires
   * a gradient.
   */
  static apply<Args extends readonly unknown[]>(this: Differentiable<Args>, ...args: Args): Tensor {
    checkMethods(this);
    const ctx = new Context();
    ctx.needsInputGrad = args.map((x) => x instanceof Tensor && x.requiresGrad);
    const result = noGrad(() => this.forward(ctx, ...args));
    if (!(result instanceof Tensor)) requireTensor(result, `use the result of ${this.name}.forward(),`);
    if (!isGradEnabled() || !ctx.needsInputGrad.includes(true)) return result;
    if (!isFloating(result.dtype)) {
      throw new TypeError(
        `Cannot differentiate ${this.name}: its result is ${result.dtype}, which carries no gradient`,
      );
    }
    const out = result.detach(); // forward may return an argument, or a tensor it keeps: those must not get this node
    out.requiresGrad = true;
    out.node = new FunctionNode(this, ctx, args);
    if (isDetecting()) noteCaller(out.node);
    if (!args.includes(result)) bindResult(ctx, result, out);
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
  readonly #inputs: readonly Tensor[];
  readonly #versions: readonly number[];
  readonly #places: readonly number[];
  #ctx: Context | null;

  constructor(readonly op: Omit<Differentiable<never>, "forward">, ctx: Context, args: readonly unknown[]) {
    this.name = op.name;
    this.#ctx = ctx;
    this.#places = args.flatMap((x, i) => (x instanceof Tensor ? [i] : []));
    this.#inputs = args.filter((x) => x instanceof Tensor);
    this.#versions = this.#inputs.map((x) => x.version.count);
  }

  get inputs(): readonly Tensor[] {
    return inputsThen(this.#inputs, () => this.#versions);
  }

  backward(g: Tensor): readonly (Tensor | null)[] {
    if (this.op.onceDifferentiable !== true) return this.#gradients(g);
    return differentiatedOnce(this.name, [g, ...this.inputs], () => this.#gradients(g));
  }

  #gradients(g: Tensor): readonly (Tensor | null)[] {
    if (this.#ctx === null) throw releasedError(this.name);
    const version = g.version.count;
    const result = this.op.backward(this.#ctx, g);
    if (g.version.count !== version) {
      throw new Error(
        `Cannot go back through ${this.name}: its backward() modified the output's gradient in place, which others read; ` +
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
    `Cannot go back through ${op}: its backward() returned ${grads.length} gradients for ${wanted.length} arguments, ` +
      `give one for each, null for what has none`,
  );
}

/** A gradient has its argument's shape, or one that the argument broadcasts to: the tape sums over the rest. */
function checkShape(op: string, place: number, g: Tensor | null, x: Tensor): void {
  const lead = g === null ? 0 : g.shape.length - x.shape.length;
  if (g === null || (lead >= 0 && x.shape.every((n, d) => n === 1 || n === g.shape[lead + d]))) return;
  throw new RangeError(
    `Cannot go back through ${op}: the gradient of argument ${place} has shape ${show(g.shape)}, ` +
      `the argument has ${show(x.shape)}`,
  );
}
