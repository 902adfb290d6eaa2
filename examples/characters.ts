/**
 * A small GPT: it reads a text character by character, learns which one comes next, and writes on. It prints what it writes as it learns.
 * Without a text of yours it reads how this project is worked on.
 *
 *     deno run -R=. examples/characters.ts
 *
 * On any text: `deno run -R -W=runs --allow-ffi examples/characters.ts FILE --run runs/characters --epochs 20`. The run is kept in that
 * folder; after Ctrl-C, `--resume` goes on with it. `--generate "The "` with the same file and folder writes on, and learns nothing.
 */
import { parseArgs } from "node:util";
import { arange, manualSeed, nn, noGrad, optim, type Tensor, tensor } from "@gradus/gradus";
import { CharacterTokenizer, DataLoader, sampleToken, textWindows } from "@gradus/gradus/data";
import { type Callback, Checkpoints, Learner, loadCheckpoint } from "@gradus/gradus/train";

const [BLOCK, WIDTH, HEADS, LAYERS, WRITTEN] = [64, 64, 4, 2, 160];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    run: { type: "string" },
    epochs: { type: "string", default: "3" },
    resume: { type: "boolean", default: false },
    generate: { type: "string" },
  },
});
const text = await Deno.readTextFile(positionals[0] ?? new URL("../CONTRIBUTING.md", import.meta.url));
const tokenizer = CharacterTokenizer.train(text, { unknown: "?" });

class Gpt extends nn.Module<[x: Tensor, cache?: nn.KeyValueCache]> {
  token = new nn.Embedding(tokenizer.vocabSize, WIDTH);
  place = new nn.Embedding(BLOCK, WIDTH);
  layers = Array.from({ length: LAYERS }, () =>
    new nn.TransformerEncoderLayer(WIDTH, HEADS, {
      ...{ dimFeedforward: 4 * WIDTH, dropout: 0.1, activation: "gelu", normFirst: true, batchFirst: true } as const,
    }));
  norm = new nn.LayerNorm(WIDTH);
  head = new nn.Linear(WIDTH, tokenizer.vocabSize, { bias: false });

  /** Logits of the next character at each place of x [batch, length]; with a cache x follows what it has seen. */
  forward(x: Tensor, cache?: nn.KeyValueCache): Tensor {
    const from = cache?.length ?? 0;
    const places = arange(from, from + x.shape[1], 1, { dtype: "int32" });
    let h = this.token.call(x).add(this.place.call(places)); // [batch, length, WIDTH]
    for (const layer of this.layers) h = layer.call(h, { isCausal: true, cache: cache ?? null });
    return this.head.call(this.norm.call(h));
  }
}

/** What the model writes after `start`: each character costs one row of work, until the block is full and begins anew with its second half. */
function write(model: Gpt, start: string, count: number): string {
  const tokens = [...tokenizer.encode(start)];
  const cache = new nn.KeyValueCache();
  let next = tokens.slice(-BLOCK);
  model.eval();
  noGrad(() => {
    for (let i = 0; i < count; i++) {
      if (cache.length + next.length > BLOCK) {
        cache.reset();
        next = tokens.slice(-BLOCK / 2);
      }
      const logits = model.call(tensor([next], { dtype: "int32" }), cache).select(1, -1); // [1, vocab]
      next = [sampleToken(logits, { temperature: 0.8, topK: 40 }).item()];
      tokens.push(next[0]);
    }
  });
  model.train();
  return tokenizer.decode(tokens);
}

manualSeed(42);
const model = new Gpt(), optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3 });
const loader = new DataLoader(textWindows(tokenizer.encode(text), { block: BLOCK, stride: BLOCK }), {
  batchSize: 8,
  shuffle: true,
});
let [sum, count] = [0, 0];
const report: Callback = {
  afterLoss({ loss }) {
    sum += loss!.item();
    count++;
  },
  afterEpoch({ epoch }) {
    const written = write(model, "\n", WRITTEN).trim();
    console.log(`epoch ${epoch}: loss ${(sum / count).toFixed(3)}, it writes: ${written}`);
    [sum, count] = [0, 0];
  },
};
const learner = new Learner({
  model,
  loss: (logits, y) => nn.functional.crossEntropy(logits.flatten(0, 1), y.flatten()),
  optimizer,
  data: { train: loader },
  callbacks: [report, ...(values.run === undefined ? [] : [new Checkpoints(values.run)])],
});

if (values.generate !== undefined) {
  if (values.run === undefined) throw new TypeError("Cannot generate without a run: give its folder, --run FOLDER");
  learner.loadStateDict(await loadCheckpoint(values.run));
  console.log(write(model, values.generate || "\n", 4 * WRITTEN));
} else {
  const weights = model.parameters().reduce((sum, p) => sum + p.numel(), 0);
  console.log(`${text.length} characters, ${tokenizer.vocabSize} different ones; ${weights} weights`);
  await learner.fit(Number(values.epochs), { resume: values.resume });
}
