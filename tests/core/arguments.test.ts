import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import {
  checkFlags,
  checkOptions,
  describe as describeValue,
  nearest,
  requireBytes,
  requireChoice,
  requireState,
  requireTensor,
} from "../../core/arguments.ts";
import { type Tensor, tensor } from "@gradus/gradus";
import { Linear } from "@gradus/gradus/nn";

const KNOWN = ["batchSize", "shuffle", "lr", "weightDecay"] as const;
const check = (options: unknown) => () => checkOptions("load", options as Partial<Record<"lr", 1>>, KNOWN as never);

describe("nearest()", () => {
  const MEANT: [written: string, meant: string][] = [
    ["batch_size", "batchSize"], // another case
    ["batchsize", "batchSize"],
    ["bacthSize", "batchSize"], // two letters exchanged: one edit
    ["shufle", "shuffle"],
    ["learningRate", "lr"], // its initials
    ["learning_rate", "lr"],
    ["wd", "weightDecay"],
    ["weigth_decay", "weightDecay"],
  ];
  for (const [written, meant] of MEANT) {
    it(`nearest() takes ${written} for ${meant}`, () => assertEquals(nearest(written, KNOWN), meant));
  }
});

describe("checkOptions()", () => {
  it("checkOptions() lets known options pass, also undefined ones, and none at all", () => {
    for (const options of [{}, { lr: 1 }, { lr: undefined }, Object.create(null)]) check(options)();
  });
  it("checkOptions() names the unknown option, those there are, and the nearest", () => {
    const message = 'Cannot load with the option "batch_size": the options are batchSize, shuffle, lr, weightDecay, ' +
      "the nearest is batchSize";
    assertEquals(assertThrows(check({ batch_size: 1 }), TypeError).message, message);
  });
  it("checkOptions() takes names that every object inherits for unknown", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      const options = Object.defineProperty({}, name, { value: 1, enumerable: true });
      assertThrows(check(options), TypeError, `the option "${name}"`);
    }
  });
  it("checkOptions() refuses what is no object of options, and shows how they are named", () => {
    for (const [value, found] of [[2, "the number 2"], [null, "null"], [[1], "an array"], [tensor(1), "a Tensor"]]) {
      assertThrows(
        check(value),
        TypeError,
        `Cannot load with ${found} for options: they go by name, as in { batchSize`,
      );
    }
  });
});

describe("checkFlags()", () => {
  it("checkFlags() lets known options pass, with values and after --", () => {
    checkFlags(["--json", "--seed=3", "--", "--what"], ["json", "seed"]);
    checkFlags(["file.csv", "-3", "--json"], ["json"], true);
  });
  it("checkFlags() refuses others, and words where there are to be none", () => {
    assertThrows(() => checkFlags(["--jsn"], ["seed", "json"]), TypeError, "the nearest is --json");
    assertThrows(
      () => checkFlags(["json"], ["seed", "json"]),
      TypeError,
      "Cannot use json: the options are --seed, --json",
    );
    assertThrows(() => checkFlags(["a", "--wasmm=1"], ["wasm"], true), TypeError, "--wasmm: the only one is --wasm");
  });
});

describe("requireTensor()", () => {
  const FOUND: [value: unknown, found: string, cure: string][] = [
    [[1, 2], "an array", "make one with tensor([…]) first"],
    [new Float32Array(2), "a Float32Array", "make one with tensor([…]) first"],
    [3, "the number 3", "make one with tensor([…]) first"],
    [undefined, "undefined", "give one"],
    ["w", 'the text "w"', "give one"],
    [new Linear(1, 1), "a Linear", "give one"],
    [Linear, "the class Linear", "give one"],
    [{ data: 1 }, "an object", "give one"],
    [Promise.resolve(), "a Promise", "await it first"],
  ];
  for (const [value, found, cure] of FOUND) {
    it(`requireTensor() says that it found ${found}`, () => {
      const error = assertThrows(() => requireTensor(value as Tensor, "add"), TypeError);
      assertEquals(error.message, `Cannot add ${found}: it is no tensor, ${cure}`);
    });
  }
  it("requireTensor() lets a tensor and a parameter pass", () => {
    requireTensor(tensor(1), "add");
    requireTensor(new Linear(1, 1).weight, "add");
  });
});

describe("requireChoice()", () => {
  it("requireChoice() says what there is and the nearest of it", () => {
    assertThrows(
      () => requireChoice("draw", "style", "block", ["blocks", "ascii"]),
      TypeError,
      'Cannot draw with style "block": the styles are blocks, ascii, the nearest is blocks',
    );
  });
});

describe("describe()", () => {
  it("describe() sets the article that is spoken", () => {
    assertEquals([new Uint8Array(), new URL("file:///x"), new Int8Array(), {}].map(describeValue), [
      "a Uint8Array",
      "a URL",
      "an Int8Array",
      "an object",
    ]);
  });
  it("describe() cuts a long text", () => {
    assertEquals(describeValue("x".repeat(50)), `the text "${"x".repeat(40)}…"`);
  });
});

describe("requireState()", () => {
  it("requireState() names the first part that is missing", () => {
    const check = (state: unknown) => () =>
      requireState("a loader", state as Record<"order" | "place", 1>, ["order", "place"]);
    check({ order: null, place: undefined })();
    assertThrows(check({ order: 1 }), TypeError, "the state of a loader from an object: it has no place, give what");
    for (const value of [undefined, null, 3]) assertThrows(check(value), TypeError, "it has no order");
  });
});

describe("requireBytes()", () => {
  it("requireBytes() says how bytes are made of a buffer, and that a path is none", () => {
    const check = (bytes: unknown) => () => requireBytes(bytes as Uint8Array, "npz");
    check(new Uint8Array(1))();
    assertThrows(check(new ArrayBuffer(1)), TypeError, "npz from an ArrayBuffer: give new Uint8Array(buffer)");
    assertThrows(check("x.npz"), TypeError, 'npz from the text "x.npz": give a Uint8Array');
  });
});
