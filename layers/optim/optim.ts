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
export { ASGD, type ASGDSettings, Momentum, type MomentumSettings, SGD, type SGDSettings } from "./sgd.ts";
export {
  Adam,
  Adamax,
  type AdamaxSettings,
  type AdamSettings,
  AdamW,
  NAdam,
  type NAdamSettings,
  RAdam,
} from "./adam.ts";
export {
  Adadelta,
  type AdadeltaSettings,
  Adagrad,
  type AdagradSettings,
  RMSprop,
  type RMSpropSettings,
  Rprop,
  type RpropSettings,
} from "./adaptive.ts";
export { LBFGS, type LBFGSSettings } from "./lbfgs.ts";
export { type AttachedSchedule, type GroupOptions, Optimizer, type ParamGroup, type Params } from "./optimizer.ts";
export type { GroupSettings } from "./settings.ts";
export type { OptimizerStateDict, ParameterState, SavedGroup } from "./state_dict.ts";

// Gradients kept from growing.
export { clipGradNorm, clipGradValue, type ClipOptions } from "./clip_grad.ts";

// Schedules of the learning rate.
export { Scheduler, type SchedulerStateDict } from "./schedules/scheduler.ts";
export {
  ConstantLR,
  type ConstantLRSettings,
  CosineAnnealingLR,
  type CosineAnnealingLRSettings,
  ExponentialLR,
  type ExponentialLRSettings,
  LinearLR,
  type LinearLRSettings,
  MultiStepLR,
  type MultiStepLRSettings,
  PolynomialLR,
  type PolynomialLRSettings,
  StepLR,
  type StepLRSettings,
} from "./schedules/schedules.ts";
export {
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsSettings,
  CyclicLR,
  type CyclicLRSettings,
  OneCycleLR,
  type OneCycleLRSettings,
} from "./schedules/cycles.ts";
export {
  LambdaLR,
  type LambdaLRSettings,
  type LrLambda,
  ReduceLROnPlateau,
  type ReduceLROnPlateauSettings,
  type ReduceLROnPlateauState,
  SequentialLR,
  type SequentialLRSettings,
} from "./schedules/steered.ts";

export type * from "../../core/types.ts";
