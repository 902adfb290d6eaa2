import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { MPIS, runAlone, runRanks, type Said } from "./ranks.ts";

const lines = ({ code, out, err }: Said) => [code, err, ...out.trim().split("\n").sort()];
const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

describe("parallel", () => {
  (mayRun ? it : it.skip)("does alone what one rank does, without MPI", async () => {
    assertEquals(lines(await runAlone("collectives_program.ts")), [0, "", "rank 0 of 1 is right"]);
  });
  for (const mpi of MPIS) {
    for (const ranks of mpi.name === "MPICH" ? [2, 3] : [2]) {
      (mpi.there ? it : it.skip)(`reduces, gathers and copies on ${ranks} ranks of ${mpi.name}`, async () => {
        const said = Array.from({ length: ranks }, (_, rank) => `rank ${rank} of ${ranks} is right`);
        assertEquals(lines(await runRanks(mpi, ranks, "collectives_program.ts")), [0, "", ...said]);
      });
    }
  }
});
