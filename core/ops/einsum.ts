/** Einstein summation, made of views, one matrix product for each pair of operands, and sums. */
import { describe, requireTensor } from "../arguments.ts";
import { record } from "../record.ts";
import { show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { matmul } from "./linalg.ts";
import { permute, reshape } from "./movement.ts";
import { viewOf } from "../memory/allocate.ts";

/** A tensor whose dimensions have names: letters, or `.0`, `.1`, … for the dimensions of an ellipsis from the right. */
interface Named {
  x: Tensor;
  names: string[];
}

/**
 * The sum of products that the equation names: `einsum("ik,kj->ij", a, b)` is `a @ b`.
 *
 * A letter that repeats within an operand takes the diagonal, a letter that the output lacks is summed, `...` stands for the
 * leading dimensions that broadcast. Without `->` the output is the ellipsis and every letter that occurs once, in order.
 *
 * @example
 * ```ts
 * import { einsum, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const m = tensor([[1, 2], [3, 4]]);
 * assertEquals(einsum("ii->i", m).toArray(), [1, 4]);
 * assertEquals(einsum("ik,kj->ij", m, m).toArray(), [[7, 10], [15, 22]]);
 * ```
 * @throws {SyntaxError} If the equation cannot be read or does not fit the number of operands.
 * @throws {RangeError} If one letter names two sizes.
 */
export function einsum(equation: string, ...operands: Tensor[]): Tensor {
  if (typeof equation !== "string") {
    throw new TypeError(`Cannot read ${describe(equation)} as an equation: give a text first, as in "ik,kj->ij"`);
  }
  for (const x of operands) requireTensor(x, "take einsum() of");
  const { inputs, output } = parse(equation, operands);
  const named = operands.map((x, i) => diagonal(equation, x, inputs[i]));
  checkSizes(equation, named);
  for (const name of output) {
    if (!named.some((n) => n.names.includes(name))) {
      throw unreadable(equation, `the output's "${name}" is in no operand`);
    }
  }
  let result = named[0];
  for (let i = 1; i < named.length; i++) {
    const later = new Set([...output, ...named.slice(i + 1).flatMap((n) => n.names)]);
    result = contract(result, named[i], later);
  }
  return arrange(sumOut(result, new Set(output)), output);
}

function unreadable(equation: string, why: string): SyntaxError {
  return new SyntaxError(`Cannot read the equation "${equation}": ${why}`);
}

/** Subscripts with every ellipsis spelled out as names `.0`, `.1`, … counted from the right. */
function parse(equation: string, operands: readonly Tensor[]): { inputs: string[][]; output: string[] } {
  const [left, right, ...more] = equation.replaceAll(" ", "").split("->");
  if (more.length > 0) throw unreadable(equation, '"->" may stand once');
  const terms = left.split(",");
  if (terms.length !== operands.length) {
    throw unreadable(equation, `it names ${terms.length} operands, ${operands.length} were given`);
  }
  const inputs = terms.map((term, i) => spell(equation, term, operands[i].shape.length));
  operands.forEach((x, i) => checkRank(equation, terms[i], inputs[i], x));
  const dots = Math.max(...inputs.map((names) => names.filter((n) => n.startsWith(".")).length));
  return { inputs, output: right === undefined ? implicitOutput(inputs, dots) : outputNames(equation, right, dots) };
}

function spell(equation: string, term: string, rank: number): string[] {
  if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(term)) {
    throw unreadable(equation, `"${term}" is not letters with at most one ellipsis`);
  }
  const letters = term.replace("...", "").length;
  const [before, after] = term.split("...");
  const covered = after === undefined ? 0 : Math.max(0, rank - letters);
  return [...before, ...dotNames(covered), ...(after ?? "")];
}

function dotNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);
}

function checkRank(equation: string, term: string, names: readonly string[], x: Tensor): void {
  if (names.length === x.shape.length) return;
  throw new RangeError(
    `Cannot apply "${equation}": "${term}" names ${names.length} dimensions, its operand ${
      show(x.shape)
    } has ${x.shape.length}`,
  );
}

function implicitOutput(inputs: readonly string[][], dots: number): string[] {
  const letters = inputs.flat().filter((n) => !n.startsWith("."));
  const once = letters.filter((n) => letters.indexOf(n) === letters.lastIndexOf(n));
  return [...dotNames(dots), ...once.sort()];
}

function outputNames(equation: string, right: string, dots: number): string[] {
  if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(right)) {
    throw unreadable(equation, `"${right}" is not letters with at most one ellipsis`);
  }
  const [before, after] = right.split("...");
  const names = [...before, ...(after === undefined ? [] : dotNames(dots)), ...(after ?? "")];
  if (new Set(names).size !== names.length) throw unreadable(equation, "a letter stands twice in the output");
  return names;
}

/** Letters that repeat within one operand become a single dimension that steps along all of them. */
function diagonal(equation: string, x: Tensor, names: readonly string[]): Named {
  const unique = [...new Set(names)];
  if (unique.length === names.length) return { x, names: unique };
  const places = unique.map((name) => names.flatMap((n, d) => (n === name ? [d] : [])));
  const sizes = places.map((ds, i) => {
    const size = x.shape[ds[0]];
    if (ds.some((d) => x.shape[d] !== size)) throw differ(equation, unique[i], ds.map((d) => x.shape[d]));
    return size;
  });
  const strides = places.map((ds) => ds.reduce((step, d) => step + x.strides[d], 0));
  const out = viewOf(x, sizes, strides, x.offset);
  const apply = (y: Tensor) => diagonal(equation, y, names).x;
  return { x: record("window", out, [x], { apply, cut: null }), names: unique };
}

/** Every letter names one size; dimensions of an ellipsis, and those of size 1, broadcast. */
function checkSizes(equation: string, operands: readonly Named[]): void {
  const known = new Map<string, number>();
  for (const { x, names } of operands) {
    names.forEach((name, d) => {
      const size = known.get(name) ?? 1;
      if (size !== 1 && x.shape[d] !== 1 && size !== x.shape[d]) throw differ(equation, name, [size, x.shape[d]]);
      known.set(name, size === 1 ? x.shape[d] : size);
    });
  }
}

function differ(equation: string, name: string, sizes: readonly number[]): RangeError {
  const what = name.startsWith(".") ? "an ellipsis dimension" : `"${name}"`;
  return new RangeError(`Cannot apply "${equation}": ${what} names sizes ${sizes.join(" and ")}, which differ`);
}

/** Two operands to one by a matrix product: shared names that are not needed later become its inner dimension. */
function contract(a: Named, b: Named, later: Set<string>): Named {
  const left = sumOut(a, new Set([...later, ...b.names]));
  const right = sumOut(b, new Set([...later, ...a.names]));
  const shared = left.names.filter((n) => right.names.includes(n) && sizeIn(left, n) === sizeIn(right, n));
  const inner = shared.filter((n) => !later.has(n));
  const wide = (n: Named, other: Named) => n.names.filter((name) => !other.names.includes(name));
  const batch = [...new Set([...left.names, ...right.names])]
    .filter((n) => left.names.includes(n) && right.names.includes(n) && !inner.includes(n));
  const [rows, columns] = [wide(left, right), wide(right, left)];
  const product = matmul(block(left, batch, rows, inner), block(right, batch, inner, columns));
  const sizes = [
    ...batch.map((n) => Math.max(sizeIn(left, n), sizeIn(right, n)) * Number(sizeIn(left, n) * sizeIn(right, n) > 0)),
    ...rows.map((n) => sizeIn(left, n)),
    ...columns.map((n) => sizeIn(right, n)),
  ];
  const merged = { x: reshape(product, sizes), names: [...batch, ...rows, ...columns] };
  return sumOut(merged, later);
}

/** Sums over every dimension whose name is not wanted. */
function sumOut({ x, names }: Named, wanted: Set<string>): Named {
  const gone = names.flatMap((n, d) => (wanted.has(n) ? [] : [d]));
  if (gone.length === 0) return { x, names };
  return { x: x.sum(gone), names: names.filter((n) => wanted.has(n)) };
}

/** `[...batch, rows, columns]`, each group of names joined into one dimension. */
function block(n: Named, batch: string[], rows: string[], columns: string[]): Tensor {
  const x = arrange(n, [...batch, ...rows, ...columns]);
  const size = (names: string[]) => names.reduce((product, name) => product * sizeIn(n, name), 1);
  return reshape(x, [...batch.map((b) => sizeIn(n, b)), size(rows), size(columns)]);
}

function sizeIn({ x, names }: Named, name: string): number {
  return x.shape[names.indexOf(name)];
}

/** Dimensions in the order of `names`. */
function arrange(n: Named, names: readonly string[]): Tensor {
  return permute(n.x, names.map((name) => n.names.indexOf(name)));
}
