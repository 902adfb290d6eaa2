/** The elements of a PyTorch file's tensors: each storage is read once, as far as its tensors reach, and they are views of it. */
import { fromData } from "../../create.ts";
import type { Steps } from "../../event_loop.ts";
import { viewOf } from "../../memory/allocate.ts";
import type { Tensor } from "../../tensor.ts";
import { countElements } from "../elements.ts";
import { FILE_DTYPES, readElements } from "../file_dtypes.ts";
import { type Cap, quoted } from "../read_file.ts";
import type { TorchStorage, TorchTensor } from "./torch_pickle.ts";

/** The records of an archive that hold storages. */
export interface Records {
  /** What errors call the file. */
  readonly where: string;
  /** What stands in front of a storage's key in the name of its record. */
  readonly folder: string;
  /** Whether the first byte of an element is its highest. */
  readonly bigEndian: boolean;
  /** The content of a record; `null` where there is none. */
  content(record: string): Steps<Uint8Array> | null;
}

/** The part of a storage that is read. */
interface Part {
  readonly storage: TorchStorage;
  readonly fileDType: string;
  /** The first tensor in it, for errors. */
  readonly name: string;
  begin: number;
  end: number;
}

/** Bytes of memory that a tensor takes beside its elements, for its objects and arrays. */
const TENSOR_COST = 1024;

/** The tensors by name, those of one storage over the same memory. */
export function* readStorages(
  places: ReadonlyMap<string, TorchTensor>,
  records: Records,
  cap: Cap,
): Steps<Map<string, Tensor>> {
  for (const [name, place] of places) countTensor(name, place, cap);
  const memories = new Map<string, Tensor>(), parts = partsOf(places);
  for (const part of parts.values()) countPart(part, cap);
  yield;
  for (const [key, part] of parts) memories.set(key, yield* readPart(part, records));
  const tensors = new Map<string, Tensor>();
  for (const [name, place] of places) {
    const key = keyOf(place), { shape, strides, offset } = place;
    tensors.set(
      name,
      viewOf(memories.get(key)!, shape, strides, place.span === 0 ? 0 : offset - parts.get(key)!.begin),
    );
    yield;
  }
  return tensors;
}

/** Counts a tensor beside its storage: one that repeats a few elements may be copied later. */
function countTensor(name: string, { fileDType, shape, span, at }: TorchTensor, cap: Cap): void {
  const kind = FILE_DTYPES.get(fileDType);
  if (kind === undefined) {
    throw new TypeError(
      `Cannot read ${cap.where}: tensor ${
        quoted(name)
      }, made at byte ${at} of its pickle, is of ${fileDType}, which no ` +
        `dtype here holds: leave it out with { skip: [${quoted(name)}] }, or save it as another`,
    );
  }
  const bytes = TENSOR_COST + Math.max(0, countElements(shape) - span) * kind.memory;
  cap.count(bytes, () => `with tensor ${quoted(name)}, made at byte ${at} of its pickle, it`);
}

/** Tensors with one key share a part: those of one record that are read as one dtype. What says another length is judged by itself. */
function keyOf({ storage, fileDType }: TorchTensor): string {
  return `${fileDType} ${storage.fileDType} ${storage.length} ${storage.key}`;
}

function partsOf(places: ReadonlyMap<string, TorchTensor>): Map<string, Part> {
  const parts = new Map<string, Part>();
  for (const [name, place] of places) {
    const { storage, fileDType, offset, span } = place, key = keyOf(place);
    const part = parts.get(key) ?? { storage, fileDType, name, begin: Infinity, end: 0 };
    parts.set(key, part);
    if (span === 0) continue;
    part.begin = Math.min(part.begin, offset);
    part.end = Math.max(part.end, offset + span);
  }
  return parts;
}

function countPart({ name, fileDType, begin, end }: Part, cap: Cap): void {
  const bytes = end === 0 ? 0 : (end - begin) * FILE_DTYPES.get(fileDType)!.memory;
  cap.count(bytes, () => `with the storage of tensor ${quoted(name)}, from its element ${begin} to ${end}, it`);
}

function* readPart({ storage, fileDType, name, begin, end }: Part, records: Records): Steps<Tensor> {
  const { size } = FILE_DTYPES.get(fileDType)!, { where, folder, bigEndian } = records;
  const record = `${folder}${storage.key}`;
  const empty = end === 0; // and of a storage without elements there may be no record
  const content = empty ? new Uint8Array() : yield* contentOf(record, name, records);
  const wanted = storage.length * (storage.fileDType === null ? 1 : size);
  if (!empty && content.length !== wanted) {
    throw new RangeError(
      `Cannot read ${where}: record ${quoted(record)} has ${content.length} bytes, and tensor ${
        quoted(name)
      } says that ` +
        `it has ${wanted}`,
    );
  }
  const bytes = empty ? content : content.subarray(begin * size, end * size);
  const place = { where: `${where}: ${record}`, at: empty ? 0 : begin * size };
  const { data, dtype } = yield* readElements({ bytes, bigEndian, fileDType, name, ...place });
  return fromData(data, [data.length], dtype);
}

function* contentOf(record: string, name: string, records: Records): Steps<Uint8Array> {
  const content = records.content(record);
  if (content !== null) return yield* content;
  throw new SyntaxError(
    `Cannot read ${records.where}: tensor ${quoted(name)} is in record ${
      quoted(record)
    }, which the archive does not have`,
  );
}
