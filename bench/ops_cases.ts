/** The cases of `ops.bench.ts`: each is one verb of a back end, with sizes that occur in training. */
import { Generator, randn, type Tensor } from "@gradus/gradus";
import type { Backend, UpdateSlot } from "../core/backend/backend.ts";

/** One verb with its operands, on one back end. */
export interface OpCase {
  /** The operation and its sizes. */
  readonly name: string;
  /** Runs it, and returns the numbers to compare. */
  readonly run: () => ArrayLike<number>;
  /** How far the numbers of two back ends may differ, relative to 1 + |x|. */
  readonly near: number;
}

/** Makes random operands: the same ones for each back end. */
type Draw = (...shape: number[]) => Tensor;

/** Element-wise functions differ by a few units in the last place, sums of a thousand by the order of their terms. */
const [ULPS, SUMS] = [8 * 2 ** -23, 2 ** -14];

/** All cases on one back end, with operands of their own, which training changes. */
export function opCases(backend: Backend): OpCase[] {
  const generator = new Generator(42);
  const drawn: Draw = (...shape) => randn(shape, { generator });
  return [elementwise, reductions, training, movement].flatMap((cases) => cases(backend, drawn));
}

const HIDDEN = [1024, 128]; // a batch of a hidden layer

function elementwise(backend: Backend, drawn: Draw): OpCase[] {
  const [x, y, b, out] = [drawn(...HIDDEN), drawn(...HIDDEN), drawn(128), new Float32Array(1024 * 128)];
  const dense = { offset: 0, strides: [128, 1] };
  const row = { data: b.data, offset: 0, strides: [0, 1] };
  const [from, to] = [{ data: x.data, ...dense }, { data: out, ...dense }];
  const positive = { data: x.abs().data, ...dense };
  const unary = (["relu", "exp", "tanh", "sigmoid", "log"] as const).map((op) => ({
    name: `${op} [1024, 128]`,
    run: () => (backend.unary(op, HIDDEN, op === "log" ? positive : from, to, 0, 0), out),
    near: ULPS,
  }));
  const add = (name: string, right: typeof row) => ({
    name,
    run: () => (backend.binary("add", HIDDEN, from, right, to), out),
    near: 0,
  });
  return [
    ...unary,
    add("add [1024, 128] + [1024, 128]", { data: y.data, ...dense }),
    add("add [1024, 128] + [128]", row),
  ];
}

function reductions(backend: Backend, drawn: Draw): OpCase[] {
  const x = drawn(...HIDDEN);
  const reduction = (kept: number[], keptStrides: number[], reduced: number[], reducedStrides: number[]) => ({
    ...{ kept, keptStrides, reduced, reducedStrides },
  });
  const rows = reduction([1024], [128], [128], [1]);
  const columns = reduction([128], [1], [1024], [128]);
  const one = (name: string, op: "sum" | "max" | "argmax", by: typeof rows) => {
    const out = op === "argmax" ? new Int32Array(by.kept[0] ?? 1) : new Float32Array(by.kept[0] ?? 1);
    return { name, run: () => (backend.reduce(op, by, x.data, 0, out), out), near: SUMS };
  };
  return [
    one("sum of rows of [1024, 128]", "sum", rows),
    one("sum of columns of [1024, 128]", "sum", columns),
    one("sum of [1024, 128]", "sum", reduction([], [], HIDDEN, [128, 1])),
    one("max of rows of [1024, 128]", "max", rows),
    one("argmax of rows of [1024, 128]", "argmax", rows),
  ];
}

function training(backend: Backend, drawn: Draw): OpCase[] {
  const [z, g, y, out, db] = [
    drawn(1024, 10),
    drawn(...HIDDEN),
    drawn(...HIDDEN).relu(),
    drawn(...HIDDEN),
    drawn(128),
  ];
  const targets = Int32Array.from({ length: 1024 }, (_, i) => i % 10);
  const dz = new Float32Array(1024 * 10);
  return [
    {
      name: "softmax and cross-entropy [1024, 10], with gradient",
      run: () => [backend.crossEntropy(1024, 10, z.data, targets, dz), ...dz.subarray(0, 10)],
      near: SUMS,
    },
    {
      name: "derivative of relu and bias [1024, 128]",
      run: () => (backend.activationBackward("relu", 1024, 128, g.data, y.data, out.data, db.data), db.data),
      near: SUMS,
    },
    step("sgd", backend, drawn),
    step("adam", backend, drawn),
  ];
}

/** An optimizer step of 784-128-64-10, each time with the same gradients. */
function step(kind: "sgd" | "adam", backend: Backend, drawn: Draw): OpCase {
  const slots: UpdateSlot[] = [784 * 128, 128, 128 * 64, 64, 64 * 10, 10].map((size) => ({
    ...{ p: drawn(size).data, g: drawn(size).data },
    m: kind === "adam" ? new Float32Array(size) : null,
    v: kind === "adam" ? new Float32Array(size) : null,
  }));
  // lr, momentum, dampening, nesterov, weightDecay, maximize, β₁, β₂, ε, decoupled, step
  const settings = Float64Array.of(1e-3, 0, 0, 0, 0, 0, 0.9, 0.999, 1e-8, 0, 1);
  return {
    name: `${kind} step of 784-128-64-10`,
    run: () => (backend.update(kind, settings, slots), slots[0].p),
    near: ULPS,
  };
}

function movement(backend: Backend, drawn: Draw): OpCase[] {
  const [x, transposed] = [drawn(784, 512), new Float32Array(784 * 512)];
  const bytes = new Uint8Array(10_000 * 784).map((_, i) => i);
  const index = Int32Array.from({ length: 64 }, (_, i) => i * 7919 % 10_000);
  const batch = new Float32Array(64 * 784);
  const table = new Float32Array(256).map((_, byte) => byte / 255);
  return [
    {
      name: "transposed copy of [784, 512]",
      run: () => {
        const [from, to] = [{ data: x.data, offset: 0, strides: [1, 512] }, {
          data: transposed,
          offset: 0,
          strides: [784, 1],
        }];
        backend.unary("copy", [512, 784], from, to, 0, 0);
        return transposed;
      },
      near: 0,
    },
    {
      name: "gather of 64 rows of 784 bytes, as float32",
      run: () => (backend.gather(bytes, 0, 784, 784, index, batch, table), batch),
      near: 0,
    },
  ];
}
