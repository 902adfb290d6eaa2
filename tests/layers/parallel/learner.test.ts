import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { MPIS, runAlone, runRanks, type Said } from "./ranks.ts";

/** What a rank says of its run. */
interface Run {
  rank: number;
  hash: string;
  records: number[][];
  seen: string[];
  step: number;
}

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";
const PROGRAM = "learner_program.ts";

function runsOf({ code, out, err }: Said): Run[] {
  assertEquals([code, err], [0, ""]);
  return out.trim().split("\n").map((line) => JSON.parse(line)).sort((a, b) => a.rank - b.rank);
}

describe("Learner", () => {
  for (const mpi of MPIS) {
    (mpi.there && mayRun ? it : it.skip)(
      `shares batches among ranks of ${mpi.name}: weights, losses and metrics of one process, bit for bit`,
      async () => {
        const [alone] = runsOf(await runAlone(PROGRAM, "2", "", "2"));
        const runs = runsOf(await runRanks(mpi, 2, PROGRAM, "2"));
        assertEquals(runs.map(({ hash, records }) => [hash, records]), Array(2).fill([alone.hash, alone.records]));
        assertEquals([runs[0].step, runs[0].seen.length, alone.seen.length], [12, 12, 24]);
      },
    );

    (mpi.there && mayRun ? it : it.skip)(
      `goes on from one checkpoint with any number of ranks of ${mpi.name}, with the same batches`,
      () =>
        inFolder(async (folder) => {
          const [whole] = runsOf(await runRanks(mpi, 2, PROGRAM, "2"));
          runsOf(await runRanks(mpi, 2, PROGRAM, "1", folder));
          const before = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
          const copy = `${folder}-copy`;
          try {
            await Deno.mkdir(copy);
            for (const name of before) await copyAll(`${folder}/${name}`, `${copy}/${name}`);
            const [same] = runsOf(await runRanks(mpi, 2, PROGRAM, "2", folder));
            const [more] = runsOf(await runRanks(mpi, 3, PROGRAM, "2", copy));
            assertEquals([same.hash, same.seen], [whole.hash, whole.seen.slice(6)]);
            assertEquals(more.seen, whole.seen.slice(6));
          } finally {
            await Deno.remove(copy, { recursive: true });
          }
        }),
    );
  }
});

async function copyAll(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copyAll(`${from}/${name}`, `${to}/${name}`);
}
