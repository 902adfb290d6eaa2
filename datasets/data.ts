/**
 * Readers and writers of data files, and the data sets that come in them: what needs a zip library or reads tables, apart from the main
 * module so that nobody else loads one.
 *
 * @example
 * ```ts
 * import { decodeNpz, encodeNpz } from "@gradus/gradus/data";
 * import { tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const file = encodeNpz({ x: tensor([1, 2]) });
 * assertEquals(decodeNpz(file).get("x")?.toArray(), [1, 2]);
 * ```
 * @module
 */
export type { ReadOptions } from "../core/io/read_file.ts";
export { decodeNpz, encodeNpz, type NpzOptions, readNpz, writeNpz } from "../core/io/npy/npz.ts";
export { type ArffOptions, readArff } from "./formats/arff.ts";
export { type CsvOptions, fromCsv, MISSING } from "./formats/csv.ts";
export type { Column, ColumnKind, Table } from "./formats/table.ts";
export type { TextSource } from "./formats/text_source.ts";
export { openml, OPENML_API, type OpenmlOptions, type OpenmlTable } from "./named/openml.ts";
export { FASHION_CLASSES, FASHION_MIRRORS, fashionMnist } from "./named/fashion_mnist.ts";
export { type MnistPickle, parseMnistPickle, readMnistPickle } from "./named/mnist_pickle.ts";
