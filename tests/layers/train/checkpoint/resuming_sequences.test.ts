/** Models over sequences go through a checkpoint's files: a stopped run ends with the bits of a whole one. */
import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { Generator, manualSeed, nn, optim, type Tensor } from "@gradus/gradus";
import { CharacterTokenizer, DataLoader, textWindows } from "@gradus/gradus/data";
import { type Callback, Checkpoints, Learner } from "@gradus/gradus/train";
import { inFolder } from "../../../core/io/in_folder.ts";
import { bitsOf } from "../small_run.ts";

const TEXT = "to be or not to be, that is the question", tokenizer = CharacterTokenizer.train(TEXT);

/** Characters by a GRU, with dropout between its layers. */
class Recurrent extends nn.Module {
  token = new nn.Embedding(tokenizer.vocabSize, 6);
  gru = new nn.GRU(6, 6, { numLayers: 2, dropout: 0.2, batchFirst: true });
  head = new nn.Linear(6, tokenizer.vocabSize);

  forward(x: Tensor): Tensor {
    return this.head.call(this.gru.call(this.token.call(x))[0]);
  }
}

/** Characters by a transformer, with dropout in all its places. */
class Transformer extends nn.Module {
  token = new nn.Embedding(tokenizer.vocabSize, 6);
  place = new nn.LearnedPositions(4, 6);
  layer = new nn.TransformerEncoderLayer(6, 2, { dimFeedforward: 8, dropout: 0.2, batchFirst: true });
  head = new nn.Linear(6, tokenizer.vocabSize);

  forward(x: Tensor): Tensor {
    return this.head.call(this.layer.call(this.place.call(this.token.call(x)), { isCausal: true }));
  }
}

function learner(make: () => nn.Module, callbacks: Callback[]): Learner {
  manualSeed(3);
  const model = make(), optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
  const windows = textWindows(tokenizer.encode(TEXT), { block: 4, stride: 3 });
  const train = new DataLoader(windows, { batchSize: 5, shuffle: true, generator: new Generator(5) });
  const loss = (p: Tensor, y: Tensor) => nn.functional.crossEntropy(p.flatten(0, 1), y.flatten());
  return new Learner({ model, optimizer, loss, data: { train }, callbacks });
}

describe("fit({ resume })", () => {
  for (const [name, make] of Object.entries({ GRU: () => new Recurrent(), transformer: () => new Transformer() })) {
    it(`goes on with a ${name} over windows of text as if nothing had stopped it`, () =>
      inFolder(async (folder) => {
        const whole = learner(make, []);
        await whole.fit(4);
        const stop: Callback = { afterBatch: (run) => run.training && run.step === 5 ? run.stop("enough") : undefined };
        await learner(make, [new Checkpoints(folder), stop]).fit(4);
        const resumed = learner(make, [new Checkpoints(folder)]);
        await resumed.fit(4, { resume: true });
        assertEquals(bitsOf(resumed), bitsOf(whole));
      }));
  }
});
