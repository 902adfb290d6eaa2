/**
 * Step 4, Einstein summation: name the dimensions, and products and sums follow. Equal letters meet; a letter that is missing on
 * the right is summed.
 *
 * Follows document 001, "Now using Einstein summation", and document 004, "Einstein Summation"; document 003 derives a gradient with it.
 * The product without a loop is `core/matmul/04_einsum.ts`.
 *
 *     deno run examples/04_einsum.ts
 */
import { einsum, manualSeed, near, randn, type Tensor, tensor } from "@gradus/gradus";

const c = tensor([10, 20, 30]).unsqueeze(1).expand(3, 3);
const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);

// The matrix product without a loop: i and j stay, k meets k and is summed.
function matmul(a: Tensor, b: Tensor): Tensor {
  return einsum("ik,kj->ij", a, b);
}
console.log(`matmul(c, m)\n${matmul(c, m)}`);

// The same letters tell other stories.
console.log(`transpose  ij->ji\n${einsum("ij->ji", m)}`);
console.log(`diagonal   ii->i    ${einsum("ii->i", m)}`);
console.log(`trace      ii->     ${einsum("ii->", m)}`);
console.log(`row sums   ij->i    ${einsum("ij->i", m)}`);
console.log(`dot        i,i->    ${einsum("i,i->", m.at(0), m.at(1))}`);
console.log(`outer      i,j->ij\n${einsum("i,j->ij", m.at(0), m.at(1))}`);

// A leading letter that stays everywhere is a batch: two products at once.
const batch = einsum("bik,bkj->bij", m.expand(2, 3, 3), c.expand(2, 3, 3));
console.log(`batch      bik,bkj->bij gives [${batch.shape}]`);

// Document 003: the gradient of a weight is the input times the gradient of the output, summed over the pictures i. Written
// with broadcasting that is a tensor of [n, in, out]; einsum shows that it is nothing but a matrix product.
manualSeed(42);
const [inp, outG] = [randn([20, 6]), randn([20, 4])]; // [n, in], [n, out]
const byBroadcasting = inp.unsqueeze(-1).mul(outG.unsqueeze(1)).sum(0);
const byEinsum = einsum("ij,ik->jk", inp, outG);
const byProduct = inp.T.matmul(outG);
console.log(
  `w.g three ways: ${near(byBroadcasting, byEinsum) && near(byEinsum, byProduct) ? "the same" : "different"}`,
);
