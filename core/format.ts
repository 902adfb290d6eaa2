/** The printed form of tensors, in the terminal and in a notebook, and of settings: as PyTorch 1.13 prints them. */
import { checkOptions, requireChoice } from "./arguments.ts";
import { type DType, isFloating, memoryGone, type TypedArray } from "./dtype.ts";

/** How all tensors are printed; the names and defaults are PyTorch's. */
export interface PrintOptions {
  /**
   * Digits after the point, 0 to 98.
   *
   * @default {4}
   */
  precision: number;
  /**
   * Elements past which only the edges are shown; `Infinity` shows all.
   *
   * @default {1000}
   */
  threshold: number;
  /**
   * Elements shown at either edge of each dimension, at least 1.
   *
   * @default {3}
   */
  edgeItems: number;
  /**
   * Characters of a line.
   *
   * @default {80}
   */
  lineWidth: number;
  /**
   * Whether fractions are printed as `1.0000e+00`; `null` decides by their sizes.
   *
   * @default {null}
   */
  sciMode: boolean | null;
}

/** The argument of `setPrintOptions`: a profile to begin from, and what differs from it. */
export interface PrintSettings extends Partial<PrintOptions> {
  /** `default`, `short` (two digits, two edge items) or `full` (nothing left out). */
  profile?: "default" | "short" | "full";
}

/** The fields of a tensor that `formatTensor` reads. */
export interface Printable {
  /** Sizes. */
  readonly shape: readonly number[];
  /** The dtype of the elements. */
  readonly dtype: DType;
  /** Whether it requires a gradient, which the text then says. */
  readonly requiresGrad?: boolean;
  /** The storage. */
  readonly data: TypedArray;
  /** Steps between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
  /** Where the first element stands. */
  readonly offset: number;
}

const DEFAULTS: PrintOptions = { precision: 4, threshold: 1000, edgeItems: 3, lineWidth: 80, sciMode: null };
const PROFILES: Record<NonNullable<PrintSettings["profile"]>, PrintOptions> = {
  default: DEFAULTS,
  short: { ...DEFAULTS, precision: 2, edgeItems: 2 },
  full: { ...DEFAULTS, threshold: Infinity },
};

const KNOWN = ["precision", "threshold", "edgeItems", "lineWidth", "sciMode", "profile"] as const;

let options = DEFAULTS;

/**
 * Changes how tensors print from here on; what is not named stays, unless a profile resets it first. PyTorch's `set_printoptions`.
 *
 * @throws {RangeError} If a setting is out of its bounds; nothing is then changed.
 * @throws {TypeError} If there is no such setting or profile.
 *
 * @example Two digits, then the defaults again
 * ```ts
 * import { setPrintOptions, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * setPrintOptions({ precision: 2 });
 * assertEquals(String(tensor([0.5])), "tensor([0.50])");
 * setPrintOptions({ profile: "default" });
 * ```
 */
export function setPrintOptions(settings: PrintSettings): void {
  checkOptions("print", settings, KNOWN);
  const { profile, ...changes } = settings;
  if (profile !== undefined) requireChoice("print", "profile", profile, Object.keys(PROFILES));
  const named = Object.entries(changes).filter(([, value]) => value !== undefined);
  const next: PrintOptions = { ...(profile ? PROFILES[profile] : options), ...Object.fromEntries(named) };
  checkInteger("precision", next.precision, 0, 98);
  checkInteger("edgeItems", next.edgeItems, 1, Infinity);
  checkInteger("lineWidth", next.lineWidth, 1, Infinity);
  if (!(next.threshold >= 0)) throw new RangeError(`Cannot print with threshold ${next.threshold}: give 0 or more`);
  options = next;
}

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`Cannot print with ${name} ${value}: give a whole number from ${least} to ${most}`);
}

const PREFIX = "tensor(";

/**
 * The text of a tensor, `tensor([1., 2.])`, letter for letter PyTorch's but for the `torch.` before a dtype.
 *
 * Past `threshold` elements only the edges are read and shown. A dtype is named unless it is float32, int32 or bool.
 */
export function formatTensor(t: Printable): string {
  const count = t.shape.reduce((product, size) => product * size, 1);
  const body = count === 0 ? "[]" : formatElements(t, count > options.threshold);
  return addSuffixes(PREFIX + body, suffixesOf(t, count === 0)) + ")";
}

function suffixesOf(t: Printable, empty: boolean): string[] {
  const suffixes: string[] = [];
  if (empty && t.shape.length !== 1) suffixes.push(`size=(${t.shape.join(", ")})`);
  // Without elements nothing else tells an integer or a bool.
  const plain: DType[] = empty ? ["float32"] : ["float32", "int32", "bool"];
  if (!plain.includes(t.dtype)) suffixes.push(`dtype=${t.dtype}`);
  if (t.requiresGrad) suffixes.push("requires_grad=True");
  return suffixes;
}

function addSuffixes(text: string, suffixes: string[]): string {
  // Two more than the last line holds: so PyTorch counts.
  let used = text.length - text.lastIndexOf("\n") + 1;
  for (const suffix of suffixes) {
    const fits = used + suffix.length + 2 <= options.lineWidth;
    text += (fits ? ", " : ",\n" + " ".repeat(PREFIX.length)) + suffix;
    used = fits ? used + suffix.length + 2 : PREFIX.length + suffix.length;
  }
  return text;
}

function formatElements(t: Printable, summarize: boolean): string {
  const shown = t.shape.map((size) => shownIndices(size, summarize));
  const notation = chooseNotation(shownValues(t, shown), t.dtype);
  return formatFrom(t, shown, notation, t.offset, 0);
}

/** Stands among the indices for those left out. */
const GAP = -1;

function shownIndices(size: number, summarize: boolean): number[] {
  const { edgeItems } = options;
  if (!summarize || size <= 2 * edgeItems) return Array.from({ length: size }, (_, i) => i);
  const first = Array.from({ length: edgeItems }, (_, i) => i);
  return [...first, GAP, ...first.map((i) => size - edgeItems + i)];
}

function shownValues(t: Printable, shown: number[][]): number[] {
  let offsets = [t.offset];
  shown.forEach((indices, dim) => {
    const kept = indices.filter((i) => i !== GAP);
    offsets = offsets.flatMap((offset) => kept.map((i) => offset + i * t.strides[dim]));
  });
  if (offsets.some((offset) => offset >= t.data.length)) throw memoryGone();
  return offsets.map((offset) => t.data[offset]);
}

/** The part of the tensor that begins at `offset`, from dimension `dim` on. */
function formatFrom(t: Printable, shown: number[][], notation: Notation, offset: number, dim: number): string {
  const below = t.shape.length - dim;
  if (below === 0) return pad(notation, t.data[offset]);
  const pieces = shown[dim].map((i) => {
    if (i === GAP) return below === 1 ? " ..." : "...";
    return formatFrom(t, shown, notation, offset + i * t.strides[dim], dim + 1);
  });
  const margin = " ".repeat(PREFIX.length + dim + 1);
  if (below > 1) return `[${pieces.join("," + "\n".repeat(below - 1) + margin)}]`;
  const perLine = Math.max(1, Math.floor((options.lineWidth - PREFIX.length - dim) / (notation.width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < pieces.length; i += perLine) lines.push(pieces.slice(i, i + perLine).join(", "));
  return `[${lines.join(",\n" + margin)}]`;
}

/** How every element of one tensor is written. */
interface Notation {
  readonly width: number;
  readonly text: (value: number) => string;
}

function pad({ width, text }: Notation, value: number): string {
  return text(value).padStart(width);
}

function chooseNotation(values: number[], dtype: DType): Notation {
  if (isFloating(dtype)) return chooseFloating(values);
  const text = dtype === "bool" ? pythonBool : String;
  return { width: widest(values, text), text };
}

function chooseFloating(values: number[]): Notation {
  // As in PyTorch: zeros, infinities and NaN do not count; `sciMode` changes the text but not the width, and nothing where none counts.
  const counted = values.filter((value) => Number.isFinite(value) && value !== 0);
  if (counted.length === 0) return { width: 1, text: wholeText };
  const whole = counted.every(Number.isInteger);
  const sizes = counted.map(Math.abs);
  const least = sizes.reduce((a, b) => Math.min(a, b), Infinity);
  const most = sizes.reduce((a, b) => Math.max(a, b), 0);
  const scientific = most / least > 1000 || most > 1e8 || least < 1e-4;
  const plain = whole ? wholeText : (value: number) => fixed(value, options.precision);
  const powers = (value: number) => exponential(value, options.precision);
  const width = widest(counted, scientific ? powers : plain);
  return { width, text: options.sciMode ?? scientific ? powers : plain };
}

function widest(values: number[], text: (value: number) => string): number {
  return values.reduce((width, value) => Math.max(width, text(value).length), 1);
}

function wholeText(value: number): string {
  return Number.isFinite(value) ? fixed(value, 0) + "." : nonFinite(value);
}

function nonFinite(value: number): string {
  return String(value).replace("Infinity", "inf").replace("NaN", "nan");
}

/** `value` with `digits` after the point, as C and Python write it: halves to even, `-0` with its sign, never a power of ten. */
function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size >= 1e21) return `${sign}${BigInt(size)}${digits > 0 ? "." + "0".repeat(digits) : ""}`;
  const longer = size.toFixed(digits + 1);
  const even = isTie(longer, size, digits + 1) ? keepEven(longer) : undefined;
  return sign + (even ?? size.toFixed(digits));
}

/** `value` as `1.0312e-05`, with `digits` after the point, as C and Python write it. */
function exponential(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  const [longer, power] = size.toExponential(digits + 1).split("e");
  const even = isTie(longer, size, digits + 1 - Number(power)) ? keepEven(longer) : undefined;
  return sign + (even === undefined ? twoDigitPower(size.toExponential(digits)) : twoDigitPower(`${even}e${power}`));
}

/** Whether `size` is exactly the decimal `longer`, `places` after the point, and its last digit 5: JavaScript rounds that up. */
function isTie(longer: string, size: number, places: number): boolean {
  if (!longer.endsWith("5")) return false;
  // A binary fraction that ends within `places` decimals ends within as many binary digits.
  return places >= 0 ? Number.isInteger(size * 2 ** places) : size % 10 ** -places === 0;
}

/** `longer` without its last digit if that leaves an even one. */
function keepEven(longer: string): string | undefined {
  const kept = longer.slice(0, -1).replace(/\.$/, "");
  return "02468".includes(kept.at(-1)!) ? kept : undefined;
}

function twoDigitPower(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function pythonBool(value: number): string {
  return value ? "True" : "False";
}

const STORAGES: Record<DType, string> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  int32: "IntStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/**
 * The text of a storage: each element on its own line, then `[FloatStorage of size 3]`.
 *
 * Fractions print in full, a float32 as the double it stands for. Past `threshold` elements only the edges are shown.
 */
export function formatStorage(data: TypedArray, dtype: DType): string {
  const text = isFloating(dtype) ? fullText : dtype === "bool" ? pythonBool : String;
  const shown = shownIndices(data.length, data.length > options.threshold);
  const lines = shown.map((i) => i === GAP ? " ...\n" : ` ${text(data[i])}\n`);
  return `${lines.join("")}[${STORAGES[dtype]} of size ${data.length}]`;
}

/** The shortest decimal that reads back as `value`, laid out as Python does. */
function fullText(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const [, power] = value.toExponential().split("e");
  if (Number(power) < -4 || Number(power) >= 16) return twoDigitPower(value.toExponential());
  const text = Object.is(value, -0) ? "-0" : String(value);
  return Number.isInteger(value) ? text + ".0" : text;
}

// Settings in PyTorch's printed form.

/** A setting as Python prints it: `True`, `1e-05`, `0.0`, `(3, 4)`. */
export function pythonic(value: boolean | number | null | readonly number[], kind: "int" | "float" = "int"): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return kind === "float" ? pythonFloat(value) : pythonPower(`${value}`);
  return value.length === 1 ? `(${value[0]},)` : `(${value.join(", ")})`;
}

function pythonFloat(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`;
  const size = Math.abs(value);
  const text = size < 1e-4 || size >= 1e16 ? value.toExponential() : `${value}`;
  return pythonPower(text).replace("Infinity", "inf");
}

/** Python's powers of ten have two digits. */
function pythonPower(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
