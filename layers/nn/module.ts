/** The base class of every layer, loss and model: it finds parameters, saves and loads them, and prints itself. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, describe, requireTensor } from "../../core/arguments.ts";
import { bundleOf, JUPYTER_DISPLAY, type MimeBundle } from "../../core/displayer.ts";
import { sameShape, show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import {
  addHook,
  callWithHooks,
  type ForwardHook,
  type ForwardPreHook,
  type FullBackwardHook,
  hasHooks,
  type HookHandle,
} from "./module_hooks.ts";
import { describeModule, joinPath, ownFields, summarise } from "./module_text.ts";
import { Buffer, Parameter } from "./parameter.ts";

/** A module of any inputs and output. */
export type AnyModule = Module<never, unknown>;

/**
 * A layer, or a model made of layers: give it fields and a `forward`.
 *
 * There is nothing to register: every {@linkcode Parameter}, {@linkcode Buffer} or module in a field, or in an array in a field, is
 * found, in the order of assignment; private `#fields` are not, and one in a record, a map or a set is refused: `ModuleDict` is for those. Names are PyTorch's: the field `runningMean` is saved as
 * `running_mean`, and elements of an array go by index.
 *
 * `In` is the tuple of what `forward` takes, `[Tensor]` by default, and `Out` what it returns.
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
  /** Whether the module is in training mode, which dropout and batch norm look at; set by `train()` and `eval()`. */
  training = true;

  /** A module. Throws a TypeError for what goes to a class without a constructor of its own, such as options. */
  constructor(...none: []) {
    if (none.length === 0) return;
    throw new TypeError(`Cannot make ${this.constructor.name} with ${describe(none.at(0))}: it takes nothing`);
  }

  /** The output for the inputs. */
  abstract forward(...inputs: In): Out;

  /** Calls `forward`; users of a module write this. */
  call(...inputs: In): Out {
    if (typeof this.forward !== "function") {
      throw new TypeError(`Cannot call ${this.constructor.name}: it has no method forward`);
    }
    return hasHooks(this) ? callWithHooks(this, inputs) as Out : this.forward(...inputs);
  }

  /**
   * Calls `hook` with this module and its inputs before each `forward`; what it returns replaces them: an array of all, or a single one.
   * PyTorch's `register_forward_pre_hook`.
   *
   * @throws {TypeError} If it is not a function.
   */
  registerForwardPreHook(hook: ForwardPreHook<this, In>): HookHandle {
    return addHook(this, "before", hook);
  }

  /**
   * Calls `hook` with this module, its inputs and its output after each `forward`; what it returns replaces the output. PyTorch's
   * `register_forward_hook`.
   *
   * @example
   * ```ts
   * import { nn, ones } from "@gradus/gradus";
   * import { assertEquals } from "@std/assert";
   *
   * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
   * const shapes: (readonly number[])[] = [];
   * const handles = [...model].map((layer) => layer.registerForwardHook((_, __, y) => void shapes.push(y.shape)));
   * model.call(ones([4, 2]));
   * handles.forEach((handle) => handle.remove());
   * assertEquals(shapes, [[4, 3], [4, 3]]);
   * ```
   * @throws {TypeError} If it is not a function.
   */
  registerForwardHook(hook: ForwardHook<this, In, Out>): HookHandle {
    return addHook(this, "after", hook);
  }

  /**
   * Calls `hook` in each backward pass with the gradients of this module's inputs and of its outputs, once they are complete; what it
   * returns replaces those of the inputs. Where no input requires a gradient, all of them are `null`. PyTorch's
   * `register_full_backward_hook`.
   *
   * @example
   * ```ts
   * import { nn, tensor } from "@gradus/gradus";
   * import { assertEquals } from "@std/assert";
   *
   * const x = tensor([1, -1]).requiresGrad_();
   * const relu = new nn.ReLU();
   * relu.registerFullBackwardHook((_, [dx], [dy]) => {
   *   assertEquals([dx?.toArray(), dy?.toArray()], [[1, 0], [1, 1]]);
   *   return dx!.mul(10);
   * });
   * relu.call(x).sum().backward();
   * assertEquals(x.g?.toArray(), [10, 0]);
   * ```
   * @throws {TypeError} If it is not a function.
   */
  registerFullBackwardHook(hook: FullBackwardHook<this>): HookHandle {
    return addHook(this, "back", hook);
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

  /** Every parameter of this module and those below, with its path; one that is shared appears once. */
  namedParameters(): [name: string, parameter: Parameter][] {
    return namedTensors(this, Parameter);
  }

  /** Every parameter of this module and those below, each once: what an optimiser is given. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Every buffer of this module and those below, with its path; one that is shared appears once. */
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
   * @throws {TypeError} If the state does not hold tensors by name, or the options are not given by name, as `{ strict: false }`.
   */
  loadStateDict(state: State, options: LoadOptions = {}): LoadReport {
    return loadState(this, state, options);
  }

  /** Puts this module and all below it into training mode, or with `false` into evaluation mode. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Puts them into evaluation mode: dropout drops nothing, batch norm uses its running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `visit` with every module below this one, children first, and then with this one; for initialisation. */
  apply(visit: (module: AnyModule) => void): this {
    for (const child of this.children()) child.apply(visit);
    visit(this);
    return this;
  }

  /** Sets the gradient of every parameter to `null`. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.g = null;
  }

  /** Sets `requiresGrad` of every parameter: `requiresGrad_(false)` freezes the module. */
  requiresGrad_(wanted = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(wanted);
    return this;
  }

  /** The settings of this layer, which the printed form shows between brackets. */
  extraRepr(): string {
    return "";
  }

  /** The printed form, as PyTorch prints it: each layer on a line, with its settings. */
  toString(): string {
    return describeModule(this);
  }

  /**
   * A table of all modules that hold parameters or have no parts: names, classes, shapes and counts, and their total. For inputs, with
   * which the model is called in evaluation mode, also the shape of each output and the multiply-adds of each linear layer and convolution.
   */
  summary(...inputs: In | []): string {
    return summarise(this, inputs);
  }

  /** How many multiplications, each with its addition, `forward` does by itself for these inputs: 0, unless a layer says otherwise. */
  multiplyAdds(_output: Out, ..._inputs: In): number {
    return 0;
  }

  /** How `console.log` shows a module. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
  /** How a notebook shows a module: its text, or with `@gradus/gradus/display` a table. */
  [JUPYTER_DISPLAY](): MimeBundle | Promise<MimeBundle> {
    return bundleOf(this);
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

// The state of a module, by name: collected in PyTorch's order, and loaded all or not at all.

/** Tensors by name: what `stateDict()` gives, or the same as a plain object. */
export type State = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** The options of `loadStateDict`. */
export interface LoadOptions {
  /**
   * Whether module and state must have the same names; shapes must be the same in any case.
   *
   * @default {true}
   */
  strict?: boolean;
}

/** The names that module and state do not share. */
export interface LoadReport {
  /** Names of the module that the state lacks. */
  missing: string[];
  /** Names of the state that the module lacks. */
  unexpected: string[];
}

/** Parameters, then persistent buffers, then the children's, by path. */
function collectState(module: AnyModule, path = "", state = new Map<string, Tensor>()): Map<string, Tensor> {
  const buffers = ownFields(module, Buffer).filter(([, buffer]) => buffer.persistent);
  for (const [name, tensor] of [...ownFields(module, Parameter), ...buffers]) {
    const key = joinPath(path, name);
    if (state.has(key)) {
      throw new RangeError(`Cannot collect the state: two tensors are named ${key}, rename one field`);
    }
    state.set(key, tensor.detach());
  }
  for (const [name, child] of module.namedChildren()) collectState(child, joinPath(path, name), state);
  return state;
}

/** Copies `state` into the module; throws before anything was written. */
function loadState(module: AnyModule, given: State, options: LoadOptions): LoadReport {
  checkOptions("load the state", options, ["strict"], { strict: "boolean" });
  const { strict = true } = options;
  const state = asMap(given);
  const own = collectState(module);
  const missing = Array.from(own.keys()).filter((name) => !state.has(name));
  const unexpected = Array.from(state.keys()).filter((name) => !own.has(name));
  const shared = Array.from(own).flatMap(([name, to]): [string, Tensor, Tensor][] => {
    const from = state.get(name);
    return from === undefined ? [] : [[name, to, from]];
  });
  const sizes = shared.flatMap(([name, to, from]) =>
    sameShape(to.shape, from.shape) ? [] : [`${name} is ${show(from.shape)} but must be ${show(to.shape)}`]
  );
  refuse(module, strict ? missing : [], strict ? unexpected : [], sizes);
  noGrad(() => shared.forEach(([, to, from]) => to.copy_(from)));
  return { missing, unexpected };
}

function asMap(given: State): ReadonlyMap<string, Tensor> {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`Cannot load the state ${given}: expected a Map of tensors by name, as from stateDict()`);
  }
  const state = given instanceof Map ? given : new Map<string, unknown>(Object.entries(given));
  for (const [name, value] of state) requireTensor(value as Tensor, `load the state ${JSON.stringify(name)},`);
  return state as ReadonlyMap<string, Tensor>;
}

function refuse(module: AnyModule, missing: string[], unexpected: string[], sizes: string[]): void {
  const complaints = [
    ...(missing.length > 0 ? [`missing ${missing.join(", ")}`] : []),
    ...(unexpected.length > 0 ? [`unexpected ${unexpected.join(", ")}`] : []),
    ...sizes,
  ];
  if (complaints.length === 0) return;
  const cure = sizes.length > 0 ? "build the module with the sizes of the state" : "or load with { strict: false }";
  throw new RangeError(
    `Cannot load the state into ${module.constructor.name}: ${complaints.join("; ")}; nothing was changed, ${cure}`,
  );
}
