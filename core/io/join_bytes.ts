import { runAtOnce } from "../event_loop.ts";
import { joinInSteps } from "./in_steps.ts";

/** The bytes of `parts`, one after the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return runAtOnce(joinInSteps(parts));
}
