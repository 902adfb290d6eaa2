/** What every optimiser shares: groups of parameters, the walk over them, state, and steps of all parameters in one call. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { UPDATE_SETTINGS, type UpdateKind, type UpdateSetting, type UpdateSlot } from "../../core/backend/backend.ts";
import { backend } from "../../core/backend/choose.ts";
import { isFloating } from "../../core/dtype.ts";
import { pythonic } from "../../core/format.ts";
import { peekGradient } from "../../core/gradient_slot.ts";
import { newZeros, scalar } from "../../core/memory/allocate.ts";
import { isRowMajor, sameShape, show, sizeOf } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import {
  type GroupSettings,
  OPTIONAL_SETTINGS,
  parameterList,
  requireKinds,
  requireWithin,
  toSnakeCase,
} from "./settings.ts";
import { loadState, type OptimizerStateDict, type ParameterState, saveState } from "./state_dict.ts";

/** An optimiser's step as the back end takes it. */
export interface FusedStep {
  /** The rule. */
  readonly kind: UpdateKind;
  /** The tensors that are kept for a parameter, by PyTorch's names, in the order of the rule. */
  readonly memory: readonly string[];
  /** Whether it also counts the steps of each parameter. */
  readonly counted: boolean;
  /** The settings of the rule; those that are left out are 0. */
  readonly settings: Partial<Record<UpdateSetting, number>>;
}

const settingsArray = new Float64Array(Object.keys(UPDATE_SETTINGS).length);

/**
 * Updates `parameters` as `step` says and returns `true`; or changes nothing and returns `false` where they have taken different
 * numbers of steps, or one is a view of part of its memory. Give the same array of `slots` at each
 * step: the back end keeps a table of addresses for it.
 */
function fusedStep(
  parameters: readonly Tensor[],
  state: Map<Tensor, ParameterState>,
  step: FusedStep,
  slots: UpdateSlot[],
): boolean {
  const taken = stepsTaken(parameters, state, step);
  if (taken === null || !parameters.every((p) => isWhole(p) && fits(p, peekGradient(p)!))) return false;
  slots.length = parameters.length;
  parameters.forEach((p, i) => (slots[i] = slotOf(p, memoryOf(p, state, step), step)));
  settingsArray.fill(0);
  for (const [name, value] of Object.entries(step.settings)) {
    settingsArray[UPDATE_SETTINGS[name as UpdateSetting]] = value;
  }
  settingsArray[UPDATE_SETTINGS.step] = taken + 1;
  backend().update(step.kind, settingsArray, slots);
  for (const p of parameters) p.version.count++;
  return true;
}

/** How many steps the parameters have taken, or `null` where they differ. */
function stepsTaken(
  parameters: readonly Tensor[],
  state: ReadonlyMap<Tensor, ParameterState>,
  { memory, counted }: FusedStep,
): number | null {
  let common: number | null = null;
  for (const p of parameters) {
    const known = state.get(p);
    const started = known !== undefined && memory.every((name) => known[name] !== undefined && isWhole(known[name]));
    const taken = started ? (counted ? known.step.item() : 1) : 0;
    if (common !== null && taken !== common) return null;
    common = taken;
  }
  return common;
}

function memoryOf(p: Tensor, state: Map<Tensor, ParameterState>, { memory, counted }: FusedStep): ParameterState {
  const known = state.get(p) ?? {};
  if (counted) (known.step ??= scalar(0, "int32")).data[0]++;
  for (const name of memory) known[name] ??= newZeros(p.shape, p.dtype);
  if (memory.length > 0) state.set(p, known);
  return known;
}

function slotOf(p: Tensor, known: ParameterState, { memory: [m, v] }: FusedStep): UpdateSlot {
  return {
    p: p.data,
    g: peekGradient(p)!.data,
    m: m === undefined ? null : known[m].data,
    v: v === undefined ? null : known[v].data,
  };
}

function fits(p: Tensor, g: Tensor): boolean {
  return g.dtype === p.dtype && sameShape(g.shape, p.shape) && isWhole(g);
}

/** Whether the tensor is all of its memory, in row-major order. */
function isWhole(x: Tensor): boolean {
  return x.offset === 0 && x.data.length === sizeOf(x.shape) && isRowMajor(x.shape, x.strides);
}

/** Parameters that share their settings. */
export type ParamGroup<S> = S & { params: Tensor[] };

/** A group as it is given: settings that it leaves out are those of the optimiser. */
export type GroupOptions<S> = Partial<S> & { params: Iterable<Tensor> };

/** A schedule as its optimiser sees it: it sets the learning rates of the groups, also of those that are added later. */
export interface AttachedSchedule {
  /** Includes the groups that were added since the last call. */
  includeNewGroups(): void;
}

/** The parameters of an optimiser, or groups of them. */
export type Params<S> = Iterable<Tensor> | Iterable<GroupOptions<S>>;

/**
 * The base class of optimisers. An optimiser implements {@linkcode Optimizer.update | update}, the step of one parameter; `step()` calls
 * it for each parameter that has a gradient.
 *
 * @example
 * ```ts
 * import { optim, tensor, type Tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * class SignDescent extends optim.Optimizer<optim.GroupSettings> {
 *   constructor(params: Iterable<Tensor>, lr: number) {
 *     super(params, { lr, weightDecay: 0, maximize: false });
 *   }
 *   protected override update(p: Tensor, g: Tensor, _: optim.ParameterState, { lr }: optim.GroupSettings): void {
 *     p.sub_(g.gt(0).float().sub(g.lt(0).float()).mul(lr));
 *   }
 * }
 *
 * const w = tensor([1, -2]).requiresGrad_();
 * w.mul(w).sum().backward();
 * new SignDescent([w], 0.5).step();
 * assertEquals(w.toArray(), [0.5, -1.5]);
 * ```
 */
export abstract class Optimizer<S extends GroupSettings = GroupSettings> {
  /** The groups, whose settings may be changed between steps: a scheduler writes `lr` here. */
  readonly paramGroups: ParamGroup<S>[] = [];
  /** The settings of a group that sets none of its own. */
  readonly defaults: Readonly<S>;
  readonly #state = new Map<Tensor, ParameterState>();
  readonly #slots = new Map<ParamGroup<S>, UpdateSlot[]>();
  #schedule: AttachedSchedule | null = null;

  /**
   * An optimiser of the given parameters, or groups of them; `options` override the `standard` settings for all groups.
   *
   * @throws {RangeError} If there are no parameters, or a setting is out of its range.
   * @throws {TypeError} If something is not a leaf of a floating kind, or a setting has a name that the optimiser does not know.
   */
  constructor(params: Params<S>, standard: S, options: Partial<S> = {}) {
    const { name } = this.constructor;
    checkOptions(`make ${name}`, options, namesIn(standard));
    requireKinds(`make ${name}`, options, standard);
    this.defaults = { ...standard, ...options };
    const list = parameterList<Tensor | GroupOptions<S>>(params, `make ${name}`);
    if (list.length === 0) throw new RangeError(`Cannot make ${this.constructor.name}: the parameter list is empty`);
    if (list.every(isGroup)) list.forEach((group) => this.addParamGroup(group));
    else this.#addGroup(list as readonly Tensor[], this.defaults);
  }

  /** The step of parameter `p` with gradient `g`, in place; `state` keeps what the next step needs, such as averages. */
  protected abstract update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<S>): void;

  /** The state of a parameter before its first step, for optimisers whose state PyTorch saves from the beginning. */
  protected begin(_p: Tensor, _settings: Readonly<S>): ParameterState {
    return {};
  }

  /** Refuses settings out of their range; optimisers add their own. */
  protected check(settings: Readonly<S>): void {
    requireWithin(settings, ["lr", "weightDecay"], 0);
  }

  /**
   * Updates every parameter that has a gradient, in place, by its group's settings.
   *
   * @throws {RangeError} If a gradient has another shape than its parameter.
   * @throws {TypeError} If it is given a closure, as PyTorch's may be.
   */
  step(): void {
    if (typeof arguments[0] === "function") {
      throw new TypeError("Cannot step with a closure: call zeroGrad() and backward() before step()");
    }
    noGrad(() => {
      for (const group of this.paramGroups) this.#moveGroup(group);
    });
  }

  #moveGroup(group: ParamGroup<S>): void {
    const moving = group.params.filter((p) => peekGradient(p) !== null);
    if (moving.length === 0) return;
    const step = this.fusedStep(group);
    let slots = this.#slots.get(group);
    if (slots === undefined) this.#slots.set(group, slots = []);
    if (step !== null && fusedStep(moving, this.#state, step, slots)) return;
    for (const p of moving) this.#move(p, p.g!, group); // `update` may keep it
  }

  /**
   * The same step as a rule of the back end, which takes it for all parameters in one call; `null` if the back end has none.
   *
   * @internal
   */
  protected fusedStep(_settings: Readonly<S>): FusedStep | null {
    return null;
  }

  #move(p: Tensor, g: Tensor, group: ParamGroup<S>): void {
    if (!sameShape(g.shape, p.shape)) {
      throw new RangeError(
        `Cannot update a parameter of shape ${show(p.shape)}: its gradient has shape ${show(g.shape)}`,
      );
    }
    const state = this.#state.get(p) ?? this.begin(p, group);
    this.update(p, group.maximize ? g.neg() : g, state, group);
    if (Object.keys(state).length > 0) this.#state.set(p, state);
  }

  /** Sets the gradient of every parameter to `null`, as PyTorch does. */
  zeroGrad(): void {
    for (const { params } of this.paramGroups) for (const p of params) p.g = null;
  }

  /**
   * Adds parameters with settings of their own: layers that are unfrozen later, biases without weight decay. A schedule of this
   * optimiser sets their learning rate from now on, with the `lr` given here as their base rate.
   *
   * @throws {RangeError} If it is empty, a setting is out of its range, or the schedule lists its settings by group and has none for it.
   * @throws {TypeError} If a parameter is not a leaf, or is in a group already.
   */
  addParamGroup(group: GroupOptions<S>): void {
    checkOptions("add a parameter group", group, ["params", ...namesIn(this.defaults)]);
    const { params, ...own } = group;
    requireKinds("add a parameter group", own, this.defaults);
    this.#addGroup(parameterList(params, "add a parameter group"), { ...this.defaults, ...own } as S);
  }

  #addGroup(params: readonly Tensor[], settings: S): void {
    this.check(settings);
    if (params.length === 0) throw new RangeError("Cannot add a parameter group: it is empty");
    const known = new Set(this.paramGroups.flatMap((other) => other.params));
    for (const p of params) {
      checkParameter(p);
      if (known.has(p)) {
        throw new TypeError(`Cannot add a parameter of shape ${show(p.shape)}: it stands in a group already`);
      }
      known.add(p);
    }
    this.paramGroups.push({ ...settings, params: [...params] });
    try {
      this.#schedule?.includeNewGroups();
    } catch (error) {
      this.paramGroups.pop();
      throw error;
    }
  }

  /** Makes `schedule` the one that includes the groups that are added from now on; its constructor calls this. */
  attachSchedule(schedule: AttachedSchedule): void {
    this.#schedule = schedule;
  }

  /** The printed form, as PyTorch prints it: the settings of each group. */
  toString(): string {
    const groups = this.paramGroups.map((group, i) => `Parameter Group ${i}\n${describeGroup(group)}`);
    return `${this.constructor.name} (\n${groups.join("\n")})`;
  }

  /** How `console.log` shows an optimiser. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /**
   * Everything that a later run needs to continue with the same numbers, in PyTorch's structure and with its names: `state` by the
   * parameter's number, `param_groups` with settings and numbers. The tensors share their memory with the optimiser.
   */
  stateDict(): OptimizerStateDict {
    return saveState(this.paramGroups, (p, group) => this.#state.get(p) ?? this.begin(p, group));
  }

  /**
   * Loads what {@linkcode Optimizer.stateDict | stateDict} returned; the tensors are copied. Parameters are matched by their order.
   *
   * @throws {RangeError} If groups, shapes or settings do not fit; nothing is changed then.
   * @throws {TypeError} If it is not a state of an optimiser.
   */
  loadStateDict(saved: OptimizerStateDict): void {
    const { settings, state } = loadState(saved, this.paramGroups);
    settings.forEach((own, i) => this.check({ ...this.paramGroups[i], ...own }));
    settings.forEach((own, i) => Object.assign(this.paramGroups[i], own));
    this.#state.clear();
    state.forEach((parts, p) => this.#state.set(p, parts));
  }
}

function describeGroup<S extends GroupSettings>({ params: _, ...settings }: ParamGroup<S>): string {
  const lines = Object.entries(toSnakeCase(settings)).sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([name, value]) => `    ${name}: ${pythonic(value as boolean | number)}\n`).join("");
}

/** The names of a group's settings. */
function namesIn<S extends object>(standard: S): (keyof S & string)[] {
  return [...Object.keys(standard), ...OPTIONAL_SETTINGS] as (keyof S & string)[];
}

function isGroup<S>(entry: Tensor | GroupOptions<S>): entry is GroupOptions<S> {
  return typeof entry === "object" && entry !== null && "params" in entry;
}

function checkParameter(p: Tensor): void {
  requireTensor(p, "optimise");
  if (!isFloating(p.dtype)) {
    throw new TypeError(`Cannot optimise a ${p.dtype} tensor of shape ${show(p.shape)}: only floats have a gradient`);
  }
  if (p.node !== null) {
    throw new TypeError(
      `Cannot optimise a tensor of shape ${show(p.shape)} that is no leaf: it is the result of ${p.node.name}, ` +
        `give the parameters it was made from, or detach() it`,
    );
  }
}

/** Zeros of the shape and dtype of `p`: what an average of gradients begins with. */
export function zerosLike(p: Tensor): Tensor {
  return newZeros(p.shape, p.dtype);
}

/** The gradient with an L2 penalty: `g + λθ`. */
export function withPenalty(g: Tensor, p: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? g : g.add(p.mul(weightDecay));
}

/** `average ← β·average + (1 − β)·x`, in place. */
export function follow(average: Tensor, x: Tensor, beta: number): Tensor {
  return average.mul_(beta).add_(x.mul(1 - beta));
}

/** `average ← β·average + (1 − β)·x²`, in place; (1 − β)·x is multiplied by x, for x² by itself may overflow. */
export function followSquare(average: Tensor, x: Tensor, beta: number): Tensor {
  return average.mul_(beta).add_(x.mul(1 - beta).mul(x));
}
