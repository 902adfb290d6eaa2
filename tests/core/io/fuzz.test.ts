import { assertAlmostEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as fc from "fast-check";
import { type Tensor, tensor, zeros } from "@gradus/gradus";
import { decodeNpy, decodeNpz, decodeSafetensors, encodeNpy, encodeNpz, encodeSafetensors } from "@gradus/gradus/io";
import { damage, damages, readsOrRefuses } from "./damage.ts";
import type { TorchFile } from "@gradus/gradus/io";
import { runAtOnce } from "../../../core/event_loop.ts";
import { decodingTorch } from "../../../core/io/torch/torch.ts";
import { header, npyFile } from "./npy/npy_file.ts";
import { op, pickle } from "./pickle/pickle_file.ts";
import { sameBits, shownBytes } from "./random_tensor.ts";
import { archiveOf, dict, torchTensor } from "./torch/torch_archive.ts";

const CASES = { numRuns: 20_000, seed: 5 };

const named = {
  w: tensor([[1, -2], [3.5, 4]]),
  b: tensor([1, 2, 3], { dtype: "uint8" }),
  mask: tensor([true, false]),
  none: zeros([0, 2]),
  n: tensor(7, { dtype: "int32" }),
};

/** Whether a tensor is consistent in itself, so that every element it shows is in its memory. */
const isWhole = (t: Tensor) => t.numel() === 0 || t.data.length === t.numel();

describe("damages", () => {
  it("damages stand everywhere in a file, evenly", () => {
    const places = fc.sample(damages, { numRuns: 2_000, seed: 1 }).flat().map(({ at }) => at);
    const mean = places.reduce((sum, place) => sum + place, 0) / places.length;
    assertAlmostEquals(mean, 0.5, 0.03); // 5 σ of the mean of 2,000 uniforms, σ = 0.289 / √2000
  });
});

describe("a damaged npy file", () => {
  const files = [
    encodeNpy(named.w),
    encodeNpy(named.mask),
    npyFile(header(">i8", "(2, 1)", "True"), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]),
    npyFile(header("|u1", "(2, 3)"), [1, 2, 3, 4, 5, 6], 2),
  ];

  // What is not damaged cannot be told from what is, where npy has no check sum: the data that is there must be shown.
  const isRight = (bytes: Uint8Array) => (t: Tensor) => {
    if (!isWhole(t)) return false;
    if (new TextDecoder().decode(bytes.subarray(0, 90)).includes(">")) return true;
    if (t.dtype !== "float32" && t.dtype !== "uint8" && t.dtype !== "bool") return true;
    const shown = shownBytes(t.isContiguous() ? t : t.t());
    return t.ndim > 2 || shown.length !== bytes.length - lengthOfHead(bytes) ||
      shown.every((byte, i) => byte === bytes[bytes.length - shown.length + i]);
  };
  const lengthOfHead = (bytes: Uint8Array) =>
    bytes[6] === 1 ? 10 + bytes[8] + 256 * bytes[9] : 12 + bytes[8] + 256 * bytes[9];

  it("decodeNpy() gives what is there, or an error that names file and place", () => {
    const property = fc.property(fc.constantFrom(...files), damages, (file, all) => {
      const bytes = damage(file, all);
      return readsOrRefuses(() => decodeNpy(bytes, "bad.npy"), isRight(bytes));
    });
    fc.assert(property, CASES);
  });
});

describe("a damaged npz file", () => {
  const files = [encodeNpz(named), encodeNpz(named, { compress: true }), encodeNpz({ w: named.w })];

  // Every member has a check sum: what is given is what was written, under its own name.
  const isRight = (tensors: Map<string, Tensor>) =>
    tensors.entries().every(([name, t]) =>
      Object.hasOwn(named, name) && sameBits(t, named[name as keyof typeof named])
    );

  it("decodeNpz() gives the very tensors, or an error that names file and place", () => {
    const property = fc.property(fc.constantFrom(...files), damages, (file, all) => {
      const bytes = damage(file, all);
      return readsOrRefuses(() => decodeNpz(bytes, "bad.npz"), isRight);
    });
    fc.assert(property, CASES);
  });
});

describe("a damaged safetensors file", () => {
  const files = [encodeSafetensors(named, { step: "7" }), encodeSafetensors({ w: named.w }), encodeSafetensors({})];

  // The data that is there is shown, tensor after tensor, without a gap.
  const isRight = (bytes: Uint8Array) => ({ tensors }: { tensors: Map<string, Tensor> }) => {
    const shown = [...tensors.values()].flatMap((t) => [...shownBytes(t)]);
    const data = bytes.subarray(8 + new DataView(bytes.buffer).getUint32(0, true));
    const text = new TextDecoder().decode(bytes.subarray(8, bytes.length - data.length));
    return /"(I8|I16|F16|BF16|I64|U16|U32|U64|F8_E4M3|F8_E5M2)"/.test(text) ||
      (shown.length === data.length && shown.every((b, i) => b === data[i]));
  };

  it("decodeSafetensors() gives what is there, or an error that names file and place", () => {
    const property = fc.property(fc.constantFrom(...files), damages, (file, all) => {
      const bytes = damage(file, all);
      return readsOrRefuses(() => decodeSafetensors(bytes, "bad.safetensors"), isRight(bytes));
    });
    fc.assert(property, CASES);
  });
});

describe("a damaged pickle of PyTorch", () => {
  const file = pickle(
    op.proto(),
    dict({ w: torchTensor(), n: op.small(7), l: [...op.list, ...op.none, ...op.append] }),
    op.stop,
  );
  const object = [...op.brief("argparse"), ...op.brief("Namespace"), ...op.stackGlobal, ...op.tuple0, ...op.newObject];
  const later = pickle(
    op.proto(4),
    op.frame(100),
    dict({ w: [...torchTensor(), ...op.memoize], beside: [...object, ...op.dict, ...op.build] }),
    op.stop,
  );

  const isRight = ({ tensors }: TorchFile) =>
    tensors.values().every((t) => t.numel() === 0 || lastOf(t) < t.data.length && t.toArray() !== null);
  const lastOf = (t: Tensor) => t.shape.reduce((last, size, d) => last + (size - 1) * t.strides[d], t.offset);

  // Check sums would notice most damage to the archive: here they are right again.
  it("readTorch() gives tensors that lie in their storage, or an error that names file and place", () => {
    const property = fc.property(fc.constantFrom(file, later), damages, (file, all) => {
      const bytes = archiveOf(damage(file, all));
      return readsOrRefuses(() => runAtOnce(decodingTorch(bytes, "bad.pt", {})), isRight);
    });
    fc.assert(property, CASES);
  });

  it("readTorch() gives a part beside damaged objects, or an error that names file and place", () => {
    const none: TorchFile = { tensors: new Map(), values: new Map() };
    const property = fc.property(damages, (all) => {
      const bytes = archiveOf(damage(later, all));
      return readsOrRefuses(() => {
        try {
          return runAtOnce(decodingTorch(bytes, "bad.pt", { at: "w" }));
        } catch (error) { // where damage renamed the part, the place is its name
          if ((error as Error).message.includes('bad.pt at "w": nothing is there')) return none;
          throw error;
        }
      }, isRight);
    });
    fc.assert(property, CASES);
  });

  it("readTorch() gives a damaged archive's very tensors, or an error that names file and place", () => {
    const whole = archiveOf(file);
    const property = fc.property(damages, (all) => {
      const bytes = damage(whole, all);
      return readsOrRefuses(
        () => runAtOnce(decodingTorch(bytes, "bad.pt", {})),
        ({ tensors, values }) => values.get("n") === 7 && `${tensors.get("w")!.toArray()}` === "1,2,3,4,5,6",
      );
    });
    fc.assert(property, CASES);
  });
});
