import { assertEquals, assertRejects } from "@std/assert";
import { encode } from "fast-png";
import { imageFolder } from "@gradus/gradus/data";
import { inFolder } from "../../core/io/in_folder.ts";
import { describe, it } from "../../bdd.ts";

const grey = (width: number, height: number, ...data: number[]) =>
  encode({ width, height, data: Uint8Array.from(data), channels: 1, depth: 8 });

/** Runs `task` in a folder with these files, named by their paths from it. */
async function withFiles(files: Record<string, Uint8Array>, task: (dir: string) => Promise<void>): Promise<void> {
  await inFolder(async (dir) => {
    for (const [path, bytes] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${path}`, bytes);
    }
    await task(dir);
  });
}

describe("imageFolder()", () => {
  it("imageFolder() orders classes and pictures by their names, and names what it leaves out", () =>
    withFiles({
      "dog/b.PNG": grey(2, 1, 3, 4),
      "dog/a.png": grey(2, 1, 1, 2),
      "cat/10.png": grey(2, 1, 7, 8),
      "cat/notes.txt": new Uint8Array(),
      "cat/more/9.png": grey(2, 1, 0, 0),
      "README.md": new Uint8Array(),
    }, async (dir) => {
      const { images, labels, classes, paths, skipped } = await imageFolder(dir);
      assertEquals([images.dtype, labels.dtype], ["uint8", "int32"]);
      assertEquals(images.toArray(), [[[7, 8]], [[1, 2]], [[3, 4]]]);
      assertEquals([labels.toArray(), classes], [[0, 1, 1], ["cat", "dog"]]);
      assertEquals(paths, ["cat/10.png", "dog/a.png", "dog/b.PNG"].map((path) => `${dir}/${path}`));
      assertEquals(skipped, ["README.md", "cat/more", "cat/notes.txt"].map((path) => `${dir}/${path}`));
    }));

  it("imageFolder() brings pictures to one size, by the mean of what a pixel covers", () =>
    withFiles({ "a/1.png": grey(4, 2, 10, 20, 30, 40, 50, 60, 70, 80), "a/2.png": grey(1, 1, 9) }, async (dir) => {
      const { images } = await imageFolder(dir, { size: [1, 2] });
      assertEquals(images.toArray(), [[[35, 55]], [[9, 9]]]);
      const message = `${dir}/a/1.png is [2, 4], ${dir}/a/2.png is [1, 1]; give size`;
      await assertRejects(() => imageFolder(dir), RangeError, `Cannot stack pictures of two sizes: ${message}`);
    }));

  it("imageFolder() keeps red, green and blue in three planes", () =>
    withFiles({
      "a/1.png": encode({ width: 2, height: 1, data: Uint8Array.from([1, 2, 3, 4, 5, 6]), channels: 3, depth: 8 }),
    }, async (dir) => {
      const { images } = await imageFolder(dir, { channels: 3 });
      assertEquals(images.toArray(), [[[[1, 4]], [[2, 5]], [[3, 6]]]]);
    }));

  it("imageFolder() names a file that is called .png and is none, and a folder without pictures", () =>
    withFiles({ "a/1.png": new TextEncoder().encode("text") }, async (dir) => {
      await assertRejects(
        () => imageFolder(dir),
        SyntaxError,
        `Cannot read ${dir}/a/1.png: it does not begin as a PNG`,
      );
      const message = `Cannot find a picture in ${dir}/a: expected a folder for each class, with .png files, and these`;
      await assertRejects(() => imageFolder(`${dir}/a`), RangeError, message);
      await assertRejects(() => imageFolder(`${dir}/b`), Deno.errors.NotFound);
    }));
});
