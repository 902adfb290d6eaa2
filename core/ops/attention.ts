/** Attention: each query's mean of the values, weighted by the softmax of its products with the keys. */
import { requireTensor } from "../arguments.ts";
import type { Attention as Sizes } from "../backend/sequences.ts";
import type { Strided } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { fromData, tensor } from "../create.ts";
import { allocate, type DType, dtypeOf, isFloating, promote, type TypedArray } from "../dtype.ts";
import { newEmpty, viewOf } from "../memory/allocate.ts";
import { Generator } from "../random/generator.ts";
import { fillDropout, type FloatArray } from "../random/torch_streams.ts";
import { type AttentionSettings, record } from "../record.ts";
import { broadcastShapes, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast, copyOf } from "./elementwise.ts";
import { matmul } from "./linalg.ts";
import { detached, expand, permute, reshape, select, transpose } from "./movement.ts";
import { where } from "./where.ts";

/** What the products of queries and keys become weights by. */
export type Attention = Pick<AttentionSettings, "scale" | "causal">;

/**
 * The weights [..., L, S] of queries q [..., L, E] over keys k [..., S, E]: `softmax(scale · q kᵀ + mask)`, as operations. Those of a
 * query that sees nothing are 0, and so are its gradients.
 */
export function attentionWeights(q: Tensor, k: Tensor, mask: Tensor | null, { scale, causal }: Attention): Tensor {
  let scores = matmul(q.mul(scale), transpose(k, -2, -1)); // [..., L, S]
  if (mask !== null) scores = scores.add(mask);
  if (causal !== null) scores = scores.add(cast(causalMask(q.shape.at(-2)!, k.shape.at(-2)!, causal), q.dtype));
  if (scores.numel() === 0) return scores;
  const top = detached(scores.max(-1, true).values);
  const e = scores.sub(where(top.eq(-Infinity), 0, top)).exp();
  const sums = e.sum(-1, true);
  return e.div(where(sums.eq(0), 1, sums)); // the sum is at least 1 where anything is seen
}

/** −∞ where a query does not see a key, 0 elsewhere. */
function causalMask(rows: number, cols: number, shift: number): Tensor {
  const values = Array.from({ length: rows * cols }, (_, at) => {
    const i = Math.floor(at / cols);
    return at - i * cols <= i + shift ? 0 : -Infinity;
  });
  return tensor(values).view(rows, cols);
}

/** Queries, keys and values of one float dtype whose sizes fit, and the mask as numbers that are added. */
interface AttentionInputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor | null;
}

/**
 * Checks the inputs of attention, and casts them to their common dtype.
 *
 * @throws {RangeError} If the sizes do not fit together.
 * @throws {TypeError} If they are integers, or the mask is one.
 */
export function attentionInputs(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null): AttentionInputs {
  requireTensor(q, "attend with the queries");
  requireTensor(k, "attend to the keys");
  requireTensor(v, "attend to the values");
  checkSizes(q, k, v);
  const dtype = promote(promote(q.dtype, k.dtype), v.dtype);
  if (!isFloating(dtype)) throw new TypeError(`Cannot attend with ${dtype} tensors: cast them with float()`);
  const added = mask === null ? null : cast(addedMask(mask), dtype);
  if (added !== null) checkMask(q, k, added);
  return { q: cast(q, dtype), k: cast(k, dtype), v: cast(v, dtype), mask: added };
}

function checkSizes(q: Tensor, k: Tensor, v: Tensor): void {
  const [a, b, c] = [q, k, v].map((x) => x.shape);
  const clash = [a, b, c].some((shape) => shape.length < 2)
    ? "each has the dimensions [..., length, width]"
    : a.at(-1) !== b.at(-1)
    ? `queries of ${a.at(-1)} and keys of ${b.at(-1)} values have no product`
    : b.at(-2) !== c.at(-2)
    ? `there is one value for each key`
    : null;
  if (clash === null) return;
  throw new RangeError(`Cannot attend with queries ${show(a)}, keys ${show(b)} and values ${show(c)}: ${clash}`);
}

/** A mask of bools, true where a key takes part, as numbers that are added. */
function addedMask(mask: Tensor): Tensor {
  requireTensor(mask, "attend with the mask");
  if (mask.dtype === "bool") return where(mask, 0, -Infinity);
  if (isFloating(mask.dtype)) return mask;
  throw new TypeError(`Cannot attend with a mask of ${mask.dtype}: give bools, or floats that are added`);
}

function checkMask(q: Tensor, k: Tensor, mask: Tensor): void {
  const lead = broadcastShapes(q.shape.slice(0, -2), k.shape.slice(0, -2), "attend to batches of");
  const shape = [...lead, q.shape.at(-2)!, k.shape.at(-2)!];
  const fits = mask.ndim <= shape.length &&
    mask.shape.every((size, i) => size === 1 || size === shape[shape.length - mask.ndim + i]);
  if (fits) return;
  throw new RangeError(`Cannot attend with a mask ${show(mask.shape)}: it must broadcast to ${show(shape)}`);
}

// In one pass, a block of weights at a time.

/** Dropout of weights: the probability, and the stream. */
export interface WeightDropout {
  readonly p: number;
  readonly generator: Generator;
}

/** Queries, keys and values of a common dtype: three tensors, or one [3, batch, heads, length, width] of all. */
export type Packed = readonly [q: Tensor, k: Tensor, v: Tensor] | readonly [all: Tensor];

/** Attention without its weights, by a mask that asks for no gradient: [..., L, V]. */
export function attention(inputs: Packed, mask: Tensor | null, by: Attention, dropout: WeightDropout | null): Tensor {
  const [q, k, v] = unpacked(inputs);
  const { dtype } = q, all = headsOf(q, k, v, mask);
  const out = newLike(all.d.values, q, all.lead, dtype);
  const settings: AttentionSettings = {
    ...by,
    packed: inputs.length === 1,
    dropout: dropout === null || dropout.p === 0 ? null : { p: dropout.p, state: dropout.generator.getState() },
    lse: allocate(dtype, all.d.batch * all.d.heads * all.d.rows),
  };
  const read = { ...all.read, y: asHeads(out, all.lead) }, d = { ...all.d, ...by };
  if (settings.dropout === null) backend().attention(d, { ...read, aux: settings.lse, hasKeep: false });
  else {
    forEachBlock(d, settings, dropout!.generator, (block, aux, at, from) => {
      const { q, k, v, mask, y } = at(read);
      backend().attention(block, { q, k, v, mask, aux, hasKeep: true, y });
      settings.lse.set(aux.subarray(0, block.rows), from);
    });
  }
  return record("attention", out, mask === null ? inputs : [...inputs, mask], settings);
}

/** The gradients of the inputs by g, that of the result y. */
export function attentionGradients(
  inputs: Packed,
  mask: Tensor | null,
  settings: AttentionSettings,
  y: Tensor,
  g: Tensor,
): Tensor[] {
  const [q, k, v] = unpacked(inputs);
  const all = headsOf(q, k, v, mask), { d: sizes, lead } = all, d = { ...sizes, ...settings };
  const read = { ...all.read, y: asHeads(y, lead) };
  const slots = gradientSlots(inputs, sizes, lead, q.dtype);
  const [dq, dk, dv] = slots.parts.map((part) => asHeads(part, lead));
  const upper = asHeads(cast(g, q.dtype), lead);
  if (settings.dropout === null) {
    const back = { g: upper, dq, dk, dv, add: false };
    backend().attentionBackward(d, { ...read, aux: settings.lse, hasKeep: false }, back);
    return slots.gradients;
  }
  const stream = new Generator().setState(settings.dropout.state);
  forEachBlock(d, settings, stream, (block, aux, at, from, isFirst) => {
    aux.set(settings.lse.subarray(from, from + block.rows));
    const { q, k, v, mask, y, g, rows, keys, values } = at({ ...read, g: upper, rows: dq, keys: dk, values: dv });
    const back = { g, dq: rows, dk: keys, dv: values, add: !isFirst };
    backend().attentionBackward(block, { q, k, v, mask, aux, hasKeep: true, y }, back);
  });
  return slots.gradients;
}

/** All factors of the weights, [..., L, S]: for gradients of gradients. */
export function keptWeights(
  shape: readonly number[],
  dtype: DType,
  { p, state }: NonNullable<AttentionSettings["dropout"]>,
): Tensor {
  const kept = allocate(dtype, sizeOf(shape));
  fillDropout(new Generator().setState(state), kept as FloatArray, p);
  return fromData(kept, shape);
}

/** The three parts of what may be one tensor. */
export function unpacked(inputs: Packed): readonly [q: Tensor, k: Tensor, v: Tensor] {
  if (inputs.length === 3) return inputs;
  return [0, 1, 2].map((i) => select(inputs[0], 0, i)) as [Tensor, Tensor, Tensor];
}

/** Operands as [batch, heads, length, width], and their sizes. */
interface AsHeads {
  readonly lead: readonly number[];
  readonly d: Omit<Sizes, "scale" | "causal">;
  readonly read: { readonly q: Strided; readonly k: Strided; readonly v: Strided; readonly mask: Strided | null };
}

function headsOf(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null): AsHeads {
  const lead = [q, k, v].map((x) => x.shape.slice(0, -2)).reduce((a, b) =>
    broadcastShapes(a, b, "attend to batches of")
  );
  const [rows, width] = q.shape.slice(-2), [cols, values] = v.shape.slice(-2);
  const heads = lead.at(-1) ?? 1, batch = sizeOf(lead.slice(0, -1));
  const wide = mask && expand(detached(mask), [...lead, rows, cols]);
  const read = {
    ...{ q: asHeads(q, lead), k: asHeads(k, lead), v: asHeads(v, lead) },
    mask: wide && fourDimensional(wide, lead),
  };
  return { lead, d: { batch, heads, rows, cols, width, values }, read };
}

/** x [..., length, width] expanded to these leading sizes, as [batch, heads, length, width], whose last elements lie side by side. */
function asHeads(x: Tensor, lead: readonly number[]): Strided {
  const [length, width] = x.shape.slice(-2);
  const isDense = x.strides[x.ndim - 1] === 1 || width <= 1;
  const wide = expand(detached(isDense ? x : copyOf(detached(x))), [...lead, length, width]);
  const { data, offset, strides } = fourDimensional(wide, lead);
  return { data, offset, strides: [...strides.slice(0, 3), 1] };
}

function fourDimensional(x: Tensor, lead: readonly number[]): Strided {
  if (lead.length === 2) return x;
  const { data, offset, strides } = lead.length < 2 ? x : reshape(x, [-1, lead.at(-1)!, ...x.shape.slice(-2)]);
  return { data, offset, strides: [...Array<number>(Math.max(2 - lead.length, 0)).fill(0), ...strides] };
}

/** A new result [..., L, values], whose heads lie within a row where those of the queries do: so that joining them copies nothing. */
function newLike(values: number, q: Tensor, lead: readonly number[], dtype: DType): Tensor {
  const rows = q.shape.at(-2)!;
  if (q.ndim !== 4 || lead.length !== 2) return newEmpty([...lead, rows, values], dtype);
  const order = byStride(q);
  const sizes = [...lead, rows, values];
  return permute(newEmpty(order.map((dim) => sizes[dim]), dtype), order.map((_, dim) => order.indexOf(dim)));
}

/** The dimensions as they lie in memory, the last one at the end. */
function byStride({ strides }: Tensor): number[] {
  const others = strides.slice(0, -1).map((_, dim) => dim).sort((a, b) => strides[b] - strides[a] || a - b);
  return [...others, strides.length - 1];
}

/** Memory for the gradients, one array of all: as the packed input lies, or one after the other. */
function gradientSlots(
  inputs: Packed,
  { rows, cols, width, values }: AsHeads["d"],
  lead: readonly number[],
  dtype: DType,
): { parts: Tensor[]; gradients: Tensor[] } {
  if (inputs.length === 1) {
    const [x] = inputs, order = byStride(x);
    const all = permute(newEmpty(order.map((dim) => x.shape[dim]), dtype), order.map((_, dim) => order.indexOf(dim)));
    return { parts: [0, 1, 2].map((i) => select(all, 0, i)), gradients: [all] };
  }
  const shapes = [[rows, width], [cols, width], [cols, values]].map((last) => [...lead, ...last]);
  const all = newEmpty([shapes.reduce((sum, shape) => sum + sizeOf(shape), 0)], dtype);
  let offset = 0;
  const parts = shapes.map((shape) => {
    const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
    const part = viewOf(all, shape, strides, offset);
    offset += sizeOf(shape);
    return part;
  });
  return { parts, gradients: parts };
}

/** The most factors that are drawn at a time, unless a single query has more. */
const BLOCK = 1 << 16;

type Named = Readonly<Record<string, Strided | null>>;

/**
 * Calls `visit` for blocks of queries of each head in order, with the factors of their weights, which are drawn meanwhile, and with what
 * gives the operands of the block: those of rows, and those of keys.
 */
function forEachBlock(
  d: Sizes,
  { dropout, lse }: AttentionSettings,
  generator: Generator,
  visit: (
    block: Sizes,
    aux: TypedArray,
    at: <T extends Named>(all: T) => T,
    from: number,
    isFirst: boolean,
  ) => void,
): void {
  const size = Math.max(1, Math.floor(BLOCK / Math.max(d.cols, 1)));
  for (let plane = 0; plane < d.batch * d.heads; plane++) {
    const [b, h] = [Math.floor(plane / d.heads), plane % d.heads];
    for (let i = 0; i < d.rows; i += size) {
      const rows = Math.min(size, d.rows - i), aux = allocate(dtypeOf(lse), rows * (1 + d.cols));
      fillDropout(generator, aux.subarray(rows) as FloatArray, dropout!.p);
      const block = { ...d, batch: 1, heads: 1, rows, causal: d.causal === null ? null : d.causal + i };
      const at = <T extends Named>(all: T): T => {
        const moved = Object.entries(all).map((
          [name, x],
        ) => [name, x && partOf(x, b, h, OF_KEYS.includes(name) ? 0 : i)]);
        return Object.fromEntries(moved);
      };
      visit(block, aux, at, plane * d.rows + i, i === 0);
    }
  }
}

/** The operands that all blocks of a head share. */
const OF_KEYS = ["k", "v", "keys", "values"];

function partOf({ data, offset, strides }: Strided, b: number, h: number, i: number): Strided {
  return { data, offset: offset + b * strides[0] + h * strides[1] + i * strides[2], strides };
}
