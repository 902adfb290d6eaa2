import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import {
  type Backend,
  type BinaryOp,
  INPUT_ACTIVATIONS,
  type Strided,
  type UnaryOp,
} from "../../../core/backend/backend.ts";
import { BINARY_OPS, UNARY_OPS } from "../../../core/backend/native/verbs.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { openWasm } from "../../../core/backend/wasm/wasm.ts";
import { sourceTexts } from "../../../core/backend/native/kernel_file.ts";
import type { TypedArray } from "@gradus/gradus";
import { AWKWARD, distance, everySize, floats } from "./verb_cases.ts";

const SOURCES = sourceTexts();

const native = openNative().backend;
const compared = native === undefined ? it.skip : it;

/** Runs a test for each back end whose verbs are C, where it can be had. */
function inC(title: string, body: (fast: Backend) => void): void {
  for (const [name, backend] of [["native", openNative().backend], ["wasm", openWasm().backend]] as const) {
    const own = title.includes("native") ? title.replace("native", name) : `${title} (${name})`;
    (backend === undefined ? it.skip : it)(own, () => body(backend!));
  }
}

/** How far native may be from the float64 formula rounded to float32, in units of the last place. */
const BOUNDS: Partial<Record<UnaryOp, number>> = {
  ...{ exp: 2, expm1: 2, log: 2, log1p: 2, tanh: 2, sigmoid: 2.5, erf: 2, rsqrt: 2 },
};

const dense = (data: TypedArray): Strided => ({ data, offset: 0, strides: [1] });

function mapped(op: UnaryOp, x: Float32Array): [got: Float32Array, exact: Float64Array] {
  const [got, exact] = [new Float32Array(x.length), new Float64Array(x.length)];
  native!.unary(op, [x.length], dense(x), dense(got), -0.5, 0.75);
  reference.unary(op, [x.length], dense(x), dense(exact), -0.5, 0.75);
  return [got, exact];
}

describe("unary()", () => {
  // Activations have their own test, by the size of their argument.
  for (const op of Object.keys(UNARY_OPS).filter((op) => op !== "not" && !(op in INPUT_ACTIVATIONS)) as UnaryOp[]) {
    compared(
      `map("${op}") of native is within ${BOUNDS[op] ?? 0.5} ulp of the formula for numbers of every size`,
      () => {
        for (const x of [everySize(200_003), floats(60_000, 2), floats(60_000, 20), floats(60_000, 100), AWKWARD]) {
          const [got, exact] = mapped(op, x);
          const worst = distance(got, exact);
          assertLessOrEqual(
            worst,
            BOUNDS[op] ?? 0.5,
            `${x[got.findIndex((y, i) => distance([y], [exact[i]]) === worst)]}`,
          );
        }
      },
    );
  }

  it("unary() of wasm is within 2.5 ulp of the slow formulas, and takes any strides as the reference does", () => {
    const { unary } = openWasm().backend!;
    for (const op of ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf"] as const) {
      for (const x of [floats(5000, 3), AWKWARD]) {
        const [got, exact] = [new Float32Array(x.length), new Float64Array(x.length)];
        unary(op, [x.length], dense(x), dense(got), 0, 0);
        reference.unary(op, [x.length], dense(x), dense(exact), 0, 0);
        assertLessOrEqual(distance(got, exact), 2.5, op);
      }
    }
    for (const { shape, x, out } of layouts()) {
      const [a, b] = [floats(6000, 2, 1), floats(6000, 2, 1)];
      unary("exp", shape, { ...x, data: floats(6000) }, { ...out, data: a }, 0, 0);
      reference.unary("exp", shape, { ...x, data: floats(6000) }, { ...out, data: b }, 0, 0);
      assertLess(distance(a, b), 3, `${shape} ${x.strides} ${out.strides}`);
    }
  });

  compared("unary() of native gives each number the same bits wherever it stands", () => {
    for (const op of Object.keys(UNARY_OPS).filter((op) => op !== "not") as UnaryOp[]) {
      const x = floats(67, 3);
      const [whole] = mapped(op, x);
      for (let i = 0; i < x.length; i++) assertEquals(mapped(op, x.slice(i, i + 1))[0][0], whole[i], op);
    }
  });

  compared("unary() of native takes any strides as the reference does, and leaves the rest alone", () => {
    for (const { shape, x, out } of layouts()) {
      for (const op of ["copy", "neg", "exp"] as const) {
        const [a, b] = [floats(6000, 2, 1), floats(6000, 2, 1)];
        native!.unary(op, shape, { ...x, data: floats(6000) }, { ...out, data: a }, 0, 0);
        reference.unary(op, shape, { ...x, data: floats(6000) }, { ...out, data: b }, 0, 0);
        assertLess(distance(a, b), 2, `${op} ${shape} ${x.strides} ${out.strides}`);
      }
    }
  });

  compared("unary() of native copies between dtypes as typed arrays do", () => {
    const numbers = [
      0,
      1,
      -1,
      1.9,
      -1.9,
      2 ** 24 + 1,
      2 ** 31,
      -(2 ** 31),
      2 ** 31 + 512,
      3e10,
      -3e10,
      1e20,
      1e38,
      NaN,
      Infinity,
    ];
    const kinds = [Float32Array, Int32Array, Uint8Array];
    for (const From of kinds) {
      for (const To of kinds) {
        const from = From.from([...numbers, ...numbers, ...numbers]);
        const [got, exact] = [new To(45), new To(45)];
        native!.unary("copy", [45], dense(from), dense(got), 0, 0);
        reference.unary("copy", [45], dense(from), dense(exact), 0, 0);
        assertEquals(got, exact, `${From.name} to ${To.name}`);
        native!.unary(
          "copy",
          [9, 5],
          { data: from, offset: 0, strides: [1, 9] },
          { data: got, offset: 0, strides: [5, 1] },
          0,
          0,
        );
        reference.unary(
          "copy",
          [9, 5],
          { data: from, offset: 0, strides: [1, 9] },
          { data: exact, offset: 0, strides: [5, 1] },
          0,
          0,
        );
        assertEquals(got, exact, `${From.name} to ${To.name}, transposed`);
      }
    }
  });

  compared("unary() of native gives the results of not as bytes", () => {
    const out = new Uint8Array(5).fill(7);
    native!.unary("not", [4], dense(Float32Array.of(0, -0, 2, NaN)), dense(out), 0, 0);
    assertEquals([...out], [1, 1, 0, 0, 7]);
  });

  compared("unary() of native transposes a matrix of any size", () => {
    for (const [m, n] of [[1, 1], [3, 5], [16, 16], [17, 33], [64, 50], [50, 64], [4, 100]]) {
      const x = floats(m * n);
      const out = new Float32Array(m * n);
      native!.unary(
        "copy",
        [m, n],
        { data: x, offset: 0, strides: [1, m] },
        { data: out, offset: 0, strides: [n, 1] },
        0,
        0,
      );
      assert(out.every((value, at) => value === x[Math.floor(at / n) + (at % n) * m]), `${m} ${n}`);
    }
  });

  compared("unary() of native refuses an operand that reaches past its buffer", () => {
    const x = dense(new Float32Array(5));
    assertThrows(() => native!.unary("exp", [6], x, dense(new Float32Array(6)), 0, 0), RangeError, "x of [6]");
    assertThrows(() => native!.unary("exp", [5], x, dense(new Float32Array(4)), 0, 0), RangeError, "the result of [5]");
    assertThrows(() => native!.unary("exp", [2], { ...x, strides: [-1] }, x, 0, 0), RangeError, "reaches from -1 to 0");
    assertThrows(() => native!.unary("exp", [2], { ...x, strides: [NaN] }, x, 0, 0), RangeError, "must be integers");
  });
});

/** Shapes with the strides of two operands, in buffers of 6000. */
function layouts(): { shape: number[]; x: Omit<Strided, "data">; out: Omit<Strided, "data"> }[] {
  const layout = (shape: number[], x: number[], out: number[], from = 0, to = 0) => ({
    ...{ shape, x: { offset: from, strides: x }, out: { offset: to, strides: out } },
  });
  return [
    layout([], [], []),
    layout([0], [1], [1]),
    layout([3, 0, 2], [1, 1, 1], [1, 1, 1]),
    layout([1000], [1], [1], 7, 9),
    layout([1000], [0], [1]),
    layout([1000], [3], [1]),
    layout([1000], [1], [3]),
    layout([300], [-2], [5], 700, 3),
    layout([20, 30], [30, 1], [30, 1]),
    layout([40, 60], [60, 1], [61, 1]),
    layout([40, 60], [0, 1], [1, 40], 3, 5),
    layout([40, 60], [-60, 1], [2, 80], 2400, 0),
    layout([20, 30], [1, 20], [30, 1]),
    layout([20, 30], [40, 1], [1, 20]),
    layout([20, 30], [0, 1], [40, 1]),
    layout([20, 30], [1, 0], [30, 1]),
    layout([5, 6, 7], [42, 7, 1], [1, 5, 30]),
    layout([5, 6, 7], [7, 35, 1], [42, 7, 1]),
    layout([2, 1, 3, 1, 2], [6, 9, 2, 9, 1], [1, 9, 2, 9, 6]),
    layout([2, 2, 2, 2, 2, 2, 2, 2, 2], [1, 2, 4, 8, 16, 32, 64, 128, 256], [256, 128, 64, 32, 16, 8, 4, 2, 1]),
  ];
}

describe("binary()", () => {
  const ops = Object.keys(BINARY_OPS) as BinaryOp[];
  const answers = (op: BinaryOp, length: number) =>
    BINARY_OPS[op]! < BINARY_OPS.eq! ? new Float32Array(length) : new Uint8Array(length);

  inC("binary() of native is the reference's to the last bit, for numbers that break formulas too", (fast) => {
    const n = AWKWARD.length;
    for (const op of ops) {
      const [got, exact] = [answers(op, n * n), answers(op, n * n)];
      const [a, b] = [{ data: AWKWARD, offset: 0, strides: [1, 0] }, { data: AWKWARD, offset: 0, strides: [0, 1] }];
      fast.binary(op, [n, n], a, b, { data: got, offset: 0, strides: [n, 1] });
      reference.binary(op, [n, n], a, b, { data: exact, offset: 0, strides: [n, 1] });
      got.forEach((x, i) =>
        assert(Object.is(x, exact[i]), `${AWKWARD[Math.floor(i / n)]} ${op} ${AWKWARD[i % n]} is ${x}`)
      );
    }
  });

  inC("binary() of native takes any strides and broadcasts as the reference does", (fast) => {
    for (const { shape, x, out } of layouts()) {
      for (const [left, right] of [[x, out], [out, x], [x, x], [out, out]]) {
        for (const op of ["add", "maximum", "lt"] as const) {
          const [got, exact] = [answers(op, 6000), answers(op, 6000)];
          const [a, b] = [{ ...left, data: floats(6000, 1, 1) }, { ...right, data: floats(6000, 1, 2) }];
          fast.binary(op, shape, a, b, { ...out, data: got });
          reference.binary(op, shape, a, b, { ...out, data: exact });
          assertEquals(got, exact, `${op} ${shape} ${left.strides} ${right.strides} ${out.strides}`);
        }
      }
    }
  });

  inC("binary() of native works in place", (fast) => {
    const x = floats(1000);
    const expected = x.map((value) => value + value);
    fast.binary("add", [1000], dense(x), dense(x), dense(x));
    assertEquals(x, expected);
  });

  inC("binary() of native squares where the power is 2", (fast) => {
    const out = new Float32Array(3);
    fast.binary(
      "pow",
      [3],
      dense(Float32Array.of(3, -2, NaN)),
      { data: Float32Array.of(2), offset: 0, strides: [0] },
      dense(out),
    );
    assertEquals([...out], [9, 4, NaN]);
  });

  inC("binary() of native refuses an operand that reaches past its buffer", (fast) => {
    const [long, short] = [dense(new Float32Array(5)), dense(new Float32Array(4))];
    assertThrows(() => fast.binary("add", [5], short, long, long), RangeError, "the left operand of [5]");
    assertThrows(() => fast.binary("add", [5], long, short, long), RangeError, "the right operand of [5]");
    assertThrows(() => fast.binary("add", [5], long, long, short), RangeError, "the result of [5]");
  });
});

describe("where()", () => {
  inC("where() of native takes any strides and broadcasts as the reference does, NaN and all", (fast) => {
    const data = floats(6000).fill(NaN, 0, 9);
    for (const { shape, x, out } of layouts()) {
      for (const [m, a, b] of [[x, x, out], [out, x, x], [x, out, out]]) {
        const mask = { ...m, data: Uint8Array.from(floats(6000, 1, 3), (v) => v > 0 ? 2 : 0) };
        const [got, exact] = [floats(6000, 1, 1), floats(6000, 1, 1)];
        fast.where(shape, mask, { ...a, data }, { ...b, data: floats(6000, 1, 2) }, { ...out, data: got });
        reference.where(shape, mask, { ...a, data }, { ...b, data: floats(6000, 1, 2) }, { ...out, data: exact });
        assertEquals(got, exact, `${shape} ${m.strides} ${a.strides} ${b.strides} ${out.strides}`);
      }
    }
  });

  inC("where() of native takes one number for a whole run", (fast) => {
    for (const n of [67, 2003]) chooses(fast, n);
  });

  function chooses(fast: Backend, n: number): void {
    const mask = { data: new Uint8Array(n).map((_, i) => i % 3), offset: 0, strides: [1] };
    const [x, zero, out] = [floats(n), { data: new Float32Array(1), offset: 0, strides: [0] }, new Float32Array(n)];
    fast.where([n], mask, dense(x), zero, dense(out));
    assertEquals(out, x.map((v, i) => i % 3 === 0 ? 0 : v));
    fast.where([n], mask, zero, dense(x), dense(out));
    assertEquals(out, x.map((v, i) => i % 3 === 0 ? v : 0));
  }

  inC("where() of native refuses an operand that reaches past its buffer", (fast) => {
    const [mask, long, short] = [new Uint8Array(5), new Float32Array(5), new Float32Array(4)];
    const refused = (m: TypedArray, ...rest: TypedArray[]) => {
      const [a, b, out] = rest.map(dense);
      assertThrows(() => fast.where([5], dense(m), a, b, out), RangeError, "an operand of [5]");
    };
    refused(mask.slice(1), long, long, long);
    refused(mask, short, long, long);
    refused(mask, long, short, long);
    refused(mask, long, long, short);
  });
});

describe("the tables of functions", () => {
  const upper = (name: string) => `OP_${name.replaceAll(/[A-Z]/g, "_$&").toUpperCase()}`;
  const listed = (first: string) =>
    new RegExp(`enum \\{\\s*(${first},[^}]*?),?\\s*(//[^\\n]*)?\\s*OP_\\w+_COUNT|enum \\{\\s*(${first},[^}]*)\\}`)
      .exec(SOURCES["kernels.h"])![0].replaceAll(/\/\/.*|enum \{/g, "").split(",").map((name) => name.trim());

  it("MAP_OPS are numbered as in kernels.h", () => {
    const names = Object.entries(UNARY_OPS).sort(([, a], [, b]) => a - b).map(([name]) => upper(name));
    assertEquals(listed("OP_COPY").slice(0, names.length), names);
  });

  it("ZIP_OPS are numbered as in kernels.h", () => {
    const names = Object.entries(BINARY_OPS).sort(([, a], [, b]) => a - b).map(([name]) => upper(name));
    assertEquals(listed("OP_ADD").slice(0, names.length), names);
  });
});
