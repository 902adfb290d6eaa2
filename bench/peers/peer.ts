/** A program that is timed beside this one: asked for one piece of work at a time, so that all take turns. */
import { TextLineStream } from "@std/streams";
import type { Work } from "./workloads.ts";

/** How a peer is started. */
export interface PeerCommand {
  /** What the table calls it. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  /** The folder it runs in. */
  readonly cwd?: string;
  /** Variables of its own, beside those that keep every peer to one thread. */
  readonly env?: Readonly<Record<string, string>>;
  /** How to install it, said when it does not start; absent where it is this library. */
  readonly install?: string;
}

/** Keeps a program to one thread, whichever library it runs on. */
export const ONE_THREAD = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", GRADUS_THREADS: "1" };

/** Milliseconds after which a peer that says nothing counts as dead: the slowest run takes a few seconds. */
const PATIENCE = 120_000;

/** A running peer. */
export class Peer {
  /** What the table calls it. */
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #complaints: Promise<string>;

  /**
   * Starts it; whether it works is known with the first answer.
   *
   * @throws {Deno.errors.NotFound} If the program is not installed.
   */
  constructor({ name, command, args, cwd, env }: PeerCommand) {
    this.name = name;
    this.#child = new Deno.Command(command, {
      args: [...args],
      ...(cwd === undefined ? {} : { cwd }),
      ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
      env: { ...ONE_THREAD, NO_COLOR: "1", ...env },
    }).spawn();
    this.#complaints = new Response(this.#child.stderr).text();
    this.#input = this.#child.stdin.getWriter();
    this.#input.closed.catch(() => {}); // a peer that ends closes the pipe; the next answer that fails to come tells
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    this.#answers = lines.getReader();
  }

  /**
   * Microseconds of one run, or `null` if it does not do that work.
   *
   * @throws {Error} If it ended, or does not answer.
   */
  async time(work: Work): Promise<number | null> {
    const patience = setTimeout(() => this.#kill(), PATIENCE);
    try {
      await this.#input.write(new TextEncoder().encode(JSON.stringify(work) + "\n"));
      return await this.#answer();
    } finally {
      clearTimeout(patience);
    }
  }

  async #answer(): Promise<number | null> {
    for (;;) {
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`${this.name} ended before it answered${lastWords(await this.#complaints)}`);
      if (value.startsWith('{"us":')) return JSON.parse(value).us; // whatever else it prints is its own affair
    }
  }

  /** Ends it, and waits until it has ended. */
  async stop(): Promise<void> {
    this.#kill();
    await Promise.all([this.#child.status, this.#complaints, this.#answers.cancel(), this.#input.abort()]);
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // that one says that it has ended by itself
    }
  }
}

/** What a program said of its end, in brackets: the line that names an error, else the last. */
export function lastWords(complaints: string): string {
  const lines = complaints.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const line = lines.find((line) => /^\w*error\b/i.test(line)) ?? lines.at(-1);
  return line === undefined ? "" : ` (${line})`;
}

/** That a peer is left out, why, and how to install it. */
export function leftOut({ name, install }: PeerCommand, error: unknown): string {
  return `${name} is left out: ${(error as Error).message}${
    install === undefined ? "" : `. To install it: ${install}`
  }`;
}

/** Starts those that are installed; `say` is told of each that does not work, why, and how to install it. */
export async function startPeers(
  commands: readonly PeerCommand[],
  first: Work,
  say: (line: string) => void,
): Promise<Peer[]> {
  const running: Peer[] = [];
  for (const command of commands) {
    try {
      running.push(await startPeer(command, first));
    } catch (error) {
      say(leftOut(command, error));
    }
  }
  return running;
}

async function startPeer(command: PeerCommand, first: Work): Promise<Peer> {
  const peer = new Peer(command);
  try {
    await peer.time(first);
    return peer;
  } catch (error) {
    await peer.stop();
    throw error;
  }
}
