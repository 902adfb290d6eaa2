/** Sequences of different lengths as one batch: padded to one length, or packed step by step without the padding. */
import { checkOptions, describe, requireArray, requireTensor } from "../../../core/arguments.ts";
import { full } from "../../../core/create.ts";
import { gather } from "../../../core/ops/index.ts";
import { cat, stack } from "../../../core/ops/join.ts";
import { elements } from "../../../core/ops/movement.ts";
import { show } from "../../../core/shape.ts";
import { Tensor } from "../../../core/tensor.ts";

/** How a batch of sequences lies, and what it is filled up with. */
export interface PadSequenceOptions {
  /**
   * Whether the batch comes before the steps.
   *
   * @default {false}
   */
  batchFirst?: boolean;
  /**
   * What stands behind the end of a sequence.
   *
   * @default {0}
   */
  paddingValue?: number;
}

/** The options of {@linkcode packPaddedSequence}. */
export interface PackPaddedSequenceOptions {
  /**
   * Whether the batch comes before the steps.
   *
   * @default {false}
   */
  batchFirst?: boolean;
  /**
   * Whether the lengths must descend. If not, sequences are sorted here, and back again where they are padded.
   *
   * @default {true}
   */
  enforceSorted?: boolean;
}

/** The options of {@linkcode padPackedSequence}. */
export interface PadPackedSequenceOptions extends PadSequenceOptions {
  /**
   * The length that all are padded to.
   *
   * @default {null} for that of the longest
   */
  totalLength?: number | null;
}

/**
 * Sequences of different lengths without padding: the first steps of all, longest sequence first, then the second steps of those that have
 * one, and so on. Made by {@linkcode packPaddedSequence}; PyTorch's `PackedSequence`.
 */
export class PackedSequence {
  /** A batch whose rows are `data`. Throws a TypeError if that is no tensor. */
  constructor(
    /** The rows [steps of all sequences, …]. */
    readonly data: Tensor,
    /** How many sequences reach each step. */
    readonly batchSizes: readonly number[],
    /** The lengths of the sequences, in the order in which they were given. */
    readonly lengths: readonly number[],
    /** Which of them stands at each place of a step; `null` where they came sorted. */
    readonly sortedIndices: Int32Array | null = null,
  ) {
    requireTensor(data, "make a PackedSequence of");
  }

  /** The same sequences with other rows: what is computed from each row by itself. */
  withData(data: Tensor): PackedSequence {
    requireTensor(data, "fill a PackedSequence with");
    const rows = this.data.shape[0];
    if (data.ndim > 0 && data.shape[0] === rows) {
      return new PackedSequence(data, this.batchSizes, this.lengths, this.sortedIndices);
    }
    throw new RangeError(`Cannot fill a PackedSequence of ${rows} rows with ${show(data.shape)}: give ${rows} rows`);
  }
}

/**
 * Sequences side by side, filled up to the length of the longest: [length, batch, …], or [batch, length, …]. PyTorch's `pad_sequence`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const padded = nn.padSequence([tensor([1, 2, 3]), tensor([4])], { batchFirst: true });
 * assertEquals(padded.toArray(), [[1, 2, 3], [4, 0, 0]]);
 * ```
 * @throws {RangeError} If there is none, or they differ in more than their first size.
 */
export function padSequence(sequences: readonly Tensor[], options: PadSequenceOptions = {}): Tensor {
  requireArray(sequences, "pad the sequences", "[tensor([1, 2]), tensor([3])]");
  checkOptions("pad sequences", options, ["batchFirst", "paddingValue"], {
    batchFirst: "boolean",
    paddingValue: "number",
  });
  const { batchFirst = false, paddingValue = 0 } = options;
  for (const x of sequences) requireTensor(x, "pad the sequence");
  if (sequences.length === 0) throw new RangeError("Cannot pad an empty list of sequences: give at least one");
  const [first] = sequences, rest = first.shape.slice(1);
  const wrong = sequences.find((x) => x.ndim === 0 || show(x.shape.slice(1)) !== show(rest));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot pad sequences of shapes ${show(first.shape)} and ${show(wrong.shape)}: only their lengths may differ`,
    );
  }
  const length = Math.max(...sequences.map((x) => x.shape[0]));
  const filled = sequences.map((x) => cat([x, full([length - x.shape[0], ...rest], paddingValue, { dtype: x.dtype })]));
  return stack(filled, batchFirst ? 0 : 1);
}

/**
 * Packs sequences that were padded to x [length, batch, …], or [batch, length, …], by their lengths. A length of 0 is allowed: such a
 * sequence has no row, and a recurrent layer leaves its state as it was. PyTorch's `pack_padded_sequence`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const packed = nn.packPaddedSequence(tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], { batchFirst: true });
 * assertEquals(packed.data.toArray(), [1, 4, 2, 3]);
 * assertEquals(packed.batchSizes, [2, 1, 1]);
 * ```
 * @throws {RangeError} If there is not a length for each sequence, one is longer than x, or they do not descend though they must.
 */
export function packPaddedSequence(
  x: Tensor,
  lengths: readonly number[] | Tensor,
  options: PackPaddedSequenceOptions = {},
): PackedSequence {
  requireTensor(x, "pack");
  checkOptions("pack sequences", options, ["batchFirst", "enforceSorted"], {
    batchFirst: "boolean",
    enforceSorted: "boolean",
  });
  const { batchFirst = false, enforceSorted = true } = options;
  if (x.ndim < 2) {
    throw new RangeError(`Cannot pack ${show(x.shape)}: expected [length, batch, …], or [batch, length, …]`);
  }
  const [length, batch] = batchFirst ? [x.shape[1], x.shape[0]] : x.shape;
  const of = lengths instanceof Tensor ? Array.from(elements(lengths), Number) : lengths;
  checkLengths(of, batch, length);
  const order = [...of.keys()].sort((a, b) => of[b] - of[a]); // stable
  const isSorted = order.every((place, i) => place === i);
  if (!isSorted && enforceSorted) {
    throw new RangeError(
      `Cannot pack sequences of lengths ${show(of)}: they must descend, sort them or pass { enforceSorted: false }`,
    );
  }
  const batchSizes = countsOf(of);
  const rows = batchSizes.flatMap((n, t) =>
    order.slice(0, n).map((place) => (batchFirst ? place * length + t : t * batch + place))
  );
  const data = gather(x.reshape(length * batch, ...x.shape.slice(2)), Int32Array.from(rows), [rows.length]);
  return new PackedSequence(data, batchSizes, [...of], isSorted ? null : Int32Array.from(order));
}

function checkLengths(lengths: readonly number[], batch: number, length: number): void {
  requireArray(lengths, "pack sequences of lengths", "[3, 1]");
  if (lengths.length !== batch) {
    throw new RangeError(
      `Cannot pack ${batch} sequences with ${lengths.length} lengths: give one for each, and say whether the batch comes first`,
    );
  }
  const wrong = lengths.find((n) => !(Number.isInteger(n) && n >= 0 && n <= length));
  if (wrong === undefined) return;
  throw new RangeError(
    `Cannot pack a sequence of length ${
      describe(wrong)
    } out of ${length} steps: give whole numbers from 0 to ${length}`,
  );
}

/** How many are longer than 0, 1, 2, … */
function countsOf(lengths: readonly number[]): number[] {
  const longest = Math.max(0, ...lengths);
  return Array.from({ length: longest }, (_, t) => lengths.filter((n) => n > t).length);
}

/**
 * The sequences side by side again, in the order in which they were given: [length, batch, …], or [batch, length, …]; and their lengths.
 * PyTorch's `pad_packed_sequence`.
 *
 * @example
 * ```ts
 * import { nn, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const x = tensor([[4, 0, 0], [1, 2, 3]]);
 * const packed = nn.packPaddedSequence(x, [1, 3], { batchFirst: true, enforceSorted: false });
 * const [padded, lengths] = nn.padPackedSequence(packed, { batchFirst: true, paddingValue: -1 });
 * assertEquals(padded.toArray(), [[4, -1, -1], [1, 2, 3]]);
 * assertEquals(lengths, [1, 3]);
 * ```
 * @throws {RangeError} If one is longer than `totalLength`.
 */
export function padPackedSequence(
  packed: PackedSequence,
  options: PadPackedSequenceOptions = {},
): [padded: Tensor, lengths: number[]] {
  if (!(packed instanceof PackedSequence)) {
    throw new TypeError(`Cannot pad ${describe(packed)}: give a PackedSequence, as from packPaddedSequence()`);
  }
  checkOptions("pad a PackedSequence", options, ["batchFirst", "paddingValue", "totalLength"], {
    batchFirst: "boolean",
    paddingValue: "number",
  });
  const { batchFirst = false, paddingValue = 0, totalLength = null } = options;
  const { data, batchSizes, lengths, sortedIndices } = packed;
  const [longest, batch] = [batchSizes.length, lengths.length];
  const length = totalLength ?? longest;
  if (!(Number.isInteger(length) && length >= longest)) {
    throw new RangeError(
      `Cannot pad to a length of ${describe(length)}: the longest sequence has ${longest} steps, give at least that`,
    );
  }
  const rows = new Int32Array(length * batch).fill(data.shape[0]); // the row of padding, behind all others
  for (let t = 0, row = 0; t < longest; t++) {
    for (let i = 0; i < batchSizes[t]; i++, row++) {
      const place = sortedIndices === null ? i : sortedIndices[i];
      rows[batchFirst ? place * length + t : t * batch + place] = row;
    }
  }
  const padding = full([1, ...data.shape.slice(1)], paddingValue, { dtype: data.dtype });
  const lead = batchFirst ? [batch, length] : [length, batch];
  return [gather(cat([data, padding]), rows, lead), [...lengths]];
}
