/** Options go by name: what PyTorch takes by position, and names that nobody reads, are refused. */

/**
 * Refuses `options` that are no object, or have a name that `example` has not.
 *
 * @throws {TypeError} With the example as the cure.
 */
export function checkOptions(action: string, options: unknown, example: Record<string, unknown>): void {
  const cure = Object.entries(example).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ${action} with ${options}: options go by name, as in { ${cure} }`);
  }
  const strange = Object.keys(options).find((name) => !(name in example));
  if (strange !== undefined) throw new TypeError(`Cannot ${action} with ${strange}: it knows { ${cure} }`);
}
