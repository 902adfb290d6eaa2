/** Data sets of OpenML (openml.org), by name. */
import { checkOptions, describe, requireTexts } from "../../core/arguments.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { files } from "../../core/host/files.ts";
import { granted, isFailure } from "../../core/host/host.ts";
import { Cap } from "../../core/io/read_file.ts";
import { download } from "../download/download.ts";
import { type DownloadProgress, Unreachable } from "../download/receive.ts";
import { dataFolder, verifyFiles } from "../download/verified_files.ts";
import { type ArffOptions, readArff } from "../formats/arff.ts";
import { requireDType, type Table } from "../formats/table.ts";

/** The address of OpenML's REST API. */
export const OPENML_API = "https://api.openml.org/";

const TIMEOUT = 15_000; // milliseconds

const MAX_ANSWER_BYTES = 2 ** 24;

/** How requests are made. */
interface RequestOptions {
  /** The address of the API. */
  api: string;
  /** Aborts the requests. */
  signal?: AbortSignal | undefined;
  /** The most bytes of an answer. */
  maxBytes?: number | undefined;
}

/** What OpenML says about a data set. */
interface OpenmlDescription {
  /** The address of the ARFF file. */
  readonly url: string;
  /** The file's MD5. */
  readonly md5: string;
  /** The attribute to predict, if it names one. */
  readonly target?: string;
  /** The attributes that are not to be learned from, such as row numbers. */
  readonly skip?: readonly string[];
}

/** Whether `name` is safe in addresses and file names. */
function isSafeName(name: string): boolean {
  return /^[A-Za-z0-9_][\w.()+-]*$/.test(name) && !name.includes("..");
}

/**
 * Asks OpenML about the data set `name`.
 *
 * @throws {Error} if there is no answer, no such data set, or an unexpected answer
 */
async function describeOpenml(
  name: string,
  version: number,
  options: RequestOptions,
): Promise<OpenmlDescription> {
  const { api } = options;
  const list = await ask(`${api}api/v1/json/data/list/data_name/${name}/limit/2/data_version/${version}`, options);
  const id = toId(at(list, "data", "dataset", 0, "did"), name, "number");
  const description = at(await ask(`${api}api/v1/json/data/${id}`, options), "data_set_description");
  const md5 = at(description, "md5_checksum"), target = at(description, "default_target_attribute");
  if (typeof md5 !== "string" || !/^[0-9a-f]{32}$/.test(md5)) throw new Error(`OpenML tells no MD5 of ${name}`);
  const url = `${api}data/v1/download/${toId(at(description, "file_id"), name, "file")}`;
  const skip = [at(description, "row_id_attribute"), at(description, "ignore_attribute")].flat()
    .filter((attribute) => typeof attribute === "string");
  return { url, md5, skip, ...typeof target === "string" && !target.includes(",") ? { target } : {} };
}

async function ask(url: string, options: RequestOptions): Promise<unknown> {
  const { hostname, host } = new URL(url);
  if (!granted({ name: "net", host })) throw new Error(`no permission to reach ${hostname} (--allow-net=${hostname})`);
  const { ok, status, statusText, text } = await answer(url, options);
  if (!ok) throw new Error(`${url} answered ${status} ${statusText}`.trimEnd());
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${url} answered no JSON`);
  }
}

async function answer(url: string, { signal: outer, maxBytes = MAX_ANSWER_BYTES }: RequestOptions) {
  const timeout = AbortSignal.timeout(TIMEOUT);
  try {
    const response = await fetch(url, { signal: outer ? AbortSignal.any([outer, timeout]) : timeout });
    const { ok, status, statusText } = response;
    return { ok, status, statusText, text: await textOf(response, url, maxBytes) };
  } catch (error) {
    outer?.throwIfAborted();
    if (error instanceof RangeError) throw error;
    throw Unreachable.by(error as Error, url);
  }
}

/** The text of an answer of no more than `maxBytes`. */
async function textOf(response: Response, url: string, maxBytes: number): Promise<string> {
  const cap = new Cap(url, { maxBytes });
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of response.body ?? []) {
    cap.count(piece.length, () => "the answer");
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** `value[keys[0]][keys[1]]…`, or `undefined` if there is no such part. */
function at(value: unknown, ...keys: (string | number)[]): unknown {
  return keys.reduce<unknown>(
    (part, key) => (part as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}

/** An id, which OpenML writes as a number or as text. */
function toId(value: unknown, name: string, what: string): number {
  const id = Number(value);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new Error(`OpenML tells no ${what} of ${name}`);
}

/** Where {@linkcode openml} looks, and how it reads. */
export interface OpenmlOptions extends Pick<ArffOptions, "target" | "skip" | "skipIncomplete" | "dtype" | "onNote"> {
  /**
   * The version of the data set.
   *
   * @default {1}
   */
  version?: number;
  /**
   * The folder in which downloads are kept: by default `openml` in the one that `GRADUS_DATA` names, else in the user's cache.
   */
  cache?: string;
  /**
   * Whether to stay off the network.
   *
   * @default {false}
   */
  offline?: boolean;
  /**
   * The address of the REST API.
   *
   * @default {OPENML_API}
   */
  api?: string;
  /**
   * The most bytes to download, and that the table may come to: by default 1 GiB, 16 MiB for the description of the data set, and for
   * the table what `readArff` allows.
   */
  maxBytes?: number;
  /** Called while the file is downloaded; `showDownload()` of `@gradus/gradus/train` draws a bar. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Aborts the download. */
  signal?: AbortSignal;
}

/** A table from OpenML. */
export interface OpenmlTable extends Table {
  /** Its name in OpenML. */
  readonly name: string;
  /** Where it comes from, in a line for people. */
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
 * The data set `name` of OpenML, such as `mnist_784`: read from the cache, or downloaded into it. The target is the one that OpenML
 * names, or the last attribute, unless `target` names another; attributes that OpenML says to ignore are left out, unless `skip` names
 * others. The file is checked by the MD5 that OpenML gives, and again when its size or time has changed; a wrong one is renamed to
 * `*.wrong`. Never asks for a permission.
 *
 * @throws {Error} if it is not in the cache and cannot be downloaded; the message says why, and which file to put where
 * @throws {SyntaxError} if there can be no data set of that name, or the file is not ARFF
 * @see {@link https://www.openml.org}
 */
export async function openml(name: string, options: OpenmlOptions = {}): Promise<OpenmlTable> {
  checkOptions("load from OpenML", options, KNOWN, {
    skipIncomplete: "boolean",
    version: "number",
    cache: "string",
    offline: "boolean",
    onNote: "function",
    onProgress: "function",
  });
  requireTexts("load from OpenML", "attributes to skip", options.skip);
  requireDType("load from OpenML", options.dtype);
  const { version = 1, cache = dataFolder("openml") } = options;
  if (typeof name !== "string") throw new TypeError(`Cannot load from OpenML by ${describe(name)}: give a name`);
  if (!isSafeName(name)) {
    throw new SyntaxError(`Cannot load ${JSON.stringify(name)} from OpenML: that is no name there`);
  }
  const path = `${cache}/${name}.v${version}`;
  const file = `${name}.v${version}.arff`;
  const there = await exists(`${path}.arff`);
  const note = there ? await readNote(path) : undefined;
  const wrong = typeof note?.md5 === "string" ? await verifyFiles(cache, { [file]: { md5: note.md5 } }) : [];
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
    const { mkdir } = await files(`write ${folder}`);
    await mkdir(folder, { recursive: true });
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

/** The description that was saved with a download; `undefined` for a file that somebody put there, or a damaged description. */
async function readNote(path: string): Promise<OpenmlDescription | undefined> {
  try {
    const note: unknown = JSON.parse(await (await files(`read ${path}.json`)).readTextFile(`${path}.json`));
    return isDescription(note) ? note : undefined;
  } catch (error) {
    if (isFailure(error, "NotFound") || error instanceof SyntaxError) return undefined;
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
  const { stat } = await files(`read ${path}`);
  return await stat(path).then(({ isFile }) => isFile, () => false);
}
