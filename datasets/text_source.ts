/** Text from a file or a stream, piece by piece. */
import { Utf8Stream } from "./utf8_stream.ts";

/** A path, or the bytes themselves as they come. */
export type TextSource = string | ReadableStream<Uint8Array<ArrayBuffer>>;

/** The UTF-8 text of `source`; a path that ends in `.gz` is inflated on the way. */
export async function openText(source: TextSource): Promise<ReadableStream<string>> {
  const bytes = typeof source === "string" ? (await Deno.open(source)).readable : source;
  const plain = typeof source === "string" && source.endsWith(".gz")
    ? bytes.pipeThrough(new DecompressionStream("gzip"))
    : bytes;
  return plain.pipeThrough(new Utf8Stream());
}

/**
 * What `parts` gives, with errors that name the file: those of other makers (of the decoder, the decompressor, the CSV
 * parser) become a SyntaxError.
 */
export async function* namingErrors<T>(parts: AsyncIterable<T>, where: string, at: () => string): AsyncGenerator<T> {
  try {
    yield* parts;
  } catch (error) {
    throw new SyntaxError(`Cannot read ${where} after ${at()}: ${(error as Error).message}`, { cause: error });
  }
}
