/** The verbs of attention: every back end beside the reference, whose formula other tests judge, and what each refuses. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import type { Attention } from "../../../core/backend/sequences.ts";
import { backendNamed } from "../../../core/backend/choose.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { BACKENDS } from "../../course_reference.ts";
import { floats } from "./verb_cases.ts";

/** Sizes on both sides of a block and of a vector. */
const SIZES:
  readonly (readonly [batch: number, heads: number, rows: number, cols: number, width: number, values: number])[] = [
    ...[[1, 1, 1, 1, 1, 1], [2, 3, 5, 7, 4, 3], [1, 2, 64, 64, 32, 32], [1, 1, 65, 129, 33, 17], [
      1,
      1,
      1,
      300,
      8,
      8,
    ]] as const,
    ...[[2, 0, 3, 3, 2, 2], [1, 1, 0, 3, 2, 2], [1, 2, 3, 0, 2, 2], [1, 1, 3, 4, 0, 2], [1, 1, 3, 4, 2, 0]] as const,
  ];

const dense = (data: Float32Array, [, heads, rows, width]: number[], offset = 0) => ({
  ...{ data, offset, strides: [heads * rows * width, rows * width, width, 1] },
});

/** All that the two verbs write. */
function run(on: typeof reference, d: Attention, withMask: boolean, hasKeep: boolean): Float32Array[] {
  const { batch, heads, rows, cols, width, values } = d, planes = batch * heads;
  const [wide, keys, out] = [[batch, heads, rows, width], [batch, heads, cols, width], [batch, heads, rows, values]];
  const vs = [batch, heads, cols, values], size = (shape: number[]) => shape.reduce((n, m) => n * m, 1);
  const aux = floats(planes * rows * (hasKeep ? 1 + cols : 1), 1).map(Math.abs);
  const bias = floats(cols, 1).map((x, j) => j % 3 === 0 ? -Infinity : x);
  const mask = withMask ? { data: bias, offset: 0, strides: [0, 0, 0, 1] } : null;
  const [y, all] = [new Float32Array(size(out)).fill(9), new Float32Array(size(wide) + size(keys) + size(vs)).fill(9)];
  const read = {
    ...{ q: dense(floats(size(wide), 1, 1), wide), k: dense(floats(size(keys), 1, 2), keys) },
    ...{ v: dense(floats(size(vs), 1, 3), vs), mask, aux, hasKeep, y: dense(y, out) },
  };
  on.attention(d, read);
  const places = {
    dq: dense(all, wide),
    dk: dense(all, keys, size(wide)),
    dv: dense(all, vs, size(wide) + size(keys)),
  };
  on.attentionBackward(d, read, { g: dense(floats(size(out), 1, 4), out), ...places, add: false });
  return [y, aux, all];
}

for (const name of BACKENDS) {
  const verbs = backendNamed(name);
  describe(`attention (${name})`, () => {
    for (const [batch, heads, rows, cols, width, values] of SIZES) {
      it(`of [${batch}, ${heads}, ${rows}, ${width}] to ${cols} keys of ${values} values is the reference's`, () => {
        for (const causal of [null, 0, 2, -2]) {
          for (const [withMask, hasKeep] of [[false, false], [true, false], [false, true], [true, true]]) {
            const d = { batch, heads, rows, cols, width, values, scale: 0.3, causal };
            const [found, wanted] = [verbs, reference].map((on) => run(on, d, withMask, hasKeep));
            found.forEach((x, part) =>
              x.forEach((value, i) => {
                const right = wanted[part][i];
                // sums of up to 129 terms of size 1, rounded to 6e-8 each
                const near = value === right || Math.abs(value - right) <= 1e-5 * Math.max(1, Math.abs(right));
                assert(near, `part ${part}, element ${i}: ${value} is not ${right}`);
              })
            );
          }
        }
      });
    }
    it("refuses arrays that are too short, and gradients apart", () => {
      const d = { batch: 1, heads: 2, rows: 3, cols: 4, width: 5, values: 6, scale: 1, causal: null };
      const of = (length: number, row: number, rows: number) => dense(new Float32Array(length), [1, 2, rows, row]);
      const read = (q: number, aux = 6) => ({
        ...{ q: of(q, 5, 3), k: of(40, 5, 4), v: of(48, 6, 4), mask: null, hasKeep: false, y: of(36, 6, 3) },
        aux: new Float32Array(aux),
      });
      assertThrows(() => verbs.attention(d, read(29)), RangeError, "q reaches from 0 to 29 in a buffer of 29");
      assertThrows(() => verbs.attention(d, read(30, 5)), RangeError, "aux needs 6 elements and has 5");
      const back = { g: of(36, 6, 3), dq: of(30, 5, 3), dk: of(40, 5, 4), dv: of(48, 6, 4), add: false };
      assertThrows(() => verbs.attentionBackward(d, read(30), back), RangeError, "must stand in one array");
      assertEquals(new Set(read(30).y.data), new Set([0]));
    });
  });
}
