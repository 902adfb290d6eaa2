import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { onEachCall } from "../../../../layers/train/callbacks/model_monitors.ts";

describe("onEachCall()", () => {
  it("tells of inner modules before outer ones, and leaves no trace when it ends", () => {
    const model = new nn.Sequential(new nn.Sequential(new nn.ReLU()), new nn.Tanh());
    const seen: string[] = [];
    const end = onEachCall(model, (path) => void seen.push(path));
    model.call(tensor([1]));
    end();
    model.call(tensor([1]));
    assertEquals(seen, ["0.0", "0", "1", ""]);
    assertEquals([Object.keys(model[1]), model.children().length], [["training"], 2]);
  });

  it("may be called twice: both listeners are called, and end in any order but the last first", () => {
    const model = new nn.ReLU();
    const seen: number[] = [];
    const first = onEachCall(model, () => void seen.push(1));
    const second = onEachCall(model, () => void seen.push(2));
    model.call(tensor([1]));
    second();
    model.call(tensor([1]));
    first();
    model.call(tensor([1]));
    assertEquals(seen, [1, 2, 1]);
  });
});
