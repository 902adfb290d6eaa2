/**
 * Memory that begins on a cache line. A vector that lies across two lines is read twice: (1024×128)ᵀ @ 1024×784 takes 7 % longer
 * where rows begin 16 bytes after a line, as the engine's own memory does.
 */

/** Bytes of a cache line. */
export const LINE = 64;

/** What a library that is open can tell of memory and do with it; the language has no addresses and no allocator. */
export interface SystemMemory {
  /** How many bytes after a line a buffer begins. */
  line(start: Uint8Array<ArrayBuffer>): number;
  /** Gives memory that is free back to the system, where the C library keeps too much of it. */
  trim(): void;
}

const known: SystemMemory[] = [];

/** Called by a library; the result makes it be forgotten again. */
export function registerMemory(system: SystemMemory): () => void {
  known.push(system);
  return () => void known.splice(known.indexOf(system), 1);
}

/** Zeroed memory of so many bytes that begins on a line, where that can be known. */
export function onLine(bytes: number): Uint8Array<ArrayBuffer> {
  const system = known.at(-1);
  if (system === undefined) return new Uint8Array(bytes);
  const room = new Uint8Array(bytes + LINE);
  if (bytes >= LARGE) collected.register(room.buffer, bytes);
  const after = system.line(room);
  return room.subarray(LINE - after, LINE - after + bytes);
}

/** Memory of so many bytes is worth being told of when the engine has collected it. */
const LARGE = 1 << 20;
/** After so many bytes it is worth looking how much the C library keeps. */
const MANY = 64 << 20;
let since = 0;

const collected = new FinalizationRegistry((bytes: number) => {
  since += bytes;
  if (since < MANY) return;
  since = 0;
  known.at(-1)?.trim();
});
