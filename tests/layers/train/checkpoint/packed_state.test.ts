import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { type Tensor, tensor } from "@gradus/gradus";
import { packState, unpackState } from "../../../../layers/train/checkpoint/packed_state.ts";

describe("packState()", () => {
  it("keeps what JSON cannot say: −0, NaN, infinities, maps, typed arrays, tensors", () => {
    const state = {
      numbers: [-0, NaN, Infinity, -Infinity, 0.1],
      map: new Map<string, unknown>([["__proto__", null], ["a.b", true]]),
      order: Int32Array.of(3, -1),
      bytes: Uint8Array.of(255),
      text: "$number",
    };
    const back = unpackState(packState(state)) as typeof state;
    assertEquals(back, state);
    assert(Object.is(back.numbers[0], -0));
    const x = tensor([[1, 2], [3, 4]]).t();
    assertEquals((unpackState(packState({ x })) as { x: Tensor }).x.toArray(), [[1, 3], [2, 4]]);
  });

  it("keeps two tensors apart whose paths read the same", () => {
    const state = { "a.b": tensor([1]), a: { b: tensor([2]) } };
    const back = unpackState(packState(state)) as typeof state;
    assertEquals([back["a.b"].item(), back.a.b.item()], [1, 2]);
  });

  it("keeps lists that grow with a run beside the JSON, whatever is in them", () => {
    const many = Array.from({ length: 1_001 }, (_, i) => i);
    const state = {
      rows: many.map((i) => ({ i, loss: i === 7 ? NaN : -0, text: "a\n\u2028b", last: new Map([["x", [i]]]) })),
      map: new Map(many.map((i) => [`k${i}`, i])),
      object: Object.fromEntries(many.map((i) => [`__proto__${i}`, i])),
      nested: [many, many],
      short: many.slice(1),
    };
    const packed = packState(state);
    assert(packed.json.length < 6_000, packed.json); // the short list stands there
    assertEquals([...packed.tensors.keys()], ["rows", "map", "object", "nested.0", "nested.1"]);
    assertEquals(unpackState(packed), state);
  });

  it("keeps a tensor in each item of a long list", () => {
    const state = { rows: Array.from({ length: 1_500 }, (_, i) => ({ x: tensor([i]) })) };
    const back = unpackState(packState(state)) as typeof state;
    assertEquals(back.rows.map(({ x }) => x.item()), state.rows.map((_, i) => i));
  });

  it("refuses what is no data", () => {
    assertThrows(() => packState({ deep: { f: () => 1 } }), TypeError, "deep.f");
    assertThrows(() => packState({ date: new Date(0) }), TypeError, "date");
    assertThrows(() => packState({ $map: 1 }), TypeError, "$map");
  });
});
