import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { TASKS } from "../../.ci/task.ts";
import config from "../../deno.json" with { type: "json" };

const PLACES = { cache: "cache", data: "data", temp: "temp", deno: "deno" };

describe("tasks", () => {
  for (const [name, { command }] of Object.entries(config.tasks)) {
    it(`deno task ${name} is printed on one line of a terminal before it begins`, () => {
      assert(`Task ${name} ${command}`.length <= 80, command);
    });
  }
  it("every task that .ci/task.ts runs is one of deno.json, and the other way round", () => {
    const run = Object.entries(config.tasks).filter(([, { command }]) => command.includes(".ci/task.ts"));
    assertEquals(
      run.map(([name, { command }]) => [name, command.split(" ").at(-1)]),
      run.map(([name]) => [name, name]),
    );
    assertEquals(run.map(([name]) => name).toSorted(), [...Object.keys(TASKS), "vendor"].toSorted());
  });
  it("every script that a task runs is there", async () => {
    for (const words of Object.values(TASKS).map((task) => task(PLACES))) {
      for (const script of words.filter((word) => word.endsWith(".ts")).map((word) => word.replace("--preload=", ""))) {
        assert((await Deno.stat(new URL(`../../${script}`, import.meta.url))).isFile, script);
      }
    }
  });
});
