/**
 * Builds the page on which a network learns your handwriting, and serves it.
 *
 *     deno task page [--port N] [--data DIR] [--build DIR]
 */
import { dirname, extname } from "@std/path";
import { IMAGE_FOLDER, requireWritableFolder, runProgram, type Values } from "../../cli/command_line.ts";
import { buildPage, type Site } from "./build.ts";

const options = {
  port: { value: "N", least: 0, default: 8000, help: "where it is served; 0 for any that is free" },
  data: { value: "DIR", help: `${IMAGE_FOLDER}, which go beside the page; without it the built-in digits` },
  build: {
    value: "DIR",
    help: "write the files there, for any host to serve, and end",
  },
} as const;

/** What a browser is told of each file, by its ending. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** The answer to a request. No file asks for COOP or COEP: no memory is shared. */
export function respond(site: Site, { method, url }: Request): Response {
  const path = new URL(url).pathname.slice(1) || "index.html";
  const bytes = site.get(path);
  if (bytes === undefined) return new Response("There is no such file.\n", { status: 404 });
  if (method !== "GET" && method !== "HEAD") return new Response("This is read only.\n", { status: 405 });
  const type = TYPES[extname(path)] ?? "application/octet-stream";
  const headers = { "content-type": type, "cache-control": "no-cache", "x-content-type-options": "nosniff" };
  return new Response(bytes, { headers });
}

async function write(site: Site, folder: string): Promise<void> {
  await requireWritableFolder(folder);
  for (const [name, bytes] of site) {
    await Deno.mkdir(dirname(`${folder}/${name}`), { recursive: true });
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
  console.log(`${site.size} files in ${folder}: any host can serve them`);
}

async function serve(port: number, onListen: (address: Deno.NetAddr) => void, handler: Deno.ServeHandler) {
  try {
    await Deno.serve({ hostname: "127.0.0.1", port, onListen }, handler).finished;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Error(`Cannot serve on port ${port}: another program does; give another --port, or 0 for any`);
  }
}

async function main({ port, data, build }: Values<typeof options>): Promise<void> {
  const site = await buildPage(data);
  if (build !== undefined) return await write(site, build);
  const onListen = ({ port }: Deno.NetAddr) => console.log(`http://127.0.0.1:${port}/ (Ctrl-C ends it)`);
  await serve(port, onListen, (request) => respond(site, request));
}

if (import.meta.main) {
  await runProgram({
    purpose: "Build and serve a page on which a network learns your handwriting.",
    options,
    run: main,
  });
}
