/** Modules one after the other. */
import type { Tensor } from "../../core/tensor.ts";
import { activatedLinear, fusibleActivation, isDiscreet, keepInner, letGo } from "./inner.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";

/**
 * Feeds each module's output to the next one; they are named by index, as in PyTorch: `0.weight`.
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
  /** The module at that place; another one may be assigned. */
  [index: number]: Module;

  /**
   * The modules in the order of the calls.
   *
   * @throws {TypeError} If one of them is no module, such as an array of them, or a class without `new`.
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

  /** What the last module makes of it; the input itself where there is none. */
  forward(x: Tensor): Tensor {
    for (let i = 0; i in this;) {
      const [module, activation] = [this[i], fusibleActivation(this[i + 1])];
      const fused = module.constructor === Linear && activation !== "none";
      const y = fused ? activatedLinear(module as Linear, activation, x) : module.call(x);
      if (isDiscreet(module)) letGo(x, y);
      i += fused ? 2 : 1;
      if (i in this && isDiscreet(module) && isDiscreet(this[i])) keepInner(y, x);
      x = y;
    }
    return x;
  }
}

function requireModule(part: unknown, place: number): void {
  if (part instanceof Module) return;
  const found = Array.isArray(part) ? "an array" : typeof part === "function" ? `the class ${part.name}` : `${part}`;
  const cure = Array.isArray(part) ? "...modules" : typeof part === "function" ? `new ${part.name}()` : "new nn.ReLU()";
  throw new TypeError(`Cannot make Sequential: part ${place} is ${found}, and no module; write ${cure}`);
}
