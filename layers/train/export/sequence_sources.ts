/** The source of operations over sequences: steps of recurrent layers, parts of tensors, and parts one after the other. */
import type { OpSettings } from "../../../core/record.ts";
import { sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";

/** The source of each function by its name. */
export const SEQUENCE_SOURCES: Readonly<Record<string, string>> = {
  recurrence: `
function recurrence(x: number[], cell: string, sequences: number, hidden: number, reverse: boolean, first: number[], w: Float32Array, u: Float32Array,
  b?: Float32Array, c?: Float32Array): number[] {
  const input = w.length * hidden / u.length, step = sequences * hidden, steps = x.length / input / sequences;
  const states = Array.from({ length: first.length / step }, () => Array.from({ length: (steps + 1) * step }, () => 0));
  states.forEach((all, part) => all.splice(reverse ? steps * step : 0, step, ...first.slice(part * step, (part + 1) * step)));
  for (let n = 0; n < steps * sequences; n++) {
    const t = reverse ? steps - 1 - Math.floor(n / sequences) : Math.floor(n / sequences), s = n % sequences;
    const from = (reverse ? t + 1 : t) * step + s * hidden, to = (reverse ? t : t + 1) * step + s * hidden;
    const p = linear(x.slice((t * sequences + s) * input, (t * sequences + s + 1) * input), w, b);
    const q = linear(states[0]!.slice(from, from + hidden), u, c);
    for (let k = 0; k < hidden; k++) {
      const sum = (gate: number) => p[gate * hidden + k]! + q[gate * hidden + k]!, before = states[0]![from + k]!;
      if (cell === "lstm") {
        const memory = sigmoid(sum(1)) * states[1]![from + k]! + sigmoid(sum(0)) * Math.tanh(sum(2));
        states[1]![to + k] = memory;
        states[0]![to + k] = sigmoid(sum(3)) * Math.tanh(memory);
      } else if (cell === "gru") {
        const next = Math.tanh(p[2 * hidden + k]! + sigmoid(sum(0)) * q[2 * hidden + k]!);
        states[0]![to + k] = next + sigmoid(sum(1)) * (before - next);
      } else states[0]![to + k] = cell === "relu" ? Math.max(sum(0), 0) : Math.tanh(sum(0));
    }
  }
  return states.flat();
}`,
  part: `
function part(x: number[], size: number, inner: number, start: number, step: number, count: number): number[] {
  const outer = Array.from({ length: x.length / size / inner }, (_, i) => i * size);
  return outer.flatMap((from) =>
    Array.from({ length: count }, (_, i) => x.slice((from + start + i * step) * inner, (from + start + i * step + 1) * inner)).flat()
  );
}`,
  join: `
function join(parts: number[][], outer: number): number[] {
  return Array.from({ length: outer }, (_, i) =>
    parts.flatMap((part) => part.slice(i * part.length / outer, (i + 1) * part.length / outer))
  ).flat();
}`,
};

/** The other functions that they call. */
export const SEQUENCE_NEEDS: Readonly<Record<string, readonly string[]>> = { recurrence: ["linear", "sigmoid"] };

/** The call of a recurrent layer, whose first states and weights are constants; `null` where lengths differ. */
export function recurrence(
  name: string,
  others: readonly Tensor[],
  { cell, sequences, hidden, reverse, batchSizes }: OpSettings["recurrence"],
  take: (weights: Tensor) => string,
): string | null {
  if (batchSizes.some((n) => n !== sequences)) return null;
  const [w, u, ...rest] = others, states = rest.splice(0, cell === "lstm" ? 2 : 1);
  const first = states.map((state) => `...${take(state)}`).join(", ");
  const weights = [w, u, ...rest].map(take).join(", ");
  return `recurrence(${name}, "${cell}", ${sequences}, ${hidden}, ${reverse === true}, [${first}], ${weights})`;
}

/** The call that takes a part along one dimension; `null` for a diagonal. */
export function part(name: string, x: Tensor, y: Tensor, { cut }: OpSettings["window"]): string | null {
  if (cut === null) return null;
  const { dim, start, step, keep } = cut, inner = sizeOf(x.shape.slice(dim + 1));
  return `part(${name}, ${x.shape[dim]}, ${inner}, ${start}, ${step}, ${keep ? y.shape[dim] : 1})`;
}
