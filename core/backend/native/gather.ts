/** Rows by their number through the native library. */
import type { Numbers } from "../../dtype.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { badRow, checkTable } from "../gather_check.ts";
import { reference } from "../reference/reference.ts";
import { type Buffer, NOTHING, type Symbols } from "./symbols.ts";
import { kindOf } from "../walk_descriptor.ts";

const BAD_INDEX = 4;
const UINT8 = 2;

const descriptor = new Int32Array(9);
const answer = new Float64Array(1);

/** `gather` for equal kinds of 1 or 4 bytes, and from bytes to float32; others are passed on to the reference loops. */
export function nativeGather({ gradus_gather }: Symbols): Backend["gather"] {
  return function gather(
    x: Numbers,
    offset: number,
    stride: number,
    width: number,
    index: Int32Array,
    out: Numbers,
    table: Float32Array | null = null,
  ): void {
    checkTable(x, out, table);
    const [from, to] = [kindOf(x), kindOf(out)];
    const widens = from === UINT8 && out instanceof Float32Array;
    const known = widens || (from >= 0 && from === to);
    if (!known || !fits(offset, stride, width, x.length)) {
      return reference.gather(x, offset, stride, width, index, out, table);
    }
    if (index.length * width > out.length) {
      throw new RangeError(
        `Cannot gather ${index.length} rows of ${width} elements: the result has room for ${out.length}`,
      );
    }
    const d = descriptor;
    d[0] = from, d[1] = to, d[2] = offset, d[3] = stride, d[4] = width, d[5] = index.length;
    d[6] = x.length, d[7] = out.length;
    d[8] = table === null ? 0 : table.length;
    const by = index as Int32Array<ArrayBuffer>;
    const code = gradus_gather(d, x as Buffer, by, (table ?? NOTHING) as Buffer, out as Buffer, answer);
    if (code === BAD_INDEX) throw badRow(answer[0], offset, stride, width, x.length);
    if (code !== 0) unwrap(code, "gather");
  };
}

/** Whether C can hold the numbers; the reference says what is wrong with others. */
function fits(offset: number, stride: number, width: number, length: number): boolean {
  return (offset | 0) === offset && (stride | 0) === stride && (width | 0) === width && width >= 0 &&
    (length | 0) === length;
}
