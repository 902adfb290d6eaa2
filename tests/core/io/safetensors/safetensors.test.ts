import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { readSafetensors, writeSafetensors } from "@gradus/gradus/io";

describe("writeSafetensors()", () => {
  it("writeSafetensors() and readSafetensors() give back tensors and metadata", async () => {
    const folder = await Deno.makeTempDir();
    try {
      await writeSafetensors(`${folder}/m.safetensors`, { w: tensor([[1, 2]]) }, { step: "7" });
      const { tensors, metadata } = await readSafetensors(`${folder}/m.safetensors`);
      assertEquals([tensors.get("w")!.toArray(), metadata.get("step")], [[[1, 2]], "7"]);
      assertEquals(Array.from(Deno.readDirSync(folder), (f) => f.name), ["m.safetensors"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("writeSafetensors() leaves the old file when it refuses the new", async () => {
    const path = await Deno.makeTempFile();
    try {
      await writeSafetensors(path, { w: tensor([1]) });
      await assertRejects(() => writeSafetensors(path, { __metadata__: tensor([1]) }), TypeError);
      assertEquals((await readSafetensors(path)).tensors.get("w")!.item(), 1);
    } finally {
      await Deno.remove(path);
    }
  });

  it("readSafetensors() names the file it cannot read", async () => {
    const path = await Deno.makeTempFile();
    try {
      await assertRejects(() => readSafetensors(path), RangeError, path);
    } finally {
      await Deno.remove(path);
    }
  });
});
