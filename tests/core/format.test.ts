import { assert, assertEquals } from "@std/assert";
import { afterEach, describe, it } from "../bdd.ts";
import { type PrintSettings, setPrintOptions } from "@gradus/gradus";
import { formatStorage, formatTensor, type Printable } from "../../core/format.ts";
import reference from "../reference/torch_reference.json" with { type: "json" };
import { arange, int, lines, printable } from "./printable.ts";

const CASES: Record<string, Printable> = {
  "tensor(3.5)": printable([3.5], []),
  "tensor([1., 2, 3])": printable([1, 2, 3]),
  "tensor([1, 2, 3])": int([1, 2, 3]),
  "tensor([[1.5, -2.25], [100.125, 0.]])": printable([1.5, -2.25, 100.125, 0], [2, 2]),
  "tensor([1e-5, 1., 1e5])": printable([1e-5, 1, 1e5]),
  "tensor([float('nan'), float('inf'), 1.])": printable([NaN, Infinity, 1]),
  "tensor([True, False])": printable([1, 0], [2], "bool"),
  "arange(24.).reshape(2,3,4)": printable(arange(24), [2, 3, 4]),
  "arange(2000.)": printable(arange(2000)),
  "arange(10000.).reshape(100,100)": printable(arange(10000), [100, 100]),
  "tensor([])": printable([]),
  "tensor([1.], dtype=float64)": printable([1], [1], "float64"),
  "ones(2, requires_grad=True)": { ...printable([1, 1]), requiresGrad: true },
  "set_printoptions(precision=2, linewidth=125, sci_mode=False): arange(10000.).reshape(100,100) / 7": printable(
    arange(10000).map((i) => i / 7),
    [100, 100],
  ),
};

const SETTINGS: Record<string, PrintSettings> = {
  "set_printoptions(precision=2, linewidth=125, sci_mode=False)": { precision: 2, lineWidth: 125, sciMode: false },
};

afterEach(() => setPrintOptions({ profile: "default" }));

describe("formatTensor(), case by case of the reference", () => {
  for (const [call, text] of Object.entries(reference.printing)) {
    it(`formatTensor() prints ${call} as PyTorch does, dtypes without "torch."`, () => {
      assert(call in CASES, `no tensor here for ${call}`);
      setPrintOptions(SETTINGS[call.split(":")[0]] ?? {});
      assertEquals(formatTensor(CASES[call]), text.replace("torch.", ""));
    });
  }
});

// The texts below are PyTorch 1.13's own, "torch." before a dtype aside.
describe("formatTensor()", () => {
  it("formatTensor() prints no brackets for no dimensions", () => {
    assertEquals(formatTensor(int([7], [])), "tensor(7)");
    assertEquals(formatTensor(printable([1], [], "bool")), "tensor(True)");
    assertEquals(formatTensor(printable([NaN], [])), "tensor(nan)");
    assertEquals(formatTensor(printable([1e-5], [])), "tensor(1.0000e-05)");
  });

  it("formatTensor() says the size of an empty tensor unless it is (0,)", () => {
    assertEquals(formatTensor(printable([], [0, 3])), "tensor([], size=(0, 3))");
    assertEquals(formatTensor(int([])), "tensor([], dtype=int32)");
    assertEquals(formatTensor(printable([], [2, 0], "bool")), "tensor([], size=(2, 0), dtype=bool)");
    assertEquals(
      formatTensor({ ...printable([], [0, 2], "float64"), requiresGrad: true }),
      "tensor([], size=(0, 2), dtype=float64, requires_grad=True)",
    );
  });

  it("formatTensor() aligns NaN and infinities with fractions", () => {
    assertEquals(
      formatTensor(printable([NaN, Infinity, -Infinity, 0.5])),
      "tensor([   nan,    inf,   -inf, 0.5000])",
    );
  });

  it("formatTensor() lets NaN, infinities and zeros have no say in the width of whole numbers", () => {
    assertEquals(formatTensor(printable([NaN, -Infinity, 10, -0])), "tensor([nan, -inf, 10., -0.])");
    assertEquals(formatTensor(printable([NaN, NaN])), "tensor([nan, nan])");
  });

  it("formatTensor() aligns NaN and infinities with powers of ten", () => {
    assertEquals(
      formatTensor(printable([1e-5, NaN, -Infinity, 1])),
      "tensor([1.0000e-05,        nan,       -inf, 1.0000e+00])",
    );
  });

  it("formatTensor() keeps the sign of negative zero", () => {
    assertEquals(formatTensor(printable([0, -0])), "tensor([0., -0.])");
    assertEquals(formatTensor(printable([-0, 0.5])), "tensor([-0.0000, 0.5000])");
  });

  it("formatTensor() rounds halves to even", () => {
    assertEquals(formatTensor(printable([0.03125, 0.09375, -0.03125])), "tensor([ 0.0312,  0.0938, -0.0312])");
    assertEquals(formatTensor(printable([1.03125, 103125])), "tensor([1.0312e+00, 1.0312e+05])");
    setPrintOptions({ precision: 0 });
    assertEquals(formatTensor(printable([0.5, 1.5, 2.5])), "tensor([0, 2, 2])");
  });

  it("formatTensor() rounds up what only looks like a half", () => {
    assertEquals(formatTensor(printable([0.12345, 0.5], [2], "float64")), "tensor([0.1235, 0.5000], dtype=float64)");
    assertEquals(formatTensor(printable([1, 1031250])), "tensor([1.0000e+00, 1.0312e+06])");
    assertEquals(formatTensor(printable([1, 1031251])), "tensor([1.0000e+00, 1.0313e+06])");
  });

  it("formatTensor() turns to powers of ten when the greatest is over 1000 times the least", () => {
    assertEquals(formatTensor(printable([1, 1000])), "tensor([   1., 1000.])");
    assertEquals(formatTensor(printable([1, 1001])), "tensor([1.0000e+00, 1.0010e+03])");
  });

  it("formatTensor() turns to powers of ten above 1e8, and for fractions below 1e-4", () => {
    assertEquals(formatTensor(printable([123456789])), "tensor([1.2346e+08])");
    assertEquals(formatTensor(printable([1e-4, 0.01], [2], "float64")), "tensor([0.0001, 0.0100], dtype=float64)");
    assertEquals(
      formatTensor(printable([9.9e-5, 0.01], [2], "float64")),
      "tensor([9.9000e-05, 1.0000e-02], dtype=float64)",
    );
  });

  it("formatTensor() writes three digits of a power that has them", () => {
    assertEquals(
      formatTensor(printable([1e-100, 1e200], [2], "float64")),
      "tensor([1.0000e-100, 1.0000e+200], dtype=float64)",
    );
  });

  it("formatTensor() names uint8 but not bool", () => {
    assertEquals(formatTensor(printable([1, 200], [2], "uint8")), "tensor([  1, 200], dtype=uint8)");
    assertEquals(
      formatTensor(printable([1, 0, 0, 0], [2, 2], "bool")),
      lines("tensor([[ True, False],", "        [False, False]])"),
    );
  });

  it("formatTensor() reads through strides and offset", () => {
    const t = printable([900, 0, 1, 2, 3, 4, 5]);
    assertEquals(
      formatTensor({ ...t, shape: [3, 2], strides: [1, 3], offset: 1 }),
      lines("tensor([[0., 3.],", "        [1., 4.],", "        [2., 5.]])"),
    );
    assertEquals(
      formatTensor({ ...printable([10, 20]), shape: [2, 2], strides: [0, 1] }),
      lines("tensor([[10., 20.],", "        [10., 20.]])"),
    );
  });

  it("formatTensor() leaves one blank line between matrices, two between blocks of them", () => {
    assertEquals(
      formatTensor(int(arange(16), [2, 2, 2, 2])),
      lines(
        "tensor([[[[ 0,  1],",
        "          [ 2,  3]],",
        "",
        "         [[ 4,  5],",
        "          [ 6,  7]]],",
        "",
        "",
        "        [[[ 8,  9],",
        "          [10, 11]],",
        "",
        "         [[12, 13],",
        "          [14, 15]]]])",
      ),
    );
  });

  it("formatTensor() breaks a row that is longer than 80 characters", () => {
    assertEquals(
      formatTensor(int(arange(30))),
      lines(
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,",
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])",
      ),
    );
  });

  it("formatTensor() puts on a new line what no longer fits behind the numbers", () => {
    const t = { ...printable([1, 2, 3]), requiresGrad: true };
    setPrintOptions({ lineWidth: 41 });
    assertEquals(formatTensor(t), "tensor([1., 2., 3.], requires_grad=True)");
    setPrintOptions({ lineWidth: 40 });
    assertEquals(formatTensor(t), lines("tensor([1., 2., 3.],", "       requires_grad=True)"));
  });

  it("formatTensor() reads only what it prints of a tensor over the threshold", () => {
    const t = printable([...arange(600), 1e9, ...arange(600)]);
    assertEquals(formatTensor(t), "tensor([  0.,   1.,   2.,  ..., 597., 598., 599.])");
  });

  it("formatTensor() shows the edges of every dimension of a tensor over the threshold", () => {
    setPrintOptions({ edgeItems: 1 });
    assertEquals(
      formatTensor(int(arange(2000), [20, 10, 10])),
      lines(
        "tensor([[[   0,  ...,    9],",
        "         ...,",
        "         [  90,  ...,   99]],",
        "",
        "        ...,",
        "",
        "        [[1900,  ..., 1909],",
        "         ...,",
        "         [1990,  ..., 1999]]])",
      ),
    );
  });

  it("formatTensor() shows whole a dimension of twice the edge items", () => {
    setPrintOptions({ edgeItems: 1 });
    assertEquals(
      formatTensor(int(arange(2400), [2, 1200])),
      lines("tensor([[   0,  ..., 1199],", "        [1200,  ..., 2399]])"),
    );
  });
});

describe("formatStorage()", () => {
  it("formatStorage() prints document 004's storage", () => {
    const text = lines(" 10.0", " 20.0", " 40.0", "[FloatStorage of size 3]");
    assertEquals(formatStorage(Float32Array.of(10, 20, 40), "float32"), text);
  });

  it("formatStorage() prints a float32 as the double it stands for, as PyTorch does", () => {
    assertEquals(
      formatStorage(Float32Array.of(0.1, 1e16, 1e-5, -0), "float32"),
      lines(
        " 0.10000000149011612",
        " 1.0000000272564224e+16",
        " 9.999999747378752e-06",
        " -0.0",
        "[FloatStorage of size 4]",
      ),
    );
  });

  it("formatStorage() lays out a double as Python does", () => {
    const values = Float64Array.of(0.0001, 1e-5, 1e15, 1e16, NaN, -Infinity, 2.5);
    const text = lines(" 0.0001", " 1e-05", " 1000000000000000.0", " 1e+16", " nan", " -inf", " 2.5");
    assertEquals(formatStorage(values, "float64"), text + "\n[DoubleStorage of size 7]");
  });

  it("formatStorage() prints integers, bytes and bools as such", () => {
    assertEquals(formatStorage(Int32Array.of(-1, 2), "int32"), " -1\n 2\n[IntStorage of size 2]");
    assertEquals(formatStorage(Uint8Array.of(200), "uint8"), " 200\n[ByteStorage of size 1]");
    assertEquals(formatStorage(Uint8Array.of(1, 0), "bool"), " True\n False\n[BoolStorage of size 2]");
  });

  it("formatStorage() shows only the edges past the threshold", () => {
    setPrintOptions({ edgeItems: 1 });
    assertEquals(formatStorage(new Int32Array(1001), "int32"), " 0\n ...\n 0\n[IntStorage of size 1001]");
  });

  it("formatStorage() prints an empty storage", () => {
    assertEquals(formatStorage(new Float32Array(0), "float32"), "[FloatStorage of size 0]");
  });
});
