import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { mayRun, runScript } from "./run_script.ts";

describe("--require-permissions", () => {
  (mayRun ? it : it.skip)("names at once all that one use is missing", async () => {
    const said = await runScript("train", ["--allow-read"], "--require-permissions");
    assertEquals(
      said.err.replace(/ \(or .*\n/, ""),
      [
        "error: Cannot read GRADUS_BACKEND and GRADUS_THREADS: no env permission,",
        "add --allow-env=GRADUS_BACKEND,GRADUS_THREADS",
      ].join(" "),
    );
  });
});
