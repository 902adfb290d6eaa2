/** The source of layers over images: what the tape notes of a layer that is called with an empty image of the sample's shape. */
import { zeros } from "../../../core/create.ts";
import type { OpNode } from "../../../core/record.ts";
import { type Shape, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Module } from "../../nn/module.ts";
import type { Exported } from "./layer_sources.ts";
import { type Step, WRITERS, written } from "./window_sources.ts";

/** The source of a layer for samples of this shape, or why there is none. */
export function traced(layer: Module, shape: Shape | null): Exported | string {
  if (shape === null) {
    return "it needs to know the shape of a sample, give it as { inputShape: [channels, height, width] }";
  }
  const x = zeros([1, ...shape]).requiresGrad_();
  const y = inEval(layer, () => layer.call(x));
  const steps = stepsFrom(x, y);
  const odd = steps.find(({ node }) => !(node.name in WRITERS));
  if (odd !== undefined) return `there is no source for its operation ${odd.node.name}`;
  try {
    return exported(steps, shape, y.shape.slice(1));
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

/** Calls `body` with the layer in evaluation mode. */
function inEval<T>(layer: Module, body: () => T): T {
  const { training } = layer;
  layer.training = false;
  try {
    return body();
  } finally {
    layer.training = training;
  }
}

interface Recorded {
  node: OpNode;
  step: Step<never>;
}

/** The operations from x to y, in order. */
function stepsFrom(x: Tensor, y: Tensor): Recorded[] {
  const steps: Recorded[] = [];
  while (y !== x && y.node !== null) {
    const { node } = y;
    const from = node.inputs.find((input) => leadsTo(x, input))!;
    const others = node.inputs.filter((input) => input !== from);
    steps.unshift({ node, step: { x: from, y, others, settings: Reflect.get(node, "settings") as never } });
    y = from;
  }
  return steps;
}

function leadsTo(x: Tensor, y: Tensor): boolean {
  return y === x || (y.node?.inputs.some((input) => leadsTo(x, input)) ?? false);
}

function exported(steps: readonly Recorded[], from: Shape, to: Shape): Exported {
  const write = (take: (weights: Tensor) => string) =>
    steps.map(({ node, step }) => WRITERS[node.name](step, (weights) => ({ source: take(weights) })))
      .filter((call) => call !== null);
  const calls = write(() => "");
  calls.forEach(([, ...args]) => args.forEach(written)); // refuses what is no number, before anything is written
  return {
    expression: (take) =>
      write(take).reduce((x, [name, ...args]) => `${name}(${[x, ...args.map(written)].join(", ")})`, "x"),
    calls: calls.map(([name]) => name),
    inputs: sizeOf(from),
    outputs: sizeOf(to),
    shape: to,
  };
}
