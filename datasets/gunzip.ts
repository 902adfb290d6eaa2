/** gzip, inflated with a ceiling. */

/** The most bytes {@linkcode gunzip} inflates when nothing else is said: 1 GiB. */
export const MAX_INFLATED = 2 ** 30;

/**
 * `bytes` inflated if they begin with gzip's `1f 8b`, else as they are.
 *
 * @param name What to call the file in errors
 * @param limit The most bytes to inflate to, so that a small file cannot fill the memory
 * @throws {SyntaxError} if the gzip stream is damaged or ends early
 * @throws {RangeError} if it inflates past `limit`
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string = "gzip",
  limit: number = MAX_INFLATED,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) throw new RangeError(`Cannot inflate ${name}: it is longer than the ${limit} bytes allowed`);
    }
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new SyntaxError(`Cannot inflate ${name}: ${(error as Error).message}, ${length} bytes on`, { cause: error });
  }
  return join(chunks, length);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
