/**
 * Step 9, gradients that find their own way. In step 8 the model called its layers in reverse order, so that only chains of layers could be trained;
 * now each value knows what made it, and `loss.backward()` follows any path.
 *
 * Follows document 004, "Going to PyTorch". The functions are those of stage 4, `layers/04_function.ts`.
 *
 *     deno run examples/09_function.ts
 */
import { autograd, manualSeed, noGrad, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { gradcheck } from "@gradus/gradus/autograd";
import { Lin, Mse } from "@gradus/gradus/function";

// The document's own function, line by line: forward saves what backward needs.
class MyRelu extends autograd.Function {
  static forward(ctx: autograd.Context, i: Tensor): Tensor {
    const result = i.clampMin(0);
    ctx.saveForBackward(i);
    return result;
  }

  static backward(ctx: autograd.Context, gradOutput: Tensor): Tensor {
    const [i] = ctx.savedTensors;
    return gradOutput.mul(i.gt(0).float());
  }
}

manualSeed(42);
const x = randn([200, 100]);
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100));
const b1 = zeros([50]);
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50));
const b2 = zeros([1]);
for (const p of [w1, b1, w2, b2]) p.requiresGrad_();

const loss = Mse.apply(Lin.apply(MyRelu.apply(Lin.apply(x, w1, b1)), w2, b2), y);
loss.backward();
console.log(`loss ${loss.item().toFixed(4)}`);
for (const [name, p] of Object.entries({ w1, b1, w2, b2 })) {
  console.log(`${name}.g [${p.g!.shape}] norm ${p.g!.norm()}`);
}

// Every operation on tensors is such a function already: what is composed of them needs no class.
const before = w1.g!;
w1.g = null; // gradients accumulate until they are cleared
x.matmul(w1).add(b1).relu().matmul(w2).add(b2).squeeze(-1).sub(y).pow(2).mean().backward();
console.log(`largest difference ${w1.g!.sub(before).abs().max().item().toExponential(0)}`);

// Not only chains: a value that is used twice gets both gradients, added.
const a = tensor([3]).requiresGrad_();
a.mul(a).add(a).backward(); // a² + a
console.log(`2a + 1 at 3: ${a.g}`);

// Is a derivative right? gradcheck compares it with finite differences, in float64, and throws if it is not.
gradcheck((i) => MyRelu.apply(i), [randn([4, 3], { dtype: "float64" }).requiresGrad_()]);
console.log("gradcheck finds no fault in MyRelu");

// An update must not be recorded: the next gradient would flow through it.
noGrad(() => w1.sub_(w1.g!.mul(0.1)));
