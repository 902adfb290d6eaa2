import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { type DType, fromData, Tensor, tensor, zeros } from "@gradus/gradus";
import { decodeSafetensors, encodeSafetensors } from "@gradus/gradus/io";
import { file } from "./safetensors_file.ts";

describe("encodeSafetensors()", () => {
  it("encodeSafetensors() gives these bytes for one tensor and a word of metadata", () => {
    const header = '{"__metadata__":{"k":"v"},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    const data = new Uint8Array(new Float32Array([1, 2]).buffer);
    assertEquals(encodeSafetensors({ t: tensor([1, 2]) }, { k: "v" }), file(padded, data));
  });

  it("encodeSafetensors() puts wider dtypes first, then sorts by name", () => {
    const named = {
      z: tensor([true]),
      c: tensor([1]),
      d: tensor([1], { dtype: "float64" }),
      b: tensor([1]),
      a: tensor([1], { dtype: "uint8" }),
      i: tensor([1], { dtype: "int32" }),
    };
    assertEquals([...decodeSafetensors(encodeSafetensors(named)).tensors.keys()], ["d", "b", "c", "i", "a", "z"]);
  });

  it("encodeSafetensors() begins the data at a multiple of 8", () => {
    for (const name of ["a", "ab", "abc", "é"]) {
      const bytes = encodeSafetensors({ [name]: tensor([1]) });
      assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0);
    }
  });

  for (const dtype of ["float32", "float64", "int32", "uint8", "bool"] as DType[]) {
    for (const shape of [[], [0], [2, 0, 3], [2, 3]]) {
      it(`encodeSafetensors() and back keeps ${dtype} [${shape}]`, () => {
        const t = zeros(shape, { dtype });
        t.data.forEach((_, i) => t.data[i] = i % 2);
        const back = decodeSafetensors(encodeSafetensors({ t })).tensors.get("t")!;
        assertEquals([back.dtype, back.shape, [...back.data]], [dtype, shape, [...t.data]]);
      });
    }
  }

  it("encodeSafetensors() and back keeps the bits of NaN, -0 and infinity", () => {
    const data = new Float32Array([NaN, -0, Infinity, -Infinity, 1e-45]);
    const back = decodeSafetensors(encodeSafetensors({ t: fromData(data, [5]) })).tensors.get("t")!;
    assertEquals(new Uint8Array(back.data.buffer), new Uint8Array(data.buffer));
  });

  it("encodeSafetensors() writes a transposed view as the elements it shows", () => {
    const t = tensor([[1, 2, 3], [4, 5, 6]]).t();
    assertEquals(decodeSafetensors(encodeSafetensors({ t })).tensors.get("t")!.toArray(), [[1, 4], [2, 5], [3, 6]]);
  });

  it("encodeSafetensors() writes only the part of its memory that a view shows", () => {
    const t = new Tensor(new Float32Array([1, 2, 3, 4]), [2], [1], 1, "float32");
    const bytes = encodeSafetensors({ t });
    assertEquals(decodeSafetensors(bytes).tensors.get("t")!.toArray(), [2, 3]);
  });

  it("encodeSafetensors() writes an expanded view, stride 0, element for element", () => {
    const t = new Tensor(new Float32Array([7]), [3], [0], 0, "float32");
    assertEquals(decodeSafetensors(encodeSafetensors({ t })).tensors.get("t")!.toArray(), [7, 7, 7]);
  });

  it("encodeSafetensors() and back keeps names that objects treat apart", () => {
    const named = new Map(["__proto__", "constructor", "", "a\u0000b", "名前"].map((name, i) => [name, tensor([i])]));
    const { tensors } = decodeSafetensors(encodeSafetensors(named));
    for (const [name, t] of named) assertEquals(tensors.get(name)!.item(), t.item());
  });

  it("encodeSafetensors() refuses the name the format keeps", () => {
    assertThrows(() => encodeSafetensors({ __metadata__: tensor([1]) }), TypeError, "the format keeps that name");
  });

  it("encodeSafetensors() refuses names and metadata that are not Unicode", () => {
    assertThrows(() => encodeSafetensors({ "\ud800": tensor([1]) }), TypeError, "it is not Unicode");
    assertThrows(() => encodeSafetensors({}, { k: "\ud800" }), TypeError, 'Cannot write metadata "k"');
  });
});
