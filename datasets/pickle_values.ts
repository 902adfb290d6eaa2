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
  /** This UTF-8, from byte `at` of the file. */
  constructor(readonly utf8: Uint8Array<ArrayBuffer>, readonly at: number) {}
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
