/**
 * Names that nobody has: networks learn from a list which character comes next, and write names of their own. Each is the last one plus an
 * idea. A table of pairs knows the last character. A perceptron with a hidden layer turns characters into vectors: of one character it
 * is the table again, but it can be given the last three. A recurrent network reads characters one after the other: of three it is about
 * as good as the perceptron, but it can be given all of them, for what it has read is in its state.
 *
 *     deno run -R=. examples/names.ts
 *
 * On names of your own, with blanks or lines between them: `deno run -R examples/names.ts FILE`.
 */
import { cat, full, manualSeed, nn, noGrad, optim, stack, type Tensor, tensor } from "@gradus/gradus";
import { CharacterTokenizer, DataLoader, randomSplit, sampleToken, TensorDataset } from "@gradus/gradus/data";

const [WIDTH, HIDDEN, EPOCHS, LONGEST, IGNORED] = [16, 64, 10, 20, -100];

const text = await Deno.readTextFile(Deno.args[0] ?? new URL("names.txt", import.meta.url));
const names = [...new Set(text.toLowerCase().replaceAll(".", "").split(/\s+/).filter((name) => name !== ""))];
if (names.length < 20) throw new RangeError(`Cannot learn from ${names.length} names: give 20 at least`);
const tokenizer = CharacterTokenizer.train([".", ...names]); // a dot begins and ends each name
const [end] = tokenizer.encode("."), vocab = tokenizer.vocabSize;
const encoded = (text: string) => tensor(tokenizer.encode(text));

const x = nn.padSequence(names.map((name) => encoded(`.${name}`)), { batchFirst: true, paddingValue: end });
const y = nn.padSequence(names.map((name) => encoded(`${name}.`)), { batchFirst: true, paddingValue: IGNORED });
manualSeed(42);
const [train, valid] = randomSplit(new TensorDataset(x, y), [0.9, 0.1]); // x and y [names, longest + 1]
console.log(`${names.length} names of ${vocab} characters, ${valid.length} of them kept to judge by`);

/** The characters up to each place, `count` of them: [batch, length, count]; before a name there are dots. */
function lastOnes(x: Tensor, count: number): Tensor {
  const [batch, length] = x.shape;
  const padded = cat([full([batch, count - 1], end, { dtype: "int32" }), x], 1);
  return stack(Array.from({ length: count }, (_, i) => padded.narrow(1, i, length)), 2);
}

/** A row of logits for each last character: 27 × 27 numbers. */
class Table extends nn.Module {
  rows = new nn.Embedding(vocab, vocab);
  forward(x: Tensor): Tensor {
    return this.rows.call(x); // [batch, length, vocab]
  }
}

/** Characters are vectors, which are learned too; a hidden layer sees those of the last few. */
class Perceptron extends nn.Module {
  characters = new nn.Embedding(vocab, WIDTH);
  hidden: nn.Linear;
  out = new nn.Linear(HIDDEN, vocab);
  constructor(readonly count: number) {
    super();
    this.hidden = new nn.Linear(count * WIDTH, HIDDEN);
  }
  forward(x: Tensor): Tensor {
    const vectors = this.characters.call(lastOnes(x, this.count)).flatten(2); // [batch, length, count · WIDTH]
    return this.out.call(this.hidden.call(vectors).tanh());
  }
}

/** The hidden layer has a state, and is the same for each character: it needs no more weights to see more of them. */
class Recurrent extends nn.Module {
  characters = new nn.Embedding(vocab, WIDTH);
  gru = new nn.GRU(WIDTH, HIDDEN, { batchFirst: true });
  out = new nn.Linear(HIDDEN, vocab);
  constructor(readonly count: number) {
    super();
  }
  forward(x: Tensor): Tensor {
    if (this.count === Infinity) return this.out.call(this.gru.call(this.characters.call(x))[0]);
    const pieces = this.characters.call(lastOnes(x, this.count)).flatten(0, 1); // [batch · length, count, WIDTH]
    const [, state] = this.gru.call(pieces); // [1, batch · length, HIDDEN]
    return this.out.call(state.view(...x.shape, HIDDEN));
  }
}

/** How surprised the model is by each character, on average. */
function lossOf(model: nn.Module, [x, y]: readonly [Tensor, Tensor]): Tensor {
  return nn.functional.crossEntropy(model.call(x).flatten(0, 1), y.flatten(), { ignoreIndex: IGNORED });
}

function learn(model: nn.Module, maxLr: number): void {
  const optimizer = new optim.AdamW(model.parameters(), { lr: maxLr, weightDecay: 0.1 });
  const loader = new DataLoader(train, { batchSize: 32, shuffle: true });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr, totalSteps: EPOCHS * loader.length });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const batch of loader) {
      optimizer.zeroGrad();
      lossOf(model, batch).backward();
      optimizer.step();
      schedule.step();
    }
  }
}

/** A name, character by character: each is drawn by what the model says of those before it. */
function write(model: nn.Module): string {
  let name = "";
  while (name.length < LONGEST) {
    const logits = model.call(encoded(`.${name}`).unsqueeze(0)).select(1, -1); // [1, vocab]
    const character = tokenizer.decode(sampleToken(logits, { temperature: 0.8 }));
    if (character === ".") break;
    name += character;
  }
  return name;
}

/** What a table of pairs says at best: how often each character followed each other one. One more of each, so that none is impossible. */
function counted(): Tensor {
  const [from, to] = train.getBatch!(Int32Array.from({ length: train.length }, (_, i) => i)).map((t) => t.flatten());
  const known = to.ne(IGNORED), pairs = from.maskedSelect(known).mul(vocab).add(to.maskedSelect(known));
  return pairs.bincount({ minlength: vocab * vocab }).view(vocab, vocab).float().add(1).log();
}

const judged = valid.getBatch!(Int32Array.from({ length: valid.length }, (_, i) => i));
const table = new Table();
noGrad(() => table.rows.weight.copy_(counted()));
console.log(`pairs, counted                 loss ${noGrad(() => lossOf(table, judged)).item().toFixed(3)}`);

const models: [what: string, make: () => nn.Module][] = [
  ["pairs, learned", () => new Table()],
  ["perceptron of 1 character", () => new Perceptron(1)],
  ["perceptron of 3 characters", () => new Perceptron(3)],
  ["recurrent, of 3 characters", () => new Recurrent(3)],
  ["recurrent, of all characters", () => new Recurrent(Infinity)],
];
for (const [what, make] of models) {
  manualSeed(42);
  const model = make();
  learn(model, model instanceof Table ? 0.2 : 0.01);
  noGrad(() => {
    const written = Array.from({ length: 8 }, () => write(model)).join(" ");
    const weights = model.parameters().reduce((sum, p) => sum + p.numel(), 0);
    const loss = lossOf(model, judged).item().toFixed(3);
    console.log(`${what.padEnd(30)} loss ${loss}, ${weights} weights: ${written}`);
  });
}
