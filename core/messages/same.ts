/** Checks that all ranks have the same, before they wait for each other. */
import { numbersOfAll, textOfFirst, world } from "./world.ts";

/**
 * Checks that `text` is the same on all ranks; `what` names it.
 *
 * @throws {Error} On every rank, with the ranks that differ from rank 0.
 */
export function requireSame(what: string, text: string): void {
  if (world().size === 1) return;
  const first = textOfFirst(text);
  const odd = numbersOfAll(Number(first !== text)).flatMap((differs, rank) => differs ? [rank] : []);
  if (odd.length === 0) return;
  const { rank, size } = world();
  const found = first === text ? "" : `: here ${differing(text, first)}, on rank 0 ${differing(first, text)}`;
  throw new Error(
    `Cannot train on ${size} ranks: ${what} of rank ${
      odd.join(", ")
    } is not that of rank 0 (this is rank ${rank}${found})`,
  );
}

/** The first line of `a` that `b` has not at the same place. */
function differing(a: string, b: string): string {
  const others = b.split("\n");
  return a.split("\n").find((line, i) => line !== others[i])?.slice(0, 200) ?? "nothing more";
}
