import * as fc from "fast-check";
import { type DType, Generator, Tensor } from "@gradus/gradus";
import { allocate } from "../../../core/dtype.ts";

const DTYPES: readonly DType[] = ["float32", "float64", "int32", "uint8", "bool"];
const SPECIAL = [0, -0, NaN, Infinity, -Infinity, 1e-45, 5e-324, 3.4028234663852886e38, 255, 2 ** 31 - 1, -(2 ** 31)];

/** Tensors of every dtype, of ranks 0 to 6 and sizes 0 to 4: dense, transposed, with steps, offset, repeated by stride 0. */
export const randomTensor: fc.Arbitrary<Tensor> = fc.record({
  dtype: fc.constantFrom(...DTYPES),
  dims: fc.array(fc.record({ size: fc.constantFrom(1, 2, 3, 0, 4), step: fc.constantFrom(1, 1, 2, 0) }), {
    maxLength: 6,
  }),
  offset: fc.constantFrom(0, 0, 3),
  seed: fc.nat(),
}).map(({ dtype, dims, offset, seed }) => {
  const random = new Generator(seed);
  const order = dims.map((_, d) => [random.nextWord(), d]).sort(([a], [b]) => a - b).map(([, d]) => d);
  const strides = new Array<number>(dims.length);
  let length = 1;
  for (const d of seed % 3 === 0 ? dims.keys().toArray().reverse() : order) {
    strides[d] = length * dims[d].step;
    length += Math.max(0, dims[d].size - 1) * strides[d];
  }
  const data = allocate(dtype, offset + length);
  for (let i = 0; i < data.length; i++) data[i] = element(random, dtype);
  return new Tensor(data, dims.map(({ size }) => size), strides, offset, dtype);
});

function element(random: Generator, dtype: DType): number {
  const word = random.nextWord();
  if (dtype === "bool") return word & 1;
  if (word % 4 === 0) return SPECIAL[(word >>> 2) % SPECIAL.length];
  return dtype === "float32" || dtype === "float64" ? random.nextNormal() : word;
}

/** The bytes of the elements that `t` shows, in row-major order, found without the code under test. */
export function shownBytes({ data, shape, strides, offset }: Tensor): Uint8Array {
  const size = data.BYTES_PER_ELEMENT, count = shape.reduce((a, b) => a * b, 1);
  const from = new Uint8Array(data.buffer, data.byteOffset), out = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    let at = offset;
    for (let d = shape.length - 1, rest = i; d >= 0; rest = Math.floor(rest / shape[d--])) {
      at += (rest % shape[d]) * strides[d];
    }
    out.set(from.subarray(at * size, (at + 1) * size), i * size);
  }
  return out;
}

/** Whether two tensors have dtype, shape and every bit in common. */
export function sameBits(a: Tensor, b: Tensor): boolean {
  if (a.dtype !== b.dtype || `${a.shape}` !== `${b.shape}`) return false;
  const p = shownBytes(a), q = shownBytes(b);
  return p.length === q.length && p.every((byte, i) => byte === q[i]);
}
