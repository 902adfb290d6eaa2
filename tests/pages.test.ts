import { describe, it } from "./bdd.ts";
import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import type { Rule } from "../.ci/house.ts";
import * as rules from "../.ci/pages.ts";

const ROOT = new URL("../", import.meta.url);

/** The texts of a room, by their paths from the root. */
function readRoom(folder: string): [path: string, text: string][] {
  return Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap(({ name, isDirectory, isFile }) => {
    const path = folder === "./" ? name : `${folder}/${name}`;
    if (isDirectory && folder !== "./") return readRoom(path);
    return isFile && /\.(md|ts|c|h)$/.test(name) ? [[path, Deno.readTextFileSync(new URL(path, ROOT))]] : [];
  });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path, ROOT));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const ROOMS = ["./", "core", "backward", "layers", "datasets", "display", "cli", "bench", "tests", "examples", ".ci"];
const files = new Map(ROOMS.flatMap(readRoom));
const pages = new Map([...files].filter(([path]) => path.endsWith(".md")));

/** A rule's complaints about files given as `path: text`. */
function complaints(rule: Rule, texts: Record<string, string>): string[] {
  return rule(new Map(Object.entries(texts)));
}

describe("the pages", () => {
  it("are read: the rules below judge files that are there", () => {
    assertEquals(["README.md", "CHANGELOG.md", "bench/README.md"].filter((page) => !pages.has(page)), []);
  });
  it("link to files and headings that are there", () => {
    assertEquals(rules.linksLeadSomewhere(exists)(pages), []);
  });
  it("link names to files that have them", () => {
    assertEquals(rules.linkedNamesAreThere(files), []);
  });
  it("draw files and functions that are there", () => {
    assertEquals(rules.diagramsAreTrue(exists)(files), []);
  });
});

/** The names of the functions and classes in a module, and in the namespaces that it exports. */
function functionsIn(module: object): string[] {
  return Object.entries(module).flatMap(([name, value]) => {
    if (typeof value === "function") return [name];
    return Object.prototype.toString.call(value) === "[object Module]" ? functionsIn(value) : [];
  });
}

describe("the entry points", () => {
  it("have a module doc each, with an example that runs", () => {
    assertEquals(rules.entryPointsAreDocumented(config.name, config.exports)(files), []);
  });
  it("have no function and no class that no test names", async () => {
    const tests = [...files].filter(([path]) => path.startsWith("tests/") && !path.startsWith("tests/wrong_calls/"));
    const named = new Set(tests.flatMap(([, text]) => text.match(/\w+/g)));
    const untested = Object.values(config.exports).map(async (path) =>
      functionsIn(await import(new URL(path, ROOT).href)).filter((name) => !named.has(name)).map((name) =>
        `${path}: ${name}`
      )
    );
    assertEquals((await Promise.all(untested)).flat(), []);
  });
});

describe("entryPointsAreDocumented()", () => {
  const rule = rules.entryPointsAreDocumented("@a/b", { ".": "./mod.ts", "./nn": "./layers/nn.ts" });
  const fence = "```";
  const doc = (specifier: string, mark = "ts", body = "assertEquals(1, 1);", tag = "@module") =>
    `/**\n * What it is.\n *\n * @example\n * ${fence}${mark}\n * import { x } from "${specifier}";\n * ${body}\n * ${fence}\n * ${tag}\n */\n`;
  const good = { "mod.ts": doc("@a/b"), "layers/nn.ts": doc("@a/b/nn") };

  it("accepts docs whose examples import their own entry points and assert", () => {
    assertEquals(complaints(rule, good), []);
  });
  it("accepts a fence that runs after another tag's text", () => {
    assertEquals(
      complaints(rule, { ...good, "mod.ts": doc("@a/b").replace("@example", "@example It runs\n * Says so.") }),
      [],
    );
  });
  it("refuses a file that is not there, one without a doc, and a doc that is not of the module", () => {
    assertEquals(complaints(rule, { "layers/nn.ts": "export {};" }), [
      "mod.ts has no module doc: begin it with /** … @module */",
      "layers/nn.ts has no module doc: begin it with /** … @module */",
    ]);
    assertEquals(complaints(rule, { ...good, "mod.ts": doc("@a/b", "ts", "assert(1)", "") }).length, 1);
  });
  it("refuses a doc that stands further below", () => {
    assertEquals(complaints(rule, { ...good, "mod.ts": `export {};\n${doc("@a/b")}` }).length, 1);
  });
  it("refuses a doc without an example, and one that is marked not to run", () => {
    const bad = { "mod.ts": "/**\n * What it is.\n * @module\n */", "layers/nn.ts": doc("@a/b/nn", "ts ignore") };
    assertEquals(complaints(rule, bad).map((text) => text.split(":")[1]), [
      " its module doc has no example that runs",
      " its module doc has no example that runs",
    ]);
  });
  it("refuses an example that imports another entry point, or asserts nothing", () => {
    assertEquals(complaints(rule, { "mod.ts": doc("@a/b", "ts", "x();"), "layers/nn.ts": doc("@a/b") }), [
      "mod.ts: its example asserts nothing",
      "layers/nn.ts: its example does not import @a/b/nn",
    ]);
  });
});

describe("linksLeadSomewhere()", () => {
  const rule = rules.linksLeadSomewhere((path) => ["core", "core/a.ts", "README.md", "bench/README.md"].includes(path));

  it("accepts files, folders, pages of the web and headings, relative to their page", () => {
    const good = {
      "README.md":
        "# A room, `b` & c\n[a](core/a.ts) [b](core/) [c](https://x.y/z) [d](bench/README.md#how-it-is) [e](#a-room-b--c)",
      "bench/README.md": "## How it is\n[`up`](../core/a.ts)\n\n[down]: ../README.md",
    };
    assertEquals(complaints(rule, good), []);
  });
  it("refuses a file that is not there, by each way to link", () => {
    const bad = { "README.md": "[a](core/b.ts) [`b`](<core/c.ts>) [![c](d.png)](core/d.ts)\n\n[e]: core/e.ts" };
    assertEquals(complaints(rule, bad).length, 4);
  });
  it("refuses a path that is right from another page only, and one that leaves the project", () => {
    assertEquals(complaints(rule, { "bench/README.md": "[a](core/a.ts) [b](../../b.ts)" }).length, 2);
  });
  it("refuses a heading that is not there, and an anchor in source", () => {
    const bad = { "README.md": "# A\n[a](#b) [c](core/a.ts#L3)\n```\n# b\n```\n" };
    assertEquals(complaints(rule, bad).length, 2);
  });
  it("overlooks what code says", () => {
    assertEquals(complaints(rule, { "README.md": "`[a](b.ts)`\n```ts\nx[0](y);\n```\n" }), []);
  });
});

describe("linkedNamesAreThere()", () => {
  const check = (page: string) =>
    complaints(rules.linkedNamesAreThere, { "README.md": page, "core/a.ts": "function add() {}" });

  it("accepts names that stand in the file, also with a prefix or arguments, and links that name none", () => {
    assertEquals(check("[`add`](core/a.ts) [`x.add(1)`](core/a.ts) [`a.ts`](core/a.ts) [addition](core/a.ts)"), []);
  });
  it("refuses a name that does not, or only as a part of another", () => {
    assertEquals(check("[`sub()`](core/a.ts) [`ad`](core/a.ts)"), [
      "README.md says that core/a.ts has sub: it has not",
      "README.md says that core/a.ts has ad: it has not",
    ]);
  });
});

describe("diagramsAreTrue()", () => {
  const rule = rules.diagramsAreTrue((path) => path === "core/a.ts");
  const check = (line: string) =>
    complaints(rule, {
      "README.md": `\`\`\`mermaid\nflowchart TD\n${line}\n\`\`\`\n`,
      "core/a.ts": "function add() {}",
    });

  it("accepts functions in their files, and a label without a file", () => {
    assertEquals(check('a["add()<br>core/a.ts"] --> b["sub()"]'), []);
    assertEquals(check('b["C = A · B"]'), []);
  });
  it("refuses a file that is not there, and a function that is not in its file", () => {
    assertEquals(check('a["add()<br>core/b.ts"]'), ["README.md draws core/b.ts: there is no such file"]);
    assertEquals(check('a["mul()<br>core/a.ts"]'), ["README.md draws mul() in core/a.ts: it is not there"]);
  });
});
