/**
 * Newton's method: what second derivatives are for. A gradient says which way is down, the Hessian says how the slope bends, and so how
 * far to go: on a parabola one step ends in the minimum.
 *
 *     deno run examples/newton.ts
 */
import { autograd, manualSeed, nn, randn, type Tensor, tensor } from "@gradus/gradus";

const { hessian, hvp, vjp } = autograd.functional;
const digits = (x: number) => x.toExponential(0).padStart(5);

// Rosenbrock's valley: it bends, and is a hundred times steeper across than along. Its minimum is 0, at (1, 1).
const valley = (p: Tensor) => p.at(0).neg().add(1).square().add(p.at(1).sub(p.at(0).square()).square().mul(100));

/** `H⁻¹ g` for two numbers, by the inverse of a 2×2 matrix. */
function solved(H: Tensor, g: Tensor): Tensor {
  const [[a, b], [c, d]] = H.toArray() as number[][];
  return tensor([[d, -b], [-c, a]], { dtype: "float64" }).div(a * d - b * c).matmul(g);
}

const start = tensor([-1.2, 1], { dtype: "float64" });
let p = start;
for (let step = 1; step <= 7; step++) {
  const [f, g] = vjp(valley, p);
  console.log(`Newton's step ${step} from ${digits(f.item())}`);
  p = p.sub(solved(hessian(valley, p), g));
}
console.log(`Newton, 7 steps: ${digits(valley(p).item())} at (${p.toArray()})`);

let q = start;
for (let step = 0; step < 10_000; step++) q = q.sub(vjp(valley, q)[1].mul(0.001));
console.log(`gradient descent, 10000 steps: ${digits(valley(q).item())}`);

// With many parameters nobody keeps the Hessian. hvp() gives its product with a vector in two backward passes, and conjugate
// gradients solve H s = g by such products alone: here for the weights of a logistic regression.
manualSeed(42);
const x = randn([200, 20], { dtype: "float64" });
const y = x.matmul(randn([20], { dtype: "float64" })).add(randn([200], { dtype: "float64" })).gt(0).double();
const loss = (w: Tensor) => nn.functional.bceWithLogits(x.matmul(w), y).add(w.square().sum().mul(0.005));

/** s with `H s = g`, as near as `rounds` products bring it. */
function conjugateGradients(times: (v: Tensor) => Tensor, g: Tensor, rounds: number): Tensor {
  let [s, rest] = [g.mul(0), g];
  let [way, size] = [rest, rest.square().sum().item()];
  for (let i = 0; i < rounds && size > 1e-24; i++) {
    const bent = times(way);
    const far = size / way.mul(bent).sum().item();
    s = s.add(way.mul(far));
    rest = rest.sub(bent.mul(far));
    const before = size;
    size = rest.square().sum().item();
    way = rest.add(way.mul(size / before));
  }
  return s;
}

let w = x.at(0).mul(0); // 20 zeros
for (let step = 1; step <= 6; step++) {
  const [f, g] = vjp(loss, w);
  console.log(`logistic regression ${step}: loss ${f.item().toFixed(6)}, gradient ${digits(g.norm().item())}`);
  w = w.sub(conjugateGradients((v) => hvp(loss, w, v)[1], g, 20));
}
