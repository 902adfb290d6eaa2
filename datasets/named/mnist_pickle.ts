/** `mnist.pkl.gz`, the file of the documents: MNIST as three pairs of NumPy arrays, pickled by Python 2. */
import { checkOptions, requireBytes } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { runAtOnce, runInSlices, type Steps } from "../../core/event_loop.ts";
import { Cap, type FileSource, readFile, type ReadOptions, sourceName } from "../../core/io/read_file.ts";
import { elementReader } from "../../core/io/npy/header.ts";
import { countElements } from "../../core/io/elements.ts";
import type { Tensor } from "../../core/tensor.ts";
import { gunzip } from "../formats/gunzip.ts";
import type { LabelledImages } from "./mnist_folder.ts";
import { kindOf, Tuple, type Value } from "../../core/io/pickle/pickle_values.ts";
import { NumpyArray, readNumpyPickle } from "../formats/numpy_pickle.ts";

/** The parts of `mnist.pkl.gz`. A picture is a row of 784 grey levels from 0 to 1. */
export interface MnistPickle {
  /** The training set: images float32 [50000, 784], labels int32 [50000]. */
  train: LabelledImages;
  /** The validation set: 10,000 pictures. */
  valid: LabelledImages;
  /** The test set: 10,000 pictures. */
  test: LabelledImages;
}

/**
 * The arrays in the file `mnist.pkl.gz`, gzipped or not, named by its path or given as bytes, a `Blob` or a `Response`. Nothing in the file is executed: only those of pickle's opcodes are read that
 * an array needs.
 *
 * @param options How large the arrays may be
 * @throws {SyntaxError} if the file holds anything but three pairs of arrays; the message names opcode and byte
 * @throws {RangeError} if the arrays come to more than `maxBytes`, or a part has not one label for each image
 * @see {@link https://github.com/mnielsen/neural-networks-and-deep-learning} for the file
 */
export async function readMnistPickle(source: FileSource, options: ReadOptions = {}): Promise<MnistPickle> {
  checkOptions("read a pickle", options, ["maxBytes"]);
  const file = await readFile(source, options), name = sourceName(source);
  const cap = new Cap(name, options, file.length);
  const content = await gunzip(file, name, options);
  const parts = await runInSlices(parse(content, cap));
  if (content !== source) content.buffer.transfer?.(0); // frees 220 MB now, instead of at the next garbage collection; Node.js has it from 21 on
  return parts;
}

/**
 * The same from bytes that are not compressed.
 *
 * @param name What errors call the file
 * @param options How large the arrays may be
 * @throws {SyntaxError} if they are anything but three pairs of arrays
 * @throws {RangeError} if a part has not one label for each image, or the arrays take more than `maxBytes`
 */
export function parseMnistPickle(
  bytes: Uint8Array<ArrayBuffer>,
  name: string = "pickle",
  options: ReadOptions = {},
): MnistPickle {
  checkOptions("read a pickle", options, ["maxBytes"]);
  requireBytes(bytes, name);
  return runAtOnce(parse(bytes, new Cap(name, options, bytes.length)));
}

function* parse(bytes: Uint8Array<ArrayBuffer>, cap: Cap): Steps<MnistPickle> {
  const name = cap.where;
  const [train, valid, test] = itemsOf(readNumpyPickle(bytes, name), 3, name);
  const toPart = (part: Value) => partOf(itemsOf(part, 2, name), cap);
  return { train: yield* toPart(train), valid: yield* toPart(valid), test: yield* toPart(test) };
}

function itemsOf(value: Value, count: number, name: string): readonly Value[] {
  if (value instanceof Tuple && value.items.length === count) return value.items;
  throw new SyntaxError(`Cannot read ${name}: it holds ${kindOf(value)} where a tuple of ${count} must be`);
}

function* partOf([pictures, classes]: readonly Value[], cap: Cap): Steps<LabelledImages> {
  const images = yield* toTensor(pictures, cap), labels = yield* toTensor(classes, cap);
  if (images.shape.length === 2 && labels.shape.length === 1 && images.shape[0] === labels.shape[0]) {
    return { images, labels };
  }
  throw new RangeError(
    `Cannot read ${cap.where}: images [${images.shape}] and labels [${labels.shape}] are not [n, pixels] and [n]`,
  );
}

function* toTensor(value: Value, cap: Cap): Steps<Tensor> {
  const name = cap.where;
  if (!(value instanceof NumpyArray) || value.content === null) {
    throw new SyntaxError(`Cannot read ${name}: it holds ${kindOf(value)} where an array must be`);
  }
  const { shape, fortran, descr, bytes } = value.content;
  const kind = elementReader(descr)!;
  cap.count(countElements(shape) * kind.memory, () => `an array ${descr} [${shape}] at byte ${bytes.at}`);
  const { data, dtype } = yield* kind.read(bytes.raw, name, bytes.at);
  return fortran ? fromData(data, shape.toReversed(), dtype).t() : fromData(data, shape, dtype);
}
