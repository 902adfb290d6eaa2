/** The verbs of recurrent layers: each back end against the plain loops, for cells, directions, lengths and sizes. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { setThreads } from "@gradus/gradus";
import { threads } from "../../../core/backend/threads.ts";
import type { Backend } from "../../../core/backend/backend.ts";
import { backendNamed } from "../../../core/backend/choose.ts";
import { CELL_GATES, type CellKind, partsOf, type Recurrent, rowsOf } from "../../../core/backend/sequences.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { BACKENDS } from "../../course_reference.ts";

/** Numbers between −1 and 1 that look irregular. */
function spread(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => 2 * ((0.1234 * seed + 0.618034 * i) % 1) - 1);
}

/** Forward and back: all that the verbs write. */
function run(verbs: Backend, d: Recurrent, bias: boolean): Float32Array[] {
  const { made, kept } = CELL_GATES[d.cell], { hidden, sequences } = d, rows = rowsOf(d), parts = partsOf(d);
  const size = Math.max(1, Math.sqrt(hidden));
  const weight = spread(made * hidden * hidden, 1).map((v) => v / size);
  const turned = Float32Array.from(weight, (_, at) => {
    const [k, j] = [Math.floor(at / (made * hidden)), at % (made * hidden)];
    return weight[j * hidden + k];
  });
  const gates = spread(rows * kept * hidden, 2), states = spread(parts * (rows + sequences) * hidden, 3);
  const [dgates, dfirst] = [new Float32Array(gates.length), new Float32Array(parts * sequences * hidden)];
  verbs.recurrent(d, gates, turned, bias ? spread(hidden, 4) : null, states);
  verbs.recurrentBackward(d, spread(states.length, 5), gates, weight, states, dgates, dfirst);
  return [gates, states, dgates, dfirst];
}

// Steps pass the error of a sum on to the next; what they pass is smaller than 1.
const near = (found: number, wanted: number) => Math.abs(found - wanted) <= 2e-5 * Math.max(1, Math.abs(wanted));

const STEPS = [[2, 2, 2], [7, 7, 3, 1], [1, 1, 1, 1, 1], [], [0], [33, 20]];
const CELLS: CellKind[] = ["tanh", "relu", "lstm", "gru"];

for (const name of BACKENDS) {
  const verbs = backendNamed(name) as Backend;
  describe(`recurrent() and recurrentBackward() (${name})`, () => {
    for (const cell of CELLS) {
      it(`take the steps of ${cell} as the plain loops do`, () => {
        for (const hidden of [0, 1, 5, 8, 19]) {
          for (const batchSizes of STEPS) {
            for (const reverse of [false, true]) {
              const sequences = (batchSizes[0] ?? 2) + (hidden === 5 ? 2 : 0); // some without a step
              const d = { cell, hidden, sequences, batchSizes, reverse };
              const [found, wanted] = [verbs, reference].map((on) => run(on, d, hidden > 1));
              found.forEach((array, i) =>
                array.forEach((v, at) => assert(near(v, wanted[i][at]), `${JSON.stringify(d)}, array ${i}: ${at}`))
              );
            }
          }
        }
      });
    }
    it("refuse arrays that are too short, and steps that grow", () => {
      const d: Recurrent = { cell: "lstm", hidden: 2, sequences: 3, batchSizes: [3, 1], reverse: false };
      const of = (length: number) => new Float32Array(length);
      const call = (gates: number, weight: number, states: number, of_ = d) =>
        verbs.recurrent(of_, of(gates), of(weight), null, of(states));
      call(32, 16, 28);
      assertThrows(() => call(31, 16, 28), RangeError, "gates needs 32 elements and has 31");
      assertThrows(() => call(32, 15, 28), RangeError, "the weight needs 16");
      assertThrows(() => call(32, 16, 27), RangeError, "states needs 28");
      assertThrows(() => call(32, 16, 28, { ...d, batchSizes: [1, 3] }), RangeError, "more of them reach a step");
      assertThrows(() => call(32, 16, 28, { ...d, batchSizes: [4] }), RangeError, "more of them reach a step");
      const back = () => verbs.recurrentBackward(d, of(28), of(32), of(16), of(28), of(32), of(11));
      assertThrows(back, RangeError, "dfirst needs 12");
    });
  });
}

describe("recurrent() and recurrentBackward()", () => {
  const native = BACKENDS.includes("native") ? it : it.skip; // the others have one thread
  native("give the same bits for any number of threads, natively", () => {
    const [verbs, before] = [backendNamed("native") as Backend, threads()];
    const batchSizes = [61, 40, 13].flatMap((n) => Array<number>(30).fill(n)); // 3 parts of 4 million multiply-adds
    const d = { cell: "gru", hidden: 64, sequences: 61, batchSizes, reverse: false } as const;
    try {
      setThreads(1);
      const once = run(verbs, d, true);
      setThreads(3);
      assertEquals(run(verbs, d, true), once);
    } finally {
      setThreads(before);
    }
  });
});
