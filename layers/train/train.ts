/**
 * Training: the learner, its callbacks and metrics, checkpoints, and trained models as source text.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { Learner } from "@gradus/gradus/train";
 * import { assertLess } from "@std/assert";
 *
 * const [x, y] = [tensor([[0], [1], [2]]), tensor([[1], [3], [5]])];
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.2 });
 * const learner = new Learner({ model, loss: nn.functional.mse, optimizer, data: { train: [[x, y]] } });
 * const { history } = await learner.fit(200);
 * assertLess(history[199].trainLoss, 1e-3);
 * ```
 * @module
 */

// The learner.
export { Learner } from "./learner.ts";
export type { FitOptions, FitReport, LearnerOptions, Loss, Resume } from "./learner_options.ts";
export type { AccumulatedState } from "./accumulation.ts";
export type { Batches, BatchSource, LearnerData, TrainingBatch } from "./batches.ts";
export { findLr, type FindLrOptions, type LrCurve } from "./find_lr.ts";

// Callbacks.
export { type Callback, CancelBatch, CancelEpoch, CancelFit, type Hook } from "./callbacks/callback.ts";
export { AverageWeights, type AverageWeightsOptions, type AverageWeightsState } from "./callbacks/average_weights.ts";
export { ClipGradients, type ClipGradientsOptions } from "./callbacks/clip_gradients.ts";
export {
  EarlyStopping,
  type EarlyStoppingOptions,
  type EarlyStoppingState,
  type MonitorOptions,
} from "./callbacks/early_stopping.ts";
export { KeepBest } from "./callbacks/keep_best.ts";
export type { BestState } from "./callbacks/best_weights.ts";
export { LayerStatistics, type LayerStatisticsOptions, NanWatchdog, type Spread } from "./callbacks/model_monitors.ts";
export { type EpochRecord, Recorder, type RecorderState } from "./callbacks/recorder.ts";
export { Schedule, type ScheduleOption } from "./callbacks/schedule.ts";

// Progress on a terminal.
export {
  describeEpoch,
  formatSeconds,
  Progress,
  type ProgressOutput,
  showDownload,
  ShowProgress,
  type ShowProgressOptions,
  standardError,
} from "./callbacks/show_progress.ts";

// Averages of weights.
export {
  AveragedModel,
  type AveragedModelOptions,
  type AverageFunction,
  getEmaAvgFn,
  updateBn,
} from "./averaged_model.ts";

// Checkpoints.
export { Checkpoints, type CheckpointsOptions, loadCheckpoint } from "./checkpoint/checkpoints.ts";
export { RunSettings, type RunSettingsOptions, type Settings } from "./checkpoint/run_settings.ts";
export type { LearnerState, RngState } from "./checkpoint/learner_state.ts";

// Metrics, also an entry point of their own, and trained models as source text.
/** The metrics as a namespace: `metrics.accuracy()`. */
export * as metrics from "./metrics/metrics.ts";
export type { BatchResult, Metric, MetricValue } from "./metrics/metric.ts";
export { type ExportOptions, exportTs } from "./export/export_ts.ts";

// Types of other entry points that these speak of.
export type * from "../../core/types.ts";
export type { ForwardHook, ForwardPreHook, FullBackwardHook, HookHandle } from "../nn/nn.ts";
export type { AnyModule, Buffer, LoadOptions, LoadReport, Module, Parameter, Sequential, State } from "../nn/nn.ts";
export type {
  AttachedSchedule,
  GroupOptions,
  GroupSettings,
  Optimizer,
  OptimizerStateDict,
  ParameterState,
  ParamGroup,
  Params,
  ReduceLROnPlateau,
  ReduceLROnPlateauSettings,
  ReduceLROnPlateauState,
  SavedGroup,
  Scheduler,
  SchedulerStateDict,
} from "../optim/optim.ts";
