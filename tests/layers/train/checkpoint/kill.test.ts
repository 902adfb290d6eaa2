import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { inFolder } from "../../../core/io/in_folder.ts";
import { killAndResume, trainAndKill } from "./killed_run.ts";

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

describe("Learner", () => {
  (mayRun ? it : it.skip)(
    "fit() ends with the same bits after 20 kills at random moments, and no checkpoint is torn",
    () =>
      inFolder(async (folder) => {
        const { hash } = await trainAndKill(`${folder}/whole`);
        const { kills, hashes, complaints } = await killAndResume(folder, 20, 5, 120);
        assertEquals(complaints, []);
        assertEquals([kills >= 20, hashes.length > 0, [...new Set(hashes)]], [true, true, [hash]]);
      }),
  );
});
