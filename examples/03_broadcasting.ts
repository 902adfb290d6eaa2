/**
 * Step 3, broadcasting: a smaller tensor is read again and again as if it were larger, and nothing is copied.
 *
 * Follows document 001, "Broadcasting", and document 004, "Boardcasting" (sic). The loop that is left is `core/matmul/03_broadcast.ts`.
 *
 *     deno run examples/03_broadcasting.ts
 */
import { tensor } from "@gradus/gradus";

// With a single number.
const a = tensor([10, 4, -4]);
const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
console.log(`a > 0\n${a.gt(0)}`);
console.log(`(m - 5) / 2.73\n${m.sub(5).div(2.73)}`);

// A vector with a matrix: one row for each row.
const c = tensor([10, 20, 40]);
console.log(`m + c\n${m.add(c)}`);

// How: the vector is seen as a matrix whose rows all lie at the same place. Stride 0 says "stay" where a step down would be.
const t = c.expandAs(m);
console.log(`c.expandAs(m)\n${t}`);
console.log(`its storage\n${t.storage()}`);
console.log(`its stride [${t.stride()}], its shape [${t.shape}]`);

// As a column: unsqueeze(1) makes it [3, 1], and each row gets its own number.
const column = tensor([10, 20, 30]).unsqueeze(1);
console.log(`c.unsqueeze(1).shape [${column.shape}]`);
console.log(`c.unsqueeze(1) + m\n${column.add(m)}`);
const d = tensor([10, 20, 30]);
console.log(`c[None, :] [${d.at(null, ":").shape}], c[:, None] [${d.at(":", null).shape}]`);

// A row against a column pairs everything with everything: an outer sum, or an outer comparison.
console.log(`c[None, :] > c[:, None]\n${d.at(null, ":").gt(d.at(":", null))}`);

// The rule: align the shapes at their right ends; two sizes fit if they are equal or one of them is 1. Here 2 meets 3.
try {
  tensor([[1, 2, 3], [4, 5, 6]]).add(tensor([10, 20]));
} catch (error) {
  console.log((error as Error).message);
}

// The trap: predictions [n, 1] beside targets [n] fit by that rule, and give n × n differences where n were meant.
const [predictions, targets] = [tensor([[1], [2], [3], [4]]), tensor([1, 2, 3, 4])];
console.log(`(predictions - targets).shape [${predictions.sub(targets).shape}]`);
console.log(`(predictions[:, 0] - targets).shape [${predictions.at(":", 0).sub(targets).shape}]`);

// With broadcasting, two of the three loops of a matrix product are gone: each row of the result is one expression.
const row = m.at(0).unsqueeze(-1).mul(m).sum(0);
console.log(`(m[0].unsqueeze(-1) * m).sum(0)\n${row}`);
