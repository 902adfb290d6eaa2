/** Trains with a checkpoint at each step in the folder named, resuming whatever is there; prints a hash of all it ends with. */
import { Checkpoints } from "@gradus/gradus/train";
import { bitsOf, EPOCHS, smallLearner } from "../small_run.ts";

const learner = smallLearner([new Checkpoints(Deno.args[0], { everySteps: 1, keepLast: 2, warn: tell })]);
console.log("begins");
await learner.fit(EPOCHS, { resume: true });
const text = new TextEncoder().encode(JSON.stringify(bitsOf(learner)));
console.log(`ends ${new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex()}`);

/** A kill leaves old checkpoints and unfinished ones, but never a damaged one. */
function tell(damage: string): void {
  if (!damage.includes("it has no manifest.json")) console.log(`damaged ${damage}`);
}
