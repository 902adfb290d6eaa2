/** The numbers that PyTorch printed, and how near to them a number must be. */
import { assertEquals, fail } from "@std/assert";
import { type Nested, type Tensor, tensor } from "@gradus/gradus";

const FILE = new URL("../../reference/torch_reference.json", import.meta.url);
const sections: Record<string, Record<string, unknown>> = JSON.parse(Deno.readTextFileSync(FILE));

/** The entries of a section: the call that made it, and what it gave. */
export function entries<T = unknown>(section: string): [call: string, value: T][] {
  return Object.entries(sections[section]) as [string, T][];
}

/** A float64 tensor. */
export function float64(values: Nested): Tensor {
  return tensor(values, { dtype: "float64" });
}

/** Classes. */
export function int32(values: Nested): Tensor {
  return tensor(values, { dtype: "int32" });
}

/** The file holds 7 significant digits, so 1e-6 relative is as near as can be compared; 1e-12 is for what is 0 but for rounding. */
export function assertNear(found: Tensor, expected: Nested, relative = 1e-6, absolute = 1e-12): void {
  const wanted = float64(expected);
  assertEquals(found.shape, wanted.shape);
  const numbers = found.detach().double().contiguous();
  wanted.data.forEach((value: number, i: number) => {
    const at = numbers.data[numbers.offset + i];
    if (Object.is(at, value)) return; // NaN and the infinities too
    if (!(Math.abs(at - value) <= absolute + relative * Math.abs(value))) {
      fail(`element ${i} is ${at}, PyTorch gave ${value}`);
    }
  });
}

/** Draws are equal to the bit, so their 7 digits are: at the seventh, half a unit and float32's rounding. */
export const DIGITS = 6e-7;
