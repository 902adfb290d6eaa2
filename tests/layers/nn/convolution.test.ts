/** Convolutions: PyTorch's numbers on every back end, float32 beside float64, and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, noGrad, ones, randn, type Tensor } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import {
  assertNumbers,
  BACKENDS,
  courseCases,
  courseRandom,
  onBackend,
  runCase,
  testCourse,
  type Translations,
} from "../../course_reference.ts";

const { conv1d, conv2d, convTranspose1d, convTranspose2d } = nn.functional;

const two = (options: nn.Conv2dOptions = {}) => ({
  call: (x: Tensor, w: Tensor, b?: Tensor) => conv2d(x, w, b ?? null, options),
});
const one = (options: nn.Conv1dOptions = {}) => ({
  call: (x: Tensor, w: Tensor, b?: Tensor) => conv1d(x, w, b ?? null, options),
});
const back = (options: nn.ConvTranspose2dOptions = {}) => ({
  call: (x: Tensor, w: Tensor, b?: Tensor) => convTranspose2d(x, w, b ?? null, options),
});

/** Our calls for PyTorch's. */
const TRANSLATIONS: Translations = {
  "conv2d(x, w, b)": two(),
  "conv2d(x, w, b, stride=2, padding=1)": two({ stride: 2, padding: 1 }),
  "conv2d(x, w, None, stride=(2, 1), padding=(0, 2))": two({ stride: [2, 1], padding: [0, 2] }),
  "conv2d(x, w, b, dilation=2)": two({ dilation: 2 }),
  "conv2d(x, w, b, dilation=(1, 3), padding='same')": two({ dilation: [1, 3], padding: "same" }),
  "conv2d(x, w, b, padding='valid')": two({ padding: "valid" }),
  "conv2d(x, w, b, groups=2)": two({ groups: 2 }),
  "conv2d(x, w, b, groups=4, padding=1)  # depthwise": two({ groups: 4, padding: 1 }),
  "conv2d(x, w, b)  # 1x1": two(),
  "conv2d(x, w, b, stride=3)  # 1x1": two({ stride: 3 }),
  "conv2d(x, w, b)  # kernel as large as the image": two(),
  "conv2d(x, w, b)  # no batch": two(),
  "conv2d(x, w, b, stride=4, padding=2)  # stride past the kernel": two({ stride: 4, padding: 2 }),
  "conv2d(x, w, b, padding=1)  # empty batch": two({ padding: 1 }),
  "conv1d(x, w, b)": one(),
  "conv1d(x, w, b, stride=2, padding=3, dilation=2)": one({ stride: 2, padding: 3, dilation: 2 }),
  "conv1d(x, w, b, groups=3, padding=1)": one({ groups: 3, padding: 1 }),
  "conv_transpose2d(x, w, b)": back(),
  "conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1)": back({ stride: 2, padding: 1, outputPadding: 1 }),
  "conv_transpose2d(x, w, b, stride=2, groups=2, dilation=2)": back({ stride: 2, groups: 2, dilation: 2 }),
  "conv_transpose1d(x, w, b, stride=3, padding=1)": {
    call: (x, w, b) => convTranspose1d(x, w, b, { stride: 3, padding: 1 }),
  },
  "Conv2d(3, 8, 3, stride=2, padding=1)": { make: (dtype) => new nn.Conv2d(3, 8, 3, { stride: 2, padding: 1, dtype }) },
  "Conv2d(2, 4, (3, 1), bias=False)": { make: (dtype) => new nn.Conv2d(2, 4, [3, 1], { bias: false, dtype }) },
  "Conv2d(2, 3, 3, padding=1, padding_mode='reflect')": {
    make: (dtype) => new nn.Conv2d(2, 3, 3, { padding: 1, paddingMode: "reflect", dtype }),
  },
  "Conv2d(2, 3, 3, padding=1, padding_mode='circular')": {
    make: (dtype) => new nn.Conv2d(2, 3, 3, { padding: 1, paddingMode: "circular", dtype }),
  },
  "Conv1d(4, 6, 5, padding=2)": { make: (dtype) => new nn.Conv1d(4, 6, 5, { padding: 2, dtype }) },
  "ConvTranspose2d(4, 3, 4, stride=2, padding=1)": {
    make: (dtype) => new nn.ConvTranspose2d(4, 3, 4, { stride: 2, padding: 1, dtype }),
  },
};

describe("convolutions of PyTorch", () => {
  testCourse("conv", TRANSLATIONS);

  for (const seed of [0, 42]) {
    it(`manual_seed(${seed}) gives Conv2d PyTorch's weights`, () => {
      manualSeed(seed);
      const layer = new nn.Conv2d(1, 2, 3);
      const found = layer.parameters().map((p) => p.toArray());
      const expected = courseRandom[`manual_seed(${seed}); Conv2d(1, 2, 3): [weight, bias]`] as unknown[];
      found.forEach((part, i) => assertNumbers(part, expected[i], ["weight", "bias"][i]));
    });
  }
});

/** All numbers of a case that was run: results and gradients. */
function numbersOf({ results, inputs, module }: ReturnType<typeof runCase>): number[] {
  const parts = [...results, ...inputs.map((x) => x.g!), ...(module?.parameters().map((p) => p.g!) ?? [])];
  return parts.flatMap((part) => part.detach().flatten().toArray() as number[]);
}

describe("convolutions in float32", () => {
  for (const entry of courseCases("conv")) {
    for (const name of BACKENDS) {
      it(`${entry.call} is float64's within k·ε·Σ|a||b| (${name})`, () => {
        const translation = TRANSLATIONS[entry.call];
        const rounded = (x: Tensor) => x.float().double();
        const exact = numbersOf(runCase(entry, translation, "float64", rounded));
        const sizes = numbersOf(runCase(entry, translation, "float64", (x) => x.abs()));
        const terms = numbersOf(runCase(entry, translation, "float64", (x) => x.mul(0).add(1)));
        const found = numbersOf(onBackend(name, () => runCase(entry, translation, "float32", rounded)));
        found.forEach((value, i) => {
          const most = (terms[i] + 1) * 2 ** -23 * sizes[i];
          assert(Math.abs(value - exact[i]) <= most, `element ${i}: ${value} is not ${exact[i]}`);
        });
      });
    }
  }
});

/** The names of all the steps that `y` was made by. */
function stepsOf(y: Tensor): string[] {
  return y.node === null ? [] : [y.node.name, ...y.node.inputs.flatMap(stepsOf)];
}

describe("convolutions as modules", () => {
  it("print as PyTorch prints them", () => {
    const forms: [nn.Module, string][] = [
      [
        new nn.Conv2d(3, 8, 3, { stride: 2, padding: 1 }),
        "Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))",
      ],
      [new nn.Conv2d(2, 4, [3, 1], { bias: false }), "Conv2d(2, 4, kernel_size=(3, 1), stride=(1, 1), bias=False)"],
      [
        new nn.Conv2d(4, 4, 3, { padding: "same", dilation: 2, groups: 2, paddingMode: "reflect" }),
        "Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 2), groups=2, padding_mode=reflect)",
      ],
      [new nn.Conv1d(4, 6, 5, { padding: "valid" }), "Conv1d(4, 6, kernel_size=(5,), stride=(1,), padding=valid)"],
      [
        new nn.ConvTranspose2d(4, 3, 4, { stride: 2, padding: 1, outputPadding: [1, 0], groups: 1, bias: false }),
        "ConvTranspose2d(4, 3, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), output_padding=(1, 0), bias=False)",
      ],
      [new nn.ConvTranspose1d(2, 2, 2), "ConvTranspose1d(2, 2, kernel_size=(2,), stride=(1,))"],
    ];
    for (const [module, text] of forms) assertEquals(`${module}`, text);
  });

  it("have PyTorch's layouts, and one group's channels each", () => {
    assertEquals(new nn.Conv2d(4, 6, [3, 2], { groups: 2 }).weight.shape, [6, 2, 3, 2]);
    assertEquals(new nn.ConvTranspose2d(4, 6, [3, 2], { groups: 2 }).weight.shape, [4, 3, 3, 2]);
    assertEquals(new nn.Conv1d(0, 2, 3).weight.shape, [2, 0, 3]);
    assertEquals(new nn.Conv1d(1, 2, 3, { bias: false }).bias, null);
    assertEquals(new nn.Conv2d(1, 2, 3, { dtype: "float64" }).call(ones([1, 5, 5]).double()).dtype, "float64");
  });

  it("pad by what their paddingMode says", () => {
    const sum = (mode: nn.PaddingMode, padding: number | "same" | "valid" = "same") => {
      const layer = new nn.Conv1d(1, 1, 4, { padding, paddingMode: mode, bias: false });
      noGrad(() => layer.weight.fill_(1));
      return layer.call(ones([1, 1, 4]).cumsum(2)).toArray();
    };
    assertEquals(sum("zeros"), [[[6, 10, 9, 7]]]);
    assertEquals(sum("reflect"), [[[2 + 6, 10, 9 + 3, 7 + 3 + 2]]]);
    assertEquals(sum("replicate"), [[[1 + 6, 10, 9 + 4, 7 + 8]]]);
    assertEquals(sum("circular"), [[[4 + 6, 10, 9 + 1, 7 + 3]]]);
    assertEquals(sum("circular", "valid"), [[[10]]]);
    assertEquals(sum("replicate", 2), [[[5, 7, 10, 13, 15]]]);
  });

  it("refuse a padding that x cannot give, channels that do not divide, and settings that cannot be", () => {
    const layer = new nn.Conv2d(1, 1, 3, { padding: 4, paddingMode: "reflect" });
    assertThrows(() => layer.call(ones([1, 4, 9])), RangeError, "Cannot pad [1, 4, 9] by [4, 4] with mode reflect");
    assertThrows(
      () => new nn.Conv2d(3, 4, 3, { groups: 2 }),
      RangeError,
      "from 3 to 4 channels: both must divide by its 2",
    );
    assertThrows(() => new nn.Conv2d(1, 1, 3, { groups: 0 }), RangeError, "with groups 0: give a whole number from 1");
    assertThrows(
      () => new nn.Conv2d(1, 1, 0),
      RangeError,
      "Cannot make Conv2d with kernelSize 0: give whole numbers from 1",
    );
    assertThrows(
      () => new nn.Conv2d(1, 1, 3, { padding: "same", stride: 2 }),
      RangeError,
      'padding "same" and stride (2, 2)',
    );
    assertThrows(
      () => new nn.Conv2d(1, 1, 3, { padding: "full" as "same" }),
      TypeError,
      "the paddings are same, valid",
    );
    assertThrows(() => new nn.Conv2d(1.5, 1, 3), RangeError, "Cannot make Conv2d with inChannels 1.5");
    assertThrows(
      () => new nn.Conv2d(1, 1, 3, { paddingMode: "reflct" as "reflect" }),
      TypeError,
      "the nearest is reflect",
    );
    assertThrows(() => new nn.Conv2d(1, 1, 3).call(ones([2, 2])), RangeError, "expected [n, channels, height, width]");
  });

  for (const name of BACKENDS) {
    it(`within Sequential are computed with the activation after them, to the same bits (${name})`, () => {
      for (const activation of [nn.ReLU, nn.Sigmoid, nn.Tanh]) {
        for (
          const conv of [
            new nn.Conv2d(2, 3, 3, { padding: 1 }),
            new nn.ConvTranspose2d(2, 3, 3),
            new nn.Conv1d(2, 3, 3),
          ]
        ) {
          const [after, x] = [new activation(), randn(conv instanceof nn.Conv1d ? [2, 2, 9] : [2, 2, 5, 4])];
          onBackend(name, () => {
            const fused = new nn.Sequential(conv, after).call(x);
            assertEquals(stepsOf(fused).filter((step) => step === activation.name.toLowerCase()), []);
            assertEquals(fused.toArray(), after.call(conv.call(x)).toArray());
          });
        }
      }
    });
  }

  it("within Sequential call a forward that was replaced", () => {
    class Twice extends nn.Conv2d {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(2);
      }
    }
    const layer = new Twice(1, 1, 1);
    const x = ones([1, 2, 2]);
    assertEquals(new nn.Sequential(layer, new nn.ReLU()).call(x).toArray(), layer.call(x).relu().toArray());
  });
});
