import { describe, it } from "../../bdd.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { cat, manualSeed, nn, rand, randint, randn, type Tensor, tensor } from "@gradus/gradus";
import { Function as Differentiable, registerHook } from "@gradus/gradus/autograd";
import { explain, type Explanation } from "@gradus/gradus/display";
import { Mse } from "@gradus/gradus/function";
import { readRules, ruleTexts, textModule } from "../../../display/explain/build.ts";
import * as generated from "../../../display/explain/rule_texts.ts";
import { rules } from "../../../backward/rules/table.ts";

const float64 = { dtype: "float64" } as const;
const leaf = (...shape: number[]) => randn(shape, float64).requiresGrad_();

/** Operations on [n, n] matrices, with whatever else they need. */
const STEPS: readonly ((h: Tensor, w: Tensor) => Tensor)[] = [
  (h, w) => h.matmul(w),
  (h, w) => h.mul(w),
  (h, w) => h.sub(w).square(),
  (h, w) => h.div(w.square().add(1)),
  (h) => h.sigmoid(),
  (h) => h.tanh(),
  (h) => h.mul(0.1).exp(),
  (h) => h.relu(),
  (h) => h.t(),
  (h) => nn.functional.softmax(h, 1),
  (h) => h.sub(h.mean(1, true)),
  (h) => cat([h.narrow(0, 1, h.shape[0] - 1), h.narrow(0, 0, 1)]),
  (h, w) => h.maximum(w),
  (h) => h.cumsum(1).mul(0.3),
  (h) => h.add(h.sum(0)), // broadcast
  (h, w) => h.mul(h).add(w.narrow(0, 0, 1)),
];

/** A random graph, and the weight whose gradient is looked at. */
function randomGraph(seed: number): { loss: Tensor; w: Tensor; n: number } {
  manualSeed(seed);
  const n = 2 + seed % 3, w = leaf(n, n);
  let h: Tensor = randn([n, n], float64).matmul(w);
  for (const i of randint(0, STEPS.length, [5]).toArray() as number[]) h = STEPS[i](h, w);
  return { loss: h.square().mean(), w, n };
}

describe("explain()", () => {
  it("explain()'s sum of products is what backward() adds to .g, to 1e-12, in twenty random graphs", () => {
    let long = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { loss, w, n } = randomGraph(seed), at = [seed % n, (seed + 1) % n];
      const { element, steps } = explain(loss, { element: [w, ...at], limit: 10 ** 4 });
      assertEquals(w.g, null);
      loss.backward();
      const g = w.g!.at(...at).item();
      // Of sums in another order: some hundred roundings of terms that may be larger than the sum.
      const scale = 1 + element!.products.reduce((sum, { value }) => sum + Math.abs(value), 0);
      assertAlmostEquals(element!.sum, g, 1e-12 * scale, `seed ${seed}`);
      assertEquals(element!.gradient, g, `seed ${seed}`);
      for (const { factors, value } of element!.products) {
        assertAlmostEquals(factors.reduce((product, factor) => product * factor.value, 1), value, 1e-12 * scale);
      }
      assertEquals(element!.rest, { count: 0, value: 0 });
      long = Math.max(long, ...element!.products.map(({ factors }) => factors.length));
      assertGreater(steps.length, 5);
    }
    assertGreater(long, 6); // whole ways, not one factor
  });

  it("explain() takes a product apart as a reader would by hand", () => {
    const x = tensor([[1, 2]], float64), w = tensor([[3], [-1]], float64).requiresGrad_();
    const { element } = explain(x.matmul(w).square().sum(), { names: { x, w }, element: [w, 1, 0] }); // (3 − 2)²
    assertEquals(element!.products, [{
      factors: [
        { name: "∂loss/∂square[0, 0]", op: "sum", value: 1 },
        { name: "∂square[0, 0]/∂matmul[0, 0]", op: "square", value: 2 },
        { name: "∂matmul[0, 0]/∂w[1, 0]", op: "matmul", value: 2 },
      ],
      value: 4,
    }]);
  });

  it("explain() keeps to the limit, and what is left out is in the sum", () => {
    manualSeed(1);
    const w = leaf(3), x = rand([200, 3], float64);
    const loss = x.mul(w).sum(1).square().mean();
    const whole = explain(loss, { element: [w, 2] }).element!,
      few = explain(loss, { element: [w, 2], limit: 5 }).element!;
    assertEquals(few.products.length, 5);
    assertEquals(few.rest.count, 195);
    assertAlmostEquals(few.sum, few.gradient, 1e-12);
    assertAlmostEquals(whole.sum, whole.gradient, 1e-12);
    assert(few.products.every(({ value }, i) => i === 0 || Math.abs(value) <= Math.abs(few.products[i - 1].value)));
  });

  it("explain() leaves gradients, and the graph, as they were", () => {
    const w = tensor([2]).requiresGrad_();
    const loss = w.square().sum();
    explain(loss);
    explain(loss, { element: [w, 0] });
    loss.backward();
    assertEquals(w.g!.toArray(), [4]);
    const error = assertThrows(() => explain(loss), Error, "retainGraph");
    assertStringIncludes(error.message, "Cannot explain sum: backward() freed what it had saved");
  });

  it("explain() tells of each step its rule, shapes and norms, and where its gradients go", () => {
    const x = tensor([[3, 4]]), w = tensor([[1], [1]]).requiresGrad_();
    const text = String(explain(x.matmul(w).sum(), { names: { x, w } }));
    assertStringIncludes(text, "2. matmul made matmul [1, 1] of x [1, 2], w [2, 1]");
    assertStringIncludes(text, generated.OPERATIONS.matmul.formulas[0]);
    assertStringIncludes(text, `at backward/rules/linalg.ts:${generated.OPERATIONS.matmul.line}`);
    assertStringIncludes(text, "nothing goes to x, which requires no gradient");
    assertStringIncludes(text, "a gradient [2, 1] of norm 5 is added to w.g");
  });

  it("explain() finds the rule that a Function calls, follows it by units, and says where there is none", () => {
    class Cube extends Differentiable {
      static forward(ctx: { saveForBackward(x: Tensor): void }, x: Tensor): Tensor {
        ctx.saveForBackward(x);
        return x.pow(3);
      }
      static backward(ctx: { savedTensors: Tensor[] }, g: Tensor): Tensor {
        return g.mul(ctx.savedTensors[0].square()).mul(3);
      }
    }
    const p = tensor([1, 2], float64).requiresGrad_();
    const { steps, element } = explain(Mse.apply(Cube.apply(p), tensor([0, 0], float64)), { element: [p, 1] });
    assertEquals(steps.map(({ op, source }) => [op, source?.file]), [["Mse", "backward/rules/loss.ts"], [
      "Cube",
      undefined,
    ]]);
    assertEquals(element!.products.map(({ factors }) => factors.map(({ value }) => value)), [[8, 12]]);
  });

  it("explain() adds the parts of a value that is used twice, and of a weight in between", () => {
    const w = tensor([3], float64).requiresGrad_();
    const { element } = explain(w.mul(w).add(w).sum(), { names: { w }, element: [w, 0] });
    assertEquals([element!.sum, element!.products.length], [7, 3]);
  });

  it("explain() runs hooks as backward() does, and refuses to follow an element through one", () => {
    const w = tensor([3]).requiresGrad_(), h = w.square();
    registerHook(h, (g) => g.mul(10));
    const loss = h.sum();
    assertEquals(explain(loss).steps[1].norm, 10);
    assertThrows(() => explain(loss, { element: [w, 0] }), Error, "through the hook");
  });

  it("explain() refuses what it cannot explain", () => {
    const w = tensor([1, 2]).requiresGrad_(), loss = w.sum();
    assertThrows(() => explain(tensor(1)), Error, "it does not require a gradient");
    assertThrows(() => explain(w.mul(2)), RangeError, "take sum() or mean() first");
    assertThrows(() => explain(loss, { element: [w, 2] }), RangeError, "the element [2] of a tensor of shape [2]");
    assertThrows(() => explain(loss, { element: [tensor([1]), 0] }), Error, "gets no gradient from this loss");
    assertThrows(() => explain(loss, { element: [w, 0], limit: 0 }), RangeError, "whole number from 1");
  });
});

describe("Explanation", () => {
  const evil = `</title><script>alert("1")</script>&"\\`;
  function explained(): Explanation {
    const x = tensor([[1, 2]]), w = tensor([[3], [-1]]).requiresGrad_();
    return explain(x.matmul(w).relu().sum(), { names: { [evil]: w, x }, element: [w, 0, 0] });
  }

  it("html() holds no program and nothing from elsewhere, whatever names are, and has every step", async () => {
    const page = await explained().html();
    assertEquals(page.match(/<script|\son\w+=|javascript:|https?:\/\/(?!www\.w3\.org\/)/gi), null);
    assertStringIncludes(page, "default-src 'none'");
    assertStringIncludes(page, "&lt;/title&gt;&lt;script&gt;");
    for (const number of [1, 2, 3]) {
      assertStringIncludes(page, `<div id="step-${number}">`);
      assertStringIncludes(page, `"#step-${number}"`); // the box's link
    }
  });

  it("svg() has a title, a description, and a box for each value", async () => {
    const svg = await explained().svg();
    assertStringIncludes(svg, "<title>The way back from loss</title><desc>3 operations, from loss to &lt;/title&gt;");
    assertEquals(svg.match(/<g id="node\d+"/g)?.length, 5); // loss, relu, matmul, w, x
    assertEquals(svg.match(/<g id="edge\d+"/g)?.length, 4);
  });

  it("mermaid() writes names as text, and the norms on the arrows", () => {
    const text = explained().mermaid();
    assertEquals(/<script|"1"/.test(text), false);
    assertStringIncludes(text, "v0 -->|1| v1");
    assertEquals(text.split("\n").filter((line) => / -(->|\.-)/.test(line)).length, 4);
  });

  it("is shown in a notebook as HTML, with its text beside", async () => {
    const shown = explained() as unknown as Record<symbol, () => Promise<Record<string, string>>>;
    const bundle = await shown[Symbol.for("Jupyter.display")]();
    assertEquals(Object.keys(bundle), ["text/plain", "text/html"]);
    assertStringIncludes(bundle["text/plain"], "The way back from loss");
    assert(bundle["text/html"].startsWith('<main class="way-back">'));
  });

  it("save() writes what the ending names, and refuses another", async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (
        const [ending, start] of [["html", "<!doctype html>"], ["svg", "<svg"], ["mmd", "flowchart"], [
          "txt",
          "The way",
        ]]
      ) {
        await explained().save(`${folder}/x.${ending}`);
        assert((await Deno.readTextFile(`${folder}/x.${ending}`)).startsWith(start));
      }
      await assertRejects(() => explained().save(`${folder}/x.gif`), RangeError, "end the name in .html");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});

describe("rule_texts.ts", () => {
  it("holds what backward/rules/ says (cure: deno run -R=backward -W=display display/explain/build.ts)", async () => {
    const { operations, functions } = ruleTexts(await readRules());
    assertEquals({ ...generated.OPERATIONS }, operations);
    assertEquals({ ...generated.FUNCTIONS }, functions);
  });

  it("has every operation that has a derivative", () => {
    const differentiable = Object.keys(rules).filter((op) => rules[op as keyof typeof rules] !== "not differentiable");
    assertEquals(Object.keys(generated.OPERATIONS).sort(), differentiable.sort());
  });

  it("changes with the source: a formula, a rule, a line", async () => {
    const sources = await readRules(), file = "backward/rules/linalg.ts";
    const renamed = {
      ...sources,
      [file]: `\n${sources[file].replace("`da = g @ bᵀ`", "`dA = g @ bᵀ`").replace("matmul: (g,", "matmul: (up,")}`,
    };
    const before = ruleTexts(sources).operations.matmul, after = ruleTexts(renamed).operations.matmul;
    assertEquals(after.line, before.line + 1);
    assertEquals(after.formulas, [before.formulas[0].replace("da", "dA")]);
    assertEquals(after.rule, before.rule.replace("(g,", "(up,"));
    assertStringIncludes(textModule(renamed), "dA = g @ bᵀ");
  });
});
