/** A web server for tests that answers exactly the given bytes, also wrong headers and broken connections. */

/** The request of a client. */
export interface RawRequest {
  path: string;
  headers: Headers;
}

/** An answer, after which the connection is closed. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Milliseconds between a byte of the body and the next; without it all bytes are sent at once. */
  drip?: number;
  /** Whether to leave the connection open after `body`, without sending more. */
  hang?: boolean;
}

/** The answer to the `n`-th request, counted from 0. */
export type Handler = (request: RawRequest, n: number) => Answer | "silence" | "hang up";

/** Listens on 127.0.0.1 until it is disposed of, and keeps the requests. */
export class RawServer implements AsyncDisposable {
  readonly requests: RawRequest[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<void>;

  constructor(readonly handler: Handler) {
    this.#done = this.#listen();
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#listener.addr.port}/${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#done;
  }

  async #listen(): Promise<void> {
    const answers: Promise<void>[] = [];
    for await (const connection of this.#listener) answers.push(this.#serve(connection));
    await Promise.all(answers);
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    this.#open.add(connection);
    try {
      const request = await readRequest(connection);
      if (request === null) return;
      const answer = this.handler(request, this.requests.push(request) - 1);
      if (answer === "hang up") return;
      if (answer !== "silence") await writeAnswer(connection, answer);
      if (answer === "silence" || answer.hang) await connection.read(new Uint8Array(1)); // until the client gives up
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) ignoreHangUp(error);
    } finally {
      if (this.#open.delete(connection)) closeQuietly(connection);
    }
  }
}

async function readRequest(connection: Deno.Conn): Promise<RawRequest | null> {
  const piece = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(piece);
    if (count === null) return null;
    text += new TextDecoder().decode(piece.subarray(0, count));
  }
  const [first, ...lines] = text.trimEnd().split("\r\n");
  const pairs = lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]);
  return { path: first.split(" ")[1], headers: new Headers(pairs) };
}

async function writeAnswer(
  connection: Deno.Conn,
  { status, headers = {}, body = new Uint8Array(), drip }: Answer,
): Promise<void> {
  const all = { "content-length": `${body.length}`, ...headers, connection: "close" };
  const lines = Object.entries(all).filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}\r\n`);
  const head = new TextEncoder().encode(`HTTP/1.1 ${status} Said\r\n${lines.join("")}\r\n`);
  await writeBytes(connection, head);
  for (let i = 0; drip !== undefined && i < body.length; i++) {
    await writeBytes(connection, body.subarray(i, i + 1));
    await new Promise((done) => setTimeout(done, drip));
  }
  if (drip === undefined) await writeBytes(connection, body);
}

async function writeBytes(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

/** Ignores that a client closed the connection, which the tests make it do. */
function ignoreHangUp(error: unknown): void {
  const hangUps = [Deno.errors.BrokenPipe, Deno.errors.ConnectionReset, Deno.errors.ConnectionAborted];
  if (!hangUps.some((kind) => error instanceof kind)) throw error;
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Serves `body` correctly: ranges, and all of it if `If-Range` names another ETag. */
export function serveFile({ headers }: RawRequest, body: Uint8Array, etag: string): Answer {
  const start = Number(headers.get("range")?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
  const unchanged = headers.get("if-range") === null || headers.get("if-range") === etag;
  if (start === 0 || !unchanged) return { status: 200, headers: { etag }, body };
  if (start >= body.length) return { status: 416, headers: { "content-range": `bytes */${body.length}` } };
  const range = `bytes ${start}-${body.length - 1}/${body.length}`;
  return { status: 206, headers: { etag, "content-range": range }, body: body.subarray(start) };
}

/** `answer` with the connection closed after `count` bytes of the body, while the headers promise all of it. */
export function cut(answer: Answer, count: number): Answer {
  const body = answer.body ?? new Uint8Array();
  return {
    ...answer,
    headers: { "content-length": `${body.length}`, ...answer.headers },
    body: body.subarray(0, count),
  };
}
