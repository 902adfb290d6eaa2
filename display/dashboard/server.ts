/** The server of the live page: on this machine alone, and only for those who know its key. */
import { type OpenServer, openServer } from "../../core/host/program.ts";
import type { Control, Update, WrittenRun } from "./messages.ts";
import { PAGE } from "./page_files.ts";

/** What the page is about. */
interface Source {
  /** Everything there is to show. */
  whole(): Update;
  /** Does what the page asks for; absent where nothing runs. */
  readonly control?: (control: Control) => void;
  /** The runs that have been written down. */
  runs(): Promise<WrittenRun[]>;
}

const TYPES: Readonly<Record<string, string>> = {
  "": "text/html; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
};

/** The page fetches nothing from elsewhere, and runs nothing but its own script. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** The longest text that a page may send. */
const LONGEST = 1000;

/** A page that does not read: what waits for it grows no further, it is cut off and comes again by itself. */
const MOST_WAITING = -100;

/** A key that nobody guesses. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The open page. */
export class PageServer {
  readonly #readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #encoder = new TextEncoder();
  #server: OpenServer | null = null;
  #closed: Promise<void> = Promise.resolve();

  /** A page about `source`; nothing is served before `open()`. */
  constructor(readonly source: Source, readonly key: string) {}

  /** Opens it at a port, 0 for any that is free; its address. */
  async open(port: number): Promise<string> {
    this.#server ??= await openServer(port, (request) => this.#answer(request));
    return `http://127.0.0.1:${this.#server.port}/${this.key}/`;
  }

  /** Whether a page is looking. */
  get isWatched(): boolean {
    return this.#readers.size > 0;
  }

  /** Tells all pages. */
  tell(update: Update): void {
    if (!this.isWatched) return;
    const bytes = this.#encoder.encode(`data: ${JSON.stringify(update)}\n\n`);
    for (const reader of this.#readers) {
      if ((reader.desiredSize ?? 0) > MOST_WAITING) reader.enqueue(bytes);
      else this.#cut(reader);
    }
  }

  /** Ends all answers, and closes the server. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const reader of this.#readers) this.#cut(reader);
    if (server !== null) this.#closed = server.close();
    await this.#closed;
  }

  #cut(reader: ReadableStreamDefaultController<Uint8Array>): void {
    this.#readers.delete(reader);
    reader.close();
  }

  async #answer(request: Request): Promise<Response> {
    const { hostname, pathname } = new URL(request.url), [, key, ...rest] = pathname.split("/");
    // Another name for this machine could be that of a page from elsewhere.
    if (hostname !== "127.0.0.1" || key !== this.key || rest.length === 0) return new Response(null, { status: 404 });
    const path = rest.join("/");
    if (request.method === "POST" && path === "control") return await this.#control(request);
    if (request.method !== "GET") return new Response(null, { status: 405 });
    if (path === "events") return this.#events();
    if (path === "runs.json") return Response.json(await this.source.runs(), { headers: HEADERS });
    if (!Object.hasOwn(TYPES, path)) return new Response(null, { status: 404 });
    return new Response(PAGE[path], { headers: { ...HEADERS, "content-type": TYPES[path] } });
  }

  #events(): Response {
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (reader) => {
        own = reader as ReadableStreamDefaultController<Uint8Array>;
        const whole = JSON.stringify({ ...this.source.whole(), whole: true });
        reader.enqueue(this.#encoder.encode(`retry: 1000\ndata: ${whole}\n\n`));
        this.#readers.add(own);
      },
      cancel: () => void this.#readers.delete(own),
    });
    return new Response(body, { headers: { ...HEADERS, "content-type": "text/event-stream" } });
  }

  async #control(request: Request): Promise<Response> {
    // What a page of another site may send here without asking calls itself something else.
    const isJson = /^application\/json\b/i.test(request.headers.get("content-type") ?? "");
    const length = Number(request.headers.get("content-length") ?? Infinity);
    const control = isJson && length <= LONGEST ? controlIn(await request.text()) : null;
    if (control === null || this.source.control === undefined) return new Response(null, { status: 400 });
    this.source.control(control);
    return new Response(null, { status: 204 });
  }
}

function controlIn(text: string): Control | null {
  try {
    const { action, factor } = JSON.parse(text);
    if (["pause", "resume", "stop"].includes(action)) return { action };
    return action === "rate" && Number.isFinite(factor) && factor >= 0 ? { action, factor } : null;
  } catch {
    return null;
  }
}
