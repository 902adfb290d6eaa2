/** The verbs along one dimension: every back end beside the reference, on awkward sizes, and what each refuses. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { backendNamed } from "../../../core/backend/choose.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { BACKENDS } from "../../course_reference.ts";

/** Multiples of an eighth, so that their sums are exact in any order, with ties. */
function eighths(length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => ((i * 37) % 101 - 50) / 8);
}

const SPECIAL = [NaN, Infinity, -Infinity, -0, 0, 1e-40, -1e-40];
const SIZES = [[0, 4, 3], [2, 0, 3], [1, 1, 1], [3, 5, 1], [1, 40, 17], [9, 70, 1], [2, 33, 40]] as const;

for (const name of BACKENDS) {
  const verbs = backendNamed(name);

  describe(`places (${name})`, () => {
    for (const [outer, size, inner] of SIZES) {
      it(`along the middle of [${outer}, ${size}, ${inner}] are the reference's`, () => {
        const count = size === 0 ? 0 : 6, length = outer * count * inner;
        const index = Int32Array.from({ length }, (_, i) => (i * 7) % (2 * size) - size);
        const [found, wanted] = [new Int32Array(length), new Int32Array(length)];
        verbs.places({ outer, size, count, inner, dim: 1 }, index, found);
        reference.places({ outer, size, count, inner, dim: 1 }, index, wanted);
        assertEquals(found, wanted);
      });
    }
    it("refuses an index past either end, and arrays that are too short", () => {
      const d = { outer: 1, size: 3, count: 2, inner: 1, dim: 4 }, out = new Int32Array(2);
      const message = (at: number) => `Cannot take index ${at} of dimension 4 with size 3: it is out of range`;
      for (const at of [3, -4]) {
        assertThrows(() => verbs.places(d, Int32Array.of(2, at), out), RangeError, message(at));
      }
      assertThrows(() => verbs.places(d, Int32Array.of(2), out), RangeError, "index needs 2 elements and has 1");
    });
  });

  describe(`scatterAdd (${name})`, () => {
    for (const width of [1, 2, 8, 19]) {
      it(`adds rows of ${width} to those of the same number`, () => {
        const index = Int32Array.from({ length: 50 }, (_, i) => (i * 7) % 13);
        const [found, wanted] = [eighths(13 * width), eighths(13 * width)];
        verbs.scatterAdd(eighths(50 * width), width, index, found);
        reference.scatterAdd(eighths(50 * width), width, index, wanted);
        assertEquals(found, wanted);
      });
    }
    it("refuses a row that there is not", () => {
      const [g, out] = [new Float32Array(4), new Float32Array(6)];
      const message = "Cannot add to row 3 of 3: it is out of range";
      assertThrows(() => verbs.scatterAdd(g, 2, Int32Array.of(0, 3), out), RangeError, message);
      assertThrows(
        () => verbs.scatterAdd(g, 2, Int32Array.of(0, 1, 2), out),
        RangeError,
        "g needs 6 elements and has 4",
      );
    });
  });

  describe(`scan (${name})`, () => {
    for (const [outer, count, inner] of SIZES) {
      it(`along the middle of [${outer}, ${count}, ${inner}] is the reference's, bit for bit`, () => {
        for (const products of [false, true]) {
          const x = eighths(outer * count * inner), [found, wanted] = [x.slice(), x.slice()];
          verbs.scan({ products, outer, count, inner }, x, found);
          reference.scan({ products, outer, count, inner }, x, wanted);
          assertEquals(found, wanted);
        }
      });
    }
  });

  describe(`order (${name})`, () => {
    for (const count of [1, 5, 32, 33, 700, 20_000]) {
      it(`of rows of ${count} is the reference's, also of the first few alone`, () => {
        const rows = 3, x = eighths(rows * count);
        SPECIAL.forEach((value, i) => x[(i * 53) % x.length] = value);
        for (const descending of [false, true]) {
          for (const first of [count, Math.min(count, 2)]) {
            const run = (on: typeof reference) => {
              const out = new Int32Array(rows * count);
              on.order({ rows, count, descending, first }, x, out);
              return Array.from({ length: rows }, (_, i) => out.slice(i * count, i * count + first));
            };
            assertEquals(run(verbs), run(reference));
          }
        }
      });
    }
    it("refuses to give more than there is", () => {
      const d = { rows: 1, count: 2, descending: false, first: 3 };
      assertThrows(() => verbs.order(d, new Float32Array(2), new Int32Array(2)), RangeError, "Cannot sort");
    });
  });
}
