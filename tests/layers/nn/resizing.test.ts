/** Padding, interpolation, shuffled pixels: PyTorch's numbers, awkward shapes, and what is refused. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, manualSeed, ones, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { courseRandom, testCourse, type Translations } from "../../course_reference.ts";
import { assertNear } from "./reference.ts";

const F = nn.functional;

/** Our calls for PyTorch's. */
const TRANSLATIONS: Translations = {
  "interpolate(x, scale_factor=2, mode='nearest')": {
    call: (x) => F.interpolate(x, { scaleFactor: 2, mode: "nearest" }),
  },
  "interpolate(x, size=(5, 7), mode='nearest')": { call: (x) => F.interpolate(x, { size: [5, 7] }) },
  "interpolate(x, size=(5, 7), mode='bilinear', align_corners=False)": {
    call: (x) => F.interpolate(x, { size: [5, 7], mode: "bilinear", alignCorners: false }),
  },
  "interpolate(x, size=(5, 7), mode='bilinear', align_corners=True)": {
    call: (x) => F.interpolate(x, { size: [5, 7], mode: "bilinear", alignCorners: true }),
  },
  "pad(x, (1, 2, 0, 1))": { call: (x) => F.pad(x, [1, 2, 0, 1]) },
  "pad(x, (1, -1), value=2.5)": { call: (x) => F.pad(x, [1, -1], { value: 2.5 }) },
  "pad(x, (2, 1, 1, 2), mode='reflect')": { call: (x) => F.pad(x, [2, 1, 1, 2], { mode: "reflect" }) },
  "pad(x, (2, 1, 1, 2), mode='replicate')": { call: (x) => F.pad(x, [2, 1, 1, 2], { mode: "replicate" }) },
  "pad(x, (2, 1, 1, 2), mode='circular')": { call: (x) => F.pad(x, [2, 1, 1, 2], { mode: "circular" }) },
  "pixel_shuffle(x, 2)": { call: (x) => F.pixelShuffle(x, 2) },
};

/** Judged beside convolutions, whose windows these are. */
const ELSEWHERE = Object.fromEntries(
  [
    "unfold(x, (2, 3), padding=1, stride=2)  # im2col",
    "fold(x, (4, 5), (2, 3), padding=1, stride=2)",
    "x.unfold(1, 3, 2)",
  ].map((call) => [call, "unfold.test.ts"]),
);

describe("resizing: PyTorch's numbers", () => testCourse("resize", TRANSLATIONS, ELSEWHERE));

describe("pad()", () => {
  const x = arange(6).float().view(2, 3);
  it("pads any dimensions by a constant, of any dtype", () => {
    assertEquals(F.pad(x.int(), [0, 0, 1, 0], { value: 7 }).toArray(), [[7, 7, 7], [0, 1, 2], [3, 4, 5]]);
    assertEquals(F.pad(x, [0, 0, 0, 0, 1, 0].slice(0, 4)).toArray(), x.toArray());
    assertEquals(F.pad(tensor([[[1]]]), [1, 0, 0, 1, 1, 0]).toArray(), [[[0, 0], [0, 0]], [[0, 1], [0, 0]]]);
  });
  it("takes away, down to nothing", () => {
    assertEquals(F.pad(x, [-1, -1]).toArray(), [[1], [4]]);
    assertEquals(F.pad(x, [-4, 2]).toArray(), [[0], [0]]);
    assertEquals(F.pad(x, [-2, -1]).shape, [2, 0]);
  });
  it("reads transposed and expanded tensors", () => {
    assertEquals(F.pad(x.t(), [1, 0]).toArray(), [[0, 0, 3], [0, 1, 4], [0, 2, 5]]);
    assertEquals(F.pad(tensor([[1]]).expand(1, 2), [1, 1], { mode: "replicate" }).toArray(), [[1, 1, 1, 1]]);
  });
  it("crops by negative numbers in every mode", () => {
    for (const mode of ["reflect", "replicate", "circular"] as const) {
      assertEquals(F.pad(x, [-1, 0], { mode }).toArray(), [[1, 2], [4, 5]]);
    }
  });
  it("without numbers is the tensor", () => assertStrictEquals(F.pad(x, [], { mode: "reflect" }), x));
  it("refuses numbers that are not right, with what is expected", () => {
    assertThrows(() => F.pad(x, [1]), RangeError, "Cannot pad [2, 3] by [1]: expected two whole numbers for each");
    assertThrows(() => F.pad(x, [1, 1, 1, 1, 1, 1]), RangeError, "last 2 dimensions");
    assertThrows(() => F.pad(x, [0.5, 1]), RangeError, "by [0.5, 1]");
    assertThrows(
      () => F.pad(x, [-2, -2]),
      RangeError,
      "Cannot pad [2, 3] to [2, -1]: more is taken away than there is",
    );
    assertThrows(() => F.pad(x, [3, 0], { mode: "reflect" }), RangeError, "dimension 1 has 3 elements");
    assertThrows(() => F.pad(x, [4, 0], { mode: "circular" }), RangeError, "[4, 0] with mode circular");
    assertThrows(() => F.pad(x.int(), [1, 0], { mode: "reflect" }), TypeError, "cast it with float()");
    assertThrows(() => F.pad(x, [1, 1], { mode: "mirror" as never }), TypeError, "the modes are constant, reflect");
  });
});

describe("interpolate()", () => {
  const x = randn([2, 3, 5, 4]);
  it("keeps images of their own size, and makes smaller ones", () => {
    for (const mode of ["nearest", "bilinear"] as const) {
      assertNear(F.interpolate(x, { size: [5, 4], mode }), x.toArray());
      assertEquals(F.interpolate(x, { scaleFactor: [0.5, 0.5], mode }).shape, [2, 3, 2, 2]);
    }
  });
  it("takes the nearest by the scale that is given, and keeps a size between elements, as PyTorch 1.13 does", () => {
    const rows = arange(5).float().expand(1, 2, 2, 5); // of a single channel PyTorch takes other elements
    const at = (scale: number, mode: "nearest" | "bilinear") =>
      F.interpolate(rows, { scaleFactor: [1, scale], mode }).at(0, 1, 1).toArray();
    assertEquals(at(1.1, "nearest"), [0, 0, 1, 2, 3]);
    assertEquals(at(1.1, "bilinear"), [0, 1, 2, 3, 4]);
    assertEquals(at(2.1, "nearest"), [0, 0, 0, 1, 1, 2, 2, 3, 3, 4]);
  });
  it("to one element with aligned corners takes the first", () => {
    const y = F.interpolate(x, { size: 1, mode: "bilinear", alignCorners: true });
    assertNear(y, x.at(":", ":", "0:1", "0:1").toArray());
  });
  it("does not read what counts nothing", () => {
    const y = F.interpolate(tensor([[[[1, Infinity]]]]), { size: [1, 3], mode: "bilinear", alignCorners: true });
    assertEquals(y.at(0, 0, 0).toArray(), [1, Infinity, Infinity]);
  });
  it("reads transposed images", () => {
    const view = x.transpose(2, 3);
    const of = (x: Tensor) => F.interpolate(x, { size: [7, 3], mode: "bilinear" }).toArray();
    assertEquals(of(view), of(view.clone()));
  });
  it("refuses what is not right", () => {
    assertThrows(() => F.interpolate(x, {}), RangeError, "with neither: give size or scaleFactor");
    assertThrows(() => F.interpolate(x, { size: 2, scaleFactor: 2 }), RangeError, "with both");
    assertThrows(() => F.interpolate(x.at(0), { size: 2 }), RangeError, "expected [batch, channels, rows, columns]");
    assertThrows(() => F.interpolate(x, { scaleFactor: 0.1 }), RangeError, "images of [5, 4] to [0, 0]");
    assertThrows(() => F.interpolate(x, { scaleFactor: -1 }), RangeError, "give numbers above 0");
    assertThrows(() => F.interpolate(x, { size: 0 }), RangeError, "size 0: give whole numbers from 1");
    assertThrows(() => F.interpolate(x.int(), { size: 2 }), TypeError, "cast it with float()");
    assertThrows(() => F.interpolate(x, { size: 2, alignCorners: true }), TypeError, 'with mode "bilinear" only');
    assertThrows(() => F.interpolate(x, { size: 2, mode: "cubic" as never }), TypeError, "the modes are nearest, bil");
  });
});

describe("layers of shapes", () => {
  const printed: [nn.Module, string][] = [
    [new nn.Upsample({ scaleFactor: 2 }), "Upsample(scale_factor=2.0, mode=nearest)"],
    [
      new nn.Upsample({ scaleFactor: [2, 3], mode: "bilinear", alignCorners: true }),
      "Upsample(scale_factor=(2.0, 3.0), mode=bilinear)",
    ],
    [new nn.Upsample({ size: [3, 4] }), "Upsample(size=(3, 4), mode=nearest)"],
    [new nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"],
    [new nn.ZeroPad2d(1), "ZeroPad2d((1, 1, 1, 1))"],
    [new nn.ZeroPad2d([1, 2, 0, 1]), "ZeroPad2d((1, 2, 0, 1))"],
    [new nn.Unflatten(1, [2, 5]), "Unflatten(dim=1, unflattened_size=(2, 5))"],
    [new nn.Identity(), "Identity()"],
    [new nn.Dropout2d(), "Dropout2d(p=0.5, inplace=False)"],
  ];
  for (const [module, text] of printed) it(`${text} prints as in PyTorch`, () => assertEquals(`${module}`, text));

  it("compute what their functions do", () => {
    const x = randn([2, 4, 3, 5]);
    assertEquals(new nn.Upsample({ size: 7 }).call(x).toArray(), F.interpolate(x, { size: 7 }).toArray());
    assertEquals(new nn.PixelShuffle(2).call(x).toArray(), F.pixelShuffle(x, 2).toArray());
    assertEquals(new nn.ZeroPad2d([1, 2, 0, -1]).call(x).toArray(), F.pad(x, [1, 2, 0, -1]).toArray());
    assertStrictEquals(new nn.Identity().call(x), x);
    assertEquals(new nn.Unflatten(-1, [-1, 5]).call(x).shape, [2, 4, 3, 1, 5]);
  });
  it("refuse what cannot be", () => {
    assertThrows(() => F.pixelShuffle(zeros([1, 6, 2, 2]), 2), RangeError, "with channels that divide by 4");
    assertThrows(() => new nn.PixelShuffle(0), RangeError, "give whole numbers from 1");
    assertThrows(() => new nn.ZeroPad2d([1, 2] as never), TypeError, "give a whole number, or four");
    assertThrows(() => new nn.Unflatten(1, [2, 3]).call(zeros([2, 5])), RangeError, "Cannot view [5] as [2, 3]");
    assertThrows(() => new nn.Unflatten(1, 3 as never), TypeError, "give an array, as in [1, 28, 28]");
    assertThrows(() => new nn.Dropout2d(2), RangeError, "from 0 to 1");
    assertThrows(() => F.dropout2d(ones([2, 2])), RangeError, "Cannot drop channels of [2, 2]");
  });
});

describe("dropout2d: PyTorch's masks", () => {
  for (const [call, expected] of Object.entries(courseRandom).filter(([call]) => call.includes("Dropout2d"))) {
    it(call, () => {
      const seed = Number(/^manual_seed\((\d+)\); Dropout2d\(0\.5\)\(ones\(2, 4, 1, 2\)\)$/.exec(call)![1]);
      for (const drop of [(x: Tensor) => F.dropout2d(x), (x: Tensor) => new nn.Dropout2d().call(x)]) {
        manualSeed(seed);
        assertEquals(drop(ones([2, 4, 1, 2])).toArray() as unknown, expected);
      }
    });
  }
  it("passes everything in eval()", () => {
    const x = ones([1, 1, 2, 2]);
    assertStrictEquals(new nn.Dropout2d().eval().call(x), x);
  });
});
