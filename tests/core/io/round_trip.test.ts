import { assert } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as fc from "fast-check";
import { Tensor } from "@gradus/gradus";
import { decodeNpy, decodeNpz, decodeSafetensors, encodeNpy, encodeNpz, encodeSafetensors } from "@gradus/gradus/io";
import { randomTensor, sameBits, shownBytes } from "./random_tensor.ts";

const TENSORS = { numRuns: 10_000, seed: 5 };

describe("10,000 random tensors", () => {
  it("shownBytes() of the tests reads a view with steps: the judge itself", () => {
    const t = new Tensor(new Uint8Array([0, 1, 2, 3, 4, 5, 6]), [2, 2], [1, 3], 2, "uint8");
    assert(`${shownBytes(t)}` === "2,5,3,6");
  });

  it("decodeNpy() gives back what encodeNpy() wrote, bit for bit", () => {
    fc.assert(fc.property(randomTensor, (t) => sameBits(decodeNpy(encodeNpy(t)), t)), TENSORS);
  });

  it("decodeNpz() gives back what encodeNpz() wrote, bit for bit, stored and deflated", () => {
    let compress = false;
    const trip = (t: Tensor, name: string) => {
      compress = !compress;
      const back = decodeNpz(encodeNpz(new Map([[name, t]]), { compress }));
      return back.size === 1 && sameBits(back.get(name)!, t);
    };
    const name = fc.constantFrom("w", "layers.0.weight", "a/b", "__proto__", "", "größe");
    fc.assert(fc.property(randomTensor, name, trip), TENSORS);
  });

  it("decodeSafetensors() gives back what encodeSafetensors() wrote, bit for bit", () => {
    const trip = (t: Tensor, u: Tensor) => {
      const { tensors } = decodeSafetensors(encodeSafetensors(new Map([["t", t], ["u", u]])));
      return tensors.size === 2 && sameBits(tensors.get("t")!, t) && sameBits(tensors.get("u")!, u);
    };
    fc.assert(fc.property(randomTensor, randomTensor, trip), { numRuns: 5_000, seed: 5 });
  });
});
