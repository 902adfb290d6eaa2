/** Transformers' layers: what they are made of, and whole runs of a small model of text. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import {
  arange,
  backendName,
  manualSeed,
  ones,
  optim,
  randint,
  randn,
  stack,
  type Tensor,
  tensor,
} from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { courseRuns } from "../../course_reference.ts";
import { assertNear } from "./reference.ts";

const dtype = "float64";
const options = { dimFeedforward: 16, dropout: 0, batchFirst: true, dtype } as const;

describe("TransformerDecoderLayer", () => {
  for (const normFirst of [false, true]) {
    it(`attends to the text, to the memory, and feeds, ${normFirst ? "normalised first" : "normalised after each"}`, () => {
      manualSeed(1);
      const layer = new nn.TransformerDecoderLayer(8, 2, { ...options, normFirst, activation: "gelu" });
      const [x, memory] = [randn([2, 4, 8], { dtype }), randn([2, 3, 8], { dtype })];
      const memoryKeyPaddingMask = tensor([[false, false, true], [false, false, false]]);
      const parts = [
        (x: Tensor) => layer.selfAttn.call(x, x, x, { isCausal: true })[0],
        (x: Tensor) => layer.multiheadAttn.call(x, memory, memory, { keyPaddingMask: memoryKeyPaddingMask })[0],
        (x: Tensor) => layer.linear2.call(nn.functional.gelu(layer.linear1.call(x))),
      ];
      const norms = [layer.norm1, layer.norm2, layer.norm3];
      const wanted = parts.reduce((x, part, i) => {
        return normFirst ? x.add(part(norms[i].call(x))) : norms[i].call(x.add(part(x)));
      }, x);
      assertNear(layer.call(x, memory, { isCausal: true, memoryKeyPaddingMask }), wanted.toArray(), 1e-12);
    });
  }
  it("has PyTorch's names in PyTorch's order", () => {
    const names = [...new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 4 }).stateDict().keys()];
    const attention = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"];
    const pair = ["weight", "bias"];
    assertEquals(names, [
      ...["self_attn", "multihead_attn"].flatMap((name) => attention.map((part) => `${name}.${part}`)),
      ...["linear1", "linear2", "norm1", "norm2", "norm3"].flatMap((name) => pair.map((part) => `${name}.${part}`)),
    ]);
  });
});

describe("TransformerEncoder", () => {
  it("begins with copies of one layer, which learn apart, and draws nothing", () => {
    manualSeed(2);
    const layer = new nn.TransformerEncoderLayer(8, 2, { ...options, normFirst: true });
    const next = randn([3]).toArray();
    manualSeed(2);
    const again = new nn.TransformerEncoderLayer(8, 2, { ...options, normFirst: true });
    const encoder = new nn.TransformerEncoder(again, 2, { norm: new nn.LayerNorm(8, { dtype }) });
    assertEquals(randn([3]).toArray(), next);
    const [first, second] = [...encoder.layers];
    const x = randn([2, 5, 8], { dtype });
    const wanted = encoder.norm!.call(layer.call(layer.call(x, { isCausal: true }), { isCausal: true }));
    assertNear(encoder.call(x, { isCausal: true }), wanted.toArray(), 1e-12);
    first.linear1.weight.detach().zero_();
    assert(second.linear1.weight.abs().sum().item() > 0 && layer.linear1.weight.abs().sum().item() > 0);
  });
  it("takes layers alone", () => {
    assertThrows(() => new nn.TransformerEncoder(new nn.Linear(2, 2) as never, 2), TypeError, "a Linear");
  });
  it("drops in training alone", () => {
    const layer = new nn.TransformerEncoderLayer(8, 2, { ...options, dropout: 0.5 }), x = ones([1, 3, 8], { dtype });
    assertEquals(layer.eval().call(x).toArray(), layer.call(x).toArray());
    const [a, b] = [layer.train().call(x), layer.call(x)];
    assert(a.sub(b).abs().sum().item() > 0);
  });
});

/** The class `Chars` of make_course_reference.py. */
class Chars extends nn.Module {
  token: nn.Embedding;
  place: nn.Embedding;
  layers: nn.TransformerEncoderLayer[];
  norm: nn.LayerNorm;
  head: nn.Linear;
  readonly mask: nn.Buffer;

  constructor(n: number, block = 64, d = 64, heads = 4, layers = 2) {
    super();
    [this.token, this.place] = [new nn.Embedding(n, d), new nn.Embedding(block, d)];
    const options = {
      dimFeedforward: 4 * d,
      dropout: 0,
      activation: "gelu",
      normFirst: true,
      batchFirst: true,
    } as const;
    this.layers = Array.from({ length: layers }, () => new nn.TransformerEncoderLayer(d, heads, options));
    [this.norm, this.head] = [new nn.LayerNorm(d), new nn.Linear(d, n, { bias: false })];
    this.mask = new nn.Buffer(ones([block, block]).triu(1).ne(0), { persistent: false });
  }
  forward(x: Tensor): Tensor {
    let h = this.token.call(x).add(this.place.call(arange(0, x.shape[1], 1, { dtype: "int32" })));
    for (const layer of this.layers) h = layer.call(h, { mask: this.mask });
    return this.head.call(this.norm.call(h));
  }
}

const BLOCK = 64, BATCH = 32, STEPS = 300;

/** The loss of each step of the run. */
function* train(text: string): Generator<number> {
  const chars = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const ids = tensor([...text].map((c) => chars.indexOf(c)), { dtype: "int32" });
  manualSeed(42);
  const model = new Chars(chars.length), optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  for (let step = 0; step < STEPS; step++) {
    const at = randint(0, ids.numel() - BLOCK - 1, [BATCH]).toArray() as number[];
    const from = (shift: number) => stack(at.map((i) => ids.narrow(0, i + shift, BLOCK)));
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.call(from(0)).flatten(0, 1), from(1).flatten());
    loss.backward();
    optimizer.step();
    yield loss.item();
  }
}

const DOCUMENTS = new URL("../../../../shared/documents/", import.meta.url);

/** Document 004, or `null` where the documents are not there. */
function documentText(): string | null {
  try {
    const file = [...Deno.readDirSync(DOCUMENTS)].find(({ name }) => name.startsWith("004"));
    return file === undefined ? null : Deno.readTextFileSync(new URL(file.name, DOCUMENTS));
  } catch {
    return null;
  }
}

describe("Chars of the course", () => {
  const [, run] = Object.entries(courseRuns).find(([key]) => key.startsWith("Chars"))!;
  const losses = run["first 20 losses"] as number[];
  const text = documentText();
  const itOnText = (name: string, body: (text: string) => void) =>
    text === null ? it.skip(`${name} (needs ${DOCUMENTS.pathname})`, () => {}) : it(name, () => body(text));

  itOnText("Chars has as many characters and parameters", (text) => {
    const count = new Set(text).size;
    assertEquals(count, run["characters"]);
    assertEquals(new Chars(count).parameters().reduce((sum, p) => sum + p.numel(), 0), run["parameters"]);
  });
  const count = backendName() === "reference" ? 2 : losses.length; // plain loops take seconds for each
  itOnText(`Chars has PyTorch's first ${count} losses`, (text) => {
    const steps = train(text);
    losses.slice(0, count).forEach((loss, i) => assertAlmostEquals(steps.next().value!, loss, 1e-4, `step ${i}`));
  });
  const isWhole = backendName() === "native"; // others take minutes
  (isWhole ? itOnText : it.skip)(
    "Chars has PyTorch's mean loss of the last 20 batches of 300",
    (text: string | void) => {
      const last = [...train(text as string)].slice(-20);
      const mean = last.reduce((sum, loss) => sum + loss, 0) / last.length;
      assertAlmostEquals(mean, run["mean loss of the last 20 batches"] as number, 0.02);
    },
  );
});
