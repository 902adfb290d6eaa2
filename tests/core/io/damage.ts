import { assert } from "@std/assert";
import * as fc from "fast-check";

/** One way to damage a file. */
export type Damage =
  | { kind: "cut"; at: number }
  | { kind: "flip"; at: number; bit: number }
  | { kind: "set"; at: number; byte: number }
  | { kind: "insert"; at: number; bytes: number[] }
  | { kind: "remove"; at: number; count: number }
  | { kind: "number"; at: number; value: number };

// Not fc.double(), whose numbers crowd at 0: every damage would hit the first byte.
const at = fc.noBias(fc.nat(999_999)).map((n) => n / 1_000_000);
const NUMBERS = [0, 1, 0x7f, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** One to three damages: truncations, flips, edits of bytes and of sizes. Places are fractions of the file. */
export const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("cut" as const), at }),
    fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
    fc.record({
      kind: fc.constant("set" as const),
      at,
      byte: fc.constantFrom(...new TextEncoder().encode("0123456789,-(){}'\":\\ LTF\n<>|x\0\x80\xff")),
    }),
    fc.record({
      kind: fc.constant("insert" as const),
      at,
      bytes: fc.array(fc.nat(255), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant("remove" as const), at, count: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ kind: fc.constant("number" as const), at, value: fc.constantFrom(...NUMBERS) }),
  ),
  { minLength: 1, maxLength: 3 },
);

/** `file` with the damage done to it; half of the places are in its first quarter, where headers are. */
export function damage(file: Uint8Array, all: readonly Damage[]): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(file);
  for (const one of all) {
    const at = Math.floor((one.at < 0.5 ? one.at / 2 : 2 * one.at - 1) * bytes.length);
    bytes = edit(bytes, one, at);
  }
  return bytes;
}

function edit(bytes: Uint8Array<ArrayBuffer>, one: Damage, at: number): Uint8Array<ArrayBuffer> {
  switch (one.kind) {
    case "cut":
      return bytes.slice(0, at);
    case "flip":
      bytes[at] ^= 1 << one.bit;
      return bytes;
    case "set":
      bytes[at] = one.byte;
      return bytes;
    case "insert":
      return new Uint8Array([...bytes.subarray(0, at), ...one.bytes, ...bytes.subarray(at)]);
    case "remove":
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + one.count)]);
    case "number":
      if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, one.value, true);
      return bytes;
  }
}

/** Memory that a reader of a small file may take before it has found the fault. */
const MOST_BYTES = 1 << 26;

/**
 * Reads damaged bytes: `true` if they gave a value that `isRight` accepts, or an error that names the file and a place in
 * it. Anything else, and a large allocation, is the reader's fault.
 */
export function readsOrRefuses<T>(read: () => T, isRight: (value: T) => boolean): boolean {
  const before = Deno.memoryUsage().external;
  try {
    const value = read();
    assert(isRight(value), "a wrong tensor");
  } catch (error) {
    checkError(error);
  }
  assert(Deno.memoryUsage().external - before < MOST_BYTES, "took much memory");
  return true;
}

/** An error of the reader's own: SyntaxError or RangeError, with the file's name and a place. */
export function checkError(error: unknown): void {
  assert(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
  assert(/^Cannot (read|use|inflate) (JSON in )?bad\b/.test(error.message), error.message);
  assert(/byte|header|line|record|ends at|has \d+|holds no rows/.test(error.message), `no place: ${error.message}`);
}
