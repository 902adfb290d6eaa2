/** Children that train and are killed. */
import { Generator } from "@gradus/gradus";

const CHILD = new URL("./kill_child.ts", import.meta.url).pathname;
const ROOT = new URL("../../../../", import.meta.url).pathname;

/** How a child ended. */
export interface Outcome {
  /** Whether it was killed on its way. */
  killed: boolean;
  /** The hash of its final bits, if it came so far. */
  hash: string | null;
  /** What it said else: damaged checkpoints, errors. */
  complaints: string;
}

/**
 * Lets a child train in `folder` and kills it so many milliseconds after it began, unless it has ended by then; it may write in
 * `writable` only.
 */
export async function trainAndKill(folder: string, delay = Infinity, writable = folder): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      `--allow-read=${ROOT},${folder}`,
      `--allow-write=${writable}`,
      CHILD,
      folder,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let output = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (output === "" && Number.isFinite(delay)) timer = setTimeout(() => kill(child), delay);
    output += part;
  }
  const { signal } = await child.status;
  clearTimeout(timer);
  const hash = /^ends (\w+)$/m.exec(output)?.[1] ?? null;
  const damaged = output.split("\n").filter((line) => line.startsWith("damaged"));
  return { killed: signal === "SIGKILL", hash, complaints: [...damaged, (await stderr).trim()].join("\n").trim() };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended by itself
  }
}

/** What many kills came to. */
export interface KillReport {
  /** How many children were killed. */
  kills: number;
  /** The hashes of the runs that came to their end. */
  hashes: string[];
  /** What children said beside: none is expected. */
  complaints: string[];
}

/** Trains, kills at random moments and resumes until `kills` were dealt out; a run that ends makes room for the next. */
export async function killAndResume(folder: string, kills: number, seed: number, span: number): Promise<KillReport> {
  const random = new Generator(seed);
  const report: KillReport = { kills: 0, hashes: [], complaints: [] };
  for (let run = 0; report.kills < kills || report.hashes.length < run; run++) {
    const place = `${folder}/run-${run}`;
    for (let ended = false; !ended;) {
      const delay = report.kills < kills ? random.nextDouble() * span : Infinity;
      const { killed, hash, complaints } = await trainAndKill(place, delay);
      if (killed) report.kills++;
      if (hash !== null) report.hashes.push(hash);
      if (complaints !== "") report.complaints.push(complaints);
      ended = hash !== null || complaints !== "";
    }
    await Deno.remove(place, { recursive: true });
  }
  return report;
}
