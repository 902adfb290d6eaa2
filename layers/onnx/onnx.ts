/**
 * Models as files of ONNX, which ONNX Runtime, browsers, phones and other libraries run; and such files as modules that predict.
 *
 * @example
 * ```ts
 * import { nn, randn } from "@gradus/gradus";
 * import { exportOnnx } from "@gradus/gradus/onnx";
 * import { assert } from "@std/assert";
 *
 * const model = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.Flatten(), new nn.Linear(4 * 26 * 26, 10));
 * const bytes = await exportOnnx(model, randn([1, 1, 28, 28])); // with a path as third argument also written there
 * assert(bytes.length > 4 * 27_000);
 * ```
 * @module
 */
export { exportOnnx, type OnnxExportOptions } from "./export_onnx.ts";
export { importOnnx } from "./import_onnx.ts";
export type { OnnxModel, OnnxValue } from "./onnx_model.ts";

// Types of other entry points that these speak of.
export type { AnyModule, LoadOptions, LoadReport, Module, State } from "../nn/module.ts";
export type { ForwardHook, ForwardPreHook, FullBackwardHook, HookHandle } from "../nn/module_hooks.ts";
export type { Buffer, BufferOptions, Parameter, ParameterOptions } from "../nn/parameter.ts";
export type { FileSource, ReadOptions } from "../../core/io/read_file.ts";
export type * from "../../core/types.ts";
