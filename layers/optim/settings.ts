/** The settings of a parameter group: those of every optimiser, and the checks of all. */
import { describe, shown } from "../../core/arguments.ts";

/** The settings of every optimiser. */
export interface GroupSettings {
  /** The learning rate γ. */
  lr: number;
  /** The weight decay λ. */
  weightDecay: number;
  /** Whether steps go up the gradient, so that the loss grows. */
  maximize: boolean;
  /** The learning rate that a schedule began from; the schedule writes it. */
  initialLr?: number;
}

/** Settings that a group may have beside those of its optimiser. */
export const OPTIONAL_SETTINGS: readonly string[] = ["initialLr"];

/** Settings that states of version 0.2.0 and before lack, with the values that stand for them. */
export const LATER_SETTINGS: Readonly<Record<string, unknown>> = { amsgrad: false };

/**
 * The parameters, or groups of them, as an array.
 *
 * @throws {TypeError} If it is not a list, but the model itself or a single tensor.
 */
export function parameterList<T>(params: Iterable<T>, action: string): T[] {
  if (typeof params === "object" && params !== null && Symbol.iterator in params) return [...params];
  const isModel = typeof (params as { parameters?: unknown } | undefined)?.parameters === "function";
  throw new TypeError(
    `Cannot ${action} of ${describe(params)}: give a list, ${isModel ? "model.parameters()" : "as in [w, b]"}`,
  );
}

/**
 * Refuses numbers that are not in `low ≤ x < high`.
 *
 * @throws {RangeError} If one is not, or is not a number at all.
 */
export function requireWithin<S>(
  settings: S,
  names: readonly (keyof S & string)[],
  low: number,
  high = Infinity,
): void {
  for (const name of names) {
    const values = [settings[name]].flat();
    if (values.every((value) => typeof value === "number" && value >= low && value < high)) continue;
    const range = high === Infinity ? `a finite number of at least ${low}` : `at least ${low} and below ${high}`;
    throw new RangeError(`Cannot set ${name} to ${values.map(shown).join(", ")}: expected ${range}`);
  }
}

/**
 * Refuses numbers that are not above 0.
 *
 * @throws {RangeError} If one is not, or is not a finite number at all.
 */
export function requirePositive<S>(settings: S, names: readonly (keyof S & string)[]): void {
  for (const name of names) {
    const values = [settings[name]].flat();
    if (values.every((value) => typeof value === "number" && value > 0 && value < Infinity)) continue;
    throw new RangeError(`Cannot set ${name} to ${values.map(shown).join(", ")}: expected a finite number above 0`);
  }
}

/**
 * Refuses settings of another type than the standard ones.
 *
 * @throws {TypeError} With the value that was found, and the standard one.
 */
export function requireKinds(action: string, own: object, standard: object): void {
  const [settings, known] = [{ ...own }, { initialLr: 0, ...standard }] as Record<string, unknown>[];
  const name = strangeSetting(settings, known);
  if (name === undefined) return;
  const found = Array.isArray(settings[name]) ? JSON.stringify(settings[name]) : describe(settings[name]);
  throw new TypeError(`Cannot ${action} with ${name} ${found}: expected such as ${JSON.stringify(known[name])}`);
}

/** The first setting of another type than the present one: a number, a boolean, or a list of so many. `null` may become anything. */
export function strangeSetting(own: Record<string, unknown>, present: Record<string, unknown>): string | undefined {
  const kind = (value: unknown) => Array.isArray(value) ? value.map((part) => typeof part).join() : typeof value;
  return Object.keys(own).find((name) => (present[name] ?? null) !== null && kind(own[name]) !== kind(present[name]));
}

/** The settings under PyTorch's names: `weightDecay` is saved as `weight_decay`. */
export function toSnakeCase(settings: object): Record<string, unknown> {
  return renamed(settings, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** PyTorch's names as they are written here. */
export function toCamelCase(settings: object): Record<string, unknown> {
  return renamed(settings, (name) => name.replace(/(?<=.)_([a-z])/g, (_, letter) => letter.toUpperCase()));
}

/** Arrays are copied, so that a saved state does not follow the one it was saved from. */
function renamed(settings: object, rename: (name: string) => string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [rename(name), Array.isArray(value) ? [...value] : value]),
  );
}
