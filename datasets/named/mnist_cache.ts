/** MNIST in the cache folder, downloaded if it is not there. */
import { files } from "../../core/host/files.ts";
import { granted, isFailure } from "../../core/host/host.ts";
import { type Digest, verifyFiles } from "../download/verified_files.ts";
import { download } from "../download/download.ts";
import { gunzip } from "../formats/gunzip.ts";
import { Unreachable } from "../download/receive.ts";
import type { MnistOptions } from "./mnist.ts";
import { candidates, type ImageDataset, mnistFolder, readMnistFolder } from "./mnist_folder.ts";

type MirroredOptions = MnistOptions & Required<Pick<MnistOptions, "mirrors">>;

/** The message of an error; if no mirror can be reached, without what the system said of each. */
function shortMessage(error: Error): string {
  const failures: unknown[] = error instanceof AggregateError ? error.errors : [];
  const silent = failures.filter((failure) => failure instanceof Unreachable);
  if (silent.length === 0 || silent.length < failures.length) return error.message;
  return `no network: ${silent.map(({ host }) => host).join(" and ")} cannot be reached`;
}

/** MNIST from the cache, or downloaded into it; an error says why neither is possible. */
export async function fromCacheOrWeb(
  digests: Readonly<Record<string, string>>,
  options: MirroredOptions,
): Promise<ImageDataset> {
  const folder = options.cache ?? mnistFolder();
  if (!granted({ name: "read", path: folder })) throw new Error(`no permission to read ${folder} (--allow-read)`);
  const wrong = await verifyFiles(
    folder,
    digestsOf(digests),
    async (path) => gunzip(await (await files(`read ${path}`)).readFile(path), path),
  );
  const writable = granted({ name: "write", path: folder });
  const because = wrong.length > 0 ? ` (${wrong.join("; ")})` : "";
  const kept = wrong.length === 0 || writable ? await readKept(folder) : "a file there is wrong"; // and cannot be renamed
  if (typeof kept !== "string") return { ...kept, source: `cache ${folder}${because}` };
  const cure = `put ${Object.keys(digests).map((name) => `${name}.gz`).join(", ")} into ${folder}`;
  if (options.offline) throw new Error(`offline, and ${kept}${because}; ${cure}`);
  if (!writable) throw new Error(`${kept}${because}; no permission to write there (--allow-write)`);
  await downloadAll(folder, digests, options).catch((error) => {
    throw new Error(`${shortMessage(error)}${because}; or ${cure}`, { cause: error });
  });
  return { ...await readMnistFolder(folder), source: `downloaded to ${folder}${because}` };
}

/** Each name that a file may have in the cache, with its digest. */
function digestsOf(digests: Readonly<Record<string, string>>): Record<string, Digest> {
  return Object.fromEntries(
    Object.entries(digests).flatMap(([name, sha256]) => candidates(name).map((candidate) => [candidate, { sha256 }])),
  );
}

/** The data set in the cache, or what is wrong with it. */
async function readKept(folder: string): Promise<Omit<ImageDataset, "source"> | string> {
  try {
    return await readMnistFolder(folder);
  } catch (error) {
    return isFailure(error, "NotFound") ? `MNIST is not in ${folder}` : (error as Error).message;
  }
}

async function downloadAll(
  folder: string,
  digests: Readonly<Record<string, string>>,
  options: MirroredOptions,
): Promise<void> {
  const { onProgress, signal } = options;
  let { mirrors } = options;
  const { mkdir } = await files(`write ${folder}`);
  await mkdir(folder, { recursive: true });
  for (const [name, sha256] of Object.entries(digests)) {
    const urls = mirrors.map((mirror) => `${mirror}${name}.gz`);
    const url = await download({ urls, digest: { sha256 }, target: `${folder}/${name}`, onProgress, signal });
    // The mirror that gave this file is tried first for the next one: a dead one costs its time-out once.
    mirrors = mirrors.toSorted((a, b) => Number(url?.startsWith(b)) - Number(url?.startsWith(a)));
  }
}
