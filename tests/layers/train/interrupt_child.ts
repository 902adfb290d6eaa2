/** Trains without end until somebody presses Ctrl-C; tells how it ended. */
import { Checkpoints } from "@gradus/gradus/train";
import { smallLearner } from "./small_run.ts";

const learner = smallLearner([new Checkpoints(Deno.args[0]), {
  afterStep: pause,
  beforeFit: () => console.log("begins"),
}]);
const { outcome, reason } = await learner.fit(3);
console.log(`${outcome} by ${reason} at step ${learner.step}`);

/** Long enough that three epochs outlast the one who presses. */
async function pause(): Promise<void> {
  await new Promise((done) => setTimeout(done, 400));
}
