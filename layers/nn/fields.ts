/** How a module knows what it is made of: by what its own fields hold. */

/** A field's name as PyTorch writes it: `runningMean` is `running_mean`; what is no plain camelCase stays as it is. */
export function stateName(field: string): string {
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
    if (!Array.isArray(value)) return [];
    return value.flatMap((part, i): [string, T][] => (part instanceof kind ? [[`${name}.${i}`, part]] : []));
  });
}
