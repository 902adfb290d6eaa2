import { describe, it } from "./bdd.ts";
import { assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import * as house from "../.ci/house.ts";
import { importsOf } from "../.ci/source.ts";

const ROOT = new URL("../", import.meta.url);
const ROOMS = ["core", "backward", "layers", "datasets", "display", "cli", "bench", "tests", "examples"];

/** The entry points, and the scripts that generate files. */
const ENTRIES = [
  ...Object.values(config.exports).map((path) => path.slice(2)),
  "core/kernels/build.ts",
  "display/explain/build.ts",
  "display/dashboard/build.ts",
  "display/dashboard/page/page.ts",
];

/** Each with the reason why splitting it would make it worse. */
const LONG_FILES: house.LongFiles = {
  "layers/train/learner.ts": [430, "one class: a run from its epochs down to a step, read from top to bottom"],
  "core/tensor.ts": [490, "one class, whose methods are the vocabulary of the library"],
};

function readRoom(folder: string): [path: string, text: string][] {
  return Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return readRoom(path);
    return /\.(ts|c|h)$/.test(name) ? [[path, Deno.readTextFileSync(new URL(path, ROOT))]] : [];
  });
}

/** The paths git tracks, or `null` where there is no git or no repository. */
function trackedPaths(): string[] | null {
  if (Deno.permissions.querySync({ name: "run", command: "git" }).state !== "granted") return null;
  try {
    const { success, stdout } = new Deno.Command("git", { args: ["ls-files", "-z"], cwd: ROOT }).outputSync();
    return success ? new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "") : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const rooms = Array.from(Deno.readDirSync(ROOT), ({ name }) => name).filter((name) => ROOMS.includes(name));
const files: house.Files = new Map([...rooms.flatMap(readRoom), [
  "mod.ts",
  Deno.readTextFileSync(new URL("mod.ts", ROOT)),
]]);
const tracked = trackedPaths();

/** A rule's complaints about files given as `path: text`. */
function complaints(rule: house.Rule, bad: Record<string, string>): string[] {
  return rule(new Map(Object.entries(bad)));
}

describe("the house", () => {
  it("is read: the rules below judge files that are there", () => {
    assertEquals([files.has("core/dtype.ts"), files.has("tests/house.test.ts")], [true, true]);
  });
  it("imports one way: core → backward → layers, datasets → core, all → display → cli", () => {
    assertEquals(house.importsGoOneWay(files), []);
  });
  it("loads nothing of display/ with the main module", () => {
    const targets = importsOf("mod.ts", files.get("mod.ts")!).map(({ target }) => target);
    assertEquals([targets.includes("core/tensor.ts"), targets.filter((path) => path.startsWith("display/"))], [
      true,
      [],
    ]);
  });
  it("lets a stage of layers/ import only lower stages", () => {
    assertEquals(house.stagesImportLowerStages(files), []);
  });
  it("imports no values in a circle", () => {
    assertEquals(house.valuesGoInNoCircle(files), []);
  });
  it("reaches every module of the library from an entry point", () => {
    assertEquals(house.everyModuleIsReached(ENTRIES)(files), []);
  });
  it("uses entry points in commands", () => {
    assertEquals(house.commandsUseEntryPoints(ENTRIES)(files), []);
  });
  it("lets nobody import mod.ts but tests, examples and bench", () => {
    assertEquals(house.onlyOutsidersImportMod(files), []);
  });
  it("uses the public interface in examples, and beside what they measure in measurements", () => {
    assertEquals(house.outsidersUseThePublicInterface(files), []);
  });
  it("calls dlopen in two files only, that of the kernel and that of MPI", () => {
    assertEquals(house.onlyNativeOpensLibraries(files), []);
  });
  it("speaks of one runtime in named places only", () => {
    assertEquals(house.runtimesAreNamed(files), []);
  });
  it("declares nothing by using in what is shipped", () => {
    assertEquals(house.nothingIsDeclaredByUsing(files), []);
  });
  it("lets every test find the back ends open", () => {
    assertEquals(house.testsFindBackEndsOpen(files), []);
  });
  it("has no utils.ts", () => {
    assertEquals(house.noUtils(files), []);
  });
  it("names its files in snake_case", () => {
    assertEquals(house.namesAreSnakeCase(files), []);
  });
  it("has no default exports", () => {
    assertEquals(house.noDefaultExports(files), []);
  });
  it("has no long file without a reason", () => {
    assertEquals(house.filesAreShort(LONG_FILES)(files), []);
  });
  (tracked ? it : it.skip)("holds nothing at its top level but the rooms and the usual files", () => {
    assertEquals(house.topLevelIsNamed(new Map(tracked!.map((path) => [path, ""]))), []);
  });
});

describe("importsOf()", () => {
  const targets = (text: string, path = "core/x.ts") => importsOf(path, text).map(({ target }) => target);
  const values = (text: string) => importsOf("core/x.ts", text).filter(({ types }) => !types).length;

  it("finds static imports, re-exports, dynamic imports and imports for effect", () => {
    const text = 'import { a } from \'./a.ts\';\nexport * from "../b.ts";\nawait import(`./c.ts`);\nimport "./d.ts";\n';
    assertEquals(targets(text, "core/ops/x.ts"), ["core/ops/a.ts", "core/b.ts", "core/ops/c.ts", "core/ops/d.ts"]);
  });
  it("finds imports of types and imports over several lines", () => {
    const text =
      'import type { A } from "./a.ts";\nexport {\n  b,\n  type C,\n} from "./b.ts";\nlet d: import("./d.ts").D;\n';
    assertEquals(targets(text), ["core/a.ts", "core/b.ts", "core/d.ts"]);
  });
  it("finds default and namespace imports, also without spaces or after a declaration that ends in a brace", () => {
    const text =
      'class A {}\nimport b from "./b.ts";import*as c from"./c.ts";import d, { e } from "./d.ts";export * as f from "./f.ts"';
    assertEquals(targets(text), ["core/b.ts", "core/c.ts", "core/d.ts", "core/f.ts"]);
  });
  it("finds an import with attributes, and one of a name in quotes", () => {
    const text = 'import a from "./a.json" with { type: "json" };\nimport { "b-c" as b } from "./b.ts";';
    assertEquals(targets(text), ["core/a.json", "core/b.ts"]);
  });
  it("keeps bare specifiers as they are", () => {
    assertEquals(targets('import { zip } from "fflate";'), ["fflate"]);
  });
  it("overlooks what comments, examples and strings say", () => {
    assertEquals(
      targets('// import "./a.ts"\n/** import { b } from "./b.ts" */\nconst c = "import \'./c.ts\'";\n'),
      [],
    );
  });
  it("overlooks an export that is followed by a call of from()", () => {
    assertEquals(targets('export const a = Array.from("abc");'), []);
  });
  it("takes for types what is imported or exported by type alone", () => {
    const text = 'import type { A } from "./a.ts";\nimport type * as b from "./b.ts";\nimport type C from "./c.ts";\n' +
      'export type * from "./d.ts";\nexport type { E } from "./e.ts";\nimport { type F, type G } from "./f.ts";\n' +
      'export {\n  type H,\n} from "./h.ts";\n';
    assertEquals([targets(text).length, values(text)], [7, 0]);
  });
  it("takes for a value what is imported beside a type, as a default, as a namespace, for effect or dynamically", () => {
    const text =
      'import { a, type B } from "./a.ts";\nimport c, { type D } from "./c.ts";\nimport * as e from "./e.ts";\n' +
      'import "./f.ts";\nawait import("./g.ts");\nexport * from "./h.ts";\nimport {} from "./i.ts";\n' +
      'import { typed } from "./j.ts";\n';
    assertEquals([targets(text).length, values(text)], [8, 8]);
  });
});

describe("valuesGoInNoCircle()", () => {
  const [toA, toB, toC] = ["a", "b", "c"].map((name) => `import { x } from "./${name}.ts";`);

  it("refuses a circle of two files, and names it once", () => {
    assertEquals(complaints(house.valuesGoInNoCircle, { "core/b.ts": toA, "core/a.ts": toB }), [
      'core/a.ts → core/b.ts → core/a.ts: break this circle, or take types only by "import type"',
    ]);
  });
  it("refuses a file that imports itself", () => {
    assertEquals(complaints(house.valuesGoInNoCircle, { "core/a.ts": toA }).length, 1);
  });
  it("refuses a longer circle, reached from outside, over re-exports and dynamic imports", () => {
    const bad = {
      "core/x.ts": toA,
      "core/a.ts": 'export * from "./b.ts";',
      "core/b.ts": 'await import("./c.ts");',
      "core/c.ts": toA,
    };
    assertEquals(complaints(house.valuesGoInNoCircle, bad).map((text) => text.split(":")[0]), [
      "core/a.ts → core/b.ts → core/c.ts → core/a.ts",
    ]);
  });
  it("refuses each of two circles that share a file", () => {
    const bad = { "core/a.ts": toB + toC, "core/b.ts": toA, "core/c.ts": toA };
    assertEquals(complaints(house.valuesGoInNoCircle, bad).length, 2);
  });
  it("refuses a circle that a type stands beside a value in", () => {
    const bad = { "core/a.ts": 'import { type B, b } from "./b.ts";', "core/b.ts": toA };
    assertEquals(complaints(house.valuesGoInNoCircle, bad).length, 1);
  });
  it("accepts a circle that types close", () => {
    const good = {
      "core/a.ts": 'import type { B } from "./b.ts"; import { type C } from "./c.ts";',
      "core/b.ts": toA,
      "core/c.ts": `${toA} export type { A } from "./a.ts";`,
    };
    assertEquals(complaints(house.valuesGoInNoCircle, good), []);
  });
  it("accepts two ways to the same file", () => {
    assertEquals(
      complaints(house.valuesGoInNoCircle, { "core/a.ts": toB + toC, "core/b.ts": toC, "core/c.ts": "" }),
      [],
    );
  });
});

describe("importsGoOneWay()", () => {
  it("refuses core that imports backward, statically or not", () => {
    const bad = { "core/a.ts": 'import "../backward/tape.ts";', "core/b.ts": 'import("../backward/tape.ts")' };
    assertEquals(complaints(house.importsGoOneWay, bad), [
      "core/a.ts imports backward/tape.ts: core may import core only",
      "core/b.ts imports backward/tape.ts: core may import core only",
    ]);
  });
  it("refuses a re-export of layers in backward", () => {
    const bad = { "backward/a.ts": 'export { x } from "../layers/nn/layers.ts";' };
    assertEquals(complaints(house.importsGoOneWay, bad).length, 1);
  });
  it("refuses datasets that import layers", () => {
    assertEquals(complaints(house.importsGoOneWay, { "datasets/a.ts": 'import "../layers/a.ts";' }).length, 1);
  });
  it("refuses a room that imports tests", () => {
    assertEquals(complaints(house.importsGoOneWay, { "layers/a.ts": 'import "../tests/a.ts";' }).length, 1);
  });
  it("accepts layers that import core and backward, and tests that import everything", () => {
    const good = {
      "layers/nn/a.ts": 'import "../../core/a.ts"; import "../../backward/a.ts"; import "../optim/a.ts";',
      "tests/a.test.ts": 'import "../layers/a.ts"; import "../datasets/a.ts";',
    };
    assertEquals(complaints(house.importsGoOneWay, good), []);
  });
});

describe("stagesImportLowerStages()", () => {
  it("refuses a stage that imports its equal, a higher one, or nn/", () => {
    const bad = {
      "layers/02_classes.ts": 'import "./02_x.ts"; import "./03_layer_function.ts"; import "./nn/linear.ts";',
    };
    assertEquals(complaints(house.stagesImportLowerStages, bad).length, 3);
  });
  it("accepts a lower stage, and other rooms", () => {
    const good = { "layers/02_classes.ts": 'import "./01_functional.ts"; import "../backward/rules/linalg.ts";' };
    assertEquals(complaints(house.stagesImportLowerStages, good), []);
  });
});

describe("everyModuleIsReached()", () => {
  const rule = house.everyModuleIsReached(["mod.ts", "datasets/data.ts"]);
  const used = {
    "mod.ts": 'export * from "./core/a.ts";',
    "core/a.ts": 'import type { B } from "./b.ts";',
    "core/b.ts": "",
  };

  it("refuses a module that only a test imports, or only one that is not reached itself", () => {
    const bad = {
      "datasets/c.ts": 'import "./d.ts";',
      "datasets/d.ts": "",
      "tests/c.test.ts": 'import "../datasets/c.ts";',
    };
    assertEquals(complaints(rule, { ...used, ...bad }), [
      "datasets/c.ts is reached from no entry point: export what it has",
      "datasets/d.ts is reached from no entry point: export what it has",
    ]);
  });
  it("accepts what an entry point reaches over others, and files outside of the library", () => {
    assertEquals(complaints(rule, { ...used, "examples/e.ts": "", "bench/f.ts": "" }), []);
  });
});

describe("onlyOutsidersImportMod()", () => {
  it("refuses every name of the public face inside the house", () => {
    const bad = {
      "core/a.ts": 'import "../mod.ts";',
      "datasets/a.ts": 'import "@gradus/gradus";',
      "layers/a.ts": 'import "@gradus/gradus/io";',
    };
    assertEquals(complaints(house.onlyOutsidersImportMod, bad).length, 3);
  });
  it("accepts it in an example", () => {
    assertEquals(complaints(house.onlyOutsidersImportMod, { "examples/a.ts": 'import "@gradus/gradus";' }), []);
  });
});

describe("outsidersUseThePublicInterface()", () => {
  it("refuses an internal file, and the main module by its path", () => {
    const bad = {
      "examples/a.ts": 'import { granted } from "../core/host/host.ts";',
      "examples/b.ts": 'import type { Tensor } from "../mod.ts";',
      "bench/peers/a.ts": 'import { loadMnist } from "../../datasets/named/mnist.ts";',
    };
    assertEquals(complaints(house.outsidersUseThePublicInterface, bad).length, 3);
  });
  it("accepts public names, files beside, and verbs in a measurement", () => {
    const good = {
      "examples/a.ts": 'import { tensor } from "@gradus/gradus";\nimport "../cli/command_line.ts";',
      "bench/a.ts": 'import { openNative } from "../core/backend/native/native.ts";',
    };
    assertEquals(complaints(house.outsidersUseThePublicInterface, good), []);
  });
});

describe("commandsUseEntryPoints()", () => {
  const rule = house.commandsUseEntryPoints(["layers/train/train.ts"]);
  it("refuses a file inside a room", () => {
    assertEquals(complaints(rule, { "cli/a.ts": 'import { Learner } from "../layers/train/learner.ts";' }).length, 1);
  });
  it("accepts an entry point, mod.ts and the core", () => {
    const text = 'import "../layers/train/train.ts"; import "../mod.ts"; import "../core/host/files.ts";';
    assertEquals(complaints(rule, { "cli/a.ts": text }), []);
    assertEquals(complaints(house.onlyOutsidersImportMod, { "cli/a.ts": text }), []);
  });
});

describe("onlyNativeOpensLibraries()", () => {
  it("refuses another file that calls dlopen, also under a name of its own", () => {
    const bad = { "bench/a.ts": 'Deno.dlopen("x", {});', "core/a.ts": "const { dlopen } = Deno;" };
    assertEquals(complaints(house.onlyNativeOpensLibraries, bad).length, 2);
  });
  it("accepts open_library.ts, and a comment or message elsewhere", () => {
    const good = {
      "core/backend/native/open_library.ts": 'Deno.dlopen("x", {});',
      "core/a.ts": '// dlopen\nthrow Error("dlopen");',
    };
    assertEquals(complaints(house.onlyNativeOpensLibraries, good), []);
  });
});

describe("testsFindBackEndsOpen()", () => {
  it("refuses a test that imports std's module itself", () => {
    const bad = {
      "tests/a.test.ts": 'import { it } from "@std/testing/bdd";',
      "tests/b.test.ts": 'import "./bdd.ts";',
    };
    assertEquals(complaints(house.testsFindBackEndsOpen, bad).length, 1);
  });
  it("accepts the module that opens them", () => {
    const good = { "tests/bdd.ts": 'export { it } from "@std/testing/bdd";' };
    assertEquals(complaints(house.testsFindBackEndsOpen, good), []);
  });
});

describe("the rules for files", () => {
  it("refuse utils.ts in any room", () => {
    assertEquals(complaints(house.noUtils, { "core/io/utils.ts": "", "core/shape.ts": "" }).length, 1);
  });
  it("refuse a name in capitals or with a hyphen", () => {
    const bad = { "core/Tensor.ts": "", "core/cache-dir.ts": "", "core/host/host.ts": "", "tests/a_b.test.ts": "" };
    assertEquals(complaints(house.namesAreSnakeCase, bad).length, 2);
  });
  it("refuse a default export in both forms", () => {
    const bad = {
      "core/a.ts": "export default 1;",
      "core/b.ts": "export { b as default };",
      "core/c.ts": '"export default"',
    };
    assertEquals(complaints(house.noDefaultExports, bad).length, 2);
  });
  it("refuse an entry of the top level that is not a room", () => {
    assertEquals(complaints(house.topLevelIsNamed, { "src/a.ts": "", "core/a.ts": "", "notes.md": "" }), [
      "src stands at the top level: put it in a room",
      "notes.md stands at the top level: put it in a room",
    ]);
  });
});

describe("filesAreShort()", () => {
  const lines = (count: number) => "\n".repeat(count);
  it("refuses TypeScript past 400 lines and C past 600", () => {
    const bad = { "core/a.ts": lines(401), "core/b.c": lines(601), "tests/e.test.ts": lines(401) };
    assertEquals(complaints(house.filesAreShort({}), bad).length, 3);
  });
  it("accepts files of exactly these lengths", () => {
    const good = { "core/c.ts": lines(400), "core/d.c": lines(600), "tests/f.test.ts": lines(400) };
    assertEquals(complaints(house.filesAreShort({}), good), []);
  });
  it("accepts a longer file that is listed with its reason, up to its own limit", () => {
    const rule = house.filesAreShort({ "core/a.ts": [500, "one class"] });
    assertEquals([
      complaints(rule, { "core/a.ts": lines(500) }).length,
      complaints(rule, { "core/a.ts": lines(501) }).length,
    ], [0, 1]);
  });
  it("refuses an entry in the list that is no longer needed", () => {
    const rule = house.filesAreShort({ "core/a.ts": [500, "one class"] });
    assertEquals(complaints(rule, { "core/a.ts": lines(10) }).length, 1);
  });
});
