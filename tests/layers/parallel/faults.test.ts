import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { killRanks } from "./kills.ts";
import { MPIS, runRanks } from "./ranks.ts";

/** What the one line says of the rank that fails, by what it does. */
const FAULTS: Readonly<Record<string, string>> = {
  throw: "Rank 1 of 3 ended the job: RangeError: Cannot read sample 7",
  reject: "Rank 1 of 3 ended the job: RangeError: Cannot read sample 8",
  exit: "Rank 1 of 3 ended the job: its program ended with code 5",
  hang: "Rank 0 of 3 ended the job: Cannot go on with allReduce on rank 0 of 3: rank 1 did not come within 3 s",
  fewer: "this rank has 32 bytes for it, rank 1 has come to the end of its program",
  other: "this rank has 32 bytes for it, rank 1 has come to allReduce of 12 bytes",
  model: "the model of rank 1 is not that of rank 0, weight [3, 2] float32 where that has weight [2, 2] float32",
  data: "the data of rank 1 is not that of rank 0, 8 samples in batches of 6 where that has 12 samples in batches of 6",
};

describe("a rank that fails", () => {
  for (const mpi of MPIS) {
    for (const [kind, line] of Object.entries(FAULTS)) {
      if (mpi.name === "Open MPI" && !["hang", "throw"].includes(kind)) continue; // it takes seconds to end a job
      (mpi.there ? it : it.skip)(`ends the job of ${mpi.name} with one line that names it: ${kind}`, async () => {
        const { code, err, seconds } = await runRanks(mpi, 3, "fault_program.ts", kind);
        const said = err.split("\n").filter((text) => text.includes("ended the job"));
        assertNotEquals(code, 0);
        assertEquals([said.length, said[0]?.includes(line)], [1, true], err);
        assert(seconds < 30, `${seconds} s`);
      });
    }
    (mpi.there ? it : it.skip)(
      `is killed by ${mpi.name} or from outside: none is left, and the bits are the same`,
      () =>
        inFolder(async (folder) => {
          const whole = JSON.parse((await runRanks(mpi, 2, "learner_program.ts", "4")).out.split("\n")[0]).hash;
          const { kills, hashes, complaints } = await killRanks(mpi, folder, mpi.name === "MPICH" ? 2 : 1, 5);
          assertEquals([kills > 0, complaints, [...new Set(hashes)]], [true, [], [whole]]);
        }),
    );
  }
});
