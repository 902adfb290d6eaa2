/** The source of the functions that an exported model calls: TypeScript whose types can be erased. */

/** The source of each function by its name; the functions that it calls are in `SOURCE_NEEDS`. */
export const SOURCES: Readonly<Record<string, string>> = {
  linear: `
function linear(x: number[], w: Float32Array, b?: Float32Array): number[] {
  const outputs = Array.from({ length: w.length / x.length }, (_, row) => (b === undefined ? 0 : b[row]!));
  return outputs.map((bias, row) => x.reduce((sum, v, i) => sum + v * w[row * x.length + i]!, bias));
}`,
  affine: `
function affine(x: number[], mean: Float32Array, scale: Float32Array, shift: Float32Array): number[] {
  const each = x.length / mean.length;
  return x.map((v, at) => {
    const i = Math.floor(at / each);
    return (v - mean[i]!) * scale[i]! + shift[i]!;
  });
}`,
  lookup: `
function lookup(v: number, table: Float32Array, rows: number): number[] {
  if (!(v >= 0 && v < rows && Number.isInteger(v))) {
    throw new RangeError(\`Cannot look up \${v}: expected a whole number from 0 to \${rows - 1}\`);
  }
  const size = table.length / rows;
  return Array.from(table.subarray(v * size, (v + 1) * size));
}`,
  along: `
function along(x: number[], size: number, step: number, of: (line: number[]) => number[]): number[] {
  const y = [...x];
  for (let at = 0; at < x.length; at++) {
    if (Math.floor(at / step) % size > 0) continue;
    const line = Array.from({ length: size }, (_, i) => x[at + i * step]!);
    of(line).forEach((v, i) => (y[at + i * step] = v));
  }
  return y;
}`,
  eachRow: `
function eachRow(x: number[], size: number, of: (row: number[]) => number[]): number[] {
  return Array.from({ length: x.length / size }, (_, i) => of(x.slice(i * size, (i + 1) * size))).flat();
}`,
  layerNorm: `
function layerNorm(x: number[], eps: number, w?: Float32Array, b?: Float32Array): number[] {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  return x.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * (w === undefined ? 1 : w[i]!) + (b === undefined ? 0 : b[i]!));
}`,
  rmsNorm: `
function rmsNorm(x: number[], eps: number, w?: Float32Array): number[] {
  const root = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + eps);
  return x.map((v, i) => (v / root) * (w === undefined ? 1 : w[i]!));
}`,
  plus: `
function plus(x: number[], y: ArrayLike<number>): number[] {
  return x.map((v, i) => v + y[i]!);
}`,
  attention: `
function attention(x: number[], d: number, heads: number, w: Float32Array, v: Float32Array, b?: Float32Array, c?: Float32Array): number[] {
  const all = eachRow(x, d, (row) => linear(row, w, b)), length = x.length / d, size = d / heads;
  const at = (i: number, part: number, head: number) => (3 * i + part) * d + head * size;
  const y: number[] = [];
  for (let i = 0; i < length; i++) {
    for (let h = 0; h < heads; h++) {
      const scores = Array.from({ length }, (_, j) => {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += all[at(i, 0, h) + k]! * all[at(j, 1, h) + k]!;
        return sum / Math.sqrt(size);
      });
      const weights = softmax(scores);
      for (let k = 0; k < size; k++) y.push(weights.reduce((sum, p, j) => sum + p * all[at(j, 2, h) + k]!, 0));
    }
  }
  return eachRow(y, d, (row) => linear(row, v, c));
}`,
  relu: `
function relu(x: number): number {
  return x < 0 ? 0 : x;
}`,
  leakyRelu: `
function leakyRelu(x: number, slope: number): number {
  return x < 0 ? slope * x : x;
}`,
  sigmoid: `
function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}`,
  elu: `
function elu(x: number, alpha: number): number {
  return x < 0 ? alpha * Math.expm1(x) : x;
}`,
  softplus: `
function softplus(x: number, beta: number, threshold: number): number {
  return x * beta > threshold ? x : (Math.max(x * beta, 0) + Math.log1p(Math.exp(-Math.abs(x * beta)))) / beta;
}`,
  erf: `
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  let sum = 0;
  if (size < 3) {
    for (let n = 0, term = size; n < 60; n++, term *= -size * size / n) sum += term / (2 * n + 1);
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
  }
  for (let n = 40; n > 0; n--) sum = n / 2 / (size + sum);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + sum));
}`,
  gelu: `
function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}`,
  geluTanh: `
function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}`,
  logSoftmax: `
function logSoftmax(x: number[]): number[] {
  const top = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = top + Math.log(x.reduce((sum, v) => sum + Math.exp(v - top), 0));
  return x.map((v) => v - total);
}`,
  softmax: `
function softmax(x: number[]): number[] {
  return logSoftmax(x).map(Math.exp);
}`,
};

/** The other functions that a function calls. */
export const SOURCE_NEEDS: Readonly<Record<string, readonly string[]>> = {
  attention: ["eachRow", "linear", "softmax", "logSoftmax"],
  gelu: ["erf"],
  softmax: ["logSoftmax"],
};

/** The source of the function that decodes the weights. */
export const DECODE = `
function decode(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}`;
