/** The source text of a trained model: TypeScript whose types can be erased, and nothing to import. */
import type { Steps } from "../../../core/event_loop.ts";
import { joinInSteps, pieces } from "../../../core/io/in_steps.ts";
import { elements } from "../../../core/ops/movement.ts";
import { type Shape, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { type AnyModule, Module } from "../../nn/module.ts";
import { hasHooks } from "../../nn/module_hooks.ts";
import { Dropout, Dropout2d, Identity, TabularModel } from "../../nn/nn.ts";
import { Sequential } from "../../nn/sequential.ts";
import { folded, isOfItsClass } from "./fold_batch_norm.ts";
import { DECODE, SOURCE_NEEDS, SOURCES } from "./function_sources.ts";
import { type Exported, exportLayer } from "./layer_sources.ts";
import { SEQUENCE_NEEDS, SEQUENCE_SOURCES } from "./sequence_sources.ts";
import { WINDOW_SOURCES } from "./window_sources.ts";

/** The source of a model in parts, each short enough to be encoded at once. */
export function* sourceOf(model: AnyModule, inputShape: Shape | null): Steps<string[]> {
  const layers = layersOf(model, inputShape);
  const { inputs, outputs } = sizesOf(layers, inputShape);
  const weights: Tensor[] = [];
  const take = (tensor: Tensor) => {
    const at = weights.reduce((sum, part) => sum + part.numel(), 0);
    weights.push(tensor);
    return `weights.subarray(${at}, ${at + tensor.numel()})`;
  };
  const statements = layers.map(([, layer]) => layer.expression(take)).filter((text) => text !== "x");
  const base64 = yield* toBase64(weights);
  const functions = needed(layers).map((name) => SOURCES[name] ?? WINDOW_SOURCES[name] ?? SEQUENCE_SOURCES[name]);
  return [
    `${header(model, inputs, outputs)}\nconst weights: Float32Array = decode("`,
    ...base64,
    '");\n\n',
    [predictor(statements, inputs), ...functions, DECODE, ""].join("\n"),
  ];
}

function header(model: AnyModule, inputs: number | null, outputs: number | null): string {
  const lines = model.toString().split("\n").map((line) => ` * ${line.replaceAll("*/", "* /")}`);
  return [
    "/**",
    ` * A model in one file without imports: ${inputs ?? "any number of"} numbers in, ${outputs ?? "as many"} out.`,
    " *",
    ...lines,
    " */",
  ].join("\n");
}

function predictor(statements: readonly string[], inputs: number | null): string {
  const check = inputs === null ? [] : [
    `  if (input.length !== ${inputs}) {`,
    `    throw new RangeError(\`Cannot predict from \${input.length} numbers: expected ${inputs}\`);`,
    "  }",
  ];
  return [
    "/** The model's output for one sample. */",
    "export function predict(input: number[] | Float32Array): number[] {",
    ...check,
    "  let x: number[] = Array.from(input);",
    '  const odd = x.findIndex((v) => typeof v !== "number");',
    "  if (odd >= 0) {",
    "    throw new TypeError(`Cannot predict: element ${odd} of the sample is no number, give one sample at a time`);",
    "  }",
    ...statements.map((text) => `  x = ${text};`),
    "  return x;",
    "}",
  ].join("\n");
}

/** A module, and its path in the model. */
type Placed = [path: string, module: AnyModule];

/** The layers in order, batch normalisation within those before or after it. */
function layersOf(model: AnyModule, inputShape: Shape | null): [path: string, layer: Exported][] {
  for (const [path, module] of model.namedModules()) refuseHooks(module, path);
  const modules = inOrder(model, ""), found: [path: string, layer: Exported][] = [];
  let shape = inputShape;
  for (let i = 0; i < modules.length;) {
    const ofRows = shape === null || shape.length === 1;
    let [path, module] = modules[i++];
    for (let both; i < modules.length && (both = folded(module, modules[i][1], ofRows)) !== null; i++) {
      if (module.constructor !== both.constructor) path = modules[i][0];
      module = both;
    }
    const layer = exportLayer(path, module, shape);
    shape = layer.shape ?? shape;
    found.push([path, layer]);
  }
  return found;
}

function refuseHooks(module: AnyModule, path: string): void {
  if (!hasHooks(module)) return;
  const { name } = module.constructor, what = path === "" ? name : `${path} (${name})`;
  throw new TypeError(
    `Cannot export ${what}: hooks are registered on it, which the file would not call; remove() them first`,
  );
}

/** The modules in the order in which they are called, those of nested sequences among them, without those that change nothing. */
function inOrder(model: AnyModule, path: string): Placed[] {
  const within = (name: string) => path === "" ? name : `${path}.${name}`;
  if (IDLE.includes(model.constructor) && isOfItsClass(model)) return [];
  if (model.constructor === TabularModel && isOfItsClass(model)) {
    return [[path, model], ...inOrder((model as unknown as TabularModel).layers, within("layers"))];
  }
  if (!isSequence(model)) return [[path, model]];
  return model.namedChildren().flatMap(([name, child]) => inOrder(child, within(name)));
}

/** Layers that give what they are given, in evaluation mode. */
const IDLE: readonly unknown[] = [Identity, Dropout, Dropout2d];

/** Whether the model calls its children in turn and does nothing else. */
function isSequence(model: AnyModule): boolean {
  const { call } = model.constructor.prototype;
  return model instanceof Sequential && model.forward === Sequential.prototype.forward &&
    call === Module.prototype.call;
}

function sizesOf(
  layers: readonly [path: string, layer: Exported][],
  inputShape: Shape | null,
): { inputs: number | null; outputs: number | null } {
  const given = inputShape === null ? null : sizeOf(inputShape);
  let [inputs, size] = [given, given];
  for (const [path, layer] of layers) {
    if (layer.inputs !== null && size !== null && layer.inputs !== size) {
      throw new RangeError(`Cannot export ${path}: it takes ${layer.inputs} values and is given ${size}`);
    }
    if (size === null) inputs = layer.inputs;
    size = layer.outputs ?? layer.inputs ?? size;
  }
  return { inputs, outputs: size };
}

function needed(layers: readonly [path: string, layer: Exported][]): string[] {
  const calls = layers.flatMap(([, layer]) => layer.calls);
  return [...new Set(calls.flatMap((name) => [name, ...(SOURCE_NEEDS[name] ?? SEQUENCE_NEEDS[name] ?? [])]))];
}

/** Characters that one call takes as arguments. */
const ARGUMENTS = 1 << 13;

/** Bytes in base64: by the engine where it knows how, as Node.js does from 25 on. */
function base64(bytes: Uint8Array): string {
  if (typeof bytes.toBase64 === "function") return bytes.toBase64();
  let text = "";
  for (const piece of pieces(bytes, ARGUMENTS)) text += String.fromCharCode(...piece);
  return btoa(text);
}

/** The numbers as little-endian float32. */
function* toBase64(weights: readonly Tensor[]): Steps<string[]> {
  const parts: Uint8Array[] = [];
  for (const tensor of weights) {
    parts.push(new Uint8Array(new Float32Array(elements(tensor)).buffer));
    yield;
  }
  const texts: string[] = [];
  for (const piece of pieces(yield* joinInSteps(parts), 3 << 18)) { // three bytes are four characters
    texts.push(base64(piece));
    yield;
  }
  return texts;
}
