/** A web server for tests that answers byte for byte what it is told, lies and broken connections included. */

/** What a client asked. */
export interface Asked {
  path: string;
  headers: Headers;
}

/** What to answer; the connection is closed after `body`. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Milliseconds between a byte of the body and the next; all at once when absent. */
  drip?: number;
  /** Leave the connection open after `body`, and say no more. */
  hang?: boolean;
}

/** The `n`-th request, from 0, and its answer, if there is any. */
export type Handler = (asked: Asked, n: number) => Answer | "silence" | "hang up";

/** Listens on 127.0.0.1 until disposed of, and remembers what it was asked. */
export class RawServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
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
      const asked = await readRequest(connection);
      if (asked === null) return;
      const answer = this.handler(asked, this.asked.push(asked) - 1);
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

async function readRequest(connection: Deno.Conn): Promise<Asked | null> {
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

/** A client that hangs up in the middle is part of the game. */
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

/** Serves `body` as a good server does: ranges, and all of it when `If-Range` names another ETag. */
export function serveFile({ headers }: Asked, body: Uint8Array, etag: string): Answer {
  const start = Number(headers.get("range")?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
  const unchanged = headers.get("if-range") === null || headers.get("if-range") === etag;
  if (start === 0 || !unchanged) return { status: 200, headers: { etag }, body };
  if (start >= body.length) return { status: 416, headers: { "content-range": `bytes */${body.length}` } };
  const range = `bytes ${start}-${body.length - 1}/${body.length}`;
  return { status: 206, headers: { etag, "content-range": range }, body: body.subarray(start) };
}

/** `answer` with its connection cut after `count` bytes of the body, its headers promising all of it. */
export function cut(answer: Answer, count: number): Answer {
  const body = answer.body ?? new Uint8Array();
  return {
    ...answer,
    headers: { "content-length": `${body.length}`, ...answer.headers },
    body: body.subarray(0, count),
  };
}
