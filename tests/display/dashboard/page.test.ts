import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { beforeAll, describe, it } from "../../bdd.ts";
import { decode, mayRun, ROOT } from "../../cli/run_script.ts";
import { runs } from "../../everywhere/programs.ts";
import type { Found } from "./visit_dashboard.ts";

/** Where Chromium is, or `null`. */
function chromium(): string | null {
  if (!mayRun || !runs("chromium")) return null;
  const paths = (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/chromium`);
  return paths.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  }) ?? null;
}

const path = chromium();
const name = path === null ? "the live page (skipped: no chromium is on PATH)" : "the live page";

(path === null ? describe.skip : describe)(name, () => {
  let found: Found;
  beforeAll(async () => {
    const args = ["run", "-q", "-A", "--no-check", "tests/display/dashboard/visit_dashboard.ts", path!];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" })
      .output();
    assert(success, decode(stderr));
    found = JSON.parse(decode(stdout));
  });

  it("lets curves grow while a run trains, and shows gradients by layer and the worst mistakes", () => {
    assertGreater(found.watched.grown, 10);
    assertEquals(found.watched.rows, 6); // two layers and a norm, with weight and bias each
    assertStringIncludes(found.watched.mistakes!, "taken for");
  });
  it("lays written runs over this one, and hides one at a click", () => {
    assertEquals(found.watched.runs.slice(1), ["one (3)", "two <b> (3)"]);
    assertEquals(found.watched.left, "2");
  });
  it("pauses, goes on, scales the rate and stops after the epoch, within a second", () => {
    const { paused, stood, resumed, stopping } = found.watched;
    assert(stood);
    for (const milliseconds of [paused, resumed, stopping]) assertLess(milliseconds, 1000);
  });
  it("makes text of the names of runs, classes and layers, and never HTML", () => {
    assertEquals(found.watched.images, 0);
    assertStringIncludes(found.watched.title, "<img src=x");
    assertStringIncludes(found.watched.mistakes!, "<img src=x");
  });
  it("asks nothing of anybody but its own server, and has no complaints", () => {
    assertEquals([found.elsewhere, found.complaints], [[], []]);
  });
  it("shows runs from their files alone", () => {
    assertEquals(found.files, { runs: ["one (3)", "two <b> (3)"], state: "Runs from their files", hidden: true });
  });
  it("is no wider than its window, at 390 and 1280 pixels", () => {
    assertEquals(found.widths, [0, 0]);
  });
});
