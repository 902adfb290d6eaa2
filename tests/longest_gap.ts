/** How long the event loop is held. */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/**
 * The longest time in milliseconds for which a timer was not called while `body` ran. Time in which the processor worked for
 * other programs does not count: a gap is no longer than what this one computed in it. What other tests have left is collected before,
 * so that this does not fall into the gap.
 */
export async function longestGap(body: () => unknown): Promise<number> {
  const now = () => [performance.now(), cpu()];
  let [last, longest] = [now(), 0];
  const look = () => {
    const next = now();
    longest = Math.max(longest, Math.min(next[0] - last[0], next[1] - last[1]));
    last = next;
  };
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
  return longest;
}

/** Milliseconds for which processors have worked for this program. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
