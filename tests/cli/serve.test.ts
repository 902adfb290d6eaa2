import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { manualSeed, nn } from "@gradus/gradus";
import { TableSchema } from "@gradus/gradus/data";
import { handlerOf } from "../../cli/serve.ts";
import { outputsOf, saveModel } from "../../cli/tabular_model.ts";
import { inFolder } from "../core/io/in_folder.ts";
import { mayRun, runScript, spawnCommand } from "./run_script.ts";

const TABLE = "area,city,kind\n30,Graz,a\n50,Wien,b\n40,Graz,a\n70,Wien,c\n";

async function trained() {
  manualSeed(3);
  const schema = await TableSchema.fit(new Blob([TABLE]), { target: "kind" });
  return { schema, model: new nn.TabularModel(schema.features, schema.outputs, { hidden: [4] }).eval() };
}

async function handler(limits = { bytes: 10_000, seconds: 5 }) {
  return handlerOf(await trained(), limits);
}

const post = (body: BodyInit, type = "application/json") =>
  new Request("http://127.0.0.1/predict", { method: "POST", body, headers: { "content-type": type } });

describe("serve", () => {
  it("answers a record, and records in their order, as the model does", async () => {
    const handle = await handler(), { schema, model } = await trained();
    const records = [{ area: 30, city: "Graz" }, { city: "Oslo", area: null }];
    const expected = schema.toAnswers(outputsOf(model, schema.encode(records))).map((
      { value, probabilities: [a, b, c] = [] },
    ) => ({
      prediction: value,
      probabilities: { a, b, c },
    }));
    const all = await handle(post(JSON.stringify(records)));
    assertEquals([all.status, await all.json()], [200, expected]);
    const one = await handle(post(JSON.stringify(records[1])));
    assertEquals([one.status, await one.json()], [200, expected[1]]);
    assertEquals(await (await handle(post("[]"))).json(), []);
  });

  it("says what is wrong with each bad record, and answers the others", async () => {
    const records = [{ area: 30 }, { area: 30, city: "Graz" }, { area: "red", city: "Graz" }, 5, {
      area: [1],
      city: "x",
    }];
    const response = await (await handler())(post(JSON.stringify(records)));
    const said = await response.json() as { error?: string; prediction?: string }[];
    assertEquals([response.status, said.map(({ error }) => error === undefined)], [422, [
      false,
      true,
      false,
      false,
      false,
    ]]);
    assertStringIncludes(said[0].error!, 'lacks the column "city"');
    assertStringIncludes(said[2].error!, 'column "area" holds "red", no number');
    assertStringIncludes(said[3].error!, "record 1 is the number 5");
    assertStringIncludes(said[4].error!, '"area" is an array');
  });

  const bad: [what: string, request: () => Request, status: number][] = [
    ["no JSON", () => post("{area: 1"), 400],
    ["a truncated body", () => post('[{"area": 30, "ci'), 400],
    ["a deep body", () => post("[".repeat(5_000)), 400],
    ["an array deep inside", () => post(`${"[".repeat(2_000)}${"]".repeat(2_000)}`), 422],
    ["a long body", () => post(`["${"x".repeat(20_000)}"]`), 413],
    ["bytes that are no text", () => post(Uint8Array.of(0x22, 0xff, 0x22)), 400],
    ["null", () => post("null"), 422],
    ["a body of another type", () => post("{}", "text/plain"), 415],
    ["another method", () => new Request("http://127.0.0.1/predict"), 405],
    ["another path", () => new Request("http://127.0.0.1/x"), 404],
    ["a prototype", () => post('{"__proto__": {"area": 1}, "constructor": 1}'), 422],
  ];
  for (const [what, request, status] of bad) {
    it(`refuses ${what} with ${status}`, async () => {
      const response = await (await handler())(request());
      assertEquals(response.status, status);
      const said = await response.json() as { error: string } | { error: string }[];
      assert((Array.isArray(said) ? said[0] : said).error.length > 0);
    });
  }

  it("refuses a stream past its limit, and one that does not come", async () => {
    const handle = await handler({ bytes: 1_000, seconds: 0.05 });
    const endless = new ReadableStream({ pull: (c) => c.enqueue(new TextEncoder().encode(" ".repeat(100))) });
    assertEquals((await handle(post(endless))).status, 413);
    assertEquals((await handle(post(new ReadableStream()))).status, 408);
  });

  it("tells its schema", async () => {
    const { schema } = await trained();
    const response = await (await handler())(new Request("http://127.0.0.1/schema"));
    assertEquals(TableSchema.fromJSON(await response.json()).toJSON(), schema.toJSON());
  });

  const test = mayRun ? it : it.skip;
  test("refuses a port that there is not", async () => {
    const said = await runScript("serve", [], "--port", "99999");
    assertEquals(said.code, 2);
    assertStringIncludes(said.err, "Cannot use --port 99999: expected a whole number from 0 to 65535");
  });

  test("serves at 127.0.0.1", () =>
    inFolder(async (folder) => {
      await saveModel(`${folder}/m.safetensors`, await trained());
      const stdio = { stdin: "null", stdout: "piped", stderr: "null" } as const;
      const child = spawnCommand(stdio, "serve", "--model", `${folder}/m.safetensors`, "--port", "0");
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      try {
        const { value } = await reader.read();
        const [url] = /http:\S+predict/.exec(value!)!;
        const response = await fetch(url, {
          ...{ method: "POST", headers: { "content-type": "application/json" }, body: '{"area": 30, "city": "Graz"}' },
        });
        const { prediction } = await response.json();
        assertEquals(["a", "b", "c"].includes(prediction), true);
      } finally {
        await reader.cancel();
        child.kill("SIGTERM");
        await child.status;
      }
    }));
});
