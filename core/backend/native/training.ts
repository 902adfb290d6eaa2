/** The native verbs for training: derivatives of activations, cross-entropy, and the optimisers' steps. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend, UpdateKind, UpdateSlot } from "../backend.ts";
import { ACTIVATION_BACKWARD_FIELDS, describeActivationBackward, hasDerivative, unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import { type Buffer, type Functions, NOTHING } from "./open_library.ts";
import { badTarget, checkActivationBackward, checkLoss, checkUpdate } from "../checks.ts";

// In the order of kernels.h.
const backwardDescriptor = new Int32Array(ACTIVATION_BACKWARD_FIELDS);
const lossDescriptor = new Int32Array(6);
const answer = new Float64Array(1);

/** `activationBackward` for float32; other dtypes, and activations that C does not know, are passed on to the reference. */
export function nativeActivationBackward(
  { gradus_activation_backward }: Pick<Functions, "gradus_activation_backward">,
): Backend["activationBackward"] {
  return function activationBackward(op, rows, cols, g, y, out, db, low = 0, high = 0) {
    const known = hasDerivative(op) && isFloat32(g) && isFloat32(y) && isFloat32OrNull(out) && isFloat32OrNull(db);
    if (!known) {
      return reference.activationBackward(op, rows, cols, g, y, out, db, low, high);
    }
    checkActivationBackward(op, rows, cols, g, y, out, db);
    describeActivationBackward(
      backwardDescriptor,
      op,
      rows,
      cols,
      g.length,
      y.length,
      out?.length ?? null,
      db?.length ?? null,
      low,
      high,
    );
    const code = gradus_activation_backward(backwardDescriptor, g, y, out ?? NOTHING, db ?? NOTHING);
    if (code !== 0) unwrap(code, `differentiate ${op}`);
  };
}

/** `crossEntropy` for float32; other dtypes are passed on to the reference. */
export function nativeCrossEntropy(
  { gradus_cross_entropy }: Pick<Functions, "gradus_cross_entropy">,
): Backend["crossEntropy"] {
  return function crossEntropy(rows, cols, z, targets, dz) {
    if (!isFloat32(z) || !isFloat32OrNull(dz)) return reference.crossEntropy(rows, cols, z, targets, dz);
    checkLoss(rows, cols, z, targets, dz);
    const d = lossDescriptor;
    d[0] = rows, d[1] = cols, d[2] = z.length, d[3] = targets.length;
    d[4] = dz === null ? 0 : dz.length, d[5] = dz === null ? 0 : 1;
    const code = gradus_cross_entropy(d, z, targets as Int32Array<ArrayBuffer>, dz ?? NOTHING, answer);
    if (code === BAD_INDEX) throw badTarget(answer[0], cols);
    if (code !== 0) unwrap(code, "take the cross-entropy");
    return answer[0];
  };
}

const BAD_INDEX = 4;
/** The kinds of update by their number in `kernels.h`. */
export const UPDATE_KINDS: Record<UpdateKind, number> = { sgd: 0, adam: 1 };
const SLOT = 8;
const SLOT_ARRAYS = 4;

/** The addresses and lengths of all arrays of a list of slots, so that a step passes a single pointer to C. */
interface Table {
  slots: BigInt64Array<ArrayBuffer>;
  /** The arrays at these addresses, which must not be collected meanwhile. */
  entered: (TypedArray | null)[];
  /** Their lengths when they were entered: if the buffer of one is transferred, its length becomes 0. */
  lengths: Int32Array;
}

/** `update` for float32; lists with other dtypes are passed on to the reference. */
export function nativeUpdate({ gradus_update, gradus_address }: Functions): Backend["update"] {
  const tables = new WeakMap<readonly UpdateSlot[], Table>();

  function tableOf(slots: readonly UpdateSlot[]): Table {
    let table = tables.get(slots);
    const parts = SLOT_ARRAYS * slots.length;
    if (table === undefined || table.entered.length !== parts) {
      table = {
        slots: new BigInt64Array(SLOT * slots.length),
        entered: new Array(parts).fill(null),
        lengths: new Int32Array(parts),
      };
      tables.set(slots, table);
    }
    return table;
  }

  function enter(table: Table, slot: number, part: number, array: TypedArray | null): void {
    const at = SLOT_ARRAYS * slot + part;
    const length = array === null ? 0 : array.length;
    if (table.entered[at] === array && table.lengths[at] === length) return;
    table.entered[at] = array, table.lengths[at] = length;
    // V8 keeps a small array in its heap, where the collector moves it, until its buffer is asked for.
    if (array !== null) void array.buffer;
    table.slots[SLOT * slot + SLOT_ARRAYS + part] = BigInt(length);
    gradus_address(table.slots, SLOT * slot + part, (array ?? NOTHING) as Buffer);
  }

  return function update(kind, settings, slots) {
    if (!allSlotsFloat32(slots)) return reference.update(kind, settings, slots);
    checkUpdate(kind, settings, slots);
    const table = tableOf(slots);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      enter(table, i, 0, slot.p), enter(table, i, 1, slot.g), enter(table, i, 2, slot.m), enter(table, i, 3, slot.v);
    }
    const code = gradus_update(
      UPDATE_KINDS[kind],
      settings as Float64Array<ArrayBuffer>,
      table.slots,
      slots.length,
    );
    if (code !== 0) unwrap(code, "update");
  };
}

function allSlotsFloat32(slots: readonly UpdateSlot[]): boolean {
  for (let i = 0; i < slots.length; i++) {
    const { p, g, m, v } = slots[i];
    if (!isFloat32(p) || !isFloat32(g) || !isFloat32OrNull(m) || !isFloat32OrNull(v)) return false;
  }
  return true;
}

function isFloat32(x: TypedArray): x is Buffer {
  return x instanceof Float32Array;
}

function isFloat32OrNull(x: TypedArray | null): x is Buffer | null {
  return x === null || x instanceof Float32Array;
}
