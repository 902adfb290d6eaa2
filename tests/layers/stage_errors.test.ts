/** What the stages say to those who write the documents' lines, or half of a layer. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as classes from "@gradus/gradus/classes";
import * as layerFunctions from "@gradus/gradus/layer_function";
import * as functions from "@gradus/gradus/function";
import { linParameters } from "@gradus/gradus/functional";
import { notATensor } from "../wording.ts";

const [w, b] = [ones([3, 2]), zeros([2])];

/** A constructor as untyped code may call it. */
type Untyped = new (...args: unknown[]) => unknown;

describe("Model", () => {
  const stages = [
    ["02", classes.Model, "new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse())"],
    ["03", layerFunctions.Model, "new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse())"],
    ["04", functions.Model, "new Model([linear(w1, b1), activation(Relu), linear(w2, b2)], Mse)"],
  ] as const;
  for (const [stage, Model, cure] of stages) {
    const make = Model as unknown as Untyped;
    it(`Model of stage ${stage} answers four tensors, as the documents give it, with the line that makes one`, () => {
      assertThrows(() => new make(w, b, w, b), TypeError, `it takes layers and a loss, ${cure}`);
    });
    it(`Model of stage ${stage} refuses a missing loss, and a list of tensors`, () => {
      assertThrows(() => new make([]), TypeError, cure);
      assertThrows(() => new make([w, b], null), TypeError, cure);
    });
  }
});

describe("linParameters()", () => {
  it("linParameters() gives weights and bias back where they fit, and else says what would", () => {
    assertEquals(linParameters(w, b), [w, b]);
    const misfit = "weights [3, 2] and bias [3]: expected [in, out] and [out]";
    assertThrows(() => linParameters(w, zeros([3])), RangeError, misfit);
  });
});

describe("Lin", () => {
  const makers: [string, (...args: Tensor[]) => unknown][] = [
    ["Lin of stage 02", (...args) => new (classes.Lin as unknown as Untyped)(...args)],
    ["Lin of stage 03", (...args) => new (layerFunctions.Lin as unknown as Untyped)(...args)],
    ["linear() of stage 04", (...args) => functions.linear(...args as [Tensor, Tensor])],
  ];
  for (const [name, make] of makers) {
    it(`${name} without a bias names the bias that fits`, () => {
      assertThrows(() => make(w), TypeError, "with the bias undefined: w is [3, 2], give zeros([2])");
    });
    it(`${name} without weights says what it takes`, () => {
      assertThrows(() => make(), TypeError, notATensor("with the weights undefined"));
    });
    it(`${name} refuses a bias of another length`, () => {
      assertThrows(() => make(w, zeros([3])), RangeError, "weights [3, 2] and bias [3]");
    });
  }
});

describe("Module", () => {
  class Todo extends layerFunctions.Module {}

  it("Module can be made without forward and bwd, and names the class when one of them is needed", () => {
    assertThrows(() => new Todo().call(w), Error, "Cannot run Todo: its forward() is not implemented");
    class Half extends Todo {
      override forward(inp: Tensor): Tensor {
        return inp.mul(2);
      }
    }
    const half = new Half();
    assertEquals(half.call(b).shape, [2]);
    assertThrows(() => half.backward(), Error, "Cannot run Half: its bwd() is not implemented");
  });
  it("Module keeps arguments and output for bwd", () => {
    class Twice extends layerFunctions.Module<[inp: Tensor]> {
      override forward(inp: Tensor): Tensor {
        return inp.mul(2);
      }
      override bwd(out: Tensor, inp: Tensor): void {
        inp.g = out.g!.mul(2);
      }
    }
    const [layer, x] = [new Twice(), tensor([1, 2])];
    layer.call(x).g = tensor([1, 10]);
    layer.backward();
    assertEquals(x.g?.toArray(), [2, 20]);
  });
  it("LayerFunction is a Module, so that a Model takes both", () => {
    assertEquals(layerFunctions.LayerFunction.prototype instanceof layerFunctions.Module, true);
  });
});
