/** The source of a module of one's own: the operations that the tape notes while it is called, as statements. */
import { randn } from "../../../core/random/create.ts";
import { Generator } from "../../../core/random/generator.ts";
import type { OpNode, OpSettings } from "../../../core/record.ts";
import { elements } from "../../../core/ops/movement.ts";
import { sameShape, type Shape, show, sizeOf } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { AnyModule } from "../../nn/module.ts";
import { hasHooks } from "../../nn/module_hooks.ts";
import type { Exported, Take } from "./layer_sources.ts";
import { part, recurrence } from "./sequence_sources.ts";
import { WRITERS, written } from "./window_sources.ts";

/** An operation, and what came out. */
interface Step {
  readonly node: OpNode;
  readonly y: Tensor;
}

/** Why there is no source for a module, in words that follow its name. */
class Unwritable extends Error {}

/**
 * The source of a module for samples of this shape, or why there is none. The module is called twice, with other values: what comes from
 * these by a way of which the tape knows nothing is refused.
 */
export function graphSource(module: AnyModule, shape: Shape): Exported | string {
  try {
    const [first, second] = [1, 2].map((seed) => traceOf(module, shape, seed));
    if (!isSame(sourceOf(first), sourceOf(second))) {
      return "what it does comes from the values by a way that no operation tells of, such as item() or random numbers";
    }
    const { y } = first.steps.at(-1)!;
    return {
      expression: (take) => textOf(first, take).text,
      calls: textOf(first, () => "").calls,
      inputs: sizeOf(shape),
      outputs: y.numel(),
      shape: y.shape.slice(1),
    };
  } catch (error) {
    if (error instanceof Unwritable) return error.message;
    throw error;
  }
}

interface Trace {
  readonly x: Tensor;
  /** In their order, that of the result last. */
  readonly steps: readonly Step[];
}

function traceOf(module: AnyModule, shape: Shape, seed: number): Trace {
  const modules = module.namedModules().map(([, one]) => one), training = modules.map((one) => one.training);
  if (modules.some(hasHooks)) throw new Unwritable("hooks are registered on its parts");
  const x = randn([1, ...shape], { generator: new Generator(seed) }).requiresGrad_();
  modules.forEach((one) => one.training = false);
  try {
    return { x, steps: stepsTo(called(module, x), x) };
  } finally {
    modules.forEach((one, i) => one.training = training[i]);
  }
}

/** What the module gives; what it says against random numbers, as of indices, is the reason that there is no source. */
function called(module: AnyModule, x: Tensor): unknown {
  try {
    return module.call(...[x] as never);
  } catch (error) {
    throw error instanceof Error ? new Unwritable(`with random numbers it says "${error.message}"`) : error;
  }
}

/** The operations that the result needs and that depend on x. */
function stepsTo(result: unknown, x: Tensor): Step[] {
  const isTensor = (y: unknown): y is Tensor => typeof y === "object" && y !== null && "node" in y && "shape" in y;
  if (!isTensor(result) || result.shape[0] !== 1) throw new Unwritable("its forward() gives no tensor of one sample");
  const depends = new Map<Tensor, boolean>([[x, true]]), steps: Step[] = [];
  const visit = (y: Tensor): boolean => {
    const known = depends.get(y);
    if (known !== undefined) return known;
    const found = y.node?.inputs.map(visit).includes(true) ?? false;
    depends.set(y, found);
    if (found) steps.push({ node: y.node!, y });
    return found;
  };
  if (!visit(result) || result === x) throw new Unwritable("its output does not come from its input");
  return steps;
}

/** The text of a trace, and the weights in it. */
function sourceOf(trace: Trace): { text: string; weights: Tensor[] } {
  const weights: Tensor[] = [];
  return { text: textOf(trace, (weight) => `w${weights.push(weight)}`).text, weights };
}

function isSame(a: ReturnType<typeof sourceOf>, b: ReturnType<typeof sourceOf>): boolean {
  return a.text === b.text && a.weights.every((weight, i) => {
    const [p, q] = [elements(weight), elements(b.weights[i])];
    return p.length === q.length && p.every((value: number, at: number) => Object.is(value, q[at]));
  });
}

/** A function of x: a constant for each operation, named in its order. */
function textOf({ x, steps }: Trace, take: Take): { text: string; calls: string[] } {
  const names = new Map<Tensor, string>([[x, "x"]]), calls = new Set<string>();
  const lines = steps.map((step) => {
    const text = statement(step, names, take, calls), name = `x${names.size}`;
    names.set(step.y, name);
    return `    const ${name} = ${text};`;
  });
  const body = [...lines, `    return ${names.get(steps.at(-1)!.y)};`].join("\n");
  return { text: `((x: number[]) => {\n${body}\n  })(x)`, calls: [...calls] };
}

const SIGNS: Readonly<Record<string, string>> = { add: "+", sub: "-", mul: "*" };

function statement({ node, y }: Step, names: ReadonlyMap<Tensor, string>, take: Take, calls: Set<string>): string {
  const settings = Reflect.get(node, "settings") as never, from = node.inputs.map((input) => names.get(input));
  const values = from.filter((name) => name !== undefined),
    others = node.inputs.filter((_, i) => from[i] === undefined);
  const noSource = (why = "") => new Unwritable(`there is no source for its operation ${node.name}${why}`);
  if (values.length > 1) {
    const text = others.length === 0 ? ofSeveral({ node, y }, values, settings, calls) : null;
    if (text === null) throw noSource(" of several values");
    return text;
  }
  const [name] = values, input = node.inputs[from.indexOf(name)];
  if (["relu", "sigmoid", "tanh"].includes(node.name)) return mapped(node.name, name!, calls);
  const ofSequences = sequenceText(name!, input, { node, y }, others, settings, take);
  if (ofSequences !== undefined) {
    if (ofSequences === null) throw noSource(" with such settings");
    calls.add(node.name === "window" ? "part" : node.name);
    return ofSequences;
  }
  if (node.name === "cat" && others.length === 0) return name!; // of one
  if (node.name === "linear") return linear(name!, input, others, settings, take, calls);
  if (!(node.name in WRITERS)) throw noSource();
  const isWide = node.name in SIGNS &&
    (others[0].shape.filter((n) => n !== 1).length > 1 || !sameShape(input.shape, y.shape));
  if (isWide) throw noSource(` of ${show(input.shape)} and ${show(others[0].shape)}`);
  const call = callOf(node.name, { x: input, y, others, settings }, take);
  if (call === null) return name!;
  const [called, ...args] = call;
  calls.add(called);
  const text = `${called}(${[name, ...args.map(written)].join(", ")})`;
  return mapped((settings as { activation?: string }).activation ?? "none", text, calls);
}

/** A sum, difference or product, or values one after the other. */
function ofSeveral({ node, y }: Step, values: readonly string[], settings: unknown, calls: Set<string>): string | null {
  const sign = SIGNS[node.name];
  if (sign !== undefined && node.inputs.every(({ shape }) => sameShape(shape, y.shape))) {
    return `${values[0]}.map((v, i) => v ${sign} ${values[1]}[i]!)`;
  }
  if (node.name !== "cat") return null;
  calls.add("join");
  return `join([${values.join(", ")}], ${sizeOf(y.shape.slice(0, (settings as OpSettings["cat"]).dim))})`;
}

/** The source of operations over sequences; `undefined` for others. */
function sequenceText(
  name: string,
  x: Tensor,
  { node, y }: Step,
  others: readonly Tensor[],
  settings: never,
  take: Take,
): string | null | undefined {
  if (node.name === "window") return part(name, x, y, settings);
  if (node.name === "recurrence") return x === node.inputs[0] ? recurrence(name, others, settings, take) : null;
  return undefined;
}

function callOf(name: string, step: object, take: Take): ReturnType<typeof WRITERS[string]> {
  try {
    return WRITERS[name](step as never, (weights) => ({ source: take(weights) }));
  } catch (error) {
    throw error instanceof TypeError ? new Unwritable(error.message) : error;
  }
}

/** The values after an activation. */
function mapped(activation: string, text: string, calls: Set<string>): string {
  if (activation === "none") return text;
  if (activation === "tanh") return `${text}.map((v) => Math.tanh(v))`;
  if (activation !== "relu" && activation !== "sigmoid") {
    throw new Unwritable(`there is no source for the activation ${activation}`);
  }
  calls.add(activation);
  return `${text}.map((v) => ${activation}(v))`;
}

function linear(
  name: string,
  x: Tensor,
  [weight, bias]: readonly Tensor[],
  { transposed, activation }: OpSettings["linear"],
  take: Take,
  calls: Set<string>,
): string {
  calls.add("eachRow").add("linear");
  const weights = [transposed ? weight : weight.t(), ...(bias === undefined ? [] : [bias])].map(take).join(", ");
  return mapped(activation, `eachRow(${name}, ${x.shape.at(-1)}, (x) => linear(x, ${weights}))`, calls);
}
