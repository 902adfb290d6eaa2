/**
 * Optimisers, which turn gradients into steps, and schedules of their learning rates, as in `torch.optim`.
 *
 * @module
 */
export {
  Adagrad,
  type AdagradSettings,
  Adam,
  type AdamSettings,
  AdamW,
  RMSprop,
  type RMSpropSettings,
} from "./adam.ts";
export { clipGradNorm, clipGradValue, type ClipOptions } from "./clip_grad.ts";
export { Momentum, type MomentumSettings, SGD, type SGDSettings } from "./sgd.ts";
export { type GroupFollower, type GroupOptions, Optimizer, type ParamGroup, type Params } from "./optimizer.ts";
export { Scheduler, type SchedulerStateDict } from "./schedules/scheduler.ts";
export {
  CosineAnnealingLR,
  type CosineAnnealingLRSettings,
  ExponentialLR,
  type ExponentialLRSettings,
  LinearLR,
  type LinearLRSettings,
  OneCycleLR,
  type OneCycleLRSettings,
  StepLR,
  type StepLRSettings,
} from "./schedules/schedules.ts";
export type { GroupSettings } from "./settings.ts";
export type { OptimizerStateDict, ParameterState, SavedGroup } from "./state_dict.ts";
export { UPDATE_SETTINGS, type UpdateSetting } from "../../core/backend/backend.ts";
export type { MachineStep } from "./together.ts";
