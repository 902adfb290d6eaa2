/** A backward pass that leaves the event loop free: apart from the tape, so that a program without a Learner does not load it. */
import { TimeSlice, yieldToEventLoop } from "../core/event_loop.ts";
import { Tensor } from "../core/tensor.ts";
import { BackwardPass, noGrad } from "./tape.ts";

/**
 * What `root.backward()` does, a value at a time, in slices of time between which the event loop turns. Operations that run
 * meanwhile are recorded as ever, none of them can reach the memory of this pass, and what they edit in place is noticed.
 */
export async function backwardInSlices(root: Tensor): Promise<void> {
  if (root.backward !== Tensor.prototype.backward) return root.backward(); // of a class of the user's own
  const pass = noGrad(() => new BackwardPass([root]));
  const slice = new TimeSlice();
  while (noGrad(() => pass.step())) if (slice.isOver()) await yieldToEventLoop();
}
