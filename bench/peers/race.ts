/** MNIST to 97.5 % accuracy: whole programs with the same network, seed and batches, one after the other. */
import { ONE_THREAD, type PeerCommand } from "./peer.ts";
import { median } from "./rounds.ts";

const RUNS = 3;

/** Seconds of whole programs, medians; `torch` is `null` where it is not installed. */
export interface RaceResult {
  readonly gradus: number;
  readonly torch: number | null;
}

/** Runs both programs in turns on the files in `data`; `say` is told what each run answered. */
export async function race(
  data: string,
  torch: PeerCommand,
  flags: readonly string[],
  say: (line: string) => void,
): Promise<RaceResult> {
  const here = import.meta.dirname;
  const programs = {
    gradus: [Deno.execPath(), "run", "-q", ...flags, `${here}/mnist_race.ts`, data],
    torch: [torch.command, `${here}/mnist_race.py`, data],
  };
  const seconds: Record<keyof typeof programs, number[]> = { gradus: [], torch: [] };
  for (let run = 0; run < RUNS; run++) {
    for (const name of ["gradus", "torch"] as const) {
      const result = await time(programs[name]);
      if (result === null) continue;
      seconds[name].push(result.seconds);
      say(`${name.padEnd(8)} ${result.seconds.toFixed(2)} s  ${result.answer}`);
    }
  }
  if (seconds.gradus.length === 0) throw new Error(`Cannot race: mnist_race.ts failed on the files in ${data}`);
  if (seconds.torch.length === 0) say(`torch did not run. To install it: ${torch.install}`);
  return { gradus: median(seconds.gradus), torch: seconds.torch.length === 0 ? null : median(seconds.torch) };
}

/** `MNIST to 97.5 %: 3.10 s, PyTorch 9.87 s: ratio 0.31` */
export function raceLine({ gradus, torch }: RaceResult): string {
  const there = torch === null ? "" : `, PyTorch ${torch.toFixed(2)} s: ratio ${(gradus / torch).toFixed(2)}`;
  return `MNIST to 97.5 %: ${gradus.toFixed(2)} s${there}`;
}

/** The seconds of a whole program and what it printed, or `null` if it cannot run. */
async function time([program, ...args]: string[]): Promise<{ seconds: number; answer: string } | null> {
  const start = performance.now();
  try {
    const { success, stdout } = await new Deno.Command(program, { args, env: ONE_THREAD }).output();
    const seconds = (performance.now() - start) / 1000;
    return success ? { seconds, answer: new TextDecoder().decode(stdout).trim() } : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
