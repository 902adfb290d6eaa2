import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { manualSeed, noGrad, randn, type Tensor, tensor } from "@gradus/gradus";
import { exportTs } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import { tokenKinds } from "./token_kinds.ts";

async function predictOf(model: nn.Module, inputShape: number[]): Promise<(x: number[]) => number[]> {
  const source = await exportTs(model, undefined, { inputShape });
  return (await import(`data:application/typescript;base64,${new TextEncoder().encode(source).toBase64()}`)).predict;
}

/** The model with weights that are not those of its birth, some of which are 0 or 1. */
function drawn(model: nn.Module): nn.Module {
  noGrad(() => model.parameters().forEach((p) => p.copy_(randn(p.shape).mul(0.7))));
  return model.eval();
}

async function assertPredicts(model: nn.Module, x: Tensor): Promise<void> {
  const predict = await predictOf(model, x.shape.slice());
  const found = predict((x.flatten().toArray() as number[]).flat());
  const expected = noGrad(() => model.call(x.unsqueeze(0))).flatten().toArray() as number[];
  assertEquals(found.length, expected.length);
  // float32 rounds each of some dozen operations by 6e-8 of values below 10
  found.forEach((v, i) =>
    assert(Math.abs(v - expected[i]) <= 5e-6 * Math.max(1, Math.abs(expected[i])), `${v} ${expected[i]}`)
  );
}

describe("exportTs() of layers over tokens", () => {
  for (const [name, makes] of Object.entries(tokenKinds)) {
    makes.forEach((make, i) =>
      it(`gives a predict() that answers as ${name} does (${i})`, async () => {
        manualSeed(7);
        const model = drawn(make());
        await assertPredicts(model, randn([3, 8]));
        await assertPredicts(model, randn([1, 8]));
      })
    );
  }
  it("gives a predict() of a text's class: tokens, places, an encoder, a linear layer over all", async () => {
    manualSeed(9);
    const encoder = new nn.TransformerEncoder(tokenKinds.TransformerEncoderLayer[1]() as nn.TransformerEncoderLayer, 2);
    const model = drawn(
      new nn.Sequential(
        ...[new nn.Embedding(11, 8), new nn.LearnedPositions(4, 8), encoder, new nn.RMSNorm(8)],
        ...[new nn.Flatten(), new nn.Linear(32, 3)],
      ),
    );
    await assertPredicts(model, tensor([4, 0, 10, 4], { dtype: "int32" }));
  });
  const refused: [what: string, make: () => nn.Module, inputShape: number[] | null, why: string][] = [
    ["without a shape", tokenKinds.TransformerEncoderLayer[0], null, "give it as { inputShape: [length, width] }"],
    [
      "of another width",
      tokenKinds.TransformerEncoder[0],
      [3, 6],
      "a sample of [3, 6] is no row of tokens [length, 8]",
    ],
    ["of more places", tokenKinds.LearnedPositions[0], [6, 8], "has more places than there are, 5"],
    [
      "whose batch comes second",
      () => new nn.TransformerEncoderLayer(8, 2),
      [3, 8],
      "make it with { batchFirst: true }",
    ],
    [
      "with rotary attention",
      () => new nn.TransformerEncoderLayer(8, 2, { batchFirst: true, rotary: true }),
      [3, 8],
      "exportOnnx()",
    ],
    [
      "with a part of its own",
      () => {
        const layer = new nn.TransformerEncoderLayer(8, 2, { batchFirst: true });
        layer.linear1.forward = (x) => x;
        return layer;
      },
      [3, 8],
      "there is no source for its Linear",
    ],
  ];
  for (const [what, make, inputShape, why] of refused) {
    it(`names a layer ${what}, and why it is refused`, async () => {
      const model = new nn.Sequential(make());
      await assertRejects(() => exportTs(model, undefined, { inputShape }), TypeError, why);
    });
  }
});
