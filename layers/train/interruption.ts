/** The end of a run from outside: by Ctrl-C, or by an `AbortSignal`. */

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
  /** Whether Ctrl-C is listened to, where there is a Deno. */
  ctrlC?: boolean | undefined;
}

/** Listens to the first Ctrl-C only: a second one ends the process as usual. */
export function listen({ signal, ctrlC = true }: InterruptionOptions): Interruption {
  let pressed = false;
  const hears = ctrlC && typeof Deno !== "undefined";
  const onPress = () => {
    pressed = true;
    close();
  };
  let open = hears;
  const close = () => {
    if (open) Deno.removeSignalListener("SIGINT", onPress);
    open = false;
  };
  if (hears) Deno.addSignalListener("SIGINT", onPress);
  return {
    get reason() {
      return pressed ? "Ctrl-C" : signal?.aborted ? "the signal was aborted" : null;
    },
    close,
  };
}
