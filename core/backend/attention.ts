/** The verbs of attention: what each is told, its checks, and its descriptor for C. */
import { floatBits } from "./descriptor.ts";
import type { Strided } from "./backend.ts";
import { memoryGone, type TypedArray } from "../dtype.ts";

/** One attention: of queries [batch, heads, rows, width], keys [batch, heads, cols, width] and values [batch, heads, cols, values]. */
export interface Attention {
  /** Texts. */
  readonly batch: number;
  /** Heads of each. */
  readonly heads: number;
  /** Queries of each head. */
  readonly rows: number;
  /** Its keys. */
  readonly cols: number;
  /** How many values a query has, and a key. */
  readonly width: number;
  /** How many a value has. */
  readonly values: number;
  /** The factor of the products. */
  readonly scale: number;
  /** Query i sees the keys up to i + this; `null` for all. */
  readonly causal: number | null;
}

/** What the verbs of attention read; all strides are of [batch, heads, rows or columns, elements]. */
export interface AttentionOperands {
  readonly q: Strided;
  readonly k: Strided;
  readonly v: Strided;
  /** What is added to the products, [batch, heads, rows, cols]; `null` for nothing. */
  readonly mask: Strided | null;
  /**
   * The logarithms of the sums of each query's exponentials, [batch, heads, rows], which forward writes and backward reads: ∞ for one that
   * sees nothing. With `hasKeep`, after them the factors of the weights, [batch, heads, rows, cols].
   */
  readonly aux: TypedArray;
  /** Whether the weights have factors: dropout's. */
  readonly hasKeep: boolean;
  /** The result. */
  readonly y: Strided;
}

/** Where the gradients go, all in one array, by that of the result. */
export interface AttentionGradients {
  /** The gradient of the result. */
  readonly g: Strided;
  readonly dq: Strided;
  readonly dk: Strided;
  readonly dv: Strided;
  /** Whether dk and dv are added to, which is for one head alone. */
  readonly add: boolean;
}

/** In the order of `kernels.h`. */
const OPERANDS = ["q", "k", "v", "mask", "y", "g", "dq", "dk", "dv"] as const;
const [HEADER, FIELDS] = [13, 6];
const descriptor = new Int32Array(HEADER + FIELDS * OPERANDS.length);

/** The sizes of each operand. */
export function attentionSizes({ batch, heads, rows, cols, width, values }: Attention): Record<Operand, number[]> {
  const [q, k, v] = [[batch, heads, rows, width], [batch, heads, cols, width], [batch, heads, cols, values]];
  const y = [batch, heads, rows, values];
  return { q, k, v, mask: [batch, heads, rows, cols], y, g: y, dq: q, dk: k, dv: v };
}

/** An operand by its name. */
export type Operand = typeof OPERANDS[number];

/**
 * Checks that all operands lie in their arrays.
 *
 * @throws {RangeError} If one does not.
 */
export function checkAttention(d: Attention, read: AttentionOperands, back: AttentionGradients | null): void {
  const sizes = attentionSizes(d), action = `attend with [${sizes.q}] to [${sizes.k}]`;
  if (!Object.values(sizes).flat().every((n) => n >= 0 && (n | 0) === n)) {
    throw new RangeError(`Cannot ${action}: its sizes must be integers below 2147483648`);
  }
  for (const [name, operand] of Object.entries({ ...read, ...back })) {
    if (name in sizes && operand !== null) checkReach(action, name, sizes[name as Operand], operand as Strided);
  }
  const rows = d.batch * d.heads * d.rows, needed = rows * (read.hasKeep ? 1 + d.cols : 1);
  if (!(needed <= read.aux.length)) {
    throw new RangeError(`Cannot ${action}: aux needs ${needed} elements and has ${read.aux.length}`);
  }
  if (back === null) return;
  if (back.dq.data !== back.dk.data || back.dk.data !== back.dv.data) {
    throw new RangeError(`Cannot ${action}: the gradients must stand in one array`);
  }
  if (back.add && d.batch * d.heads > 1) throw new RangeError(`Cannot ${action}: only one head is added to`);
}

function checkReach(action: string, name: string, shape: readonly number[], { data, offset, strides }: Strided): void {
  if (shape.includes(0)) return;
  const reaches = shape.map((size, i) => (size - 1) * strides[i]);
  const low = reaches.reduce((sum, reach) => sum + Math.min(reach, 0), offset);
  const high = reaches.reduce((sum, reach) => sum + Math.max(reach, 0), offset);
  if (low >= 0 && high < data.length) return;
  if (data.length === 0) throw memoryGone();
  throw new RangeError(`Cannot ${action}: ${name} reaches from ${low} to ${high} in a buffer of ${data.length}`);
}

/** Whether the elements of all but the mask lie side by side, as C wants them. */
export function isDense(d: Attention, read: AttentionOperands, back: AttentionGradients | null): boolean {
  const operands = [read.q, read.k, read.v, read.y, ...(back === null ? [] : [back.g, back.dq, back.dk, back.dv])];
  return operands.every(({ strides }) => strides[3] === 1) && Math.max(d.batch, d.heads, d.rows, d.cols) < 2 ** 31;
}

/** The descriptor of a call. */
export function describeAttention(
  d: Attention,
  read: AttentionOperands,
  back: AttentionGradients | null,
): Int32Array<ArrayBuffer> {
  const { mask, aux, hasKeep } = read, into = descriptor;
  into[0] = d.batch, into[1] = d.heads, into[2] = d.rows, into[3] = d.cols, into[4] = d.width, into[5] = d.values;
  into[6] = d.causal === null ? 0 : 1, into[7] = d.causal ?? 0, into[8] = floatBits(d.scale);
  into[9] = back?.add ? 1 : 0, into[10] = mask === null ? 0 : 1, into[11] = hasKeep ? 1 : 0, into[12] = aux.length;
  const all: Partial<Record<Operand, Strided | null>> = { ...read, ...back };
  OPERANDS.forEach((name, i) => describeOperand(into, HEADER + FIELDS * i, all[name] ?? null));
  return into;
}

/** Replaces an operand in a descriptor. */
function describeOperand(into: Int32Array, at: number, operand: Strided | null): void {
  if (operand === null) return void into.fill(0, at, at + FIELDS);
  into[at] = operand.offset, into[at + 5] = operand.data.length;
  for (let i = 0; i < 4; i++) into[at + 1 + i] = operand.strides[i];
}

/** Where a descriptor has an operand. */
export function operandAt(name: Operand): number {
  return HEADER + FIELDS * OPERANDS.indexOf(name);
}
