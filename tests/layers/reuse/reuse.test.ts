import { assertEquals } from "@std/assert";
import { afterAll, describe, it } from "../../bdd.ts";
import { backendName } from "@gradus/gradus";
import { setReuse } from "../../../core/memory/pool.ts";
import { runProgram } from "./random_program.ts";

/** Each is run without reuse and with it, three of four with released memory spoilt at once, so that nothing stays right by luck. */
const PROGRAMS = backendName() === "native" ? 10_000 : 2_000;
const BLOCK = 500;

describe("memory that is used again", () => {
  afterAll(() => setReuse("on"));

  for (let from = 0; from < PROGRAMS; from += BLOCK) {
    it(`changes no bit that programs ${from} to ${from + BLOCK - 1} can see`, async () => {
      for (let seed = from; seed < from + BLOCK; seed++) {
        setReuse("off");
        const unreused = await runProgram(seed);
        setReuse(seed % 4 === 0 ? "on" : "spoil");
        const reused = await runProgram(seed);
        const differs = unreused.findIndex((line, i) => line !== reused[i]);
        assertEquals(differs, -1, `program ${seed}: ${unreused[differs]} became ${reused[differs]}`);
      }
    });
  }
});
