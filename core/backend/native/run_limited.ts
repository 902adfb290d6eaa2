/** Runs a program with an end to its time while this thread waits for it: `outputSync` waits for ever. */

// What stands in the memory that both threads see: how far it is, the program's code, the length of what it said, whether it was killed,
// and what it said.
const [STATE, CODE, LENGTH, KILLED, HEADER, TEXT] = [0, 1, 2, 3, 16, 1 << 16];
const [CALLED, RUNNING] = [0, 1];
const PATIENCE = 30_000; // for a Worker to begin

// In a Worker, because only one that does not wait can end what runs too long.
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
 * What a program says: on its output if it succeeds, else on its error output.
 *
 * @throws {Deno.errors.NotFound} If there is no such program.
 * @throws {Deno.errors.TimedOut} If it does not end in time; it is killed then.
 */
export function runLimited(
  command: string,
  args: readonly string[],
  cwd: string | undefined,
  milliseconds: number,
): { success: boolean; output: string } {
  const shared = new SharedArrayBuffer(HEADER + TEXT);
  const header = new Int32Array(shared, 0, 4);
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(WORKER)}`, { type: "module" });
  try {
    worker.postMessage({ shared, command, args, cwd, milliseconds });
    Atomics.wait(header, STATE, CALLED, PATIENCE);
    if (header[STATE] === CALLED) throw new Error(`no Worker began in which ${command} could run`);
    // A second more: its own children may hold what it would write to.
    Atomics.wait(header, STATE, RUNNING, milliseconds + 1000);
    if (header[STATE] === RUNNING || header[KILLED] === 1) {
      throw new Deno.errors.TimedOut(`${command} did not end within ${milliseconds / 1000} s`);
    }
    const output = new TextDecoder().decode(new Uint8Array(shared, HEADER, header[LENGTH]).slice());
    if (header[CODE] === -2) throw new Deno.errors.NotFound(output);
    if (header[CODE] === -1) throw new Error(output);
    return { success: header[CODE] === 0, output };
  } finally {
    worker.terminate();
  }
}
