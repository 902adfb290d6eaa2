/** The verbs of rows: every back end beside the reference, on awkward sizes, and what each refuses. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { backendNamed } from "../../../core/backend/choose.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { BACKENDS } from "../../course_reference.ts";

function spread(length: number, size = 3): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => size * (((i * 37) % 101) / 50 - 1));
}

/** Within some roundings of a sum of float32 numbers up to 3 in 32 parts, and of e^x, which is right to 2 units in the last place. */
const NEAR = 3 * 64 * 2 ** -23;

function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, scale = 1): void {
  assertEquals(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) {
    const near = Object.is(found[i], wanted[i]) ||
      Math.abs(found[i] - wanted[i]) <= NEAR * Math.max(scale, Math.abs(wanted[i]));
    assert(near, `element ${i}: ${found[i]} is not ${wanted[i]}`);
  }
}

const SIZES = [[0, 3], [3, 0], [1, 1], [2, 7], [5, 8], [3, 33], [70, 20], [2, 1100], [40, 65]] as const;

for (const name of BACKENDS) {
  const verbs = backendNamed(name);

  describe(`softmax (${name})`, () => {
    for (const [rows, cols] of SIZES) {
      it(`of [${rows}, ${cols}] and its gradient are the reference's`, () => {
        for (const log of [false, true]) {
          const d = { log, rows, cols }, size = rows * cols;
          const run = (on: typeof reference) => {
            const [y, dx] = [new Float32Array(size), new Float32Array(size)];
            on.softmax(d, spread(size, 20), y);
            on.softmaxBackward(d, spread(size), y, dx);
            return [y, dx];
          };
          const wanted = run(reference);
          run(verbs).forEach((array, i) => assertClose(array, wanted[i], i === 1 && log ? cols : 1));
        }
      });
    }
    it("gives 0 for −∞ and far below the largest, and NaN for rows of NaN, of −∞ alone, and with ∞", () => {
      const x = new Float32Array(4 * 40).fill(-Infinity);
      x[1] = 0, x[2] = -200, x[45] = NaN, x[125] = Infinity;
      const y = new Float32Array(4 * 40);
      verbs.softmax({ log: false, rows: 4, cols: 40 }, x, y);
      assertEquals([...y.subarray(0, 5)], [0, 1, 0, 0, 0]);
      assert(y.subarray(40, 120).every(Number.isNaN));
      assert(Number.isNaN(y[125]));
    });
    it("refuses arrays that are too short, and sizes that are none", () => {
      const x = new Float32Array(6);
      assertThrows(
        () => verbs.softmax({ log: false, rows: 2, cols: 4 }, x, x),
        RangeError,
        "x needs 8 elements and has 6",
      );
      assertThrows(() => verbs.softmax({ log: false, rows: 1.5, cols: 4 }, x, x), RangeError, "must be integers");
      const d = { log: true, rows: 2, cols: 3 };
      assertThrows(() => verbs.softmaxBackward(d, x, x, x.subarray(1)), RangeError, "dx needs 6 elements and has 5");
    });
  });

  describe(`layerNorm (${name})`, () => {
    for (const [rows, cols] of SIZES) {
      it(`of [${rows}, ${cols}] and its gradients are the reference's`, () => {
        const d = { rows, cols, eps: 1e-3 }, size = rows * cols;
        for (const weight of [null, spread(cols)]) {
          const run = (on: typeof reference) => {
            const [stats, y, dx] = [new Float32Array(2 * rows), new Float32Array(size), new Float32Array(size)];
            const [dw, db] = [0, 1].map(() => weight && new Float32Array(cols));
            const x = spread(size);
            on.layerNorm(d, x, weight, weight, stats, y);
            on.layerNormBackward(d, spread(size, 2), x, weight, stats, dx, dw, db);
            on.layerNormBackward(d, spread(size, 2), x, weight, stats, null, dw, db);
            return [stats, y, dx, dw ?? x, db ?? x];
          };
          const wanted = run(reference);
          // Columns are sums over the rows of numbers up to 6, and 1 / √variance reaches 30.
          run(verbs).forEach((array, i) => assertClose(array, wanted[i], i > 2 ? 6 * rows : 30));
        }
      });
    }
    it("refuses arrays that are too short", () => {
      const [x, stats] = [new Float32Array(6), new Float32Array(4)];
      const d = { rows: 2, cols: 3, eps: 1e-5 };
      assertThrows(() => verbs.layerNorm(d, x, null, null, stats.subarray(1), x), RangeError, "stats needs 4 elements");
      assertThrows(
        () => verbs.layerNorm(d, x, x.subarray(4), x.subarray(4), stats, x),
        RangeError,
        "weight needs 3 elements and has 2",
      );
    });
  });
}
