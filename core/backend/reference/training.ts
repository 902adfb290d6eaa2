/** The reference's verbs for training: the way back through an activation, the usual loss, and the optimisers' steps. */
import type { Numbers } from "../../dtype.ts";
import { type Activation, type Slope, UPDATE_SETTINGS, type UpdateKind, type UpdateSlot } from "../backend.ts";
import { BACK } from "./formulas.ts";
import { checkGate, checkLoss, checkTargets, checkUpdate } from "../training_checks.ts";

/** The derivative of an activation through its result. */
const BY_RESULT: Record<Exclude<Activation, "none" | "relu">, (y: number) => number> = {
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
};

/** `out = g ⊙ op′` and its sums over the rows. */
export function gate(
  op: Activation | Slope,
  rows: number,
  cols: number,
  g: Numbers,
  y: Numbers,
  out: Numbers | null,
  db: Numbers | null,
  low = 0,
  high = 0,
): void {
  checkGate(op, rows, cols, g, y, out, db);
  if (out !== null) gateInto(op, rows * cols, g, y, out, low, high);
  if (db !== null) sumRows(rows, cols, out ?? g, db);
}

function gateInto(
  op: Activation | Slope,
  size: number,
  g: Numbers,
  y: Numbers,
  out: Numbers,
  low: number,
  high: number,
): void {
  if (op === "none") return out.set(size === g.length ? g : g.subarray(0, size));
  if (op === "relu") {
    // Chosen, not multiplied: a closed gate stops NaN as well, and NaN does not close it.
    for (let i = 0; i < size; i++) out[i] = y[i] <= 0 ? 0 : g[i];
  } else if (op === "sigmoid" || op === "tanh") {
    const slope = BY_RESULT[op];
    for (let i = 0; i < size; i++) out[i] = g[i] * slope(y[i]);
  } else {
    const back = BACK[op];
    for (let i = 0; i < size; i++) out[i] = back(g[i], y[i], low, high);
  }
}

function sumRows(rows: number, cols: number, x: Numbers, db: Numbers): void {
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    for (let i = 0, at = j; i < rows; i++, at += cols) sum += x[at];
    db[j] = sum;
  }
}

/** The mean of `−ln softmax(z)[target]`, and its gradient into `dz`. */
export function crossEntropy(rows: number, cols: number, z: Numbers, targets: Int32Array, dz: Numbers | null): number {
  checkLoss(rows, cols, z, targets, dz);
  checkTargets(rows, cols, targets);
  let loss = 0;
  for (let i = 0, at = 0; i < rows; i++, at += cols) {
    const { max, sum } = softmaxSum(z, at, cols);
    const target = at + targets[i];
    loss += Math.log(sum) - (z[target] - max);
    if (dz === null) continue;
    for (let j = at; j < at + cols; j++) dz[j] = (Math.exp(z[j] - max) / sum - (j === target ? 1 : 0)) / rows;
  }
  return loss / rows;
}

/** The largest of a row, and `Σ e^(z − max)`, which cannot overflow. */
function softmaxSum(z: Numbers, at: number, cols: number): { max: number; sum: number } {
  let max = -Infinity;
  for (let j = at; j < at + cols; j++) max = Math.max(max, z[j]);
  let sum = 0;
  for (let j = at; j < at + cols; j++) sum += Math.exp(z[j] - max);
  return { max, sum };
}

/** One step of an optimiser over all its parameters. */
export function update(kind: UpdateKind, settings: Float64Array, slots: readonly UpdateSlot[]): void {
  checkUpdate(kind, settings, slots);
  const at = UPDATE_SETTINGS;
  const sign = settings[at.maximize] !== 0 ? -1 : 1;
  const decay = kind === "adam" && settings[at.decoupled] !== 0 ? 0 : settings[at.weightDecay];
  const move = kind === "adam" ? adam : settings[at.momentum] !== 0 ? momentum : descend;
  for (const slot of slots) {
    move(settings, slot, (i) => sign * slot.g[i] + (decay === 0 ? 0 : decay * slot.p[i]));
  }
}

type Gradient = (i: number) => number;

function descend(settings: Float64Array, { p }: UpdateSlot, gradient: Gradient): void {
  const lr = settings[UPDATE_SETTINGS.lr];
  for (let i = 0; i < p.length; i++) p[i] -= lr * gradient(i);
}

function momentum(settings: Float64Array, { p, m }: UpdateSlot, gradient: Gradient): void {
  const at = UPDATE_SETTINGS;
  const [lr, past, fresh] = [settings[at.lr], settings[at.momentum], 1 - settings[at.dampening]];
  const [first, nesterov] = [settings[at.step] === 1, settings[at.nesterov] !== 0];
  for (let i = 0; i < p.length; i++) {
    const g = gradient(i);
    m![i] = first ? g : past * m![i] + fresh * g;
    p[i] -= lr * (nesterov ? g + past * m![i] : m![i]);
  }
}

function adam(settings: Float64Array, { p, m, v }: UpdateSlot, gradient: Gradient): void {
  const at = UPDATE_SETTINGS;
  const [lr, beta1, beta2, eps, t] = [at.lr, at.beta1, at.beta2, at.eps, at.step].map((place) => settings[place]);
  const keep = settings[at.decoupled] !== 0 ? 1 - lr * settings[at.weightDecay] : 1;
  const [length, root] = [lr / (1 - beta1 ** t), Math.sqrt(1 - beta2 ** t)];
  for (let i = 0; i < p.length; i++) {
    const g = gradient(i);
    m![i] = beta1 * m![i] + (1 - beta1) * g;
    v![i] = beta2 * v![i] + (1 - beta2) * g * g; // and read again, as it is kept: it may be past float32
    p[i] = keep * p[i] - (length * m![i]) / (Math.sqrt(v![i]) / root + eps);
  }
}
