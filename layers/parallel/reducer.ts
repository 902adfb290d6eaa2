/** Gradients averaged over ranks while the way back goes on: in buckets, which are sent as they fill. */
import { atEndOfPass } from "../../backward/hooks.ts";
import { noGrad } from "../../backward/tape.ts";
import { bytesOf } from "../../core/dtype.ts";
import { peekGradient } from "../../core/gradient_slot.ts";
import { wrap } from "../../core/memory/allocate.ts";
import type { Call, MpiWorld } from "../../core/messages/mpi.ts";
import { sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Parameter } from "../nn/parameter.ts";
import { beginReduction, newPiece, type Piece } from "./collectives.ts";

/** When a bucket was sent and when it had come back, in milliseconds of `performance.now()`. */
export interface Sending {
  /** How many bytes it holds. */
  readonly bytes: number;
  /** When it was full, and sent. */
  readonly sent: number;
  /** When the average of all ranks was there. */
  done: number;
}

/** Gradients that are sent together. */
interface Bucket {
  readonly params: readonly Parameter[];
  /** The gradients one after another, and behind them for each whether some rank has it. */
  readonly piece: Piece;
  /** Those of this pass that are in the piece. */
  readonly filled: Set<Parameter>;
  call: Call | null;
  sending: Sending | null;
}

/** What a reducer is told. */
interface ReducerOptions {
  readonly bucketBytes: number;
  readonly deterministic: boolean;
}

/** Averages the gradients of parameters over ranks in each backward pass. */
export class Reducer {
  #buckets: Bucket[];
  #place = new Map<Parameter, number>(); // the number of each parameter's bucket
  #arrived: Parameter[] = []; // in this pass, in order
  #active = false;
  #ordered = false; // whether the buckets have the order of a pass
  #next = 0; // the bucket that is sent next: all ranks send them in one order
  /** What was sent in the last pass. */
  timeline: Sending[] = [];

  /** Buckets for these parameters, at first from the last one on. */
  constructor(readonly world: MpiWorld, readonly params: readonly Parameter[], readonly options: ReducerOptions) {
    this.#buckets = this.#bucketsOf(params.toReversed());
  }

  /** Takes the gradient that a pass has left on a parameter. */
  take(param: Parameter): void {
    if (!this.#active) this.#begin();
    this.#arrived.push(param);
    const bucket = this.#buckets[this.#place.get(param)!];
    this.#fill(bucket, param, peekGradient(param));
    this.#send((bucket) => bucket.filled.size === bucket.params.length);
    for (const { call } of this.#buckets) call?.advance();
  }

  /** Forgets a pass that did not end. */
  reset(): void {
    this.#active = false;
  }

  #begin(): void {
    this.#active = true;
    [this.#next, this.#arrived, this.timeline] = [0, [], []];
    for (const bucket of this.#buckets) {
      bucket.filled.clear();
      [bucket.call, bucket.sending] = [null, null];
    }
    atEndOfPass(() => this.#active && this.#finish());
  }

  #fill({ params, piece: { data, dtype }, filled }: Bucket, param: Parameter, g: Tensor | null): void {
    let at = 0;
    for (const before of params.slice(0, params.indexOf(param))) at += before.numel();
    const n = param.numel(), flag = data.length - params.length + params.indexOf(param);
    const part = data.subarray(at, at + n);
    data[flag] = Number(g !== null);
    filled.add(param);
    if (g === null) part.fill(-0); // x + −0 is x, also where x is −0
    else if (g.isContiguous()) part.set(g.data.subarray(g.offset, g.offset + n));
    else noGrad(() => wrap(part, param.shape, dtype).copy_(g.detach()));
  }

  /** Sends, in order, the buckets that may go. */
  #send(mayGo: (bucket: Bucket) => boolean): void {
    while (this.#next < this.#buckets.length && mayGo(this.#buckets[this.#next])) {
      const bucket = this.#buckets[this.#next++], { piece } = bucket;
      this.timeline.push(bucket.sending = { bytes: piece.data.byteLength, sent: performance.now(), done: 0 });
      bucket.call = beginReduction(this.world, piece, { deterministic: this.options.deterministic });
    }
  }

  /** Sends what is left, with nothing for what the pass did not reach, waits, and leaves the averages. */
  #finish(): void {
    this.#active = false;
    for (const bucket of this.#buckets.slice(this.#next)) {
      for (const param of bucket.params) if (!bucket.filled.has(param)) this.#fill(bucket, param, peekGradient(param));
    }
    this.#send(() => true);
    for (const bucket of this.#buckets) {
      bucket.call!.wait();
      bucket.sending!.done = performance.now();
      this.#leave(bucket);
    }
    if (!this.#ordered) this.#order();
  }

  #leave({ params, piece: { data, dtype } }: Bucket): void {
    const sums = data.length - params.length;
    noGrad(() => sums > 0 && wrap(data.subarray(0, sums), [sums], dtype).mul_(1 / this.world.size));
    let at = 0;
    for (const [i, param] of params.entries()) {
      const n = param.numel(), mean = data.subarray(at, at += n), g = peekGradient(param);
      if (data[sums + i] === 0) continue; // no rank reached it
      if (g?.isContiguous()) g.data.set(mean, g.offset);
      else param.g = wrap(mean.slice(), param.shape, dtype);
    }
  }

  /** Makes the buckets anew in the order in which rank 0 got its gradients. */
  #order(): void {
    this.#ordered = true;
    const missing = this.params.filter((param) => !this.#arrived.includes(param));
    const order = Int32Array.from([...this.#arrived, ...missing], (param) => this.params.indexOf(param));
    this.world.broadcast(order, 0);
    this.#buckets = this.#bucketsOf(Array.from(order, (i) => this.params[i]));
  }

  #bucketsOf(params: readonly Parameter[]): Bucket[] {
    const groups: Parameter[][] = [];
    let bytes = Infinity;
    for (const param of params) {
      const more = param.numel() * bytesOf(param.dtype);
      if (bytes + more > this.options.bucketBytes || groups.at(-1)![0].dtype !== param.dtype) {
        groups.push([]), bytes = 0;
      }
      groups.at(-1)!.push(param);
      bytes += more;
    }
    groups.forEach((group, i) => group.forEach((param) => this.#place.set(param, i)));
    return groups.map((group) => {
      const length = group.reduce((sum, { shape }) => sum + sizeOf(shape), group.length);
      return { params: group, piece: newPiece(group[0].dtype, length), filled: new Set(), call: null, sending: null };
    });
  }
}
