import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import {
  type Activation,
  ACTIVATIONS,
  type Backend,
  UPDATE_SETTINGS,
  type UpdateKind,
  type UpdateSlot,
} from "../../../core/backend/backend.ts";
import { openNative } from "../../../core/backend/native/native.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { openWasm } from "../../../core/backend/wasm/wasm.ts";
import { sourceTexts } from "../../../core/backend/native/kernel_file.ts";
import { distance, floats } from "./verb_cases.ts";

const SOURCES = sourceTexts();

const native = openNative().backend;
const wasm = openWasm().backend;
const OPS = Object.keys(ACTIVATIONS) as Activation[];
const SHAPES = [[0, 5], [5, 0], [1, 1], [3, 5], [64, 10], [33, 16], [70, 17], [7, 130], [130, 67]] as const;

/** Runs a test for the reference and, where they can be had, for native and wasm. */
function each(title: string, body: (backend: Backend) => void): void {
  for (const [name, backend] of [["reference", reference], ["native", native], ["wasm", wasm]] as const) {
    (backend === undefined ? it.skip : it)(`${title} (${name})`, () => body(backend!));
  }
}

/** Runs a test for each back end whose verbs are C, where it can be had. */
function compared(title: string, body: (fast: Backend) => void): void {
  for (const [name, backend] of [["native", native], ["wasm", wasm]] as const) {
    const own = title.includes("native") ? title.replace("native", name) : `${title} (${name})`;
    (backend === undefined ? it.skip : it)(own, () => body(backend!));
  }
}

describe("activationBackward()", () => {
  each("activationBackward() multiplies by the derivative, computed from the output", (backend) => {
    const out = new Float32Array(3);
    const db = new Float32Array(1);
    backend.activationBackward("relu", 3, 1, Float32Array.of(1, 2, 3), Float32Array.of(0, 5, -1), out, db);
    assertEquals([[...out], [...db]], [[0, 2, 0], [2]]);
    backend.activationBackward("sigmoid", 3, 1, Float32Array.of(1, 2, 4), Float32Array.of(0.5, 0.5, 1), out, null);
    assertEquals([...out], [0.25, 0.5, 0]);
    backend.activationBackward("tanh", 3, 1, Float32Array.of(1, 2, 4), Float32Array.of(0.5, 1, 0), out, null);
    assertEquals([...out], [0.75, 0, 4]);
  });

  each(
    "activationBackward() with relu stops NaN where the output is 0, and lets it pass where it is above",
    (backend) => {
      const out = new Float32Array(2);
      backend.activationBackward("relu", 1, 2, Float32Array.of(NaN, NaN), Float32Array.of(0, 1), out, null);
      assertEquals([...out], [0, NaN]);
    },
  );

  each("activationBackward() with none only sums the rows", (backend) => {
    const g = Float32Array.of(1, 2, 3, 4, 5, 6);
    const db = new Float32Array(2);
    backend.activationBackward("none", 3, 2, g, g, null, db);
    assertEquals([...db], [9, 12]);
  });

  // Two roundings a product; sums of at most 32 rows in float32, and those in float64.
  compared(
    "activationBackward() of native is the reference's within 4 ulp, and its sums within 17 ε Σ|out|",
    (fast) => {
      for (const [rows, cols] of SHAPES) {
        for (const op of OPS) {
          const [g, y] = [floats(rows * cols, 3, 1), floats(rows * cols, 1, 2)];
          const [got, exact] = [new Float32Array(rows * cols), new Float64Array(rows * cols)];
          const [db, exactDb] = [new Float32Array(cols).fill(NaN), new Float64Array(cols)];
          fast.activationBackward(op, rows, cols, g, y, got, db);
          reference.activationBackward(op, rows, cols, Float64Array.from(g), Float64Array.from(y), exact, exactDb);
          assertLess(distance(got, exact, 2 ** -24), 4, `${op} ${rows} ${cols}`);
          db.forEach((sum, j) => {
            const size = exact.reduce((total, x, i) => (i % cols === j ? total + Math.abs(x) : total), 1e-30);
            assertLess(Math.abs(sum - exactDb[j]) / (2 ** -23 * size), 17, `db ${op} ${rows} ${cols}`);
          });
        }
      }
    },
  );

  compared("activationBackward() may write over its gradient", (fast) => {
    const [g, y] = [floats(67 * 3), floats(67 * 3, 1, 9)];
    const apart = new Float32Array(67 * 3);
    fast.activationBackward("tanh", 67, 3, g, y, apart, null);
    fast.activationBackward("tanh", 67, 3, g, y, g, null);
    assertEquals(g, apart);
  });

  compared("activationBackward() leaves what lies behind its matrix alone", (fast) => {
    const [g, db] = [new Float32Array(40).fill(7), new Float32Array(6).fill(7)];
    fast.activationBackward("relu", 7, 5, g, g.slice(), g, db);
    assertEquals([...g.subarray(35), ...db.subarray(5)], [7, 7, 7, 7, 7, 7]);
  });

  each("activationBackward() refuses arrays that are too short", (backend) => {
    const [long, short] = [new Float32Array(6), new Float32Array(5)];
    const message = "needs 6 elements and has 5";
    assertThrows(() => backend.activationBackward("relu", 2, 3, short, long, long, null), RangeError, message);
    assertThrows(() => backend.activationBackward("relu", 2, 3, long, short, long, null), RangeError, message);
    assertThrows(() => backend.activationBackward("relu", 2, 3, long, long, short, null), RangeError, message);
    assertThrows(
      () => backend.activationBackward("relu", 2, 3, long, long, long, new Float32Array(2)),
      RangeError,
      "db needs 3",
    );
    assertThrows(
      () => backend.activationBackward("relu", 2, 3, long, long, null, null),
      RangeError,
      "needs an array for its result",
    );
    assertThrows(
      () => backend.activationBackward("none", -1, 3, long, long, long, null),
      RangeError,
      "must be integers",
    );
  });
});

describe("crossEntropy()", () => {
  each("crossEntropy() of equal logits is ln of their number", (backend) => {
    const dz = new Float32Array(8);
    const loss = backend.crossEntropy(2, 4, new Float32Array(8), Int32Array.of(0, 3), dz);
    assertAlmostEquals(loss, Math.log(4), 1e-6);
    assertEquals([...dz], [-0.375, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375]);
  });

  each("crossEntropy() does not overflow, and is infinite where the target has no chance", (backend) => {
    assertEquals(backend.crossEntropy(1, 2, Float32Array.of(1000, 0), Int32Array.of(0), null), 0);
    assertEquals(backend.crossEntropy(1, 2, Float32Array.of(1000, 0), Int32Array.of(1), null), 1000);
    assertEquals(backend.crossEntropy(1, 2, Float32Array.of(0, -Infinity), Int32Array.of(1), null), Infinity);
  });

  each("crossEntropy() of a NaN is NaN, and so is its row of the gradient", (backend) => {
    const dz = new Float32Array(4);
    assertEquals(backend.crossEntropy(2, 2, Float32Array.of(0, 0, NaN, 0), Int32Array.of(0, 0), dz), NaN);
    assertEquals([...dz], [-0.25, 0.25, NaN, NaN]);
  });

  each("crossEntropy() of no rows is NaN", (backend) => {
    assertEquals(backend.crossEntropy(0, 3, new Float32Array(0), new Int32Array(0), null), NaN);
  });

  each("crossEntropy() names a target that is no column, and writes nothing", (backend) => {
    const dz = new Float32Array(6).fill(7);
    for (const target of [3, -1]) {
      assertThrows(
        () => backend.crossEntropy(2, 3, new Float32Array(6), Int32Array.of(0, target), dz),
        RangeError,
        `the target ${target} is out of bounds, expected 0 to 2`,
      );
    }
    assertEquals([...dz], [7, 7, 7, 7, 7, 7]);
  });

  each("crossEntropy() refuses arrays that are too short", (backend) => {
    const [z, targets] = [new Float32Array(6), new Int32Array(2)];
    assertThrows(() => backend.crossEntropy(3, 3, z, new Int32Array(3), null), RangeError, "z needs 9");
    assertThrows(() => backend.crossEntropy(2, 3, z, new Int32Array(1), null), RangeError, "targets needs 2");
    assertThrows(() => backend.crossEntropy(2, 3, z, targets, new Float32Array(5)), RangeError, "dz needs 6");
  });

  // exp and ln are within 2 ulp, the subtraction before them rounds by half an ulp of at most 20.
  compared("crossEntropy() of native is the reference's within 1e-5, also in place", (fast) => {
    for (const [rows, cols] of SHAPES.filter(([rows, cols]) => rows * cols > 0)) {
      const z = floats(rows * cols, 10);
      const targets = new Int32Array(rows).map((_, i) => (7 * i) % cols);
      const exact = new Float64Array(rows * cols);
      const loss = reference.crossEntropy(rows, cols, Float64Array.from(z), targets, exact);
      assertAlmostEquals(fast.crossEntropy(rows, cols, z, targets, z), loss, 1e-5, `${rows} ${cols}`);
      assertLess(z.reduce((worst, x, i) => Math.max(worst, Math.abs(x - exact[i])), 0), 1e-5 / rows, `${rows} ${cols}`);
    }
  });
});

/** Settings by name; what is not named is 0, but `step` is 1. */
function settings(named: Partial<Record<keyof typeof UPDATE_SETTINGS, number>>): Float64Array {
  const all = new Float64Array(11);
  for (const [name, value] of Object.entries({ step: 1, ...named })) {
    all[UPDATE_SETTINGS[name as keyof typeof UPDATE_SETTINGS]] = value;
  }
  return all;
}

function slots(sizes: readonly number[], kind: Float32ArrayConstructor | Float64ArrayConstructor): UpdateSlot[] {
  return sizes.map((size) => ({
    p: kind.from(floats(size, 1, 3)) as Float32Array,
    g: kind.from(floats(size, 1, 4)) as Float32Array,
    m: new kind(size) as Float32Array,
    v: new kind(size) as Float32Array,
  }));
}

const ADAM = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8 };
const RULES: readonly [UpdateKind, Parameters<typeof settings>[0]][] = [
  ["sgd", { lr: 0.1 }],
  ["sgd", { lr: 0.1, weightDecay: 0.1, maximize: 1 }],
  ["sgd", { lr: 0.1, momentum: 0.9, dampening: 0.5 }],
  ["sgd", { lr: 0.1, momentum: 0.9, nesterov: 1, weightDecay: 0.1 }],
  ["adam", ADAM],
  ["adam", { ...ADAM, weightDecay: 0.1, maximize: 1 }],
  ["adam", { ...ADAM, weightDecay: 0.1, decoupled: 1 }],
];

describe("update()", () => {
  each("update() with sgd takes a step against the gradient", (backend) => {
    const slot = { p: Float32Array.of(1, 2), g: Float32Array.of(4, -8), m: null, v: null };
    backend.update("sgd", settings({ lr: 0.25 }), [slot]);
    assertEquals([...slot.p], [0, 4]);
  });

  each("update() with momentum begins with the gradient and no dampening", (backend) => {
    const list = [{ p: Float32Array.of(0), g: Float32Array.of(1), m: Float32Array.of(NaN), v: null }];
    backend.update("sgd", settings({ lr: 1, momentum: 0.5, dampening: 0.5 }), list);
    assertEquals([list[0].m[0], list[0].p[0]], [1, -1]);
    backend.update("sgd", settings({ lr: 1, momentum: 0.5, dampening: 0.5, step: 2 }), list);
    assertEquals([list[0].m[0], list[0].p[0]], [1, -2]);
  });

  each("update() with adam takes a first step of length lr", (backend) => {
    const list = slots([1], Float32Array);
    list[0].p[0] = 3, list[0].g[0] = 6;
    backend.update("adam", settings(ADAM), list);
    assertAlmostEquals(list[0].p[0], 2.9, 1e-6);
  });

  each("update() with decoupled decay shrinks the parameter first", (backend) => {
    const list = slots([1], Float32Array);
    list[0].p[0] = 3, list[0].g[0] = 6;
    backend.update("adam", settings({ ...ADAM, weightDecay: 0.1, decoupled: 1 }), list);
    assertAlmostEquals(list[0].p[0], 2.97 - 0.1, 1e-6);
  });

  // Five steps of length about 0.1 from parameters below 1: a few float32 roundings of numbers below 2.
  compared("update() of native follows the float64 reference within 1e-5 for every rule", (fast) => {
    for (const [kind, named] of RULES) {
      const [got, exact] = [slots([40, 0, 3, 16, 1000], Float32Array), slots([40, 0, 3, 16, 1000], Float64Array)];
      for (let step = 1; step <= 5; step++) {
        fast.update(kind, settings({ ...named, step }), got);
        reference.update(kind, settings({ ...named, step }), exact);
      }
      got.forEach(({ p }, i) => p.forEach((x, j) => assertAlmostEquals(x, exact[i].p[j], 1e-5, `${kind} ${i} ${j}`)));
    }
  });

  compared("update() sees arrays that were put into a known list", (fast) => {
    const list = slots([20], Float32Array);
    fast.update("sgd", settings({ lr: 1 }), list);
    list[0].g = new Float32Array(20).fill(1), list[0].p = new Float32Array(20);
    fast.update("sgd", settings({ lr: 1 }), list);
    assert(list[0].p.every((x) => x === -1));
    list.push({ p: new Float32Array(2), g: Float32Array.of(1, 2), m: null, v: null });
    fast.update("sgd", settings({ lr: 1 }), list);
    assertEquals([...list[1].p], [-1, -2]);
  });

  compared("update() does not follow a pointer into a buffer that was transferred away", (fast) => {
    const list = slots([2000], Float32Array);
    fast.update("adam", settings(ADAM), list);
    const arrays = [list[0].p, list[0].g, list[0].m!, list[0].v!];
    const moved = arrays.map((x) => (x.buffer as ArrayBuffer).transfer());
    const before = moved.map((buffer) => new Float32Array(buffer).slice());
    const again = () => fast.update("adam", settings({ ...ADAM, step: 2 }), list);
    assertThrows(again, RangeError, "Cannot use a tensor whose memory is gone");
    assertEquals(moved.map((buffer) => new Float32Array(buffer)), before);
  });

  each("update() refuses arrays of other lengths, missing ones, and a step that is none", (backend) => {
    const [two, three] = [new Float32Array(2), new Float32Array(3)];
    const one = (slot: UpdateSlot, named = {}) => () => backend.update("sgd", settings(named), [slot]);
    const momentum = { momentum: 0.9 };
    assertThrows(one({ p: two, g: three, m: null, v: null }), RangeError, "parameter 0 of 2 elements: g has 3");
    assertThrows(one({ p: two, g: two, m: three, v: null }, momentum), RangeError, "m has 3");
    assertThrows(one({ p: two, g: two, m: null, v: null }, momentum), RangeError, "m is missing");
    assertThrows(one({ p: two, g: two, m: two, v: two }, { step: 0 }), RangeError, "the step is 0");
    assertThrows(() => backend.update("sgd", new Float64Array(10), []), RangeError, "the step is undefined");
  });
});

describe("UPDATE_SETTINGS", () => {
  it("UPDATE_SETTINGS stand in the order of kernels.h", () => {
    const list = /enum \{\s*(UPDATE_LR[^}]*?),\s*UPDATE_SETTINGS_LENGTH/.exec(SOURCES["kernels.h"])![1];
    const names = Object.keys(UPDATE_SETTINGS).map((name) => "UPDATE_" + name.replace(/([A-Z])/g, "_$1").toUpperCase());
    assertEquals(list.split(/,\s*/), names);
  });
});
