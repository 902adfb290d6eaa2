/** What a model does with an example: every operation that its outputs need, in order, with the module that called it. */
import { noGrad } from "../../backward/tape.ts";
import type { DType, TypedArray } from "../../core/dtype.ts";
import { type FunctionSettings, type OpSettings, type Tracer, traceWith } from "../../core/record.ts";
import { sameShape, type Shape, show } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import type { AnyModule } from "../nn/module.ts";
import { Sequential } from "../nn/sequential.ts";

/** The settings of everything that is traced. */
export type TracedSettings = OpSettings & FunctionSettings;

/** The name of an operation, or of a function made of several. */
export type TracedOp = keyof TracedSettings;

/** Where a value comes from: an input of the model, a step, or neither. */
export type Source =
  | { readonly kind: "input" | "step"; readonly at: number; readonly shape: Shape; readonly dtype: DType }
  | { readonly kind: "constant"; readonly tensor: Tensor; readonly shape: Shape; readonly dtype: DType };

/** An operation, and where its inputs come from. */
export interface Step {
  readonly op: TracedOp;
  readonly settings: unknown;
  readonly inputs: readonly (Source | null)[];
  readonly shape: Shape;
  readonly dtype: DType;
  /** The path of the module whose `forward` it is in, `""` for the model itself, and the name of its class. */
  readonly path: string;
  readonly className: string;
}

/** A model's steps for an example, and which of them are its outputs. */
export interface Trace {
  readonly steps: readonly Step[];
  readonly outputs: readonly Source[];
}

/** An operation as it was called. */
interface Made {
  readonly op: TracedOp;
  readonly out: Tensor;
  readonly inputs: readonly (Tensor | null)[];
  readonly settings: unknown;
  readonly module: readonly [path: string, className: string];
}

/** Calls the model in evaluation mode with these inputs, and follows what becomes of them. */
export function traceModel(model: AnyModule, inputs: readonly Tensor[]): Trace {
  const modules = model.namedModules();
  const state = [...model.namedParameters(), ...model.namedBuffers()].map(([, x]) => x.data);
  const tracer = new ModelTracer(inputs, new Set(state));
  const training = modules.map(([, module]) => module.training);
  const undo = modules.map(([path, module]) => announce(module, path, tracer));
  try {
    for (const [, module] of modules) module.training = false;
    const found = traceWith(tracer, () => noGrad(() => model.call(...inputs as never)));
    return tracer.trace(outputsOf(found, model));
  } finally {
    undo.forEach((end) => end());
    modules.forEach(([, module], i) => module.training = training[i]);
  }
}

function outputsOf(found: unknown, model: AnyModule): Tensor[] {
  const list = [found].flat(Infinity).filter((one) => one !== null); // of an LSTM the states come in an array of their own
  if (list.length > 0 && list.every((one) => one instanceof Tensor)) return list;
  throw new TypeError(
    `Cannot export ${model.constructor.name}: its forward() must return a tensor, or an array of tensors`,
  );
}

type Forward = (this: AnyModule, ...inputs: never) => unknown;

/** Covers `forward` by one that tells the tracer who is called, until the returned function removes it. */
function announce(module: AnyModule, path: string, tracer: ModelTracer): () => void {
  const covered = module as { forward: Forward };
  const before = Object.getOwnPropertyDescriptor(covered, "forward");
  const forward = covered.forward === Sequential.prototype.forward ? inTurn : covered.forward;
  covered.forward = function (...inputs) {
    return tracer.within([path, module.constructor.name], () => forward.apply(this, inputs));
  };
  return () => {
    if (before === undefined) Reflect.deleteProperty(covered, "forward");
    else Object.defineProperty(covered, "forward", before);
  };
}

/** `forward` of a Sequential that calls each layer by itself, so that each operation has the name of its layer. */
function inTurn(this: AnyModule, x: Tensor): Tensor {
  for (const module of this as Sequential) x = module.call(x);
  return x;
}

class ModelTracer implements Tracer {
  readonly #inputs: readonly Tensor[];
  readonly #made = new Map<Tensor, Made>();
  /** The tensors that were seen over each memory, in order: a view may be made without a note, by detach(). */
  readonly #over = new Map<TypedArray, Tensor[]>();
  readonly #seen = new Set<Tensor>();
  #module: readonly [string, string] = ["", ""];

  constructor(inputs: readonly Tensor[], readonly state: ReadonlySet<TypedArray>) {
    this.#inputs = inputs;
    inputs.forEach((x) => this.#remember(x));
  }

  within<T>(module: readonly [string, string], body: () => T): T {
    const before = this.#module;
    this.#module = module;
    try {
      return body();
    } finally {
      this.#module = before;
    }
  }

  made(op: TracedOp, out: Tensor, inputs: readonly (Tensor | null)[], settings: unknown): void {
    if (op === "extreme") return; // told before as the maximum or minimum that it is
    for (const x of inputs) if (x !== null) this.#remember(this.#same(x)); // a weight is older than its views
    this.#remember(out);
    this.#made.delete(out); // a function stands after all that was made for it
    this.#made.set(out, { op, out, inputs, settings, module: this.#module });
  }

  beforeWrite(out: Tensor, x: Tensor, verb: string): void {
    const isTraced = (one: Tensor) =>
      this.#over.get(one.data)?.some((seen) => this.#made.has(seen) || this.#isInput(seen));
    if (!isTraced(out) && !isTraced(x) && !this.state.has(out.data)) return;
    const [path, name] = this.#module;
    throw new TypeError(
      `Cannot export ${
        path === "" ? name : `${path} (${name})`
      }: it does ${verb} in place, and ONNX has no such thing; ` +
        'use the method without "_"',
    );
  }

  #isInput(x: Tensor): boolean {
    return this.#inputs.includes(x);
  }

  #remember(x: Tensor): void {
    if (this.#seen.has(x)) return;
    this.#seen.add(x);
    const there = this.#over.get(x.data);
    if (there === undefined) this.#over.set(x.data, [x]);
    else there.push(x);
  }

  /** The traced tensor that `x` is, or is another view of. */
  #same(x: Tensor): Tensor {
    if (this.#seen.has(x)) return x;
    return this.#over.get(x.data)?.find((one) =>
      one.offset === x.offset && sameShape(one.shape, x.shape) && sameShape(one.strides, x.strides)
    ) ?? x;
  }

  /** The steps that the outputs need. */
  trace(outputs: readonly Tensor[]): Trace {
    const needed = new Set(outputs.map((x) => this.#same(x)));
    const all = [...this.#made.values()];
    for (const { out, inputs } of all.toReversed()) {
      if (needed.has(out)) inputs.forEach((x) => x && needed.add(this.#same(x)));
    }
    const live = all.filter(({ out }) => needed.has(out));
    const places = new Map(live.map(({ out }, at) => [out, at]));
    const source = (given: Tensor): Source => {
      const x = this.#same(given), { shape, dtype } = x;
      const input = this.#inputs.indexOf(x);
      if (input >= 0) return { kind: "input", at: input, shape, dtype };
      const at = places.get(x);
      return at === undefined ? { kind: "constant", tensor: x, shape, dtype } : { kind: "step", at, shape, dtype };
    };
    const steps = live.map(({ op, out, inputs, settings, module: [path, className] }): Step => ({
      ...{ op, settings, inputs: inputs.map((x) => x && source(x)), shape: out.shape, dtype: out.dtype },
      ...{ path, className },
    }));
    return { steps, outputs: outputs.map(source) };
  }
}

/** What a step is called in errors. */
export function whereIs({ path, className }: Pick<Step, "path" | "className">): string {
  return path === "" ? className : `${path} (${className})`;
}

/** A step's name and shapes, for errors. */
export function describeStep(step: Step): string {
  return `${step.op} to ${show(step.shape)} in ${whereIs(step)}`;
}
