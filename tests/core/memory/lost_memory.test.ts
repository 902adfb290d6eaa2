/** Tensors whose elements are no longer there, and tensors that see the same bytes as another dtype: the same on every back end. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, cat, einsum, fromData, ones, type Tensor, tensor, where } from "@gradus/gradus";
import { encodeNpy } from "@gradus/gradus/io";
import { linear } from "../../../core/ops/linalg.ts";
import { crossEntropyMean } from "../../../core/ops/fused.ts";
import { backend } from "../../../core/backend/choose.ts";

/** Ways to lose the memory of a [2, 2] of float32. */
const LOSSES: Record<string, () => Tensor> = {
  "was transferred": () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const x = fromData(data, [2, 2]);
    data.buffer.transfer();
    return x;
  },
  "was resized": () => {
    const buffer = new ArrayBuffer(16, { maxByteLength: 32 });
    const x = fromData(new Float32Array(buffer, 0, 4), [2, 2]);
    buffer.resize(8);
    return x;
  },
  "belonged to a WebAssembly memory that grew": () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const x = fromData(new Float32Array(memory.buffer, 0, 4), [2, 2]);
    memory.grow(1);
    return x;
  },
};

const whole = () => ones([2, 2]);
const classes = tensor([0, 1], { dtype: "int32" });

/** What needs the elements, one for each way to reach them. */
const USES: Record<string, (x: Tensor) => unknown> = {
  "add()": (x) => x.add(whole()),
  "add() on the right": (x) => whole().add(x),
  "add() broadcast": (x) => ones([3, 1, 1]).add(x),
  "mul() by a number": (x) => x.mul(2),
  "pow()": (x) => x.pow(3),
  "gt()": (x) => x.gt(0),
  "exp()": (x) => x.exp(),
  "sign()": (x) => x.sign(),
  "int()": (x) => x.int(),
  "double()": (x) => x.double(),
  "clone()": (x) => x.clone(),
  "t().contiguous()": (x) => x.t().contiguous(),
  "at()": (x) => x.at(1).mul(1),
  "sum()": (x) => x.sum(),
  "sum(0)": (x) => x.sum(0),
  "argmax(1)": (x) => x.argmax(1),
  "any()": (x) => x.any(),
  "max(0)": (x) => x.max(0),
  "cumsum()": (x) => x.cumsum(0),
  "matmul()": (x) => x.matmul(whole()),
  "matmul() on the right": (x) => whole().matmul(x),
  "linear()": (x) => linear(whole(), x, null),
  "linear() with its bias": (x) => linear(whole(), whole(), x.at(0)),
  "einsum()": (x) => einsum("ij->", x),
  "index()": (x) => x.index(classes),
  "index() by a mask": (x) => x.index(tensor([true, false])),
  "where()": (x) => where(whole().gt(0), x, 0),
  "cat()": (x) => cat([whole(), x]),
  "crossEntropy()": (x) => crossEntropyMean(x, classes),
  "copy_()": (x) => whole().copy_(x),
  "add_() of it": (x) => whole().add_(x),
  "add_() to it": (x) => x.add_(1),
  "fill_()": (x) => x.fill_(1),
  "copy_() to it": (x) => x.copy_(whole()),
  "item()": (x) => x.at(0, 0).item(),
  "toArray()": (x) => x.toArray(),
  "toString()": (x) => `${x}`,
  "encodeNpy()": (x) => encodeNpy(x),
};

describe("a tensor whose memory is gone", () => {
  for (const [loss, make] of Object.entries(LOSSES)) {
    for (const [name, use] of Object.entries(USES)) {
      it(`${name} refuses one whose buffer ${loss}`, () => {
        const x = make();
        assertThrows(() => use(x), RangeError, "Cannot use a tensor whose memory is gone");
      });
    }
  }
  it("update() refuses a parameter whose buffer was transferred, with its gradient or alone", () => {
    const settings = Float64Array.of(0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    const gone = () => LOSSES["was transferred"]().data;
    const there = () => new Float32Array(4);
    for (const [p, g] of [[gone(), gone()], [gone(), there()], [there(), gone()]]) {
      const slots = [{ p, g, m: null, v: null }];
      assertThrows(() => backend().update("sgd", settings, slots), RangeError);
    }
  });
  it("views, shapes and what has no elements do not need the memory", () => {
    const x = LOSSES["was transferred"]();
    assertEquals([x.t().shape, x.view(4).shape, x.slice(0, 2).add(1).shape, x.slice(0, 2).sum().item()], [
      [2, 2],
      [4],
      [0, 2],
      0,
    ]);
  });
});

describe("one buffer seen as two dtypes", () => {
  it("copy_() from bytes into floats of the same buffer reads the bytes as they were", () => {
    const floats = Float32Array.of(1, 2, 3, 4, 5, 6);
    const bytes = new Uint8Array(floats.buffer, 0, 6);
    const before = [...bytes];
    fromData(floats, [6]).copy_(fromData(bytes, [6]));
    assertEquals([...floats], before);
  });
  it("copy_() from floats into int32 of the same buffer cuts each", () => {
    const floats = Float32Array.of(1.5, -2.5, 3.5);
    const whole = fromData(new Int32Array(floats.buffer), [3]);
    assertEquals(whole.copy_(fromData(floats, [3])).toArray(), [1, -2, 3]);
  });
  it("copy_() from uint8 into bool of the same bytes stores 0 and 1", () => {
    const bytes = Uint8Array.of(3, 0, 255);
    assertEquals([...fromData(bytes, [3], "bool").copy_(fromData(bytes, [3])).data], [1, 0, 1]);
  });
  it("add_() of doubles over the floats that it writes reads them as they were", () => {
    const buffer = new ArrayBuffer(16);
    const doubles = new Float64Array(buffer);
    doubles.set([1, 2]);
    const floats = fromData(new Float32Array(buffer, 0, 2), [2]);
    const before = [...floats.data];
    assertEquals(floats.add_(fromData(doubles, [2])).toArray(), [before[0] + 1, Math.fround(before[1] + 2)]);
  });
});

describe("memory that others share", () => {
  it("tensors made after the buffer of a small one was transferred have memory of their own", () => {
    const x = arange(3);
    (x.data.buffer as ArrayBuffer).transfer();
    assertThrows(() => x.add(1), RangeError, "memory is gone");
    assertEquals(arange(3).add(1).toArray(), [1, 2, 3]);
  });
});
