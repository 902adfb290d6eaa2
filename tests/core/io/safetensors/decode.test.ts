import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { decodeSafetensors, encodeSafetensors } from "@gradus/gradus/io";
import { entry, file } from "./safetensors_file.ts";

const one = (kind: string, shape: number[], data: ArrayBufferView<ArrayBuffer>) =>
  decodeSafetensors(file(`{${entry("t", kind, shape, 0, data.byteLength)}}`, new Uint8Array(data.buffer))).tensors.get(
    "t",
  )!;

describe("decodeSafetensors()", () => {
  it("decodeSafetensors() takes a file of no tensors and its space padding", () => {
    assertEquals(decodeSafetensors(file("{}      ")).tensors.size, 0);
  });

  it("decodeSafetensors() takes tensors whose data stand in another order than their names", () => {
    const json = `{${entry("a", "U8", [1], 1, 2)},${entry("b", "U8", [1], 0, 1)}}`;
    const { tensors } = decodeSafetensors(file(json, [5, 6]));
    assertEquals([tensors.get("a")!.item(), tensors.get("b")!.item()], [6, 5]);
  });

  it("decodeSafetensors() reads a float that is not aligned in the file", () => {
    const json = `{${entry("b", "U8", [1], 0, 1)},${entry("t", "F32", [1], 1, 5)}}`;
    const data = [7, ...new Uint8Array(new Float32Array([1.5]).buffer)];
    assertEquals(decodeSafetensors(file(json, data)).tensors.get("t")!.item(), 1.5);
  });

  it("decodeSafetensors() copies, so that writing to a tensor leaves the bytes as they were", () => {
    const bytes = encodeSafetensors({ t: tensor([1]) });
    const before = bytes.slice();
    decodeSafetensors(bytes).tensors.get("t")!.data[0] = 9;
    assertEquals(bytes, before);
  });

  it("decodeSafetensors() widens F16 to float32: 1, -2, the largest, the smallest, infinity", () => {
    const t = one("F16", [5], new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00]));
    assertEquals([t.dtype, [...t.data]], ["float32", [1, -2, 65504, 2 ** -24, Infinity]]);
  });

  it("decodeSafetensors() keeps a NaN of F16 and BF16 a NaN", () => {
    assert(Number.isNaN(one("F16", [], new Uint16Array([0x7e00])).item()));
    assert(Number.isNaN(one("BF16", [], new Uint16Array([0x7fc0])).item()));
  });

  it("decodeSafetensors() widens BF16 to float32: 1, -2, -0, infinity", () => {
    const t = one("BF16", [4], new Uint16Array([0x3f80, 0xc000, 0x8000, 0x7f80]));
    assertEquals([t.dtype, [...t.data]], ["float32", [1, -2, -0, Infinity]]);
  });

  it("decodeSafetensors() widens I8 and I16 to int32", () => {
    const bytes = one("I8", [2], new Int8Array([-128, 127])), shorts = one("I16", [2], new Int16Array([-32768, 32767]));
    assertEquals([bytes.dtype, [...bytes.data]], ["int32", [-128, 127]]);
    assertEquals([shorts.dtype, [...shorts.data]], ["int32", [-32768, 32767]]);
  });

  it("decodeSafetensors() gives I64 as int32 where every value fits", () => {
    const t = one("I64", [3], new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n, -1n]));
    assertEquals([t.dtype, [...t.data]], ["int32", [-(2 ** 31), 2 ** 31 - 1, -1]]);
  });

  it("decodeSafetensors() gives I64 as float64 where one value does not fit", () => {
    const t = one("I64", [4], new BigInt64Array([2n ** 31n, -(2n ** 31n) - 1n, 2n ** 53n - 1n, 1n - 2n ** 53n]));
    assertEquals([t.dtype, [...t.data]], ["float64", [2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, 1 - 2 ** 53]]);
  });

  it("decodeSafetensors() widens U16 to int32", () => {
    const t = one("U16", [2], new Uint16Array([0, 65535]));
    assertEquals([t.dtype, [...t.data]], ["int32", [0, 65535]]);
  });

  it("decodeSafetensors() gives U32 and U64 as int32 where every value fits, else as float64", () => {
    const fits = one("U32", [2], new Uint32Array([0, 2 ** 31 - 1])), not = one("U32", [1], new Uint32Array([2 ** 31]));
    assertEquals([fits.dtype, [...fits.data]], ["int32", [0, 2 ** 31 - 1]]);
    assertEquals([not.dtype, [...not.data]], ["float64", [2 ** 31]]);
    const long = one("U64", [2], new BigUint64Array([7n, 2n ** 31n - 1n]));
    assertEquals([long.dtype, [...long.data]], ["int32", [7, 2 ** 31 - 1]]);
    const past = one("U64", [1], new BigUint64Array([2n ** 53n - 1n]));
    assertEquals([past.dtype, [...past.data]], ["float64", [2 ** 53 - 1]]);
  });

  // Table 1 of "OCP 8-bit Floating Point Specification", revision 1.0: zero, extremes of normal and subnormal numbers, NaN, infinity.
  it("decodeSafetensors() widens F8_E4M3 to float32, which has a NaN of each sign and no infinity", () => {
    const t = one("F8_E4M3", [9], new Uint8Array([0x00, 0x80, 0x7e, 0xfe, 0x08, 0x07, 0x01, 0x38, 0xc0]));
    assertEquals([t.dtype, [...t.data]], ["float32", [0, -0, 448, -448, 2 ** -6, 0.875 * 2 ** -6, 2 ** -9, 1, -2]]);
    assertEquals([...one("F8_E4M3", [2], new Uint8Array([0x7f, 0xff])).data], [NaN, NaN]);
  });

  it("decodeSafetensors() widens F8_E5M2 to float32, which has both", () => {
    const t = one("F8_E5M2", [8], new Uint8Array([0x00, 0x7b, 0x04, 0x03, 0x01, 0x3c, 0xfc, 0x7d]));
    const values = [0, 57344, 2 ** -14, 0.75 * 2 ** -14, 2 ** -16, 1, -Infinity, NaN];
    assertEquals([t.dtype, [...t.data]], ["float32", values]);
  });
});
