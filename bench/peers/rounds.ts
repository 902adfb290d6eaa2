/** Measuring in turns: clocks drift and other programs come and go, so that each round asks each peer once. */
import type { Peer } from "./peer.ts";
import type { Workload } from "./workloads.ts";

/** The times of a workload. */
export interface Row {
  /** The workload. */
  readonly workload: Workload;
  /** Microseconds of one run, by the name of the peer: the median over the rounds. */
  readonly us: ReadonlyMap<string, number>;
  /** The peak of one core meanwhile, in GFLOP/s, or `null` if it cannot be measured. */
  readonly peak: number | null;
}

/**
 * Times `workload` in every peer, `rounds` times in turns, with the peak before each round.
 *
 * A peer that ends or does not answer is removed from `peers` together with its earlier times, and `print` is called with a message.
 */
export async function measure(
  peers: Peer[],
  workload: Workload,
  rounds: number,
  measurePeak: (() => number) | null,
  print: (line: string) => void,
): Promise<Row> {
  const times = new Map<string, number[]>();
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (measurePeak !== null) peaks.push(measurePeak());
    for (const peer of [...peers]) {
      try {
        const us = await peer.time(workload);
        if (us !== null) times.set(peer.name, [...(times.get(peer.name) ?? []), us]);
      } catch (error) {
        print(`${(error as Error).message}: left out from "${workload.name}" on`);
        peers.splice(peers.indexOf(peer), 1);
        times.delete(peer.name);
        await peer.stop();
      }
    }
  }
  const us = new Map(Array.from(times, ([name, list]) => [name, median(list)]));
  return { workload, us, peak: peaks.length === 0 ? null : median(peaks) };
}

/** The median of a list; of an even number of values the upper one of the two in the middle. */
export function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1];
}

/** `(Πx)^(1/n)`, the mean of ratios: 0.5 and 2 cancel. */
export function geometricMean(list: readonly number[]): number {
  return Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);
}
