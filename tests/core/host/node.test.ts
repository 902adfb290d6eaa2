import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { openNodeFiles } from "../../../core/host/node.ts";
import { piecesOf } from "../../../core/host/node_streams.ts";
import { inFolder } from "../io/in_folder.ts";

const files = await openNodeFiles();
const bytes = Uint8Array.of(1, 2, 3, 4, 5);

/** What a call that must fail fails with. */
const codeOf = (promise: Promise<unknown>) => promise.then(() => null, ({ code }) => code);

/** A file of these bytes. */
async function written(path: string): Promise<string> {
  await Deno.writeFile(path, bytes);
  return path;
}

describe("the files of Node.js", () => {
  it("open() with createNew makes a file, and refuses one that is there", () =>
    inFolder(async (folder) => {
      const file = await files.open(`${folder}/x`, { write: true, createNew: true });
      assertEquals(await file.write(bytes), 5);
      await file.sync();
      file.close();
      assertEquals(await files.readFile(`${folder}/x`), bytes);
      assertEquals(await codeOf(files.open(`${folder}/x`, { write: true, createNew: true })), "EEXIST");
    }));
  it("open() leaves, empties or goes on with a file, as create, truncate and append say", () =>
    inFolder(async (folder) => {
      const path = await written(`${folder}/x`);
      const sizes: number[] = [];
      for (const options of [{ write: true, create: true }, { append: true }, { write: true, truncate: true }]) {
        const file = await files.open(path, options);
        if ("append" in options) await file.write(bytes);
        file.close();
        sizes.push((await files.stat(path)).size);
      }
      assertEquals(sizes, [5, 10, 0]);
    }));
  it("read() fills from where seek() went, and ends with null", () =>
    inFolder(async (folder) => {
      const file = await files.open(await written(`${folder}/x`));
      const two = new Uint8Array(2);
      assertEquals([await file.seek(-2, 2), await file.read(two), [...two]], [3, 2, [4, 5]]);
      assertEquals(await file.read(two), null);
      assertEquals([await file.seek(0, 0), await file.read(two), [...two]], [0, 2, [1, 2]]);
      file.close();
    }));
  it("readable gives all bytes and closes the file, also where somebody stops early", () =>
    inFolder(async (folder) => {
      const path = `${folder}/x`, long = new Uint8Array(200_000).fill(7);
      await Deno.writeFile(path, long);
      assertEquals(await new Response((await files.open(path)).readable).bytes(), long);
      for await (const piece of piecesOf((await files.open(path)).readable)) {
        assertEquals(piece.length, 1 << 16);
        break;
      }
    }));
  it("readDir(), stat() and lstat() tell files from folders", () =>
    inFolder(async (folder) => {
      await written(`${folder}/x`);
      await files.mkdir(`${folder}/a/b`, { recursive: true });
      const found: [string, boolean][] = [];
      for await (const { name, isDirectory } of files.readDir(folder)) found.push([name, isDirectory]);
      assertEquals(found.sort(), [["a", true], ["x", false]]);
      const { isFile, isDirectory, size } = await files.lstat(`${folder}/x`);
      assertEquals([isFile, isDirectory, size], [true, false, 5]);
    }));
  it("remove() takes a file or an empty folder, and a full one only if it is told to", () =>
    inFolder(async (folder) => {
      await files.mkdir(`${folder}/a`);
      await written(`${folder}/a/x`);
      await assertRejects(() => files.remove(`${folder}/a`));
      await files.remove(`${folder}/a/x`);
      await files.remove(`${folder}/a`);
      await files.mkdir(`${folder}/b`);
      await written(`${folder}/b/x`);
      await files.remove(`${folder}/b`, { recursive: true });
      assertEquals(await codeOf(files.remove(`${folder}/b`)), "ENOENT");
    }));
  it("rename() replaces a file in one step", () =>
    inFolder(async (folder) => {
      await files.writeTextFile(`${folder}/old`, "old");
      await files.writeTextFile(`${folder}/new`, "new");
      await files.rename(`${folder}/new`, `${folder}/old`);
      assertEquals([await files.readTextFile(`${folder}/old`), await codeOf(files.stat(`${folder}/new`))], [
        "new",
        "ENOENT",
      ]);
    }));
});
