import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { describe, it } from "../../bdd.ts";
import { loadMnist } from "@gradus/gradus/data";
import { loadMnistOf } from "../../../datasets/named/mnist.ts";
import { MNIST_FILES } from "../../../datasets/named/mnist_folder.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { gzip } from "../formats/gzip.ts";
import { type Handler, RawServer } from "../download/raw_server.ts";
import { fill, idx, images, isTiny, tiny, tinyDigests, withTiny } from "./tiny_mnist.ts";

const REAL = fromFileUrl(new URL("../../../../shared/data/mnist", import.meta.url));
const real = await Deno.stat(`${REAL}/train-images-idx3-ubyte.gz`).then(() => true, () => false);

describe("loadMnist() with a folder", () => {
  it("loadMnist() reads the four files of dir", () =>
    withTiny({}, async (dir) => {
      const dataset = await loadMnist({ dir });
      isTiny(dataset);
      assertEquals([dataset.name, dataset.source], ["mnist", `files in ${dir}`]);
    }));

  it("loadMnist() reads them gzipped", () =>
    inFolder(async (dir) => {
      for (const [name, bytes] of Object.entries(tiny)) await Deno.writeFile(`${dir}/${name}.gz`, await gzip(bytes));
      isTiny(await loadMnist({ dir }));
    }));

  it("loadMnist() reads them with a dot in their names", () =>
    inFolder(async (dir) => {
      for (const [name, bytes] of Object.entries(tiny)) {
        await Deno.writeFile(`${dir}/${name.replace("-idx", ".idx")}`, bytes);
      }
      isTiny(await loadMnist({ dir }));
    }));

  it("loadMnist() lists only what is missing, and takes nothing else", () =>
    withTiny({}, async (dir) => {
      await Deno.remove(`${dir}/t10k-labels-idx1-ubyte`);
      const names = "t10k-labels-idx1-ubyte (each plain or .gz, with - or . before idx)";
      const { message } = await assertRejects(() => loadMnist({ dir }), Deno.errors.NotFound);
      assertEquals(message, `Cannot find MNIST in ${dir}: no ${names}`);
    }));

  it("loadMnist() lists all four when the folder is not there", async () => {
    const { message } = await assertRejects(() => loadMnist({ dir: "no/such/folder" }), Deno.errors.NotFound);
    for (const name of Object.keys(tiny)) assert(message.includes(name), message);
  });

  for (
    const [what, name, bytes, message] of [
      ["a file that is not IDX", "t10k-images-idx3-ubyte", new Uint8Array(9).fill(1), "an IDX file begins 00 00"],
      ["a file cut short", "train-images-idx3-ubyte", images(3).slice(0, -1), "the file at"],
      [
        "pictures of another size",
        "train-images-idx3-ubyte",
        idx([3, 1, 2], [1, 2, 3, 4, 5, 6]),
        "these are uint8 [3,1,2]",
      ],
      ["fewer labels than pictures", "train-labels-idx1-ubyte", idx([2], [1, 2]), "3 images need labels uint8 [3]"],
      ["a label past 9", "train-labels-idx1-ubyte", idx([3], [1, 10, 2]), "label 1 is 10"],
    ] as const
  ) {
    it(`loadMnist() refuses ${what}, and names the file`, () =>
      withTiny({ [name]: bytes }, async (dir) => {
        const error = await assertRejects(() => loadMnist({ dir }), Error, message);
        assert(error.message.includes(`${dir}/${name}`), error.message);
      }));
  }
});

/** The advice which files to put into which folder. */
function cure(cache: string): string {
  const parts = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
  return `put ${parts.map((part) => `${part}-ubyte.gz`).join(", ")} into ${cache}`;
}

describe("loadMnist() without a folder", () => {
  it("loadMnist() takes what the cache holds", () =>
    withTiny({}, async (cache) => {
      const dataset = await loadMnistOf(tinyDigests, { cache, mirrors: [] });
      isTiny(dataset);
      assertEquals([dataset.name, dataset.source], ["mnist", `cache ${cache}`]);
    }));

  it("loadMnist() generates digits when offline and the cache is empty, and says so", () =>
    inFolder(async (cache) => {
      const { name, source, test } = await loadMnist({ cache, offline: true, seed: 3 });
      assertEquals([name, test.images.shape], ["digits", [2000, 28, 28]]);
      assertEquals(source, `built-in generator, seed 3 (offline, and MNIST is not in ${cache}; ${cure(cache)})`);
    }));

  it("loadMnist() generates digits when a file in the cache is wrong and nothing can be downloaded, and names it", () =>
    withTiny({ "train-images-idx3-ubyte": images(3).fill(255, 16) }, async (cache) => {
      const path = `${cache}/train-images-idx3-ubyte`;
      const { name, source } = await loadMnistOf(tinyDigests, { cache, offline: true });
      assertEquals(name, "digits");
      const expected = tinyDigests["train-images-idx3-ubyte"];
      assert(source.includes(`Cannot use ${path}: its SHA-256 is `), source);
      assert(source.includes(`, expected ${expected}; it is set aside as ${path}.wrong`), source);
      assertEquals(namesIn(cache), [
        ...["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "train-images-idx3-ubyte.wrong"],
        ...["train-labels-idx1-ubyte", "verified.json"],
      ]);
    }));

  it("loadMnist() sets aside what is no gzip, and takes the right file beside it", () =>
    withTiny({ "t10k-labels-idx1-ubyte.gz": new Uint8Array([0x1f, 0x8b, ...Array(30).fill(7)]) }, async (cache) => {
      const dataset = await loadMnistOf(tinyDigests, { cache, offline: true });
      isTiny(dataset);
      assert(
        dataset.source.startsWith(`cache ${cache} (Cannot use ${cache}/t10k-labels-idx1-ubyte.gz: `),
        dataset.source,
      );
    }));

  it("loadMnist() downloads anew what is wrong in the cache, and says why", () =>
    withTiny({ "train-labels-idx1-ubyte": idx([3], [7, 0, 8]) }, async (cache) => {
      await using server = new RawServer(({ path }) => ({ status: 200, body: tiny[path.slice(1, -3)] }));
      const dataset = await loadMnistOf(tinyDigests, { cache, mirrors: [server.url("")] });
      isTiny(dataset);
      const start = `downloaded to ${cache} (Cannot use ${cache}/train-labels-idx1-ubyte: its SHA-256 is `;
      assert(dataset.source.startsWith(start), dataset.source);
      assertEquals(server.requests.map(({ path }) => path), ["/train-labels-idx1-ubyte.gz"]);
    }));

  it("loadMnist() looks at a kept file once, and again when its size or time has changed", () =>
    withTiny({}, async (cache) => {
      const load = async () => (await loadMnistOf(tinyDigests, { cache, offline: true })).name;
      const path = `${cache}/train-images-idx3-ubyte`;
      assertEquals(await load(), "mnist");
      const { mtime } = await Deno.stat(path);
      await Deno.writeFile(path, images(3).fill(255, 16)); // another file of the same size and time: the price of looking once
      await Deno.utime(path, mtime!, mtime!);
      assertEquals(await load(), "mnist");
      await Deno.utime(path, mtime!, new Date(mtime!.getTime() + 1000));
      assertEquals(await load(), "digits");
    }));

  it("loadMnist() takes no other set for MNIST, though it reads it from dir", () =>
    withTiny({}, async (folder) => {
      assertEquals((await loadMnist({ cache: folder, offline: true })).name, "digits");
      await fill(folder, tiny);
      isTiny(await loadMnist({ dir: folder }));
      assertEquals(Object.keys(MNIST_FILES), Object.keys(tiny));
    }));

  it("loadMnist() generates digits when no mirror answers, and says so in one line", () =>
    inFolder(async (cache) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const mirror = `http://127.0.0.1:${listener.addr.port}/`;
      listener.close();
      const { name, source } = await loadMnist({ cache, mirrors: [mirror] });
      assertEquals(name, "digits");
      const { host } = new URL(mirror);
      assertEquals(source, `built-in generator, seed 0 (no network: ${host} cannot be reached; or ${cure(cache)})`);
    }));

  it("loadMnist() ends when told, and generates nothing", () =>
    inFolder(async (cache) => {
      await using server = new RawServer(() => "silence");
      const controller = new AbortController();
      const loading = loadMnist({ cache, mirrors: [server.url("")], signal: controller.signal });
      controller.abort(new Error("enough"));
      await assertRejects(() => loading, Error, "enough");
    }));
});

describe("loadMnist() with the files of MNIST itself", () => {
  (real ? it : it.skip)("loadMnist() gives 60,000 and 10,000 pictures, and the labels everybody knows", async () => {
    const { train, test } = await loadMnist({ dir: REAL });
    assertEquals([train.images.shape, test.images.shape], [[60000, 28, 28], [10000, 28, 28]]);
    assertEquals([...train.labels.data.subarray(0, 10)], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assertEquals([...test.labels.data.subarray(0, 10)], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  });

  (real ? it : it.skip)("loadMnist() gives the mean and deviation everybody knows, 0.1307 and 0.3081", async () => {
    const { data } = (await loadMnist({ dir: REAL })).train.images;
    let sum = 0, squares = 0;
    for (let i = 0; i < data.length; i++) {
      sum += data[i];
      squares += data[i] * data[i];
    }
    const mean = sum / data.length;
    assertAlmostEquals(mean / 255, 0.1307, 5e-5); // half a unit of the last digit told
    assertAlmostEquals(Math.sqrt(squares / data.length - mean * mean) / 255, 0.3081, 5e-5);
  });

  (real ? it : it.skip)(
    "loadMnist() downloads into the cache once, and leaves a mirror that failed alone",
    () =>
      inFolder(async (cache) => {
        const serve: Handler = ({ path }) =>
          path.startsWith("/bad/") ? { status: 404 } : { status: 200, body: Deno.readFileSync(`${REAL}${path}`) };
        await using server = new RawServer(serve);
        const options = { cache, mirrors: [server.url("bad/"), server.url("")] };
        const first = await loadMnist(options);
        assertEquals([first.source, first.train.labels.shape], [`downloaded to ${cache}`, [60000]]);
        assertEquals(server.requests.map(({ path }) => path), [
          "/bad/train-images-idx3-ubyte.gz",
          ...Object.keys(tiny).map((name) => `/${name}.gz`),
        ]);
        assertEquals(namesIn(cache).filter((name) => !name.endsWith(".lock")), Object.keys(tiny).sort());
        assertEquals([(await loadMnist(options)).source, server.requests.length], [`cache ${cache}`, 5]);
        await Deno.writeFile(`${cache}/train-images-idx3-ubyte`, new Uint8Array(59_000).fill(255), { append: true });
        assertEquals((await loadMnist({ cache, offline: true })).name, "digits");
      }),
  );
});
