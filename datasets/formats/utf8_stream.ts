/** UTF-8 to text, piece by piece, with the place of a byte that is none. */

/** Keeps this many bytes of a piece: a character that is cut in two has no more before the cut. */
const CUT = 3;

/** Decodes UTF-8 and drops a byte order mark; the stream breaks with a SyntaxError that names the first wrong byte. */
export class Utf8Stream extends TransformStream<Uint8Array<ArrayBuffer>, string> {
  /** A decoder at the start of its text. */
  constructor() {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let tail = new Uint8Array();
    let read = 0;
    const decode = (bytes: Uint8Array<ArrayBuffer>, last: boolean) => {
      try {
        return decoder.decode(bytes, { stream: !last });
      } catch {
        const known = join(tail, bytes);
        const at = firstWrong(known);
        const byte = known[at].toString(16).padStart(2, "0");
        throw new SyntaxError(`byte ${read - tail.length + at} (0x${byte}) is not UTF-8: save the file as UTF-8`);
      }
    };
    super({
      transform(bytes, controller) {
        controller.enqueue(decode(bytes, false));
        read += bytes.length;
        tail = join(tail, bytes.subarray(-CUT)).slice(-CUT);
      },
      flush(controller) {
        controller.enqueue(decode(new Uint8Array(), true));
      },
    });
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Where the first character of `bytes` begins that is none; the end of one that began before them is passed over. */
function firstWrong(bytes: Uint8Array<ArrayBuffer>): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let start = 0;
  while (start < CUT && (bytes[start] & 0xc0) === 0x80 && bytes.length > CUT) start++;
  try {
    for (let i = start; i < bytes.length; i++) {
      if (decoder.decode(bytes.subarray(i, i + 1), { stream: true }) !== "") start = i + 1;
    }
  } catch {
    return start;
  }
  return start; // a character that the end of the text cuts
}
