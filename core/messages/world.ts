/**
 * The processes that train together: a world of one, until `parallel.init()` finds more. What must know of it, data loaders and the
 * training loop, asks here, and loads nothing of MPI.
 */

/** This process among those that run together. */
export interface World {
  /** The number of this process, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** Copies the bytes of rank `from` into the `data` of all others. */
  broadcast(data: ArrayBufferView<ArrayBuffer>, from: number): void;
  /** The bytes of every rank, in the order of ranks; each has as many. */
  gather(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[];
}

const ALONE: World = { rank: 0, size: 1, broadcast: () => {}, gather: (data) => [data.slice()] };

let present = ALONE;

/** The processes that run together. */
export function world(): World {
  return present;
}

/** Called by `parallel.init()`. */
export function registerWorld(found: World): void {
  present = found;
}

/** A number of each rank, in the order of ranks. */
export function numbersOfAll(number: number): number[] {
  return present.gather(new Uint8Array(Float64Array.of(number).buffer)).map((bytes) =>
    new Float64Array(bytes.buffer)[0]
  );
}

/** The text of one rank, which any length may have. */
export function textOf(rank: number, text: string): string {
  const bytes = new TextEncoder().encode(text);
  const length = numbersOfAll(bytes.length)[rank];
  const data = present.rank === rank ? bytes : new Uint8Array(length);
  present.broadcast(data, rank);
  return new TextDecoder().decode(data);
}

const ofAll = new WeakSet<object>();

/** An error that every rank throws: one of them is to tell of it. */
export function thrownByAll<E extends Error>(error: E): E {
  ofAll.add(error);
  return error;
}

/** Whether it is such an error. */
export function isThrownByAll(error: unknown): error is Error {
  return error instanceof Error && ofAll.has(error);
}
