/** The end of a run from outside: by Ctrl-C, or by an `AbortSignal`. */

import { onCtrlC } from "../../core/host/host.ts";

/** A listener; `reason` says what happened. */
export interface Interruption {
  /** Why the run must end, or `null`. */
  readonly reason: string | null;
  /** Stops listening. */
  close(): void;
}

/** What to listen to. */
interface InterruptionOptions {
  /** Ends the run when it aborts. */
  signal?: AbortSignal | undefined;
  /** Whether Ctrl-C is listened to; a browser has none. */
  ctrlC?: boolean | undefined;
}

/** Listens to the first Ctrl-C only: a second one ends the process as usual. */
export function listen({ signal, ctrlC = true }: InterruptionOptions): Interruption {
  let pressed = false;
  let silence: (() => void) | null = null;
  const close = () => {
    silence?.();
    silence = null;
  };
  if (ctrlC) {
    silence = onCtrlC(() => {
      pressed = true;
      close();
    });
  }
  return {
    get reason() {
      return pressed ? "Ctrl-C" : signal?.aborted ? "the signal was aborted" : null;
    },
    close,
  };
}
