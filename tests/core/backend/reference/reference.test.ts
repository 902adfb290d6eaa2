import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import fc from "fast-check";
import type { Gemm, Reduction, Strided } from "../../../../core/backend/backend.ts";
import { BINARY, UNARY } from "../../../../core/backend/reference/formulas.ts";
import { coalesceDims, forEachRow, reference } from "../../../../core/backend/reference/reference.ts";
import { indices, SEEDED } from "../../oracle.ts";

/** Row-major m × k by k × n. */
function dense(m: number, k: number, n: number): Gemm {
  return {
    ...{ m, k, n, aOffset: 0, aRow: k, aCol: 1, bOffset: 0, bRow: n, bCol: 1, cOffset: 0, cRow: n, cCol: 1 },
    ...{ biasOffset: 0, biasStride: 1, beta: 0 },
  };
}
const f32 = (...values: number[]) => Float32Array.from(values);
const [A, B] = [f32(1, 2, 3, 4), f32(5, 6, 7, 8)]; // A·B = [[19, 22], [43, 50]]

describe("reference.gemm()", () => {
  it("gemm() writes A·B", () => {
    const c = f32(0, 0, 0, 0);
    reference.gemm(dense(2, 2, 2), A, B, c, null);
    assertEquals([...c], [19, 22, 43, 50]);
  });
  it("gemm() adds the bias to every row", () => {
    const c = f32(0, 0, 0, 0);
    reference.gemm({ ...dense(2, 2, 2), biasOffset: 1, biasStride: 2 }, A, B, c, f32(9, 100, 9, 200));
    assertEquals([...c], [119, 222, 143, 250]);
  });
  it("gemm() with beta 0 overwrites NaN, and with beta 1 adds to what is there", () => {
    const [empty, old] = [f32(NaN, NaN, NaN, NaN), f32(1, 2, 3, 4)];
    reference.gemm(dense(2, 2, 2), A, B, empty, null);
    reference.gemm({ ...dense(2, 2, 2), beta: 1 }, A, B, old, f32(10, 20));
    assertEquals([[...empty], [...old]], [[19, 22, 43, 50], [30, 44, 56, 74]]);
  });
  it("gemm() with an inner size of 0 gives the bias, or leaves C with beta 1", () => {
    const [c, old] = [f32(NaN, NaN), f32(7, 8)];
    reference.gemm(dense(1, 0, 2), f32(), f32(), c, f32(3, 4));
    reference.gemm({ ...dense(1, 0, 2), beta: 1 }, f32(), f32(), old, null);
    assertEquals([[...c], [...old]], [[3, 4], [7, 8]]);
  });
  it("gemm() reads every operand by its own offset and strides", () => {
    const d = { ...dense(2, 2, 2), aRow: 1, aCol: 2, bOffset: 3, bRow: -2, bCol: -1, cOffset: 1, cRow: 1, cCol: 3 };
    const c = f32(-1, 0, 0, -1, 0, 0, -1);
    reference.gemm(d, A, B, c, null); // [[1, 3], [2, 4]] · [[8, 7], [6, 5]] = [[26, 22], [40, 34]], down the columns
    assertEquals([...c], [-1, 26, 40, -1, 22, 34, -1]);
  });
  it("gemm() carries its sums in float64", () => {
    const c = f32(0);
    reference.gemm(dense(1, 3, 1), f32(2 ** 24, 1, 1), f32(1, 1, 1), c, null);
    assertEquals(c[0], 2 ** 24 + 2);
  });
  it("gemm() works on float64 and integers", () => {
    const [c, d] = [new Float64Array(1), new Int32Array(1)];
    reference.gemm(dense(1, 1, 1), Float64Array.of(0.1), Float64Array.of(3), c, null);
    reference.gemm(dense(1, 2, 1), Int32Array.of(2, 3), Int32Array.of(4, 5), d, null);
    assertEquals([c[0], d[0]], [0.1 * 3, 23]);
  });
});

describe("reference.unary() and binary()", () => {
  const strided = (data: Strided["data"], offset: number, ...strides: number[]): Strided => ({ data, offset, strides });
  it("unary() reads and writes by strides and leaves what lies between", () => {
    const out = f32(9, 9, 9, 9, 9, 9);
    reference.unary("neg", [2, 2], strided(A, 3, -2, -1), strided(out, 1, 1, 3), 0, 0);
    assertEquals([...out], [9, -4, -2, 9, -3, -1]);
  });
  it("binary() reads a stride of 0 again and again", () => {
    const out = f32(0, 0, 0, 0);
    reference.binary("sub", [2, 2], strided(A, 0, 2, 1), strided(B, 1, 0, 2), strided(out, 0, 2, 1));
    assertEquals([...out], [1 - 6, 2 - 8, 3 - 6, 4 - 8]);
  });
  it("binary() of nothing writes nothing", () => {
    const out = f32(9);
    reference.binary("add", [2, 0], strided(A, 0, 0, 1), strided(B, 0, 0, 1), strided(out, 0, 0, 1));
    assertEquals([...out], [9]);
  });
  it("unary() and binary() of a single number write it", () => {
    const out = f32(0, 0);
    reference.unary("square", [], strided(A, 2), strided(out, 0), 0, 0);
    reference.binary("pow", [], strided(A, 1), strided(A, 2), strided(out, 1));
    assertEquals([...out], [9, 8]);
  });
});

describe("reference.reduce() and gather()", () => {
  it("reduce() has the kept dimensions outside, in order, and the reduced ones inside", () => {
    const reduction: Reduction = { kept: [2], keptStrides: [1], reduced: [2], reducedStrides: [2] };
    const [sums, firsts] = [f32(0, 0), new Int32Array(2)];
    reference.reduce("sum", reduction, A, 0, sums);
    reference.reduce("argmax", reduction, A, 0, firsts);
    assertEquals([[...sums], [...firsts]], [[4, 6], [1, 1]]);
  });
  it("reduce() of nothing is where the reduction begins", () => {
    const out = f32(9, 9);
    const reduction: Reduction = { kept: [2], keptStrides: [0], reduced: [0], reducedStrides: [1] };
    const of = (op: "sum" | "prod" | "any" | "all") => (reference.reduce(op, reduction, f32(), 0, out), out[1]);
    assertEquals([of("sum"), of("prod"), of("any"), of("all")], [0, 1, 0, 1]);
  });
  it("gather() copies rows one after the other, also into another dtype", () => {
    const [out, doubles] = [f32(0, 0, 0, 0), new Float64Array(2)];
    reference.gather(f32(9, 1, 2, 9, 3, 4), 1, 3, 2, Int32Array.of(1, 0), out);
    reference.gather(f32(9, 1, 2, 9, 3, 4), 1, 3, 2, Int32Array.of(1), doubles);
    assertEquals([[...out], [...doubles]], [[3, 4, 1, 2], [3, 4]]);
  });
});

describe("coalesceDims() and forEachRow()", () => {
  const dims = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -4, max: 6 }), fc.constantFrom(0, 1, 2, 3, 6)),
    {
      maxLength: 4,
    },
  );
  it("together visit the places of every operand in row-major order", () => {
    fc.assert(
      fc.property(dims, (list) => {
        const [shape, p, q] = [list.map(([n]) => n), list.map(([, s]) => s), list.map(([, , s]) => s)];
        const loop = coalesceDims(shape, [p, q]);
        const seen: number[][] = [];
        forEachRow(loop, [100, 200], (starts) => {
          const [n, steps] = [loop.shape.at(-1)!, loop.strides.map((s) => s.at(-1)!)];
          for (let i = 0; i < n; i++) seen.push(starts.map((start, o) => start + i * steps[o]));
        });
        const place = (index: number[], strides: number[], from: number) =>
          index.reduce((at, i, d) => at + i * strides[d], from);
        assertEquals(seen, indices(shape).map((index) => [place(index, p, 100), place(index, q, 200)]));
      }),
      { ...SEEDED, numRuns: 1000 },
    );
  });
  it("coalesceDims() makes a dense tensor one dimension", () => {
    assertEquals(coalesceDims([2, 1, 3, 4], [[12, 5, 4, 1], [12, 9, 4, 1]]), { shape: [24], strides: [[1], [1]] });
  });
  it("coalesceDims() makes one of two dimensions only where every operand steps evenly", () => {
    assertEquals(coalesceDims([2, 3], [[3, 1], [0, 1]]), { shape: [2, 3], strides: [[3, 1], [0, 1]] });
  });
  it("coalesceDims() gives a single number one dimension of 1", () => {
    assertEquals(coalesceDims([], [[], []]), { shape: [1], strides: [[0], [0]] });
  });
});

describe("formulas", () => {
  it("every formula of one argument answers NaN for NaN, but sign and not", () => {
    const deaf = Object.entries(UNARY).filter(([, f]) => !Number.isNaN(f(NaN, -1, 1))).map(([name]) => name);
    assertEquals(deaf, ["sign", "not"]);
  });
  it("every arithmetic formula of two arguments answers NaN for NaN", () => {
    const deaf = Object.entries(BINARY).filter(([, f]) => !Number.isNaN(f(NaN, 2)) || !Number.isNaN(f(2, NaN)));
    assertEquals(deaf.map(([name]) => name), ["eq", "ne", "lt", "le", "gt", "ge", "and", "or"]);
  });
});
