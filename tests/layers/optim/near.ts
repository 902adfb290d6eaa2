/** Numbers against the reference, which is printed with seven digits: equal to 1e-6 of their size. */
import { assert, assertEquals } from "@std/assert";

export function assertNear(found: readonly number[], expected: readonly number[], what: string): void {
  assertEquals(found.length, expected.length, what);
  found.forEach((x, i) => {
    const ok = Math.abs(x - expected[i]) <= 1e-6 * Math.abs(expected[i]);
    assert(ok, `${what}, element ${i}: found ${x}, expected ${expected[i]}`);
  });
}
