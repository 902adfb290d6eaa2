/** Activations and the way back through them, of native and wasm, against the formulas in float64. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ACTIVATIONS, type Backend, type Slope, SLOPES } from "../../../core/backend/backend.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { openWasm } from "../../../core/backend/wasm/wasm.ts";
import { SOURCES } from "../../../core/kernels/source_texts.ts";
import { AWKWARD, distance, everySize, floats } from "./verb_cases.ts";

const machines: Record<string, Backend | undefined> = { native: openNative().backend, wasm: openWasm().backend };

/** Each with settings that float32 holds, so that both sides are told the same. */
const settings: Record<Slope, [low: number, high: number][]> = {
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
const upstream = floats(numbers.length, 3, 5);
const n = numbers.length;
const dense = (data: Float32Array | Float64Array) => ({ data, offset: 0, strides: [1] });

function compare(machine: Backend, op: Slope, low: number, high: number): { map: number; gate: number } {
  const [got, exact] = [new Float32Array(n), new Float64Array(n)];
  machine.unary(op, [n], dense(numbers), dense(got), low, high);
  reference.unary(op, [n], dense(numbers), dense(exact), low, high);
  const [back, exactBack] = [new Float32Array(n), new Float64Array(n)];
  machine.activationBackward(op, 1, n, upstream, numbers, back, null, low, high);
  reference.activationBackward(
    op,
    1,
    n,
    Float64Array.from(upstream),
    Float64Array.from(numbers),
    exactBack,
    null,
    low,
    high,
  );
  const ofSize = (x: number) => Number.isFinite(x) ? Math.abs(x) * 2 ** -24 : 0;
  return {
    map: distance(got, exact, Float64Array.from(numbers, ofSize)),
    gate: distance(back, exactBack, Float64Array.from(upstream, ofSize)),
  };
}

describe("activations", () => {
  for (const [name, machine] of Object.entries(machines)) {
    const test = machine === undefined ? it.skip : it;
    for (const [op, told] of Object.entries(settings) as [Slope, [number, number][]][]) {
      for (const [low, high] of told) {
        test(`${op} (${low}, ${high}) of ${name} is within 2.5 ulp of itself or its argument, its slope within 3`, () => {
          const worst = compare(machine!, op, low, high);
          assertLessOrEqual(worst.map, 2.5, "the result");
          assertLessOrEqual(worst.gate, 3, "the way back");
        });
      }
    }

    test(`gate() of ${name} gives each slope the same bits wherever it stands, and may write over its gradient`, () => {
      for (const op of Object.keys(SLOPES) as Slope[]) {
        const [low, high] = settings[op][0];
        const [g, x] = [floats(67, 2, 1), floats(67, 3, 2)];
        const whole = new Float32Array(70).fill(7);
        machine!.activationBackward(op, 1, 67, g, x, whole, null, low, high);
        assertEquals([...whole.subarray(67)], [7, 7, 7], "what lies behind stays");
        for (let i = 0; i < 67; i++) {
          const one = new Float32Array(1);
          machine!.activationBackward(op, 1, 1, g.subarray(i, i + 1), x.subarray(i, i + 1), one, null, low, high);
          assertEquals(one[0], whole[i], op);
        }
        machine!.activationBackward(op, 67, 1, g, x, g, null, low, high);
        assertEquals(g, whole.subarray(0, 67));
      }
    });

    test(`map() of ${name} walks any strides of an activation as the reference does`, () => {
      for (const op of Object.keys(SLOPES) as Slope[]) {
        const [low, high] = settings[op][0];
        const [a, b] = [new Float32Array(600), new Float32Array(600)];
        const from = { data: floats(600), offset: 3, strides: [1, 20] };
        machine!.unary(op, [20, 29], from, { data: a, offset: 1, strides: [29, 1] }, low, high);
        reference.unary(op, [20, 29], from, { data: b, offset: 1, strides: [29, 1] }, low, high);
        assertLessOrEqual(distance(a, b, 2 ** -24), 2.5, op);
      }
    });
  }

  it("ACTIVATIONS and SLOPES are numbered as in kernels.h", () => {
    const list = /enum \{\s*(ACTIVATION_NONE[^}]*)\}/.exec(SOURCES["kernels.h"])![1];
    const listed = list.split(",").map((name) => name.replace(/ = .*/, "").trim()).filter((name) =>
      !/_COUNT$/.test(name)
    );
    const upper = (name: string) => name.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
    const named = (prefix: string, table: Readonly<Record<string, number>>) =>
      Object.entries(table).map(([name, number]) => [number, `${prefix}_${upper(name)}`]);
    const ours = [...named("ACTIVATION", ACTIVATIONS), ...named("SLOPE", SLOPES)].sort(([a], [b]) =>
      Number(a) - Number(b)
    );
    assertEquals(listed, ours.map(([, name]) => name));
    assertEquals(ours.map(([number]) => number), ours.map((_, i) => i));
  });
});
