import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import * as house from "../../.ci/house.ts";

/** A rule's complaints about files given as `path: text`. */
function complaints(rule: house.Rule, bad: Record<string, string>): string[] {
  return rule(new Map(Object.entries(bad)));
}

describe("runtimesAreNamed()", () => {
  it("refuses Deno, process and Node's modules, also where they are loaded late", () => {
    const bad = {
      "core/a.ts": "Deno.cwd();",
      "layers/a.ts": 'if (typeof Deno === "undefined") f();',
      "datasets/a.ts": 'await import("node:fs");',
      "backward/a.ts": 'import { cpus } from "node:os";',
      "mod.ts": "process.exit(1);",
    };
    assertEquals(complaints(house.runtimesAreNamed, bad).length, 5);
  });
  it("accepts the named places, comments, texts, tests, and a process of one's own", () => {
    const good = {
      "core/host/a.ts": 'import "node:fs"; Deno.cwd();',
      "core/backend/native/a.ts": "Deno.cwd();",
      "core/a.ts": '// Deno.cwd()\nthrow Error("see Deno.readFile()"); symbols["Deno.customInspect"]; task.process.id;',
      "tests/a.ts": "Deno.cwd();",
    };
    assertEquals(complaints(house.runtimesAreNamed, good), []);
  });
});

describe("nothingIsDeclaredByUsing()", () => {
  it("refuses it in a room, and accepts it in tests and in words", () => {
    const found = complaints(house.nothingIsDeclaredByUsing, {
      "core/a.ts": "using file = open();",
      "layers/a.ts": "await using file = open();",
      "tests/a.ts": "using file = open();",
      "core/b.ts": "// using it = well\nconst using = 1;",
    });
    assertEquals(found.length, 2);
  });
});
