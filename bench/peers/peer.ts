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
  /** Variables of its own, beside those that keep every peer to one thread. */
  readonly env?: Readonly<Record<string, string>>;
  /** How to install it, said when it does not start. */
  readonly install: string;
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
      if (done) throw new Error(`${this.name} ended before it answered${await this.#lastWords()}`);
      if (value.startsWith('{"us":')) return JSON.parse(value).us; // whatever else it prints is its own affair
    }
  }

  /** What it said of its end: the line that names an error. */
  async #lastWords(): Promise<string> {
    const line = (await this.#complaints).split("\n").find((line) => /^\w*error\b/i.test(line));
    return line === undefined ? "" : ` (${line.trim()})`;
  }

  /** Ends it, and waits until it has ended. */
  async stop(): Promise<void> {
    await this.#input.close().catch(() => {});
    this.#kill();
    await this.#answers.cancel().catch(() => {});
    await Promise.all([this.#child.status, this.#complaints]);
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** Starts those that are installed; `say` is told of each that is not, and how to install it. */
export async function startPeers(
  commands: readonly PeerCommand[],
  first: Work,
  say: (line: string) => void,
): Promise<Peer[]> {
  const running: Peer[] = [];
  for (const command of commands) {
    const peer = await startPeer(command, first);
    if (peer !== null) running.push(peer);
    else say(`${command.name} is not here${command.install === "" ? "" : `. To install it: ${command.install}`}`);
  }
  return running;
}

async function startPeer(command: PeerCommand, first: Work): Promise<Peer | null> {
  let peer: Peer | undefined;
  try {
    peer = new Peer(command);
    await peer.time(first);
    return peer;
  } catch {
    await peer?.stop();
    return null;
  }
}
