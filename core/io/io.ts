/**
 * Files of tensors: npy and npz as NumPy has them, safetensors, and the weights that PyTorch has saved.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { decodeNpz, encodeNpz } from "@gradus/gradus/io";
 * import { assertEquals } from "@std/assert";
 *
 * const file = encodeNpz({ x: tensor([1, 2]) });
 * assertEquals(decodeNpz(file).get("x")?.toArray(), [1, 2]);
 * ```
 * @module
 */
export { decodeNpy, encodeNpy, readNpy, writeNpy } from "./npy/npy.ts";
export { decodeNpz, encodeNpz, type NpzOptions, readNpz, writeNpz } from "./npy/npz.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  readSafetensorsHeader,
  type Safetensors,
  type SafetensorsHeader,
  type SafetensorsOptions,
  type TensorFacts,
  writeSafetensors,
} from "./safetensors/safetensors.ts";
export { readTorch, type TorchFile, type TorchOptions } from "./torch/torch.ts";
export type { TorchValue } from "./torch/flatten.ts";
export type { TensorSelection } from "./selection.ts";
export type { NamedTensors } from "./elements.ts";
export { requireWritable } from "./atomic_write.ts";
export type { FileSource, ReadOptions } from "./read_file.ts";
export type * from "../types.ts";
