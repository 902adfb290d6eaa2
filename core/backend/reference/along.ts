/** Rows and runs along a dimension in plain loops. */
import type { TypedArray } from "../../dtype.ts";
import {
  badPlace,
  badTarget,
  checkLayerNorm,
  checkOrder,
  checkPlaces,
  checkScan,
  checkScatter,
  checkSoftmax,
  type LayerNorm,
  type Order,
  type Places,
  type Scan,
  type Softmax,
} from "../along.ts";

/** The maximum of a row, and `Σ e^(x − max)`, which cannot overflow. */
export function softmaxSum(x: TypedArray, at: number, cols: number): { max: number; sum: number } {
  let max = -Infinity;
  for (let j = at; j < at + cols; j++) max = Math.max(max, x[j]);
  let sum = 0;
  for (let j = at; j < at + cols; j++) sum += Math.exp(x[j] - max);
  return { max, sum };
}

/** `y = eˣ / Σeˣ`, or `x − ln Σeˣ`, of each row. */
export function softmax(d: Softmax, x: TypedArray, y: TypedArray): void {
  checkSoftmax(d, { x, y });
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    const { max, sum } = softmaxSum(x, at, d.cols);
    const log = Math.log(sum);
    for (let j = at; j < at + d.cols; j++) y[j] = d.log ? x[j] - max - log : Math.exp(x[j] - max) / sum;
  }
}

/** `dx = y · (g − Σ g·y)` of each row, or of the logarithm `dx = g − eʸ · Σg`. */
export function softmaxBackward(d: Softmax, g: TypedArray, y: TypedArray, dx: TypedArray): void {
  checkSoftmax(d, { g, y, dx });
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    let sum = 0;
    for (let j = at; j < at + d.cols; j++) sum += d.log ? g[j] : g[j] * y[j];
    for (let j = at; j < at + d.cols; j++) dx[j] = d.log ? g[j] - Math.exp(y[j]) * sum : y[j] * (g[j] - sum);
  }
}

/** `y = (x − mean) / √(variance + ε) · weight + bias` of each row. */
export function layerNorm(
  d: LayerNorm,
  x: TypedArray,
  weight: TypedArray | null,
  bias: TypedArray | null,
  stats: TypedArray,
  y: TypedArray,
): void {
  checkLayerNorm(d, stats, { x, y }, { weight, bias });
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    let [sum, squares] = [0, 0];
    for (let j = at; j < at + d.cols; j++) sum += x[j];
    const mean = sum / d.cols;
    for (let j = at; j < at + d.cols; j++) squares += (x[j] - mean) ** 2;
    const inverse = 1 / Math.sqrt(squares / d.cols + d.eps);
    stats[i] = mean, stats[d.rows + i] = inverse;
    for (let j = 0; j < d.cols; j++) {
      const normal = (x[at + j] - mean) * inverse;
      y[at + j] = weight === null ? normal : normal * weight[j] + bias![j];
    }
  }
}

/** The gradients of layer normalisation, as the interface says them; sums are carried in float64. */
export function layerNormBackward(
  d: LayerNorm,
  g: TypedArray,
  x: TypedArray,
  weight: TypedArray | null,
  stats: TypedArray,
  dx: TypedArray | null,
  dw: TypedArray | null,
  db: TypedArray | null,
): void {
  checkLayerNorm(d, stats, { g, x, dx }, { weight, dw, db });
  const [slopes, shifts] = [new Float64Array(d.cols), new Float64Array(d.cols)];
  for (let i = 0, at = 0; i < d.rows; i++, at += d.cols) {
    const [mean, inverse] = [stats[i], stats[d.rows + i]];
    let [sum, products] = [0, 0];
    for (let j = 0; j < d.cols; j++) {
      const normal = (x[at + j] - mean) * inverse, scaled = weight === null ? g[at + j] : g[at + j] * weight[j];
      sum += scaled, products += scaled * normal;
      slopes[j] += g[at + j] * normal, shifts[j] += g[at + j];
    }
    if (dx === null) continue;
    const [shift, slope] = [sum / d.cols, products / d.cols];
    for (let j = 0; j < d.cols; j++) {
      const normal = (x[at + j] - mean) * inverse, scaled = weight === null ? g[at + j] : g[at + j] * weight[j];
      dx[at + j] = inverse * (scaled - shift - normal * slope);
    }
  }
  dw?.set(slopes);
  db?.set(shifts);
}

/** `out[o, i, j] = (o · size + index[o, i, j]) · inner + j`, with indices from the end counted from the beginning. */
export function places(d: Places, index: Int32Array, out: Int32Array): void {
  checkPlaces(d, index, out);
  const { outer, size, count, inner } = d;
  for (let o = 0, k = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < inner; j++, k++) {
        const given = index[k];
        if (given < -size || given >= size) throw badPlace(given, d);
        out[k] = (o * size + (given < 0 ? given + size : given)) * inner + j;
      }
    }
  }
}

/** `out[index[i], j] += g[i, j]`. */
export function scatterAdd(g: TypedArray, width: number, index: Int32Array, out: TypedArray): void {
  checkScatter(g, width, index, out);
  const rows = out.length / width;
  for (let i = 0, read = 0; i < index.length; i++) {
    if (!(index[i] >= 0 && index[i] < rows)) throw badTarget(index[i], rows);
    for (let end = read + width, write = index[i] * width; read < end;) out[write++] += g[read++];
  }
}

/** Running sums or products along the middle of [outer, count, inner]. */
export function scan(d: Scan, x: TypedArray, out: TypedArray): void {
  checkScan(d, x, out);
  const { products, outer, count, inner } = d;
  for (let o = 0, block = 0; o < outer; o++, block += count * inner) {
    for (let start = block; start < block + inner; start++) {
      let carried = products ? 1 : 0;
      for (let i = 0, at = start; i < count; i++, at += inner) {
        out[at] = carried = products ? carried * x[at] : carried + x[at];
      }
    }
  }
}

/** The order of each run of `count` elements, stable: a radix sort, whose time grows with them alone. The first few can be had for less. */
export function order(d: Order, from: TypedArray, out: Int32Array): void {
  checkOrder(d, from, out);
  const { rows, count: n, descending, first } = d;
  if (first * PASSES < n) {
    for (let start = 0; start < rows * n; start += n) {
      firstFew(from.subarray(start, start + n), out.subarray(start, start + n), descending, first);
    }
    return;
  }
  const words = ranksOf(from);
  if (descending) { for (const word of words) for (let i = 0; i < word.length; i++) word[i] = ~word[i]; }
  const [spare, counts] = [new Int32Array(n), new Int32Array(1 << DIGIT)];
  for (let start = 0; start < rows * n; start += n) {
    const row = out.subarray(start, start + n);
    for (let i = 0; i < n; i++) row[i] = i;
    const keys = words.map((word) => word.subarray(start, start + n));
    if (n <= FEW) insert(keys, row);
    else for (const key of keys) sortDigits(key, row, spare, counts);
  }
}

const DIGIT = 11; // bits: a third of a word
const PASSES = 16; // over all elements, which it takes to sort them
const FEW = 32; // elements that are inserted one by one

/** The places of the first few, in order: most elements take one comparison, with the last of those so far. */
function firstFew(from: TypedArray, order: Int32Array, descending: boolean, count: number): void {
  const isBefore = descending
    ? (x: number, y: number) => x > y || (x !== x && y === y)
    : (x: number, y: number) => x < y || (y !== y && x === x); // NaN counts as the largest
  for (let i = 0, have = 0; count > 0 && i < from.length; i++) {
    const x = from[i];
    if (have === count) {
      const last = from[order[count - 1]];
      if ((descending ? x <= last : x >= last) || !isBefore(x, last)) continue;
    }
    let place = have < count ? have++ : count - 1;
    for (; place > 0 && isBefore(x, from[order[place - 1]]); place--) order[place] = order[place - 1];
    order[place] = i;
  }
}

/** Whole numbers in the order of the elements, the largest for NaN: words of 32 bits, of float64 the lower ones first. */
function ranksOf(from: TypedArray): Uint32Array[] {
  const n = from.length;
  if (!(from instanceof Float32Array || from instanceof Float64Array)) {
    const whole = new Uint32Array(n);
    for (let i = 0; i < n; i++) whole[i] = from[i] ^ 0x80000000;
    return [whole];
  }
  const each = from instanceof Float64Array ? 2 : 1;
  const numbers = from.slice();
  for (let i = 0; i < n; i++) numbers[i] += 0; // −0 + 0 is 0
  const bits = new Int32Array(numbers.buffer); // of two words the upper one comes last
  const words = Array.from({ length: each }, () => new Uint32Array(n));
  for (let i = 0; i < n; i++) {
    const isNaN = from[i] !== from[i], sign = bits[i * each + each - 1];
    for (let w = 0; w < each; w++) {
      const flip = sign < 0 ? -1 : w === each - 1 ? 0x80000000 : 0; // of negative numbers the larger bits are less
      words[w][i] = isNaN ? -1 : bits[i * each + w] ^ flip;
    }
  }
  return words;
}

/** Sorts an order by one word of the keys, a digit at a time from the last, each pass stable. */
function sortDigits(key: Uint32Array, order: Int32Array, spare: Int32Array, counts: Int32Array): void {
  const n = order.length, mask = counts.length - 1;
  let [from, to] = [order, spare];
  for (let shift = 0; shift < 32; shift += DIGIT) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[(key[i] >>> shift) & mask]++;
    if (counts[(key[0] >>> shift) & mask] === n) continue; // the digit is the same everywhere
    for (let b = 0, before = 0; b < counts.length; b++) before += counts[b], counts[b] = before - counts[b];
    for (let i = 0; i < n; i++) to[counts[(key[from[i]] >>> shift) & mask]++] = from[i];
    [from, to] = [to, from];
  }
  if (from !== order) order.set(from);
}

/** Sorts a short order by inserting. */
function insert(keys: readonly Uint32Array[], order: Int32Array): void {
  const [low, high] = [keys[0], keys.at(-1)!];
  for (let i = 1; i < order.length; i++) {
    let at = i;
    for (; at > 0; at--) {
      const before = order[at - 1];
      if (high[before] < high[i] || (high[before] === high[i] && low[before] <= low[i])) break;
      order[at] = before;
    }
    order[at] = i;
  }
}
