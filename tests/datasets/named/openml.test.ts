import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { digestLike } from "../../../datasets/download/verified_files.ts";
import { openml, type OpenmlOptions, type OpenmlTable } from "@gradus/gradus/data";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { type Answer, RawServer } from "../download/raw_server.ts";
import { pastMaxBytes } from "../../wording.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const arff = encode(
  "@relation tiny\n@attribute id real\n@attribute kind {a,b}\n@attribute x real\n@data\n7,b,1\n8,a,2\n",
);
const md5 = await digestLike(arff, { md5: "" });
const list = { data: { dataset: [{ did: 554, name: "tiny", version: 1 }] } };
const description = {
  id: "554",
  file_id: "52667",
  default_target_attribute: "kind",
  row_id_attribute: "id",
  md5_checksum: md5,
};

const json = (value: unknown): Answer => ({ status: 200, body: encode(JSON.stringify(value)) });

/** A server that answers as OpenML does with one data set; some answers may be replaced. */
const answers = (changed: Record<string, Answer> = {}): Record<string, Answer> => ({
  "/api/v1/json/data/list/data_name/tiny/limit/2/data_version/1": json(list),
  "/api/v1/json/data/554": json({ data_set_description: description }),
  "/data/v1/download/52667": { status: 200, body: arff },
  ...changed,
});

interface Scene {
  folder: string;
  server: RawServer;
  get(options?: OpenmlOptions): Promise<OpenmlTable>;
}

const scene = (given: Record<string, Answer>, task: (scene: Scene) => Promise<void>) =>
  inFolder(async (folder) => {
    await using server = new RawServer(({ path }) => given[path] ?? { status: 412 });
    await task({ folder, server, get: (o = {}) => openml("tiny", { cache: folder, api: server.url(""), ...o }) });
  });

async function failure({ folder, get }: Scene, message: string, options: OpenmlOptions = {}) {
  const error = await assertRejects(() => get(options), Error, message);
  assert(error.message.startsWith("Cannot load OpenML's tiny: "), error.message);
  assert(error.message.endsWith(`; or put its ARFF file into ${folder}/tiny.v1.arff`), error.message);
  assert(!namesIn(folder).includes("tiny.v1.arff"));
}

describe("openml()", () => {
  it("openml() downloads a data set, with OpenML's target and without its row numbers", () =>
    scene(answers(), async ({ folder, get }) => {
      const { x, y, target, name, source } = await get();
      assertEquals([x.toArray(), y!.toArray(), target!.name], [[[1], [2]], [1, 0], "kind"]);
      assertEquals([name, source], ["tiny", `downloaded to ${folder}/tiny.v1.arff`]);
      assertEquals(namesIn(folder), ["tiny.v1.arff", "tiny.v1.arff.lock", "tiny.v1.json"]);
    }));

  it("openml() asks nobody a second time, and keeps to the target", () =>
    scene(answers(), async ({ folder, get, server }) => {
      await get();
      const { target, source } = await get({ offline: true });
      assertEquals([target!.name, source, server.requests.length], ["kind", `cache ${folder}/tiny.v1.arff`, 3]);
    }));

  it("openml() sets a kept file aside that is no longer what OpenML told, names it, and downloads anew", () =>
    scene(answers(), async ({ folder, get, server }) => {
      await get();
      await Deno.writeFile(`${folder}/tiny.v1.arff`, arff.map((byte) => byte === 0x37 ? 0x38 : byte)); // a row number
      const message = `Cannot use ${folder}/tiny.v1.arff: its MD5 is `;
      await assertRejects(() => get({ offline: true }), Error, message);
      assertEquals(namesIn(folder).includes("tiny.v1.arff.wrong"), true);
      assertEquals([(await get()).source, server.requests.length], [`downloaded to ${folder}/tiny.v1.arff`, 6]);
    }));

  it("openml() reads a file that somebody put there, its last attribute the target", () =>
    scene({}, async ({ folder, get, server }) => {
      await Deno.writeFile(`${folder}/tiny.v1.arff`, arff);
      assertEquals([(await get()).target!.name, server.requests.length], ["x", 0]);
    }));

  it("openml() passes over a note beside a file that is none of its own", () =>
    scene({}, async ({ folder, get }) => {
      await Deno.writeFile(`${folder}/tiny.v1.arff`, arff);
      const notes = [
        "null",
        "5",
        "[]",
        '{"url":"u","md5":"m","skip":5}',
        '{"url":"u","md5":"m","target":{}}',
        '{"md5":7}',
      ];
      for (const note of notes) {
        await Deno.writeTextFile(`${folder}/tiny.v1.json`, note);
        assertEquals((await get()).target!.name, "x", note);
      }
    }));

  it("openml() takes another target when told", () =>
    scene(answers(), async ({ get }) => assertEquals((await get({ target: "x" })).y!.toArray(), [1, 2])));

  it("openml() says which file to put where when offline", () =>
    scene(answers(), (scene) => failure(scene, "offline", { offline: true })));

  it("openml() names the host that gives no answer, and why", async () => {
    const closed = new RawServer(() => ({ status: 412 }));
    const api = closed.url("");
    await closed[Symbol.asyncDispose](); // nobody listens there any more
    const message = `Cannot load OpenML's tiny: ${new URL(api).host}: tcp connect error`;
    await scene({}, (scene) => failure(scene, message, { api }));
  });

  it("openml() says so when OpenML knows no such data set", () => scene({}, (scene) => failure(scene, "answered 412")));

  it("openml() refuses bytes whose MD5 differs", () => {
    const other = { "/data/v1/download/52667": { status: 200, body: encode("other") } };
    return scene(answers(other), (scene) => failure(scene, `, not ${md5}`));
  });

  it("openml() stops an answer without an end at maxBytes, and says how to raise it", async () => {
    const endless = {
      "/api/v1/json/data/554": { status: 200, headers: { "content-length": "" }, body: new Uint8Array(2 ** 17) },
    };
    const message = "the answer comes to";
    await scene(answers(endless), (scene) => failure(scene, message, { maxBytes: 2 ** 16 }));
    const flood = {
      "/api/v1/json/data/554": { status: 200, headers: { "content-length": "" }, body: new Uint8Array(2 ** 24 + 1) },
    };
    await scene(answers(flood), (scene) => failure(scene, pastMaxBytes(2 ** 24)));
  });

  for (
    const [what, changed, message] of [
      ["no JSON", { "/api/v1/json/data/554": { status: 200, body: encode("<html>") } }, "answered no JSON"],
      ["no MD5", { "/api/v1/json/data/554": json({ data_set_description: {} }) }, "tells no MD5 of tiny"],
      ["no file", { "/api/v1/json/data/554": json({ data_set_description: { md5_checksum: md5 } }) }, "tells no file"],
      [
        "an empty list",
        { "/api/v1/json/data/list/data_name/tiny/limit/2/data_version/1": json({}) },
        "tells no number",
      ],
    ] as [string, Record<string, Answer>, string][]
  ) {
    it(`openml() refuses an answer with ${what}`, () => scene(answers(changed), (scene) => failure(scene, message)));
  }

  it("openml() refuses a number for a name", async () => {
    const message = "Cannot load from OpenML by the number 61: give a name";
    await assertRejects(() => openml(61 as unknown as string), TypeError, message);
  });

  for (const name of ["../x", "a/b", "", "a..b", "a b", ".x"]) {
    it(`openml() refuses the name ${JSON.stringify(name)}`, async () => {
      await assertRejects(
        () => openml(name, { cache: "nowhere", offline: true }),
        SyntaxError,
        "that is no name there",
      );
    });
  }
});
