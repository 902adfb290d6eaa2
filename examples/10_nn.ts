/**
 * Step 10, nn: modules that find their own parameters, so that an optimiser, a file or a printed summary can have them all. The
 * rest is step 9; names, layouts and random numbers are PyTorch's.
 *
 * Follows document 004, "Going to PyTorch". The modules are those of `layers/nn/`.
 *
 *     deno run examples/10_nn.ts
 */
import { manualSeed, nn, noGrad, optim, randn, type Tensor, zeros } from "@gradus/gradus";

// The document's own linear layer. Mind the layout: PyTorch keeps weights as [out, in], the steps before as [in, out].
class LinearLayer extends nn.Module {
  weight: nn.Parameter;
  bias: nn.Parameter;

  constructor(inputs: number, outputs: number) {
    super();
    this.weight = new nn.Parameter(randn([outputs, inputs]).mul(Math.sqrt(2 / inputs)));
    this.bias = new nn.Parameter(zeros([outputs]));
  }

  forward(x: Tensor): Tensor {
    return x.matmul(this.weight.t()).add(this.bias);
  }
}

const [p1, p2] = new LinearLayer(10, 2).parameters(); // a field that holds a Parameter is all it takes
console.log(`p1.shape [${p1.shape}], p2.shape [${p2.shape}]`);

// Its model: layers in a row, and a loss.
class Model extends nn.Module<[x: Tensor, targ: Tensor]> {
  layers: nn.Sequential;

  constructor(inputs: number, hidden: number, outputs: number) {
    super();
    this.layers = new nn.Sequential(new nn.Linear(inputs, hidden), new nn.ReLU(), new nn.Linear(hidden, outputs));
  }

  forward(x: Tensor, targ: Tensor): Tensor {
    return nn.functional.mse(this.layers.call(x).squeeze(-1), targ);
  }
}

const model = new Model(100, 50, 1);
console.log(`${model}`);
console.log(model.summary());

// The weights of steps 6 to 9, in PyTorch's layout and under its names: the gradients are the same once more.
manualSeed(42);
const x = randn([200, 100]);
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100));
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50));
model.loadStateDict(
  new Map([
    ["layers.0.weight", w1.t()],
    ["layers.0.bias", zeros([50])],
    ["layers.2.weight", w2.t()],
    ["layers.2.bias", zeros([1])],
  ]),
);

const loss = model.call(x, y);
loss.backward();
console.log(`loss ${loss.item().toFixed(4)}`);
for (const [name, p] of model.namedParameters()) console.log(`${name} g [${p.g!.shape}] norm ${p.g!.norm()}`);

// An optimizer does what `p −= lr · g` did in step 7, for every parameter that it is given.
const optimizer = new optim.SGD(model.parameters(), { lr: 0.05 });
for (let step = 1; step <= 30; step++) {
  optimizer.zeroGrad();
  const loss = model.call(x, y);
  loss.backward();
  optimizer.step();
  if (step % 10 === 0) console.log(`step ${step}: loss ${loss.item().toFixed(4)}`);
}
console.log(`after training ${noGrad(() => model.call(x, y)).item().toFixed(4)}`);
