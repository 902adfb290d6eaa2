/**
 * Random programs as users write them: models, hooks, kept values and gradients, optimisers, exceptions, on the tape and by hand. A
 * program is a function of its seed, so that it can be run again under other conditions.
 */
import { manualSeed, nn, noGrad, optim, randint, randn, type Tensor } from "@gradus/gradus";
import { grad, registerHook, retainGrad } from "@gradus/gradus/autograd";
import { DataLoader, TensorDataset } from "@gradus/gradus/data";
import { LayerFunction } from "@gradus/gradus/layer_function";
import { Learner } from "@gradus/gradus/train";
import * as classes from "@gradus/gradus/classes";
import * as functions from "@gradus/gradus/function";
import * as stage1 from "@gradus/gradus/functional";
import { CLASSES, IN, inputFor, randomModel, spying, width } from "./random_model.ts";
import { Dice, Witness } from "./witness.ts";

/** Runs the program of this seed; answers every bit that it could see. */
export async function runProgram(seed: number): Promise<string[]> {
  const [dice, witness] = [new Dice(seed), new Witness()];
  manualSeed(seed);
  const kind = dice.below(100);
  if (kind < 8) byHand(dice, witness);
  else if (kind < 14) byClasses(dice, witness);
  else if (kind < 20) await byLearner(dice, witness);
  else byTape(dice, witness);
  return witness.report();
}

/** An optimiser of one's own, which keeps the gradient it was given. */
class Keeping extends optim.Optimizer<optim.GroupSettings> {
  readonly state = new Map<Tensor, Tensor>();
  constructor(params: Iterable<Tensor>, readonly witness: Witness) {
    super(params, { lr: 0.05, weightDecay: 0, maximize: false });
  }
  protected override update(p: Tensor, g: Tensor, state: optim.ParameterState, { lr }: optim.GroupSettings): void {
    this.witness.hold("optimizer g", g);
    if (state.before !== undefined) this.witness.see("optimizer before", state.before);
    const agree = state.before === undefined ? g : g.mul(state.before.mul(g).gt(0));
    state.before = g;
    p.sub_(agree.mul(lr));
  }
}

function optimizerFor(dice: Dice, params: Tensor[], witness: Witness): optim.Optimizer {
  return dice.pick<() => optim.Optimizer>([
    () => new optim.SGD(params, { lr: 0.05 }),
    () => new optim.SGD(params, { lr: 0.05, momentum: 0.9, nesterov: dice.chance(50) }),
    () => new optim.Momentum(params, { lr: 0.05 }),
    () => new optim.Adam(params),
    () => new optim.RMSprop(params),
    () => new optim.Adagrad(params),
    () => new Keeping(params, witness),
    () => new Keeping(params, witness),
  ])() as optim.Optimizer;
}

interface Setup {
  model: nn.Sequential;
  params: Tensor[];
  optimizer: optim.Optimizer | null;
}

function setUp(dice: Dice, witness: Witness): Setup {
  const model = randomModel(dice, witness);
  const params = model.parameters().filter((p) => p.requiresGrad);
  return { model, params, optimizer: params.length === 0 ? null : optimizerFor(dice, params, witness) };
}

function byTape(dice: Dice, witness: Witness): void {
  const setups = Array.from({ length: dice.chance(25) ? 2 : 1 }, () => setUp(dice, witness));
  for (let step = 1 + dice.below(4); step > 0; step--) {
    for (const setup of setups) tapeStep(dice, witness, setup, setups[0]);
  }
  for (const { model } of setups) {
    if (dice.chance(30)) model.eval();
    const x = inputFor(model, 2 + dice.below(4));
    const predict = () => model.call(x);
    witness.hold("prediction", dice.chance(50) ? noGrad(predict) : predict());
  }
}

function tapeStep(dice: Dice, witness: Witness, { model, params, optimizer }: Setup, first: Setup): void {
  const rows = 2 + dice.below(7);
  let x = inputFor(model, rows);
  const isFloat = x.dtype === "float32";
  if (isFloat && dice.chance(15)) x.requiresGrad_();
  if (isFloat && dice.chance(10)) x = spying(x, witness).requiresGrad_(dice.chance(60));
  if (dice.chance(60)) optimizer?.zeroGrad();
  const out = model.call(x);
  if (dice.chance(50)) witness.hold("output", out);
  if (dice.chance(20)) addHook(dice, witness, out, first);
  if (dice.chance(5) && out.requiresGrad && params.length > 0) { // cleared while the backward pass is below it
    retainGrad(out);
    registerHook(params[0], () => void (out.g = null));
  }
  for (const p of params) if (dice.chance(4) && p.requiresGrad) addHook(dice, witness, p, first);
  const loss = lossOf(dice, witness, out);
  witness.hold("loss", loss);
  if (!loss.requiresGrad) return;
  if (dice.chance(20)) keepGraph(witness, loss);
  goBack(dice, witness, loss, [...params, x]);
  for (const p of [...params, x]) {
    if (dice.chance(25)) witness.hold("gradient", dice.chance(30) ? p.g?.transpose(0, -1) : p.g);
  }
  if (params.length > 0 && dice.chance(20)) optim.clipGradNorm(params, 0.5);
  if (params.some((p) => p.g !== null) && dice.chance(85)) optimizer?.step();
  if (dice.chance(30)) optimizer?.zeroGrad();
  params.forEach((p) => witness.see("parameter", p));
}

function lossOf(dice: Dice, witness: Witness, out: Tensor): Tensor {
  const { functional: F } = nn;
  const single = () => {
    const y = randint(0, CLASSES, [out.shape[0]]);
    const targ = randn(out.shape);
    return dice.pick([
      () => F.crossEntropy(out, y),
      () => F.crossEntropy(out, y),
      () => F.crossEntropy(out, y, { labelSmoothing: 0.1 }),
      () => F.mse(out, dice.chance(20) ? spying(targ, witness) : targ),
      () => F.bceWithLogits(out, targ.gt(0).float()),
      () => F.smoothL1(out, targ),
      () => out.mul(out).sum(),
      () => out.max(1).values.sum(),
      () => out.at(":", 0).mul(out.at(":", -1)).mean(),
      () => functions.Mse.apply(out, targ),
    ])();
  };
  return dice.chance(15) ? single().add(single().mul(0.5)) : single();
}

/** Hooks that keep, change or replace a gradient, clear others, go back on their own, throw, or change the graph. */
function addHook(dice: Dice, witness: Witness, x: Tensor, { optimizer, model }: Setup): void {
  if (!x.requiresGrad) return;
  if (dice.chance(20)) return void retainGrad(x);
  const what = dice.below(100);
  registerHook(x, (g) => {
    if (what < 40) witness.hold("hooked", g);
    else if (what < 55) return g.mul(2);
    else if (what < 65) return x.detach().mul(0);
    else if (what < 80) optimizer?.zeroGrad();
    else if (what < 90) {
      const inner = model.call(inputFor(model, 3));
      if (inner.requiresGrad) inner.sum().backward();
      witness.hold("inner", inner);
    } else if (what < 95) throw new Error("thrown in a hook");
    else cutOff(dice, witness, x);
    return undefined;
  });
}

/** Makes a leaf of one of the values that `x` stands beside or was made from, and puts a hook on another one. */
function cutOff(dice: Dice, witness: Witness, x: Tensor): void {
  const near = (x.node?.inputs ?? []).filter((input) => input.requiresGrad);
  if (near.length === 0) return void (x.node = null);
  dice.pick(near).node = null;
  registerHook(dice.pick(near), (g) => witness.hold("hooked late", g));
}

/** Every value that the public `node.inputs` lead to. */
function keepGraph(witness: Witness, x: Tensor, seen = new Set<Tensor>()): void {
  for (const input of x.node?.inputs ?? []) {
    if (input.node === null || seen.has(input)) continue;
    seen.add(input);
    witness.hold(`input of ${x.node!.name}`, input);
    keepGraph(witness, input, seen);
  }
}

function goBack(dice: Dice, witness: Witness, loss: Tensor, leaves: readonly Tensor[]): void {
  try {
    if (dice.chance(25)) return goBackTwice(dice, witness, loss, leaves.filter((x) => x.requiresGrad));
    if (dice.chance(20)) loss.backward({ retainGraph: true });
    else return loss.backward();
    if (dice.chance(80)) loss.backward({ gradient: randn([]) });
  } catch (error) {
    if (!(error instanceof Error && /thrown in a hook|inner|a second time/.test(error.message))) throw error;
    witness.note(error.message);
  }
}

/** A backward pass that is recorded, and one through some of the gradients that it left or answered: the others are dropped unread. */
function goBackTwice(dice: Dice, witness: Witness, loss: Tensor, leaves: readonly Tensor[]): void {
  const some = leaves.filter(() => dice.chance(60));
  let slopes: (Tensor | null)[];
  if (dice.chance(50)) {
    loss.backward({ createGraph: true });
    slopes = some.map((x) => x.g);
    if (dice.chance(70)) leaves.forEach((x) => x.g = null);
    if (dice.chance(30)) loss.backward({ retainGraph: true });
  } else {
    slopes = some.length === 0 ? [] : grad(loss, some, { createGraph: true, allowUnused: true });
    if (dice.chance(50)) loss.backward({ retainGraph: true });
  }
  const bends = slopes.filter((g) => g !== null && g.requiresGrad).map((g) => g!.square().sum());
  slopes.forEach((g) => witness.hold("slope", g));
  if (bends.length === 0) return;
  const penalty = bends.reduce((a, b) => a.add(b));
  witness.hold("penalty", penalty);
  if (dice.chance(50)) penalty.backward();
  else grad(penalty, leaves, { allowUnused: true }).forEach((g) => witness.hold("bend", g));
}

/** The stages before the tape: functions and their gradients called by hand. */
function byHand(dice: Dice, witness: Witness): void {
  const hidden = width(dice);
  const own = (x: Tensor) => (dice.chance(30) ? spying(x, witness) : x);
  const [w1, b1, w2, b2] = [own(randn([IN, hidden])), randn([hidden]), own(randn([hidden, 1])), randn([1])];
  for (let step = 0; step < 3; step++) {
    const rows = 2 + dice.below(5);
    const [inp, targ] = [own(randn([rows, IN])), own(randn([rows]))];
    const l1 = stage1.lin(inp, w1, b1);
    const l2 = dice.chance(50) ? stage1.relu(l1) : stage1.sigmoid(l1);
    const out = stage1.lin(l2, w2, b2);
    stage1.mseGrad(out, targ);
    if (dice.chance(30)) witness.hold("out.g", out.g);
    stage1.linGrad(l2, out, w2, b2);
    if (dice.chance(30)) out.g = null;
    stage1.sigmoidGrad(l1, l2);
    if (dice.chance(30)) l2.g = null;
    stage1.linGrad(inp, l1, w1, b1, { inputGrad: dice.chance(50) });
    for (const x of [w1, b1, w2, b2, inp, l1, l2, out]) if (dice.chance(30)) witness.hold("by hand", x.g);
    for (const p of [w1, b1, w2, b2]) {
      if (dice.chance(80)) p.sub_(p.g!.mul(0.01));
      if (dice.chance(30)) p.g = null;
      witness.see("parameter", p);
    }
  }
}

class OwnLayer extends LayerFunction<[inp: Tensor]> {
  kept: Tensor | null = null;
  forward(inp: Tensor): Tensor {
    return inp.mul(2);
  }
  bwd(out: Tensor, inp: Tensor): void {
    this.kept = out.g!.mul(2);
    inp.g = this.kept;
  }
}

function byClasses(dice: Dice, witness: Witness): void {
  const hidden = width(dice);
  const own = new OwnLayer();
  const model = new classes.Model([
    new classes.Lin(randn([IN, hidden]), randn([hidden])),
    dice.chance(50) ? new classes.Relu() : new classes.Sigmoid(),
    dice.chance(50) ? own : new classes.Sigmoid(),
    new classes.Lin(randn([hidden, CLASSES]), randn([CLASSES])),
  ], new classes.CrossEntropy());
  const optimizer = optimizerFor(dice, [...model.parameters], witness);
  for (let step = 0; step < 3; step++) {
    const x = randn([2 + dice.below(5), IN]);
    witness.hold("loss", model.call(x, randint(0, CLASSES, [x.shape[0]])));
    model.backward({ inputGrad: dice.chance(50) });
    witness.hold("own", own.kept);
    for (const p of model.parameters) if (dice.chance(30)) witness.hold("gradient", p.g);
    optimizer.step();
    if (dice.chance(50)) optimizer.zeroGrad();
    model.parameters.forEach((p) => witness.see("parameter", p));
  }
}

async function byLearner(dice: Dice, witness: Witness): Promise<void> {
  const { model, params, optimizer } = setUp(dice, witness);
  if (optimizer === null) return;
  const [x, y] = [inputFor(model, 13), randint(0, CLASSES, [13])];
  const learner = new Learner({
    model,
    loss: nn.functional.crossEntropy,
    optimizer,
    data: { train: new DataLoader(new TensorDataset(x, y), { batchSize: 5, shuffle: true }), valid: [[x, y]] },
    callbacks: [{
      afterBatch: ({ prediction, loss }) => {
        if (dice.chance(50)) witness.hold("learner prediction", prediction);
        witness.hold("learner loss", loss);
        if (dice.chance(30)) witness.hold("learner gradient", params[0].g);
      },
    }],
  });
  await learner.fit(2);
  await new Promise((resolve) => setTimeout(resolve)); // until the run's ear for Ctrl-C has closed
  params.forEach((p) => witness.see("parameter", p));
}
