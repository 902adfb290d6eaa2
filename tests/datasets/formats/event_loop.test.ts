import { assertEquals, assertLess } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { DataLoader, digits, fromCsv, loadMnist, readArff, type Table } from "@gradus/gradus/data";
import { longestGap } from "../../longest_gap.ts";

const ROWS = 300_000;

/** A stream that has all of the text at once. */
function whole(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from([new TextEncoder().encode(text)]);
}

function rows(cells: (i: number) => string): string {
  return Array.from({ length: ROWS }, (_, i) => cells(i)).join("\n");
}

/** Checks that reading never holds the event loop for more than 100 ms. */
async function within<T = Table>(read: () => Promise<T>): Promise<T> {
  let table!: T;
  assertLess(await longestGap(async () => table = await read()), 100);
  return table;
}

describe("fromCsv()", () => {
  it("lets the event loop turn while it reads rows that come at once", async () => {
    const text = rows((i) => `${i % 100},${i % 7},k${i % 3}`);
    assertEquals((await within(() => fromCsv(whole(text)))).x.shape, [ROWS, 3]);
  });
  it("lets it turn while it sorts the words of a column", async () => {
    const text = rows((i) => `w${(i * 7919) % ROWS}`);
    const { columns } = await within(() => fromCsv(whole(text), { header: false }));
    const sorted = Array.from({ length: ROWS }, (_, i) => `w${i}`).sort();
    assertEquals(columns[0].categories.findIndex((word, i) => word !== sorted[i]), -1);
    assertEquals(columns[0].categories.length, ROWS);
  });
  it("lets it turn while it guesses many columns", async () => {
    const row = Array.from({ length: 2_000 }, (_, i) => i % 10).join(",");
    assertEquals((await within(() => fromCsv(whole(`${row}\n`.repeat(600))))).x.shape, [600, 2_000]);
  });
  it("lets it turn while it takes very many columns from the names of its first record", async () => {
    const names = Array.from({ length: ROWS }, (_, i) => `column ${i}`);
    const text = `${names.join(",")}\n${"1,".repeat(ROWS - 1)}1\n`;
    const { columns } = await within(() => fromCsv(whole(text)));
    assertEquals(columns.map(({ name }) => name), names);
  });
});

describe("readArff()", () => {
  it("lets the event loop turn while it reads rows that come at once", async () => {
    const head = "@RELATION r\n@ATTRIBUTE a REAL\n@ATTRIBUTE b REAL\n@DATA\n";
    const text = head + rows((i) => `${i % 100},${i % 7}`);
    assertEquals((await within(() => readArff(whole(text)))).x.shape, [ROWS, 1]);
  });
  it("lets it turn while it makes very many columns", async () => {
    const count = 500_000, names = Array.from({ length: count }, (_, i) => `a${i}`);
    const text = `${names.map((name) => `@ATTRIBUTE ${name} REAL\n`).join("")}@DATA\n${"1,".repeat(count - 1)}1\n`;
    const { columns } = await within(() => readArff(whole(text), { target: null }));
    assertEquals(columns.length, count);
    assertEquals(columns.findIndex(({ name }, i) => name !== names[i]), -1);
  });
  it("lets it turn while it takes very many words from one attribute", async () => {
    const words = Array.from({ length: ROWS }, (_, i) => `w${i}`);
    const text = `@ATTRIBUTE a {${words.join(",")}}\n@ATTRIBUTE b REAL\n@DATA\nw7,1\nw${ROWS - 1},2\n`;
    const { x, columns } = await within(() => readArff(whole(text)));
    assertEquals(x.toArray(), [[7], [ROWS - 1]]);
    assertEquals(columns[0].categories.findIndex((word, i) => word !== words[i]), -1);
  });
});

describe("DataLoader", () => {
  it("lets the event loop turn between batches in for await, though they need no wait", async () => {
    let turn = 0;
    const turns = new Set<number>();
    const timer = setInterval(() => turn++, 0);
    for await (const i of new DataLoader([1, 2, 3], { collate: ([i]) => i })) {
      turns.add(turn);
      for (const start = performance.now(); performance.now() - start < 30 + i;);
    }
    clearInterval(timer);
    assertEquals(turns.size, 3);
  });
});

describe("loadMnist()", () => {
  it("lets the event loop turn while it writes the built-in digits, and writes the same", async () => {
    const { train, test } = await within(() => loadMnist({ cache: "no-such-folder", offline: true }));
    const expected = digits();
    assertEquals([train.images.shape, test.images.shape], [[12_000, 28, 28], [2_000, 28, 28]]);
    assertEquals(train.images.eq(expected.train.images).sum().item(), 12_000 * 784);
    assertEquals(test.labels.eq(expected.test.labels).sum().item(), 2_000);
  });
});
