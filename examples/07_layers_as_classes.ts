/**
 * Step 7, layers as classes. In step 6 we had to name every value and to call the gradients in the right order; here each layer
 * remembers its own input and output, and the model calls the layers in reverse order.
 *
 * Follows document 001, "Refactor the layers as classes", document 003, "Refactor Model", and document 004, "Refactoring the Model". The
 * classes are those of stage 2, `layers/02_classes.ts`.
 *
 *     deno run examples/07_layers_as_classes.ts
 */
import { manualSeed, randn, type Tensor, zeros } from "@gradus/gradus";
import { type Layer, Lin, Model, Mse, Relu } from "@gradus/gradus/classes";

manualSeed(42);
const x = randn([200, 100]);
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100));
const b1 = zeros([50]);
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50));
const b2 = zeros([1]);

const model = new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse());
const loss = model.call(x, y);
console.log(`loss ${loss}`);

model.backward();
for (const [name, p] of Object.entries({ w1, b1, w2, b2 })) {
  console.log(`${name}.g [${p.g!.shape}] norm ${p.g!.norm()}`);
}

// A new layer needs both methods: call() that remembers, and backward() that fills `inp.g` from `out.g`.
class LeakyRelu implements Layer {
  readonly parameters: readonly Tensor[] = [];
  #inp!: Tensor;
  #out!: Tensor;

  call(inp: Tensor): Tensor {
    this.#inp = inp;
    this.#out = inp.maximum(inp.mul(0.1));
    return this.#out;
  }

  backward(): void {
    this.#inp.g = this.#inp.gt(0).float().clampMin(0.1).mul(this.#out.g!);
  }
}

// Training is gradient descent: each parameter moves against its gradient, again and again.
function train(model: Model, steps: number): void {
  for (let step = 1; step <= steps; step++) {
    const loss = model.call(x, y);
    model.backward();
    for (const p of model.parameters) p.sub_(p.g!.mul(0.05));
    if (step % 10 === 0) console.log(`step ${step}: loss ${loss.item().toFixed(4)}`);
  }
}

console.log("With Relu");
train(model, 30);

console.log("With LeakyRelu");
const other = [randn([100, 50]).mul(Math.sqrt(2 / 100)), randn([50, 1]).mul(Math.sqrt(2 / 50))];
train(new Model([new Lin(other[0], zeros([50])), new LeakyRelu(), new Lin(other[1], zeros([1]))], new Mse()), 30);
