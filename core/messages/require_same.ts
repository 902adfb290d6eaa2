/** Checks that all ranks have the same, before they wait for each other. */
import { numbersOfAll, textOf, thrownByAll, world } from "./world.ts";

/**
 * Checks that `text` is the same on all ranks; `what` names it.
 *
 * @throws {Error} On every rank, with the first rank that differs from rank 0.
 */
export function requireSame(what: string, text: string): void {
  if (world().size === 1) return;
  const first = textOf(0, text);
  const odd = numbersOfAll(Number(first !== text)).indexOf(1);
  if (odd < 0) return;
  const [theirs, ours] = textOf(odd, `${differing(text, first)}\n${differing(first, text)}`).split("\n");
  throw thrownByAll(
    new Error(
      `Cannot train on ${world().size} ranks: ${what} of rank ${odd} is not that of rank 0, ${theirs} where that has ${ours}`,
    ),
  );
}

/** The first line of `a` that `b` has not at the same place. */
function differing(a: string, b: string): string {
  const others = b.split("\n");
  return a.split("\n").find((line, i) => line !== others[i])?.slice(0, 200) ?? "nothing";
}
