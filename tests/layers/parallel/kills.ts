/** Ranks that are killed while they train: by a test, or by hand for as many kills as are wanted: `deno run -A kills.ts 40`. */
import { Generator } from "../../../core/random/generator.ts";
import { type Mpi, MPIS, runRanks } from "./ranks.ts";

/** What many kills came to. */
export interface KillReport {
  /** How many jobs were ended by a kill. */
  kills: number;
  /** The weights of each run that came to its end. */
  hashes: string[];
  /** Ranks that outlived their job, jobs that did not end in time, damaged checkpoints: none is expected. */
  complaints: string[];
}

const RANKS = 2, PROGRAM = "learner_program.ts", EPOCHS = "4", SLOW = "8";

/** Trains in folders within `place` and kills a random rank at a random moment, until `kills` were dealt out; each run goes on to its end. */
export async function killRanks(mpi: Mpi, place: string, kills: number, seed: number): Promise<KillReport> {
  const random = new Generator(seed), report: KillReport = { kills: 0, hashes: [], complaints: [] };
  for (let run = 0; report.kills < kills; run++) {
    const folder = `${place}/run-${run}`;
    await Deno.mkdir(folder);
    let hash: string | null = null;
    while (hash === null) {
      const [rank, seconds] = [random.nextBelow(RANKS), 0.1 + 0.9 * random.nextDouble()];
      const args = report.kills < kills ? [`${rank}`, seconds.toFixed(3)] : [];
      const said = await runRanks(mpi, RANKS, PROGRAM, EPOCHS, folder, "1", SLOW, ...args);
      report.complaints.push(...await leftIn(folder), ...said.seconds > 30 ? [`took ${said.seconds} s`] : []);
      const lines = said.out.split("\n").filter((line) => line.startsWith("{"));
      if (said.code === 0 && lines.length === RANKS) hash = JSON.parse(lines[0]).hash;
      else if (args.length > 0) report.kills++;
      else throw new Error(`A run that nobody killed failed: ${said.err}`);
      if (/damaged|Cannot read/.test(said.err)) report.complaints.push(said.err);
    }
    report.hashes.push(hash);
  }
  return report;
}

/** The ranks that still run: each holds a lock. */
async function leftIn(folder: string): Promise<string[]> {
  const left: string[] = [];
  for (let rank = 0; rank < RANKS; rank++) {
    const path = `${folder}/rank-${rank}.lock`;
    const isFree = async () => {
      const file = await Deno.open(path, { create: true, write: true });
      const free = await file.tryLock(true);
      file.close();
      return free;
    };
    const end = performance.now() + 5000; // the launcher may be gone a moment before the last of them
    while (!await isFree()) {
      if (performance.now() > end) return [...left, `rank ${rank} outlived its job`];
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return left;
}

if (import.meta.main) {
  for (const mpi of MPIS.filter(({ there }) => there)) {
    const place = await Deno.makeTempDir();
    const whole = JSON.parse((await runRanks(mpi, RANKS, PROGRAM, EPOCHS)).out.split("\n")[0]).hash;
    const { kills, hashes, complaints } = await killRanks(mpi, place, Number(Deno.args[0] ?? 40), 1);
    console.log(mpi.name, { kills, runs: hashes.length, same: hashes.every((hash) => hash === whole), complaints });
    await Deno.remove(place, { recursive: true });
  }
}
