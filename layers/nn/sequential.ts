/** Modules one after the other. */
import type { Activation } from "../../core/backend/backend.ts";
import { linear } from "../../core/ops/linalg.ts";
import type { Tensor } from "../../core/tensor.ts";
import { ReLU, Sigmoid, Tanh } from "./activation.ts";
import { Linear } from "./layers.ts";
import { Module } from "./module.ts";

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
      const activation = isPlainLinear(this[i]) ? fusedActivation(this[i + 1]) : undefined;
      x = activation === undefined ? this[i].call(x) : activatedLinear(this[i++] as Linear, activation, x);
    }
    return x;
  }
}

/** The activations that the back end applies within a linear layer's product; one that it learns does not compile without a class. */
const FUSED: Readonly<Record<Exclude<Activation, "none">, { prototype: Module }>> = {
  relu: ReLU,
  sigmoid: Sigmoid,
  tanh: Tanh,
};
/** The same by the method that computes each. */
const BY_FORWARD: ReadonlyMap<unknown, Activation> = new Map(
  Object.entries(FUSED).map(([name, { prototype }]) => [prototype.forward, name as Activation]),
);
const { forward: linearForward } = Linear.prototype;
const { call: moduleCall } = Module.prototype;

/** Whether to call the module is to run `Linear.forward`: in a class derived from it, or on the object, either may be another one. */
function isPlainLinear(module: Module): boolean {
  return module.forward === linearForward && module.call === moduleCall;
}

/** The activation that the module is, where it computes that and nothing else. */
function fusedActivation(module: Module | undefined): Activation | undefined {
  return module?.call === moduleCall ? BY_FORWARD.get(module.forward) : undefined;
}

/** A linear layer and the activation after it, in one pass. */
function activatedLinear({ weight, bias }: Linear, activation: Activation, x: Tensor): Tensor {
  return linear(x, weight, bias, { activation, transposed: true });
}

function requireModule(part: unknown, place: number): void {
  if (part instanceof Module) return;
  const found = Array.isArray(part) ? "an array" : typeof part === "function" ? `the class ${part.name}` : `${part}`;
  const cure = Array.isArray(part) ? "...modules" : typeof part === "function" ? `new ${part.name}()` : "new nn.ReLU()";
  throw new TypeError(`Cannot make Sequential: part ${place} is ${found}, and no module; write ${cure}`);
}
