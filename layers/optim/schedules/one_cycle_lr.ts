/** The 1cycle policy: the rate rises once and falls once, and momentum does the opposite. */
import { checkOptions, requireArray, requireChoice } from "../../../core/arguments.ts";
import type { Optimizer } from "../optimizer.ts";
import { requirePositive, requireWithin } from "../settings.ts";
import { requireCount, requireOptimizer, type ScheduledGroup, Scheduler } from "./scheduler.ts";

/** The settings of {@linkcode OneCycleLR}. */
export interface OneCycleLRSettings {
  /** The highest rate, of all groups or of each. */
  maxLr: number | readonly number[];
  /** How many steps the cycle is long: epochs times batches. */
  totalSteps: number;
  /**
   * The part of them in which the rate rises.
   *
   * @default {0.3}
   */
  pctStart: number;
  /**
   * Whether the rates between two ends follow a half cosine or a straight line.
   *
   * @default {"cos"}
   */
  annealStrategy: "cos" | "linear";
  /**
   * Whether momentum (or β₁) falls while the rate rises, and rises while it falls.
   *
   * @default {true}
   */
  cycleMomentum: boolean;
  /**
   * The momentum at the highest rate.
   *
   * @default {0.85}
   */
  baseMomentum: number;
  /**
   * The momentum at both ends.
   *
   * @default {0.95}
   */
  maxMomentum: number;
  /**
   * The first rate is `maxLr / divFactor`.
   *
   * @default {25}
   */
  divFactor: number;
  /**
   * The last rate is the first one divided by this.
   *
   * @default {1e4}
   */
  finalDivFactor: number;
  /**
   * Whether the rate falls back to its first value as fast as it rose, before it falls to the last one.
   *
   * @default {false}
   */
  threePhase: boolean;
}

/** A part of the cycle, from the end of the last one to step `end`. */
interface Phase {
  end: number;
  rates: readonly [number, number];
  momenta: readonly [number, number];
}

const STANDARD = {
  pctStart: 0.3,
  annealStrategy: "cos",
  cycleMomentum: true,
  baseMomentum: 0.85,
  maxMomentum: 0.95,
  divFactor: 25,
  finalDivFactor: 1e4,
  threePhase: false,
} as const;

/**
 * The 1cycle policy (Smith & Topin, 2017) as in PyTorch: from `maxLr / divFactor` up to `maxLr` until step
 * `pctStart · totalSteps − 1`, then down to `maxLr / divFactor / finalDivFactor` at step `totalSteps − 1`.
 *
 * A call of `step()` after the last step keeps the last rate (PyTorch raises it again there); one more throws.
 *
 * @example
 * ```ts
 * import { optim, zeros } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { momentum: 0.9 });
 * const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10 });
 * assertAlmostEquals(scheduler.getLastLr()[0], 0.04);
 * for (let t = 0; t < 2; t++) scheduler.step();
 * assertAlmostEquals(scheduler.getLastLr()[0], 1);
 * assertAlmostEquals(optimizer.paramGroups[0].momentum, 0.85);
 * ```
 */
export class OneCycleLR extends Scheduler<OneCycleLRSettings> {
  /**
   * A schedule for all groups of the optimiser, whose own learning rates it replaces.
   *
   * @throws {RangeError} If a setting is out of its range.
   * @throws {TypeError} If momentum is to be cycled and the optimiser has none.
   */
  constructor(
    optimizer: Optimizer,
    options: Pick<OneCycleLRSettings, "maxLr" | "totalSteps"> & Partial<OneCycleLRSettings>,
  ) {
    checkOptions("make OneCycleLR", options, [
      "maxLr",
      "totalSteps",
      ...Object.keys(STANDARD) as (keyof typeof STANDARD)[],
    ], { cycleMomentum: "boolean", threePhase: "boolean" });
    requireOptimizer(optimizer, "OneCycleLR");
    const settings = { ...STANDARD, ...options };
    if (settings.cycleMomentum && !optimizer.paramGroups.every(hasMomentum)) {
      throw new TypeError(
        `Cannot cycle the momentum of ${optimizer.constructor.name}: it has none, set cycleMomentum to false`,
      );
    }
    const { maxLr } = settings;
    if (typeof maxLr !== "number") requireArray(maxLr, "set maxLr to", "[0.1, 0.01], a rate for each group");
    const groups = optimizer.paramGroups.length;
    if (typeof maxLr !== "number" && maxLr.length !== groups) {
      throw new RangeError(`Cannot set maxLr to ${maxLr.length} rates: the optimiser has ${groups} parameter groups`);
    }
    super(optimizer, settings);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: OneCycleLRSettings): void {
    requireChoice("make OneCycleLR", "strategy", settings.annealStrategy, ["cos", "linear"]);
    requireCount("totalSteps", settings.totalSteps);
    requirePositive(settings, ["maxLr", "divFactor", "finalDivFactor"]);
    requireWithin(settings, ["pctStart", "baseMomentum", "maxMomentum"], 0, 1);
  }

  /** `maxLr / divFactor`. */
  protected override firstLr(_lr: number, group: number): number {
    const { maxLr, divFactor } = this.settings;
    const top = typeof maxLr === "number" ? maxLr : maxLr[group];
    if (top !== undefined) return top / divFactor;
    throw new RangeError(`Cannot schedule group ${group}: maxLr has no rate for it, give one for all groups`);
  }

  /** The rate at that place of the cycle. */
  protected override lrAt(epoch: number, baseLr: number): number {
    return valueAt(this.settings, "rates", baseLr, epoch);
  }

  /** The momentum at that place of the cycle; `undefined` if it is not cycled. */
  protected override momentumAt(epoch: number): number | undefined {
    return this.settings.cycleMomentum ? valueAt(this.settings, "momenta", 0, epoch) : undefined;
  }
}

function hasMomentum(group: ScheduledGroup): boolean {
  return "momentum" in group || "betas" in group;
}

/** The parts of the cycle that begins at the rate `first`. */
function phases(settings: OneCycleLRSettings, first: number): readonly Phase[] {
  const { totalSteps, pctStart, divFactor, finalDivFactor, baseMomentum, maxMomentum, threePhase } = settings;
  const [top, last, peak] = [first * divFactor, first / finalDivFactor, pctStart * totalSteps - 1];
  const end = totalSteps - 1;
  const rise: Phase = { end: peak, rates: [first, top], momenta: [maxMomentum, baseMomentum] };
  if (!threePhase) return [rise, { end, rates: [top, last], momenta: [baseMomentum, maxMomentum] }];
  const fall: Phase = { end: 2 * peak, rates: [top, first], momenta: [baseMomentum, maxMomentum] };
  return [rise, fall, { end, rates: [first, last], momenta: [maxMomentum, maxMomentum] }];
}

function valueAt(settings: OneCycleLRSettings, what: "rates" | "momenta", first: number, epoch: number): number {
  const { totalSteps, annealStrategy } = settings;
  if (epoch > totalSteps) {
    throw new RangeError(`Cannot step ${epoch} times: the cycle is ${totalSteps} steps long, set totalSteps`);
  }
  const at = Math.min(epoch, totalSteps - 1);
  const cycle = phases(settings, first);
  const now = cycle.findIndex(({ end }) => at <= end);
  const start = now === 0 ? 0 : cycle[now - 1].end;
  const part = cycle[now].end === start ? 1 : (at - start) / (cycle[now].end - start);
  const [from, to] = cycle[now][what];
  return annealStrategy === "cos" ? to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2 : from + (to - from) * part;
}
