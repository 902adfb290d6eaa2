/** A look at what each layer of a model gives out. */
import { Tensor } from "../../../core/tensor.ts";
import type { AnyModule } from "../../nn/module.ts";
import { Sequential } from "../../nn/sequential.ts";

/** Told of a module's output, by the module's path in the model (`""` for the model itself); it must not keep the tensor. */
export type Watcher = (path: string, module: AnyModule, out: Tensor) => void;

type Forward = (this: AnyModule, ...inputs: never) => unknown;

/** Calls `watcher` after each call of a module in `model`, inner ones first; returns a function that ends this. */
export function watchCalls(model: AnyModule, watcher: Watcher): () => void {
  const undo = model.namedModules().map(([path, module]) => watchOne(module, (out) => watcher(path, module, out)));
  return () => undo.forEach((end) => end());
}

/** The module's own `forward` is covered by a field of the same name, as long as somebody looks. */
function watchOne(module: AnyModule, told: (out: Tensor) => void): () => void {
  const covered = module as { forward: Forward };
  const before = Object.getOwnPropertyDescriptor(covered, "forward");
  const forward = covered.forward === Sequential.prototype.forward ? inTurn : covered.forward;
  covered.forward = function (...inputs) {
    const out = forward.apply(this, inputs);
    if (out instanceof Tensor) told(out);
    return out;
  };
  return () => {
    if (before === undefined) Reflect.deleteProperty(covered, "forward");
    else Object.defineProperty(covered, "forward", before);
  };
}

/** A Sequential without its short cuts, which pass over layers: each is called by itself. */
function inTurn(this: AnyModule, x: Tensor): Tensor {
  for (const module of this as Sequential) x = module.call(x);
  return x;
}
