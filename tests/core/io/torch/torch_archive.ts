/** Archives as `torch.save` writes them, their pickles by hand. */
import { op, pickle } from "../pickle/pickle_file.ts";
import { type Member, zipFile } from "../zip/zip_file.ts";

/** The parts of a tensor's pickle that tests change. */
export interface Parts {
  storage?: number[];
  offset?: number[];
  shape?: number[];
  strides?: number[];
  flags?: number[];
  rebuild?: number[];
}

const tuple = (...items: number[][]) => [...op.mark, ...items.flat(), ...op.tuple];

/** `("storage", torch.FloatStorage, key, "cpu", length)` as a persistent id. */
export const storage = (key: string, length: number[], type = "Float"): number[] => [
  ...tuple(op.unicode("storage"), op.global("torch", `${type}Storage`), op.unicode(key), op.unicode("cpu"), length),
  ...op.persistent,
];

/** A tensor [2, 3] of float32 in storage 0. */
export const torchTensor = (parts: Parts = {}): number[] => [
  ...(parts.rebuild ?? op.global("torch._utils", "_rebuild_tensor_v2")),
  ...tuple(
    parts.storage ?? storage("0", op.small(6)),
    parts.offset ?? op.small(0),
    parts.shape ?? tuple(op.small(2), op.small(3)),
    parts.strides ?? tuple(op.small(3), op.small(1)),
    parts.flags ?? [...op.no, ...emptyDict],
  ),
  ...op.reduce,
];

/** `OrderedDict()`. */
export const emptyDict = [...op.global("collections", "OrderedDict"), ...op.tuple0, ...op.reduce];

/** `{name: value, …}`. */
export const dict = (items: Record<string, number[]>): number[] => [
  ...[...op.dict, ...op.mark],
  ...[...Object.entries(items).flatMap(([name, value]) => [...op.unicode(name), ...value]), ...op.setItems],
];

/** The elements of storage 0. */
export const elements = new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);

const storageZero: Member[] = [{ name: "m/data/0", content: elements }];

/** An archive with this pickle, and with storage 0 unless other members are given. */
export const archiveOf = (content: Uint8Array, members = storageZero) =>
  zipFile([
    { name: "m/data.pkl", content },
    ...members,
    { name: "m/version", content: new TextEncoder().encode("3\n") },
  ]);

/** The same with a pickle of one value. */
export const archive = (parts: readonly number[], members = storageZero) =>
  archiveOf(pickle(op.proto(), parts, op.stop), members);
