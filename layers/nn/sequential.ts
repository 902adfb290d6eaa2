/** Modules one after the other. */
import { isGradEnabled } from "../../backward/tape.ts";
import type { Activation } from "../../core/backend/backend.ts";
import type { TypedArray } from "../../core/dtype.ts";
import { release, setReusable } from "../../core/memory/pool.ts";
import { linear } from "../../core/ops/linalg.ts";
import { isTraced } from "../../core/record.ts";
import type { Tensor } from "../../core/tensor.ts";
import * as activations from "./activation.ts";
import { BatchNorm1d, BatchNorm2d, batchNormLayer, InstanceNorm2d } from "./channel_norm.ts";
import { activatedConvolution, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d } from "./convolution.ts";
import { Dropout, Dropout2d, Flatten, Identity, Linear, Unflatten } from "./layers.ts";
import { Module } from "./module.ts";
import * as normalisation from "./normalization.ts";
import * as pooling from "./pooling.ts";
import * as resizing from "./resizing.ts";
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
    if (!isGradEnabled() && !isTraced()) return predicted(this, x);
    for (let i = 0; i in this; i++) {
      const activated = withActivation(this[i]);
      const activation = activated === undefined ? undefined : fusedActivation(this[i + 1]);
      x = activation === undefined ? this[i].call(x) : activated!(this[i++], x, activation);
    }
    return x;
  }
}

/**
 * The output of the last module where nothing is recorded. What one layer of the library gives to the next nobody else can see, so that
 * its memory is used again: a prediction would otherwise leave a buffer for each layer to the garbage collector.
 */
function predicted(modules: Sequential, x: Tensor): Tensor {
  const before = setReusable(true);
  try {
    let unseen: TypedArray | null = null; // the memory of x, where a layer of the library has acquired it
    for (let i = 0; i in modules; i++) {
      const module = modules[i], given = x;
      const isOurs = isPlain(module) && LIBRARY.has(module.forward);
      const activated = isOurs ? WITH_ACTIVATION.get(module.forward) : undefined;
      const activation = activated === undefined ? undefined : fusedActivation(modules[i + 1]);
      x = activation === undefined ? module.call(x) : activated!(modules[i++] as Module, x, activation);
      const isNew = x.data !== given.data; // else it is a view of what was given, or that itself
      if (isNew && isOurs && unseen !== null) release(unseen);
      if (isNew || !isOurs) unseen = isNew && isOurs ? x.data : null;
    }
    return x;
  } finally {
    setReusable(before);
  }
}

/** How the library's layers compute: they keep neither what they are given nor what they give, which is that itself or new. */
const LIBRARY: ReadonlySet<unknown> = new Set(
  [
    activations,
    pooling,
    resizing,
    normalisation,
    { BatchNorm1d, BatchNorm2d, InstanceNorm2d, Linear, Conv1d, Conv2d },
    { ConvTranspose1d, ConvTranspose2d, Dropout, Dropout2d, Flatten, Identity, Unflatten },
  ].flatMap((room) => Object.values<{ prototype: Module }>(room).map(({ prototype }) => prototype.forward)),
);

/** The activations that the back end applies within a product or a convolution; one that it learns does not compile without a class. */
const FUSED: Readonly<Record<Exclude<Activation, "none">, { prototype: Module }>> = {
  relu: activations.ReLU,
  sigmoid: activations.Sigmoid,
  tanh: activations.Tanh,
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
