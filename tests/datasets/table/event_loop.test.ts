import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { TableSchema } from "@gradus/gradus/data";
import { longestGap } from "../../longest_gap.ts";

describe("TableSchema and the event loop", () => {
  it("lets it turn while it is fitted to very many words, and while it reads them", async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => `w${(i * 7919) % 100_000},${i % 7}\n`);
    const file = new Blob([`word,n\n${rows.join("")}`]);
    let schema!: TableSchema;
    const fitting = await longestGap(async () =>
      void (schema = await TableSchema.fit(file, { target: "n", maxCategories: 1e6 }))
    );
    const reading = await longestGap(async () => void (await schema.read(file)));
    assertEquals([fitting < 100, reading < 100], [true, true], `${fitting} and ${reading} ms`);
    assertEquals(schema.features.categories, [100_001]);
  });
});
