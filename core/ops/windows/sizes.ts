/** Sizes of windows over images and sequences, one number for all dimensions or one for each; and where windows stand along one. */
import { describe, shown } from "../../arguments.ts";
import type { Windows } from "../../backend/planes.ts";

/** One number for rows and columns, or both: `[rows, columns]`. */
export type NumberOrPair = number | readonly [rows: number, columns: number];

/** A number for the rows and one for the columns. */
export type RowsColumns = readonly [rows: number, columns: number];

/**
 * A setting as a pair. In one dimension there is one row, for which the setting is `alone`.
 *
 * @throws {TypeError} If it is neither a number nor, in two dimensions, two of them.
 * @throws {RangeError} If one is not a whole number from `least`.
 */
export function asPair(
  action: string,
  name: string,
  value: number | readonly number[],
  dims: 1 | 2,
  least: number,
  alone = least,
): RowsColumns {
  if (dims === 2 && isSize(value, least)) return [value, value];
  if (dims === 2 && Array.isArray(value) && value.length === 2 && isSize(value[0], least) && isSize(value[1], least)) {
    return [value[0], value[1]];
  }
  const all = typeof value === "number" ? Array<number>(dims).fill(value) : value;
  if (!Array.isArray(all) || all.length !== dims || !all.every((n) => typeof n === "number")) {
    const found = Array.isArray(value) ? `[${value.map((n) => shown(n)).join(", ")}]` : describe(value);
    throw new TypeError(
      `Cannot ${action} with ${name} ${found}: give a whole number${dims === 2 ? ", or two as [rows, columns]" : ""}`,
    );
  }
  const odd = all.find((n) => !Number.isInteger(n) || n < least);
  if (odd !== undefined) throw new RangeError(`Cannot ${action} with ${name} ${odd}: give whole numbers from ${least}`);
  return dims === 1 ? [alone, all[0]] : [all[0], all[1]];
}

function isSize(n: unknown, least: number): n is number {
  return Number.isInteger(n) && n as number >= least;
}

/** Sizes for a message: `3 x 5`, or `5` in one dimension. */
export function bySize([rows, columns]: RowsColumns, dims: 1 | 2): string {
  return dims === 1 ? `${columns}` : `${rows} x ${columns}`;
}

const DIMENSION = ["rows", "columns"];

/** Where windows stand along rows and columns: steps between them, steps between the places of the kernel, zeros before and after. */
export interface Placement {
  stride: RowsColumns;
  dilation: RowsColumns;
  before: RowsColumns;
  after: RowsColumns;
}

/**
 * How many windows there are in each dimension: `⌊(before + after + size − dilation·(kernel − 1) − 1) / stride⌋ + 1`.
 *
 * @throws {RangeError} What `refuse` makes of the reason, if there is none.
 */
export function windowsThatFit(
  size: RowsColumns,
  kernel: RowsColumns,
  { stride, dilation, before, after }: Placement,
  refuse: (why: string) => RangeError,
): RowsColumns {
  const along = (d: 0 | 1) => {
    if (kernel[d] < 1) throw refuse(`a kernel has at least 1 of its ${DIMENSION[d]}`);
    const reach = dilation[d] * (kernel[d] - 1) + 1;
    const less = reach - size[d] - before[d] - after[d];
    if (less <= 0) return Math.floor(-less / stride[d]) + 1;
    const padded = before[d] === after[d] ? `2·${before[d]} + ${size[d]}` : `${before[d]} + ${after[d]} + ${size[d]}`;
    throw refuse(
      `the result has ⌊(${padded} − ${dilation[d]}·(${kernel[d]} − 1) − 1) / ${stride[d]}⌋ + 1 ${
        DIMENSION[d]
      }, and ${padded} is ` +
        `${less} less than the ${dilation[d]}·(${
          kernel[d]
        } − 1) + 1 that the kernel covers; pad more, or take a smaller kernel`,
    );
  };
  return [along(0), along(1)];
}

/** How large the image is that so many windows are spread over: `(count − 1)·stride − before − after + dilation·(kernel − 1) + 1 + added`. */
export function sizeSpreadOver(
  count: RowsColumns,
  kernel: RowsColumns,
  { stride, dilation, before, after }: Placement,
  added: RowsColumns,
  refuse: (why: string) => RangeError,
): RowsColumns {
  const along = (d: 0 | 1) => {
    if (kernel[d] < 1) throw refuse(`a kernel has at least 1 of its ${DIMENSION[d]}`);
    const size = (count[d] - 1) * stride[d] - before[d] - after[d] + dilation[d] * (kernel[d] - 1) + 1 + added[d];
    if (size >= 1) return size;
    throw refuse(
      `the result has (${count[d]} − 1)·${stride[d]} − 2·${before[d]} + ${dilation[d]}·(${kernel[d]} − 1) + ${
        added[d]
      } + 1 = ` +
        `${size} ${DIMENSION[d]}; pad less`,
    );
  };
  return [along(0), along(1)];
}

/** What ordinary windows are made by, along one dimension. */
export interface WindowSettings {
  /** How many places a window has. */
  readonly kernel: number;
  /** From a window to the next. */
  readonly stride: number;
  /** How many places there are before the image and after it. */
  readonly padding: number;
  /** From a place of a window to the next. */
  readonly dilation: number;
  /** Whether a last window that does not fit is kept, if it begins within the image or the padding before it. */
  readonly ceilMode: boolean;
  /** Whether padding counts in a mean's divisor. */
  readonly countPadding: boolean;
}

const settingsOf = new WeakMap<Windows, WindowSettings>();

/** What ordinary windows were made by; nothing for those of adaptive pooling. */
export function windowSettings(windows: Windows): WindowSettings | undefined {
  return settingsOf.get(windows);
}

/** How many windows there are; not above 0 where none fits. */
export function windowCount(size: number, { kernel, stride, padding, dilation, ceilMode }: WindowSettings): number {
  const steps = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride;
  if (!ceilMode) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  return (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** The formula of {@linkcode windowCount} with its numbers, for a message. */
export function windowFormula(size: number, settings: WindowSettings): string {
  const { kernel, stride, padding, dilation, ceilMode } = settings;
  const [open, close] = ceilMode ? "⌈⌉" : "⌊⌋";
  const steps = `(${size} + 2·${padding} − ${dilation}·(${kernel} − 1) − 1) / ${stride}`;
  return `${open}${steps}${close} + 1 = ${windowCount(size, settings)}`;
}

// A layer asks for the same windows at every step, and to make six arrays takes longer than to pool a small image. Nobody writes to them.
const made: (WindowSettings & { readonly size: number; readonly windows: Windows })[] = [];
const MOST_MADE = 64;

/** The windows along a dimension of that size; there must be one at least. */
export function windowsAlong(size: number, settings: WindowSettings): Windows {
  const { kernel, stride, padding, dilation, ceilMode, countPadding } = settings;
  for (const one of made) {
    const same = one.size === size && one.kernel === kernel && one.stride === stride && one.padding === padding &&
      one.dilation === dilation && one.ceilMode === ceilMode && one.countPadding === countPadding;
    if (same) return one.windows;
  }
  if (made.length === MOST_MADE) made.length = 0;
  const windows = makeWindows(size, settings);
  made.push({ ...settings, size, windows });
  return windows;
}

function makeWindows(size: number, settings: WindowSettings): Windows {
  const { kernel, stride, padding, dilation, countPadding } = settings;
  const windows = newWindows(windowCount(size, settings), dilation);
  for (let i = 0; i < windows.begin.length; i++) {
    const first = i * stride - padding;
    const before = first < 0 ? Math.ceil(-first / dilation) : 0; // places in the padding
    windows.begin[i] = first + before * dilation;
    windows.end[i] = Math.min(first + dilation * (kernel - 1) + 1, size);
    const covered = Math.max(0, Math.ceil((windows.end[i] - windows.begin[i]) / dilation));
    windows.count[i] = countPadding ? Math.min(first + kernel, size + padding) - first : covered;
  }
  settingsOf.set(windows, settings);
  return windows;
}

/** `count` windows of nearly one size over the whole dimension: window i from ⌊i·size/count⌋ to below ⌈(i + 1)·size/count⌉. */
export function adaptiveWindows(size: number, count: number): Windows {
  const windows = newWindows(count, 1);
  for (let i = 0; i < count; i++) {
    windows.begin[i] = Math.floor((i * size) / count);
    windows.end[i] = Math.ceil(((i + 1) * size) / count);
    windows.count[i] = windows.end[i] - windows.begin[i];
  }
  return windows;
}

/** The only window along a dimension of size 1, which sequences have in the place of rows. */
export function singleWindow(): Windows {
  return { begin: Int32Array.of(0), end: Int32Array.of(1), count: Int32Array.of(1), step: 1 };
}

function newWindows(count: number, step: number): Windows {
  return { begin: new Int32Array(count), end: new Int32Array(count), count: new Int32Array(count), step };
}
