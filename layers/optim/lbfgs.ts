/** L-BFGS: steps by an approximate Hessian, of which the last gradients and steps are kept; it measures the loss several times a step. */
import { noGrad } from "../../backward/tape.ts";
import { describe, requireChoice, requireTensor } from "../../core/arguments.ts";
import { scalar } from "../../core/memory/allocate.ts";
import { cat, stack } from "../../core/ops/join.ts";
import { sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Optimizer, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { OptimizerStateDict, ParameterState } from "./state_dict.ts";

/** The settings of {@linkcode LBFGS}. */
export interface LBFGSSettings extends Pick<GroupSettings, "lr" | "initialLr"> {
  /** The most iterations in a step. */
  maxIter: number;
  /** The most calls of the closure in a step; `null` for `⌊1.25 · maxIter⌋`. */
  maxEval: number | null;
  /** It ends where no element of the gradient is larger. */
  toleranceGrad: number;
  /** It ends where neither the loss nor a parameter changes by more. */
  toleranceChange: number;
  /** How many steps and changes of the gradient are kept. */
  historySize: number;
  /** How far to go in a direction: `lr`, or as the strong Wolfe conditions say. */
  lineSearchFn: "strong_wolfe" | null;
}

const LBFGS_DEFAULTS: LBFGSSettings = {
  lr: 1,
  maxIter: 20,
  maxEval: null,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearchFn: null,
};

/** What is remembered from one step to the next. */
interface Memory {
  evaluations: number;
  iterations: number;
  d: Tensor; // the last direction [n]
  t: number; // how far it was followed
  h: number; // the diagonal of the first approximation
  changes: Tensor[]; // of the gradient, each [n]
  steps: Tensor[]; // each [n]
  rho: number[]; // 1 / (change · step)
  gradient: Tensor; // of the last iteration [n]
  loss: number;
}

/**
 * L-BFGS as in PyTorch: each iteration goes from `θ` to `θ − t · Hg`, where `H` approximates the inverse of the Hessian by the last
 * `historySize` steps and changes of the gradient (Nocedal & Wright, algorithm 7.4), and `t` is `lr` or found by a line search
 * (algorithm 3.5). For gradients of the whole data, and few parameters: it keeps `2 · historySize` copies of them. All parameters are
 * one group, and there is no weight decay.
 *
 * `step(closure)` calls the closure once or more an iteration; it clears the gradients, computes the loss, calls `backward()` and
 * returns the loss.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertLess } from "@std/assert";
 *
 * // Rosenbrock's valley, whose minimum is at (1, 1).
 * const p = tensor([-1.2, 1], { dtype: "float64" }).requiresGrad_();
 * const optimizer = new optim.LBFGS([p], { maxIter: 60, toleranceChange: 1e-14, lineSearchFn: "strong_wolfe" });
 * optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const loss = p.at(0).neg().add(1).square().add(p.at(1).sub(p.at(0).square()).square().mul(100));
 *   loss.backward();
 *   return loss;
 * });
 * assertLess(p.sub(1).abs().max().item(), 1e-5);
 * ```
 */
export class LBFGS extends Optimizer<LBFGSSettings & GroupSettings> {
  #memory: Memory | null = null;

  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range, or there are several groups.
   */
  constructor(params: Iterable<Tensor>, options: Partial<LBFGSSettings> = {}) {
    super(params, LBFGS_DEFAULTS as LBFGSSettings & GroupSettings, options);
    const { length } = this.paramGroups;
    if (length > 1) {
      throw new RangeError(`Cannot make LBFGS for ${length} parameter groups: give one list of parameters`);
    }
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<LBFGSSettings & GroupSettings>): void {
    requireWithin(settings, ["lr", "toleranceGrad", "toleranceChange"], 0);
    requireWithin(settings, ["maxIter", "historySize"], 1);
    if (settings.maxEval !== null) requireWithin(settings, ["maxEval"], 1);
    if (settings.lineSearchFn !== null) {
      requireChoice("make LBFGS", "lineSearchFn", settings.lineSearchFn, ["strong_wolfe"]);
    }
  }

  /** Refuses a second group. */
  override addParamGroup(group: { params: Iterable<Tensor> }): void {
    if (this.paramGroups.length > 0) {
      throw new RangeError("Cannot add a parameter group: LBFGS has one for all parameters");
    }
    super.addParamGroup(group);
  }

  /** Not for LBFGS, whose step is one of all parameters. */
  protected override update(): void {
    throw new TypeError("Cannot update one parameter by LBFGS: call step(closure)");
  }

  /**
   * Up to `maxIter` iterations; returns the loss before them.
   *
   * @throws {TypeError} Without a closure, or if it returns something else than a tensor of one number.
   */
  override step(closure?: () => Tensor): Tensor {
    if (typeof closure !== "function") {
      throw new TypeError(
        `Cannot step with ${
          describe(closure)
        }: LBFGS measures the loss several times, give a function that clears the ` +
          `gradients, calls backward() and returns the loss`,
      );
    }
    const measure = (): [loss: Tensor, gradient: Tensor] => {
      const loss = closure();
      requireTensor(loss, "use the result of the closure,");
      return [loss.detach(), this.#flatGradient()];
    };
    const [loss, gradient] = measure();
    const memory = this.#memory ?? begun(gradient);
    memory.evaluations++;
    if (largest(gradient) <= this.paramGroups[0].toleranceGrad) return loss;
    this.#memory = memory;
    this.#iterate(memory, loss.item(), gradient, measure);
    return loss;
  }

  #iterate(memory: Memory, loss: number, gradient: Tensor, measure: () => [Tensor, Tensor]): void {
    const { lr, maxIter, maxEval, toleranceGrad, toleranceChange, historySize, lineSearchFn } = this.paramGroups[0];
    const most = maxEval ?? Math.floor(maxIter * 5 / 4);
    for (let i = 1, evaluations = 1; i <= maxIter; i++) {
      memory.iterations++;
      const d = noGrad(() => direction(memory, gradient, historySize));
      const first = memory.iterations === 1;
      const t = first ? Math.min(1, 1 / gradient.abs().sum().item()) * lr : lr;
      Object.assign(memory, { d, t, gradient, loss });
      const slope = dot(gradient, d);
      if (slope > -toleranceChange) return;
      let here: Point = { t, f: loss, g: gradient, slope };
      let count = 0;
      if (lineSearchFn === "strong_wolfe") [here, count] = this.#search(here, d, measure);
      this.#move(d, memory.t = here.t);
      if (lineSearchFn === null && i < maxIter) [here, count] = [pointOf(t, measure(), d), 1];
      [loss, gradient] = [here.f, here.g];
      evaluations += count;
      memory.evaluations += count;
      const still = largest(d) * memory.t <= toleranceChange || Math.abs(loss - memory.loss) < toleranceChange;
      if (evaluations >= most || largest(gradient) <= toleranceGrad || still) return;
    }
  }

  #search(start: Point, d: Tensor, measure: () => [Tensor, Tensor]): [Point, count: number] {
    const { params } = this.paramGroups[0];
    const before = noGrad(() => params.map((p) => p.detach().clone()));
    let count = 0;
    const at = (t: number): Point => {
      count++;
      this.#move(d, t);
      const point = pointOf(t, measure(), d);
      noGrad(() => params.forEach((p, i) => p.copy_(before[i])));
      return point;
    };
    return [strongWolfe(at, start, largest(d)), count];
  }

  #move(d: Tensor, t: number): void {
    noGrad(() => {
      let start = 0;
      for (const p of this.paramGroups[0].params) {
        const size = sizeOf(p.shape);
        p.add_(d.slice(0, start, start += size).view([...p.shape]).to(p.dtype).mul(t));
      }
    });
  }

  #flatGradient(): Tensor {
    return noGrad(() => cat(this.paramGroups[0].params.map((p) => (p.g?.clone() ?? zerosLike(p)).flatten())));
  }

  /** The memory under the first parameter, as PyTorch has it; lists of tensors are stacked, numbers are tensors of one element. */
  override stateDict(): OptimizerStateDict {
    const { param_groups } = super.stateDict();
    return { state: this.#memory === null ? {} : { 0: saved(this.#memory) }, param_groups };
  }

  /**
   * Loads what `stateDict` returned; the tensors are copied.
   *
   * @throws {RangeError} If sizes or settings do not fit; nothing is changed then.
   * @throws {TypeError} If it is not a state of an optimiser.
   */
  override loadStateDict(state: OptimizerStateDict): void {
    const size = this.paramGroups[0].params.reduce((sum, p) => sum + sizeOf(p.shape), 0);
    const parts = state?.state?.[0];
    const memory = parts === undefined ? null : restored(parts, size);
    super.loadStateDict({ ...state, state: {} });
    this.#memory = memory;
  }
}

function begun(gradient: Tensor): Memory {
  const nothing = { evaluations: 0, iterations: 0, t: 0, h: 1, changes: [], steps: [], rho: [], loss: 0 };
  return { ...nothing, d: zerosLike(gradient), gradient: zerosLike(gradient) };
}

/** `−Hg`, after the last step and the change of the gradient have come into `H`. */
function direction(memory: Memory, g: Tensor, size: number): Tensor {
  if (memory.iterations === 1) return g.neg();
  remember(memory, g.sub(memory.gradient), memory.d.mul(memory.t), size);
  const { changes, steps, rho, h } = memory;
  const q = g.neg();
  const factors: number[] = [];
  for (let i = changes.length - 1; i >= 0; i--) q.sub_(changes[i].mul(factors[i] = dot(steps[i], q) * rho[i]));
  const r = q.mul(h);
  steps.forEach((step, i) => r.add_(step.mul(factors[i] - dot(changes[i], r) * rho[i])));
  return r;
}

function remember(memory: Memory, change: Tensor, step: Tensor, size: number): void {
  const curvature = dot(change, step);
  if (!(curvature > 1e-10)) return;
  if (memory.changes.length === size) [memory.changes, memory.steps, memory.rho].forEach((list) => list.shift());
  memory.changes.push(change);
  memory.steps.push(step);
  memory.rho.push(1 / curvature);
  memory.h = curvature / dot(change, change);
}

function dot(a: Tensor, b: Tensor): number {
  return noGrad(() => a.mul(b).sum().item());
}

function largest(x: Tensor): number {
  return x.numel() === 0 ? 0 : noGrad(() => x.abs().max().item());
}

const LISTS = ["old_dirs", "old_stps", "ro"], VECTORS = ["d", "prev_flat_grad"];
const NUMBERS = ["func_evals", "n_iter", "t", "H_diag", "prev_loss"];

function saved({ evaluations, iterations, d, t, h, changes, steps, rho, gradient, loss }: Memory): ParameterState {
  const numbers = [evaluations, iterations, t, h, loss].map((x) => scalar(x, "float64"));
  const lists = [changes, steps, rho.map((x) => scalar(x, "float64"))].map((list) =>
    list.length > 0 ? stack(list) : null
  );
  const entries = [
    ...NUMBERS.map((name, i) => [name, numbers[i]] as const),
    ...LISTS.map((name, i) => [name, lists[i]] as const),
  ];
  return {
    d,
    prev_flat_grad: gradient,
    ...Object.fromEntries(entries.filter(([, x]) => x !== null)) as ParameterState,
  };
}

function restored(parts: ParameterState, size: number): Memory {
  const odd = [...NUMBERS, ...VECTORS].find((name) => parts[name]?.numel?.() !== (VECTORS.includes(name) ? size : 1));
  const lists = LISTS.map((name) => parts[name] === undefined ? [] : parts[name].unbind().map((x) => x.clone()));
  const [changes, steps, rho] = lists;
  const whole = lists.every(({ length }) => length === rho.length) &&
    [...changes, ...steps].every((x) => x.numel() === size);
  if (odd !== undefined || !whole) {
    throw new RangeError(
      `Cannot load the state of LBFGS: its ${odd ?? LISTS.join(", ")} is not that of ${size} parameters`,
    );
  }
  const [evaluations, iterations, t, h, loss] = NUMBERS.map((name) => parts[name].item());
  const [d, gradient] = VECTORS.map((name) => parts[name].detach().clone());
  return { evaluations, iterations, d, t, h, changes, steps, rho: rho.map((x) => x.item()), gradient, loss };
}

// The line search.

/** What was found `t` along the direction: loss, gradient, and slope. */
interface Point {
  t: number;
  f: number;
  g: Tensor;
  slope: number;
}

function pointOf(t: number, [loss, g]: [Tensor, Tensor], d: Tensor): Point {
  return { t, f: loss.item(), g, slope: dot(g, d) };
}

const [DECREASE, CURVATURE, SMALLEST, SEARCHES] = [1e-4, 0.9, 1e-9, 25];

/** A point that satisfies the strong Wolfe conditions, or the best of 25; `start.t` is the first guess, the rest of it is at t = 0. */
function strongWolfe(at: (t: number) => Point, start: Point, length: number): Point {
  const zero = { ...start, t: 0 };
  const high = ({ t, f }: Point) => f > zero.f + DECREASE * t * zero.slope;
  const flat = ({ slope }: Point) => Math.abs(slope) <= -CURVATURE * zero.slope;
  let before = zero, here = at(start.t), searches = 0;
  for (;; searches++) {
    if (searches === SEARCHES) return zero.f <= here.f ? zero : here;
    if (high(here) || (searches > 1 && here.f >= before.f)) break;
    if (flat(here)) return here;
    if (here.slope >= 0) break;
    const next = cubicMinimum(before, here, [here.t + 0.01 * (here.t - before.t), here.t * 10]);
    [before, here] = [here, at(next)];
  }
  return between(at, [before, here], { high, flat }, length, searches);
}

/** Narrows the bracket in which such a point must lie. */
function between(
  at: (t: number) => Point,
  [a, b]: [Point, Point],
  { high, flat }: Record<"high" | "flat", (point: Point) => boolean>,
  length: number,
  searches: number,
): Point {
  let [low, up] = a.f <= b.f ? [a, b] : [b, a];
  let slow = false;
  for (; searches < SEARCHES && Math.abs(up.t - low.t) * length >= SMALLEST; searches++) {
    const [left, right] = [Math.min(low.t, up.t), Math.max(low.t, up.t)];
    let t = cubicMinimum(low, up, [left, right]);
    const margin = 0.1 * (right - left);
    const near = Math.min(right - t, t - left) < margin;
    const push: boolean = near && (slow || t >= right || t <= left);
    if (push) t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
    slow = near && !push;
    const here = at(t);
    if (high(here) || here.f >= low.f) {
      up = here;
      if (up.f < low.f) [low, up] = [up, low];
      continue;
    }
    if (flat(here)) return here;
    if (here.slope * (up.t - low.t) >= 0) up = low;
    low = here;
  }
  return low;
}

/** Where the cubic through both points, with their slopes, has its minimum; within the bounds. */
function cubicMinimum(a: Point, b: Point, [least, most]: [number, number]): number {
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const d1 = left.slope + right.slope - 3 * (left.f - right.f) / (left.t - right.t);
  const square = d1 ** 2 - left.slope * right.slope;
  if (!(square >= 0)) return (least + most) / 2;
  const d2 = Math.sqrt(square);
  const place = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return Math.min(Math.max(place, least), most);
}
