import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { cat, manualSeed, noGrad, randn, type Tensor } from "@gradus/gradus";
import { exportTs } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import { NETWORKS } from "../../../../cli/networks.ts";

/** A module that does what a function says, with some layers. */
class Own extends nn.Module {
  conv = new nn.Conv2d(2, 2, 3, { padding: 1 });
  norm = new nn.BatchNorm2d(2);
  linear = new nn.Linear(6, 4);
  scale = new nn.Parameter(randn([2, 1, 1]));

  constructor(readonly does: (of: Own, x: Tensor) => unknown) {
    super();
  }
  forward(x: Tensor): Tensor {
    return this.does(this, x) as Tensor;
  }
}

/** A model with statistics and weights that are not those of its birth. */
function used(model: nn.Module, shape: readonly number[]): nn.Module {
  for (let i = 0; i < 3; i++) model.call(randn([8, ...shape]).mul(2).add(1));
  return model.eval();
}

async function assertPredicts(model: nn.Module, shape: readonly number[]): Promise<string> {
  const source = await exportTs(model, undefined, { inputShape: shape });
  const { predict } = await import(`data:application/typescript;base64,${new TextEncoder().encode(source).toBase64()}`);
  const x = randn([1, ...shape]), expected = noGrad(() => model.call(x)).clone().data;
  const found: number[] = predict(Array.from(x.data));
  assertEquals(found.length, expected.length);
  // float32 rounds sums of some hundred products of values below 10
  found.forEach((v, i) =>
    assert(Math.abs(v - expected[i]) <= 2e-5 * Math.max(1, Math.abs(expected[i])), `${v} ${expected[i]}`)
  );
  return source;
}

const OWN: Record<string, [does: (of: Own, x: Tensor) => unknown, shape: number[]]> = {
  "a sum around convolutions": [(of, x) => of.norm.call(of.conv.call(x)).relu().add(x), [2, 4, 5]],
  "products and differences of several values": [(of, x) => of.conv.call(x).sigmoid().mul(x).sub(x.tanh()), [2, 4, 4]],
  "channels one after the other": [(of, x) => cat([x, of.conv.call(x), x.relu()], 1), [2, 3, 3]],
  "weights of its own by channel": [(of, x) => x.mul(of.scale).add(2), [2, 3, 3]],
  "linear layers of rows": [(of, x) => of.linear.call(x).relu(), [3, 6]],
  "one value used twice, and another order": [
    (of, x) => x.add(x).transpose(2, 3).add(of.conv.call(x.transpose(2, 3))),
    [2, 3, 4],
  ],
};

/** Classes by the last state, and the outputs, of a recurrent network. */
class Steps extends nn.Module {
  out: nn.Linear;
  constructor(readonly layer: { call(x: Tensor): [y: Tensor, state: unknown] }, width: number) {
    super();
    this.out = new nn.Linear(width, 2);
  }
  forward(x: Tensor): Tensor {
    const [y, state] = this.layer.call(x), h = (Array.isArray(state) ? state[0] : state) as Tensor;
    return cat([this.out.call(y).flatten(1), h.select(0, -1), y.select(1, -1).tanh()], 1);
  }
}

const RECURRENT: Record<string, () => { call(x: Tensor): [y: Tensor, state: unknown] }> = {
  RNN: () => new nn.RNN(3, 4, { batchFirst: true, nonlinearity: "relu" }),
  GRU: () => new nn.GRU(3, 4, { batchFirst: true, numLayers: 2, bias: false }),
  LSTM: () => new nn.LSTM(3, 4, { batchFirst: true }),
  "GRU in both directions": () => new nn.GRU(3, 4, { batchFirst: true, bidirectional: true }),
  "LSTM in both directions": () => new nn.LSTM(3, 4, { batchFirst: true, numLayers: 2, bidirectional: true }),
};

describe("exportTs() of modules of one's own", () => {
  for (const [what, make] of Object.entries(RECURRENT)) {
    it(`gives a predict() of outputs and states of a ${what}`, async () => {
      manualSeed(8);
      const model = new Steps(make(), what.includes("both") ? 8 : 4).eval();
      await assertPredicts(model, [5, 3]);
      await assertPredicts(model, [1, 3]);
    });
  }
  it("gives a predict() of parts of a tensor", async () => {
    manualSeed(9);
    const parts = (_: Own, x: Tensor) =>
      cat([
        x.slice(2, 3, 0, -2),
        x.narrow(2, 1, 2),
        x.select(1, 1).unsqueeze(1).expandAs(x).mul(0).add(x).narrow(2, 0, 1),
      ], 2);
    await assertRejects(() => assertPredicts(new Own(parts), [2, 4, 3]), TypeError, "its operation expand");
    await assertPredicts(new Own((_, x) => cat([x.slice(2, 3, 0, -2), x.narrow(2, 1, 2), x.at(":", ":", "::3")], 2)), [
      2,
      4,
      3,
    ]);
  });
  for (const [what, [does, shape]] of Object.entries(OWN)) {
    it(`gives a predict() of ${what}`, async () => {
      manualSeed(3);
      await assertPredicts(used(new Own(does), shape), shape);
    });
  }
  it("gives a predict() of the ResNet that train --model makes", async () => {
    manualSeed(4);
    const { make, shape } = NETWORKS.resnet, source = await assertPredicts(used(make(), shape), shape);
    assertEquals(source.match(/\bimport\b|\brequire\b|Deno/), null);
  });
  it("leaves the modes of the model, its gradients and the streams as they are", async () => {
    manualSeed(5);
    const model = new Own(OWN["a sum around convolutions"][0]);
    model.norm.eval();
    manualSeed(6);
    await exportTs(model, undefined, { inputShape: [2, 4, 4] });
    const drawn = randn([2]).toArray();
    manualSeed(6);
    assertEquals([drawn, model.training, model.norm.training, model.conv.training], [
      randn([2]).toArray(),
      true,
      false,
      true,
    ]);
    assertEquals(model.parameters().every(({ g }) => g === null), true);
  });
  const refused: Record<string, [does: (of: Own, x: Tensor) => unknown, why: string]> = {
    "an operation that is not known": [(_, x) => x.exp(), "there is no source for its operation exp"],
    "what values decide": [
      (_, x) => x.mul(x.detach().sum().item()),
      "comes from the values by a way that no operation tells of",
    ],
    "what broadcasts": [(_, x) => x.add(x.max(1, true).values), "there is no source for its operation"],
    "indices": [(_, x) => nn.functional.embedding(x, randn([3, 2])), 'with random numbers it says "Cannot look up row'],
    "several outputs": [(_, x) => [x, x], "its forward() gives no tensor of one sample"],
    "what its input is not for": [(of) => of.scale.unsqueeze(0).mul(2), "its output does not come from its input"],
  };
  for (const [what, [does, why]] of Object.entries(refused)) {
    it(`refuses ${what}, and names the module`, async () => {
      manualSeed(7);
      const model = new nn.Sequential(new nn.ReLU(), new Own(does));
      const error = await assertRejects(() => exportTs(model, undefined, { inputShape: [2, 3, 3] }), TypeError, why);
      assert(error.message.startsWith("Cannot export 1 (Own): "), error.message);
    });
  }
  it("refuses one without the shape of a sample, and a layer whose forward was replaced", async () => {
    const own = new Own((_, x) => x.relu());
    await assertRejects(() => exportTs(own), TypeError, "Cannot export Own: there is no source for it");
    const odd = Object.assign(new nn.ReLU(), { forward: (x: Tensor) => x.tanh() });
    await assertRejects(
      () => exportTs(odd, undefined, { inputShape: [3] }),
      TypeError,
      "Cannot export ReLU: there is no",
    );
  });
});
