/** Which line called a run that failed: by then the ten frames of an error's stack are all those of the training loop. */

import type { Learner } from "./learner.ts";

/** How far a run is, in words. */
export function placeOf({ epoch, batch, batches, step, training }: Learner): string {
  const part = `, ${training ? "training" : "validation"} batch ${batch + 1} of ${batches}`;
  return `fit() stopped after ${step} steps, in epoch ${epoch + 1}${batch < batches ? part : ""}; called`;
}

/** The stack where `call` was called, without its own frame; `call` must not have waited for anything yet. */
export function callersOf(call: (...args: never) => unknown): string {
  const here = new Error();
  Error.captureStackTrace?.(here, call); // V8's
  return here.stack?.replace(/^Error.*\n/, "") ?? "";
}

/**
 * `error` with a cause that says where the run was and which line had called it; of an error that has causes already, the last cause
 * gets it.
 */
export function causedIn(error: unknown, where: string, callers: string): unknown {
  const deepest = lastCause(error);
  if (deepest === null) return error;
  const cause = new Error(where);
  cause.stack = `Error: ${where}\n${callers}`;
  Object.defineProperty(deepest, "cause", { value: cause, configurable: true, writable: true });
  return error;
}

/** The last error in the chain of causes; `null` if it is not an error, or cannot be changed. */
function lastCause(error: unknown): Error | null {
  let last = error;
  for (const seen = new Set(); last instanceof Error && last.cause !== undefined; last = last.cause) {
    if (seen.has(last)) return null;
    seen.add(last);
  }
  return last instanceof Error && Object.isExtensible(last) ? last : null;
}
