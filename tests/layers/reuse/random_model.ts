/** Models of any layers, parts of them frozen, shared, replaced or a user's own. */
import { autograd, nn, randint, randn, type Tensor, Tensor as TensorClass } from "@gradus/gradus";
import * as functions from "@gradus/gradus/function";
import type { Dice, Witness } from "./witness.ts";

/** What a model takes. */
export const IN = 6;
/** What it answers. */
export const CLASSES = 4;

/** Widths are mostly small; one is past what comes from a slab. */
export function width(dice: Dice): number {
  return dice.chance(5) ? 600 : dice.pick([1, 3, 4, 6, 6, 8]);
}

/** What a rule might call on a value that it reads. */
const SPIED = [
  ...["add", "sub", "mul", "div", "pow", "abs", "neg", "exp", "log", "eq", "ne", "gt", "ge", "le", "sum", "prod"],
  ...["t", "transpose", "matmul", "view", "reshape"],
];

/** A tensor over the memory of `x`, of a class of a user's own that keeps whatever its methods answer, which is of that class too. */
export function spying(x: Tensor, witness: Witness): Tensor {
  class Spy extends TensorClass {}
  for (const method of SPIED) {
    Object.defineProperty(Spy.prototype, method, {
      value(this: Tensor, ...args: unknown[]): Tensor {
        const y: Tensor = Reflect.apply(Reflect.get(TensorClass.prototype, method), this, args);
        witness.hold(`spy ${method}`, y);
        return Object.setPrototypeOf(y, Spy.prototype);
      },
    });
  }
  return new Spy(x.data, x.shape, x.strides, x.offset, x.dtype);
}

class Keeper extends nn.Module {
  constructor(readonly witness: Witness, readonly inner: nn.Module | null = null) {
    super();
  }
  forward(x: Tensor): Tensor {
    this.witness.hold("kept input", x);
    const y = this.inner?.call(x) ?? x;
    this.witness.hold("kept output", y);
    return y;
  }
}

class Residual extends nn.Module {
  constructor(readonly inner: nn.Module) {
    super();
  }
  forward(x: Tensor): Tensor {
    return x.add(this.inner.call(x));
  }
}

class OwnRelu extends nn.ReLU {}

class LoudLinear extends nn.Linear {
  witness: Witness | null = null;
  override forward(x: Tensor): Tensor {
    const y = super.forward(x);
    this.witness!.hold("loud", y);
    return y;
  }
}

/** A function that answers the very gradient it is shown, and keeps it. */
class PassThrough extends autograd.Function {
  static forward(_: autograd.Context, x: Tensor, _witness: Witness): Tensor {
    return x.mul(1);
  }
  static backward(_: autograd.Context, g: Tensor): Tensor {
    return g;
  }
}

interface WitnessContext extends autograd.Context {
  witness: Witness;
  spied: boolean;
}

class Double extends autograd.Function {
  static forward(ctx: WitnessContext, x: Tensor, y: Tensor, witness: Witness, spied: boolean): Tensor {
    ctx.saveForBackward(x, y);
    [ctx.witness, ctx.spied] = [witness, spied];
    return x.add(y);
  }
  static backward(ctx: WitnessContext, g: Tensor): [Tensor, Tensor] {
    const both = g.mul(1); // one tensor for both, which it keeps besides
    ctx.witness.hold("function g", g);
    ctx.witness.hold("function both", both);
    ctx.savedTensors.forEach((x) => ctx.witness.hold("function saved", x));
    return ctx.spied ? [spying(both, ctx.witness), spying(both, ctx.witness)] : [both, both];
  }
}

class ByFunction extends nn.Module {
  constructor(readonly witness: Witness, readonly which: number) {
    super();
  }
  forward(x: Tensor): Tensor {
    if (this.which === 0) return PassThrough.apply(x, this.witness);
    if (this.which === 1 || this.which === 2) return Double.apply(x, x.mul(0.5), this.witness, this.which === 2);
    return this.which === 3 ? functions.Relu.apply(x) : functions.Sigmoid.apply(x);
  }
}

function activation(dice: Dice): nn.Module {
  return dice.pick<() => nn.Module>([
    () => new nn.ReLU(),
    () => new nn.ReLU(),
    () => new nn.Sigmoid(),
    () => new nn.Tanh(),
    () => new nn.LeakyReLU(),
    () => new nn.ELU(),
    () => new nn.SELU(),
    () => new nn.GELU(),
    () => new nn.GELU({ approximate: "tanh" }),
    () => new nn.SiLU(),
    () => new nn.Mish(),
    () => new nn.Softplus(),
    () => new nn.LogSigmoid(),
    () => new nn.Hardtanh(),
    () => new nn.Softmax(),
    () => new nn.LogSoftmax(),
    () => new OwnRelu(),
  ])();
}

/** Layers over the width as a sequence, which keep it. */
function overSequences(dice: Dice, n: number, witness: Witness): nn.Module {
  const channels = dice.pick([1, 2, 5]);
  const paddingMode = dice.pick(["zeros", "replicate", "circular"] as const);
  const groups = dice.chance(30) ? channels : 1;
  return new nn.Sequential(
    ...[
      new nn.Unflatten(-1, [1, n]),
      new nn.Conv1d(1, channels, 3, { padding: 1, paddingMode, bias: dice.chance(70) }),
    ],
    ...(dice.chance(60) ? [activation(dice)] : []),
    ...(dice.chance(30) ? [new Keeper(witness)] : []),
    ...(dice.chance(30) ? [new nn.BatchNorm1d(channels, { affine: dice.chance(50) })] : []),
    ...(dice.chance(30) ? [new nn.AvgPool1d(3, { stride: 1, padding: 1 })] : []),
    ...(dice.chance(30) ? [new nn.MaxPool1d(3, { stride: 1, padding: 1 })] : []),
    ...[new nn.ConvTranspose1d(channels, channels, 1, { groups }), new nn.Conv1d(channels, 1, 3, { padding: "same" })],
    ...[new nn.Flatten()],
  );
}

/** A layer that keeps the width. */
function keeping(dice: Dice, n: number, witness: Witness): nn.Module {
  return dice.pick<() => nn.Module>([
    () => activation(dice),
    () => activation(dice),
    () => activation(dice),
    () => new nn.Dropout(dice.pick([0, 0.3, 0.5])),
    () => new nn.BatchNorm1d(n, { affine: dice.chance(50), trackRunningStats: dice.chance(70) }),
    () => new nn.LayerNorm(n),
    () => new nn.Flatten(),
    () => new Keeper(witness, dice.chance(50) ? activation(dice) : null),
    () => new Residual(dice.chance(50) ? new nn.Linear(n, n) : activation(dice)),
    () => new ByFunction(witness, dice.below(5)),
    () => new nn.Sequential(activation(dice), new nn.Dropout(0.2)),
    () => overSequences(dice, n, witness),
    () => new nn.Sequential(),
  ])();
}

const WORDS = 9;

/** What the model may be called with. */
export function inputFor(model: nn.Sequential, rows: number): Tensor {
  return model[0] instanceof nn.Embedding ? randint(0, WORDS, [rows]) : randn([rows, IN]);
}

/** A model from `IN` numbers, or a word, to `CLASSES` numbers. */
export function randomModel(dice: Dice, witness: Witness): nn.Sequential {
  const layers: nn.Module[] = [];
  let n = IN;
  if (dice.chance(8)) layers.push(new nn.Embedding(WORDS, IN, dice.chance(50) ? { paddingIdx: 2 } : {}));
  for (let left = dice.below(3); left >= 0; left--) {
    while (dice.chance(55)) layers.push(keeping(dice, n, witness));
    const next = left === 0 ? CLASSES : width(dice);
    const linear = dice.chance(10) ? new LoudLinear(n, next) : new nn.Linear(n, next, { bias: dice.chance(80) });
    if (linear instanceof LoudLinear) linear.witness = witness;
    layers.push(linear);
    if (dice.chance(70) && left > 0) layers.push(activation(dice));
    n = next;
  }
  while (dice.chance(20)) layers.push(keeping(dice, n, witness));
  if (dice.chance(15)) { // a layer that stands there twice
    const again = layers.findIndex((layer) => layer instanceof nn.Linear && layer.inFeatures === layer.outFeatures);
    if (again >= 0) layers.splice(again + 1, 0, layers[again]);
  }
  for (const layer of layers) tamper(dice, layer, witness);
  return new nn.Sequential(...layers);
}

/** What people do to a layer to look into it, or to hold it still. */
function tamper(dice: Dice, layer: nn.Module, witness: Witness): void {
  if (dice.chance(15)) layer.requiresGrad_(false);
  if (dice.chance(8)) {
    const forward = layer.forward;
    layer.forward = (x) => {
      witness.hold("replaced forward in", x);
      const y = forward.call(layer, x);
      witness.hold("replaced forward out", y);
      return y;
    };
  }
  if (dice.chance(4)) {
    const { call } = layer;
    layer.call = (x) => {
      const y = call.call(layer, x);
      witness.hold("replaced call out", y);
      return y;
    };
  }
  if (dice.chance(8)) layer.registerForwardHook((_, [x], y) => [x, y].forEach((z) => witness.hold("hooked layer", z)));
  if (dice.chance(8)) {
    const factor = dice.pick([0, 0, 2]);
    layer.registerFullBackwardHook((_, [dx], [dy]) => {
      [dx, dy].forEach((g) => witness.hold("hooked layer's gradient", g));
      return factor === 0 || dx === null ? undefined : dx.mul(factor);
    });
  }
  if (dice.chance(4) && layer instanceof nn.Linear) {
    const spy = spying(layer.weight, witness).requiresGrad_();
    layer.weight = spy as nn.Parameter;
  }
}
