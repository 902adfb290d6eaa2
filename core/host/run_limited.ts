/** A program run with a time limit while this thread waits for it. */
import { failure, nodeModule } from "./host.ts";

// The memory that this thread and the Worker share: the state, the program's exit code, the length of its output, whether it was killed,
// and from byte HEADER on the output.
const [STATE, CODE, LENGTH, KILLED, HEADER, TEXT] = [0, 1, 2, 3, 16, 1 << 16];
const [CALLED, RUNNING] = [0, 1];
const START_TIMEOUT = 30_000; // milliseconds for the Worker to begin

// In a Worker, because this thread blocks and could not kill a program that runs too long.
const WORKER = `self.onmessage = async ({ data: { shared, command, args, cwd, milliseconds } }) => {
  const header = new Int32Array(shared, 0, 4), text = new Uint8Array(shared, ${HEADER});
  const next = () => (Atomics.add(header, ${STATE}, 1), Atomics.notify(header, ${STATE}));
  const say = (code, bytes) => (text.set(bytes.subarray(0, text.length)), header[${CODE}] = code,
    header[${LENGTH}] = Math.min(bytes.length, text.length), next());
  next();
  try {
    const child = new Deno.Command(command, { args, cwd, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
    const timer = setTimeout(() => (header[${KILLED}] = 1, child.kill("SIGKILL")), milliseconds);
    const { code, stdout, stderr } = await child.output();
    clearTimeout(timer);
    say(code, code === 0 ? stdout : stderr);
  } catch (error) {
    say(error instanceof Deno.errors.NotFound ? -2 : -1, new TextEncoder().encode(error.message));
  }
};`;

/**
 * Runs a program with a time limit; `output` is what it wrote to stdout if it succeeded, else to stderr.
 *
 * @throws {Error} That it is not found, of Deno's class or with Node.js's code, if there is no such program.
 * @throws {Error} That it timed out, if it does not end in time; it is killed then.
 */
export function runLimited(
  command: string,
  args: readonly string[],
  cwd: string | undefined,
  milliseconds: number,
): { success: boolean; output: string } {
  if (typeof Deno === "undefined") return runInNode(command, args, cwd, milliseconds);
  const shared = new SharedArrayBuffer(HEADER + TEXT);
  const header = new Int32Array(shared, 0, 4);
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(WORKER)}`, { type: "module" });
  try {
    worker.postMessage({ shared, command, args, cwd, milliseconds });
    Atomics.wait(header, STATE, CALLED, START_TIMEOUT);
    if (header[STATE] === CALLED) throw new Error(`no Worker began in which ${command} could run`);
    // A second more: child processes of its own may keep its output open.
    Atomics.wait(header, STATE, RUNNING, milliseconds + 1000);
    if (header[STATE] === RUNNING || header[KILLED] === 1) {
      throw timedOut(command, milliseconds);
    }
    const output = new TextDecoder().decode(new Uint8Array(shared, HEADER, header[LENGTH]).slice());
    if (header[CODE] === -2) throw failure("NotFound", output);
    if (header[CODE] === -1) throw new Error(output);
    return { success: header[CODE] === 0, output };
  } finally {
    worker.terminate();
  }
}

function timedOut(command: string, milliseconds: number): Error {
  return failure("TimedOut", `${command} did not end within ${milliseconds / 1000} s`);
}

function runInNode(
  command: string,
  args: readonly string[],
  cwd: string | undefined,
  milliseconds: number,
): { success: boolean; output: string } {
  const { spawnSync } = nodeModule("node:child_process");
  const options = { encoding: "utf8", maxBuffer: 1 << 24, killSignal: "SIGKILL", timeout: milliseconds } as const;
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    ...options,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { code } = Object(error) as { code?: string };
  if (code === "ENOENT") throw failure("NotFound", `${command} is not there`);
  if (code === "ETIMEDOUT") throw timedOut(command, milliseconds);
  if (error !== undefined) throw error;
  return { success: status === 0, output: (status === 0 ? stdout : stderr).slice(0, TEXT) };
}
