import { manualSeed, nn, optim, randint, randn, type Tensor } from "@gradus/gradus";
import { assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";

/** A model whose layers do not see each other: what a Sequential must equal, bit for bit. */
function oneByOne(model: nn.Sequential, x: Tensor): Tensor {
  for (const layer of model) x = layer.call(x);
  return x;
}

/** The losses of 20 steps, and the parameters they end with, as the model is called by `forward`. */
function train(make: () => nn.Sequential, forward: (model: nn.Sequential, x: Tensor) => Tensor): unknown {
  manualSeed(3);
  const model = make();
  const [x, y] = [randn([128, 20]), randint(0, 2, [128])];
  const optimizer = new optim.SGD(model.parameters().filter((p) => p.requiresGrad), { lr: 0.5 });
  const losses = Array.from({ length: 20 }, () => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(forward(model, x), y);
    loss.backward();
    optimizer.step();
    return loss.item();
  });
  return { losses, parameters: model.parameters().map((p) => p.toArray()) };
}

const frozen = (layer: nn.Module) => layer.requiresGrad_(false);
const after = (...first: nn.Module[]) => [...first, new nn.Linear(20, 128), new nn.ReLU(), new nn.Linear(128, 2)];

const models: Record<string, () => nn.Module[]> = {
  "dropout first": () => after(new nn.Dropout(0.1)),
  "a norm without parameters first": () => after(new nn.BatchNorm1d(20, { affine: false, trackRunningStats: false })),
  "an activation first": () => after(new nn.Tanh()),
  "a frozen layer first": () => after(frozen(new nn.Linear(20, 20)), new nn.ReLU()),
  "two frozen layers first": () => after(frozen(new nn.Linear(20, 20)), new nn.ReLU(), frozen(new nn.Linear(20, 20))),
  "a frozen layer within": () => [
    new nn.Linear(20, 20),
    new nn.GELU(),
    frozen(new nn.Linear(20, 20)),
    ...after(new nn.LayerNorm(20)),
  ],
  "a nested Sequential last": () => [...after(), new nn.Sequential(new nn.LogSoftmax(), new nn.Dropout(0))],
};

describe("Sequential", () => {
  for (const [name, layers] of Object.entries(models)) {
    it(`trains as its layers do one by one, with ${name}`, () => {
      const make = () => new nn.Sequential(...layers());
      assertEquals(train(make, (model, x) => model.call(x)), train(make, oneByOne));
    });
  }

  it("learns behind input dropout to the loss that PyTorch 1.13 prints for this seed, where noise instead of gradients left 0.0472", () => {
    manualSeed(0);
    const model = new nn.Sequential(...after(new nn.Dropout(0.1)));
    const x = randn([128, 20]);
    const y = x.sum(1).gt(0).int();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
    let loss = 1;
    for (let step = 0; step < 200; step++) {
      optimizer.zeroGrad();
      const now = nn.functional.crossEntropy(model.call(x), y);
      now.backward();
      optimizer.step();
      loss = now.item();
    }
    assertAlmostEquals(loss, 0.03359117731451988, 1e-4); // float32 over 200 steps, sums in other orders
  });

  for (const layer of [new nn.ReLU(), new nn.Sigmoid(), new nn.Tanh(), new nn.GELU(), new nn.Dropout(0)]) {
    it(`calls a forward of ${layer} that was replaced on the object, and leaves what it kept as it was`, () => {
      const kept: Tensor[] = [];
      const { forward } = layer;
      layer.forward = (x) => {
        kept.push(x, forward.call(layer, x));
        return kept.at(-1)!;
      };
      const model = new nn.Sequential(new nn.Linear(4, 300), layer, new nn.Linear(300, 2));
      const loss = model.call(randn([64, 4])).pow(2).sum();
      const before = kept.map((x) => x.toArray());
      assertEquals(before.length, 2);
      loss.backward();
      model.call(randn([64, 4]));
      assertEquals(kept.slice(0, 2).map((x) => x.toArray()), before);
    });
  }

  it("calls the forward of a class derived from a layer, and fuses one that changes nothing", () => {
    class Shifted extends nn.Linear {
      override forward(x: Tensor): Tensor {
        return super.forward(x).add(1);
      }
    }
    class Renamed extends nn.Linear {}
    manualSeed(1);
    const [shifted, renamed] = [new Shifted(3, 2), new Renamed(3, 2)];
    renamed.loadStateDict(shifted.stateDict());
    const x = randn([5, 3]);
    const relu = (layer: nn.Module) => new nn.Sequential(layer, new nn.ReLU()).call(x).toArray();
    assertEquals(relu(shifted), shifted.call(x).relu().toArray());
    assertEquals(relu(renamed), renamed.call(x).relu().toArray());
    assertNotEquals(relu(shifted), relu(renamed));
  });

  it("answers predictions that no later step changes, whatever its last layer", () => {
    for (const last of [new nn.Dropout(0.5).eval(), new nn.Dropout(0), new nn.Sequential(new nn.ReLU())]) {
      const model = new nn.Sequential(new nn.Linear(4, 8), last);
      const x = randn([1000, 4]);
      const prediction = model.call(x);
      const before = prediction.toArray();
      prediction.sum().backward();
      const other = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh());
      for (let step = 0; step < 3; step++) other.call(x).sum().backward();
      assertEquals(prediction.toArray(), before);
    }
  });
});
