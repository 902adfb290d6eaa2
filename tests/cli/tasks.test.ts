import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { benchRun, flagsFor, takeParallel, TASKS } from "../../.ci/task.ts";
import { ALONE, ANY_BACK_END, HARNESS, mustBeAlone, testRuns } from "../../.ci/test_runs.ts";
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);
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

describe("takeParallel()", () => {
  it("takes --parallel and its number out of a command line", () => {
    const take = (...args: string[]) => Object.values(takeParallel(args, 8));
    assertEquals(take("--epochs", "1"), [null, ["--epochs", "1"]]);
    assertEquals(take("--epochs", "1", "--parallel", "2", "--json"), [2, ["--epochs", "1", "--json"]]);
    assertEquals([take("--parallel=3"), take("--parallel", "--json"), take("--parallel")], [
      ...[[3, []], [8, ["--json"]], [8, []]],
    ]);
    assertThrows(() => take("--parallel", "some"), RangeError, "Cannot train on some ranks: give --parallel 2");
  });
});

describe("flagsFor()", () => {
  it("lets a task write where its command line says, outside of the folder too", () => {
    const write = (...args: string[]) => flagsFor(["run", "--allow-write=."], args)[1];
    assertEquals(write("a.csv"), "--allow-write=.");
    assertEquals(write("a.csv", "--out", "/tmp/b/m.safetensors"), "--allow-write=.,/tmp/b");
    assertEquals(write("--out=../m", "--checkpoints", "/runs/a,b"), "--allow-write=.,..,/runs/a,,b");
    assertEquals([write("--out", "m"), write("--out", "/m"), write("--out")], [
      ...["--allow-write=.,.", "--allow-write=.,/", "--allow-write=."],
    ]);
  });
  it("lets a task serve a page where --watch asks for one, and not otherwise", () => {
    const net = (...args: string[]) =>
      flagsFor(TASKS.train({ cache: "", data: "", temp: "", deno: "" }), args)
        .filter((word) => word.startsWith("--allow-net=") && word.endsWith(",127.0.0.1")).length;
    assertEquals([net("--epochs", "1"), net("--watch")], [0, 1]);
    assertEquals(flagsFor(["run", "--allow-read"], ["--watch"]), ["run", "--allow-net=127.0.0.1", "--allow-read"]);
  });
  it("grants nothing to a task that writes nothing", () => {
    assertEquals(flagsFor(["run", "--allow-read"], ["--out", "/tmp/m"]), ["run", "--allow-read"]);
  });
});

describe("benchRun()", () => {
  const exists = (path: string) => path === "bench/ops.bench.ts";
  it("times the networks where no file is named, and runs the measurements in those that are", () => {
    assertEquals(benchRun(PLACES, ["--json"], exists), TASKS.bench(PLACES));
    assertEquals(benchRun(PLACES, ["bench/ops.bench.ts"], exists).slice(0, 2), ["bench", "--no-prompt"]);
  });
});

describe("testRuns()", () => {
  const exists = (path: string) => path === "tests/a.test.ts";
  const runs = (...args: string[]) => testRuns(["test", "--doc", "-A"], args, exists);
  it("runs all files but the harness and those that must be alone at the same time, and then those", () => {
    assertEquals(runs("--filter", "a b"), [
      [
        "test",
        "--doc",
        "-A",
        "--no-check",
        "--parallel",
        `--ignore=${[HARNESS, ...ALONE].join(",")}`,
        "--filter",
        "a b",
      ],
      ["test", "-A", "--no-check", "--filter", "a b", ...ALONE],
    ]);
  });
  it("runs what is named in one", () => {
    assertEquals(runs("tests/a.test.ts", "--quiet"), [["test", "--doc", "-A", "tests/a.test.ts", "--quiet"]]);
  });
  it("leaves out of the second run, too, what is to be ignored", () => {
    const [, second] = runs("--ignore=tests/core,tests/a.ts");
    assertEquals(second.slice(4), ALONE.filter((path) => !path.startsWith("tests/core/")));
  });
  it("gives the second run a report of its own, however the first is named", () => {
    const [apart, joined] = [runs("--junit-path", "/x.xml"), runs("--junit-path=/x.xml")].map(([, second]) => second);
    assertEquals([apart[4], joined[3]], ["/x.alone.xml", "--junit-path=/x.alone.xml"]);
  });
});

describe("ALONE", () => {
  it("names the tests that measure how long the event loop is held, or set what the process has in common", () => {
    const found = testFiles("tests").filter((path) => mustBeAlone(Deno.readTextFileSync(new URL(path, ROOT))));
    assertEquals(found.toSorted(), ALONE);
  });
});

describe("ANY_BACK_END", () => {
  it("names files and folders that are there", async () => {
    for (const path of ANY_BACK_END.flatMap(([, ...paths]) => paths)) await Deno.stat(new URL(path, ROOT));
  });
});

function testFiles(folder: string): string[] {
  return Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? testFiles(path) : path.endsWith(".test.ts") ? [path] : [];
  });
}
