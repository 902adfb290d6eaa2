/** A program that is timed beside this one: asked for one piece of work at a time, so that all take turns. */
import { TextLineStream } from "@std/streams";
import type { Work } from "./works.ts";

/** How a peer is started. */
export interface PeerCommand {
  /** What the table calls it. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  /** The folder it runs in. */
  readonly cwd?: string;
  /** How to install it, said when it does not start. */
  readonly install: string;
}

/** A running peer. */
export class Peer {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  /** Starts it; whether it works is known with the first answer. */
  constructor(readonly name: string, { command, args, cwd }: PeerCommand) {
    this.#child = new Deno.Command(command, {
      args: [...args],
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      env: { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", GRADUS_THREADS: "1" },
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    this.#answers = lines.getReader();
  }

  /** Microseconds of one run, or `null` if it does not do that work. Throws if it ended. */
  async time(work: Work): Promise<number | null> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(work) + "\n"));
    for (;;) {
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`${this.name} ended before it answered`);
      if (value.startsWith('{"us":')) return JSON.parse(value).us; // whatever else it prints is its own affair
    }
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#answers.cancel().catch(() => {});
    try {
      this.#child.kill();
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
  }
}
