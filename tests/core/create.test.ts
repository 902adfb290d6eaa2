import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import {
  arange,
  type DType,
  eye,
  fromData,
  full,
  linspace,
  manualSeed,
  ones,
  rand,
  randint,
  randn,
  tensor,
  type TypedArray,
  zeros,
} from "@gradus/gradus";
import { nearestIs, optionsByName, textInstead, unknownOption } from "../wording.ts";

describe("tensor()", () => {
  it("tensor() reads its shape off nested arrays", () => {
    assertEquals(tensor([[[1, 2]], [[3, 4]], [[5, 6]]]).shape, [3, 1, 2]);
  });
  it("tensor() of a number has rank 0", () => {
    const x = tensor(5);
    assertEquals([x.shape, x.item(), x.numel()], [[], 5, 1]);
  });
  it("tensor() of nothing has no elements, and keeps the sizes around it", () => {
    assertEquals([tensor([]).shape, tensor([[], []]).shape], [[0], [2, 0]]);
  });
  it("tensor() makes numbers float32, booleans bool, and a mixture float32", () => {
    assertEquals([tensor([1]).dtype, tensor([true]).dtype, tensor([true, 2]).dtype], ["float32", "bool", "float32"]);
    assertEquals(tensor([]).dtype, "float32");
  });
  it("tensor() keeps the dtype of a typed array, and copies it", () => {
    const bytes = Uint8Array.of(1, 255);
    const x = tensor(bytes);
    assertEquals([x.dtype, x.toArray()], ["uint8", [1, 255]]);
    assertNotStrictEquals(x.data, bytes);
  });
  it("tensor() of another dtype than its typed array copies too", () => {
    assertEquals(tensor(Float64Array.of(1.5, 0), { dtype: "bool" }).toArray(), [true, false]);
  });
  it("tensor() of dtype bool stores 0 and 1", () => {
    assertEquals([...tensor([3, 0, NaN], { dtype: "bool" }).data], [1, 0, 1]);
  });
  it("tensor() refuses rows of different lengths", () => {
    assertThrows(() => tensor([[1, 2], [3]]), RangeError, "at depth 1 expected 2 elements, found 1 elements");
    assertThrows(() => tensor([[1], 2]), RangeError, "expected 1 elements, found a single value");
    assertThrows(() => tensor([1, [2]]), RangeError, "expected a single value, found 1 elements");
  });
  it("tensor() refuses what is no number", () => {
    assertThrows(() => tensor(["1"] as unknown as number[]), TypeError, "found string");
    assertThrows(() => tensor([null] as unknown as number[]), TypeError, "found null at [0]");
    assertThrows(() => tensor([Int16Array.of(1)] as unknown as number[]), TypeError, "found Int16Array at [0]");
  });
  it("tensor() names a hole", () => {
    // deno-lint-ignore no-sparse-arrays
    const holes = [[[1, , 3], "[1]"], [[, 1], "[0]"], [[[1, 2], [3, ,]], "[1, 1]"], [[[1], ,], "[1]"]] as const;
    for (const [values, place] of holes) {
      const make = () => tensor(values as unknown as number[]);
      assertThrows(make, TypeError, `found undefined at ${place}`);
    }
    assertThrows(() => tensor(new Array(3)), TypeError, "found undefined at [0]");
  });
  it("tensor() takes typed arrays as rows, and the dtype that holds them all", () => {
    const rows = tensor([Float64Array.of(1, 0.1), Float64Array.of(3, 4)]);
    assertEquals([rows.dtype, rows.toArray()], ["float64", [[1, 0.1], [3, 4]]]);
    assertEquals(tensor([[Uint8Array.of(1, 255)], [Int32Array.of(-1, 2)]]).toArray(), [[[1, 255]], [[-1, 2]]]);
    assertEquals(tensor([Uint8Array.of(1), Int32Array.of(-1)]).dtype, "int32");
    assertEquals(tensor([Int32Array.of(1), [2]]).dtype, "float32");
    assertEquals(tensor([new Float64Array(0), new Float64Array(0)]).shape, [2, 0]);
    assertEquals(tensor([Float32Array.of(1.5, -1)], { dtype: "int32" }).toArray(), [[1, -1]]);
    assertThrows(() => tensor([Float32Array.of(1), Float32Array.of(1, 2)]), RangeError, "expected 1 elements, found 2");
    assertThrows(() => tensor([1, Float32Array.of(1)]), RangeError, "expected a single value, found 1 elements");
    assertThrows(() => tensor([Float32Array.of(1), [[1]]]), RangeError, "expected a single value");
  });
});

describe("fromData()", () => {
  it("fromData() shares its array", () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const x = fromData(data, [2, 2]);
    x.at(1, 1).fill_(9);
    assertStrictEquals(x.data, data);
    assertEquals(data[3], 9);
  });
  it("fromData() sees bytes as bool with dtype bool", () => {
    assertEquals(fromData(Uint8Array.of(1, 0), [2], "bool").toArray(), [true, false]);
  });
  it("fromData() refuses a shape of another size", () => {
    assertThrows(() => fromData(new Float32Array(6), [2, 2]), RangeError, "Cannot see 6 elements as [2, 2]");
  });
  it("fromData() refuses an array of another dtype", () => {
    assertThrows(() => fromData(new Float32Array(1), [1], "int32"), TypeError, "Cannot see a Float32Array as int32");
  });
  it("fromData() refuses an array that no dtype stands for", () => {
    assertThrows(() => fromData(new Int16Array(2) as unknown as TypedArray, [2]), TypeError, "Cannot see a Int16Array");
  });
});

describe("filled tensors", () => {
  it("zeros() and ones() are float32 by default", () => {
    assertEquals([zeros([2]).toArray(), ones([1, 2]).toArray()], [[0, 0], [[1, 1]]]);
    assertEquals([zeros([1]).dtype, ones([1], { dtype: "int32" }).dtype], ["float32", "int32"]);
  });
  it("zeros() copies the shape it was given", () => {
    const shape = [2];
    const x = zeros(shape);
    shape[0] = 3;
    assertEquals(x.shape, [2]);
  });
  it("full() of dtype bool stores 1 for anything but 0", () =>
    assertEquals([...full([2], 7, { dtype: "bool" }).data], [1, 1]));
  it("eye() has ones on its diagonal", () => {
    assertEquals(eye(3).toArray(), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    assertEquals(eye(0).shape, [0, 0]);
  });
  it("eye() takes a number of columns, and options behind either", () => {
    assertEquals([eye(2, 3).toArray(), eye(2, 1).toArray()], [[[1, 0, 0], [0, 1, 0]], [[1], [0]]]);
    assertEquals([eye(1, { dtype: "bool" }).dtype, eye(1, 2, { dtype: "int32" }).dtype], ["bool", "int32"]);
  });
  it("zeros() refuses a negative size", () => {
    assertThrows(() => zeros([-1]), RangeError, "Cannot make a tensor of shape [-1]");
  });
});

describe("numbers that are none", () => {
  it("full(), arange() and linspace() refuse text and arrays, which JavaScript would take for numbers", () => {
    const text = "3" as unknown as number, list = [3] as unknown as number;
    assertThrows(() => full([1], text), TypeError, `Cannot fill a tensor with ${textInstead("3")}`);
    assertThrows(() => arange(list), TypeError, "Cannot count by an array: give a number");
    assertThrows(() => arange(0, text), TypeError, `Cannot count by ${textInstead("3")}`);
    assertThrows(() => linspace(text, 4, 2), TypeError, `Cannot space numbers by ${textInstead("3")}`);
  });
});

describe("arange()", () => {
  it("arange() stops before its end", () => {
    assertEquals(arange(0, 1, 0.3).toArray(), [0, 0.3, 0.6, 0.9].map(Math.fround));
    assertEquals(arange(5, 1, -2).toArray(), [5, 3]);
    assertEquals(arange(2.5).toArray(), [0, 1, 2]);
  });
  it("arange() from a number to itself is empty, with a size of +0", () => {
    assertEquals([arange(0).shape, arange(1, 1, -1).shape], [[0], [0]]);
  });
  it("arange() takes a dtype", () => assertEquals(arange(0, 3, 1, { dtype: "int32" }).dtype, "int32"));
  for (const [start, end, step] of [[0, 1, 0], [0, 3, -1], [0.5, 0, 1], [0, 1, NaN], [0, Infinity, 1]]) {
    it(`arange() refuses to count from ${start} to ${end} by ${step}`, () => {
      assertThrows(() => arange(start, end, step), RangeError, `Cannot count from ${start} to ${end} by ${step}`);
    });
  }
});

describe("linspace()", () => {
  it("linspace() includes both ends", () => assertEquals(linspace(0, 1, 5).toArray(), [0, 0.25, 0.5, 0.75, 1]));
  it("linspace() meets its end exactly where steps are rounded", () => { // 49 · (1 / 49) is 1 − 2⁻⁵³
    assertEquals(linspace(0, 1, 50, { dtype: "float64" }).at(-1).item(), 1);
  });
  it("linspace() of one step is its start, and of none is empty", () => {
    assertEquals([linspace(3, 9, 1).toArray(), linspace(3, 9, 0).shape], [[3], [0]]);
  });
});

describe("options", () => {
  const typo = (name: string) => name as DType;
  it("requiresGrad makes a leaf that requires a gradient, whichever function makes it", () => {
    const options = { requiresGrad: true };
    const leaves = [
      tensor([1], options),
      tensor(Float64Array.of(1), options),
      zeros([1], options),
      ones([1], options),
      full([1], 2, options),
      eye(1, options),
      arange(0, 1, 1, options),
      linspace(0, 1, 2, options),
      rand([1], options),
      randn([1], options),
    ];
    assertEquals(leaves.map((x) => x.requiresGrad && x.node === null), leaves.map(() => true));
    assertEquals(zeros([1], { requiresGrad: false }).requiresGrad, false);
  });
  it("requiresGrad is refused for integers", () => {
    assertThrows(() => zeros([1], { dtype: "int32", requiresGrad: true }), TypeError, "only floats carry one");
    assertThrows(() => randint(0, 2, [1], { requiresGrad: true }), TypeError, "only floats carry one");
  });
  it("an unknown dtype is refused with those there are, and the nearest", () => {
    const dtypes = "the dtypes are float64, float32, int32, uint8, bool";
    const cases: [() => unknown, string][] = [
      [() => tensor([1], { dtype: typo("float16") }), `"float16": ${dtypes}, ${nearestIs("float32")}`],
      [() => zeros([2], { dtype: typo("int64") }), `"int64": ${dtypes}, ${nearestIs("int32")}`],
      [() => rand([2], { dtype: typo("half") }), `"half": ${dtypes}, ${nearestIs("float32")}`],
      [() => ones([2]).to(typo("long")), `"long": ${dtypes}, ${nearestIs("int32")}`],
      [() => ones([2]).to(typo("toString")), `"toString": ${dtypes}`],
    ];
    for (const [call, message] of cases) assertThrows(call, TypeError, `Cannot use the dtype ${message}`);
  });
  it("an option there is not is refused with those there are", () => {
    const wrong = { dtyp: "int32" } as Record<never, never>;
    assertThrows(() => tensor([1], wrong), TypeError, unknownOption("dtyp", "dtype", "requiresGrad"));
    assertThrows(() => randn([1], wrong), TypeError, "dtype, requiresGrad, generator");
    assertThrows(() => zeros([1], "int32" as Record<never, never>), TypeError, optionsByName("dtype"));
  });
  it("sizes without an array are refused with one", () => {
    const sizes = (n: number) => n as unknown as number[];
    for (const make of [() => zeros(sizes(2), sizes(3) as object), () => rand(sizes(2)), () => full(sizes(2), 1)]) {
      assertThrows(make, TypeError, "Cannot make a tensor of shape 2: give all sizes in one array, [2, 3]");
    }
  });
  it("manualSeed() refuses a text", () => {
    assertThrows(
      () => manualSeed("a" as unknown as number),
      TypeError,
      'Cannot seed with the text "a": take an integer',
    );
  });
});
