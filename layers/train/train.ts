/**
 * Training: the learner, what stands around its loop, checkpoints, and weights out. One list of what is public here.
 *
 * @module
 */
export type { Batches, BatchSource, LearnerData, TrainingBatch } from "./batches.ts";
export { type Callback, CancelBatch, CancelEpoch, CancelFit, type Hook } from "./callback.ts";
export { Checkpoints, type CheckpointsOptions } from "./checkpoints.ts";
export { ClipGradients, type ClipGradientsOptions } from "./clip_gradients.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./early_stopping.ts";
export { exportTs } from "./export_ts.ts";
export { findLr, type FindLrOptions, type LrCurve } from "./find_lr.ts";
export { LayerStatistics, type LayerStatisticsOptions, type Spread } from "./layer_statistics.ts";
export { Learner } from "./learner.ts";
export type { FitOptions, FitReport, LearnerOptions, Loss } from "./learner_options.ts";
export type { LearnerState } from "./learner_state.ts";
export type { Metric, MetricValue } from "./metric.ts";
export { NanWatchdog } from "./nan_watchdog.ts";
export { formatSeconds, Progress, type ProgressOutput, standardError } from "./progress.ts";
export { type EpochRecord, Recorder, type RecorderState } from "./recorder.ts";
export { Schedule, type ScheduleOption } from "./schedule.ts";
export { describeEpoch, ShowProgress, type ShowProgressOptions } from "./show_progress.ts";
export type { StreamState } from "./streams.ts";
export type { WatchOptions } from "./watched.ts";
/** Judgements of predictions: `metrics.accuracy()`. */
export * as metrics from "./metrics.ts";
