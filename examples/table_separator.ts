/** What stands between the cells of a table. */

const CANDIDATES = [",", ";", "\t", "|"];

/**
 * The one of `, ; TAB |` that stands most often in the first line of `file`, outside of quotes; a comma where none does. A comma
 * between digits counts only where nothing else stands: it may be a decimal one.
 */
export async function separatorOf(file: string): Promise<string> {
  const line = (await firstLine(file)).replace(/"[^"]*"/g, "");
  const cells = /[;\t|]/.test(line) ? line.replace(/(?<=\d),(?=\d)/g, "") : line;
  const counts = CANDIDATES.map((candidate) => cells.split(candidate).length - 1);
  return CANDIDATES[counts.indexOf(Math.max(...counts))];
}

/** The first line, or as much of it as comes at once. */
async function firstLine(file: string): Promise<string> {
  const bytes = (await Deno.open(file)).readable;
  const plain = file.endsWith(".gz") ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  const reader = plain.getReader();
  try {
    const { value } = await reader.read();
    return new TextDecoder().decode(value).split(/\r?\n/, 1)[0];
  } catch {
    return ""; // a folder, or no gzip: whoever reads the table says so, by its name
  } finally {
    await reader.cancel().catch(() => {}); // nothing is to be cancelled where the reading broke
  }
}
