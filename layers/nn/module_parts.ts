/** The parts of a module: what its own fields hold, named as in PyTorch. */
import { describe, isPlainObject } from "../../core/arguments.ts";

/** A field's name as PyTorch writes it: `runningMean` is `running_mean`; a name that is not plain camelCase stays as it is. */
function stateName(field: string): string {
  if (!/^[a-z][a-z0-9]*([A-Z][a-z0-9]+)+$/.test(field)) return field;
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Two parts of a path joined by a dot, unless the first is empty. */
export function joinPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The own fields of `owner` that hold a `kind`, or an array with some, named as in PyTorch and in order of assignment. */
export function ownFields<T>(owner: object, kind: abstract new (...args: never[]) => T): [name: string, value: T][] {
  return Object.entries(owner).flatMap(([field, value]): [string, T][] => {
    const name = stateName(field);
    if (value instanceof kind) return [[name, value]];
    if (typeof value !== "object" || value === null) return [];
    if (!Array.isArray(value)) return refuseHidden(owner, field, value, kind);
    return value.flatMap((part, i): [string, T][] => {
      if (part instanceof kind) return [[`${name}.${i}`, part]];
      return typeof part === "object" && part !== null ? refuseHidden(owner, `${field}[${i}]`, part, kind) : [];
    });
  });
}

/**
 * Refuses a record, map, set or nested array that holds parts of the module: they are not searched, so their parameters would never
 * be trained.
 *
 * @throws {TypeError} If it holds one.
 */
function refuseHidden<T>(
  owner: object,
  field: string,
  value: object,
  kind: abstract new (...args: never[]) => T,
): never[] {
  const isCollection = Array.isArray(value) || value instanceof Map || value instanceof Set || isPlainObject(value);
  const hidden = isCollection && valuesOf(value).find((part) => part instanceof kind && !isFieldOf(owner, part));
  if (!hidden) return [];
  throw new TypeError(
    `Cannot find ${describe(hidden)} in ${owner.constructor.name}: ${field} is ${
      describe(value)
    }, and only fields and ` +
      "arrays are searched; use one of these, or a #private field for what is not to be found",
  );
}

/** Whether a field holds it as well, so that it is found all the same. */
function isFieldOf(owner: object, part: unknown): boolean {
  return Object.values(owner).some((value) => value === part || (Array.isArray(value) && value.includes(part)));
}

function valuesOf(collection: object): unknown[] {
  return collection instanceof Map || collection instanceof Set ? [...collection.values()] : Object.values(collection);
}
