/** One number of one gradient, followed from the loss: a sum of products of local derivatives. */
import { hasHooks } from "../../backward/hooks.ts";
import { RuleNode, withRecording } from "../../backward/nodes.ts";
import { fitTo, gradientsBy } from "../../backward/tape.ts";
import { describe } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import type { OpNode } from "../../core/record.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type Graph, placeOf, sentBack } from "./graph.ts";

/** A factor of a product. */
export interface Factor {
  /** What it is: `∂relu[2, 3]/∂linear[2, 3]`, or `∂loss/∂relu[2, 3]` where the way before is taken as one. */
  readonly name: string;
  /** The operation it is the derivative of; `null` for what has arrived from further up. */
  readonly op: string | null;
  /** Its value. */
  readonly value: number;
}

/** One way from the loss to the element: the product of the derivatives on it. */
export interface Product {
  /** The factors, those next to the loss first. */
  readonly factors: readonly Factor[];
  /** Their product. */
  readonly value: number;
}

/** One number of one gradient as a sum. */
export interface ElementExplanation {
  /** Which number: `w.g[0, 3]`. */
  readonly name: string;
  /** What `backward()` adds to it. */
  readonly gradient: number;
  /** The products, the largest first; those that are 0 are left out. */
  readonly products: readonly Product[];
  /** What was left out because there was too much of it: how many products, and their sum. */
  readonly rest: { readonly count: number; readonly value: number };
  /** The sum of all products. */
  readonly sum: number;
}

/** A product that is being made, from the element up. */
interface Way {
  readonly at: number;
  readonly value: number;
  readonly factors: readonly Factor[];
}

/** A value's use by an operation. */
interface Use {
  readonly output: Tensor;
  readonly node: OpNode;
  readonly place: number;
}

/** Checks an index; the element's number in row-major order. */
export function elementNumber(x: Tensor, index: readonly number[]): number {
  const fits = index.length === x.shape.length &&
    index.every((i, d) => Number.isInteger(i) && i >= 0 && i < x.shape[d]);
  if (fits) return index.reduce((flat, i, d) => flat * x.shape[d] + i, 0);
  throw new RangeError(
    `Cannot explain the element [${
      index.map((i) => typeof i === "number" ? i : describe(i)).join(", ")
    }] of a tensor of shape ${show(x.shape)}: give ${
      x.shape.length === 0 ? "no index" : "an index for each dimension, counted from 0"
    }`,
  );
}

/** Follows the element `at` of the gradient of `x` up to the loss, in at most `limit` products. */
export function follow(graph: Graph, x: Tensor, at: number, limit: number, names: Names): ElementExplanation {
  const numbers = new Map([...graph.gradients].map(([value, g]) => [value, elements(g.detach().double())]));
  const uses = usesIn(graph);
  const ways = new Map<Tensor, Way[]>([[x, [{ at, value: 1, factors: [] }]]]);
  const order = graph.values.indexOf(x);
  let count = 1;
  for (const value of graph.values.slice(0, order + 1).reverse()) {
    const here = ways.get(value);
    if (here === undefined || value === graph.root) continue;
    const next = expand(here, value, graph, uses.get(value) ?? [], names);
    if (value !== x && count - here.length + next.length > limit) continue; // its gradient is taken as it has arrived
    ways.delete(value);
    count += next.length - here.length;
    for (const [output, way] of next) ways.set(output, [...ways.get(output) ?? [], way]);
  }
  return summed(graph, [...ways], { name: `${names.of(x)}.g${placeOf(at, x.shape)}`, limit, names, numbers, x, at });
}

/** What values are called. */
export interface Names {
  of(x: Tensor): string;
}

type Numbers = ReadonlyMap<Tensor, ArrayLike<number>>;

function usesIn({ visits }: Graph): Map<Tensor, Use[]> {
  const found = new Map<Tensor, Use[]>();
  for (const { output, node } of visits) {
    node.inputs.forEach((input, place) => {
      if (input.requiresGrad) found.set(input, [...found.get(input) ?? [], { output, node, place }]);
    });
  }
  return found;
}

/** The ways one operation further up, over everything that `value` is used by. */
function expand(
  here: readonly Way[],
  value: Tensor,
  graph: Graph,
  uses: readonly Use[],
  names: Names,
): [Tensor, Way][] {
  const columns = new Map<string, ArrayLike<number>>();
  return here.flatMap((way) =>
    uses.flatMap((use, u): [Tensor, Way][] => {
      const key = `${u}: ${way.at}`;
      const column = columns.get(key) ?? columnOf(use, value, way.at, graph.gradients.get(use.output)!.detach());
      columns.set(key, column);
      const { output, node: { name: op } } = use;
      const below = `∂${names.of(value)}${placeOf(way.at, value.shape)}`;
      return Array.from(column).flatMap((d, j): [Tensor, Way][] => {
        if (d === 0) return [];
        const name = `∂${names.of(output)}${placeOf(j, output.shape)}/${below}`;
        return [[output, { at: j, value: way.value * d, factors: [{ name, op, value: d }, ...way.factors] }]];
      });
    })
  );
}

/**
 * The derivatives of all elements of an operation's result by one element of an input. The rule of an operation is linear in the gradient
 * that arrives and made of recorded operations, so that its own derivative is this column. What a `Function` does nobody knows:
 * it is given one unit after the other.
 */
function columnOf({ output, node, place }: Use, input: Tensor, at: number, arrived: Tensor): ArrayLike<number> {
  if (hasHooks(output) || hasHooks(input)) {
    throw new Error(
      `Cannot follow an element through the hook on a value of shape ${
        show(input.shape)
      }: only derivatives make a sum of products, remove it`,
    );
  }
  if (!(node instanceof RuleNode)) return byUnits(node, place, output, at);
  const g = arrived.clone().requiresGrad_();
  return withRecording(true, () => {
    const part = node.backward(g)[place];
    if (part === null) return [];
    const picked = fitTo(part, input).reshape(-1).narrow(0, at, 1);
    if (!picked.requiresGrad) return []; // it sends zeros, whatever arrives
    const [column] = gradientsBy([g], [picked], [null], {});
    return column === null ? [] : elements(column.detach().double());
  });
}

function byUnits(node: OpNode, place: number, output: Tensor, at: number): ArrayLike<number> {
  return Array.from({ length: output.numel() }, (_, j) => {
    const unit = zeros([output.numel()], { dtype: output.dtype });
    unit.data[unit.offset + j] = 1;
    const part = sentBack(node, unit.view(...output.shape))[place];
    return part === null ? 0 : Number(elements(part.detach().double())[at]);
  });
}

/** What the sum is made of. */
interface Parts {
  readonly name: string;
  readonly limit: number;
  readonly names: Names;
  readonly numbers: Numbers;
  readonly x: Tensor;
  readonly at: number;
}

function summed(graph: Graph, ways: readonly [Tensor, Way[]][], parts: Parts): ElementExplanation {
  const { names, numbers, limit } = parts, root = names.of(graph.root);
  const products = ways.flatMap(([value, list]) =>
    list.map(({ at, value: below, factors }): Product => {
      const above = Number(numbers.get(value)![at]);
      const first: Factor[] = value === graph.root
        ? []
        : [{ name: `∂${root}/∂${names.of(value)}${placeOf(at, value.shape)}`, op: null, value: above }];
      return { factors: [...first, ...factors], value: above * below };
    })
  ).filter(({ value }) => value !== 0).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const others = products.slice(limit).map(({ value }) => value);
  return {
    name: parts.name,
    gradient: Number(numbers.get(parts.x)![parts.at]),
    products: products.slice(0, limit),
    rest: { count: others.length, value: others.reduce((a, b) => a + b, 0) },
    sum: products.reduce((sum, { value }) => sum + value, 0),
  };
}
