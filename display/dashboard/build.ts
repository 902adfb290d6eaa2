/**
 * Writes `page_files.ts`: the live page as texts, with uPlot in its script, because it is served where there are no files beside it.
 *
 * `deno run -A display/dashboard/build.ts`
 *
 * @module
 */
import { fingerprint } from "../../core/kernels/sources.ts";
import { files } from "../../core/host/files.ts";

const FOLDER = "display/dashboard/page";
const UPLOT = "node_modules/uplot";

/** What the page is made of, by its names: a fingerprint of it tells whether it was built. */
export async function pageSources(): Promise<Record<string, string>> {
  const disk = await files("read the page");
  const names: string[] = [];
  for await (const { name } of disk.readDir(FOLDER)) names.push(name);
  const texts = names.sort().map(async (name) => [name, await disk.readTextFile(`${FOLDER}/${name}`)]);
  return Object.fromEntries(await Promise.all(texts));
}

/** The fingerprint of the page's sources. */
export function pageFingerprint(sources: Readonly<Record<string, string>>): string {
  return fingerprint(Object.entries(sources).flat().join("\0"));
}

async function script(): Promise<string> {
  const args = ["bundle", "-q", "--platform", "browser", "--minify", `${FOLDER}/page.ts`];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(`Cannot bundle the page: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const disk = await files("write the page");
  const sources = await pageSources(), text = JSON.stringify;
  const [style, licence] = await Promise.all(
    ["dist/uPlot.min.css", "LICENSE"].map((name) => disk.readTextFile(`${UPLOT}/${name}`)),
  );
  await disk.writeTextFile(
    "display/dashboard/page_files.ts",
    `// deno-fmt-ignore-file
/** Generated from page/ and uPlot by display/dashboard/build.ts; not to be edited. */

/** The fingerprint of the sources. */
export const PAGE_FINGERPRINT = "${pageFingerprint(sources)}";

/** The files of the page, by their names; the page itself has none. */
export const PAGE: Readonly<Record<string, string>> = {
  "": ${text(sources["index.html"])},
  "page.css": ${text(`${sources["page.css"]}\n${style}`)},
  "page.js": ${text(`/*! Holds uPlot, https://github.com/leeoniya/uPlot\n${licence}*/\n${await script()}`)},
};
`,
  );
}
