/** PyTorch's files of weights: the zip archives that `torch.save` writes, read without running what is pickled in them. */
import { checkOptions } from "../../arguments.ts";
import { runInSlices, type Steps } from "../../event_loop.ts";
import type { Tensor } from "../../tensor.ts";
import { readPickle } from "../pickle/pickle_reader.ts";
import { Cap, type FileSource, quoted, readFile, type ReadOptions, sourceName } from "../read_file.ts";
import { recognise } from "../recognise.ts";
import { Selection, type TensorSelection } from "../selection.ts";
import { unzip } from "../zip/unzip.ts";
import { flatten, type TorchValue } from "./flatten.ts";
import { readStorages, type Records } from "./storages.ts";
import { torchDialect } from "./torch_pickle.ts";

/** Options of {@linkcode readTorch}. */
export interface TorchOptions extends ReadOptions, TensorSelection {
  /**
   * The part of the file to read: names begin with it and a dot, which they lose. `"model"` reads `model.0.weight` as `0.weight`,
   * `"module"` the weights of a `DataParallel`. What lies beside it may be anything, such as an `argparse.Namespace` or a number of
   * NumPy: it is skipped, and nothing is called.
   *
   * @default {undefined} everything, under its whole name
   */
  at?: string | undefined;
}

/** The contents of a PyTorch file; maps, because a name may be `__proto__`. */
export interface TorchFile {
  /** The tensors by name, in the order of the file. */
  tensors: Map<string, Tensor>;
  /** Everything else by name: an epoch, a learning rate, a list of losses. */
  values: Map<string, TorchValue>;
}

/**
 * The weights in a file that PyTorch's `torch.save` has written, by the names that `loadStateDict` takes. What is pickled in it, by
 * any protocol, is read and never run: a name that is not one of a tensor, a dict or the like is refused.
 *
 * In a checkpoint of several parts, `{ model: …, optimizer: …, epoch: 3 }`, names of tensors and of other values are joined by dots:
 * `model.0.weight`, `optimizer.param_groups.0.lr`, `epoch`; `{ at: "model" }` reads the model alone. A tensor that is not in a dict has
 * the name `""`, those of a list have its indices.
 *
 * Dtypes are widened as by {@linkcode readSafetensors}: float16 and bfloat16 to float32, int64 to int32 where every value fits, else to
 * float64. Tensors that share a storage share their memory here too; strides stay as they are. Parameters come as tensors.
 *
 * @example
 * ```ts
 * import { nn } from "@gradus/gradus";
 * import { type FileSource, readTorch } from "@gradus/gradus/io";
 * import { assertRejects } from "@std/assert";
 *
 * // In Python: torch.save(model.state_dict(), "model.pt")
 * async function load(file: FileSource): Promise<nn.Sequential> {
 *   const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
 *   const { tensors } = await readTorch(file);
 *   model.loadStateDict(tensors);
 *   return model.eval();
 * }
 *
 * await assertRejects(() => load(new File(["<!doctype html>"], "model.pt")), SyntaxError, "begins an HTML page");
 * ```
 * @param source The file's path, or in its place bytes, a `Blob` or a `Response`
 * @throws {SyntaxError} if it is no such file (a TorchScript program, a file from before PyTorch 1.6 and others are named), is damaged,
 * or its pickle has a name or an opcode that is not read; the message names it and its byte
 * @throws {RangeError} if a size or an offset is wrong, a 64-bit integer is past 2^53, more comes of the file than `maxBytes`, or there
 * is nothing at `at` or under a name of `only`
 * @throws {TypeError} if a tensor is of a dtype that has no place here, such as a complex one: leave it out with `skip`
 * @see {@link https://pytorch.org/docs/stable/notes/serialization.html} for the format
 */
export async function readTorch(source: FileSource, options: TorchOptions = {}): Promise<TorchFile> {
  checkOptions("read a PyTorch file", options, ["at", "only", "skip", "maxBytes"], { at: "string" });
  const { maxBytes } = options;
  const bytes = await readFile(source, { maxBytes });
  return await runInSlices(decodingTorch(bytes, sourceName(source), options));
}

/** The same from bytes, in steps. */
export function* decodingTorch(bytes: Uint8Array, where: string, options: TorchOptions): Steps<TorchFile> {
  const cap = new Cap(where, options, bytes.length), selection = new Selection(where, options);
  const { pickle, records } = yield* openArchive(bytes, cap);
  const root = yield* readPickle(pickle.content, pickle.where, torchDialect(cap, options.at !== undefined));
  const { tensors, values } = yield* flatten(root, cap, options.at);
  selection.check([...tensors.keys()]);
  const wanted = new Map([...tensors].filter(([name]) => selection.takes(name)));
  yield;
  return { tensors: yield* readStorages(wanted, records, cap), values };
}

/** The pickle and the records of an archive. */
function* openArchive(
  bytes: Uint8Array,
  cap: Cap,
): Steps<{ pickle: { content: Uint8Array<ArrayBuffer>; where: string }; records: Records }> {
  const { where } = cap, stranger = recognise(bytes, "readTorch");
  if (stranger !== null) throw new SyntaxError(`Cannot read ${where}: ${stranger}`);
  const members = new Map((yield* unzip(bytes, where, cap)).map((member) => [member.name, member]));
  const name = pickleName([...members.keys()], where), folder = name.slice(0, -PICKLE.length);
  const content = (record: string) => members.get(record)?.content() ?? null;
  const order = content(`${folder}byteorder`);
  const bigEndian = order !== null && isBig(yield* order, where);
  const pickle = { content: (yield* content(name)!) as Uint8Array<ArrayBuffer>, where: `${where}: ${name}` };
  return { pickle, records: { where, folder: `${folder}data/`, bigEndian, content } };
}

const PICKLE = "data.pkl";

/** The name of the record with the pickle. */
function pickleName(names: readonly string[], where: string): string {
  const found = names.find((name) =>
    name === PICKLE || (name.endsWith(`/${PICKLE}`) && name.indexOf("/") === name.lastIndexOf("/"))
  );
  const fail = (what: string) => new SyntaxError(`Cannot read ${where}: ${what}`);
  if (found === undefined) {
    if (names.length > 0 && names.every((name) => name.endsWith(".npy"))) {
      throw fail("its records are npy files: read it with readNpz");
    }
    throw fail(
      `the archive has no record ${PICKLE}, as torch.save writes one: save model.state_dict() with torch.save`,
    );
  }
  const folder = found.slice(0, -PICKLE.length);
  if (names.some((name) => name === `${folder}constants.pkl` || name.startsWith(`${folder}code/`))) {
    throw fail(
      "its records are a TorchScript program: save the weights alone, " +
        "torch.save(torch.jit.load(FILE).state_dict(), FILE)",
    );
  }
  return found;
}

function isBig(order: Uint8Array, where: string): boolean {
  const text = new TextDecoder().decode(order.subarray(0, 16));
  if (text === "little" || text === "big") return text === "big";
  throw new SyntaxError(`Cannot read ${where}: its record byteorder says ${quoted(text)}, and neither little nor big`);
}
