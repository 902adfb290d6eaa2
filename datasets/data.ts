/**
 * Data to learn from: datasets and the loader that makes batches of them, tables, pictures, and named sets that are downloaded once.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { DataLoader, TensorDataset } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const data = new TensorDataset(tensor([[0], [1], [2]]), tensor([0, 1, 2]));
 * for (const [x, y] of new DataLoader(data, { batchSize: 2, dropLast: true })) {
 *   assertEquals([x.shape, y.toArray()], [[2, 1], [0, 1]]);
 * }
 * ```
 * @module
 */
export {
  type Batch,
  collate,
  ConcatDataset,
  type Dataset,
  randomSplit,
  Subset,
  TensorDataset,
} from "./loader/dataset.ts";
export {
  DataLoader,
  type DataLoaderOptions,
  type DataLoaderPlace,
  type DataLoaderState,
  type Sampler,
} from "./loader/data_loader.ts";
export {
  RandomSampler,
  type RandomSamplerOptions,
  type SamplerState,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from "./loader/samplers.ts";
export { seriesWindows, type SeriesWindowsOptions } from "./loader/series_windows.ts";
export { columnNames, nameColumns } from "../core/column_names.ts";
export { type Normalization, normalizationOf, Normalizer, normalizer } from "./loader/normalize.ts";
export { type ImageLoaderOptions, type ImageLoaders, imageLoaders } from "./loader/image_loaders.ts";
export { type ColumnEncoding, TableEncoder, type TableEncoderOptions } from "./loader/table_encoder.ts";

// Pictures changed at random while they are learned from.
export type { RandomTransformOptions, Transform } from "./transforms/transform.ts";
export {
  horizontalFlip,
  randomCrop,
  type RandomCropOptions,
  randomFlip,
  type RandomFlipOptions,
  randomShift,
  type RandomShiftOptions,
} from "./transforms/transforms.ts";
export { randomErase, type RandomEraseOptions } from "./transforms/random_erase.ts";
export { testTimeAugmentation } from "./transforms/test_time_augmentation.ts";

// A table's columns as features, in the same way for each later table.
export { TableSchema } from "./table/table_schema.ts";
export type {
  SchemaBatch,
  SchemaOptions,
  SchemaReadOptions,
  SchemaStreamOptions,
  TableAnswer,
  TableSource,
} from "./table/schema_options.ts";
export type { TableRecord } from "./table/record_rows.ts";
export type { EncodedRows } from "./table/row_encoder.ts";
export type { SchemaTarget } from "./table/schema_fit.ts";
export type {
  AnySchemaColumn,
  BooleanSchemaColumn,
  CategoricalSchemaColumn,
  DateSchemaColumn,
  NumericSchemaColumn,
  Scale,
  SchemaColumn,
  SchemaKind,
} from "./table/schema_columns.ts";

// Tables and files of pictures.
export { type CsvOptions, type CsvTable, type CsvTextOptions, fromCsv } from "./formats/csv.ts";
export { MISSING } from "./formats/csv_rows.ts";
export type { CsvDialect } from "./formats/csv_dialect.ts";
export type { DateOrder } from "./formats/parse_date.ts";
export { type ArffOptions, readArff } from "./formats/arff.ts";
export type { Column, ColumnKind, Table } from "./formats/table.ts";
export type { TextSource } from "./formats/text_source.ts";
export { parseIdx, readIdx } from "./formats/idx.ts";
export { parsePng, type PngOptions, readPng } from "./formats/png.ts";
export type { FileSource, ReadOptions } from "../core/io/read_file.ts";

// Text as tokens.
export type { Tokenizer } from "./text/tokenizer.ts";
export { CharacterTokenizer, type CharacterTokenizerOptions } from "./text/character_tokenizer.ts";
export { BytePairTokenizer, type BytePairTokenizerOptions } from "./text/byte_pair_tokenizer.ts";
export { textWindows, type TextWindowsOptions } from "./text/text_windows.ts";
export { sampleToken, type SampleTokenOptions } from "./text/sample_token.ts";
export type { GeneratorOptions } from "../core/random/distributions.ts";

// Named sets.
export { type ImageDataset, type LabelledImages, mnistFolder } from "./named/mnist_folder.ts";
export { loadMnist, MNIST_MIRRORS, type MnistOptions } from "./named/mnist.ts";
export { type MnistPickle, parseMnistPickle, readMnistPickle } from "./named/mnist_pickle.ts";
export { FASHION_CLASSES, FASHION_MIRRORS, fashionMnist } from "./named/fashion_mnist.ts";
export { type ImageFolder, imageFolder, type ImageFolderOptions } from "./named/image_folder.ts";
export { openml, OPENML_API, type OpenmlOptions, type OpenmlTable } from "./named/openml.ts";
export type { DownloadProgress } from "./download/receive.ts";

// Digits that are drawn here, without a download.
export { digits, type DigitsOptions, drawDigit, drawDigits, type DrawOptions } from "./digits/digits.ts";
export { toMnistDigit } from "./digits/to_mnist_digit.ts";
export type * from "../core/types.ts";
