/** The base of everything in `nn`: what has parameters, and can be called, trained, saved and printed. */
import type { Tensor } from "../../core/tensor.ts";
import { Buffer } from "./buffer.ts";
import { joinPath, ownFields } from "./fields.ts";
import { Parameter } from "./parameter.ts";
import { collectState, type LoadOptions, type LoadReport, loadState, type State } from "./state_dict.ts";
import { describeModule, summarise } from "./summary.ts";

/** A module of any inputs and output. */
export type AnyModule = Module<never, unknown>;

/**
 * A layer, or a model made of layers: give it fields and a `forward`.
 *
 * There is nothing to register. A {@linkcode Parameter}, a {@linkcode Buffer}, another module, or an array of them is found in the
 * module's own fields, in the order of their assignment; private `#fields` are not seen. Names are PyTorch's: a field `runningMean`
 * is saved as `running_mean`, and parts of an array go by index.
 *
 * `In` are the types of what `forward` takes, `Out` of what it answers: one tensor each unless told.
 *
 * @example
 * ```ts
 * import { nn, ones, type Tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * class Net extends nn.Module {
 *   first = new nn.Linear(3, 4);
 *   last = new nn.Linear(4, 1, { bias: false });
 *   forward(x: Tensor): Tensor {
 *     return this.last.call(this.first.call(x).relu());
 *   }
 * }
 *
 * const net = new Net();
 * assertEquals(net.call(ones([5, 3])).shape, [5, 1]);
 * assertEquals([...net.stateDict().keys()], ["first.weight", "first.bias", "last.weight"]);
 * ```
 */
export abstract class Module<In extends readonly unknown[] = [Tensor], Out = Tensor> {
  /** Whether layers that differ in training, such as dropout, shall train; set by `train()` and `eval()`. */
  training = true;

  /** The output for the inputs. */
  abstract forward(...inputs: In): Out;

  /** Runs `forward`: what users of a module write. */
  call(...inputs: In): Out {
    if (typeof this.forward !== "function") {
      throw new TypeError(`Cannot call ${this.constructor.name}: it has no method forward`);
    }
    return this.forward(...inputs);
  }

  /** The modules in this one's own fields, with their names. */
  namedChildren(): [name: string, module: AnyModule][] {
    return ownFields<AnyModule>(this, Module);
  }

  /** The modules in this one's own fields. */
  children(): AnyModule[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module (named `""`) and all below it, each once, parents first. */
  namedModules(): [name: string, module: AnyModule][] {
    const found = new Map<AnyModule, string>();
    visit(this, "", found);
    return Array.from(found, ([module, name]) => [name, module]);
  }

  /** This module and all below it, each once, parents first. */
  modules(): AnyModule[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** Every parameter of this module and those below, with its path; one that is shared stands there once. */
  namedParameters(): [name: string, parameter: Parameter][] {
    return namedTensors(this, Parameter);
  }

  /** Every parameter of this module and those below, each once: what an optimiser is given. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Every buffer of this module and those below, with its path; one that is shared stands there once. */
  namedBuffers(): [name: string, buffer: Buffer][] {
    return namedTensors(this, Buffer);
  }

  /** Every buffer of this module and those below, each once. */
  buffers(): Buffer[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /**
   * Parameters and persistent buffers by path, as PyTorch orders and names them: a module's own first, then its children's.
   *
   * The tensors share the module's memory, without history.
   *
   * @throws {RangeError} If two of them have one name.
   */
  stateDict(): Map<string, Tensor> {
    return collectState(this);
  }

  /**
   * Copies a state into this module's parameters and buffers, and says which names were missing or unexpected.
   *
   * @throws {RangeError} If names are missing or unexpected (unless `strict` is false), or sizes differ: one error names all of
   * them, and nothing was changed.
   * @throws {TypeError} If the state holds no tensors by name, or the options do not go by name: `{ strict: false }`.
   */
  loadStateDict(state: State, options: LoadOptions = {}): LoadReport {
    return loadState(this, state, options);
  }

  /** Says whether this module and all below it shall train. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** The same as `train(false)`: dropout passes everything, batch norm uses its running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `visit` with every module below this one and then with this one, children first; for initialisation. */
  apply(visit: (module: AnyModule) => void): this {
    for (const child of this.children()) child.apply(visit);
    visit(this);
    return this;
  }

  /** Sets the gradient of every parameter to `null`. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.g = null;
  }

  /** Says whether the parameters want gradients: `requiresGrad_(false)` freezes them. */
  requiresGrad_(wanted = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(wanted);
    return this;
  }

  /** What the printed form says between the brackets. */
  extraRepr(): string {
    return "";
  }

  /** The printed form, as PyTorch prints it: each layer on a line, with its settings. */
  toString(): string {
    return describeModule(this);
  }

  /** A table of all modules that hold parameters: names, kinds, shapes and counts, and their total. */
  summary(): string {
    return summarise(this);
  }

  /** How `console.log` shows a module. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

function visit(module: AnyModule, path: string, found: Map<AnyModule, string>): void {
  if (found.has(module)) return;
  found.set(module, path);
  for (const [name, child] of module.namedChildren()) visit(child, joinPath(path, name), found);
}

function namedTensors<T extends Tensor>(root: AnyModule, kind: new (x: Tensor) => T): [name: string, tensor: T][] {
  const found = new Map<T, string>();
  for (const [path, module] of root.namedModules()) {
    for (const [name, tensor] of ownFields(module, kind)) {
      if (!found.has(tensor)) found.set(tensor, joinPath(path, name));
    }
  }
  return Array.from(found, ([tensor, name]) => [name, tensor]);
}
