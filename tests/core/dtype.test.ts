import { assertEquals, assertInstanceOf } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { type DType, ones, tensor, zeros } from "@gradus/gradus";
import {
  allocate,
  dtypeOf,
  isFloating,
  isTypedArray,
  promote,
  promoteRanked,
  promoteScalar,
} from "../../core/dtype.ts";

const DTYPES: readonly DType[] = ["bool", "uint8", "int32", "float32", "float64"];

// torch.promote_types, row by column in the order of DTYPES; PyTorch's int64 is int32 here.
const PROMOTED: readonly DType[][] = [
  ["bool", "uint8", "int32", "float32", "float64"],
  ["uint8", "uint8", "int32", "float32", "float64"],
  ["int32", "int32", "int32", "float32", "float64"],
  ["float32", "float32", "float32", "float32", "float64"],
  ["float64", "float64", "float64", "float64", "float64"],
];

// torch.result_type(ones(1, dtype=row), tensor(1, dtype=column)): a single number does not raise the dtype within its category.
const BESIDE_RANK_0: readonly DType[][] = [
  ["bool", "uint8", "int32", "float32", "float64"],
  ["uint8", "uint8", "uint8", "float32", "float64"],
  ["int32", "int32", "int32", "float32", "float64"],
  ["float32", "float32", "float32", "float32", "float32"],
  ["float64", "float64", "float64", "float64", "float64"],
];

// torch.result_type(ones(1, dtype=row), True | 2 | 0.5); Python's 2 stands for int64, which is int32 here.
const BESIDE_NUMBER: readonly DType[][] = [
  ["bool", "int32", "float32"],
  ["uint8", "uint8", "float32"],
  ["int32", "int32", "float32"],
  ["float32", "float32", "float32"],
  ["float64", "float64", "float64"],
];

describe("promotion", () => {
  DTYPES.forEach((a, i) =>
    DTYPES.forEach((b, j) => {
      it(`promote() makes ${a} and ${b} ${PROMOTED[i][j]}`, () => {
        assertEquals(promote(a, b), PROMOTED[i][j]);
        assertEquals(ones([2], { dtype: a }).mul(ones([2], { dtype: b })).dtype, PROMOTED[i][j]);
        assertEquals(ones([], { dtype: a }).mul(ones([], { dtype: b })).dtype, PROMOTED[i][j]);
      });

      it(`promoteRanked() makes ${a}[2] and ${b}[] ${BESIDE_RANK_0[i][j]}, on either side`, () => {
        assertEquals(promoteRanked(a, 1, b, 0), BESIDE_RANK_0[i][j]);
        assertEquals(promoteRanked(b, 0, a, 1), BESIDE_RANK_0[i][j]);
        assertEquals(ones([], { dtype: b }).mul(ones([2], { dtype: a })).dtype, BESIDE_RANK_0[i][j]);
      });
    })
  );

  DTYPES.forEach((dtype, i) =>
    [true, 2, 0.5].forEach((number, j) => {
      it(`promoteScalar() makes ${dtype} and ${number} ${BESIDE_NUMBER[i][j]}`, () => {
        assertEquals(promoteScalar(dtype, number), BESIDE_NUMBER[i][j]);
        assertEquals(ones([2], { dtype }).mul(number).dtype, BESIDE_NUMBER[i][j]);
      });
    })
  );

  for (const odd of [NaN, Infinity, -Infinity]) {
    it(`promoteScalar() counts ${odd} as a fraction`, () => assertEquals(promoteScalar("int32", odd), "float32"));
  }
});

describe("typed arrays", () => {
  for (const dtype of DTYPES) {
    it(`allocate() makes zeros of ${dtype}`, () => {
      const data = allocate(dtype, 3);
      assertEquals([...data], [0, 0, 0]);
      assertEquals(dtypeOf(data), dtype === "bool" ? "uint8" : dtype);
    });
  }

  it("isFloating() holds for the two dtypes with a fraction", () => {
    assertEquals(DTYPES.filter(isFloating), ["float32", "float64"]);
  });

  it("isNumbers() knows the four arrays and no other", () => {
    assertEquals(DTYPES.every((dtype) => isTypedArray(allocate(dtype, 1))), true);
    assertEquals(
      [new Int16Array(1), new BigInt64Array(1), new DataView(new ArrayBuffer(1)), [1]].some(isTypedArray),
      false,
    );
  });
});

describe("casts", () => {
  it("to() cuts fractions toward zero on the way to int32", () => {
    assertEquals(tensor([1.9, -1.9]).to("int32").toArray(), [1, -1]);
  });
  it("to() calls all but 0 true, NaN and small fractions too", () => {
    assertEquals(tensor([0, -0, 0.25, NaN, -3]).to("bool").toArray(), [false, false, true, true, true]);
  });
  it("to() gives bools as 0 and 1", () => assertEquals(tensor([true, false]).float().toArray(), [1, 0]));
  it("to() wraps an integer into a byte", () => {
    assertEquals(tensor([256, 257, -1], { dtype: "int32" }).to("uint8").toArray(), [0, 1, 255]);
  });
  it("to() rounds a double to the nearest float32", () => {
    assertEquals(tensor([0.1], { dtype: "float64" }).float().item(), Math.fround(0.1));
  });
  it("to() of the same dtype is the tensor itself", () => {
    const x = zeros([2]);
    assertEquals(x.to("float32") === x, true);
  });
  it("float(), double() and int() name their dtypes", () => {
    const x = tensor([true]);
    assertEquals([x.float().dtype, x.double().dtype, x.int().dtype], ["float32", "float64", "int32"]);
    assertInstanceOf(x.double().data, Float64Array);
  });
});

describe("bool()", () => {
  it("bool() is true for everything but 0", () => {
    const mask = tensor([0, -0.5, NaN]).bool();
    assertEquals([mask.dtype, mask.toArray()], ["bool", [false, true, true]]);
  });
});
