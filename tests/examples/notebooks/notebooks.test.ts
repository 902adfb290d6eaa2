import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import {
  canExecute,
  execute,
  firstMove,
  FOLDER,
  type Notebook,
  parseSource,
  readNotebook,
  saidBy,
  sourceNames,
} from "../../../.ci/notebooks.ts";

const textOf = ({ cells }: Notebook) => cells.map(({ source }) => source.join(""));
const itExecutes = canExecute() ? it : it.skip;

describe("the notebooks", () => {
  it("are there: the tests below judge some", () => {
    assertEquals(sourceNames().includes("01_a_neuron_and_a_product"), true);
  });
  itExecutes(
    "say the same when they are run again, the first of them (deno task notebooks --check runs all)",
    async () => {
      const [name] = sourceNames();
      const again = (await execute([name])).get(name)!;
      assertEquals(firstMove(saidBy(readNotebook(name)), saidBy(again)), null);
    },
  );
});

for (const name of sourceNames()) {
  describe(`the notebook ${name}`, () => {
    const notebook = readNotebook(name), texts = textOf(notebook);
    it("has the cells of its source", () => {
      assertEquals(texts, textOf(parseSource(Deno.readTextFileSync(new URL(`${name}.ts`, FOLDER)))));
    });
    it("says which step and which document it follows, and ends with three exercises", () => {
      assertMatch(texts[0], /^# \d+\. .*\n\nSteps? \d+.*\bfollows (document \d{3}|notebook \d\d of the course)/s);
      assertEquals(texts.at(-1)!.match(/^## Exercises$|^\d\. /gm), ["## Exercises", "1. ", "2. ", "3. "]);
    });
    it("shows text in every bundle, a picture in one at least, words for each picture, and no error", () => {
      const outputs = notebook.cells.flatMap(({ outputs = [] }) => outputs);
      const bundles = outputs.flatMap(({ data }) => data === undefined ? [] : [data]);
      assertEquals(outputs.filter(({ output_type }) => output_type === "error"), []);
      assertEquals(bundles.filter((bundle) => !("text/plain" in bundle)), []);
      const pictures = bundles.filter((bundle) => "image/svg+xml" in bundle || "image/png" in bundle);
      assertEquals(pictures.length > 0, true);
      for (const { "text/html": html } of pictures) {
        assertMatch(
          [html].flat().join(""),
          /(<img alt="[^"]+"|<svg [^>]*role="img"[^>]*>\s*<title).*<figcaption>[^<]+/s,
        );
      }
    });
  });
}

describe("parseSource()", () => {
  it("makes cells of text and code, without the marks and the slashes of comments", () => {
    const { cells } = parseSource("// %% [markdown]\n// # Title\n//\n// Words.\n\n// %%\nconst a = 1; // one\na;\n");
    assertEquals(cells.map(({ cell_type, source }) => [cell_type, source]), [
      ["markdown", ["# Title\n", "\n", "Words."]],
      ["code", ["const a = 1; // one\n", "a;"]],
    ]);
  });
});

describe("saidBy()", () => {
  it("gives texts line by line and the other forms by name", () => {
    const notebook = parseSource("// %%\na\n");
    notebook.cells[0].outputs = [
      { output_type: "stream", name: "stdout", text: ["a\n", "b"] },
      { output_type: "execute_result", data: { "text/plain": ["c"], "image/png": "…" } },
    ];
    assertEquals(saidBy(notebook), ["a", "b", "c", "image/png"].map((line) => `cell 1: ${line}`));
  });
});

describe("firstMove()", () => {
  it("finds a number that moved, a line that is new, and one that is gone", () => {
    assertEquals(firstMove(["a 1", "b 2"], ["a 1", "b 2"]), null);
    assertEquals(firstMove(["a 1", "b 2"], ["a 1", "b 3"]), 'was "b 2", is "b 3"');
    assertEquals(firstMove(["a 1"], ["a 1", "b 3"]), 'was "nothing", is "b 3"');
    assertEquals(firstMove(["a 1", "b 2"], ["a 1"]), 'was "b 2", is "nothing"');
  });
});
