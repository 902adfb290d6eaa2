/** Modules and parameters kept together, to be used in any order: lists, and modules by name. */
import { describe, requireTensor } from "../../core/arguments.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type AnyModule, Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/**
 * Modules in a list, named by index, as in PyTorch: `0.weight`. A plain array in a field is found as well; this one can be changed, and
 * prints itself.
 *
 * @example
 * ```ts
 * import { nn, ones, type Tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * class Net extends nn.Module {
 *   blocks = new nn.ModuleList([new nn.Linear(2, 2), new nn.Linear(2, 2)]);
 *   forward(x: Tensor): Tensor {
 *     for (const block of this.blocks) x = block.call(x).relu().add(x);
 *     return x;
 *   }
 * }
 *
 * const net = new Net();
 * assertEquals(net.call(ones([1, 2])).shape, [1, 2]);
 * assertEquals([...net.stateDict().keys()].slice(0, 2), ["blocks.0.weight", "blocks.0.bias"]);
 * ```
 */
export class ModuleList<M extends AnyModule = Module> extends Module<never, never> {
  /** The module at that index; another one may be assigned. */
  [index: number]: M;

  /**
   * A list of these modules.
   *
   * @throws {TypeError} If they do not come in an array or another iterable, or one of them is not a module.
   */
  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  /** Throws a TypeError: its modules are called one by one. */
  forward(): never {
    throw uncallable(this);
  }

  /** How many modules there are. */
  get length(): number {
    return this.children().length;
  }

  /** The modules in order. */
  *[Symbol.iterator](): Generator<M, void> {
    for (let i = 0; i in this; i++) yield this[i];
  }

  /**
   * Adds a module at the end.
   *
   * @throws {TypeError} If it is not a module.
   */
  append(module: M): this {
    requireModule("append", module);
    this[this.length] = module;
    return this;
  }

  /**
   * Adds modules at the end.
   *
   * @throws {TypeError} If they do not come in an array or another iterable, or one of them is not a module.
   */
  extend(modules: Iterable<M>): this {
    for (const module of listOf("a ModuleList", "[new nn.ReLU()]", modules)) this.append(module);
    return this;
  }

  /**
   * Puts a module before the one at that index; a negative one counts from the end.
   *
   * @throws {TypeError} If it is not a module.
   * @throws {RangeError} If there is no such place.
   */
  insert(index: number, module: M): this {
    requireModule("insert", module);
    const { length } = this;
    const at = index < 0 ? index + length : index;
    if (!Number.isInteger(index) || at < 0 || at > length) {
      throw new RangeError(`Cannot insert at ${index}: there are ${length} modules`);
    }
    for (let i = length; i > at; i--) this[i] = this[i - 1];
    this[at] = module;
    return this;
  }
}

/**
 * Modules by name, in the order in which they came; a module's path has the name as it is.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const by = new nn.ModuleDict({ up: new nn.Linear(1, 2), flat: new nn.ReLU() });
 * assertEquals(by.get("flat").call(tensor([-1, 1])).toArray(), [0, 1]);
 * assertEquals([...by.stateDict().keys()], ["up.weight", "up.bias"]);
 * ```
 */
export class ModuleDict<M extends AnyModule = Module> extends Module<never, never> {
  readonly #modules = new Map<string, M>();

  /**
   * These modules, by name.
   *
   * @throws {TypeError} If they do not come by name, in an object or a map, or one of them is not a module.
   * @throws {RangeError} If a name is empty or has a dot.
   */
  constructor(modules: Readonly<Record<string, M>> | ReadonlyMap<string, M> = {}) {
    super();
    this.update(modules);
  }

  /** Throws a TypeError: its modules are called one by one. */
  forward(): never {
    throw uncallable(this);
  }

  /** The modules with their names. */
  override namedChildren(): [name: string, module: AnyModule][] {
    return [...this.#modules];
  }

  /** How many modules there are. */
  get size(): number {
    return this.#modules.size;
  }

  /** Whether there is a module of that name. */
  has(name: string): boolean {
    return this.#modules.has(name);
  }

  /**
   * The module of that name.
   *
   * @throws {RangeError} If there is none.
   */
  get(name: string): M {
    const module = this.#modules.get(name);
    if (module !== undefined) return module;
    throw new RangeError(`Cannot get the module ${describe(name)}: the names are ${[...this.keys()].join(", ")}`);
  }

  /**
   * Puts a module under that name.
   *
   * @throws {TypeError} If it is not a module.
   * @throws {RangeError} If the name is empty or has a dot.
   */
  set(name: string, module: M): this {
    requireModule("set", module);
    if (typeof name !== "string" || name === "" || name.includes(".")) {
      throw new RangeError(`Cannot set a module under ${describe(name)}: a name is a text without dots`);
    }
    this.#modules.set(name, module);
    return this;
  }

  /** Puts several modules under their names. */
  update(modules: Readonly<Record<string, M>> | ReadonlyMap<string, M>): this {
    const isRecord = typeof modules === "object" && modules !== null && !Array.isArray(modules) &&
      !((modules as unknown) instanceof Module);
    if (!isRecord) {
      throw new TypeError(
        `Cannot make a ModuleDict of ${describe(modules)}: give modules by name, { relu: new nn.ReLU() }`,
      );
    }
    for (const [name, module] of modules instanceof Map ? modules : Object.entries(modules)) this.set(name, module);
    return this;
  }

  /** Takes the module of that name away; whether there was one. */
  delete(name: string): boolean {
    return this.#modules.delete(name);
  }

  /** The names. */
  keys(): IterableIterator<string> {
    return this.#modules.keys();
  }

  /** The modules. */
  values(): IterableIterator<M> {
    return this.#modules.values();
  }

  /** Names and modules. */
  [Symbol.iterator](): IterableIterator<[name: string, module: M]> {
    return this.#modules.entries();
  }
}

/**
 * Parameters in a list, named by index. A tensor that is no parameter becomes one.
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const scales = new nn.ParameterList([ones([2]), new nn.Parameter(ones([3]))]);
 * assertEquals(scales.namedParameters().map(([name, p]) => [name, p.shape]), [["0", [2]], ["1", [3]]]);
 * ```
 */
export class ParameterList extends Module<never, never> {
  /** The parameter at that index; another one may be assigned. */
  [index: number]: Parameter;

  /**
   * A list of these parameters.
   *
   * @throws {TypeError} If they do not come in an array or another iterable, or one of them is not a tensor of floats.
   */
  constructor(parameters: Iterable<Tensor> = []) {
    super();
    this.extend(parameters);
  }

  /** Throws a TypeError: parameters are used one by one. */
  forward(): never {
    throw uncallable(this);
  }

  /** How many parameters there are. */
  get length(): number {
    return [...this].length;
  }

  /** The parameters in order. */
  *[Symbol.iterator](): Generator<Parameter, void> {
    for (let i = 0; i in this; i++) yield this[i];
  }

  /**
   * Adds a parameter at the end.
   *
   * @throws {TypeError} If it is not a tensor of floats.
   */
  append(parameter: Tensor): this {
    requireTensor(parameter, "append");
    this[this.length] = parameter instanceof Parameter ? parameter : new Parameter(parameter);
    return this;
  }

  /**
   * Adds parameters at the end.
   *
   * @throws {TypeError} If they do not come in an array or another iterable, or one of them is not a tensor of floats.
   */
  extend(parameters: Iterable<Tensor>): this {
    for (const parameter of listOf("a ParameterList", "[w, b]", parameters)) this.append(parameter);
    return this;
  }

  /** The shapes. */
  override extraRepr(): string {
    return [...this].map((p, i) => `(${i}): Parameter ${show(p.shape)}`).join(", ");
  }
}

function uncallable(container: object): TypeError {
  return new TypeError(`Cannot call ${container.constructor.name}: it has no forward, use what is in it one by one`);
}

function requireModule(verb: string, part: unknown): void {
  if (part instanceof Module) return;
  const cure = typeof part === "function" ? `make one, new ${part.name}()` : "give one, such as new nn.ReLU()";
  throw new TypeError(`Cannot ${verb} ${describe(part)}: it is no module, ${cure}`);
}

/** The parts in an array, so that a list may be extended by itself. */
function listOf<T>(what: string, example: string, parts: Iterable<T>): T[] {
  if (typeof parts === "object" && parts !== null && Symbol.iterator in parts) return [...parts];
  throw new TypeError(`Cannot make ${what} of ${describe(parts)}: give them in an array, as in ${example}`);
}
