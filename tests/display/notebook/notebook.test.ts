import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { display, type MimeBundle } from "@gradus/gradus/display";
import { findLr, Learner, metrics } from "@gradus/gradus/train";
import { manualSeed, nn, ones, optim, rand, tensor, zeros } from "@gradus/gradus";
import { parsePng } from "@gradus/gradus/data";

const JUPYTER = Symbol.for("Jupyter.display");

/** What a notebook is given for a value. */
async function bundle(x: object): Promise<MimeBundle> {
  return await (x as Record<symbol, () => MimeBundle | Promise<MimeBundle>>)[JUPYTER]();
}

/** Types of a bundle, of which text is always one, without its alternatives. */
const types = (x: MimeBundle) => Object.keys(x).sort();
const PLOT = ["application/vnd.vegalite.v5+json", "image/svg+xml", "text/html", "text/plain"];

function learner(): Learner {
  manualSeed(1);
  const model = new nn.Linear(2, 2);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  const batch = [rand([4, 2]), tensor([0, 1, 0, 1], { dtype: "int32" })] as const;
  const data = { train: [batch], valid: [batch] };
  const loss = nn.functional.crossEntropy;
  return new Learner({ model, optimizer, loss, data, metrics: [metrics.confusionMatrix(2)] });
}

describe("a tensor in a notebook", () => {
  it("is text, where it is neither a picture nor a small matrix", async () => {
    for (const x of [tensor(3), tensor([1, 2]), zeros([0, 3]), ones([2, 3, 4]), ones([13, 5])]) {
      assertEquals(await bundle(x), { "text/plain": `${x}` });
    }
  });
  it("is a table of shades with its numbers, where it is a small matrix", async () => {
    const { "text/html": html, ...text } = await bundle(tensor([[1, -2], [0, NaN]]));
    assertEquals(text, { "text/plain": `${tensor([[1, -2], [0, NaN]])}` });
    assertStringIncludes(html as string, "<caption>tensor [2, 2] of float32</caption>");
    assertStringIncludes(html as string, '<td style="text-align:right;background:rgba(0,114,178,0.250)">1</td>');
    assertStringIncludes(html as string, '<td style="text-align:right;background:rgba(213,94,0,0.500)">-2</td>');
    assertStringIncludes(html as string, '<td style="text-align:right">NaN</td>');
  });
  it("is a picture with words for it, where it is [h, w], [c, h, w] or a batch of them", async () => {
    const shapes = [[28, 28], [1, 28, 28], [3, 28, 28], [5, 28, 28], [5, 3, 28, 28]];
    for (const shape of shapes) {
      const x = rand(shape), shown = await bundle(x);
      assertEquals(types(shown), ["image/png", "text/html", "text/plain"]);
      const png = await parsePng(Uint8Array.fromBase64(shown["image/png"] as string));
      const many = shape.length === 4 || shape[0] === 5;
      assertEquals(png.shape, many ? [56, 288] : [140, 140], `${shape}`); // 5 of 28 and 4 lines, twice; one 5 times
      const count = many ? "5 pictures" : "1 picture";
      assertStringIncludes(
        shown["text/html"] as string,
        `<img alt="tensor [${shape.join(", ")}] of float32: ${count} of 28`,
      );
      assertMatch(shown["text/html"] as string, /<th scope="row">0<\/th><td>[\d.e-]+<\/td>/);
    }
  });
});

describe("a module in a notebook", () => {
  it("is a table of its layers with shapes and counts, and the summary as text", async () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
    const shown = await bundle(model);
    assertEquals(shown["text/plain"], model.summary());
    assertStringIncludes(
      shown["text/html"] as string,
      '<tr><th scope="row">0</th><td>Linear</td><td>weight [3, 2], bias [3]</td><td>9</td></tr>',
    );
    assertStringIncludes(shown["text/html"] as string, "<p>9 parameters, 9 of them trained</p>");
  });
  it("escapes the names of classes", async () => {
    const Odd = {
      "<b>": class extends nn.Module {
        forward = (x: never) => x;
      },
    }["<b>"];
    const { "text/html": html } = await bundle(new Odd());
    assertEquals((html as string).includes("<b>"), false);
  });
});

describe("a run in a notebook", () => {
  it("shows its history, its search for a rate and its confusion as plots, text last", async () => {
    const run = learner();
    const rates = await findLr(run, { start: 0.1, end: 1, factor: 2 });
    const report = await run.fit(2);
    for (const x of [run.history, report.history, rates, run.history[1].metrics.confusion as object]) {
      const shown = await bundle(x);
      assertEquals(types(shown), PLOT);
      assertMatch(shown["image/svg+xml"] as string, /^<svg .*<title /);
      assertMatch(shown["text/html"] as string, /^<figure .*<svg .*<figcaption>.*<table>/s);
    }
  });
  it("shows nothing of what a cell ends with in passing: manualSeed() and fit()", async () => {
    assertEquals(await bundle(manualSeed(1)), {});
    assertEquals(await bundle(await learner().fit(1)), {});
  });
  it("says why a run ended early", async () => {
    const run = learner();
    const report = await run.fit(1, { signal: AbortSignal.abort("too late") });
    assertEquals(report.outcome, "stopped");
    assertMatch((await bundle(report))["text/plain"] as string, /^The run ended early: /);
  });
  it("adds nothing to the data that a copy or a comparison sees", async () => {
    const run = learner();
    await run.fit(1);
    assertEquals(JSON.parse(JSON.stringify(run.history)), run.history);
    assertEquals(structuredClone(run.history), run.history);
  });
});

describe("a parameter in a notebook", () => {
  it("is a histogram, and its own text", async () => {
    const parameter = new nn.Linear(2, 3).weight, shown = await bundle(parameter);
    assertEquals(types(shown), PLOT);
    assertEquals(shown["text/plain"], `${parameter}`);
  });
  it("is text where it has a single element", async () => {
    const parameter = new nn.Parameter(tensor([1]));
    assertEquals(await bundle(parameter), { "text/plain": `${parameter}` });
  });
});

describe("display()", () => {
  it("prints the text of a value outside of a notebook", async () => {
    const { log } = console, printed: unknown[] = [];
    console.log = (text) => void printed.push(text);
    try {
      for (const x of [tensor([1, 2]), 3, manualSeed(1), null]) await display(x);
    } finally {
      console.log = log;
    }
    assertEquals(printed, [`${tensor([1, 2])}`, "3", "null"]);
  });
});
