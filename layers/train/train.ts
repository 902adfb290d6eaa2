/**
 * Training: the learner, what stands around its loop, checkpoints, and weights out. One list of what is public here.
 *
 * @module
 */
export type { Batches, BatchSource, LearnerData, TrainingBatch } from "./batches.ts";
export { type Callback, CancelBatch, CancelEpoch, CancelFit, type Hook } from "./callbacks/callback.ts";
export { Checkpoints, type CheckpointsOptions } from "./checkpoint/checkpoints.ts";
export { ClipGradients, type ClipGradientsOptions } from "./callbacks/clip_gradients.ts";
export { EarlyStopping, type EarlyStoppingOptions, type WatchOptions } from "./callbacks/early_stopping.ts";
export { exportTs } from "./export/export_ts.ts";
export { findLr, type FindLrOptions, type LrCurve } from "./find_lr.ts";
export { LayerStatistics, type LayerStatisticsOptions, NanWatchdog, type Spread } from "./callbacks/watch_model.ts";
export { Learner } from "./learner.ts";
export type { FitOptions, FitReport, LearnerOptions, Loss } from "./learner_options.ts";
export type { LearnerState, StreamState } from "./checkpoint/learner_state.ts";
export type { Metric, MetricValue } from "./metrics/metric.ts";
export {
  describeEpoch,
  formatSeconds,
  Progress,
  type ProgressOutput,
  ShowProgress,
  type ShowProgressOptions,
  standardError,
} from "./callbacks/show_progress.ts";
export { type EpochRecord, Recorder, type RecorderState } from "./callbacks/recorder.ts";
export { Schedule, type ScheduleOption } from "./callbacks/schedule.ts";
/** Judgements of predictions: `metrics.accuracy()`. */
export * as metrics from "./metrics/metrics.ts";
