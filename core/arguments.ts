/** Checks of arguments, for code without types: unknown options, and values of another type. Errors name the cure. */
import { GradientSlot } from "./gradient_slot.ts";
import type { Tensor } from "./tensor.ts";

/** The types of options by `typeof`, where there is only one: the text "false" for a boolean would count as true. */
export type OptionTypes<T> = { readonly [K in keyof T]?: keyof typeof TYPE_TEXTS };

const TYPE_TEXTS = { boolean: "true or false", number: "a number", string: "a text", function: "a function" };

/**
 * Checks that `options` goes by name and names nothing but `known`: a misspelt option is refused instead of overlooked.
 *
 * @throws {TypeError} If it names another option (the message lists those there are, and the nearest), is not a plain object, or an option
 * is of another type than `types` says.
 */
export function checkOptions<T extends object>(
  action: string,
  options: T,
  known: readonly (keyof NoInfer<T> & string)[],
  types: OptionTypes<NoInfer<T>> = {},
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options) || options instanceof GradientSlot) {
    throw new TypeError(
      `Cannot ${action} with ${describe(options)} for options: they go by name, as in { ${known[0]}: … }`,
    );
  }
  for (const name in options) {
    if (!known.includes(name)) throw unknownOption(action, name, known);
    const type = types[name], value = options[name];
    if (type !== undefined && value !== undefined && typeof value !== type) {
      throw new TypeError(`Cannot ${action} with ${name} ${describe(value)}: give ${TYPE_TEXTS[type]}`);
    }
  }
}

/**
 * The options where arguments go by name from this one on, as in `sum({ dim: 1, keepdim: true })`; `null` where they go by position.
 *
 * @throws {TypeError} As `checkOptions` does.
 */
export function byName<T extends object>(
  action: string,
  given: unknown,
  known: readonly (keyof NoInfer<T> & string)[],
  types: OptionTypes<NoInfer<T>> = {},
): T | null {
  if (typeof given !== "object" || !isPlainObject(given)) return null;
  checkOptions(action, given as T, known, types);
  return given as T;
}

function unknownOption(action: string, name: string, known: readonly string[]): TypeError {
  return new TypeError(`Cannot ${action} with the option "${name}": ${choices("options", name, known)}`);
}

/** The choices for a message, and the one that is probably meant: `the dtypes are a, b, the nearest is b`. */
export function choices(what: string, name: string, known: readonly string[]): string {
  const all = known.length === 1 ? `the only one is ${known[0]}` : `the ${what} are ${known.join(", ")}`;
  return known.length === 1 ? all : `${all}, the nearest is ${nearest(name, known)}`;
}

/** The one of `known` that is spelt most like `name`; case and `_` do not count, and `lr` is as near as can be to `learningRate`. */
export function nearest(name: string, known: readonly string[]): string {
  const distances = known.map((other) => distance(name, other));
  return known[distances.indexOf(Math.min(...distances))];
}

/** From 0 for the same letters to 1 for no common ones. */
function distance(a: string, b: string): number {
  if (initials(a) === b || initials(b) === a) return 0;
  const [p, q] = [a, b].map((name) => name.replaceAll(/[-_ ]/g, "").toLowerCase());
  return editDistance(p, q) / Math.max(p.length, q.length, 1);
}

/** The first letters of a name's words: `lr` of `learning_rate`, `learningRate` and `learning-rate`. */
function initials(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").split(/[-_ ]/).map((word) => word.charAt(0)).join("")
    .toLowerCase();
}

/** The edit distance: how many letters must be inserted, deleted, replaced or swapped with their neighbour to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + Number(a[i - 1] !== b[j - 1]));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}

/**
 * Checks that a command line has no other `--options` than these, and other arguments only with `words`.
 *
 * @throws {TypeError} With the options there are and the nearest one.
 */
export function checkFlags(args: readonly string[], names: readonly string[], words = false): void {
  const known = names.map((name) => `--${name}`);
  for (const arg of args) {
    if (arg === "--") return;
    const [flag] = arg.split("=");
    if (known.includes(flag) || (words && !flag.startsWith("--"))) continue;
    throw new TypeError(`Cannot use ${flag}: ${choices("options", flag, known)}`);
  }
}

/**
 * Checks that `x` is a tensor.
 *
 * @throws {TypeError} With what was found and how a tensor is made of it, if it is none.
 */
export function requireTensor(x: Tensor, action: string): void {
  if (!(x instanceof GradientSlot)) throw notATensor(x, action);
}

/** The error about what should be a tensor and is none. */
export function notATensor(x: unknown, action: string): TypeError {
  const numbers = Array.isArray(x) || ArrayBuffer.isView(x) || typeof x === "number" || typeof x === "boolean";
  const cure = numbers ? "make one with tensor([…]) first" : x instanceof Promise ? "await it first" : "give one";
  return new TypeError(`Cannot ${action} ${describe(x)}: it is no tensor, ${cure}`);
}

/** What a value is, in words: `an array`, `the number 3`, `the class Linear`, `a Linear`. */
export function describe(x: unknown): string {
  if (x === undefined || x === null) return `${x}`;
  if (typeof x === "string") return `the text ${JSON.stringify(x.length > 40 ? `${x.slice(0, 40)}…` : x)}`;
  if (typeof x === "function") return `${/^class\b/.test(`${x}`) ? "the class" : "the function"} ${x.name}`.trimEnd();
  if (typeof x !== "object") return `the ${typeof x} ${String(x)}`;
  const kind = Array.isArray(x) ? "array" : x.constructor?.name || "object";
  const word = kind === "Object" ? "object" : kind;
  return `${/^([aeio]|u(?!int|rl))/i.test(word) ? "an" : "a"} ${word}`;
}

/** A value for a message: a number in digits, anything else described. */
export function shown(x: unknown): string {
  return typeof x === "number" ? `${x}` : describe(x);
}

/**
 * Checks that `value` is one of `known`.
 *
 * @throws {TypeError} With what there is and the nearest of it, if it is not.
 */
export function requireChoice(action: string, what: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const found = typeof value === "string" ? `"${value}"` : describe(value);
  throw new TypeError(`Cannot ${action} with ${what} ${found}: ${choices(`${what}s`, `${value}`, known)}`);
}

/** Whether a value is an object literal, and no instance of a class such as `Date` or `Map`. */
export function isPlainObject(x: unknown): x is Record<string, unknown> {
  if (typeof x !== "object" || x === null) return false;
  const prototype = Object.getPrototypeOf(x);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Checks that a decoder is given bytes.
 *
 * @throws {TypeError} If it is a path or a buffer; the message says how to get bytes of it.
 */
export function requireBytes(bytes: Uint8Array, name: string): void {
  if (bytes instanceof Uint8Array) return;
  const isBuffer = (bytes as unknown) instanceof ArrayBuffer;
  const cure = isBuffer ? "give new Uint8Array(buffer)" : "give a Uint8Array, such as Deno.readFile(path) promises";
  throw new TypeError(`Cannot read ${name} from ${describe(bytes)}: ${cure}`);
}

/**
 * Checks that a file is named by its path.
 *
 * @throws {TypeError} With what was found instead, and what takes bytes.
 */
export function requirePath(path: string, verb: "read" | "write"): void {
  if (typeof path === "string") return;
  const isMemory = ArrayBuffer.isView(path) || (path as unknown) instanceof ArrayBuffer;
  const bytes = isMemory ? "; bytes come as a Uint8Array" : "";
  throw new TypeError(`Cannot ${verb} the file ${describe(path)}: give its path, a text${bytes}`);
}

/**
 * Checks that `x` is an array.
 *
 * @throws {TypeError} With an example of one, if it is not.
 */
export function requireArray(x: readonly unknown[], action: string, example: string): void {
  if (!Array.isArray(x)) throw new TypeError(`Cannot ${action} ${describe(x)}: give an array, as in ${example}`);
}

/**
 * Checks that `state` has the parts that a `stateDict()` has, before any of them is loaded.
 *
 * @throws {TypeError} With what is missing.
 */
export function requireState<T extends object>(
  of: string,
  state: T,
  parts: readonly (keyof NoInfer<T> & string)[],
): void {
  const isObject = typeof state === "object" && state !== null;
  const missing = parts.find((part) => !isObject || !(part in state));
  if (missing === undefined) return;
  throw new TypeError(
    `Cannot load the state of ${of} from ${describe(state)}: it has no ${missing}, give what stateDict() gave`,
  );
}

/**
 * Checks that `x` is a number, and no text or array that JavaScript would convert to one.
 *
 * @throws {TypeError} With what was found, if it is not.
 */
export function requireNumber(x: number, action: string): void {
  if (typeof x !== "number") throw new TypeError(`Cannot ${action} ${describe(x)}: give a number`);
}

/**
 * Checks that sizes are whole numbers from 0.
 *
 * @throws {TypeError} With the name of one that is not a number.
 * @throws {RangeError} With the name of one that is not such a number.
 */
export function requireSizes(action: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isInteger(size) && size >= 0) continue;
    const Kind = typeof size === "number" ? RangeError : TypeError;
    throw new Kind(`Cannot ${action} with ${name} ${shown(size)}: give a whole number from 0`);
  }
}

/**
 * Checks that a list of texts is one: a text alone would count as its letters.
 *
 * @throws {TypeError} With what was found, if it is not.
 */
export function requireTexts(action: string, what: string, list: readonly string[] | undefined): void {
  if (list === undefined || (Array.isArray(list) && list.every((text) => typeof text === "string"))) return;
  const found = Array.isArray(list) ? list.find((text) => typeof text !== "string") : list;
  throw new TypeError(`Cannot ${action} with ${what} ${describe(found)}: give texts in an array, as in ["a", "b"]`);
}
