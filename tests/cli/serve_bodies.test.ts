import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { Generator, manualSeed, nn } from "@gradus/gradus";
import { TableSchema } from "@gradus/gradus/data";
import { handlerOf } from "../../cli/serve.ts";

const TABLE =
  "area,city,sold,garden,kind\n30,Graz,2020-01-02,yes,a\n50,Wien,2021-02-03,no,b\n40,Graz,2022-03-04,no,a\n";
const GOOD = { area: 30, city: "Graz", sold: "2020-05-06", garden: "yes" };
const LIMIT = 50_000; // bytes

/** Calls `body` with the port of a server of a model of four columns. */
async function serving(body: (port: number) => Promise<void>): Promise<void> {
  manualSeed(3);
  const schema = await TableSchema.fit(new Blob([TABLE]), { target: "kind" });
  const model = new nn.TabularModel(schema.features, schema.outputs, { hidden: [4] }).eval();
  const handler = handlerOf({ schema, model }, { bytes: LIMIT, seconds: 1 });
  const failures: unknown[] = [];
  const onError = (error: unknown) => {
    failures.push(error);
    return new Response("failed", { status: 500 });
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {}, onError }, handler);
  try {
    await body(server.addr.port);
    const response = await post(server.addr.port, JSON.stringify(GOOD));
    assertEquals([response.status, failures], [200, []]); // it answers as before
    await response.body?.cancel();
  } finally {
    await server.shutdown();
  }
}

async function post(port: number, body: BodyInit): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return await fetch(`http://127.0.0.1:${port}/predict`, { method: "POST", headers, body });
}

/** The status line that is answered to bytes which end before the length that they promise. */
async function truncated(port: number, text: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    const head = `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head + text));
    await connection.closeWrite();
    return (await new Response(connection.readable).text().catch(() => "")).split("\r\n", 1)[0];
  } finally {
    try {
      connection.close();
    } catch { /* its end has come */ }
  }
}

const deep = (depth: number, inside = "") => "[".repeat(depth) + inside + "]".repeat(depth);

/** Values of wrong kinds for a column. */
const ODD = [{}, [], [1], { a: 1 }, "red", "2020-99-99", "\u0000", -1e300];

describe("serve", () => {
  it("answers 4xx to bodies that are huge, deep, truncated, of wrong kinds or damaged, and to nothing else", () =>
    serving(async (port) => {
      const bodies: BodyInit[] = [
        ...["", " ", "null", "true", "3", '"text"', "{}", "[[]]", "[null]", "NaN", "{,}", "﻿{", '{"area":'],
        ...[deep(20_000), deep(20_000, "1"), '{"a":'.repeat(5_000) + "1" + "}".repeat(5_000)],
        JSON.stringify({ ...GOOD, area: deep(10) }),
        `{"area": ${deep(10_000)}, "city": "Graz", "sold": null, "garden": null}`,
        ...[`"${"x".repeat(LIMIT)}"`, " ".repeat(LIMIT + 1), JSON.stringify(Array(LIMIT / 2).fill(GOOD))],
        ...[JSON.stringify({ ...GOOD, extra: 1 }), JSON.stringify({ ["x".repeat(40_000)]: 1 })],
        JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`c${i}`, i]))),
        '{"__proto__": {"area": 1, "city": "x", "sold": null, "garden": null}}',
        Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d),
        ...ODD.flatMap((odd) => [{ ...GOOD, sold: odd }, { ...GOOD, garden: odd }]).map((row) => JSON.stringify(row)),
        ...ODD.filter((odd) => typeof odd === "object").map((odd) => JSON.stringify({ ...GOOD, city: odd })),
      ];
      for (const body of bodies) {
        const response = await post(port, body), said = await response.text();
        assert(response.status >= 400 && response.status < 500, `${response.status} ${String(body).slice(0, 80)}`);
        assert(said.length < 4 * LIMIT && said.includes('"error":'), said.slice(0, 200));
      }
      for (const part of ["", "{", '{"area": 30, "ci', JSON.stringify(GOOD)]) {
        assertEquals(/^HTTP\/1.1 4\d\d /.test(await truncated(port, part)), true, part);
      }
    }));

  it("gives each damaged body 200 where it is still records, else 4xx", () =>
    serving(async (port) => {
      const g = new Generator(9), below = (n: number) => Math.floor(n * g.nextFloat());
      const good = new TextEncoder().encode(JSON.stringify([GOOD, { ...GOOD, area: null, city: "Oslo" }]));
      const counts: Record<number, number> = {};
      for (let i = 0; i < 500; i++) {
        const bytes = i % 3 === 0 ? good.slice(0, below(good.length)) : good.slice();
        for (let k = below(4); k > 0 && bytes.length > 0; k--) bytes[below(bytes.length)] = below(256);
        const response = await post(port, bytes);
        await response.body?.cancel();
        counts[response.status] = (counts[response.status] ?? 0) + 1;
      }
      assertEquals(Object.keys(counts).filter((status) => !["200", "400", "422"].includes(status)), []);
      assert(counts[200] > 0 && counts[400] > 0 && counts[422] > 0);
    }));
});
