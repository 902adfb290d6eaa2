/** How long the event loop is held. */
import process from "node:process";

/** Up to this many milliseconds code may hold the event loop. */
const ALLOWED = 100;

/**
 * The longest time in milliseconds for which a timer was not called while `body` ran. Where that is more than code may take, `body` runs
 * again, up to three times in all, and the least counts: the engine stops now and then to collect what other tests have left, and what
 * the code itself holds, it holds each time.
 */
export async function longestGap(body: () => unknown): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < 3 && least >= ALLOWED; run++) least = Math.min(least, await gapOf(body));
  return least;
}

/** The gap of one run. Time in which the processor worked for other programs does not count: it is no longer than what this one computed in it. */
async function gapOf(body: () => unknown): Promise<number> {
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
