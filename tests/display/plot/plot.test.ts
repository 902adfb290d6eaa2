import { assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Plot, plot, plotConfusion, plotCurves, plotHistory, plotImages, plotLr } from "@gradus/gradus/display";
import { parsePng } from "@gradus/gradus/data";
import { rand, tensor } from "@gradus/gradus";
import structures from "../../reference/svg_structures.json" with { type: "json" };
import { CONFUSION, CURVE, HISTORY, PICTURES, PLOTS } from "./some_plots.ts";
import { structureOf } from "./svg_structure.ts";

type Spec = Record<string, unknown>;

describe("plot()", () => {
  it("chooses by what it is given", () => {
    const titles = ["history", "lr", "confusion", "images", "histogram"].map((kind) => PLOTS[kind]().title);
    assertEquals(titles, [
      "Losses and metrics by epoch",
      "Loss by learning rate",
      "Confusion",
      "Pictures",
      "Elements of [10]",
    ]);
    assertEquals(plot({ outcome: "finished", reason: null, history: HISTORY }).title, titles[0]);
  });
  it("says what it can plot where it cannot", () => {
    assertThrows(() => plot([] as never), TypeError, "Cannot plot an array: give learner.history");
  });
});

for (const [kind, make] of Object.entries(PLOTS)) {
  describe(`plot() of ${kind}`, () => {
    it("is valid SVG with a title and a description, made of what it was when it was looked at", async () => {
      const svg = await make().toSvg();
      assertEquals(structureOf(svg), (structures as Record<string, string[]>)[kind]);
      const [, key] = /aria-labelledby="(\S+)-title \1-desc"/.exec(svg)!;
      assertStringIncludes(svg, `role="img"`);
      assertStringIncludes(svg, `<title id="${key}-title">${make().title}</title>`);
      assertStringIncludes(svg, `<desc id="${key}-desc">${make().description}</desc>`);
    });
    it("has a specification of Vega-Lite 5 that is plain data, with title and description", () => {
      const spec: Spec = make().toSpec();
      assertEquals(spec.$schema, "https://vega.github.io/schema/vega-lite/v5.json");
      assertEquals([spec.title, spec.description], [make().title, make().description]);
      assertEquals(JSON.parse(JSON.stringify(spec)), spec);
    });
    it("has a table with a cell for each column", () => {
      const { heads, rows } = make().values;
      assertEquals(rows.map((row) => row.length), rows.map(() => heads.length));
    });
  });
}

describe("plotHistory()", () => {
  it("leaves metrics of several numbers out of the curves", () => {
    const { values } = (plotHistory(HISTORY).toSpec() as { data: { values: { series: string }[] } }).data;
    assertEquals([...new Set(values.map(({ series }) => series))], ["training", "validation", "accuracy"]);
  });
  it("tells the first and last numbers in words, and all in a table", () => {
    const { description, values } = plotHistory(HISTORY);
    assertEquals(
      description,
      "3 epochs. Loss in training from 2 to 0.5. Loss in validation from 2.25 to 0.75. Accuracy from 0.5 to 0.75.",
    );
    assertEquals(values.heads, ["epoch", "training", "validation", "accuracy", "rate"]);
    assertEquals(values.rows[2], ["3", "0.5", "0.75", "0.75", "0.1"]);
  });
  it("draws curves in braille with their names at the ends, within the columns", () => {
    const lines = plotHistory(HISTORY).toText({ columns: 40 }).split("\n");
    assertEquals(lines.filter((line) => line.length > 40), []);
    assertMatch(lines[0], /^ *2.25 ┤[\u2800-\u28ff]/);
    assertEquals(lines.some((line) => line.endsWith(" training")), true);
  });
  it("names curves that end in one place in rows of their own", () => {
    const flat = HISTORY.map((record) => ({ ...record, trainLoss: 0, validLoss: 0, metrics: {} }));
    const text = plotHistory([{ ...flat[0], trainLoss: 1 }, ...flat.slice(1)]).toText();
    for (const name of ["training", "validation"]) assertStringIncludes(text, ` ${name}`);
  });
  it("refuses a run without epochs", () => {
    assertThrows(() => plotHistory([]), RangeError, "Cannot plot a history of no epochs: fit() first");
  });
});

describe("plotCurves()", () => {
  it("has a row for each number of the longest list", () => {
    assertEquals(plotCurves({ SGD: [4, 2, 1], Adam: [4, 1] }).values.rows[2], ["3", "1", "–"]);
  });
  it("refuses what is no list of numbers, and an empty one", () => {
    assertThrows(() => plotCurves({ a: [] }), RangeError, "Cannot plot the curve a: it has no numbers");
    assertThrows(() => plotCurves({ a: 1 as never }), TypeError, "Cannot plot the number 1 as the curve a");
    assertThrows(() => plotCurves([1] as never), TypeError, "give { name: [numbers] }");
  });
});

describe("plotLr()", () => {
  it("marks the suggestion in the drawing and in words", () => {
    assertStringIncludes(plotLr(CURVE).toText(), "suggested 0.1");
    assertStringIncludes(plotLr(CURVE).description, "least at 1 with 1. Suggested: 0.1.");
  });
});

describe("plotConfusion()", () => {
  it("shades each row by its shares", () => {
    const { values } = (plotConfusion(CONFUSION).toSpec() as { data: { values: { share: number }[] } }).data;
    assertEquals(values.map(({ share }) => share), [0.75, 0.25, 0, 1]);
  });
  it("wants a name for each class", () => {
    assertThrows(() => plotConfusion(CONFUSION, { classes: ["no"] }), RangeError, "with 1 names: name each");
  });
});

describe("plotImages()", () => {
  it("gives PNG whose pixels are the levels, black the least and white the largest", async () => {
    const png = await parsePng(plotImages(PICTURES).toPng() as Uint8Array<ArrayBuffer>);
    assertEquals(png.shape, [64, 160]); // two of 2 × 2 and a line between them, 32 times as large
    assertEquals([png.at(0, 0), png.at(0, 40), png.at(0, 70), png.at(0, 100)].map((x) => x.item()), [0, 255, 128, 255]);
  });
  it("keeps three channels as colours", async () => {
    const red = tensor([[[1]], [[0]], [[0]]]);
    const png = await parsePng(plotImages(red).toPng() as Uint8Array<ArrayBuffer>, "red", { channels: 3 });
    assertEquals(png.at(":", 0, 0).toArray(), [255, 0, 0]);
  });
  it("shows the first ones of many, and says so", () => {
    assertStringIncludes(plotImages(rand([70, 8, 8])).description, "The first 64 of 70 pictures of 8 × 8");
  });
  it("says how many levels are not finite", () => {
    assertStringIncludes(plotImages(tensor([[0, NaN], [1, Infinity]])).description, "2 levels not finite, shown black");
  });
  it("wants a label for each picture", () => {
    assertThrows(() => plotImages(PICTURES, { labels: [1] }), RangeError, "Cannot plot 2 pictures with 1 labels");
  });
});

describe("Plot", () => {
  const danger = '<script>alert("x")</script> & ]]>';

  it("escapes names in SVG", async () => {
    const svg = await plotConfusion(CONFUSION, { classes: [danger, "b"], title: danger }).toSvg();
    assertEquals(svg.includes("<script"), false);
    assertEquals(structureOf(svg).length > 10, true);
  });
  it("gives two plots on a page no name in common", async () => {
    const ids = async (x: Plot) => Array.from((await x.toSvg()).matchAll(/\bid="([^"]+)"/g), ([, id]) => id);
    const [a, b] = [await ids(plot(CURVE)), await ids(plot(HISTORY))];
    assertEquals(a.filter((id) => b.includes(id)), []);
  });
  it("draws in 20 columns or more", () => {
    assertThrows(() => plot(CURVE).toText({ columns: 19 }), RangeError, "in 19 columns: give 20 or more");
  });
  it("writes SVG, PNG, the specification or text by the name of the file, and nothing else", async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const name of ["a.svg", "a.png", "a.json", "a.txt"]) await plotImages(PICTURES).save(`${folder}/${name}`);
      const [svg, json, text] = ["svg", "json", "txt"].map((end) => Deno.readTextFileSync(`${folder}/a.${end}`));
      assertMatch(svg, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<svg [^>]*><style>.*prefers-color-scheme:dark/);
      assertEquals(JSON.parse(json), plotImages(PICTURES).toSpec());
      assertEquals(text, `${plotImages(PICTURES)}\n`);
      assertEquals([...Deno.readFileSync(`${folder}/a.png`).subarray(1, 4)], [0x50, 0x4e, 0x47]);
      await assertRejects(
        () => plot(CURVE).save(`${folder}/a.gif`),
        RangeError,
        "must end in .svg, .png, .json or .txt",
      );
      await assertRejects(
        () => plot(CURVE).save(`${folder}/b.png`),
        TypeError,
        "it is drawn in lines and text, save it as",
      );
      assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(), [
        "a.json",
        "a.png",
        "a.svg",
        "a.txt",
      ]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});

describe("structureOf()", () => {
  it("refuses what is not well formed", () => {
    for (const bad of ["<svg><g></svg>", "<svg><g></g>", "<svg>a < b</svg>", "<svg>a & b</svg>"]) {
      assertThrows(() => structureOf(bad), SyntaxError);
    }
  });
});
