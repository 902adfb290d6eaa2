import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { MPIS, runAlone, runRanks } from "./ranks.ts";

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";
const alone = new Map<number, Promise<string[]>>();

/** The hashes of the three networks, of one process that takes the parts one after another. */
function hashesAlone(parts: number): Promise<string[]> {
  if (!alone.has(parts)) alone.set(parts, runAlone("training_program.ts", `${parts}`).then(({ out }) => linesOf(out)));
  return alone.get(parts)!;
}

const linesOf = (text: string) => text.trim().split("\n");

describe("DataParallel", () => {
  for (const mpi of MPIS) {
    for (const ranks of [1, 2, 3, 4]) {
      (mpi.there && mayRun ? it : it.skip)(
        `ends on ${ranks} ranks of ${mpi.name} with the bits of one process: MLP, LeNet, LSTM`,
        async () => {
          const expected = await hashesAlone(ranks);
          const { code, out, err } = await runRanks(mpi, ranks, "training_program.ts");
          assertEquals([code, err, expected.length], [0, "", 3]);
          assertEquals(linesOf(out).sort(), expected.flatMap((hash) => Array(ranks).fill(hash)).sort());
        },
      );
    }
    (mpi.there ? it : it.skip)(`averages what ranks reach, and what only some do, with ${mpi.name}`, async () => {
      const { code, out, err } = await runRanks(mpi, 2, "data_parallel_program.ts");
      const said = [code, err, ...linesOf(out).sort()];
      assertEquals(said, [0, "", "rank 0 of 2 is right", "rank 1 of 2 is right"]);
    });
  }
});
