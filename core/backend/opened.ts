/** What came of opening a back end. */
import type { Backend } from "./backend.ts";

/** A back end if it can be had here, and in one sentence why or why not. */
export interface Opened {
  /** Absent where this back end cannot be had. */
  backend?: Backend;
  /** One sentence for people. */
  reason: string;
  /** Measures what one core can multiply and add at most, in GFLOP/s; takes a few milliseconds. */
  peak?: () => number;
  /** Unloads the library; its verbs must not be called again. A process that keeps its back end never needs it. */
  close?: () => void;
}
