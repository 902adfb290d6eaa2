/**
 * What errors of one kind have in common, for the many tests that ask for it; each kind is spelt out as a whole in one place more:
 * `core/arguments.test.ts`, `core/io/cap.test.ts` and `backward/in_place.test.ts`.
 */

/** More than `maxBytes` allows; with the bytes that it would have taken, if they are told. */
export function pastMaxBytes(most: number, bytes?: number): string {
  return `${bytes === undefined ? "" : `comes to ${bytes} bytes, `}and maxBytes allows ${most}`;
}

/** Something else in place of a tensor. */
export function notATensor(found: string): string {
  return `${found}: it is no tensor`;
}

/** A text in place of what is called for. */
export function textInstead(text: string, wanted = "a number"): string {
  return `the text "${text}": give ${wanted}`;
}

/** An option that there is not, with those there are. */
export function unknownOption(name: string, ...known: string[]): string {
  return `the option "${name}": the options are ${known.join(", ")}`;
}

/** Something else in place of options, with the name of the first. */
export function optionsByName(first: string): string {
  return `they go by name, as in { ${first}`;
}

/** A choice that there is not, with the one that it is most like. */
export function nearestIs(name: string): string {
  return `the nearest is ${name}`;
}

/** A value that a rule would read, changed since. */
export function modifiedInPlace(operation: string, shape: string): string {
  return `Cannot go back through ${operation}: its value of shape ${shape} was modified in place`;
}
