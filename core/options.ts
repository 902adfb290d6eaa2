/** Settings by name: a misspelt one is refused instead of overlooked. */

/**
 * Checks that `options` names nothing but `known`.
 *
 * @throws {TypeError} If it names something else, or is no object.
 */
export function checkOptions(options: object, known: readonly string[], action: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ${action} with "${options}" for options: name them, as in { ${known[0]}: … }`);
  }
  const odd = Object.keys(options).find((key) => !known.includes(key));
  if (odd === undefined) return;
  throw new TypeError(`Cannot ${action} with the option "${odd}": the options are ${known.join(", ")}`);
}
