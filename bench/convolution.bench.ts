/**
 * The ladder of convolutions: first a table of medians with GFLOP/s beside the course's times (on standard error, so that `--json` stays
 * readable), then Deno's benchmark of the same convolutions, with the first rung of each shape as its baseline.
 *
 *     deno task bench bench/convolution.bench.ts
 */
import { caseName, climbConvolution, convolutionCases, convolutionTable } from "./convolution_cases.ts";

for (const shape of convolutionCases) {
  const climbs = climbConvolution(shape);
  console.error(`${convolutionTable(shape, climbs)}\n`);
  climbs.forEach(({ rung, convolve }, i) => {
    Deno.bench({
      name: rung.name,
      group: caseName(shape),
      baseline: i === 0,
      ...(rung.name <= "02_windows" ? { n: 3, warmup: 1 } : {}),
      fn: () => void convolve(),
    });
  });
}
