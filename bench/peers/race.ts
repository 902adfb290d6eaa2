/** MNIST to 97.5 % accuracy: whole programs with the same network, seed and batches, in turns. */
import { lastWords, leftOut, ONE_THREAD, type PeerCommand } from "./peer.ts";
import { median } from "./rounds.ts";

const RUNS = 3;

/** Seconds of whole programs, medians; `torch` is `null` if PyTorch does not run. */
export interface RaceResult {
  readonly gradus: number;
  readonly torch: number | null;
}

/**
 * Runs both programs in turns on the files in `data`; `print` is called with the result of each run, and the reason if PyTorch is left
 * out.
 *
 * @throws {Error} If this library's program fails.
 */
export async function race(
  data: string,
  torch: PeerCommand,
  flags: readonly string[],
  print: (line: string) => void,
): Promise<RaceResult> {
  const here = import.meta.dirname;
  const ours = [Deno.execPath(), "run", "-q", ...flags, `${here}/mnist_race.ts`, data];
  const theirs = [torch.command, "-B", `${here}/mnist_race.py`, data];
  const seconds = { gradus: [] as number[], torch: [] as number[] };
  const run = async (name: keyof typeof seconds, command: string[]) => {
    const result = await time(name, command);
    seconds[name].push(result.seconds);
    print(`${name.padEnd(8)} ${result.seconds.toFixed(2)} s  ${result.answer}`);
  };
  let both = true;
  for (let turn = 0; turn < RUNS; turn++) {
    await run("gradus", ours);
    if (both) await run("torch", theirs).catch((error) => (both = false, print(leftOut(torch, error))));
  }
  return { gradus: median(seconds.gradus), torch: both ? median(seconds.torch) : null };
}

/** `MNIST to 97.5 %: 3.10 s, PyTorch 9.87 s: ratio 0.31` */
export function raceLine({ gradus, torch }: RaceResult): string {
  const there = torch === null ? "" : `, PyTorch ${torch.toFixed(2)} s: ratio ${(gradus / torch).toFixed(2)}`;
  return `MNIST to 97.5 %: ${gradus.toFixed(2)} s${there}`;
}

/** The seconds of a whole program and what it printed. */
async function time(name: string, [program, ...args]: string[]): Promise<{ seconds: number; answer: string }> {
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(program, { args, env: { ...ONE_THREAD, NO_COLOR: "1" } })
    .output();
  const seconds = (performance.now() - start) / 1000;
  const [answer, errorOutput] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (!success) throw new Error(`${name} failed${lastWords(errorOutput)}`);
  return { seconds, answer };
}
