import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { granted } from "../../../core/host/host.ts";
import { digestLike } from "../../../datasets/download/verified_files.ts";
import { FASHION_CLASSES, fashionMnist, type MnistOptions } from "@gradus/gradus/data";
import { loadPublished } from "../../../datasets/named/published_set.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { gzip } from "../formats/gzip.ts";
import { itOnFashionMnist } from "../../real_mnist.ts";
import { RawServer } from "../download/raw_server.ts";

const idx = (sizes: number[], elements: number[]) =>
  new Uint8Array([0, 0, 8, sizes.length, ...sizes.flatMap((size) => [0, 0, 0, size]), ...elements]);

/** Writes the four files of a data set with 1 + 1 pictures, gzipped as on the mirrors; returns their digests. */
async function fill(folder: string): Promise<Record<string, string>> {
  for (const part of ["train", "t10k"]) {
    await Deno.writeFile(`${folder}/${part}-images-idx3-ubyte.gz`, await gzip(idx([1, 28, 28], Array(784).fill(9))));
    await Deno.writeFile(`${folder}/${part}-labels-idx1-ubyte.gz`, await gzip(idx([1], [9])));
  }
  const digests = namesIn(folder).map(async (name) => {
    return [name, await digestLike(await Deno.readFile(`${folder}/${name}`), { sha256: "" })];
  });
  return Object.fromEntries(await Promise.all(digests));
}

/** Loads a set with other files as if it were Fashion-MNIST. */
function loadOther(digests: Record<string, string>, options: MnistOptions) {
  return loadPublished({ name: "fashion-mnist", title: "Fashion-MNIST", mirrors: [], digests }, options);
}

describe("fashionMnist()", () => {
  it("fashionMnist() reads the files of dir, and of the cache, and says which", () =>
    inFolder(async (folder) => {
      const digests = await fill(folder);
      const fromDir = await fashionMnist({ dir: folder });
      const fromCache = await loadOther(digests, { cache: folder, offline: true });
      assertEquals([fromDir.name, fromDir.source], ["fashion-mnist", `files in ${folder}`]);
      assertEquals([fromCache.source, FASHION_CLASSES[fromCache.test.labels.item()]], [
        `cache ${folder}`,
        "Ankle boot",
      ]);
    }));

  itOnFashionMnist(
    "loadMnist() knows Fashion-MNIST by its classes, in a folder that names its files as MNIST's",
    (set) => {
      assertEquals([set.name, set.train.images.shape, set.test.labels.shape], ["fashion-mnist", [60000, 28, 28], [
        10000,
      ]]);
      assertEquals(FASHION_CLASSES[set.test.labels.at(0).item()], "Ankle boot");
    },
  );

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

  it("fashionMnist() names what is wrong in the cache, and sets it aside", () =>
    inFolder(async (cache) => {
      const digests = await fill(cache);
      const path = `${cache}/t10k-labels-idx1-ubyte.gz`;
      await Deno.writeFile(path, await gzip(idx([1], [8])));
      const error = await assertRejects(() => loadOther(digests, { cache, offline: true }), Error);
      assert(error.message.includes(`; Cannot use ${path}: its SHA-256 is `), error.message);
      assert(error.message.includes(`it is set aside as ${path}.wrong; or put`), error.message);
      assertEquals(namesIn(cache).filter((name) => name.startsWith("t10k-labels")), [
        "t10k-labels-idx1-ubyte.gz.wrong",
      ]);
    }));

  it("fashionMnist() takes nothing from the cache of which no digest is known", () =>
    inFolder(async (cache) => {
      const digests = await fill(cache);
      await Deno.writeFile(`${cache}/t10k-labels-idx1-ubyte`, idx([1], [8]));
      const { test } = await loadOther(digests, { cache, offline: true });
      assertEquals(test.labels.item(), 9);
    }));

  const mayRun = granted({ name: "run", command: Deno.execPath() });
  for (const options of ['{ cache: "elsewhere" }', '{ dir: "elsewhere" }']) {
    for (const load of ["fashionMnist", "loadMnist"]) {
      (mayRun ? it : it.skip)(
        `${load}(${options}) looks at no file that it was not allowed to: it would prompt`,
        () =>
          inFolder(async (folder) => {
            const module = load === "loadMnist" ? "mnist" : "fashion_mnist";
            const source = new URL(`../../../datasets/named/${module}.ts`, import.meta.url);
            const script = `import { ${load} } from "${source}";
              for (const name of ["stat", "readFile", "readTextFile", "open", "mkdir"]) {
                Deno[name] = () => { console.log("asked for", name); throw new Error(name); };
              }
              await ${load}(${options}).then(({ source }) => console.log(source), (e) => console.log(e.message));`;
            await Deno.writeTextFile(`${folder}/script.ts`, script);
            const args = ["run", "-q", "--no-check", "--no-prompt", `${folder}/script.ts`];
            const { stdout } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
            const said = new TextDecoder().decode(stdout);
            assertStringIncludes(said, "no permission");
            assertEquals(said.includes("asked for"), false, said);
          }),
      );
    }
  }
});
