import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { setThreads, threads } from "@gradus/gradus";
import { convArrays, convCase, type Sizes } from "./conv_cases.ts";
import { makeCase, numbers } from "./gemm_cases.ts";
import { floats } from "./verb_cases.ts";

const native = openNative().backend;
const test = native === undefined ? it.skip : it;

/** Convolutions with enough work to be shared out. */
const SHARED: readonly Sizes[] = [
  { n: 5, cIn: 32, cOut: 64, h: 28, w: 28, padTop: 1, padLeft: 1 },
  { n: 1, cIn: 24, cOut: 40, h: 60, w: 61, padTop: 1, padLeft: 1 },
  { n: 40, cIn: 1, cOut: 8, h: 40, w: 40, kh: 5, kw: 5, strideH: 2, strideW: 2 },
  { n: 16, cIn: 64, cOut: 128, h: 14, w: 14, kh: 1, kw: 1 },
  { n: 64, groups: 32, cIn: 1, cOut: 1, h: 28, w: 28 },
  { n: 40, groups: 24, cIn: 1, cOut: 1, h: 29, w: 31, kh: 5, kw: 3, padTop: 2, padLeft: 1, strideH: 2, strideW: 2 },
];

/** What `work` gives with each number of threads. */
function withEach<T>(counts: readonly number[], work: () => T): T[] {
  const before = threads();
  try {
    return counts.map((count) => {
      setThreads(count);
      return work();
    });
  } finally {
    setThreads(before);
  }
}

describe("setThreads()", () => {
  it("setThreads() is what threads() says from then on", () => {
    assertEquals(withEach([1, 3, 64], threads), [1, 3, 64]);
  });

  it("setThreads() refuses what is no whole number from 1 to 64", () => {
    for (const count of [0, -1, 65, 1.5, NaN]) {
      assertThrows(
        () => setThreads(count),
        RangeError,
        `Cannot use ${count} threads: expected a whole number from 1 to 64`,
      );
    }
  });

  test("setThreads() does not change a bit of a product", () => {
    for (const size of [[257, 300, 260], [1000, 200, 50], [30, 300, 2000], [200, 20_000, 9]] as const) {
      const results = withEach([1, 2, 3, 5], () => {
        const { d, a, b, c, bias } = makeCase(size, undefined, { bias: true });
        native!.gemm({ ...d, activation: "tanh" }, a.data, b.data, c.data, bias);
        return c.data;
      });
      results.forEach((result) => assertEquals(result, results[0], `${size}`));
    }
  });

  test("setThreads() does not change a bit of a product of float64", () => {
    const [m, k, n] = [300, 700, 70], next = numbers(7);
    const [a, b] = [m * k, k * n].map((length) => new Float64Array(length).map(next));
    const places = { aOffset: 0, bOffset: 0, cOffset: 0, biasOffset: 0, biasStride: 1, beta: 0 } as const;
    for (const [cRow, cCol] of [[n, 1], [1, m]]) {
      const results = withEach([1, 2, 3, 5], () => {
        const c = new Float64Array(m * n);
        native!.gemm({ ...places, m, k, n, aRow: k, aCol: 1, bRow: n, bCol: 1, cRow, cCol }, a, b, c, null);
        return c;
      });
      results.forEach((result) => assertEquals(result, results[0]));
    }
  });

  test("setThreads() does not change a bit of a convolution", () => {
    for (const sizes of SHARED) {
      for (const result of ["y", "x", "w"] as const) {
        const one = convCase(sizes);
        const [alone, both] = withEach([1, 2], () => {
          const [x, w, y, bias] = convArrays(one, result);
          native!.conv(result, one.d, x, w, y, bias);
          return [{ y, x, w }[result], bias];
        });
        assertEquals(alone, both);
      }
    }
  });

  test("setThreads() does not change a bit of a long map or zip", () => {
    const x = { data: floats(300_007), offset: 0, strides: [1] };
    const results = withEach([1, 2, 5], () => {
      const out = { ...x, data: new Float32Array(300_007) };
      native!.unary("exp", [300_007], x, out, 0, 0);
      native!.binary("mul", [300_007], x, out, out);
      return out.data;
    });
    results.forEach((result) => assertEquals(result, results[0]));
  });

  test("close() leaves no thread in code that goes away", () => {
    const own = openNative();
    assert(own.backend !== undefined);
    withEach([4], () => {
      const { d, a, b, c } = makeCase([300, 300, 300]);
      own.backend!.gemm(d, a.data, b.data, c.data, null);
      own.close!();
    });
  });
});
