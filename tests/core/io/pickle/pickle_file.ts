/** Pickles that are written opcode by opcode. */

const text = (value: string) => Array.from(value, (c) => c.charCodeAt(0));
const int = (n: number) => [n & 255, n >> 8 & 255, n >> 16 & 255, n >>> 24];

/** Opcodes as byte lists. */
export const op = {
  proto: (version = 2) => [0x80, version],
  global: (module: string, name: string) => text(`c${module}\n${name}\n`),
  small: (value: number) => [0x4b, value],
  signed: (value: number) => [0x4a, ...int(value)],
  short: (value: string) => [0x55, value.length, ...text(value)],
  raw: (bytes: ArrayLike<number>) => [0x54, ...int(bytes.length), ...Array.from(bytes)],
  unicode: (value: string) => {
    const utf8 = [...new TextEncoder().encode(value)];
    return [0x58, ...int(utf8.length), ...utf8];
  },
  brief: (value: string) => [0x8c, value.length, ...text(value)],
  stackGlobal: [0x93],
  memoize: [0x94],
  frame: (size: number) => [0x95, ...int(size), ...int(0)],
  newObject: [0x81],
  none: [0x4e],
  yes: [0x88],
  no: [0x89],
  mark: [0x28],
  tuple0: [0x29],
  tuple: text("t"),
  tuple1: [0x85],
  tuple2: [0x86],
  tuple3: [0x87],
  put: (key: number) => [0x71, key],
  get: (key: number) => [0x68, key],
  dict: text("}"),
  list: text("]"),
  setItem: text("s"),
  setItems: text("u"),
  append: text("a"),
  appends: text("e"),
  persistent: text("Q"),
  reduce: text("R"),
  build: text("b"),
  stop: text("."),
};

/** A file of these opcodes. */
export function pickle(...parts: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flat());
}

/** The parts of an array's pickle that tests change. */
export interface Parts {
  kind?: number[];
  order?: number[];
  data?: number[];
  fortran?: number[];
  shape?: number[];
  module?: string;
}

/** `np.array(…)` as Python 2 pickles it: kind such as `f4`, shape, raw bytes. */
export function array(kind: string, shape: number[], bytes: ArrayLike<number>, parts: Parts = {}): number[] {
  const { module = "numpy.core.multiarray", order = op.short("<"), fortran = op.no } = parts;
  return [
    ...op.global(module, "_reconstruct"),
    ...[...op.global("numpy", "ndarray"), ...op.small(0), ...op.tuple1, ...op.short("b"), ...op.tuple3, ...op.reduce],
    ...[...op.mark, ...op.small(1), ...(parts.shape ?? [...op.mark, ...shape.flatMap(op.small), ...op.tuple])],
    ...[
      ...op.global("numpy", "dtype"),
      ...(parts.kind ?? op.short(kind)),
      ...op.small(0),
      ...op.small(1),
      ...op.tuple3,
    ],
    ...[...op.reduce, ...op.mark, ...op.small(3), ...order, ...op.none, ...op.none, ...op.none],
    ...[...op.signed(-1), ...op.signed(-1), ...op.small(0), ...op.tuple, ...op.build],
    ...[...fortran, ...(parts.data ?? op.raw(bytes)), ...op.tuple, ...op.build],
  ];
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer);

/** One part of the data set: two pictures of three pixels, and their labels. */
export const part = (parts: Parts = {}): number[] => [
  ...array("f4", [2, 3], bytesOf(new Float32Array([0, 0.25, 0.5, 0.75, 1, 0])), parts),
  ...array("i8", [2], bytesOf(new BigInt64Array([5n, 0n]))),
  ...op.tuple2,
];

/** The whole file. */
export const whole = (parts: Parts = {}): Uint8Array<ArrayBuffer> =>
  pickle(op.proto(), part(parts), part(), part(), op.tuple3, op.stop);
