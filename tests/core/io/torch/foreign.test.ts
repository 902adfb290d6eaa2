/** Checkpoints with objects of programs beside the weights: these are skipped, and nothing is called. */
import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { readTorch } from "@gradus/gradus/io";
import { op } from "../pickle/pickle_file.ts";
import { archive, dict, emptyDict, torchTensor } from "./torch_archive.ts";

const tuple = (...items: number[][]) => [...op.mark, ...items.flat(), ...op.tuple];

describe("readTorch() of a part calls nothing that lies beside it", () => {
  const model = dict({ w: torchTensor() }), ones = { w: [[1, 2, 3], [4, 5, 6]] };
  const system = [...op.global("os", "system"), ...op.unicode("id"), ...op.tuple1, ...op.reduce];
  const object = [...op.global("__main__", "Net"), ...op.tuple0, ...op.newObject];
  for (
    const [what, beside] of [
      ["a call", system],
      ["an object with a state", [...object, ...dict({ w: torchTensor() }), ...op.build]],
      ["an object with items", [...object, ...op.mark, ...op.small(1), ...op.appends]],
      ["an object with keys", [...object, ...op.none, ...op.none, ...op.setItem]],
      ["a list of objects", [...op.list, ...object, ...op.append]],
      ["a Parameter of an object", [
        ...op.global("torch._utils", "_rebuild_parameter"),
        ...[...tuple(object, op.yes, emptyDict), ...op.reduce],
      ]],
      ["a key that is a tuple", [...op.dict, ...op.tuple0, ...op.none, ...op.setItem]],
      ["a list that holds itself", [...op.list, ...op.put(0), ...op.get(0), ...op.append]],
    ] as [string, number[]][]
  ) {
    it(`readTorch() skips ${what}`, async () => {
      const { tensors, values } = await readTorch(archive(dict({ beside, model })), { at: "model" });
      assertEquals([Object.fromEntries([...tensors].map(([name, t]) => [name, t.toArray()])), values.size], [ones, 0]);
    });
  }

  for (
    const [at, parts, message] of [
      ["model", dict({ model: system }), '"model" is the name "os system", at byte'],
      ["model", dict({ model: dict({ hook: object }) }), '"model.hook" is the name "__main__ Net", at byte'],
      [
        "model",
        dict({ model: [...op.list, ...object, ...op.append] }),
        '"model.0" is the name "__main__ Net", at byte',
      ],
      ["net.w", dict({ net: object }), '"net" is the name "__main__ Net", at byte'],
      ["net", object, '"" is the name "__main__ Net", at byte'],
      ["model", dict({ model: [...op.dict, ...object, ...op.none, ...op.setItem] }), "neither text nor number"],
      ["model", [...emptyDict, ...op.tuple0, ...op.newObject], "NEWOBJ at byte"],
      ["model", dict({ model, beside: [...op.dict, ...op.tuple0, ...op.build] }), "a state Tuple for Dict"],
    ] as [string, number[], string][]
  ) {
    it(`readTorch() refuses what it cannot read at ${at}: ${message}`, async () => {
      await assertRejects(() => readTorch(archive(parts), { at }), SyntaxError, message);
    });
  }
});
