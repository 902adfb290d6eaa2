/**
 * UTF-8 in which a surrogate without its other half has three bytes as well, so that every string of JavaScript comes back as it was:
 * https://simonsapin.github.io/wtf-8/. All other text is plain UTF-8.
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const SURROGATE = /([\uD800-\uDFFF])/u; // by code points: halves of pairs are none

/** The bytes of `text`. */
export function encodeWtf8(text: string): Uint8Array {
  if (text.isWellFormed()) return ENCODER.encode(text);
  const parts = text.split(SURROGATE).map((part, i) => i % 2 === 0 ? ENCODER.encode(part) : threeBytes(part));
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function threeBytes(surrogate: string): Uint8Array {
  const code = surrogate.charCodeAt(0);
  return new Uint8Array([0xed, 0x80 | (code >> 6 & 0x3f), 0x80 | (code & 0x3f)]);
}

/** The text of `bytes`; what is no text becomes U+FFFD, as it does for `TextDecoder`. */
export function decodeWtf8(bytes: Uint8Array): string {
  let text = "", from = 0;
  for (let i = bytes.indexOf(0xed); i !== -1; i = bytes.indexOf(0xed, i + 1)) {
    if (!isSurrogate(bytes, i)) continue;
    const code = 0xd000 | (bytes[i + 1] & 0x3f) << 6 | (bytes[i + 2] & 0x3f);
    text += DECODER.decode(bytes.subarray(from, i)) + String.fromCharCode(code);
    from = i + 3;
  }
  return text + DECODER.decode(bytes.subarray(from));
}

function isSurrogate(bytes: Uint8Array, i: number): boolean {
  return bytes[i + 1] >= 0xa0 && bytes[i + 1] < 0xc0 && bytes[i + 2] >= 0x80 && bytes[i + 2] < 0xc0;
}
