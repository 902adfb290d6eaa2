/** Data sets of OpenML, by name. */
import { checkOptions, describe } from "../../core/arguments.ts";
import { granted } from "../../core/io/cache_dir.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { type ArffOptions, readArff } from "../formats/arff.ts";
import { dataFolder } from "../download/data_folder.ts";
import { download } from "../download/download.ts";
import { describeOpenml, isSafeName, OPENML_API, type OpenmlDescription } from "./openml_api.ts";
import type { DownloadProgress } from "../download/receive.ts";
import type { Table } from "../formats/table.ts";
import { setWrongAside } from "../download/verified_files.ts";

/** Where {@linkcode openml} may look, and how it reads. */
export interface OpenmlOptions extends Pick<ArffOptions, "target" | "skip" | "skipIncomplete" | "dtype" | "onNote"> {
  /** The version of the data set; 1 when absent. */
  version?: number;
  /** Where downloads are kept; when absent `openml` in the folder that `GRADUS_DATA` names, else in the user's cache. */
  cache?: string;
  /** Keep off the network. */
  offline?: boolean;
  /** The address that OpenML's interface is asked at; {@linkcode OPENML_API} when absent. */
  api?: string;
  /**
   * The most bytes to download, and that the table may come to; when absent 1 GiB, 16 MiB for what OpenML says of the data set, and
   * for the table what `readArff` allows.
   */
  maxBytes?: number;
  /** Told how far the download has come. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Ends the download. */
  signal?: AbortSignal;
}

/** A table from OpenML. */
export interface OpenmlTable extends Table {
  /** Its name there. */
  readonly name: string;
  /** Where it came from, in one line for people. */
  readonly source: string;
}

const KNOWN = [
  "target",
  "skip",
  "skipIncomplete",
  "version",
  "cache",
  "offline",
  "api",
  "maxBytes",
  "dtype",
  "onNote",
  "onProgress",
  "signal",
] as const satisfies readonly (keyof OpenmlOptions)[];

const MAX_BYTES = 2 ** 30;

/**
 * The data set `name` of OpenML, such as `mnist_784`: from the cache, else downloaded into it, checked by the MD5 that
 * OpenML tells, and again when its size or time has changed; one that is wrong is set aside. The target is the one that OpenML names, unless `target` names another; attributes that OpenML says to
 * leave out are. Asks for no permission.
 *
 * @throws {Error} if it is not there and cannot be had; the message says why, and which file to put where
 * @throws {SyntaxError} if the name is none, or the file no ARFF
 * @see {@link https://www.openml.org}
 */
export async function openml(name: string, options: OpenmlOptions = {}): Promise<OpenmlTable> {
  checkOptions("load from OpenML", options, KNOWN);
  const { version = 1, cache = dataFolder("openml") } = options;
  if (typeof name !== "string") throw new TypeError(`Cannot load from OpenML by ${describe(name)}: give a name`);
  if (!isSafeName(name)) {
    throw new SyntaxError(`Cannot load ${JSON.stringify(name)} from OpenML: that is no name there`);
  }
  const path = `${cache}/${name}.v${version}`;
  const file = `${name}.v${version}.arff`;
  const there = await exists(`${path}.arff`);
  const note = there ? await readNote(path) : undefined;
  const wrong = typeof note?.md5 === "string" ? await setWrongAside(cache, { [file]: { md5: note.md5 } }) : [];
  const kept = there && wrong.length === 0;
  const description = kept ? note : await fetchInto(path, name, version, cache, options, wrong);
  const { target = description?.target, skip = description?.skip, maxBytes } = options;
  const { skipIncomplete = false, dtype = "float32", onNote = () => {} } = options;
  const how: ArffOptions = { skipIncomplete, dtype, onNote, maxBytes };
  if (target !== undefined) how.target = target;
  if (skip !== undefined) how.skip = skip;
  const table = await readArff(`${path}.arff`, how);
  return { ...table, name, source: `${kept ? "cache" : "downloaded to"} ${path}.arff` };
}

async function fetchInto(
  path: string,
  name: string,
  version: number,
  folder: string,
  options: OpenmlOptions,
  wrong: readonly string[],
): Promise<OpenmlDescription> {
  const { api = OPENML_API, maxBytes, offline = false, onProgress, signal } = options;
  try {
    if (offline) throw new Error("offline");
    if (!granted({ name: "write", path: folder })) throw new Error(`no permission to write ${folder} (--allow-write)`);
    const description = await describeOpenml(name, version, { api, signal, maxBytes });
    await Deno.mkdir(folder, { recursive: true });
    const { url, md5 } = description;
    const target = `${path}.arff`;
    await download({ urls: [url], digest: { md5 }, target, maxBytes: maxBytes ?? MAX_BYTES, onProgress, signal });
    await writeAtomically(`${path}.json`, [new TextEncoder().encode(JSON.stringify(description))]);
    return description;
  } catch (error) {
    signal?.throwIfAborted();
    const reason = [(error as Error).message, ...wrong].join("; ");
    throw new Error(`Cannot load OpenML's ${name}: ${reason}; or put its ARFF file into ${path}.arff`, {
      cause: error,
    });
  }
}

/** What was noted with a download; `undefined` for a file that somebody put there, and for a note that is none. */
async function readNote(path: string): Promise<OpenmlDescription | undefined> {
  try {
    const note: unknown = JSON.parse(await Deno.readTextFile(`${path}.json`));
    return isDescription(note) ? note : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isDescription(note: unknown): note is OpenmlDescription {
  const { url, md5, target = "", skip = [] } = Object(note);
  return [url, md5, target].every(isText) && Array.isArray(skip) && skip.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

async function exists(path: string): Promise<boolean> {
  if (!granted({ name: "read", path })) throw new Error(`Cannot read ${path}: no permission (--allow-read)`);
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}
