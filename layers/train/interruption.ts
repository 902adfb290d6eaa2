/** How a run is told from outside to end: Ctrl-C, or a signal of the caller's. */

/** Listens until it is closed; `reason` says what came. */
export interface Interruption {
  /** Why to end, or `null`. */
  readonly reason: string | null;
  /** Stops listening. */
  close(): void;
}

/** What is listened to. */
export interface InterruptionOptions {
  /** Ends the run when it aborts. */
  signal?: AbortSignal | undefined;
  /** Whether Ctrl-C is listened to, where there is a Deno. */
  ctrlC?: boolean | undefined;
}

/** Listens to Ctrl-C once: a second one ends the process as ever. */
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
