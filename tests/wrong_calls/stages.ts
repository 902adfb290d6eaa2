/** Wrong calls of the four stages. */
import * as functional from "@gradus/gradus/functional";
import * as classes from "@gradus/gradus/classes";
import * as layerFunction from "@gradus/gradus/layer_function";
import * as stage4 from "@gradus/gradus/function";
import * as g from "@gradus/gradus";
import { called, type Cases, ints, unary, undone, x, y } from "./cases.ts";
import { AUTOGRAD } from "./main.ts";

const { ones } = g;

export const STAGE_1: Record<string, Cases> = {
  crossEntropy: { tensors: [(z) => functional.crossEntropy(z, ints), (t) => functional.crossEntropy(x, t)] },
  crossEntropyGrad: {
    tensors: [(z) => functional.crossEntropyGrad(z, ints), (t) => functional.crossEntropyGrad(x, t)],
  },
  forwardAndBackward: {
    options: [["W1", "w1", (o) => functional.forwardAndBackward(x, x, { w1: x, b1: x, w2: x, b2: x, ...o })]],
    tensors: [(w1) => functional.forwardAndBackward(x, x, { w1, b1: ones([2]), w2: x, b2: ones([2]) })],
  },
  lin: {
    tensors: [
      (x) => functional.lin(x, x, x),
      (w) => functional.lin(x, w, ones([2])),
      (b) => functional.lin(x, x, b),
    ],
  },
  linGrad: {
    options: [["input_grad", "inputGrad", (o) => {
      const out = ones([2, 2]);
      out.g = ones([2, 2]);
      return functional.linGrad(x, out, x, ones([2]), o);
    }]],
    ...undone((inp, out) => functional.linGrad(inp, out, x, ones([2]))),
  },
  linParameters: { tensors: [(w) => functional.linParameters(w, ones([2])), (b) => functional.linParameters(x, b)] },
  mse: { tensors: [(p) => functional.mse(p, x), (t) => functional.mse(x, t)] },
  mseGrad: { tensors: [(p) => functional.mseGrad(p, x), (t) => functional.mseGrad(x, t)] },
  relu: unary(functional.relu),
  reluGrad: undone(functional.reluGrad),
  sigmoid: unary(functional.sigmoid),
  sigmoidGrad: undone(functional.sigmoidGrad),
};

/** The layers and losses of stages 2 and 3, which are called alike. */
function stage(of: typeof classes | typeof layerFunction): Record<string, Cases> {
  return {
    CrossEntropy: { tensors: [(z) => new of.CrossEntropy().call(z, ints), (t) => new of.CrossEntropy().call(x, t)] },
    Lin: {
      tensors: [
        (w) => new of.Lin(w, ones([2])),
        (b) => new of.Lin(x, b),
        (x) => new of.Lin(ones([2, 2]), ones([2])).call(x),
      ],
    },
    Model: {
      options: [["input_grad", "inputGrad", (o) => new of.Model([new classes.Relu()], new classes.Mse()).backward(o)]],
      tensors: [(x) => new of.Model([new classes.Relu()], new classes.Mse()).call(x, y)],
    },
    Mse: { tensors: [(p) => new of.Mse().call(p, x), (t) => new of.Mse().call(x, t)] },
    Relu: called(() => new of.Relu()),
    Sigmoid: called(() => new of.Sigmoid()),
  };
}

export const STAGE_4: Record<string, Cases> = {
  Context: AUTOGRAD.Context as Cases,
  Function: AUTOGRAD.Function as Cases,
  CrossEntropy: { tensors: [(z) => stage4.CrossEntropy.apply(z, ints), (t) => stage4.CrossEntropy.apply(x, t)] },
  Lin: {
    tensors: [
      (x) => stage4.Lin.apply(x, ones([2, 2]), ones([2])),
      (w) => stage4.Lin.apply(x, w, ones([2])),
      (b) => stage4.Lin.apply(x, x, b),
    ],
  },
  Model: unary((x) => new stage4.Model([stage4.activation(stage4.Relu)], stage4.Mse).call(x, y)),
  Mse: { tensors: [(p) => stage4.Mse.apply(p, x), (t) => stage4.Mse.apply(x, t)] },
  Relu: unary((x) => stage4.Relu.apply(x)),
  Sigmoid: unary((x) => stage4.Sigmoid.apply(x)),
  activation: unary((x) => stage4.activation(stage4.Relu).call(x)),
  linear: { tensors: [(w) => stage4.linear(w, ones([2])), (b) => stage4.linear(ones([2, 2]), b)] },
};

export const STAGE_2 = stage(classes);

export const STAGE_3: Record<string, Cases> = {
  ...stage(layerFunction),
  LayerFunction: called(() =>
    new class extends layerFunction.LayerFunction<[inp: g.Tensor]> {
      forward = functional.relu;
      bwd() {}
    }()
  ),
  Module: called(() => new layerFunction.Relu()),
};
