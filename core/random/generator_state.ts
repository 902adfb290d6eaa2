/** How a generator's state is laid out in bytes: PyTorch's own layout, so that either library can carry on the other's stream. */
import { STATE_WORDS } from "./mt19937.ts";

/** Bytes of a state: PyTorch's `CPUGeneratorImplState`, what `torch.get_rng_state()` returns. */
export const STATE_BYTES = 5056;

const SEED = 0;
const LEFT = 8;
const SEEDED = 12;
const NEXT = 16;
const WORDS = 24;
const NORMAL = WORDS + 8 * STATE_WORDS + 8;
const NORMAL_VALID = NORMAL + 16;

/** Everything that decides a generator's future draws. */
export interface GeneratorState {
  /** The seed it began from, of [0, 2⁶⁴). */
  seed: bigint;
  /** The engine's 624 words. */
  words: Uint32Array;
  /** The engine's `left`, 1 to 624. */
  left: number;
  /** The engine's `next`, 0 to 624. */
  next: number;
  /** The second half of the last pair of normals, if it is still to be handed out. */
  nextNormal: number | undefined;
}

/** The 5056 bytes of `state`. */
export function encodeState(state: GeneratorState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(SEED, state.seed, true);
  view.setInt32(LEFT, state.left, true);
  view.setInt32(SEEDED, 1, true);
  view.setUint32(NEXT, state.next, true);
  // PyTorch gives each 32-bit word eight bytes.
  state.words.forEach((word, i) => view.setUint32(WORDS + 8 * i, word, true));
  if (state.nextNormal !== undefined) {
    view.setFloat64(NORMAL, state.nextNormal, true);
    view.setInt32(NORMAL_VALID, 1, true);
  }
  return bytes;
}

/**
 * The state that `bytes` hold.
 *
 * @throws {RangeError} If they are not 5056 bytes, or hold a state that no generator reaches.
 */
export function decodeState(bytes: Uint8Array): GeneratorState {
  if (bytes.length !== STATE_BYTES) {
    throw new RangeError(`Cannot read a generator's state of ${bytes.length} bytes: it has ${STATE_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, STATE_BYTES);
  const left = view.getInt32(LEFT, true);
  const next = view.getUint32(NEXT, true);
  checkPosition(view.getInt32(SEEDED, true), left, next);
  const words = Uint32Array.from({ length: STATE_WORDS }, (_, i) => readWord(view, i));
  return { seed: view.getBigUint64(SEED, true), words, left, next, nextNormal: readNormal(view) };
}

function checkPosition(seeded: number, left: number, next: number): void {
  const fresh = left === 1 && next === 0;
  const running = left >= 1 && next >= 1 && left + next === STATE_WORDS + 1;
  if (seeded === 1 && (fresh || running)) return;
  throw new RangeError(
    `Cannot read a generator's state: seeded ${seeded}, left ${left} and next ${next} (bytes 8 to 23) do not fit together`,
  );
}

function readWord(view: DataView, i: number): number {
  const at = WORDS + 8 * i;
  if (view.getUint32(at + 4, true) !== 0) {
    throw new RangeError(`Cannot read a generator's state: word ${i} at byte ${at} is past 32 bits`);
  }
  return view.getUint32(at, true);
}

function readNormal(view: DataView): number | undefined {
  if (view.getInt32(NORMAL_VALID, true) === 0) return undefined;
  const normal = view.getFloat64(NORMAL, true);
  if (Number.isFinite(normal)) return normal;
  throw new RangeError(`Cannot read a generator's state: the kept normal at byte ${NORMAL} is ${normal}`);
}
