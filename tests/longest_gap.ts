/** How long the event loop is held. */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Names that are made, sorted, looked up and written to see how fast this machine is, and what that takes where bounds were set. */
const NAMES = 20_000;
const USUAL = 20;

/**
 * The longest time in milliseconds for which a timer was not called while `body` ran. Time in which the processor worked for
 * other programs does not count: a gap is no longer than what this one computed in it. What other tests have left is collected before,
 * so that this does not fall into the gap. On a slower machine than the one whose bounds the tests have the time is as much shorter, by the
 * better of two looks before and after: slices are of a fixed length, but what the engine collects between them takes its time.
 */
export async function longestGap(body: () => unknown): Promise<number> {
  const now = () => [performance.now(), cpu()];
  let [last, longest] = [now(), 0];
  const look = () => {
    const next = now();
    longest = Math.max(longest, Math.min(next[0] - last[0], next[1] - last[1]));
    last = next;
  };
  const before = slowness();
  const timer = setInterval(look, 1);
  try {
    await new Promise((done) => setTimeout(done, 5)); // the timer's own start is not a gap
    collect();
    look();
    longest = 0;
    await body();
    look();
  } finally {
    clearInterval(timer);
  }
  return longest / Math.max(1, Math.min(before, slowness()));
}

/** How often the usual time some work takes here now: the median of three. */
function slowness(): number {
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    const names = Array.from({ length: NAMES }, (_, i) => `layers.${(i * 7919) % NAMES}.weight`).sort();
    JSON.stringify([...new Map(names.map((name, i) => [name, i]))]);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[1] / USUAL;
}

/** Milliseconds for which processors have worked for this program. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
