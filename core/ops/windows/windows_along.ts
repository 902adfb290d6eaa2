/** Where windows stand along one dimension: those of ordinary pooling, by kernel and stride, and those of adaptive pooling. */
import type { Windows } from "../../backend/planes.ts";

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
const made = new Map<string, Windows>();
const MOST_MADE = 64;

/** The windows along a dimension of that size; there must be one at least. */
export function windowsAlong(size: number, settings: WindowSettings): Windows {
  const { kernel, stride, padding, dilation, ceilMode, countPadding } = settings;
  const key = `${size} ${kernel} ${stride} ${padding} ${dilation} ${ceilMode} ${countPadding}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  if (made.size === MOST_MADE) made.clear();
  const windows = makeWindows(size, settings);
  made.set(key, windows);
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
