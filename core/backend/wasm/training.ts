/** The wasm verbs for training: derivatives of activations, cross-entropy, and the optimisers' steps, a piece at a time where that can be. */
import { type Backend, UPDATE_SETTINGS, type UpdateSlot } from "../backend.ts";
import { checkActivationBackward, checkUpdate } from "../checks.ts";
import { unwrap } from "../descriptor.ts";
import { nativeActivationBackward, nativeCrossEntropy, UPDATE_KINDS } from "../native/training.ts";
import { reference } from "../reference/reference.ts";
import type { TypedArray } from "../../dtype.ts";
import { callWith, type Part, type WasmWorkspace } from "./workspace.ts";

/** Elements of a piece: so few that the copies of four arrays are still in L2 when C reads them. */
const PIECE = 32 << 10;

/** `activationBackward` for float32 and what C has; everything else is passed on to the reference. */
export function wasmActivationBackward(workspace: WasmWorkspace): Backend["activationBackward"] {
  const { kernel } = workspace;
  const inC = nativeActivationBackward({
    gradus_activation_backward: (d, g, y, out, db) => {
      const [[op, rows, cols], hasOut, hasDb] = [d, d[7] !== 0, d[8] !== 0];
      const size = rows * cols;
      const parts = [
        partOf(g, 0, size, "read"),
        partOf(y, 0, op === 0 ? 0 : size, "read"),
        partOf(out, 0, hasOut ? size : 0, "write"),
        partOf(db, 0, hasDb ? cols : 0, "write"),
      ];
      return callWith(
        workspace,
        d,
        parts,
        (_, base, at) => kernel.gradus_activation_backward(base, at[0], at[1], at[2], at[3]),
      );
    },
  });
  return function activationBackward(op, rows, cols, g, y, out, db, low = 0, high = 0) {
    const size = rows * cols;
    if (op === "none" && db === null) return reference.activationBackward(op, rows, cols, g, y, out, db, low, high);
    if (db !== null || out === null || !(size > PIECE)) return inC(op, rows, cols, g, y, out, db, low, high);
    checkActivationBackward(op, rows, cols, g, y, out, db);
    for (let from = 0; from < size; from += PIECE) {
      const end = Math.min(size, from + PIECE);
      inC(op, 1, end - from, g.subarray(from, end), y.subarray(from, end), out.subarray(from, end), null, low, high);
    }
  };
}

/** `crossEntropy` for float32; other dtypes are passed on to the reference. */
export function wasmCrossEntropy(workspace: WasmWorkspace): Backend["crossEntropy"] {
  const { kernel } = workspace;
  return nativeCrossEntropy({
    gradus_cross_entropy: (d, z, targets, dz, answer) => {
      const [rows, cols] = d;
      const parts = [
        partOf(z, 0, rows * cols, "read"),
        partOf(targets, 0, rows, "read"),
        partOf(dz, 0, d[5] === 0 ? 0 : rows * cols, "write"),
        partOf(answer, 0, 1, "read"),
      ];
      return callWith(workspace, d, parts, (_, base, at) => {
        const code = kernel.gradus_cross_entropy(base, at[0], at[1], at[2], at[3]);
        answer.set(new Float64Array(kernel.memory.buffer, at[3], 1)); // also where it is a target out of bounds
        return code;
      });
    },
  });
}

/** `update` for float32; lists with other dtypes are passed on to the reference. */
export function wasmUpdate(workspace: WasmWorkspace): Backend["update"] {
  const table = new Int32Array(16); // of one slot: 64-bit numbers, four addresses and four lengths, whose upper halves stay 0
  return function update(kind, settings, slots) {
    if (!slots.every(isFloat32)) return reference.update(kind, settings, slots);
    checkUpdate(kind, settings, slots);
    const momentum = kind === "adam" || settings[UPDATE_SETTINGS.momentum] !== 0;
    for (const { p, g, m, v } of slots) {
      for (let from = 0; from < p.length; from += PIECE) {
        const length = Math.min(PIECE, p.length - from);
        const arrays: [TypedArray, Part["use"]][] = [[p, "change"], [g, "read"]];
        if (momentum) arrays.push([m!, "change"]);
        if (kind === "adam") arrays.push([v!, "change"]);
        const parts = arrays.map(([data, use]) => partOf(data, from, length, use));
        parts.push(partOf(settings, 0, settings.length, "read"));
        const code = callWith(workspace, table, parts, (ints, base, at) => {
          arrays.forEach((_, i) => (ints[2 * i] = at[i], ints[8 + 2 * i] = length));
          return workspace.kernel.gradus_update(UPDATE_KINDS[kind], at.at(-1)!, base, 1);
        });
        if (code !== 0) unwrap(code, "update");
      }
    }
  };
}

function partOf(data: TypedArray, from: number, length: number, use: Part["use"]): Part {
  return { data, from, length, use };
}

function isFloat32({ p, g, m, v }: UpdateSlot): boolean {
  return [p, g, m ?? p, v ?? p].every((x) => x instanceof Float32Array);
}
