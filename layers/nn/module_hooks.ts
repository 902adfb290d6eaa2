/** Hooks of modules: what is called before and after `forward`, and with the gradients that arrive at a module and leave it. */
import { isGradEnabled } from "../../backward/tape.ts";
import { describe, requireTensor } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import { sameShape, show } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";

/** What takes a hook away again. */
export interface HookHandle {
  /** The hook is called no more; a second time does nothing. */
  remove(): void;
}

// Hooks are written as methods that have a name: so TypeScript compares their arguments both ways, and any module is an `AnyModule`.

/** Called with a module and its inputs before `forward`; what it returns replaces them: an array of all, or a single one. */
export type ForwardPreHook<M, In extends readonly unknown[]> =
  & { of(module: M, inputs: In): In | In[0] | void }["of"]
  & { readonly name?: string };

/** Called with a module, its inputs and its output after `forward`; what it returns replaces the output. */
export type ForwardHook<M, In extends readonly unknown[], Out> =
  & { of(module: M, inputs: In, output: Out): Out | void }["of"]
  & { readonly name?: string };

/**
 * Called with the gradients of a module's inputs and of its outputs, of all tensors among them, in order; `null` for those without one.
 * What it returns replaces the gradients of the inputs: an array of all, or a single one.
 */
export type FullBackwardHook<M> =
  & {
    of(
      module: M,
      gradInput: readonly (Tensor | null)[],
      gradOutput: readonly (Tensor | null)[],
    ): readonly (Tensor | null)[] | Tensor | void;
  }["of"]
  & { readonly name?: string };

// deno-lint-ignore no-explicit-any
type Hook = (module: any, ...rest: any[]) => unknown;

/** At which moment a hook is called. */
type Moment = "before" | "after" | "back";
type Hooks = Readonly<Record<Moment, Set<{ hook: Hook }>>>;

interface Callable {
  forward(...inputs: never): unknown;
}

const hooks = new WeakMap<object, Hooks>();

/** Whether hooks are registered on the module. */
export function hasHooks(module: object): boolean {
  return hooks.has(module);
}

/**
 * Registers `hook` on the module.
 *
 * @throws {TypeError} If it is not a function.
 */
export function addHook(module: object, moment: Moment, hook: Hook): HookHandle {
  if (typeof hook !== "function") throw new TypeError(`Cannot register the hook ${describe(hook)}: give a function`);
  const entry = { hook }; // the same function may be registered twice, and removed once
  const all = hooks.get(module) ?? { before: new Set(), after: new Set(), back: new Set() };
  hooks.set(module, all);
  all[moment].add(entry);
  return {
    remove: () => {
      all[moment].delete(entry);
      if (Object.values(all).every(({ size }) => size === 0)) hooks.delete(module);
    },
  };
}

/** Calls `forward` with the hooks of the module around it. */
export function callWithHooks(module: Callable, given: readonly unknown[]): unknown {
  const { before, after, back } = hooks.get(module)!;
  let inputs = given;
  for (const { hook } of before) {
    const changed = hook(module, inputs);
    if (changed !== undefined) inputs = Array.isArray(changed) ? changed : [changed];
  }
  const wayBack = back.size > 0 && isGradEnabled() ? new WayBack(module, [...back].map(({ hook }) => hook)) : null;
  if (wayBack !== null) inputs = wayBack.enter(inputs);
  let output = module.forward(...inputs as never);
  for (const { hook } of after) output = hook(module, inputs, output) ?? output;
  return wayBack === null ? output : wayBack.leave(output);
}

type Gradients = readonly (Tensor | null)[];

/** The gradients of one call of a module, on their way back through it. */
class WayBack {
  #gradOutput: Gradients = [];
  #entered = false;
  #inputs = 0;

  constructor(readonly module: object, readonly called: readonly Hook[]) {}

  /** The inputs, as values that the module alone uses: their gradients are those of the module. */
  enter(inputs: readonly unknown[]): readonly unknown[] {
    const places = inputs.flatMap((x, i) => (x instanceof Tensor ? [i] : []));
    this.#inputs = places.length;
    const wanted = places.filter((i) => (inputs[i] as Tensor).requiresGrad);
    if (wanted.length === 0) return inputs;
    this.#entered = true;
    const own = meeting(wanted.map((i) => inputs[i] as Tensor), (found) => {
      const gradInput = places.map((i) => found[wanted.indexOf(i)] ?? null);
      const changed = this.#call(gradInput);
      return wanted.map((i) => changed[places.indexOf(i)]);
    });
    return inputs.map((x, i) => own[wanted.indexOf(i)] ?? x);
  }

  /** The output, with tensors in it, or in arrays in it, that tell which gradient arrives. */
  leave(output: unknown): unknown {
    const tensors = tensorsIn(output);
    const wanted = [...new Set(tensors.filter((y) => y.requiresGrad))];
    if (wanted.length === 0) return output;
    const own = meeting(wanted, (found) => {
      this.#gradOutput = tensors.map((y) => found[wanted.indexOf(y)] ?? null);
      if (!this.#entered) this.#call(Array(this.#inputs).fill(null)); // no gradient goes further
      return found;
    });
    return replaced(output, new Map(wanted.map((y, i) => [y, own[i]])));
  }

  #call(gradInput: Gradients): Gradients {
    let now = gradInput;
    for (const hook of this.called) {
      const changed = hook(this.module, now, this.#gradOutput);
      if (changed !== undefined) now = checked(changed instanceof Tensor ? [changed] : changed, now);
    }
    return now;
  }
}

function checked(changed: unknown, before: Gradients): Gradients {
  if (!Array.isArray(changed) || changed.length !== before.length) {
    const found = Array.isArray(changed) ? `${changed.length} gradients` : describe(changed);
    throw new TypeError(
      `Cannot go on with ${found} from a backward hook: give one for each of ${before.length} inputs`,
    );
  }
  changed.forEach((g: Tensor | null, i) => {
    if (g === null) return;
    requireTensor(g, "go on from a backward hook with");
    const shape = before[i]?.shape;
    if (shape === undefined || sameShape(g.shape, shape)) return;
    throw new RangeError(
      `Cannot go on from a backward hook with a gradient of shape ${show(g.shape)}: that of input ${i} has ${
        show(shape)
      }`,
    );
  });
  return changed;
}

/**
 * Other values with the memory of `tensors`, whose gradients meet: when all are complete, `visit` gets them and answers what goes on to
 * the tensors.
 */
function meeting(tensors: readonly Tensor[], visit: (found: Gradients) => Gradients): Tensor[] {
  const name = "a module's hook";
  const arrived = tensors.map((): Tensor | null => null);
  const together = zeros([]);
  together.requiresGrad = true;
  const backward = () => visit(arrived.splice(0, arrived.length, ...tensors.map(() => null)));
  together.node = { name, inputs: tensors, backward, release: () => {} };
  return tensors.map((x, i) => {
    const own = x.detach();
    own.requiresGrad = true;
    const note = (g: Tensor) => {
      arrived[i] = g;
      return [zeros([])]; // whose sum nobody reads: it tells that this one is complete
    };
    own.node = { name, inputs: [together], backward: note, release: () => {} };
    return own;
  });
}

function tensorsIn(output: unknown): Tensor[] {
  if (output instanceof Tensor) return [output];
  return Array.isArray(output) ? output.flatMap(tensorsIn) : [];
}

function replaced(output: unknown, by: ReadonlyMap<Tensor, Tensor>): unknown {
  if (output instanceof Tensor) return by.get(output) ?? output;
  return Array.isArray(output) ? output.map((part) => replaced(part, by)) : output;
}
