/** What OpenML tells of a data set. */
import { granted } from "../../core/io/cache_dir.ts";
import { Cap } from "../../core/io/cap.ts";
import { Unreachable } from "../download/receive.ts";

/** Where OpenML's interface is. */
export const OPENML_API = "https://api.openml.org/";

const PATIENCE = 15_000;

const MAX_BYTES = 2 ** 24;

/** How OpenML is asked. */
interface Asking {
  /** The address of its interface. */
  api: string;
  /** Ends the questions. */
  signal?: AbortSignal | undefined;
  /** The most bytes of an answer. */
  maxBytes?: number | undefined;
}

/** What is needed of OpenML's description. */
export interface OpenmlDescription {
  /** Where the ARFF file is. */
  readonly url: string;
  /** The file's MD5. */
  readonly md5: string;
  /** The attribute to predict; the last where OpenML names none. */
  readonly target?: string;
  /** Attributes to leave out, such as row numbers. */
  readonly skip?: readonly string[];
}

/** Whether `name` may be a data set's: it stands in addresses and file names. */
export function isSafeName(name: string): boolean {
  return /^[A-Za-z0-9_][\w.()+-]*$/.test(name) && !name.includes("..");
}

/**
 * Asks OpenML for the data set `name`.
 *
 * @throws {Error} if there is no answer, no such data set, or an answer of another form
 */
export async function describeOpenml(
  name: string,
  version: number,
  asking: Asking,
): Promise<OpenmlDescription> {
  const { api } = asking;
  const list = await ask(`${api}api/v1/json/data/list/data_name/${name}/limit/2/data_version/${version}`, asking);
  const id = toId(at(list, "data", "dataset", 0, "did"), name, "number");
  const description = at(await ask(`${api}api/v1/json/data/${id}`, asking), "data_set_description");
  const md5 = at(description, "md5_checksum"), target = at(description, "default_target_attribute");
  if (typeof md5 !== "string" || !/^[0-9a-f]{32}$/.test(md5)) throw new Error(`OpenML tells no MD5 of ${name}`);
  const url = `${api}data/v1/download/${toId(at(description, "file_id"), name, "file")}`;
  const skip = [at(description, "row_id_attribute"), at(description, "ignore_attribute")].flat()
    .filter((attribute) => typeof attribute === "string");
  return { url, md5, skip, ...typeof target === "string" && !target.includes(",") ? { target } : {} };
}

async function ask(url: string, asking: Asking): Promise<unknown> {
  const { hostname, host } = new URL(url);
  if (!granted({ name: "net", host })) throw new Error(`no permission to reach ${hostname} (--allow-net=${hostname})`);
  const { ok, status, statusText, text } = await answer(url, asking);
  if (!ok) throw new Error(`${url} answered ${status} ${statusText}`.trimEnd());
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${url} answered no JSON`);
  }
}

async function answer(url: string, { signal: outer, maxBytes = MAX_BYTES }: Asking) {
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    const response = await fetch(url, { signal: outer ? AbortSignal.any([outer, patience]) : patience });
    const { ok, status, statusText } = response;
    return { ok, status, statusText, text: await textOf(response, url, maxBytes) };
  } catch (error) {
    outer?.throwIfAborted();
    if (error instanceof RangeError) throw error;
    throw Unreachable.by(error as Error, url);
  }
}

/** The text of an answer that has no more than `maxBytes`. */
async function textOf(response: Response, url: string, maxBytes: number): Promise<string> {
  const cap = new Cap(url, { maxBytes });
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of response.body ?? []) {
    cap.take(piece.length, () => "the answer");
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** The part of an answer that `keys` lead to; `undefined` where they lead nowhere. */
function at(value: unknown, ...keys: (string | number)[]): unknown {
  return keys.reduce<unknown>(
    (part, key) => (part as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}

/** A whole number, which OpenML writes as a number or as text. */
function toId(value: unknown, name: string, what: string): number {
  const id = Number(value);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new Error(`OpenML tells no ${what} of ${name}`);
}
