/** What the values of a graph are called. */
import type { Tensor } from "../../core/tensor.ts";
import type { Names } from "./element.ts";
import type { Graph } from "./graph.ts";

/**
 * The given names; those of the others are their operation's, numbered in the order of the way forward, `leaf` for weights without a
 * name, and `constant` for what no gradient goes to.
 */
export function namesIn({ root, visits, values, constants }: Graph, given: ReadonlyMap<Tensor, string>): Names {
  const found = new Map<Tensor, string>(), taken = new Set<string>(), counts = new Map<string, number>();
  const give = (x: Tensor, kind: string) => {
    if (found.has(x)) return;
    let name: string, count = counts.get(kind) ?? 0;
    do name = ++count === 1 ? kind : `${kind} ${count}`; while (taken.has(name));
    counts.set(kind, count);
    taken.add(name);
    found.set(x, name);
  };
  for (const [x, name] of given) give(x, name);
  give(root, "loss");
  for (const { output, node } of visits.toReversed()) give(output, node.name);
  for (const x of values) give(x, "leaf");
  for (const x of constants) give(x, "constant");
  return { of: (x) => found.get(x) ?? "a value" };
}
