/**
 * Training on several processes, on one machine or many, by MPI.
 *
 * Start a script by `mpirun -n 4 deno run …`: each process runs all of it, on its own part of each batch. Alone it runs as well, without
 * MPI.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import * as parallel from "@gradus/gradus/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * parallel.init();
 * const sum = parallel.allReduce(tensor([1, 2]));
 * assertEquals(sum.at(1).item(), 2 * parallel.worldSize());
 * ```
 *
 * @module
 */
export { init, type InitOptions, rank, worldSize } from "./init.ts";
export {
  allGather,
  allReduce,
  allReduce_,
  type AllReduceOptions,
  barrier,
  broadcast,
  broadcast_,
  type BroadcastOptions,
  type ReduceOp,
  reduceScatter,
} from "./collectives.ts";
export { DataParallel, type DataParallelOptions } from "./data_parallel.ts";
export { SyncBatchNorm } from "./sync_batch_norm.ts";
export type { Sending } from "./reducer.ts";

// Types of other entry points that these speak of.
export type { AnyModule, LoadOptions, LoadReport, Module, State } from "../nn/module.ts";
export type { ForwardHook, ForwardPreHook, FullBackwardHook, HookHandle } from "../nn/module_hooks.ts";
export type { ChannelNorm, ChannelNormOptions } from "../nn/channel_norm.ts";
export type { Buffer, BufferOptions, Parameter, ParameterOptions } from "../nn/parameter.ts";
export type * from "../../core/types.ts";
