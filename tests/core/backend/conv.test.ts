import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type Activation, ACTIVATIONS, type Backend, type ConvResult } from "../../../core/backend/backend.ts";
import { CONV_FIELDS, describeConv } from "../../../core/backend/descriptor.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { openWasm } from "../../../core/backend/wasm/wasm.ts";
import { sourceTexts } from "../../../core/backend/native/kernel_file.ts";
import { type Case, convArrays, convCase, type Exact, exactConv, LAYOUTS, SIZES, type Sizes } from "./conv_cases.ts";

const SOURCES = sourceTexts();

const BACKENDS = [["reference", reference], ["native", openNative().backend], ["wasm", openWasm().backend]] as const;
const RESULTS: readonly ConvResult[] = ["y", "x", "w"];
const PLACE = { y: 2, x: 0, w: 1 } as const;

/** The arrays that each result is computed from. */
const PARTS = { y: [0, 1], x: [1, 2], w: [0, 2] } as const;

/** With and without padding, lanes along channels and along pixels, and steps. */
const SPECIAL: readonly Sizes[] = [
  { n: 2, padTop: 1, padLeft: 1, h: 12, w: 30 },
  { n: 2, padTop: 2, padLeft: 2, cIn: 20, cOut: 33, h: 9, w: 14, strideW: 2, strideH: 2 },
  { n: 2, cIn: 5, cOut: 16, h: 11, w: 13 },
  { n: 1, groups: 4, cIn: 1, cOut: 1, padTop: 1, padLeft: 1, h: 7, w: 19 },
  { n: 2, groups: 19, cIn: 1, cOut: 1, padTop: 2, padLeft: 2, kh: 5, kw: 5, h: 15, w: 37, strideH: 2, strideW: 2 },
];

type Arrays = [x: Float32Array | Float64Array, w: Float32Array | Float64Array, y: Float32Array | Float64Array];

const computed = new Map<string, Exact>();

/** Seven loops take long: what they give is kept for every back end and precision. */
function exact(result: ConvResult, one: Case, arrays: ReturnType<typeof convArrays>, withBias: boolean): Exact {
  const key = JSON.stringify([result, one.d, withBias]);
  const kept = computed.get(key) ??
    exactConv(result, one.d, withBias ? arrays : [...arrays.slice(0, 3), null] as never);
  computed.set(key, kept);
  return kept;
}

/** Computes one result, over NaN that must not be read, and compares it with seven loops; k·ε·Σ|a||b| are allowed. */
function check(verbs: Backend, result: ConvResult, one: Case, precision: 24 | 53, withBias = true): void {
  const { d } = one;
  const Kind = precision === 24 ? Float32Array : Float64Array;
  const given = convArrays(one, result);
  const { values, sizes, bias: sums } = exact(result, one, given, withBias);
  const arrays = given.slice(0, 3).map((part) => Kind.from(part)) as Arrays;
  const bias = withBias ? Kind.from(given[3]) : null;
  const out = arrays[PLACE[result]].fill(NaN);
  if (result === "w") bias?.fill(NaN);
  verbs.conv(result, d, ...arrays, bias);
  const terms = { y: d.cIn * d.kh * d.kw, x: d.cOut * d.kh * d.kw, w: d.n * d.oh * d.ow }[result] + 1;
  const wrong = out.findIndex((found, at) => {
    const near = Math.abs(found - values[at]) <= terms * 2 ** (1 - precision) * sizes[at];
    return !(near || (Number.isNaN(found) && Number.isNaN(values[at])));
  });
  assert(wrong < 0, `${out[wrong]} for ${values[wrong]} at ${wrong}`);
  if (result !== "w" || bias === null) return;
  sums.forEach((expected, o) => {
    const found = bias[d.biasOffset + o * d.biasStride];
    assert(Math.abs(found - expected) <= terms * terms * 2 ** (1 - precision), `bias ${found} for ${expected}`);
  });
}

for (const [name, backend] of BACKENDS) {
  const test = backend === undefined ? it.skip : it;
  const verbs = backend!;

  describe(`conv() of ${name}`, () => {
    for (const [what, sizes] of Object.entries(SIZES)) {
      for (const result of RESULTS) {
        test(`${what}: ${result} is that of seven loops in every layout`, () => {
          for (const layout of LAYOUTS) {
            for (const precision of [24, 53] as const) {
              check(verbs, result, convCase(sizes, layout), precision);
            }
          }
          check(verbs, result, convCase(sizes), 24, false);
        });
      }
    }

    test("applies the activation to what is stored, with the bits of unary()", () => {
      for (const activation of Object.keys(ACTIVATIONS) as Activation[]) {
        for (const result of ["y", "x"] as const) {
          const one = convCase({ n: 2, padTop: 1, padLeft: 1, cIn: 4, cOut: 5, h: 9, w: 17 });
          const arrays = convArrays(one, result);
          const apart = arrays[PLACE[result]].slice();
          const out = arrays[PLACE[result]];
          verbs.conv(result, { ...one.d, activation }, ...arrays);
          const [fused, plain] = [out.slice(), { ...one.d }];
          verbs.conv(result, plain, ...arrays);
          apart.set(out);
          const whole = (data: Float32Array) => ({ data, offset: 0, strides: [1] });
          const { unary } = verbs.conv === reference.conv ? reference : verbs;
          if (activation !== "none") unary(activation, [apart.length], whole(apart), whole(apart), 0, 0);
          assertEquals(fused, apart, `${activation} of ${result}`);
        }
      }
    });

    test("leaves infinities and NaN where the formula has them", () => {
      for (const sizes of SPECIAL) {
        for (const result of RESULTS) {
          for (const value of [NaN, Infinity]) {
            const one = convCase(sizes);
            const given = convArrays(one, result);
            for (const part of PARTS[result]) given[part][Math.floor(given[part].length / 3)] = value;
            const arrays = given.slice(0, 3) as Arrays;
            const { values } = exactConv(result, one.d, [...given.slice(0, 3), null] as never);
            verbs.conv(result, one.d, ...arrays, null);
            const kinds = (data: ArrayLike<number>) => Array.from(data, (x) => Number.isFinite(x) ? 0 : x);
            assertEquals(kinds(arrays[PLACE[result]]), kinds(values), `${result}: ${value}`);
          }
        }
      }
    });

    test("reads an x that is repeated with strides of 0", () => {
      const { d, lengths } = convCase({ n: 3, cIn: 4 });
      const one = { ...d, xN: 0, xC: 0 };
      for (const result of ["y", "w"] as const) check(verbs, result, { d: one, lengths }, 24);
    });

    test("refuses arrays that are too short, and sizes that cannot be", () => {
      const { d, lengths } = convCase();
      const arrays = convArrays({ d, lengths }, "y");
      const call = (change: Partial<typeof d>, cut = -1) => () =>
        verbs.conv(
          "y",
          { ...d, ...change },
          ...arrays.map((part, i) => i === cut ? part.subarray(1) : part) as typeof arrays,
        );
      ["x", "the weight", "y", "the bias"].forEach((part, i) => {
        assertThrows(call({}, i), RangeError, `Cannot convolve: ${part} of [`);
      });
      assertThrows(call({ xOffset: -1 }), RangeError, "reaches from -1");
      assertThrows(call({ strideH: 0 }), RangeError, "stride and dilation above 0");
      assertThrows(call({ dilationW: 0.5 }), RangeError, "must be integers below 2147483648");
      assertThrows(call({ oh: 2 ** 30, strideH: 4 }), RangeError, "must be integers below");
      assertThrows(call({ n: NaN }), RangeError, "must be integers below");
    });
  });
}

describe("CONV_FIELDS", () => {
  it("CONV_FIELDS and the results are numbered as in kernels.h", () => {
    const [, results, fields] =
      /enum \{ (CONV_RESULT_Y[^}]*) \};\nenum \{\s*(CONV_RESULT,[^}]*?),\s*CONV_DESCRIPTOR_LENGTH/.exec(
        SOURCES["kernels.h"],
      )!;
    const names = (text: string) =>
      text.replaceAll(/\/\/.*/g, "").split(",").map((name) => name.trim().slice("CONV_".length));
    const one = convCase();
    const codes = RESULTS.map((result) => {
      const [into, [x, w, y]] = [new Int32Array(CONV_FIELDS.length), convArrays(one, result)];
      describeConv(into, result, one.d, x, w, y, null);
      return [`RESULT_${result.toUpperCase()}`, into[0]] as const;
    });
    assertEquals(names(results).map((name, i) => [name, i] as const), codes);
    assertEquals(names(fields), [...CONV_FIELDS]);
  });
});
