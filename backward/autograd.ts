/** The automatic API under one name, as in PyTorch: `autograd.Function`. */
export { Context, type Differentiable, Function, type Gradients } from "./function.ts";
export { isGradEnabled, noGrad, registerHook, retainGrad } from "./tape.ts";
