import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import type { Backend, ReduceOp, Reduction } from "../../../core/backend/backend.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { REDUCE_OPS } from "../../../core/backend/native/verbs.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { openWasm } from "../../../core/backend/wasm/wasm.ts";
import { sourceTexts } from "../../../core/backend/native/kernel_file.ts";
import { AWKWARD, floats } from "./verb_cases.ts";

const SOURCES = sourceTexts();

const native = openNative().backend;

/** Runs a test for each back end whose verbs are C, where it can be had. */
function compared(title: string, body: (fast: Backend) => void): void {
  for (const [name, backend] of [["native", openNative().backend], ["wasm", openWasm().backend]] as const) {
    const own = title.includes("native") ? title.replace("native", name) : `${title} (${name})`;
    (backend === undefined ? it.skip : it)(own, () => body(backend!));
  }
}

/** Folds of [rows, cols]: along rows, along columns, everything, and with the matrix stored by columns. */
function reductions(rows: number, cols: number): Reduction[] {
  return [
    { kept: [rows], keptStrides: [cols], reduced: [cols], reducedStrides: [1] },
    { kept: [cols], keptStrides: [1], reduced: [rows], reducedStrides: [cols] },
    { kept: [], keptStrides: [], reduced: [rows, cols], reducedStrides: [cols, 1] },
    { kept: [rows], keptStrides: [1], reduced: [cols], reducedStrides: [rows] },
    { kept: [1], keptStrides: [5], reduced: [rows], reducedStrides: [cols] },
    { kept: [cols], keptStrides: [0], reduced: [rows], reducedStrides: [cols] },
    { kept: [rows], keptStrides: [cols], reduced: [cols], reducedStrides: [0] },
    { kept: [2, rows >> 1], keptStrides: [(rows >> 1) * cols, cols], reduced: [cols], reducedStrides: [1] },
  ].filter((reduction) => reduction.kept.every((n) => n > 0));
}

const SHAPES = [[1, 1], [3, 5], [5, 3], [33, 16], [64, 10], [10, 64], [70, 17], [7, 1030], [1030, 67]] as const;

const count = (reduction: Reduction) => reduction.kept.reduce((product, n) => product * n, 1);

describe("reduce()", () => {
  // At most 35 float32 additions before the sums go on in float64, and one rounding at the end.
  compared("reduce(sum) of native is within 18 ε Σ|x| of the exact sum", (fast) => {
    for (const [rows, cols] of SHAPES) {
      const x = floats(rows * cols + 3);
      for (const reduction of reductions(rows, cols)) {
        const [got, exact, size] = [
          new Float32Array(count(reduction)),
          new Float64Array(count(reduction)),
          new Float64Array(count(reduction)),
        ];
        fast.reduce("sum", reduction, x, 3, got);
        reference.reduce("sum", reduction, x, 3, exact);
        reference.reduce("sum", reduction, x.map(Math.abs), 3, size);
        got.forEach((sum, i) => assertLess(Math.abs(sum - exact[i]) / (2 ** -23 * size[i]), 18, `${rows} ${cols}`));
      }
    }
  });

  compared("reduce() of native finds the reference's extremes and their first places, NaN above all", (fast) => {
    for (const [rows, cols] of SHAPES) {
      for (const spoiled of [false, true]) {
        const x = floats(rows * cols + 3).map((value) => Math.round(4 * value));
        if (spoiled) AWKWARD.forEach((value, i) => x[(i * 29) % x.length] = value);
        for (const reduction of reductions(rows, cols)) {
          for (const op of ["max", "min", "argmax", "argmin"] as const) {
            const kind = op.startsWith("arg") ? Int32Array : Float32Array;
            const [got, exact] = [new kind(count(reduction)), new kind(count(reduction))];
            fast.reduce(op, reduction, x, 3, got);
            reference.reduce(op, reduction, x, 3, exact);
            assertEquals(got, exact, `${op} ${rows} ${cols} ${reduction.kept} ${reduction.reducedStrides}`);
          }
        }
      }
    }
  });

  compared("reduce(prod) of native has the reference's bits", (fast) => {
    const x = floats(120, 1.5);
    for (const reduction of reductions(12, 10)) {
      const [got, exact] = [new Float32Array(count(reduction)), new Float32Array(count(reduction))];
      fast.reduce("prod", reduction, x, 0, got);
      reference.reduce("prod", reduction, x, 0, exact);
      assertEquals(got, exact);
    }
  });

  compared("reduce() of native leaves what lies behind its results alone", (fast) => {
    const out = new Float32Array(20).fill(7);
    fast.reduce("sum", reductions(40, 17)[1], new Float32Array(680), 0, out);
    fast.reduce("max", reductions(40, 17)[1], new Float32Array(680), 0, out);
    assertEquals([...out.subarray(17)], [7, 7, 7]);
  });

  compared("reduce() of native refuses an operand that reaches past its buffer", (fast) => {
    const reduction = reductions(3, 4)[0];
    assertThrows(
      () => fast.reduce("sum", reduction, new Float32Array(12), 1, new Float32Array(3)),
      RangeError,
      "from 1 to 12",
    );
    assertThrows(
      () => fast.reduce("sum", reduction, new Float32Array(12), 0, new Float32Array(2)),
      RangeError,
      "more room",
    );
  });

  it("REDUCE_OPS are numbered as in kernels.h", () => {
    const names = (Object.keys(REDUCE_OPS) as ReduceOp[]).map((op) => `OP_${op.toUpperCase()}`);
    assertEquals(/enum \{ (OP_SUM.*?), OP_REDUCE_COUNT/.exec(SOURCES["kernels.h"])![1].split(", "), names);
  });
});

describe("gather()", () => {
  const index = Int32Array.of(4, 0, 4, 2);

  compared("gather() of native copies rows of every dtype as the reference does", (fast) => {
    for (
      const [From, To] of [[Float32Array, Float32Array], [Uint8Array, Float32Array], [Int32Array, Int32Array], [
        Uint8Array,
        Uint8Array,
      ], [Uint8Array, Int32Array]] as const
    ) {
      for (const width of [0, 1, 7, 30]) {
        const x = new From(200).map((_, i) => (i * 37) % 251);
        const [got, exact] = [new To(4 * width + 1).fill(7), new To(4 * width + 1).fill(7)];
        fast.gather(x, 3, 31, width, index, got);
        reference.gather(x, 3, 31, width, index, exact);
        assertEquals(got, exact);
      }
    }
  });

  for (const [name, backend] of [["reference", reference], ["native", native]] as const) {
    const test = backend === undefined ? it.skip : it;
    test(`gather() turns bytes into what a table has for them (${name})`, () => {
      const bytes = new Uint8Array(512).map((_, i) => 255 - i % 256);
      const table = new Float32Array(256).map((_, i) => Math.sin(i));
      const out = new Float32Array(2 * 300);
      backend!.gather(bytes, 5, 200, 300, Int32Array.of(1, 0), out, table);
      const expected = [205, 5].flatMap((from) => [...bytes.subarray(from, from + 300)].map((byte) => table[byte]));
      assertEquals(out, Float32Array.from(expected));
    });

    test(`gather() takes a table for bytes that become floats only, and one for each of them (${name})`, () => {
      const table = new Float32Array(256), rows = Int32Array.of(0);
      for (const [x, out] of [[new Float32Array(1), new Float32Array(1)], [new Uint8Array(1), new Uint8Array(1)]]) {
        assertThrows(() => backend!.gather(x, 0, 1, 1, rows, out, table), TypeError, "by a table of 256");
      }
      const short = table.subarray(1);
      assertThrows(
        () => backend!.gather(new Uint8Array(1), 0, 1, 1, rows, new Float32Array(1), short),
        TypeError,
        "255",
      );
    });

    test(`gather() names a row that does not lie in its buffer, and writes nothing (${name})`, () => {
      const out = new Float32Array(4).fill(7);
      for (const row of [3, -1]) {
        const rows = Int32Array.of(0, row);
        assertThrows(() => backend!.gather(new Float32Array(6), 0, 2, 2, rows, out), RangeError, `row ${row}`);
      }
      assertThrows(
        () => backend!.gather(new Float32Array(9), 0, 2, 3, Int32Array.of(0, 1), out),
        RangeError,
        "room for 4",
      );
      assertEquals([...out], [7, 7, 7, 7]);
    });
  }
});
