/** The source text of a model as a module without imports. */
import type { Steps } from "../../../core/event_loop.ts";
import { joinInSteps, pieces } from "../../../core/io/in_steps.ts";
import { elements } from "../../../core/ops/movement.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { AnyModule } from "../../nn/module.ts";
import { Sequential } from "../../nn/sequential.ts";
import { type Exported, exportLayer } from "./layers.ts";
import { DECODE, SOURCE_NEEDS, SOURCES } from "./source.ts";

/** The parts of the source: each is encoded by itself. */
export function* sourceOf(model: Sequential): Steps<string[]> {
  const layers = flat(model, "");
  const { inputs, outputs } = sizesOf(layers);
  const weights: Tensor[] = [];
  const take = (tensor: Tensor) => {
    const at = weights.reduce((sum, part) => sum + part.numel(), 0);
    weights.push(tensor);
    return `weights.subarray(${at}, ${at + tensor.numel()})`;
  };
  const statements = layers.map(([, layer]) => layer.expression(take)).filter((text) => text !== "x");
  const base64 = yield* toBase64(weights);
  const functions = needed(layers).map((name) => SOURCES[name]);
  return [
    `${header(model, inputs, outputs)}\nconst weights: Float32Array = decode("`,
    ...base64,
    '");\n\n',
    [predictor(statements, inputs), ...functions, DECODE, ""].join("\n"),
  ];
}

function header(model: Sequential, inputs: number | null, outputs: number | null): string {
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

/** The layers in order, those of nested sequences among them. */
function flat(model: AnyModule, path: string): [path: string, layer: Exported][] {
  if (!(model instanceof Sequential)) return [[path, exportLayer(path, model)]];
  return model.namedChildren().flatMap(([name, child]) => flat(child, path === "" ? name : `${path}.${name}`));
}

function sizesOf(
  layers: readonly [path: string, layer: Exported][],
): { inputs: number | null; outputs: number | null } {
  let [inputs, size] = [null as number | null, null as number | null];
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
  return [...new Set(calls.flatMap((name) => [name, ...(SOURCE_NEEDS[name] ?? [])]))];
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
    texts.push(piece.toBase64());
    yield;
  }
  return texts;
}
