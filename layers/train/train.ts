/**
 * Training: the learner, what stands around its loop, checkpoints, and weights out. One list of what is public here.
 *
 * @module
 */
export type { Batches, BatchSource, LearnerData, TrainingBatch } from "./batches.ts";
export { type Callback, CancelBatch, CancelEpoch, CancelFit, type Hook } from "./callbacks/callback.ts";
export { Checkpoints, type CheckpointsOptions } from "./checkpoint/checkpoints.ts";
export { ClipGradients, type ClipGradientsOptions } from "./callbacks/clip_gradients.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./callbacks/early_stopping.ts";
export { exportTs } from "./export/export_ts.ts";
export { findLr, type FindLrOptions, type LrCurve } from "./find_lr.ts";
export { LayerStatistics, type LayerStatisticsOptions, type Spread } from "./callbacks/layer_statistics.ts";
export { Learner } from "./learner.ts";
export type { FitOptions, FitReport, LearnerOptions, Loss } from "./learner_options.ts";
export type { LearnerState } from "./checkpoint/learner_state.ts";
export type { Metric, MetricValue } from "./metrics/metric.ts";
export { NanWatchdog } from "./callbacks/nan_watchdog.ts";
export { formatSeconds, Progress, type ProgressOutput, standardError } from "./callbacks/progress.ts";
export { type EpochRecord, Recorder, type RecorderState } from "./callbacks/recorder.ts";
export { Schedule, type ScheduleOption } from "./callbacks/schedule.ts";
export { describeEpoch, ShowProgress, type ShowProgressOptions } from "./callbacks/show_progress.ts";
export type { StreamState } from "./checkpoint/streams.ts";
export type { WatchOptions } from "./callbacks/watched.ts";
/** Judgements of predictions: `metrics.accuracy()`. */
export * as metrics from "./metrics/metrics.ts";
