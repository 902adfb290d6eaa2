import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { digestLike } from "../../datasets/digest.ts";
import { FASHION_CLASSES, fashionMnist } from "../../datasets/fashion_mnist.ts";
import { inFolder, namesIn } from "../core/io/in_folder.ts";
import { gzip } from "./gzip.ts";
import { RawServer } from "./raw_server.ts";

const idx = (sizes: number[], elements: number[]) =>
  new Uint8Array([0, 0, 8, sizes.length, ...sizes.flatMap((size) => [0, 0, 0, size]), ...elements]);

/** The four files of a data set of 1 + 1 pictures, gzipped as the mirrors have them. */
async function fill(folder: string): Promise<void> {
  for (const part of ["train", "t10k"]) {
    await Deno.writeFile(`${folder}/${part}-images-idx3-ubyte.gz`, await gzip(idx([1, 28, 28], Array(784).fill(9))));
    await Deno.writeFile(`${folder}/${part}-labels-idx1-ubyte.gz`, await gzip(idx([1], [9])));
  }
}

describe("fashionMnist()", () => {
  it("fashionMnist() reads the files of dir, and of the cache, and says which", () =>
    inFolder(async (folder) => {
      await fill(folder);
      const fromDir = await fashionMnist({ dir: folder }),
        fromCache = await fashionMnist({ cache: folder, offline: true });
      assertEquals([fromDir.name, fromDir.source], ["fashion-mnist", `files in ${folder}`]);
      assertEquals([fromCache.source, FASHION_CLASSES[fromCache.test.labels.item()]], [
        `cache ${folder}`,
        "Ankle boot",
      ]);
    }));

  it("fashionMnist() says which files to put where when offline, and generates nothing", () =>
    inFolder(async (cache) => {
      const error = await assertRejects(
        () => fashionMnist({ cache, offline: true }),
        Error,
        "Cannot load Fashion-MNIST: offline",
      );
      assert(error.message.includes("or put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz"), error.message);
      assert(error.message.endsWith(`into ${cache}`), error.message);
    }));

  it("fashionMnist() takes nothing from a mirror whose files are others, compressed as they are", () =>
    inFolder(async (cache) => {
      const body = await gzip(new Uint8Array([1, 2, 3]));
      await using server = new RawServer(() => ({ status: 200, body }));
      const found = await digestLike(body, { sha256: "" });
      const message = `with SHA-256 ${found}, not 3aede38d61863908ad78613f6a32ed27`;
      await assertRejects(() => fashionMnist({ cache, mirrors: [server.url("")] }), Error, message);
      assertEquals(namesIn(cache), ["train-images-idx3-ubyte.gz.lock"]);
    }));

  it("fashionMnist() refuses a damaged cache instead of hiding it", () =>
    inFolder(async (cache) => {
      await fill(cache);
      await Deno.writeTextFile(`${cache}/t10k-labels-idx1-ubyte.gz`, "not gzip");
      await assertRejects(() => fashionMnist({ cache }), SyntaxError, "t10k-labels-idx1-ubyte.gz");
    }));
});
