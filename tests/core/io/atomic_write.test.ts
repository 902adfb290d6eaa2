import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { requireWritable } from "@gradus/gradus/io";
import { sweepTemporary, writeAtomically } from "../../../core/io/atomic_write.ts";
import { inFolder, namesIn } from "./in_folder.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("writeAtomically()", () => {
  it("writeAtomically() writes the parts one after the other", () =>
    inFolder(async (folder) => {
      await writeAtomically(`${folder}/f`, [bytes("ab"), bytes(""), bytes("c")]);
      assertEquals(await Deno.readTextFile(`${folder}/f`), "abc");
    }));

  it("writeAtomically() keeps the order of small and large parts, few of which take a write of their own", () =>
    inFolder(async (folder) => {
      const sizes = [...Array(1_000).keys(), 65_535, 1, 65_536, 0, 65_537, 3, 200_000, 40_000, 40_000];
      const parts = sizes.map((size, i) => new Uint8Array(size).fill(i));
      const { write } = Deno.FsFile.prototype;
      let writes = 0;
      Deno.FsFile.prototype.write = function (part) {
        writes++;
        return write.call(this, part);
      };
      try {
        await writeAtomically(`${folder}/f`, parts);
      } finally {
        Deno.FsFile.prototype.write = write;
      }
      assertEquals(await Deno.readFile(`${folder}/f`), new Uint8Array(parts.flatMap((part) => [...part])));
      assertLess(writes, 25);
    }));

  it("writeAtomically() replaces an old file and leaves nothing beside it", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/f`, "a longer old file");
      await writeAtomically(`${folder}/f`, [bytes("new")]);
      assertEquals(await Deno.readTextFile(`${folder}/f`), "new");
      assertEquals(namesIn(folder), ["f"]);
    }));

  it("writeAtomically() keeps the old file when a part fails midway", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/f`, "old");
      const parts = function* () {
        yield bytes("half of the new");
        throw new Error("no more");
      };
      await assertRejects(() => writeAtomically(`${folder}/f`, parts()), Error, "no more");
      assertEquals(await Deno.readTextFile(`${folder}/f`), "old");
      assertEquals(namesIn(folder), ["f"]);
    }));

  it("writeAtomically() removes its temporary file when the final name cannot be taken", () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/taken/full`, { recursive: true });
      await assertRejects(() => writeAtomically(`${folder}/taken`, [bytes("x")]));
      assertEquals(namesIn(folder), ["taken"]);
    }));

  const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";
  for (const missing of ["read", "write"]) {
    (mayRun ? it : it.skip)(
      `writeAtomically() without permission to ${missing} the folder names both flags`,
      () =>
        inFolder(async (folder) => {
          const source = new URL("../../../core/io/atomic_write.ts", import.meta.url);
          const flags = [`--allow-read=${missing === "read" ? `${folder}/f` : folder}`];
          flags.push(`--allow-write=${missing === "write" ? `${folder}/f` : folder}`);
          const script = `${folder}/write.ts`;
          await Deno.writeTextFile(
            script,
            `import { sweepTemporary, writeAtomically } from "${source}"; await writeAtomically("${folder}/f", []);`,
          );
          const args = ["run", "-q", "--no-check", "--no-prompt", ...flags, script];
          const { stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
          const said = new TextDecoder().decode(stderr);
          assertStringIncludes(said, `NotCapable: Cannot write ${folder}/f: `);
          assertStringIncludes(said, `allow its folder: --allow-read=${folder} --allow-write=${folder}`);
        }),
    );
  }
});

describe("sweepTemporary()", () => {
  it("removes what killed processes left, though others remove it at the same time", () =>
    inFolder(async (folder) => {
      for (let i = 0; i < 50; i++) await Deno.writeTextFile(`${folder}/m.${crypto.randomUUID()}.tmp`, "");
      await Deno.writeTextFile(`${folder}/m`, "kept");
      await Promise.all(Array.from({ length: 4 }, () => sweepTemporary(`${folder}/m`)));
      assertEquals(await namesIn(folder), ["m"]);
    }));
});

describe("requireWritable()", () => {
  it("leaves nothing behind, and what is there as it was", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/f`, "old");
      await requireWritable(`${folder}/f`);
      await requireWritable(`${folder}/new`);
      assertEquals([namesIn(folder), await Deno.readTextFile(`${folder}/f`)], [["f"], "old"]);
    }));

  it("refuses a folder, and a file in a folder that is not there", () =>
    inFolder(async (folder) => {
      await assertRejects(() => requireWritable(folder), Error, `Cannot write ${folder}: it is a folder`);
      const missing = `${folder}/no/f`;
      await assertRejects(
        () => requireWritable(missing),
        Error,
        `Cannot write ${missing}: its folder is not there, make`,
      );
    }));
});
