/** Measuring in turns: clocks drift and other programs come and go, so that each round asks everybody once. */
import type { Peer } from "./peer.ts";
import type { Work } from "./workloads.ts";

/** What a piece of work took. */
export interface Row {
  /** Which. */
  readonly work: Work;
  /** Microseconds of one run by the peer's name: the median over the rounds. */
  readonly us: ReadonlyMap<string, number>;
  /** What one core could do meanwhile, in GFLOP/s, or `null` where that cannot be measured. */
  readonly peak: number | null;
}

/**
 * Times `work` in every peer, `rounds` times in turns, with the ceiling between the rounds.
 *
 * A peer that ends or falls silent is taken out of `peers`, and `say` is told so; what it measured before is left out too.
 */
export async function measure(
  peers: Peer[],
  work: Work,
  rounds: number,
  ceiling: (() => number) | null,
  say: (line: string) => void,
): Promise<Row> {
  const times = new Map<string, number[]>();
  const peaks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (ceiling !== null) peaks.push(ceiling());
    for (const peer of [...peers]) {
      try {
        const us = await peer.time(work);
        if (us !== null) times.set(peer.name, [...(times.get(peer.name) ?? []), us]);
      } catch (error) {
        say(`${(error as Error).message}: left out from "${work.name}" on`);
        peers.splice(peers.indexOf(peer), 1);
        times.delete(peer.name);
        await peer.stop();
      }
    }
  }
  const us = new Map(Array.from(times, ([name, list]) => [name, median(list)]));
  return { work, us, peak: peaks.length === 0 ? null : median(peaks) };
}

/** The middle of a list, the upper one of two. */
export function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1];
}

/** `(Πx)^(1/n)`: the average of ratios, in which half and twice cancel. */
export function geometricMean(list: readonly number[]): number {
  return Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);
}
