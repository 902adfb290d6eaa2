import { assertEquals } from "@std/assert";
import { describe, it } from "./bdd.ts";
import { granted } from "../core/host/host.ts";

const BDD = "@std/testing/bdd";
const ROOT = new URL("../", import.meta.url);

/** The stand-in, or the real package: what is expected of one is expected of the other. */
const config = import.meta.resolve(BDD).startsWith("file:") ? "deno.std.json" : "deno.json";

/** What a file of tests prints, a line each, and whether it passes. */
async function outcome(body: string): Promise<{ passes: boolean; printed: string[] }> {
  const file = await Deno.makeTempFile({ suffix: ".test.ts" });
  try {
    const imports = "afterAll, afterEach, beforeAll, beforeEach, describe, it";
    await Deno.writeTextFile(
      file,
      `import { ${imports} } from "${BDD}";\nconst say = (text: string) => console.log("said " + text);\n${body}`,
    );
    const args = ["test", "--no-check", "--no-prompt", "--allow-read", `--config=${config}`, file];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env: { NO_COLOR: "1" } })
      .output();
    const said = new TextDecoder().decode(stdout);
    const verdict = /^(ok|FAILED) \| /m.exec(said)?.[1];
    if (verdict === undefined) throw new Error(`No test ran: ${new TextDecoder().decode(stderr)}`);
    return { passes: verdict === "ok", printed: [...said.matchAll(/^said (.*)$/gm)].map(([, text]) => text) };
  } finally {
    await Deno.remove(file);
  }
}

const itRuns = granted({ name: "run", command: Deno.execPath() }) ? it : it.skip;

const OPEN = `await Deno.open("deno.json");`;

describe("describe()", () => {
  itRuns("lets no test of a group leave open what the group is not told it may", async () => {
    const body = `describe("a", () => { it("b", { sanitizeResources: false }, async () => { ${OPEN} }); });`;
    assertEquals((await outcome(body)).passes, false);
  });
  itRuns("lets a group that is told so leave something open", async () => {
    const body =
      `describe("a", { sanitizeResources: false }, () => { it("b", { sanitizeResources: false }, async () => { ${OPEN} }); });`;
    assertEquals((await outcome(body)).passes, true);
  });
  itRuns("takes no permissions from a test inside a group", async () => {
    assertEquals(
      (await outcome(`describe("a", () => { it("b", { permissions: { read: false } }, () => {}); });`)).passes,
      false,
    );
  });
  itRuns("takes them from the group", async () => {
    const body = `describe("a", { permissions: { read: false } }, () => {
      it("b", () => say(String(Deno.permissions.querySync({ name: "read" }).state === "granted"))); });`;
    assertEquals(await outcome(body), { passes: true, printed: ["false"] });
  });
  itRuns("takes no promise", async () => {
    assertEquals((await outcome(`describe("a", (async () => {}) as () => void);`)).passes, false);
  });
  itRuns("runs the hooks around each test, those of the outer group outside", async () => {
    const body = `const hooks = (at: string) => {
        beforeAll(() => say("beforeAll " + at)); afterAll(() => say("afterAll " + at));
        beforeEach(() => say("beforeEach " + at)); afterEach(() => say("afterEach " + at));
      };
      describe("a", () => { hooks("a"); it("one", () => say("one"));
        describe("b", () => { hooks("b"); it("two", () => { say("two"); throw new Error("no"); }); }); });`;
    assertEquals(await outcome(body), {
      passes: false,
      printed: [
        ...["beforeAll a", "beforeEach a", "one", "afterEach a", "beforeAll b", "beforeEach a", "beforeEach b", "two"],
        ...["afterEach b", "afterEach a", "afterAll b", "afterAll a"],
      ],
    });
  });
  itRuns("does not clean up after a hook that failed to prepare", async () => {
    const body = `describe("a", () => { beforeEach(() => { throw new Error("no"); });
      afterEach(() => say("after")); it("b", () => say("b")); });`;
    assertEquals(await outcome(body), { passes: false, printed: [] });
  });
  itRuns("runs what is marked only, and its group", async () => {
    const body =
      `describe("a", () => { it("b", () => say("b")); describe("c", () => { it.only("d", () => say("d")); }); });
      describe("e", () => { it("f", () => say("f")); });`;
    assertEquals((await outcome(body)).printed, ["d"]);
  });
  itRuns("skips what is marked so, and says nothing of its insides", async () => {
    const body = `describe.skip("a", () => { say("described"); it("b", () => say("b")); });
      describe("c", () => { it.skip("d", () => say("d")); it("e", () => say("e")); });`;
    assertEquals(await outcome(body), { passes: true, printed: ["e"] });
  });
});

describe("it()", () => {
  itRuns("cannot be called in a test", async () => {
    assertEquals((await outcome(`it("a", () => { it("b", () => {}); });`)).passes, false);
  });
});

describe("afterEach()", () => {
  itRuns("outside every group is for all tests of a file, and stands before them", async () => {
    const early =
      `afterEach(() => say("after")); it("a", () => say("a")); describe("b", () => it("c", () => say("c")));`;
    assertEquals(await outcome(early), { passes: true, printed: ["a", "after", "c", "after"] });
    assertEquals((await outcome(`it("a", () => {}); afterEach(() => {});`)).passes, false);
  });
});
