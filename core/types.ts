/** The tensor and the types in its signatures: every entry point re-exports them, so that its documentation is complete alone. */
export type { BackendName } from "./backend/backend.ts";
export type { MimeBundle } from "./displayer.ts";
export type { DType, TypedArray } from "./dtype.ts";
export type { AlongOptions, IndexAddOptions, SortOptions, TopkOptions, ValuesIndices } from "./ops/gather_sort.ts";
export type {
  BincountOptions,
  CovOptions,
  QuantileInterpolation,
  QuantileOptions,
  UniqueOptions,
  UniqueResult,
} from "./ops/statistics.ts";
export type { Diagonal, DiagonalOptions, Dim, RollDims } from "./ops/arrange.ts";
export type { Operand } from "./ops/elementwise.ts";
export type { ValueOptions } from "./ops/functions.ts";
export type { Index, IndexPutOptions } from "./ops/index.ts";
export type { Nested, Storage } from "./ops/read.ts";
export type { AddmmOptions } from "./ops/linalg.ts";
export type { Bound, ClampOptions, NanToNumOptions } from "./ops/where.ts";
export type { DiffOptions, Dims, NormOptions, ReduceOptions, VarianceOptions } from "./ops/reduce.ts";
export type { GeneratorOptions, MultinomialOptions } from "./random/distributions.ts";
export type { Generator } from "./random/generator.ts";
export type { BackwardOptions, OpNode } from "./record.ts";
export type { Tensor } from "./tensor.ts";
export type { TensorMethods } from "./tensor_methods.ts";
export type { FlattenOptions } from "./ops/movement.ts";
