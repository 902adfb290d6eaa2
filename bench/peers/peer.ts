/** A program that is timed beside others: it is asked for one run of a workload at a time, so that all take turns. */
import { TextLineStream } from "@std/streams";
import type { Workload } from "./workloads.ts";

/** How a peer is started. */
export interface PeerCommand {
  /** What the table calls it. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: string;
  readonly args: readonly string[];
  /** The folder it runs in. */
  readonly cwd?: string;
  /** Its environment variables, beside those that keep every peer to one thread. */
  readonly env?: Readonly<Record<string, string>>;
  /** How to install it, for the message when it does not start; not for this library. */
  readonly install?: string;
}

/** The environment variables that keep a program to one thread, whichever library it uses. */
export const ONE_THREAD = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", GRADUS_THREADS: "1" };

/** Milliseconds after which a peer that does not answer is killed: the slowest run takes a few seconds. */
const TIMEOUT = 120_000;

/** A running peer. */
export class Peer {
  /** What the table calls it. */
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #errorOutput: Promise<string>;

  /**
   * Starts it; only the first answer shows whether it runs.
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
    this.#errorOutput = new Response(this.#child.stderr).text();
    this.#input = this.#child.stdin.getWriter();
    this.#input.closed.catch(() => {}); // the pipe of a peer that ended: time() will fail
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    this.#answers = lines.getReader();
  }

  /**
   * Microseconds of one run, or `null` if it does not have that workload.
   *
   * @throws {Error} If it has ended, or does not answer.
   */
  async time(workload: Workload): Promise<number | null> {
    const timer = setTimeout(() => this.#kill(), TIMEOUT);
    try {
      await this.#input.write(new TextEncoder().encode(JSON.stringify(workload) + "\n"));
      return await this.#answer();
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(): Promise<number | null> {
    for (;;) {
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`${this.name} ended before it answered${lastWords(await this.#errorOutput)}`);
      if (value.startsWith('{"us":')) return JSON.parse(value).us; // other lines are not answers
    }
  }

  /** Ends it, and waits until it has ended. */
  async stop(): Promise<void> {
    this.#kill();
    await Promise.all([this.#child.status, this.#errorOutput, this.#answers.cancel(), this.#input.abort()]);
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a TypeError: it has ended already
    }
  }
}

/** The reason why a program ended, in brackets: the line of its error output that names an error, else the last line. */
export function lastWords(errorOutput: string): string {
  const lines = errorOutput.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const line = lines.find((line) => /^\w*error\b/i.test(line)) ?? lines.at(-1);
  return line === undefined ? "" : ` (${line})`;
}

/** A message that a peer is left out, why, and how to install it. */
export function leftOut({ name, install }: PeerCommand, error: unknown): string {
  return `${name} is left out: ${(error as Error).message}${
    install === undefined ? "" : `. To install it: ${install}`
  }`;
}

/** Starts the peers that run; `print` is called with a message about each that does not. */
export async function startPeers(
  commands: readonly PeerCommand[],
  first: Workload,
  print: (line: string) => void,
): Promise<Peer[]> {
  const running: Peer[] = [];
  for (const command of commands) {
    try {
      running.push(await startPeer(command, first));
    } catch (error) {
      print(leftOut(command, error));
    }
  }
  return running;
}

async function startPeer(command: PeerCommand, first: Workload): Promise<Peer> {
  const peer = new Peer(command);
  try {
    await peer.time(first);
    return peer;
  } catch (error) {
    await peer.stop();
    throw error;
  }
}
