/** The automatic API under one name, as in PyTorch: `autograd.Function`. */
export { Context, type Differentiable, Function, type Gradients } from "./function.ts";
export { registerHook, retainGrad } from "./hooks.ts";
export { isGradEnabled, noGrad } from "./tape.ts";
