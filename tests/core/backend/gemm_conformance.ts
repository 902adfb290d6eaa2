/** What every product of floats must do, whichever back end it comes from. */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import type { Backend } from "../../../core/backend/backend.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { at, type Case, errorRatio, LAYOUTS, makeCase, numbers } from "./gemm_cases.ts";

/** netlib's BLAS tests accept an error ratio below this. */
const THRESHOLD = 16;

/** Sizes on, before and after the edges of every tile: vectors of 4, 8 and 16, blocks of 2 or 3 of them, 4 to 12 rows. */
const EDGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 25, 31, 32, 33, 50];

/** Products that reach past each block size alone, and past all of them together. */
const LARGE = [[500, 3, 5], [3, 1100, 4], [4, 3, 2100], [250, 530, 70], [13, 257, 520], [130, 40, 600]] as const;

/** A case in whole numbers of float64. */
function inFloat64({ d, a, b, c, bias }: Case): Parameters<Backend["gemm"]> {
  const whole = (data: Float32Array) => Float64Array.from(data, (x) => Math.round(16 * x));
  return [d, whole(a.data), whole(b.data), whole(c.data), bias && whole(bias)];
}

/**
 * Registers the tests of one back end; they are skipped where it is not available. A fused activation must have the bits of `unary`.
 */
export function gemmConformance(
  name: string,
  gemm: Backend["gemm"] | undefined,
  unary: Backend["unary"] = reference.unary,
): void {
  const test = gemm === undefined ? it.skip : it;
  const run = (c: Case): void => gemm!(c.d, c.a.data, c.b.data, c.c.data, c.bias);
  const ratio = (c: Case): number => errorRatio(gemm!, c);

  describe(`${name} gemm`, () => {
    test("gemm() is within netlib's threshold at every tile edge", () => {
      for (const m of EDGES) {
        for (const n of EDGES) for (const k of [0, 1, 3, 4, 18, 40]) assertLess(ratio(makeCase([m, k, n])), THRESHOLD);
      }
    });

    test("gemm() is within netlib's threshold past every block size", () => {
      for (const size of LARGE) assertLess(ratio(makeCase(size, ["rows", "rows", "rows"], { bias: true })), THRESHOLD);
    });

    test("gemm() takes any signed strides and leaves every guard element alone", () => {
      for (const size of [[1, 5, 33], [5, 1, 7], [13, 37, 18], [33, 9, 50], [40, 65, 3]] as const) {
        for (const a of LAYOUTS) {
          for (const b of LAYOUTS) {
            for (const c of LAYOUTS) {
              for (const beta of [0, 1] as const) {
                assertLess(ratio(makeCase(size, [a, b, c], { beta, bias: a === b })), THRESHOLD, `${a} ${b} ${c}`);
              }
            }
          }
        }
      }
    });

    test("gemm() reads a row or a column over and over with stride 0", () => {
      for (const layout of ["repeated row", "repeated column"] as const) {
        for (const size of [[14, 20, 35], [3, 5, 2]] as const) {
          assertLess(ratio(makeCase(size, [layout, "rows", "rows"])), THRESHOLD);
          assertLess(ratio(makeCase(size, ["rows", layout, "columns"])), THRESHOLD);
        }
      }
    });

    test("gemm() adds to C with beta 1, across several blocks of k", () => {
      assertLess(ratio(makeCase([20, 1300, 37], ["rows", "columns", "rows"], { beta: 1, bias: true })), THRESHOLD);
    });

    test("gemm() with bias has the bits of gemm() followed by an addition", () => {
      for (const size of [[7, 9, 32], [7, 9, 33], [64, 1100, 50], [50, 1100, 64]] as const) {
        for (const beta of [0, 1] as const) {
          const [fused, plain] = [makeCase(size, undefined, { beta }), makeCase(size, undefined, { beta })];
          const bias = new Float32Array(2 * size[2] + 1).map(numbers(5));
          run({ ...fused, bias });
          run(plain);
          for (let i = 0; i < size[0]; i++) {
            for (let j = 0; j < size[2]; j++) plain.c.data[at(plain.c, i, j)] += bias[1 + plain.d.biasStride * j];
          }
          assertEquals(fused.c.data, plain.c.data);
        }
      }
    });

    test("gemm() with an activation has the bits of gemm() followed by unary()", () => {
      for (
        const size of [[7, 9, 32], [7, 9, 33], [64, 1100, 50], [5, 784, 10], [1, 30, 70], [40, 1, 30], [
          6,
          0,
          9,
        ]] as const
      ) {
        for (const layout of ["rows", "columns", "gaps"] as const) {
          for (const activation of ["relu", "sigmoid", "tanh"] as const) {
            const make = () => makeCase(size, ["rows", "rows", layout], { beta: size[1] % 2 as 0 | 1, bias: true });
            const [fused, plain] = [make(), make()];
            run({ ...fused, d: { ...fused.d, activation } });
            run(plain);
            const c = { data: plain.c.data, offset: plain.c.offset, strides: [plain.c.row, plain.c.col] };
            unary(activation, [size[0], size[2]], c, c, 0, 0);
            assertEquals(fused.c.data, plain.c.data, `${size} ${layout} ${activation}`);
          }
        }
      }
    });

    test("gemm() with k 0 leaves the bias, or zeros", () => {
      const empty = makeCase([2, 0, 3]);
      run(empty);
      assertEquals([...empty.c.data.subarray(3, 9)], [0, 0, 0, 0, 0, 0]);
      const biased = makeCase([2, 0, 3]);
      run({ ...biased, bias: Float32Array.of(0, 1, 0, 2, 0, 3, 0) });
      assertEquals([...biased.c.data.subarray(3, 9)], [1, 2, 3, 1, 2, 3]);
    });

    test("gemm() with k 0 and beta 1 leaves C as it was", () => {
      const c = makeCase([5, 0, 18], undefined, { beta: 1 });
      const old = c.c.data.slice();
      run(c);
      assertEquals(c.c.data, old);
    });

    test("gemm() gives the same bits as the reference for powers of two", () => {
      for (const size of [[13, 33, 50], [64, 64, 64], [5, 784, 10]] as const) {
        const next = numbers(3);
        const powers = () => Math.sign(next()) * 2 ** Math.round(2 * next());
        const [one, two] = [makeCase(size, undefined, { next: powers }), makeCase(size, undefined, { next: powers })];
        two.a.data.set(one.a.data), two.b.data.set(one.b.data), two.c.data.set(one.c.data);
        run(one);
        reference.gemm(two.d, two.a.data, two.b.data, two.c.data, null);
        assertEquals(one.c.data, two.c.data);
      }
    });

    test("gemm() lets one NaN spoil its row of C and nothing else", () => {
      const c = makeCase([14, 20, 35]);
      c.a.data[at(c.a, 3, 4)] = NaN;
      run(c);
      for (let i = 0; i < 14; i++) {
        for (let j = 0; j < 35; j++) assertEquals(Number.isNaN(c.c.data[at(c.c, i, j)]), i === 3, `${i} ${j}`);
      }
    });

    test("gemm() keeps infinities and makes NaN of ∞ · 0 and ∞ − ∞", () => {
      const c = makeCase([3, 2, 1]);
      c.a.data.set([Infinity, 1, Infinity, 0, Infinity, Infinity], 3);
      c.b.data.set([1, -1], 3);
      run(c);
      assertEquals([...c.c.data.subarray(3, 6)], [Infinity, Infinity, NaN]);
      c.b.data.set([0, 1], 3);
      run(c);
      assertEquals([...c.c.data.subarray(3, 6)], [NaN, NaN, NaN]);
    });

    test("gemm() sums −0 and −0 from +0, as the reference does", () => {
      const c = makeCase([1, 2, 1]);
      c.a.data.fill(-0), c.b.data.fill(1);
      run(c);
      assert(Object.is(c.c.data[3], 0));
    });

    test("gemm() gives the same bits each time", () => {
      const [one, two] = [makeCase([70, 600, 45]), makeCase([70, 600, 45])];
      run(one), run(two);
      assertEquals(one.c.data, two.c.data);
    });

    test("gemm() refuses an operand that reaches past its buffer by one element, and writes nothing", () => {
      const c = makeCase([3, 4, 5]);
      const [a, b, out] = [c.a, c.b, c.c].map((x) => x.data.slice(3, -3));
      const right = { ...c.d, aOffset: 0, bOffset: 0, cOffset: 0 };
      gemm!(right, a, b, out, null);
      const old = out.slice();
      for (const one of [{ aOffset: 1 }, { bOffset: 1 }, { cOffset: 1 }, { aOffset: -1 }, { bRow: -1 }, { cCol: 2 }]) {
        assertThrows(() => gemm!({ ...right, ...one }, a, b, out, null), RangeError, "reaches from");
      }
      assertEquals(out, old);
    });

    test("gemm() refuses sizes and strides that are no 32-bit integers", () => {
      const c = makeCase([3, 4, 5]);
      for (const one of [{ k: 2 ** 31 }, { n: -1 }, { m: 1.5 }, { aRow: NaN }, { bCol: 2 ** 31 }]) {
        assertThrows(() => run({ ...c, d: { ...c.d, ...one } }), RangeError, "must be integers below 2147483648");
      }
    });

    test("gemm() refuses a bias that is too short", () => {
      const c = makeCase([3, 4, 5]);
      assertThrows(() => run({ ...c, bias: new Float32Array(2 * 5 - 1) }), RangeError, "bias");
    });

    test("gemm() of float64 is the reference's to the bit where sums are exact, in any layout", () => {
      const sizes = [...EDGES.map((m) => [m, 21, 18] as const), ...EDGES.map((n) => [13, 7, n] as const), ...LARGE];
      for (const size of [...sizes, [3, 0, 4], [1, 1, 1]] as const) {
        const layouts = size[1] > 100 ? [LAYOUTS[0]] : LAYOUTS;
        for (const a of layouts) {
          for (const c of layouts) {
            const beta = a === "rows" ? 1 : 0;
            const one = inFloat64(makeCase(size, [a, c === "gaps" ? "columns" : "rows", c], { beta, bias: a !== c }));
            const wanted = one[3].slice();
            gemm!(...one);
            reference.gemm(one[0], one[1], one[2], wanted, one[4]);
            assertEquals(one[3], wanted, `${size} ${a} ${c}`);
          }
        }
      }
    });

    test("gemm() of float64 rounds no more than a sum of k products may, and keeps its activation's bits", () => {
      for (const activation of ["none", "relu", "tanh"] as const) {
        const next = numbers(5), [m, k, n] = [30, 700, 20];
        const [a, b] = [m * k, k * n].map((length) => new Float64Array(length).map(next));
        const d = { m, k, n, activation, aRow: k, aCol: 1, bRow: n, bCol: 1, cRow: n, cCol: 1, beta: 0 } as const;
        const places = { aOffset: 0, bOffset: 0, cOffset: 0, biasOffset: 0, biasStride: 1 };
        const [found, plain, wanted] = [0, 1, 2].map(() => new Float64Array(m * n));
        gemm!({ ...d, ...places }, a, b, found, null);
        gemm!({ ...d, ...places, activation: "none" }, a, b, plain, null);
        reference.gemm({ ...d, ...places, activation: "none" }, a, b, wanted, null);
        // |a| and |b| are below 1: a sum of k products is below k, and each of them is rounded once.
        plain.forEach((x, i) => assertLess(Math.abs(x - wanted[i]), 2 * k * k * 2 ** -53));
        const of = (data: Float64Array) => ({ data, offset: 0, strides: [1] });
        if (activation !== "none") reference.unary(activation, [m * n], of(plain), of(plain), 0, 0);
        assertEquals(found, plain);
      }
    });

    test("gemm() of float64 loses no digit, with which other dtypes mix as in the reference", () => {
      const [a, b, c] = [Float64Array.of(1, 2 ** -40), Float64Array.of(1, 1), new Float64Array(1)];
      const d = { ...makeCase([1, 2, 1]).d, aOffset: 0, bOffset: 0, cOffset: 0 };
      gemm!(d, a, b, c, null);
      assertEquals(c[0], 1 + 2 ** -40);
      gemm!(d, a, Float32Array.from(b), c, null);
      assertEquals(c[0], 1 + 2 ** -40);
    });
  });
}
