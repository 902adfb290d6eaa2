/**
 * Kills a training child at random moments, hundreds of times, and compares what each run ends with.
 *
 *     deno run -A tests/layers/train/checkpoint/kill.ts [kills = 300] [seed = 1]
 */
import { killAndResume, trainAndKill } from "./killed_run.ts";

const [kills = 300, seed = 1] = Deno.args.map(Number);
const folder = await Deno.makeTempDir();
try {
  const start = performance.now();
  const { hash } = await trainAndKill(`${folder}/whole`);
  const report = await killAndResume(folder, kills, seed, 120);
  const same = report.hashes.filter((other) => other === hash).length;
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${report.kills} kills, ${report.hashes.length} runs ended, ${same} of them with the same bits, ${seconds} s`,
  );
  report.complaints.forEach((line) => console.log(line));
  if (hash === null || same < report.hashes.length || report.complaints.length > 0) Deno.exit(1);
} finally {
  await Deno.remove(folder, { recursive: true });
}
