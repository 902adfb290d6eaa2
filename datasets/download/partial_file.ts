/** What a broken-off download left behind, and what is needed to go on with it. */

/** Where the bytes of a partial file came from. */
export interface Origin {
  /** The address they were asked from. */
  readonly url: string;
  /** The strong ETag they came with; without one a download cannot go on where it stopped. */
  readonly etag: string;
}

/** The file `TARGET.part`, and `TARGET.part.json` that says where its bytes came from. */
export class PartialFile {
  /** Where the bytes are. */
  readonly path: string;
  readonly #note: string;

  /** The partial file that belongs to the final file `target`. */
  constructor(target: string) {
    this.path = `${target}.part`;
    this.#note = `${target}.part.json`;
  }

  /** The bytes there are from `url` and their ETag; `null` if there is nothing to go on with. */
  async resumable(url: string): Promise<{ size: number; etag: string } | null> {
    try {
      const origin: Origin = JSON.parse(await Deno.readTextFile(this.#note));
      const { size } = await Deno.stat(this.path);
      return size > 0 && origin.url === url && isStrong(origin.etag) ? { size, etag: origin.etag } : null;
    } catch {
      return null; // no note, no file or a torn note: each means to begin anew
    }
  }

  /** Empties the file, notes where its bytes will come from, and opens it. */
  async begin(url: string, etag: string | null): Promise<Deno.FsFile> {
    await this.discard();
    const file = await Deno.open(this.path, { write: true, create: true, truncate: true });
    if (isStrong(etag)) await Deno.writeTextFile(this.#note, JSON.stringify({ url, etag } satisfies Origin));
    return file;
  }

  /** Opens the file to write on at its end. */
  async resume(): Promise<Deno.FsFile> {
    return await Deno.open(this.path, { append: true });
  }

  /** Removes the file and its note. */
  async discard(): Promise<void> {
    for (const path of [this.#note, this.path]) {
      await Deno.remove(path).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

/** Only a strong ETag promises equal bytes; a weak one (`W/"…"`) promises equal meaning. */
function isStrong(etag: unknown): etag is string {
  return typeof etag === "string" && etag.startsWith('"');
}
