/**
 * Makes the notebooks of `examples/notebooks/` from their sources beside them, with outputs; or with `--check` runs them again, and fails if
 * something that they say has moved.
 *
 *     deno task notebooks [NAME…] [--check]
 *
 * A source is TypeScript in cells, which `// %%` begins; the lines of a cell `// %% [markdown]` are comments. It needs Debian's
 * `python3-nbclient`. Everything runs on plain loops, whose numbers are the same on all machines.
 *
 * @module
 */

/** A notebook as its file has it. */
export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** A cell of text or of code. */
export interface Cell {
  cell_type: "markdown" | "code";
  id: string;
  metadata: Record<string, unknown>;
  source: string[];
  execution_count?: number | null;
  outputs?: Output[];
}

/** What a cell has shown: text of a stream, or one thing in several forms. */
export interface Output {
  output_type: string;
  name?: string;
  text?: string | string[];
  data?: Record<string, unknown>;
  execution_count?: number | null;
  metadata?: Record<string, unknown>;
  ename?: string;
  evalue?: string;
}

const ROOT = new URL("../", import.meta.url);
/** Where sources and notebooks are. */
export const FOLDER: URL = new URL("examples/notebooks/", ROOT);
const PYTHON = "/usr/bin/python3";
const METADATA = {
  kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
  language_info: { file_extension: ".ts", mimetype: "text/x.typescript", name: "typescript" },
};

/** The cells of a source, without outputs. */
export function parseSource(text: string): Notebook {
  const parts = text.split(/^\/\/ %%(.*)\n/m);
  const cells = Array.from({ length: (parts.length - 1) / 2 }, (_, i): Cell => {
    const [mark, body] = [parts[2 * i + 1].trim(), parts[2 * i + 2].trim()];
    const base = { id: `cell-${i + 1}`, metadata: {} };
    if (mark === "[markdown]") return { cell_type: "markdown", ...base, source: lines(body.replace(/^\/\/ ?/gm, "")) };
    return { cell_type: "code", ...base, source: lines(body), execution_count: null, outputs: [] };
  });
  return { cells, metadata: METADATA, nbformat: 4, nbformat_minor: 5 };
}

/** Text as notebooks have it: a line with its end each. */
function lines(text: string): string[] {
  return text.split(/(?<=\n)/);
}

/** What an executed notebook is kept as: of the kernel's version nothing, of outputs that show nothing none. */
function tidied(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    metadata: {},
    source: lines([cell.source].flat().join("")),
    ...(cell.cell_type === "code" ? { outputs: tidiedOutputs(cell.outputs!) } : {}),
  }));
  return { ...notebook, cells, metadata: METADATA };
}

/** Without those that show nothing, and what a cell printed in one: it comes in pieces, cut by chance, before or after the rest. */
function tidiedOutputs(outputs: readonly Output[]): Output[] {
  const textOf = (name: string) =>
    outputs.filter((output) => output.name === name).flatMap(({ text = [] }) => text).join("");
  const printed = ["stdout", "stderr"].map((name) => ({ output_type: "stream", name, text: lines(textOf(name)) }));
  const shown = outputs.filter(({ data }) => data !== undefined && Object.keys(data).length > 0);
  return [...printed.filter(({ text }) => text[0] !== ""), ...shown];
}

/** What a notebook says, a line for each thing: the texts of its outputs, and in which other forms they are shown. */
export function saidBy({ cells }: Notebook): string[] {
  return cells.flatMap(({ outputs = [] }, i) =>
    outputs.flatMap(({ text, data = {}, ename, evalue }) => {
      const plain = [text ?? data["text/plain"] ?? "", ename ?? "", evalue ?? ""].flat().join("");
      const forms = Object.keys(data).filter((type) => type !== "text/plain").sort();
      return [...plain.split("\n"), ...forms].map((line) => `cell ${i + 1}: ${line}`);
    })
  );
}

/** The first thing that differs between what was said and what is said, in words; `null` where nothing does. */
export function firstMove(before: readonly string[], now: readonly string[]): string | null {
  const at = now.findIndex((line, i) => line !== before[i]);
  if (at < 0 && before.length <= now.length) return null;
  const i = at < 0 ? now.length : at;
  return `was "${before[i] ?? "nothing"}", is "${now[i] ?? "nothing"}"`;
}

/** The names of all sources, in order. */
export function sourceNames(): string[] {
  return Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).filter((name) => name.endsWith(".ts"))
    .map((name) => name.slice(0, -3)).sort();
}

/** Whether notebooks can be executed here. */
export function canExecute(): boolean {
  try {
    const args = ["-c", "import nbclient"];
    return new Deno.Command(PYTHON, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Executes the sources of these names, one after the other, each in a kernel of its own. */
export async function execute(names: readonly string[]): Promise<Map<string, Notebook>> {
  const home = await Deno.makeTempDir();
  try {
    await new Deno.Command(Deno.execPath(), { args: ["jupyter", "--install"], env: { HOME: home } }).output();
    const folder = decodeURIComponent(ROOT.pathname);
    const notebooks = names.map((name) => {
      const content = parseSource(Deno.readTextFileSync(new URL(`${name}.ts`, FOLDER)));
      return { name, folder, content };
    });
    const said = await python(home, JSON.stringify(notebooks));
    const executed = said.trim().split("\n").map((line) => JSON.parse(line) as { name: string; content: Notebook });
    return new Map(executed.map(({ name, content }) => [name, tidied(content)]));
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

async function python(home: string, input: string): Promise<string> {
  const env = {
    JUPYTER_PATH: `${home}/.local/share/jupyter`,
    JUPYTER_RUNTIME_DIR: `${home}/runtime`,
    GRADUS_BACKEND: "reference",
    NO_COLOR: "1",
  };
  const script = decodeURIComponent(new URL("execute_notebooks.py", import.meta.url).pathname);
  const child = new Deno.Command(PYTHON, { args: [script], env, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (success) return new TextDecoder().decode(stdout);
  const told = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot execute the notebooks: ${told.split("\n").slice(-30).join("\n")}`);
}

/** The notebook of a name as it is kept. */
export function readNotebook(name: string): Notebook {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.ipynb`, FOLDER)));
}

async function main(args: readonly string[]): Promise<number> {
  const chosen = args.filter((arg) => !arg.startsWith("--"));
  const names = sourceNames().filter((name) => chosen.length === 0 || chosen.includes(name));
  if (!canExecute()) {
    console.error("error: Cannot execute notebooks: apt-get install python3-nbclient");
    return 1;
  }
  let moved = 0;
  for (const name of names) {
    const started = performance.now();
    const notebook = (await execute([name])).get(name)!;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const move = args.includes("--check") ? firstMove(saidBy(readNotebook(name)), saidBy(notebook)) : null;
    if (move !== null) moved++;
    else if (!args.includes("--check")) {
      await Deno.writeTextFile(new URL(`${name}.ipynb`, FOLDER), `${JSON.stringify(notebook, null, 1)}\n`);
    }
    console.log(`${name}: ${move ?? "as it was written"}, ${seconds} s`);
  }
  return moved === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
