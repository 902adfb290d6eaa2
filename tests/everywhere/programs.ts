/** Other runtimes and tools, where they are installed. */

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

/** The same in a folder, on WebAssembly. */
export async function runIn(cwd: string | undefined, command: string, ...args: string[]): Promise<string> {
  return await runWith({ GRADUS_BACKEND: "wasm" }, cwd, command, ...args);
}

/** The same with these variables in its environment. */
export async function runWith(
  variables: Readonly<Record<string, string>>,
  cwd: string | undefined,
  command: string,
  ...args: string[]
): Promise<string> {
  const env = { NO_COLOR: "1", ...variables };
  const { stdout, stderr } = await new Deno.Command(command, { args, env, stdin: "null", ...(cwd ? { cwd } : {}) })
    .output();
  const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return said === "" ? complained : said;
}

/** Sends what the page says, or how it failed, to whoever serves it. */
const REPORTER = `<script>
const pre = document.querySelector("pre");
const tell = (text) => fetch("/said", { method: "POST", body: text });
new MutationObserver(() => tell(pre.textContent)).observe(pre, { childList: true });
addEventListener("error", ({ message }) => tell("failed: " + message));
addEventListener("unhandledrejection", ({ reason }) => tell("failed: " + (reason?.stack ?? reason)));
</script>`;

/** Milliseconds that a page has to say something. */
const PATIENCE = 120_000;

/** A body and its type for a path, or nothing. */
export type Served = Uint8Array<ArrayBuffer> | string | null;

/** What a page whose module is `script` puts into its `<pre>`, in a browser that loads it from here and is never shown. */
export async function pageInChromium(
  folder: string,
  script: string,
  file: (path: string) => Served | Promise<Served>,
  imports: Readonly<Record<string, string>> = {},
): Promise<string> {
  const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  const page = `<!doctype html><title>page</title>${map}<pre></pre>${REPORTER}<script type="module">${script}</script>`;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const respond = async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/said") return resolve(await request.text()), new Response();
    const body = pathname === "/" ? page : await file(pathname);
    const headers = { "content-type": pathname === "/" ? "text/html" : typeOf(pathname) };
    return new Response(body, { status: body === null ? 404 : 200, headers });
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, respond);
  const timer = setTimeout(() => reject(new Error("The page says nothing")), PATIENCE);
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const args = [...flags, `--user-data-dir=${folder}/profile`, `http://127.0.0.1:${server.addr.port}/`];
  const browser = new Deno.Command("chromium", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    browser.kill("SIGTERM");
    await browser.status;
    await server.shutdown();
  }
}

function typeOf(path: string): string {
  return path.endsWith(".gz") ? "application/gzip" : path.endsWith(".html") ? "text/html" : "text/javascript";
}
