import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { granted } from "../../../core/host/host.ts";
import { mnistFolder } from "@gradus/gradus/data";
import { loadMnistOf } from "../../../datasets/named/mnist.ts";
import { tinyDigests, withTiny } from "./tiny_mnist.ts";

describe("mnistFolder()", () => {
  (granted({ name: "env", variable: "GRADUS_DATA" }) ? it : it.skip)(
    "loadMnist() looks where GRADUS_DATA says",
    () =>
      withTiny({}, async (folder) => {
        const before = Deno.env.get("GRADUS_DATA");
        try {
          Deno.env.set("GRADUS_DATA", folder);
          assertEquals((await loadMnistOf(tinyDigests, {})).source, `cache ${folder}`);
          assertEquals(mnistFolder(), folder);
        } finally {
          if (before === undefined) Deno.env.delete("GRADUS_DATA");
          else Deno.env.set("GRADUS_DATA", before);
        }
      }),
  );
});
