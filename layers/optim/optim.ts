/**
 * Optimisers, which turn gradients into steps, and schedules of their learning rates, as in `torch.optim`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import * as optim from "@gradus/gradus/optim"; // or { optim } from "@gradus/gradus"
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([3]).requiresGrad_();
 * const optimizer = new optim.SGD([w], { lr: 0.5 });
 * w.mul(w).sum().backward();
 * optimizer.step();
 * assertEquals(w.toArray(), [0]); // 3 − 0.5 · 6
 * ```
 * @module
 */

// Optimisers, and their base class.
export { Momentum, type MomentumSettings, SGD, type SGDSettings } from "./sgd.ts";
export {
  Adagrad,
  type AdagradSettings,
  Adam,
  type AdamSettings,
  AdamW,
  RMSprop,
  type RMSpropSettings,
} from "./adaptive.ts";
export { type AttachedSchedule, type GroupOptions, Optimizer, type ParamGroup, type Params } from "./optimizer.ts";
export type { GroupSettings } from "./settings.ts";
export type { OptimizerStateDict, ParameterState, SavedGroup } from "./state_dict.ts";

// Gradients kept from growing.
export { clipGradNorm, clipGradValue, type ClipOptions } from "./clip_grad.ts";

// Schedules of the learning rate.
export { Scheduler, type SchedulerStateDict } from "./schedules/scheduler.ts";
export {
  CosineAnnealingLR,
  type CosineAnnealingLRSettings,
  ExponentialLR,
  type ExponentialLRSettings,
  LinearLR,
  type LinearLRSettings,
  StepLR,
  type StepLRSettings,
} from "./schedules/schedules.ts";
export { OneCycleLR, type OneCycleLRSettings } from "./schedules/one_cycle_lr.ts";

export type * from "../../core/types.ts";
