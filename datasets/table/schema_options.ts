/** What a schema is fitted to and reads, how, and what comes of it. */
import type { CsvTextOptions } from "../formats/csv.ts";
import type { TextSource } from "../formats/text_source.ts";
import type { TableRecord } from "./record_rows.ts";
import type { EncodedRows } from "./row_encoder.ts";
import type { SchemaKind } from "./schema_columns.ts";

/** What a table is read from: CSV text, or an array of records. */
export type TableSource = TextSource | readonly TableRecord[];

/** How a {@linkcode TableSchema} is fitted. */
export interface SchemaOptions extends CsvTextOptions {
  /**
   * The column to predict, by name or index; -1 is the last. Words are classes, numbers are estimated.
   *
   * @default {null}, none
   */
  target?: string | number | null;
  /** What to take columns for, by name; what the others hold is guessed. */
  kinds?: Readonly<Record<string, SchemaKind | "skip">>;
  /**
   * How many words of a column are told apart, the commonest; the others count as rare.
   *
   * @default {1000}
   */
  maxCategories?: number;
  /**
   * How many rows a word must stand in to be told apart.
   *
   * @default {2}
   */
  minCount?: number;
  /**
   * Whether to leave out rows with a missing value.
   *
   * @default {false}
   */
  skipIncomplete?: boolean;
  /** Which rows to fit by, counted from 0: those to learn from. All classes of a target count. */
  rows?: (row: number) => boolean;
}

/** How {@linkcode TableSchema.read} reads. */
export interface SchemaReadOptions extends CsvTextOptions {
  /**
   * Whether to read the target where the table has it: a row without one is an error then.
   *
   * @default {true}
   */
  target?: boolean;
  /**
   * Whether to leave out rows with a missing value.
   *
   * @default {false}
   */
  skipIncomplete?: boolean;
}

/** How {@linkcode TableSchema.stream} reads. */
export interface SchemaStreamOptions extends SchemaReadOptions {
  /**
   * Rows a part.
   *
   * @default {1024}
   */
  batchSize?: number;
}

/** Rows of a table that is read part by part. */
export interface SchemaBatch extends EncodedRows {
  /** The names of the table's columns, in its order. */
  readonly names: readonly string[];
  /** Its cells as they stand there. */
  readonly cells: readonly (readonly string[])[];
}

/** What a model says about a row. */
export interface TableAnswer {
  /** The number in the target's own unit, or the likeliest class. */
  readonly value: number | string;
  /** The probability of each class, in the order of the target's categories: the softmax of the outputs. */
  readonly probabilities?: readonly number[];
}
