/** The native verb of convolutions. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend, Conv, ConvResult } from "../backend.ts";
import { allFloat32, CONV_FIELDS, describeConv, unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import { type Buffer, type Functions, NOTHING } from "./symbols.ts";

const descriptor = new Int32Array(CONV_FIELDS.length);

/** `conv` for float32; other dtypes are passed on to the reference. */
export function nativeConv({ gradus_conv }: Functions): Backend["conv"] {
  return function conv(
    result: ConvResult,
    d: Conv,
    x: TypedArray,
    w: TypedArray,
    y: TypedArray,
    bias: TypedArray | null,
  ): void {
    if (!allFloat32(x, w, y, bias)) return reference.conv(result, d, x, w, y, bias);
    describeConv(descriptor, result, d, x, w, y, bias);
    const code = gradus_conv(descriptor, x as Buffer, w as Buffer, y as Buffer, (bias ?? NOTHING) as Buffer);
    if (code !== 0) unwrap(code, "convolve");
  };
}
