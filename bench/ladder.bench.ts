/**
 * The ladder: first a table of medians with GFLOP/s beside the times in the documents (on standard error, so that `--json` stays
 * readable), then Deno's benchmark of the same products, with the first rung of each shape as its baseline.
 *
 *     deno task bench bench/ladder.bench.ts
 */
import { caseName, climb, ladderCases } from "./ladder_cases.ts";
import { measure, modelLine, tableOf } from "./ladder_table.ts";

for (const shape of ladderCases) {
  const { climbs, missing } = climb(shape);
  const rows = measure(shape, climbs);
  console.error(`${tableOf(shape, rows, missing)}\n`);
  climbs.forEach(({ rung, multiply }, i) => {
    const slow = rows[i].seconds > 0.05; // Deno would call it a dozen times and more
    Deno.bench({
      name: rung.name,
      group: caseName(shape),
      baseline: i === 0,
      ...(slow ? { n: 3, warmup: 1 } : {}),
      fn: () => void multiply(),
    });
  });
}
console.error(`${modelLine()}\n`);
