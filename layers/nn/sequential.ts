/** Modules one after the other. */
import type { Activation } from "../../core/backend/backend.ts";
import { linear } from "../../core/ops/linalg.ts";
import type { Tensor } from "../../core/tensor.ts";
import { ReLU, Sigmoid, Tanh } from "./activation.ts";
import { BatchNorm1d, BatchNorm2d, batchNormLayer } from "./channel_norm.ts";
import { activatedConvolution, Conv2d } from "./convolution.ts";
import { Linear } from "./layers.ts";
import { Module } from "./module.ts";
import { hasHooks } from "./module_hooks.ts";

/**
 * Passes each module's output to the next one. They are named by index, as in PyTorch: `0.weight`.
 *
 * @example
 * ```ts
 * import { nn, zeros } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
 * assertEquals(model.call(zeros([2, 784])).shape, [2, 10]);
 * assertEquals(`${model[1]}`, "ReLU()");
 * assertEquals([...model.stateDict().keys()], ["0.weight", "0.bias", "2.weight", "2.bias"]);
 * ```
 */
export class Sequential extends Module {
  /** The module at that index; another one may be assigned. */
  [index: number]: Module;

  /**
   * A model of these modules, in the order in which they are called.
   *
   * @throws {TypeError} If one of them is not a module, such as an array of them, or a class without `new`.
   */
  constructor(...modules: Module[]) {
    super();
    modules.forEach(requireModule);
    Object.assign(this, modules); // each becomes a field, named by its index
  }

  /** How many modules there are. */
  get length(): number {
    return this.children().length;
  }

  /** The modules in order. */
  *[Symbol.iterator](): Generator<Module, void> {
    for (let i = 0; i in this; i++) yield this[i];
  }

  /** The output of the last module; `x` itself where there is none. */
  forward(x: Tensor): Tensor {
    for (let i = 0; i in this; i++) {
      const activated = withActivation(this[i]);
      const activation = activated === undefined ? undefined : fusedActivation(this[i + 1]);
      x = activation === undefined ? this[i].call(x) : activated!(this[i++], x, activation);
    }
    return x;
  }
}

/** The activations that the back end applies within a product or a convolution; one that it learns does not compile without a class. */
const FUSED: Readonly<Record<Exclude<Activation, "none">, { prototype: Module }>> = {
  relu: ReLU,
  sigmoid: Sigmoid,
  tanh: Tanh,
};
/** The same by the method that computes each. */
const BY_FORWARD: ReadonlyMap<unknown, Activation> = new Map(
  Object.entries(FUSED).map(([name, { prototype }]) => [prototype.forward, name as Activation]),
);
const { call: moduleCall } = Module.prototype;

/** A layer and the activation after it, in one pass. */
type Activated = (layer: Module, x: Tensor, activation: Activation) => Tensor;

/** How layers compute an activation as well, by the method that computes them without one. */
const WITH_ACTIVATION: ReadonlyMap<unknown, Activated> = new Map<unknown, Activated>([
  [Linear.prototype.forward, (layer, x, activation) => activatedLinear(layer as Linear, x, activation)],
  [Conv2d.prototype.forward, (layer, x, activation) => activatedConvolution(layer as Conv2d, x, activation)],
  [BatchNorm1d.prototype.forward, activatedBatchNorm],
  [BatchNorm2d.prototype.forward, activatedBatchNorm],
]);

/** Whether to call the module is to run its `forward` and nothing else. */
function isPlain(module: Module): boolean {
  return module.call === moduleCall && !hasHooks(module);
}

/** How the module computes an activation as well, where to call it is to run the library's own `forward`. */
function withActivation(module: Module): Activated | undefined {
  return isPlain(module) ? WITH_ACTIVATION.get(module.forward) : undefined;
}

/** The activation that the module is, where it computes that and nothing else. */
function fusedActivation(module: Module | undefined): Activation | undefined {
  return module !== undefined && isPlain(module) ? BY_FORWARD.get(module.forward) : undefined;
}

function activatedLinear({ weight, bias }: Linear, x: Tensor, activation: Activation): Tensor {
  return linear(x, weight, bias, { activation, transposed: true });
}

/** Batch normalisation with relu in one pass; other activations in one of their own. */
function activatedBatchNorm(layer: Module, x: Tensor, activation: Activation): Tensor {
  const norm = layer as BatchNorm1d | BatchNorm2d;
  if (activation === "none" || activation === "relu") return batchNormLayer(norm, x, activation);
  return batchNormLayer(norm, x, "none")[activation]();
}

function requireModule(part: unknown, place: number): void {
  if (part instanceof Module) return;
  const found = Array.isArray(part) ? "an array" : typeof part === "function" ? `the class ${part.name}` : `${part}`;
  const cure = Array.isArray(part) ? "...modules" : typeof part === "function" ? `new ${part.name}()` : "new nn.ReLU()";
  throw new TypeError(`Cannot make Sequential: part ${place} is ${found}, and no module; write ${cure}`);
}
