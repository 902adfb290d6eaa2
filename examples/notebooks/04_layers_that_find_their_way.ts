// %% [markdown]
// # 4. Gradients that find their own way
//
// Steps 8 to 10 of [the path](../../README.md#the-path). This follows document 004, "Going to PyTorch", and the last exercise of
// document 001. It needs notebook 3: layers as classes, and the gradients that it found.
//
// In notebook 3 each layer repeated how it remembers, and the model called its layers in reverse order. Three ideas take that
// work away, one after the other; the gradients stay the same, digit by digit.

// %%
import { autograd, manualSeed, nn, optim, randn, tensor, zeros } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { LayerFunction, Lin, Model, Mse, Relu } from "@gradus/gradus/layer_function";
import { gradcheck } from "@gradus/gradus/autograd";
import { plotCurves } from "@gradus/gradus/display";

manualSeed(42); // the weights and the batch of notebook 3
const x = randn([200, 100]);
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100));
const b1 = zeros([50]);
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50));
const b2 = zeros([1]);

// %% [markdown]
// ## A base class
//
// `LayerFunction` remembers, once for all. A layer shrinks to what it computes, and how the gradient of its output becomes that
// of its input.

// %%
class Square extends LayerFunction<[inp: Tensor]> {
  forward(inp: Tensor): Tensor {
    return inp.mul(inp);
  }
  bwd(out: Tensor, inp: Tensor): void {
    inp.g = inp.mul(2).mul(out.g!);
  }
}
const p = tensor([1, 2, 3]), square = new Square();
square.call(p).g = tensor([1, 1, 1]);
square.backward();
p.g;

// %%
const model = new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse());
const loss = model.call(x, y);
model.backward();
const norm = w1.g!.norm().item().toFixed(4);
console.log(`loss ${loss.item().toFixed(4)}, w1.g has the norm ${norm}: as in notebook 3`);

// %% [markdown]
// ## A tape
//
// Not only chains. Each value knows what made it, so that `backward()` can follow any path, and a value that is used twice gets
// both gradients, added. Every operation of a tensor is such a function already.

// %%
const a = tensor([3]).requiresGrad_();
a.mul(a).add(a).backward(); // a² + a, whose derivative is 2a + 1
a.g;

// %% [markdown]
// One's own function says what it saves, and its derivative. Is that right? `gradcheck` compares it with finite differences, in
// float64, and throws if it is not.

// %%
class MyRelu extends autograd.Function {
  static forward(ctx: autograd.Context, i: Tensor): Tensor {
    ctx.saveForBackward(i);
    return i.clampMin(0);
  }
  static backward(ctx: autograd.Context, gradOutput: Tensor): Tensor {
    const [i] = ctx.savedTensors;
    return gradOutput.mul(i.gt(0).float());
  }
}
gradcheck((i) => MyRelu.apply(i), [randn([4, 3], { dtype: "float64" }).requiresGrad_()]);
console.log("gradcheck finds no fault");

// %%
for (const w of [w1, b1, w2, b2]) [w.g, w.requiresGrad] = [null, true];
MyRelu.apply(x.matmul(w1).add(b1)).matmul(w2).add(b2).squeeze(-1).sub(y).pow(2).mean().backward();
console.log(`w1.g has the norm ${w1.g!.norm().item().toFixed(4)}: the same once more`);

// %% [markdown]
// ## Modules
//
// A module finds its own parameters, so that an optimizer, a file or a table can have all of them. Mind the layout: PyTorch keeps
// weights as [out, in].

// %%
const network = new nn.Sequential(new nn.Linear(100, 50), new nn.ReLU(), new nn.Linear(50, 1));
network;

// %%
network.loadStateDict({ "0.weight": w1.t(), "0.bias": b1, "2.weight": w2.t(), "2.bias": b2 });
const optimizer = new optim.SGD(network.parameters(), { lr: 0.05 });
const losses: number[] = [];
for (let step = 1; step <= 30; step++) {
  optimizer.zeroGrad();
  const loss = nn.functional.mse(network.call(x).squeeze(-1), y);
  loss.backward();
  optimizer.step();
  losses.push(loss.item());
}
plotCurves({ loss: losses }, { title: "Thirty steps by an optimizer", yTitle: "Loss" });

// %% [markdown]
// A parameter is shown by its histogram:

// %%
network.parameters()[0];

// %% [markdown]
// ## Exercises
//
// 1. Write a `LayerFunction` with two inputs, `a·b`. What does `bwd` leave in `a.g`, and what in `b.g`?
// 2. Make a mistake in the derivative of `MyRelu`, and read what `gradcheck` says about it.
// 3. Take `zeroGrad()` out of the loop. What happens to the loss, and why?
