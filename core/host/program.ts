/** What a command line needs of its host: arguments, an exit code, standard input and output, a server on this machine. */
import { failure, granted, isFailure, nodeModule } from "./host.ts";

/** The parts of Node.js's `process` that a command uses. */
interface CommandProcess {
  readonly argv: readonly string[];
  exitCode?: number;
  readonly stdin: unknown;
  readonly stdout: {
    write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown;
    once(event: "error", listener: () => void): unknown;
  };
}

function nodeCommand(): CommandProcess {
  return (globalThis as unknown as { process: CommandProcess }).process;
}

/** The words after the program's name. */
export function programArguments(): readonly string[] {
  return typeof Deno === "undefined" ? nodeCommand().argv.slice(2) : Deno.args;
}

/** Sets what the program says to its shell at its end. */
export function setExitCode(code: number): void {
  if (typeof Deno === "undefined") nodeCommand().exitCode = code;
  else Deno.exitCode = code;
}

/** What the program will say to its shell at its end, as far as that is decided. */
export function exitCode(): number {
  return Number((typeof Deno === "undefined" ? nodeCommand().exitCode : Deno.exitCode) ?? 0);
}

/** What comes through standard input. */
export async function standardInput(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  if (typeof Deno !== "undefined") return Deno.stdin.readable;
  const { Readable } = await import("node:stream");
  return Readable.toWeb(nodeCommand().stdin as InstanceType<typeof Readable>) as ReadableStream<
    Uint8Array<ArrayBuffer>
  >;
}

/**
 * Writes bytes to standard output, and waits until they are taken.
 *
 * @throws {Error} That the pipe is broken, of Deno's class or with Node.js's code, if nobody reads any more.
 */
export async function writeOutput(bytes: Uint8Array): Promise<void> {
  if (typeof Deno !== "undefined") {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    return;
  }
  const { stdout } = nodeCommand();
  stdout.once("error", () => {}); // the same error comes to the call below
  await new Promise<void>((resolve, reject) => stdout.write(bytes, (error) => error ? reject(error) : resolve()));
}

/** The name of the processor; `null` where it may not be read or is not known. */
export function processorName(): string | null {
  if (!granted({ name: "sys", kind: "cpus" })) return null;
  return nodeModule("node:os").cpus()[0]?.model.trim() || null;
}

/** A server's handler of requests. */
type Handler = (request: Request) => Response | Promise<Response>;

/**
 * Answers requests at 127.0.0.1 and a port, 0 for any that is free, until the program ends.
 *
 * @throws {Error} That the address is in use, of Deno's class or with Node.js's code, if another program serves there.
 */
export async function serveHere(port: number, onListen: (port: number) => void, handler: Handler): Promise<void> {
  if (typeof Deno === "undefined") return await serveInNode(port, onListen, handler);
  const tell = (address: Deno.NetAddr) => onListen(address.port);
  await Deno.serve({ hostname: "127.0.0.1", port, onListen: tell }, handler).finished;
}

async function serveInNode(port: number, onListen: (port: number) => void, handler: Handler): Promise<void> {
  const server = await nodeServer(handler);
  await new Promise<void>((_, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => onListen((server.address() as { port: number }).port));
  });
}

async function nodeServer(handler: Handler): Promise<import("node:http").Server> {
  const [{ createServer }, { Readable }] = await Promise.all([import("node:http"), import("node:stream")]);
  return createServer(async (incoming, outgoing) => {
    const { method = "GET", url = "/", headers } = incoming;
    const hasBody = method !== "GET" && method !== "HEAD";
    const body = hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" } : {};
    const own = Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === "string");
    try {
      const response = await handler(new Request(`http://${headers.host}${url}`, { method, headers: own, ...body }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      const reader = response.body?.getReader();
      outgoing.once("close", () => void reader?.cancel().catch(() => {})); // who has read enough ends a stream that has no end
      for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) outgoing.write(part.value);
      outgoing.end();
    } catch {
      if (!outgoing.headersSent) outgoing.writeHead(500);
      outgoing.end();
    }
  });
}

/** A server that is open. */
export interface OpenServer {
  /** Its port. */
  readonly port: number;
  /** Closes it, and waits for the answers that are under way. */
  close(): Promise<void>;
}

/**
 * Answers requests at 127.0.0.1 and a port, 0 for any that is free, until it is closed; it does not keep the program from ending.
 *
 * @throws {Error} As `serveHere` does.
 */
export async function openServer(port: number, handler: Handler): Promise<OpenServer> {
  if (typeof Deno !== "undefined") {
    const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler);
    server.unref();
    return { port: server.addr.port, close: async () => await server.shutdown() };
  }
  const server = await nodeServer(handler);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  server.unref();
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as { port: number }).port, close };
}

/** The bytes of memory that the program holds; `null` where it cannot be told. */
export function memoryInUse(): number | null {
  if (typeof Deno !== "undefined") return Deno.memoryUsage().rss;
  const { process } = globalThis as unknown as { process?: { memoryUsage?(): { rss: number } } };
  return process?.memoryUsage?.().rss ?? null;
}

/** Whether a program is not installed: another failure than that it may not be run. */
export function isNotInstalled(program: string): boolean {
  try {
    if (typeof Deno !== "undefined") {
      new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
      return false;
    }
    const { error } = nodeModule("node:child_process").spawnSync(program, ["--version"]);
    if ((error as { code?: string } | undefined)?.code === "ENOENT") throw failure("NotFound", program);
    return false;
  } catch (error) {
    return isFailure(error, "NotFound");
  }
}
