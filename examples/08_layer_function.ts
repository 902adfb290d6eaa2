/**
 * Step 8, a base class. In step 7 every layer repeated how it remembers; `LayerFunction` has that once, and a layer shrinks to two
 * methods: `forward`, and `bwd` that takes the gradient back.
 *
 * Follows document 004, "Going to PyTorch", and document 001, "Refactor the layers as classes", which calls the base class `Module`. It is
 * stage 3, `layers/03_layer_function.ts`.
 *
 *     deno run examples/08_layer_function.ts
 */
import { einsum, manualSeed, near, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { LayerFunction, Lin, Model, Module, Mse, Relu } from "@gradus/gradus/layer_function";

manualSeed(42);
const x = randn([200, 100]);
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100));
const b1 = zeros([50]);
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50));
const b2 = zeros([1]);

const model = new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse());
console.log(`loss ${model.call(x, y)}`);
model.backward();
for (const [name, p] of Object.entries({ w1, b1, w2, b2 })) {
  console.log(`${name}.g [${p.g!.shape}] norm ${p.g!.norm()}`);
}

// A layer of your own: what it computes, and how the gradient of its output becomes that of its input.
class Square extends LayerFunction<[inp: Tensor]> {
  forward(inp: Tensor): Tensor {
    return inp.mul(inp);
  }

  bwd(out: Tensor, inp: Tensor): void {
    inp.g = inp.mul(2).mul(out.g!);
  }
}

// The base class keeps all arguments, so that two inputs are as easy as one.
class Times extends LayerFunction<[a: Tensor, b: Tensor]> {
  forward(a: Tensor, b: Tensor): Tensor {
    return a.mul(b);
  }

  bwd(out: Tensor, a: Tensor, b: Tensor): void {
    a.g = b.mul(out.g!);
    b.g = a.mul(out.g!);
  }
}

const [square, times] = [new Square(), new Times()];
const [p, q] = [tensor([1, 2, 3]), tensor([10, 20, 30])];
const product = times.call(square.call(p), q); // p²·q
product.g = tensor([1, 1, 1]);
times.backward();
square.backward();
console.log(`p²·q     ${product}`);
console.log(`d/dp 2pq ${p.g}`);
console.log(`d/dq p²  ${q.g}`);

// Document 001's last exercise: a linear layer whose gradient is written out, then the same, "more efficient". The document calls the
// base class `Module`; its `forward` and `bwd` throw until a class overrides them. First, by Einstein summation: every
// weight's gradient adds up input times output gradient over the batch i.
class SlowLin extends Module<[inp: Tensor]> {
  constructor(readonly w: Tensor, readonly b: Tensor) {
    super();
  }

  override forward(inp: Tensor): Tensor {
    return inp.matmul(this.w).add(this.b);
  }

  override bwd(out: Tensor, inp: Tensor): void {
    inp.g = out.g!.matmul(this.w.t());
    this.w.g = einsum("ij,ik->jk", inp, out.g!);
    this.b.g = out.g!.sum(0);
  }
}

// These letters are those of a matrix product, inp.t() @ out.g, which the kernel is fast at.
class FastLin extends SlowLin {
  override bwd(out: Tensor, inp: Tensor): void {
    inp.g = out.g!.matmul(this.w.t());
    this.w.g = inp.t().matmul(out.g!);
    this.b.g = out.g!.sum(0);
  }
}

const outG = randn([200, 50]);
const [slow, fast] = [SlowLin, FastLin].map((Kind) => {
  const layer = new Kind(w1.clone(), b1.clone());
  layer.call(x).g = outG;
  layer.backward();
  return layer.w.g!;
});
console.log(`w.g by einsum    norm ${slow.norm()}`);
console.log(`w.g by inp.t() @ norm ${fast.norm()}, ${near(slow, fast) ? "the same" : "different"}`);
