import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { cat, manualSeed, noGrad, randint, randn, type Tensor, tensor } from "@gradus/gradus";
import { exportTs } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import { LAYERS } from "../../../../layers/train/export/layer_sources.ts";
import { imageKinds } from "./image_kinds.ts";
import { tokenKinds } from "./token_kinds.ts";
import { inFolder } from "../../../core/io/in_folder.ts";

interface Exported {
  predict(input: number[] | Float32Array): number[];
}

const may = (command: string) => Deno.permissions.querySync({ name: "run", command }).state === "granted";

async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(command, { args, env: { NO_COLOR: "1" } }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** The exported module, loaded. */
async function load(source: string): Promise<Exported> {
  return await import(`data:application/typescript;base64,${new TextEncoder().encode(source).toBase64()}`);
}

/** A model with statistics and weights that are not those of its birth. */
function used(...layers: nn.Module[]): nn.Sequential {
  const model = new nn.Sequential(...layers);
  noGrad(() => model.parameters().forEach((p) => p.copy_(randn(p.shape))));
  model.train();
  for (let i = 0; i < 3; i++) model.call(randn([16, 6]).mul(2).add(1));
  return model.eval();
}

const model = () => {
  manualSeed(11);
  return used(
    new nn.Linear(6, 4),
    new nn.BatchNorm1d(4),
    new nn.ReLU(),
    new nn.Dropout(),
    new nn.Linear(4, 3),
    new nn.Softmax(1),
  );
};

/** Layers by class, which may stand here in several ways. */
const kinds: Record<string, () => nn.Module> = {
  BatchNorm1d: () => new nn.BatchNorm1d(6),
  "BatchNorm1d without weights": () => new nn.BatchNorm1d(6, { affine: false }),
  Dropout: () => new nn.Dropout(),
  ELU: () => new nn.ELU(0.7),
  Flatten: () => new nn.Flatten(),
  GELU: () => new nn.GELU(),
  "GELU by tanh": () => new nn.GELU({ approximate: "tanh" }),
  Hardtanh: () => new nn.Hardtanh(-0.5, 2),
  Identity: () => new nn.Identity(),
  LayerNorm: () => new nn.LayerNorm(6),
  "LayerNorm without weights": () => new nn.LayerNorm(6, { elementwiseAffine: false }),
  LeakyReLU: () => new nn.LeakyReLU(0.2),
  Linear: () => new nn.Linear(6, 3),
  "Linear without bias": () => new nn.Linear(6, 3, { bias: false }),
  LogSigmoid: () => new nn.LogSigmoid(),
  LogSoftmax: () => new nn.LogSoftmax(1),
  Mish: () => new nn.Mish(),
  ReLU: () => new nn.ReLU(),
  RMSNorm: () => new nn.RMSNorm(6),
  "RMSNorm that is not affine": () => new nn.RMSNorm(6, { elementwiseAffine: false, eps: 0.01 }),
  SELU: () => new nn.SELU(),
  Sigmoid: () => new nn.Sigmoid(),
  SiLU: () => new nn.SiLU(),
  Softmax: () => new nn.Softmax(),
  Softplus: () => new nn.Softplus({ beta: 2, threshold: 3 }),
  Tanh: () => new nn.Tanh(),
};

/** Far and near, on both sides, and 0. */
const SAMPLES = [[-8.2, -1, -0.1, 0, 0.5, 8.2], [4.5, 0.25, -2.5, 1, -0.75, -4.5]];

function assertClose(actual: number[], expected: number[], label = ""): void {
  assertEquals(actual.length, expected.length, label);
  // float32 rounds each of the model's few operations to 6e-8 of values below 20
  actual.forEach((v, i) =>
    assert(Math.abs(v - expected[i]) <= 1e-6 * Math.max(1, Math.abs(expected[i])), `${label} ${v} ${expected[i]}`)
  );
}

describe("exportTs()", () => {
  for (const [name, make] of Object.entries(kinds)) {
    it(`gives a predict() that answers as ${name} does`, async () => {
      manualSeed(5);
      const layer = used(make());
      const { predict } = await load(await exportTs(layer));
      for (const sample of SAMPLES) {
        assertClose(predict(sample), layer.call(tensor([sample])).at(0).toArray() as number[], name);
      }
    });
  }

  /** Every public class of modules, but what only others are made from. */
  const all = Object.entries(nn).flatMap(([name, value]) =>
    typeof value === "function" && value.prototype instanceof nn.Module &&
      !["ChannelNorm", "Recurrent", "RecurrentCell"].includes(name)
      ? [name]
      : []
  );
  const refused = all.filter((name) => /(Loss|List|Dict|RNN|LSTM|GRU|Cell)$/.test(name));

  it("is tried with every module of nn", () => {
    const tried = [...Object.values(kinds), ...Object.values(imageKinds).map(([make]) => make)]
      .map((make) => make().constructor.name);
    const elsewhere = ["Sequential", "Embedding", "TabularModel"]; // below
    const uncalled = ["MultiheadAttention", "TransformerDecoderLayer"]; // with more than one tensor
    assertEquals(new Set([...tried, ...elsewhere, ...refused, ...uncalled, ...Object.keys(tokenKinds)]), new Set(all));
    const listed = [...tried, "Embedding", "TabularModel", ...Object.keys(tokenKinds)];
    assertEquals(new Set(listed), new Set(Object.keys(LAYERS)));
  });

  /** What layers with a state are made with: the sizes of input and state. */
  const SIZES = [1, 1] as never;

  for (const name of refused) {
    it(`names ${name}, which does not predict, and writes nothing`, () =>
      inFolder(async (folder) => {
        const odd = new (nn[name as "MSELoss"])(...(/Loss|List|Dict/.test(name) ? [] : SIZES)) as unknown as nn.Module,
          path = `${folder}/model.ts`;
        const model = new nn.Sequential(new nn.ReLU(), odd);
        await assertRejects(
          () => exportTs(model, path),
          TypeError,
          `Cannot export 1 (${name}): there is no source for it`,
        );
        assertEquals([...Deno.readDirSync(folder)], []);
      }));
  }

  it("gives a predict() that answers as Embedding does, of whole numbers alone", async () => {
    manualSeed(5);
    const model = new nn.Sequential(new nn.Embedding(7, 3, { paddingIdx: 2 }), new nn.Flatten(), new nn.Linear(12, 2));
    const { predict } = await load(await exportTs(model, undefined, { inputShape: [4] }));
    const expected = model.call(tensor([[6, 0, 2, 2]], { dtype: "int32" })).at(0).toArray() as number[];
    assertClose(predict([6, 0, 2, 2]), expected);
    for (const odd of [7, -1, 0.5, NaN]) {
      const message = `Cannot look up ${odd}: expected a whole number from 0 to 6`;
      assertThrows(() => predict([0, 0, 0, odd]), RangeError, message);
    }
    await assertRejects(() => exportTs(model), TypeError, "give it as { inputShape: [length] }");
  });

  const tables: [what: string, features: nn.TabularFeatures, options: nn.TabularModelOptions][] = [
    ["categories and numbers", { categories: [3, 50], numbers: 4 }, { hidden: [8, 6], dropout: 0.5 }],
    ["numbers alone", { categories: [], numbers: 3 }, { hidden: [5] }],
    ["categories alone", { categories: [4, 2], numbers: 0 }, { hidden: [5], embeddingDropout: 0.1 }],
    ["no hidden layer", { categories: [3], numbers: 2 }, { hidden: [] }],
  ];
  for (const [what, features, options] of tables) {
    it(`gives a predict() that answers as TabularModel does of ${what}`, async () => {
      manualSeed(5);
      const { categories, numbers } = features, model = new nn.TabularModel(features, 2, options);
      const rows = (n: number) =>
        cat([
          ...categories.map((most) => randint(0, most, [n, 1]).float()),
          randn([n, numbers]).mul(2).add(1),
        ], 1);
      noGrad(() => model.parameters().forEach((p) => p.copy_(randn(p.shape))));
      for (let i = 0; i < 3; i++) model.train().call(rows(16));
      const { predict } = await load(await exportTs(model));
      assertEquals(model.training, true);
      for (const row of rows(4).toArray() as number[][]) {
        assertClose(predict(row), model.eval().call(tensor([row])).at(0).toArray() as number[], what);
      }
    });
  }

  const norms: [what: string, make: () => nn.Module[]][] = [
    ["after a linear layer", () => [new nn.Linear(6, 4), new nn.Dropout(), new nn.BatchNorm1d(4), new nn.Tanh()]],
    ["before a linear layer", () => [new nn.BatchNorm1d(6), new nn.Identity(), new nn.Linear(6, 4, { bias: false })]],
    ["on both sides", () => [new nn.BatchNorm1d(6), new nn.Linear(6, 4), new nn.BatchNorm1d(4, { affine: false })]],
    ["of a nested sequence", () => [new nn.Sequential(new nn.Linear(6, 4)), new nn.Sequential(new nn.BatchNorm1d(4))]],
  ];
  for (const [what, make] of norms) {
    it(`takes a batch normalisation ${what} into its weights`, async () => {
      manualSeed(5);
      const model = used(...make()), source = await exportTs(model);
      assertEquals(source.includes("function affine("), false);
      const { predict } = await load(source);
      for (const sample of SAMPLES) {
        assertClose(predict(sample), model.call(tensor([sample])).at(0).toArray() as number[], what);
      }
    });
  }

  it("keeps the digits of numbers whose mean is far from 0", async () => {
    manualSeed(5);
    const norm = new nn.BatchNorm1d(2), model = new nn.Sequential(norm, new nn.Linear(2, 2)).eval();
    norm.runningMean!.copy_(tensor([2015.25, 1e6]));
    norm.runningVar!.copy_(tensor([25, 1]));
    const { predict } = await load(await exportTs(model)), row = [2024, 1_000_001];
    assertClose(predict(row), model.call(tensor([row])).at(0).toArray() as number[]);
  });

  it("draws nothing and changes nothing where it takes a batch normalisation into a convolution", async () => {
    manualSeed(5);
    const model = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2)), state = model.stateDict();
    const before = [...state.values()].map((x) => x.toArray());
    manualSeed(6);
    const source = await exportTs(model, undefined, { inputShape: [1, 4, 4] });
    const drawn = randn([3]).toArray();
    manualSeed(6);
    assertEquals(drawn, randn([3]).toArray());
    assertEquals([...model.stateDict().values()].map((x) => x.toArray()), before);
    assertEquals([source.includes("function channelNorm("), source.includes("function affine("), model.training], [
      false,
      false,
      true,
    ]);
  });

  it("names a sequence and a layer with a forward of their own", async () => {
    class Twice extends nn.Sequential {
      override forward(x: Tensor): Tensor {
        return super.forward(super.forward(x));
      }
    }
    await assertRejects(() => exportTs(new Twice(new nn.ReLU())), TypeError, "Cannot export Twice: there is no source");
    for (const layer of [new nn.Linear(6, 6), new nn.Dropout(), new nn.BatchNorm1d(6)]) {
      const odd = Object.assign(layer, { forward: (x: Tensor) => x.neg() });
      const message = `Cannot export 1 (${layer.constructor.name}): there is no source for it`;
      await assertRejects(() => exportTs(new nn.Sequential(new nn.Linear(6, 6), odd)), TypeError, message);
    }
  });

  it("takes layers of a nested sequence in their order", async () => {
    manualSeed(5);
    const nested = used(new nn.Sequential(new nn.Linear(6, 4), new nn.Tanh()), new nn.Linear(4, 2));
    const { predict } = await load(await exportTs(nested));
    assertClose(predict(SAMPLES[0]), nested.call(tensor([SAMPLES[0]])).at(0).toArray() as number[]);
  });

  it("predicts as in eval mode, and leaves the model in its own", async () => {
    const trained = model().train();
    const { predict } = await load(await exportTs(trained));
    assertEquals(trained.training, true);
    assertClose(predict(SAMPLES[0]), trained.eval().call(tensor([SAMPLES[0]])).at(0).toArray() as number[]);
  });

  it("takes a Float32Array as well", async () => {
    const { predict } = await load(await exportTs(model()));
    assertEquals(predict(Float32Array.from(SAMPLES[1])), predict(SAMPLES[1]));
  });

  it("writes settings as numbers, and refuses what would be code", async () => {
    const code = "0.1), globalThis.PWNED = 1, (0" as unknown as number;
    const odd = (layer: nn.Module, settings: object) => Object.assign(layer, settings);
    for (
      const layer of [
        odd(new nn.LeakyReLU(), { negativeSlope: code }),
        odd(new nn.ELU(), { alpha: code }),
        odd(new nn.Hardtanh(), { low: code }),
        odd(new nn.Hardtanh(), { high: code }),
        odd(new nn.Softplus(), { options: { beta: code } }),
        odd(new nn.Softplus(), { options: { threshold: code } }),
        odd(new nn.LayerNorm(6), { eps: code }),
        odd(new nn.BatchNorm1d(6), { eps: code }),
      ]
    ) {
      const message = `${layer.constructor.name}): its setting "0.1), globalThis.PWNED = 1, (0" is no number`;
      await assertRejects(() => exportTs(new nn.Sequential(layer)), TypeError, message);
    }
    await assertRejects(
      () => exportTs(new nn.Sequential(odd(new nn.ELU(), { alpha: NaN }))),
      TypeError,
      "its setting null is no number",
    );
    const { predict } = await load(await exportTs(new nn.Sequential(new nn.Hardtanh(-Infinity, -0))));
    assertEquals(predict([-1e300, 5]), [-1e300, -0]);
  });

  it("writes names into its comment in a way that they cannot end it", async () => {
    class Odd extends nn.Sequential {}
    Object.defineProperty(Odd, "name", { value: "*/ globalThis.PWNED = 2; /*\r\n**//\u2028*/" });
    const { predict } = await load(await exportTs(new nn.Sequential(new Odd(new nn.ReLU()))));
    assertEquals([predict([-1, 2]), (globalThis as { PWNED?: number }).PWNED], [[0, 2], undefined]);
  });

  it("takes the sizes of its input from the weights that it writes", async () => {
    const layer = new nn.Linear(6, 4);
    Object.assign(layer, { inFeatures: "1) { globalThis.PWNED = 3; } if (0" });
    const { predict } = await load(await exportTs(new nn.Sequential(layer)));
    assertEquals([predict(SAMPLES[0]).length, (globalThis as { PWNED?: number }).PWNED], [4, undefined]);
  });

  it("refuses an input of another length", async () => {
    const { predict } = await load(await exportTs(model()));
    const error = await assertRejects(async () => await predict([1, 2]), RangeError);
    assertEquals(error.message, "Cannot predict from 2 numbers: expected 6");
  });

  it("refuses several samples at once", async () => {
    const { predict } = await load(await exportTs(new nn.Sequential(new nn.Linear(2, 2))));
    const rows = [[1, 2], [3]] as unknown as number[];
    const error = await assertRejects(async () => await predict(rows), TypeError);
    assertEquals(error.message, "Cannot predict: element 0 of the sample is no number, give one sample at a time");
  });

  it("imports nothing", async () => {
    assertEquals((await exportTs(model())).match(/\bimport\b|\brequire\b|Deno/), null);
  });

  it("names a layer for which there is no source", async () => {
    class Mine extends nn.ReLU {}
    const odd = new nn.Sequential(new nn.ReLU(), new nn.Sequential(new Mine()));
    const error = await assertRejects(() => exportTs(odd), TypeError, "Cannot export 1.0 (Mine)");
    assertStringIncludes(error.message, "known are Sequential, Linear");
    const shapeless = await assertRejects(() => exportTs(new nn.Sequential(new nn.Conv2d(1, 2, 3))), TypeError);
    assertEquals(
      shapeless.message,
      "Cannot export 0 (Conv2d): it needs to know the shape of a sample, give it as { inputShape: [channels, height, width] }",
    );
  });

  it("names a model that is a layer of one's own", async () => {
    class Mine extends nn.ReLU {}
    const mine = new Mine() as unknown as nn.Sequential;
    await assertRejects(() => exportTs(mine), TypeError, "Cannot export Mine: there is no source for it");
  });

  it("names settings for which there is no source", async () => {
    const export_ = (layer: nn.Module) => exportTs(new nn.Sequential(layer));
    await assertRejects(() => export_(new nn.Softmax(0)), TypeError, "dimension 0");
    await assertRejects(() => export_(new nn.Flatten(0)), TypeError, "dimensions from 1");
    await assertRejects(() => export_(new nn.BatchNorm1d(2, { trackRunningStats: false })), TypeError, "statistics");
  });

  it("refuses layers whose sizes do not fit", async () => {
    const odd = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(4, 1));
    await assertRejects(() => exportTs(odd), RangeError, "Cannot export 2: it takes 4 values and is given 3");
  });

  (may(Deno.execPath()) ? it : it.skip)(
    "passes the type check of the strictest settings",
    () =>
      inFolder(async (folder) => {
        const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
        await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ compilerOptions: strict }));
        const all = Object.values(kinds).map((make) => make()).filter((layer) => !(layer instanceof nn.Linear));
        await exportTs(new nn.Sequential(...all, new nn.Linear(6, 1)), `${folder}/all.ts`);
        const use = 'import { predict } from "./all.ts";\nexport const y: number[] = predict([1]);\n';
        await Deno.writeTextFile(`${folder}/use.ts`, use);
        const said = await run(Deno.execPath(), "check", "--config", `${folder}/deno.json`, `${folder}/use.ts`);
        assertEquals(said.includes("ERROR"), false, said);
      }),
  );

  it("carries weights of every size exactly", async () => {
    const layer = new nn.Linear(1, 3, { bias: false });
    noGrad(() => layer.weight.copy_(tensor([[1e-38], [-3e38], [0.1]])));
    const { predict } = await load(await exportTs(new nn.Sequential(layer)));
    assertEquals(predict([1]), [1e-38, -3e38, 0.1].map(Math.fround));
  });
});
