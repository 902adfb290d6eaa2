import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { fromData, manualSeed, noGrad, randn } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { exportTs } from "@gradus/gradus/train";
import { imageKinds } from "./image_kinds.ts";

type Predict = (input: number[] | Float32Array) => number[];

async function load(source: string): Promise<Predict> {
  return (await import(`data:application/typescript;base64,${new TextEncoder().encode(source).toBase64()}`)).predict;
}

/** A model with statistics and weights that are not those of its birth, in training mode. */
function used(shape: readonly number[], ...layers: nn.Module[]): nn.Sequential {
  const model = new nn.Sequential(...layers);
  noGrad(() => model.parameters().forEach((p) => p.copy_(randn(p.shape))));
  for (let i = 0; i < 3; i++) model.call(randn([8, ...shape]).mul(2).add(1));
  return model;
}

/** float32 rounds some products and sums of the values below 20 that stand here. */
function assertAnswers(predict: Predict, model: nn.Sequential, shape: readonly number[]): void {
  const x = randn([1, ...shape]);
  const expected = model.eval().call(x).detach().flatten().toArray() as number[];
  const found = predict(x.flatten().toArray() as number[]);
  assertEquals(found.length, expected.length);
  found.forEach((value, i) => {
    assert(
      Math.abs(value - expected[i]) <= 2e-5 * Math.max(1, Math.abs(expected[i])),
      `${value} is not ${expected[i]} at ${i}`,
    );
  });
}

describe("exportTs() of layers over images", () => {
  for (const [name, [make, shape]] of Object.entries(imageKinds)) {
    it(`gives a predict() that answers as ${name} does`, async () => {
      manualSeed(5);
      const model = used(shape, make());
      const predict = await load(await exportTs(model, undefined, { inputShape: shape }));
      assertEquals(model.training, true);
      assertAnswers(predict, model, shape);
    });
  }

  it("takes a LeNet, whose sizes follow from that of a sample", async () => {
    manualSeed(7);
    const shape = [1, 12, 12];
    const layers = [
      ...[new nn.Conv2d(1, 3, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Conv2d(3, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Flatten(), new nn.Linear(16, 5), new nn.Softmax(1)],
    ];
    const model = used(shape, ...layers);
    const source = await exportTs(model, undefined, { inputShape: shape });
    assertAnswers(await load(source), model, shape);
    assert(source.includes("144 numbers in, 5 out"));
    assertEquals(source.match(/\bimport\b|\brequire\b|Deno/), null);
  });

  it("takes the shape from Unflatten, where a model begins with it", async () => {
    manualSeed(7);
    const model = new nn.Sequential(new nn.Unflatten(1, [1, 4, 4]), new nn.Conv2d(1, 2, 3), new nn.Flatten());
    const predict = await load(await exportTs(model));
    const x = randn([1, 16]);
    const expected = model.call(x).toArray() as number[][];
    predict(x.flatten().toArray() as number[]).forEach((value, i) => assert(Math.abs(value - expected[0][i]) < 1e-5));
  });

  it("asks for the shape of a sample, and refuses one that does not fit", async () => {
    const model = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Flatten(), new nn.Linear(8, 1));
    await assertRejects(
      () => exportTs(model),
      TypeError,
      "Cannot export 0 (Conv2d): it needs to know the shape of a sample, give it as { inputShape: [channels, height, width] }",
    );
    await assertRejects(() => exportTs(model, undefined, { inputShape: [2, 4, 4] }), RangeError, "it has 2 channels");
    const short = () => exportTs(model, undefined, { inputShape: [1, 5, 4] });
    await assertRejects(short, RangeError, "Cannot export 2: it takes 8 values and is given 12");
    const wide = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Linear(8, 1));
    const image = () => exportTs(wide, undefined, { inputShape: [1, 4, 4] });
    await assertRejects(image, TypeError, "a sample of [2, 2, 2] has no rows of [8], put Flatten before it");
  });

  it("writes settings as numbers, and refuses what would be code", async () => {
    const code = "0.1), globalThis.PWNED = 1, (0";
    const norm = Object.assign(new nn.BatchNorm2d(2), { eps: code });
    const call = () => exportTs(new nn.Sequential(norm), undefined, { inputShape: [2, 2, 2] });
    await assertRejects(call, TypeError);
    const conv = Object.assign(new nn.Conv2d(1, 1, 2), { stride: [code, 1] });
    await assertRejects(() => exportTs(new nn.Sequential(conv), undefined, { inputShape: [1, 4, 4] }), TypeError);
    assertEquals((globalThis as { PWNED?: number }).PWNED, undefined);
  });

  it("keeps NaN as a maximum, and −∞ where a window is padding alone", async () => {
    const model = new nn.Sequential(new nn.MaxPool1d(2));
    const predict = await load(await exportTs(model, undefined, { inputShape: [1, 4] }));
    assertEquals(predict([1, NaN, 3, 2]), [NaN, 3]);
    assertEquals(model.call(fromData(Float32Array.of(1, NaN, 3, 2), [1, 1, 4])).toArray(), [[[NaN, 3]]]);
  });
});
