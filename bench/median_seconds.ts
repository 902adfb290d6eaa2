/** The time of a function call. */

/** A sample takes at least so many seconds, so that the resolution of the clock does not matter. */
const SAMPLE = 0.005;

/** Calls before the measurement: the engine still optimises and deoptimises during the first ones. */
const WARM_UP = 6;

/**
 * Seconds for one call of `f`: the median of up to 15 samples within about `budget` seconds, at least 3.
 *
 * A sample is one call, or as many as fill five milliseconds.
 */
export function medianSeconds(f: () => unknown, budget = 1): number {
  secondsOf(f, WARM_UP);
  let calls = 1;
  let took = secondsOf(f, calls);
  while (took < SAMPLE) took = secondsOf(f, calls = Math.ceil(calls * Math.min(10, 1.2 * SAMPLE / (took + 1e-7))));
  const samples = Math.min(15, Math.max(3, Math.floor(budget / took)));
  const times = Array.from({ length: samples }, () => secondsOf(f, calls) / calls);
  return times.sort((x, y) => x - y)[samples >> 1];
}

function secondsOf(f: () => unknown, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) f();
  return (performance.now() - start) / 1000;
}
