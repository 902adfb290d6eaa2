/** Other runtimes and tools, where they are installed. */
import { assert } from "@std/assert";

/** Whether a test may run `command`. */
export const may = (command: string): boolean =>
  Deno.permissions.querySync({ name: "run", command }).state === "granted";

/** Whether `command` is there and may be run. */
export function runs(command: string): boolean {
  try {
    return may(command) && new Deno.Command(command, { args: ["--version"], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Whether `node` is Node.js: tasks of Deno lend it Deno's own where there is none. */
export function hasNode(): boolean {
  if (!runs("node")) return false;
  const { stdout } = new Deno.Command("node", { args: ["-p", "process.versions.deno"] }).outputSync();
  return new TextDecoder().decode(stdout).trim() === "undefined";
}

/** What `command` says to stdout, or where it says nothing there, to stderr. */
export async function run(command: string, ...args: string[]): Promise<string> {
  return await runIn(undefined, command, ...args);
}

/** The same in a folder, with plain environment. */
export async function runIn(cwd: string | undefined, command: string, ...args: string[]): Promise<string> {
  const env = { NO_COLOR: "1", GRADUS_BACKEND: "wasm" };
  const { stdout, stderr } = await new Deno.Command(command, { args, env, stdin: "null", ...(cwd ? { cwd } : {}) })
    .output();
  const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return said === "" ? complained : said;
}

/** What a page whose module is `script` has put into its `<pre>`, in a browser that loads it from here and is never shown. */
export async function pageInChromium(
  folder: string,
  script: string,
  module: (path: string) => string | null | Promise<string | null>,
  imports: Readonly<Record<string, string>> = {},
): Promise<string> {
  const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  const page = `<!doctype html><title>page</title>${map}<pre></pre><script type="module">${script}</script>`;
  const respond = async ({ url }: Request) => {
    const { pathname } = new URL(url);
    if (pathname === "/") return new Response(page, { headers: { "content-type": "text/html" } });
    const text = await module(pathname);
    return new Response(text, { status: text === null ? 404 : 200, headers: { "content-type": "text/javascript" } });
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, respond);
  try {
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    const wait = ["--virtual-time-budget=60000", `--user-data-dir=${folder}/profile`]; // until nothing is left to do
    const dom = await run("chromium", ...flags, ...wait, "--dump-dom", `http://127.0.0.1:${server.addr.port}/`);
    const said = /<pre>(.*?)<\/pre>/s.exec(dom)?.[1];
    assert(said !== undefined && said !== "", `the page says nothing: ${dom}`);
    return said;
  } finally {
    await server.shutdown();
  }
}
