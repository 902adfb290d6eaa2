/** What a learner does with others, where ranks share its batches: one state, one end, sums over all. */
import { noGrad } from "../../backward/tape.ts";
import { typedArrayOver } from "../../core/dtype.ts";
import { decodeSafetensors, encodeSafetensors } from "../../core/io/safetensors/safetensors.ts";
import { wrap } from "../../core/memory/allocate.ts";
import { numbersOfAll, world } from "../../core/messages/world.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Module } from "../nn/module.ts";
import type { Callback } from "./callbacks/callback.ts";
import type { LearnerState } from "./checkpoint/learner_state.ts";
import { packState, unpackState } from "./checkpoint/packed_state.ts";
import { type Loss, lossOf } from "./learner_options.ts";
import type { BatchResult } from "./metrics/metric.ts";

/** The callbacks that this rank calls: those that print or write, rank 0 alone. */
export function callbacksHere(callbacks: readonly Callback[], shared: boolean): readonly Callback[] {
  return shared && world().rank > 0 ? callbacks.filter(({ firstRankOnly }) => firstRankOnly !== true) : callbacks;
}

/** Whether any rank is to stop, and which. */
export function rankToStop(stops: boolean): number | null {
  const rank = numbersOfAll(Number(stops)).indexOf(1);
  return rank < 0 ? null : rank;
}

/** The state that rank 0 loads, on every rank: the others need not reach its files. */
export async function stateOfFirst(load: () => Promise<LearnerState | null>): Promise<LearnerState | null> {
  let bytes = new Uint8Array(0);
  if (world().rank === 0) {
    const { json, tensors } = packState(await load());
    bytes = new Uint8Array(encodeSafetensors(tensors, { json }));
  }
  const [length] = numbersOfAll(bytes.length);
  if (world().rank > 0) bytes = new Uint8Array(length);
  world().broadcast(bytes, 0);
  const { tensors, metadata } = decodeSafetensors(bytes, "the state of rank 0");
  return unpackState({ json: metadata.get("json")!, tensors: new Map(tensors as Map<string, Tensor>) }) as
    | LearnerState
    | null;
}

/** Holds a model's gradients back until their group is complete, if it is one that shares them. */
export function shareGradients(model: Module, completes: boolean): void {
  if ("synchronize" in model) model.synchronize = completes;
}

/** The parts that all ranks have of a batch, as one, without the rows that only make it even. */
export function wholeBatch(part: BatchResult, lossFunction: Loss, rows: number): BatchResult {
  const [y, prediction] = [part.y, part.prediction].map((tensor) => wholeTensor(tensor, rows));
  return { x: part.x, y, prediction, loss: noGrad(() => lossOf({ lossFunction, prediction, y })), rows };
}

/** The mean losses of all ranks over their rows, in the order of ranks. */
export function lossesOfAll({ x, loss }: BatchResult): [mean: number, rows: number][] {
  const rows = numbersOfAll(x.shape[0] ?? 1);
  return numbersOfAll(loss.item()).map((mean, rank) => [mean, rows[rank]]);
}

function wholeTensor(part: Tensor, rows: number): Tensor {
  const own = noGrad(() => part.detach().contiguous()), { dtype } = own, n = own.numel();
  const data = own.data.subarray(own.offset, own.offset + n);
  const all = world().gather(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength));
  const whole = typedArrayOver(dtype, new ArrayBuffer(all.length * data.byteLength), 0, all.length * n);
  all.forEach((bytes, rank) => whole.set(typedArrayOver(dtype, bytes.buffer, 0, n), rank * n));
  return wrap(whole, [all.length * part.shape[0], ...part.shape.slice(1)], dtype).narrow(0, 0, rows);
}
