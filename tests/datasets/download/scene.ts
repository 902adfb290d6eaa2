/** Downloads of one file from a server in this process. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { download, type DownloadOptions } from "../../../datasets/download/download.ts";
import { digestLike } from "../../../datasets/download/verified_files.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { type Handler, RawServer, serveFile } from "./raw_server.ts";

/** What is downloaded. */
export const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i + i / 7) & 255);
/** The digest of some bytes. */
export const sha256 = (bytes: Uint8Array<ArrayBuffer>) => digestLike(bytes, { sha256: "" });
/** The digest of the content. */
export const hash = await sha256(content);
/** Something else of the same length. */
export const other = content.map((byte) => byte ^ 1);
const quick = { attempts: 4, pause: 0 };

/** A folder to download into and a server to download from; `get` downloads `f` from the path `a`. */
export interface Scene {
  folder: string;
  server: RawServer;
  get(options?: Partial<DownloadOptions>): Promise<string | null>;
  /** The content of `f`, after a check that nothing but its lock is in the folder. */
  result(): Uint8Array;
}

/** Runs `task` with a new scene whose server answers by `handler`. */
export async function scene(handler: Handler, task: (scene: Scene) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await using server = new RawServer(handler);
    const get = (options: Partial<DownloadOptions> = {}) =>
      download({ urls: [server.url("a")], digest: { sha256: hash }, target: `${folder}/f`, retry: quick, ...options });
    const result = () => {
      assertEquals(namesIn(folder), ["f", "f.lock"]);
      return Deno.readFileSync(`${folder}/f`);
    };
    await task({ folder, server, get, result });
  });
}

/** The error message of a download that fails, after a check that there is no file with the final name. */
export async function failure({ folder, get }: Scene, options: Partial<DownloadOptions> = {}): Promise<string> {
  const { message } = await assertRejects(() => get(options), AggregateError, "Cannot download f: ");
  assert(!namesIn(folder).includes("f"));
  return message;
}

/** Serves the content. */
export const good: Handler = (request) => serveFile(request, content, '"one"');

/** A handler that gives these answers one after the other, and then the last one again and again. */
export const inTurn = (...answers: (ReturnType<Handler> | Handler)[]): Handler => (request, n) => {
  const answer = answers[Math.min(n, answers.length - 1)];
  return typeof answer === "function" ? answer(request, n) : answer;
};
