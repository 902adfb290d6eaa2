/** A module's state by name: collected in PyTorch's order, and loaded all or not at all. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { sameShape, show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { Buffer } from "./buffer.ts";
import { joinPath, ownFields } from "./fields.ts";
import type { AnyModule } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** Tensors by name: what `stateDict()` gives, or the same as a plain object. */
export type State = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** How a state is loaded. */
export interface LoadOptions {
  /** Whether every name must be met on both sides; `true` unless told. Sizes must fit in any case. */
  strict?: boolean;
}

/** Which names were not met. */
export interface LoadReport {
  /** Names of the module that the state lacks. */
  missing: string[];
  /** Names of the state that the module lacks. */
  unexpected: string[];
}

/** Parameters, then persistent buffers, then the children's, by path. */
export function collectState(module: AnyModule, path = "", state = new Map<string, Tensor>()): Map<string, Tensor> {
  const buffers = ownFields(module, Buffer).filter(([, buffer]) => buffer.persistent);
  for (const [name, tensor] of [...ownFields(module, Parameter), ...buffers]) {
    const key = joinPath(path, name);
    if (state.has(key)) {
      throw new RangeError(`Cannot collect the state: two tensors are named ${key}, rename one field`);
    }
    state.set(key, tensor.detach());
  }
  for (const [name, child] of module.namedChildren()) collectState(child, joinPath(path, name), state);
  return state;
}

/** Copies `state` into the module; throws before anything was written. */
export function loadState(module: AnyModule, given: State, options: LoadOptions): LoadReport {
  checkOptions("load the state", options, ["strict"]);
  const { strict = true } = options;
  const state = asMap(given);
  const own = collectState(module);
  const missing = Array.from(own.keys()).filter((name) => !state.has(name));
  const unexpected = Array.from(state.keys()).filter((name) => !own.has(name));
  const shared = Array.from(own).flatMap(([name, to]): [string, Tensor, Tensor][] => {
    const from = state.get(name);
    return from === undefined ? [] : [[name, to, from]];
  });
  const sizes = shared.flatMap(([name, to, from]) =>
    sameShape(to.shape, from.shape) ? [] : [`${name} is ${show(from.shape)} but must be ${show(to.shape)}`]
  );
  refuse(module, strict ? missing : [], strict ? unexpected : [], sizes);
  noGrad(() => shared.forEach(([, to, from]) => to.copy_(from)));
  return { missing, unexpected };
}

function asMap(given: State): ReadonlyMap<string, Tensor> {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`Cannot load the state ${given}: expected a Map of tensors by name, as from stateDict()`);
  }
  const state = given instanceof Map ? given : new Map<string, unknown>(Object.entries(given));
  for (const [name, value] of state) requireTensor(value as Tensor, `load the state ${JSON.stringify(name)},`);
  return state as ReadonlyMap<string, Tensor>;
}

function refuse(module: AnyModule, missing: string[], unexpected: string[], sizes: string[]): void {
  const complaints = [
    ...(missing.length > 0 ? [`missing ${missing.join(", ")}`] : []),
    ...(unexpected.length > 0 ? [`unexpected ${unexpected.join(", ")}`] : []),
    ...sizes,
  ];
  if (complaints.length === 0) return;
  const cure = sizes.length > 0 ? "build the module with the sizes of the state" : "or load with { strict: false }";
  throw new RangeError(
    `Cannot load the state into ${module.constructor.name}: ${complaints.join("; ")}; nothing was changed, ${cure}`,
  );
}
