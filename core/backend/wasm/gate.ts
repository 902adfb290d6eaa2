/** The way back through activations by wasm: those whose slopes take JavaScript longer than the copies. */
import type { Numbers } from "../../dtype.ts";
import type { Activation, Backend, Slope } from "../backend.ts";
import { describeGate, GATE_FIELDS, unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import { checkGate } from "../training_checks.ts";
import type { WasmRoom } from "./room.ts";

/** What is worth the copies, as a function and on the way back. */
export const SLOW_ACTIVATIONS = ["elu", "gelu", "geluTanh", "silu", "mish", "softplus"] as const satisfies Slope[];

const SLOW: ReadonlySet<Activation | Slope> = new Set(SLOW_ACTIVATIONS);

/** `gate` for these activations of float32; everything else is passed on to the reference loops. */
export function wasmGate({ kernel, place }: WasmRoom): Backend["gate"] {
  const local = new Int32Array(GATE_FIELDS);
  return function gate(
    op: Activation | Slope,
    rows: number,
    cols: number,
    g: Numbers,
    y: Numbers,
    out: Numbers | null,
    db: Numbers | null,
    low = 0,
    high = 0,
  ): void {
    const known = SLOW.has(op) && db === null && [g, y, out].every((x) => x instanceof Float32Array);
    if (!known) return reference.gate(op, rows, cols, g, y, out, db, low, high);
    checkGate(op, rows, cols, g, y, out, db);
    const n = rows * cols;
    const [base, atG, atY] = place([local.byteLength, 4 * n, 4 * n]);
    describeGate(local, op, rows, cols, n, n, n, null, low, high);
    const heap = kernel.memory.buffer;
    new Int32Array(heap, base, local.length).set(local);
    new Float32Array(heap, atG, n).set(g.subarray(0, n));
    new Float32Array(heap, atY, n).set(y.subarray(0, n));
    unwrap(kernel.gradus_gate(base, atG, atY, atG, 0), "gate");
    out!.set(new Float32Array(heap, atG, n));
  };
}
