import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { withFileLock } from "../../../datasets/download/download.ts";
import { inFolder } from "../../core/io/in_folder.ts";

describe("withFileLock()", () => {
  it("withFileLock() lets one task end before the next begins", () =>
    inFolder(async (folder) => {
      const log: string[] = [];
      const task = async (name: string) => {
        log.push(`${name} begins`);
        for (let turn = 0; turn < 20; turn++) await Deno.stat(folder); // lets the other one in, if it could
        log.push(`${name} ends`);
      };
      await Promise.all(["a", "b", "c"].map((name) => withFileLock(`${folder}/lock`, () => task(name))));
      const order = log.filter((_, i) => i % 2 === 0).map((line) => line[0]);
      assertEquals(log, order.flatMap((name) => [`${name} begins`, `${name} ends`]));
    }));

  it("withFileLock() gives what the task gives", () =>
    inFolder(async (folder) => assertEquals(await withFileLock(`${folder}/lock`, () => Promise.resolve(7)), 7)));

  it("withFileLock() unlocks after a task that throws", () =>
    inFolder(async (folder) => {
      await assertRejects(() => withFileLock(`${folder}/lock`, () => Promise.reject(new Error("no"))), Error, "no");
      assertEquals(await withFileLock(`${folder}/lock`, () => Promise.resolve(7)), 7);
    }));
});
