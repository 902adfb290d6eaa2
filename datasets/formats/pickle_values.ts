/** What the inert pickle reader's stack holds: plain data and markers, nothing that can be called. */

/** The only names a file may mention; each is a mark on the stack and no more. */
export const MARKERS = [
  "numpy.core.multiarray _reconstruct",
  "numpy._core.multiarray _reconstruct",
  "numpy ndarray",
  "numpy dtype",
  "_codecs encode",
] as const;

/** A name from {@linkcode MARKERS}. */
export class Marker {
  /** The mark of that name. */
  constructor(readonly name: typeof MARKERS[number]) {}
}

/** Where a tuple begins. */
export class Mark {}

/** Raw bytes: Python 2's `str`. They share the file's memory. */
export class Bytes {
  /** These bytes, from byte `at` of the file. */
  constructor(readonly raw: Uint8Array<ArrayBuffer>, readonly at: number) {}
}

/** Text, kept in UTF-8 until somebody asks. */
export class Text {
  #latin1: Bytes | null | undefined;

  /** This UTF-8, from byte `at` of the file. */
  constructor(readonly utf8: Uint8Array<ArrayBuffer>, readonly at: number) {}

  /** Its code points as bytes, made once however often it is asked for; `null` if one is past 255 or is none. */
  get latin1(): Bytes | null {
    if (this.#latin1 === undefined) {
      const raw = toLatin1(this.utf8);
      this.#latin1 = raw && new Bytes(raw, this.at);
    }
    return this.#latin1;
  }
}

function toLatin1(utf8: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const out = new Uint8Array(utf8.length);
  let length = 0;
  for (let i = 0; i < utf8.length; i++) {
    const lead = utf8[i];
    if (lead < 0x80) out[length++] = lead;
    else {
      const next = utf8[++i];
      if ((lead !== 0xc2 && lead !== 0xc3) || (next & 0xc0) !== 0x80 || next === undefined) return null;
      out[length++] = (lead & 3) << 6 | next & 0x3f;
    }
  }
  return out.subarray(0, length);
}

/** A tuple. */
export class Tuple {
  /** A tuple of these. */
  constructor(readonly items: readonly Value[]) {}
}

/** NumPy's `dtype`, complete once BUILD has told the byte order. */
export class Dtype {
  /** `<`, `>`, `|` or `=`; `null` before BUILD. */
  order: string | null = null;
  /** A kind such as `f4`. */
  constructor(readonly kind: string) {}
}

/** NumPy's `ndarray`, complete once BUILD has filled it. */
export class NumpyArray {
  /** Its content; `null` before BUILD. */
  content: {
    readonly shape: readonly number[];
    readonly fortran: boolean;
    readonly descr: string;
    readonly bytes: Bytes;
  } | null = null;
}

/** Anything on the stack. */
export type Value = null | boolean | number | Bytes | Text | Tuple | Marker | Mark | Dtype | NumpyArray;

/** What a value is, for errors. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return "an empty stack";
  if (value === null) return "None";
  if (value instanceof Marker) return value.name;
  if (typeof value === "object") return value.constructor.name;
  return String(value);
}

/** The text of a short string, whether Python 2 or 3 wrote it; `null` for anything else. */
export function textOf(value: Value | undefined): string | null {
  const bytes = value instanceof Bytes ? value.raw : value instanceof Text ? value.utf8 : null;
  if (bytes === null || bytes.length > 64 || bytes.some((byte) => byte > 0x7f)) return null;
  return new TextDecoder().decode(bytes);
}
