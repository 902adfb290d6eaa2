/** The verbs of planes and channels: every back end beside the reference, on shapes that are awkward, and what each refuses. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { backendNamed } from "../../../core/backend/choose.ts";
import type { BatchNorm, Pooling, Resampling, Taps, Windows } from "../../../core/backend/planes.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { adaptiveWindows, windowsAlong } from "../../../core/ops/windows/sizes.ts";
import { BACKENDS } from "../../course_reference.ts";

/** Numbers of both signs with ties, and some that are special. */
function spread(length: number, special = false): Float32Array<ArrayBuffer> {
  const x = Float32Array.from({ length }, (_, i) => ((i * 37) % 101) / 25 - 2);
  if (special) [NaN, Infinity, -Infinity, -0, 0, 1e-38, 3e38].forEach((v, i) => x[(i * 53 + 5) % length] = v);
  return x;
}

function windows(size: number, kernel: number, stride: number, padding = 0, dilation = 1, ceilMode = false): Windows {
  return windowsAlong(size, { kernel, stride, padding, dilation, ceilMode, countPadding: padding % 2 === 0 });
}

const PLANES: [what: string, h: number, w: number, rows: Windows, cols: Windows][] = [
  ["pairs", 4, 6, windows(4, 2, 2), windows(6, 2, 2)],
  ["pairs of odd sizes", 29, 37, windows(29, 2, 2), windows(37, 2, 2)],
  ["pairs of 70 columns", 2, 70, windows(2, 2, 2), windows(70, 2, 2)],
  ["pairs that overlap", 9, 11, windows(9, 2, 1), windows(11, 2, 1)],
  ["windows over padding", 8, 7, windows(8, 3, 2, 1), windows(7, 3, 2, 1)],
  ["a last window that is cut", 7, 6, windows(7, 2, 2, 0, 1, true), windows(6, 4, 3, 2, 1, true)],
  ["windows with gaps", 9, 20, windows(9, 2, 3, 1, 3), windows(20, 3, 5, 1, 2)],
  ["strides past the window", 9, 90, windows(9, 1, 4), windows(90, 20, 35)],
  ["one window", 7, 7, windows(7, 7, 7), windows(7, 7, 7)],
  ["rows of a sequence", 1, 50, windows(1, 1, 1), windows(50, 3, 1, 1)],
  ["adaptive windows", 7, 33, adaptiveWindows(7, 3), adaptiveWindows(33, 5)],
  ["more windows than places", 2, 3, adaptiveWindows(2, 5), adaptiveWindows(3, 7)],
  ["no windows", 3, 3, adaptiveWindows(3, 0), adaptiveWindows(3, 2)],
];

/** Equal, or within a few roundings of sums of `terms` numbers of that size. */
function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assertEquals(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) {
    const near = Object.is(found[i], wanted[i]) || found[i] === wanted[i] ||
      Math.abs(found[i] - wanted[i]) <= tolerance * Math.max(1, Math.abs(wanted[i]));
    assert(near, `element ${i}: ${found[i]} is not ${wanted[i]}`);
  }
}

const EPSILON = 2 ** -23;

for (const name of BACKENDS) {
  const verbs = backendNamed(name);

  describe(`pooling (${name})`, () => {
    for (const [what, h, w, rows, cols] of PLANES) {
      for (const planes of [0, 1, 3, 1000]) {
        it(`of ${planes} planes by ${what} is the reference's`, () => {
          const results = planes * rows.begin.length * cols.begin.length;
          for (const special of [false, true]) {
            const x = spread(planes * h * w, special && planes > 0);
            const d = { planes, h, w, rows, cols, divisor: 0 };
            const run = (on: typeof reference, op: Pooling["op"], divisor = 0) => {
              const [out, dx] = [new Float32Array(results).fill(9), new Float32Array(x.length).fill(9)];
              const at = op === "max" ? new Int32Array(results).fill(9) : null;
              on.pool({ ...d, op, divisor }, x, out, at);
              on.poolBackward({ ...d, op, divisor }, spread(results), at, dx);
              return { out, at, dx };
            };
            const [found, wanted] = [run(verbs, "max"), run(reference, "max")];
            assertEquals([found.out, found.at], [wanted.out, wanted.at]);
            assertClose(found.dx, wanted.dx, 16 * EPSILON);
            if (special) continue; // sums of infinities are NaN in one order and infinite in another
            const terms = Math.max(1, ...rows.count) * Math.max(1, ...cols.count);
            for (const divisor of [0, 3]) {
              const [found, wanted] = [run(verbs, "avg", divisor), run(reference, "avg", divisor)];
              // Half an ε for each of ten roundings on a term's way into a vector's sum, of numbers that are 1 on average.
              assertClose(found.out, wanted.out, 5 * EPSILON * Math.max(1, terms / (divisor || terms)));
              assertClose(found.dx, wanted.dx, 16 * EPSILON);
            }
          }
        });
      }
    }

    it("sends gradients to any places of the plane", () => {
      const along = windows(4, 2, 2);
      const d = { op: "max", planes: 1, h: 4, w: 4, rows: along, cols: along, divisor: 0 } as const;
      const dx = new Float32Array(16);
      verbs.poolBackward(d, Float32Array.of(1, 2, 4, 8), Int32Array.of(15, 15, -1, 0), dx);
      assertEquals([dx[0], dx[15], dx.reduce((a, b) => a + b)], [8, 3, 11]);
    });

    it("refuses what does not lie in its arrays, and writes nothing", () => {
      const along = windows(4, 2, 2);
      const d = { op: "max", planes: 2, h: 4, w: 4, rows: along, cols: along, divisor: 0 } as const;
      const arrays = (x: number, out: number, at = out) =>
        [new Float32Array(x), new Float32Array(out).fill(5), new Int32Array(at)] as const;
      const refuses = (d: Pooling, sizes: readonly [number, number, number?], message: string) => {
        const [x, out, at] = arrays(...sizes);
        assertThrows(() => verbs.pool(d, x, out, at), RangeError, message);
        assertEquals(out.every((v) => v === 5), true);
        assertThrows(() => verbs.poolBackward(d, out, at, x), RangeError, message);
      };
      refuses(d, [31, 8], "Cannot pool 2 planes of [4, 4]: the images needs 32 elements and has 31");
      refuses(d, [32, 7], "the windows needs 8 elements and has 7");
      refuses(d, [32, 8, 7], "at needs 8 elements and has 7");
      refuses({ ...d, planes: 1.5 }, [32, 8], "integers below 2147483648");
      refuses({ ...d, rows: { ...along, end: along.end.map((n) => n + 1) } }, [32, 8], "window 1 reaches from 2 to 5");
      refuses({ ...d, cols: { ...along, step: 0 } }, [32, 8], "with a step of 1 or more");
      for (const place of [16, -2]) {
        const at = new Int32Array(8).fill(place);
        const call = () => verbs.poolBackward(d, new Float32Array(8), at, new Float32Array(32));
        assertThrows(call, RangeError, `the maximum at ${place} lies outside of its plane`);
      }
      const none = () => verbs.poolBackward(d, new Float32Array(8), null, new Float32Array(32));
      assertThrows(none, RangeError, "the places of the maxima are missing");
    });
  });

  describe(`resampling (${name})`, () => {
    const some = (count: number, size: number, weights: readonly number[]): Taps => ({
      low: Int32Array.from({ length: count }, (_, i) => (3 * i) % size),
      high: Int32Array.from({ length: count }, (_, i) => (5 * i + 1) % size),
      weight: Float64Array.from({ length: count }, (_, i) => weights[i % weights.length]),
    });
    const inOrder = (from: number, count: number, size: number): Taps => {
      const low = Int32Array.from({ length: count }, (_, i) => Math.min(Math.max(i + from, 0), size - 1));
      return { low, high: low, weight: new Float64Array(count) };
    };
    const CASES: [string, number, number, Taps, Taps][] = [
      ["any places and weights", 4, 5, some(9, 4, [0.25, 0, 1]), some(7, 5, [0, 0.5, 0.75, 1])],
      ["a run within padding", 3, 40, inOrder(-2, 7, 3), inOrder(-3, 47, 40)],
      ["nothing", 3, 3, some(0, 3, [0]), some(2, 3, [0])],
    ];
    for (const [what, h, w, rows, cols] of CASES) {
      it(`by ${what} is the reference's`, () => {
        for (const planes of [0, 1, 70]) {
          const d: Resampling = { planes, h, w, rows, cols };
          const results = planes * rows.low.length * cols.low.length;
          const run = (on: typeof reference) => {
            const [out, dx] = [new Float32Array(results).fill(9), new Float32Array(planes * h * w).fill(9)];
            on.resample(d, spread(dx.length), out);
            on.resampleBackward(d, spread(results), dx);
            return [out, dx];
          };
          const [found, wanted] = [run(verbs), run(reference)];
          found.forEach((x, i) => assertClose(x, wanted[i], 64 * EPSILON));
        }
      });
    }
    it("does not read what has no weight, and refuses taps outside of the plane", () => {
      const one = { low: Int32Array.of(0), high: Int32Array.of(1), weight: Float64Array.of(0) };
      const d = { planes: 1, h: 2, w: 2, rows: one, cols: one };
      const out = new Float32Array(1);
      verbs.resample(d, Float32Array.of(3, NaN, Infinity, NaN), out);
      assertEquals(out[0], 3);
      const far = { ...d, cols: { ...one, high: Int32Array.of(2) } };
      assertThrows(() => verbs.resample(far, new Float32Array(4), out), RangeError, "it reads 0 and 2 of 2 places");
      assertThrows(() => verbs.resample(d, new Float32Array(3), out), RangeError, "the images needs 4 elements");
    });
  });

  describe(`batch normalisation (${name})`, () => {
    const SIZES = [[1, 1, 2], [2, 1, 1], [3, 5, 1], [9, 83, 1], [64, 130, 1], [0, 3, 4], [2, 0, 4], [4, 3, 7], [
      5,
      2,
      83,
    ]];
    for (const [n, c, l] of [...SIZES, [33, 4, 784], [2, 1000, 9]]) {
      it(`of [${n}, ${c}, ${l}] is the reference's`, () => {
        for (const training of n === 0 ? [false] : [true, false]) {
          for (const activation of ["none", "relu"] as const) {
            const d: BatchNorm = { n, c, l, training, activation, eps: 1e-3 };
            const [size, count] = [n * c * l, n * l];
            const run = (on: typeof reference, withInput: boolean) => {
              const [y, dx] = [new Float32Array(size), withInput ? new Float32Array(size) : null];
              const stats = Float32Array.from(
                { length: 4 * c },
                (_, i) => i < c ? 0.3 : i < 2 * c ? 1.7 : (i % 7) / 3 - 1,
              );
              const [dw, db] = [new Float32Array(c), new Float32Array(c)];
              on.batchNorm(d, spread(size), stats, y);
              on.batchNormBackward(d, spread(size).reverse(), spread(size), y, stats, dx, dw, db);
              return [stats, y, dw, db, ...dx === null ? [] : [dx]];
            };
            for (const withInput of [true, false]) {
              const [found, wanted] = [run(verbs, withInput), run(reference, withInput)];
              const spreads = [1, 1, count, count, 1]; // what the numbers of a sum reach, times ε for each of its blocks
              found.forEach((x, i) => assertClose(x, wanted[i], 32 * EPSILON * Math.max(4, spreads[i])));
            }
          }
        }
      });
    }
    it("refuses arrays that are too short", () => {
      const d: BatchNorm = { n: 2, c: 3, l: 4, training: true, activation: "relu", eps: 1e-5 };
      const of = (n: number) => new Float32Array(n);
      const message = "Cannot normalise [2, 3, 4]: ";
      assertThrows(
        () => verbs.batchNorm(d, of(23), of(12), of(24)),
        RangeError,
        `${message}x needs 24 elements and has 23`,
      );
      assertThrows(() => verbs.batchNorm(d, of(24), of(11), of(24)), RangeError, `${message}stats needs 12`);
      const back = (y: Float32Array | null, dw: number) =>
        verbs.batchNormBackward(d, of(24), of(24), y, of(12), of(24), of(dw), of(3));
      assertThrows(() => back(of(24), 2), RangeError, `${message}dw needs 3`);
      assertThrows(() => back(null, 3), RangeError, `${message}relu needs y`);
    });
  });
}
