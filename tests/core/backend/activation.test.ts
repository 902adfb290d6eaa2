/** Activations and their derivatives, of native and wasm, against the formulas in float64. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { ACTIVATIONS, type Backend, INPUT_ACTIVATIONS, type InputActivation } from "../../../core/backend/backend.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { UNARY_BACKWARD } from "../../../core/backend/reference/formulas.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { openWasm } from "../../../core/backend/wasm/wasm.ts";
import { sourceTexts } from "../../../core/backend/native/kernel_file.ts";
import { AWKWARD, distance, everySize, floats } from "./verb_cases.ts";

const SOURCES = sourceTexts();

const backends: Record<string, Backend | undefined> = { native: openNative().backend, wasm: openWasm().backend };

/** Each with settings that float32 holds, so that both sides get the same. */
const settings: Record<InputActivation, [low: number, high: number][]> = {
  clamp: [[-0.5, 0.75]],
  hardtanh: [[-0.5, 0.75]],
  leakyRelu: [[0.25, 0], [-0.5, 0]],
  elu: [[1, 1], [1.5, Math.fround(1.05)]],
  gelu: [[0, 0]],
  geluTanh: [[0, 0]],
  silu: [[0, 0]],
  mish: [[0, 0]],
  softplus: [[1, 20], [-1, Infinity], [2, 3]],
};

const numbers = Float32Array.from([
  ...[everySize(200_003), floats(60_000, 2), floats(60_000, 20), floats(60_000, 100), AWKWARD].flatMap((x) => [...x]),
]);
const outputGrad = floats(numbers.length, 3, 5);
const n = numbers.length;
const dense = (data: Float32Array | Float64Array) => ({ data, offset: 0, strides: [1] });

function compare(
  backend: Backend,
  op: InputActivation,
  low: number,
  high: number,
): { unary: number; backward: number } {
  const [got, exact] = [new Float32Array(n), new Float64Array(n)];
  backend.unary(op, [n], dense(numbers), dense(got), low, high);
  reference.unary(op, [n], dense(numbers), dense(exact), low, high);
  const [back, exactBack] = [new Float32Array(n), new Float64Array(n)];
  backend.activationBackward(op, 1, n, outputGrad, numbers, back, null, low, high);
  reference.activationBackward(
    op,
    1,
    n,
    Float64Array.from(outputGrad),
    Float64Array.from(numbers),
    exactBack,
    null,
    low,
    high,
  );
  const ofSize = (x: number) => Number.isFinite(x) ? Math.abs(x) * 2 ** -24 : 0;
  return {
    unary: distance(got, exact, Float64Array.from(numbers, ofSize)),
    backward: distance(back, exactBack, Float64Array.from(outputGrad, ofSize)),
  };
}

describe("activations", () => {
  for (const [name, backend] of Object.entries(backends)) {
    const test = backend === undefined ? it.skip : it;
    for (const [op, parameters] of Object.entries(settings) as [InputActivation, [number, number][]][]) {
      for (const [low, high] of parameters) {
        test(`${op} (${low}, ${high}) of ${name} is within 2.5 ulp of itself or its argument, its derivative within 3`, () => {
          const worst = compare(backend!, op, low, high);
          assertLessOrEqual(worst.unary, 2.5, "the result");
          assertLessOrEqual(worst.backward, 3, "the derivative");
        });
      }
    }

    test(`activationBackward() of ${name} gives each derivative the same bits wherever it stands, and may write over its gradient`, () => {
      for (const op of Object.keys(INPUT_ACTIVATIONS) as InputActivation[]) {
        const [low, high] = settings[op][0];
        const [g, x] = [floats(67, 2, 1), floats(67, 3, 2)];
        const whole = new Float32Array(70).fill(7);
        backend!.activationBackward(op, 1, 67, g, x, whole, null, low, high);
        assertEquals([...whole.subarray(67)], [7, 7, 7], "what lies behind stays");
        for (let i = 0; i < 67; i++) {
          const one = new Float32Array(1);
          backend!.activationBackward(op, 1, 1, g.subarray(i, i + 1), x.subarray(i, i + 1), one, null, low, high);
          assertEquals(one[0], whole[i], op);
        }
        backend!.activationBackward(op, 67, 1, g, x, g, null, low, high);
        assertEquals(g, whole.subarray(0, 67));
      }
    });

    test(`activationBackward() of ${name} leaves to the reference what C does not know`, () => {
      const cube = "cube" as InputActivation;
      UNARY_BACKWARD[cube] = (g, x) => 3 * g * x * x;
      try {
        const out = new Float32Array(3);
        backend!.activationBackward(cube, 1, 3, Float32Array.of(1, 1, 2), Float32Array.of(1, 2, 3), out, null);
        assertEquals([...out], [3, 12, 54]);
      } finally {
        delete (UNARY_BACKWARD as Record<string, unknown>)[cube];
      }
    });

    test(`unary() of ${name} takes any strides of an activation as the reference does`, () => {
      for (const op of Object.keys(INPUT_ACTIVATIONS) as InputActivation[]) {
        const [low, high] = settings[op][0];
        const [a, b] = [new Float32Array(600), new Float32Array(600)];
        const from = { data: floats(600), offset: 3, strides: [1, 20] };
        backend!.unary(op, [20, 29], from, { data: a, offset: 1, strides: [29, 1] }, low, high);
        reference.unary(op, [20, 29], from, { data: b, offset: 1, strides: [29, 1] }, low, high);
        assertLessOrEqual(distance(a, b, 2 ** -24), 2.5, op);
      }
    });
  }

  it("ACTIVATIONS and INPUT_ACTIVATIONS are numbered as in kernels.h", () => {
    const list = /enum \{\s*(ACTIVATION_NONE[^}]*)\}/.exec(SOURCES["kernels.h"])![1];
    const listed = list.split(",").map((name) => name.replace(/ = .*/, "").trim()).filter((name) =>
      !/_COUNT$/.test(name)
    );
    const upper = (name: string) => name.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
    const named = (prefix: string, table: Readonly<Record<string, number>>) =>
      Object.entries(table).map(([name, number]) => [number, `${prefix}_${upper(name)}`]);
    const ours = [...named("ACTIVATION", ACTIVATIONS), ...named("INPUT_ACTIVATION", INPUT_ACTIVATIONS)].sort((
      [a],
      [b],
    ) => Number(a) - Number(b));
    assertEquals(listed, ours.map(([, name]) => name));
    assertEquals(ours.map(([number]) => number), ours.map((_, i) => i));
  });
});
