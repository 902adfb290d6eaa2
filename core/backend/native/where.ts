/** The choice by a mask through the native library. */
import type { Backend, Strided } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { joinDims } from "../reference/loops.ts";
import { reference } from "../reference/reference.ts";
import type { Buffer, Symbols } from "./symbols.ts";
import { checkStrided, WALK_RANK } from "../walk_descriptor.ts";

// In the order of kernels.h: the rank, the offsets and lengths of four operands, the sizes, and four times the strides.
const [OFFSETS, LENGTHS, SIZES, STRIDES] = [1, 5, 9, 9 + WALK_RANK];
const descriptor = new Int32Array(STRIDES + 4 * WALK_RANK);

/** `where` for float32; other kinds are passed on to the reference loops. */
export function nativeWhere({ gradus_where }: Symbols): Backend["where"] {
  return function where(shape: readonly number[], mask: Strided, a: Strided, b: Strided, out: Strided): void {
    const operands = [mask, a, b, out];
    const walk = joinDims(shape, operands.map((x) => x.strides));
    const known = mask.data instanceof Uint8Array && [a, b, out].every((x) => x.data instanceof Float32Array);
    if (!known || walk.shape.length > WALK_RANK || shape.includes(0)) return reference.where(shape, mask, a, b, out);
    descriptor[0] = walk.shape.length;
    descriptor.set(walk.shape, SIZES);
    operands.forEach((x, i) => {
      checkStrided("choose between", "an operand", shape, x);
      descriptor[OFFSETS + i] = x.offset, descriptor[LENGTHS + i] = x.data.length;
      descriptor.set(walk.strides[i], STRIDES + i * WALK_RANK);
    });
    const bytes = mask.data as Uint8Array<ArrayBuffer>;
    const status = gradus_where(descriptor, bytes, a.data as Buffer, b.data as Buffer, out.data as Buffer);
    if (status !== 0) unwrap(status, "choose between");
  };
}
