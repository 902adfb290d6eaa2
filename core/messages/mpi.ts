/** A world of processes that MPI connects: messages that are begun, waited for with a limit, and whose errors name call and rank. */
import { dtypeOf, type TypedArray } from "../dtype.ts";
import { exitCode } from "../host/program.ts";
import { terminal } from "../host/host.ts";
import type { Launch } from "./launch.ts";
import type { Shim } from "./open_shim.ts";
import { loadShim, textOf } from "./shim_file.ts";
import { isThrownByAll, thrownByAll, type World } from "./world.ts";

/** What ranks do together, by the number that stands in what they announce. */
const CALLS = ["allReduce", "reduceScatter", "allGather", "broadcast", "barrier", "the end of its program"] as const;

/** What ranks do together. */
export type CallName = typeof CALLS[number];

/** How values of all ranks become one. */
export const REDUCTIONS = ["sum", "product", "min", "max"] as const;

/** The elements' types as the shim numbers them; bytes are 0. */
const KINDS = { float32: 1, float64: 2, int32: 3, uint8: 4 } as const;

const [SEND, RECEIVE, BROADCAST, GATHER, REDUCE] = [0, 1, 2, 3, 4];
const ANNOUNCEMENT = 0; // the tag of announcements; all other messages have one by the number of their call
const MOST_BYTES = 1 << 30; // of one message
const STAGGER = 300; // milliseconds by which a rank waits for each lower one to tell of a fault that all of them find

/** A message that was begun: its number, and the rank from which it has to come. */
interface Begun {
  readonly number: number;
  readonly from: number | null;
}

/** Messages that are waited for: what the shim is given, their numbers from the fifth place on, and where they come from. */
interface Pending {
  readonly table: Int32Array<ArrayBuffer>;
  readonly from: readonly (number | null)[];
}

function pendingOf(begun: readonly Begun[]): Pending {
  const table = new Int32Array(new ArrayBuffer(4 * (begun.length + 20)));
  table[1] = begun.length;
  begun.forEach(({ number }, i) => table[4 + i] = number);
  return { table, from: begun.map(({ from }) => from) };
}

/** What a call still has to do: each step begins messages, which have ended when the next one runs. */
export type CallSteps = Generator<Begun[], void>;

/** Memory that stays where it is while MPI reads and writes it. */
export function room(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(Math.max(bytes, 8)), 0, bytes);
}

/** A call that goes on while this rank does something else. */
export class Call {
  #open = pendingOf([]);
  #done = false;

  /** Begins it. */
  constructor(readonly world: MpiWorld, readonly name: CallName, readonly steps: CallSteps) {
    this.#next();
  }

  /** Goes on as far as it can without waiting; returns whether it is done. */
  advance(): boolean {
    while (!this.#done && this.world.ended(this.name, this.#open, 0)) this.#next();
    return this.#done;
  }

  /** Waits for its end. */
  wait(): void {
    while (!this.#done) {
      if (!this.world.ended(this.name, this.#open, this.world.timeout)) throw this.#late();
      this.#next();
    }
  }

  #next(): void {
    const { done, value } = this.steps.next();
    this.#done = done === true;
    this.#open = pendingOf(value ?? []);
    if (this.#done) this.world.calls.delete(this);
    else this.world.calls.add(this); // which keeps the memory of its messages
  }

  #late(): Error {
    const { table, from } = this.#open;
    const late = from.filter((rank, i): rank is number => rank !== null && table[4 + i] >= 0);
    const absent = [...new Set(late)].sort((a, b) => a - b);
    const who = absent.length === 0 ? "another rank" : `rank${absent.length > 1 ? "s" : ""} ${absent.join(", ")}`;
    const seconds = this.world.timeout / 1000;
    return this.world.fault(
      this.name,
      `${who} did not come within ${seconds} s; it hangs, or init({ timeout }) is too short`,
    );
  }
}

/** The world in which MPI started this process. */
export class MpiWorld implements World {
  readonly rank: number;
  readonly size: number;
  /** The library, as it calls itself. */
  readonly library: string;
  /** Calls that are not done. */
  readonly calls = new Set<Call>();
  readonly #shim: Shim;
  #begun = 0;
  #closed = false;

  /**
   * Joins the world, within `timeout` milliseconds for what others have to do.
   *
   * @throws {Error} If MPI cannot be loaded, or is another one than that of the launcher.
   */
  constructor({ size, compilers }: Launch, readonly timeout: number) {
    this.#shim = loadShim(compilers);
    const facts = new Int32Array(2);
    const code = this.#shim.gradus_mpi_open(facts);
    [this.rank, this.size] = facts;
    this.library = textOf(this.#shim, -1).split("\n")[0];
    if (code !== 0) throw this.fault("barrier", `MPI_Init failed: ${textOf(this.#shim, code)}`);
    if (this.size !== size) {
      throw new Error(
        `Cannot join ${size} processes: ${this.library} knows of ${this.size}, the launcher is another MPI's; ` +
          `start them by its own mpirun, or name the launcher's compiler in GRADUS_MPICC`,
      );
    }
    this.#endTogether();
  }

  /** An error that names the call and this rank; one that all ranks find is told by the lowest. */
  fault(name: CallName, what: string): Error {
    return thrownByAll(new Error(`Cannot go on with ${name} on rank ${this.rank} of ${this.size}: ${what}`));
  }

  /** Whether these messages have ended, after `milliseconds` at most. */
  ended(name: CallName, { table, from }: Pending, milliseconds: number): boolean {
    table[0] = milliseconds;
    const code = this.#shim.gradus_mpi_wait(table);
    if (code === 0) return table[2] === 0;
    const rank = from[table[3]], what = rank === null ? "a message" : `the message of rank ${rank}`;
    throw this.fault(name, `${what} failed: ${textOf(this.#shim, code)}`);
  }

  #begin(
    name: CallName,
    kind: number,
    data: ArrayBufferView<ArrayBuffer>,
    type: number,
    other: number,
    tag: number,
    op = 0,
    result = data,
  ): Begun {
    const bytesEach = [1, 4, 8, 4, 1][type];
    const d = Int32Array.of(kind, data.byteLength / bytesEach, type, other, tag, op, 0);
    const code = this.#shim.gradus_mpi_begin(d, bytesOf(data), bytesOf(result));
    if (code !== 0) {
      const whom = other === this.rank ? "" : ` with rank ${other}`;
      throw this.fault(name, `a message${whom} failed: ${textOf(this.#shim, code)}`);
    }
    return { number: d[6], from: kind === RECEIVE ? other : null };
  }

  /** The ranks but this one. */
  others(): number[] {
    return Array.from({ length: this.size }, (_, i) => i).filter((rank) => rank !== this.rank);
  }

  /**
   * Tells all ranks what this one is about to do, and hears what they are: ranks that differ would else wait for each other, or take one
   * thing for another. Returns the number of the call, for its tags.
   */
  *announce(name: CallName, type: number, bytes: number): Generator<Begun[], number> {
    const call = this.#begun++;
    const own = [CALLS.indexOf(name), type, bytes % 2 ** 30, Math.floor(bytes / 2 ** 30)];
    const words = new Int32Array(new ArrayBuffer(16 * (this.size + 1)));
    words.set(own, 4 * this.size);
    const said = (rank: number) => new Uint8Array(words.buffer, 16 * rank, 16);
    yield this.others().flatMap((rank) => [
      this.#begin(name, RECEIVE, said(rank), 0, rank, ANNOUNCEMENT),
      this.#begin(name, SEND, said(this.size), 0, rank, ANNOUNCEMENT),
    ]);
    for (const rank of this.others()) {
      const theirs = words.subarray(4 * rank, 4 * rank + 4);
      if (own.every((word, i) => word === theirs[i])) continue;
      const size = theirs[2] + 2 ** 30 * theirs[3];
      const what = `${CALLS[theirs[0]]}${theirs[0] < 4 ? ` of ${size} bytes` : ""}`;
      throw this.fault(
        name,
        `this rank has ${bytes} bytes for it, rank ${rank} has come to ${what}; ` +
          "give each the same number of batches, and the same model",
      );
    }
    return call;
  }

  /** Sends each other rank its part of `from`, and receives its part of `into`: parts by rank, those of this rank are left alone. */
  exchange(
    name: CallName,
    call: number,
    round: number,
    from: (rank: number) => TypedArray,
    into: (rank: number) => TypedArray,
  ): Begun[] {
    const tag = 1 + 2 * (call % 8192) + round;
    return this.others().flatMap((rank) => {
      const [out, back] = [from(rank), into(rank)];
      return [
        ...back.length === 0 ? [] : [this.#begin(name, RECEIVE, bytes(back), 0, rank, tag)],
        ...out.length === 0 ? [] : [this.#begin(name, SEND, bytes(out), 0, rank, tag)],
      ];
    });
  }

  /** The library's own reduction, in whatever order it takes. */
  reduce(name: CallName, data: TypedArray, op: typeof REDUCTIONS[number]): Begun[] {
    if (data.length === 0) return [];
    const type = KINDS[dtypeOf(data) as keyof typeof KINDS];
    return [this.#begin(name, REDUCE, bytes(data), type, this.rank, 0, REDUCTIONS.indexOf(op))];
  }

  broadcast(data: ArrayBufferView<ArrayBuffer>, from: number): void {
    new Call(this, "broadcast", this.#broadcasting(data, from)).wait();
  }

  *#broadcasting(data: ArrayBufferView<ArrayBuffer>, from: number): CallSteps {
    yield* this.announce("broadcast", 0, data.byteLength);
    const source = bytesOf(data);
    for (let at = 0; at < source.length; at += MOST_BYTES) {
      const part = source.subarray(at, at + MOST_BYTES), copy = room(part.length);
      copy.set(part);
      yield [this.#begin("broadcast", BROADCAST, copy, 0, from, 0)];
      if (from !== this.rank) part.set(copy);
    }
  }

  gather(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const all = room(data.length * this.size), n = data.length;
    new Call(this, "allGather", this.#gathering(data, all)).wait();
    return Array.from({ length: this.size }, (_, rank) => all.slice(n * rank, n * (rank + 1)));
  }

  *#gathering(data: Uint8Array<ArrayBuffer>, all: Uint8Array<ArrayBuffer>): CallSteps {
    yield* this.announce("allGather", 0, data.length);
    const own = room(data.length);
    own.set(data);
    if (data.length > 0) yield [this.#begin("allGather", GATHER, own, 0, this.rank, 0, 0, all)];
  }

  /** Waits until all ranks are here. */
  meet(name: CallName): void {
    const { announce } = this;
    const steps = function* (world: MpiWorld): CallSteps {
      yield* announce.call(world, name, 0, 0);
    };
    new Call(this, name, steps(this)).wait();
  }

  /** Ends the processes of all ranks. */
  abort(why: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    const isFault = isThrownByAll(why);
    // All ranks find such a fault, and one is to tell of it: the lowest, whose abort ends the others while they wait.
    if (isFault) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STAGGER * this.rank);
    const text = isFault ? why.message : why instanceof Error ? why.stack ?? String(why) : why;
    terminal("stderr").write(`Rank ${this.rank} of ${this.size} ended the job: ${text}\n`);
    this.#shim.gradus_mpi_abort(1);
  }

  // A rank that fails must not leave the others waiting, and one that ends early must say so.
  #endTogether(): void {
    addEventListener("error", ({ error, message }) => this.abort(error ?? message));
    addEventListener("unhandledrejection", ({ reason }) => this.abort(reason));
    addEventListener("unload", () => {
      if (this.#closed) return;
      const code = exitCode();
      if (code !== 0) return this.abort(`its program ended with code ${code}`);
      try {
        this.meet("the end of its program");
        this.#closed = true;
        this.#shim.gradus_mpi_close();
      } catch (error) {
        this.abort(error);
      }
    });
  }
}

function bytesOf(data: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function bytes(data: TypedArray): Uint8Array<ArrayBuffer> {
  return bytesOf(data as ArrayBufferView<ArrayBuffer>);
}
