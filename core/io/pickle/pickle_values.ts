/** The values on the stack of the pickle reader: data, and names that nothing calls. */

/** Anything on the stack; a dialect adds classes of its own. */
export type Value = null | boolean | number | bigint | object;

/** The name of a callable or a class, as a file has it: nothing stands behind it. */
export class Marker {
  /** A marker of this name: a module, a space, and what the module calls it. */
  constructor(readonly name: string) {}
}

/** The mark on the stack where a tuple begins. */
export class Mark {}

/** Raw bytes, Python 2's `str`, in the memory of the file. */
export class Bytes {
  /** The bytes from byte `at` of the file on. */
  constructor(readonly raw: Uint8Array<ArrayBuffer>, readonly at: number) {}
}

/** Text, kept as UTF-8. */
export class Text {
  #latin1: Bytes | null | undefined;
  #decoded: string | null | undefined;

  /** The text from byte `at` of the file on. */
  constructor(readonly utf8: Uint8Array<ArrayBuffer>, readonly at: number) {}

  /** The same text in Latin-1, made once; `null` if it has other characters or is not UTF-8. */
  get latin1(): Bytes | null {
    if (this.#latin1 === undefined) {
      const raw = toLatin1(this.utf8);
      this.#latin1 = raw && new Bytes(raw, this.at);
    }
    return this.#latin1;
  }

  /** The same as a string, made once; `null` if it is not UTF-8. */
  get decoded(): string | null {
    return this.#decoded === undefined ? this.#decoded = decode(this.utf8) : this.#decoded;
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

function decode(utf8: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8);
  } catch {
    return null;
  }
}

/** Python's `tuple`. */
export class Tuple {
  /** A tuple of these items. */
  constructor(readonly items: readonly Value[]) {}
}

/** Python's `list`, or a `set`, whose items have an order here. */
export class List {
  /** The items so far. */
  readonly items: Value[] = [];
  /** An empty list, made at byte `at` of the file. */
  constructor(readonly at: number) {}
}

/** Python's `dict`, as pairs in the order in which they were set. */
export class Dict {
  /** The pairs so far; a key may be any value. */
  readonly pairs: [key: Value, value: Value][] = [];
  /** An empty dict, made at byte `at` of the file. */
  constructor(readonly at: number) {}
}

/** What errors call a value. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return "an empty stack";
  if (value === null) return "None";
  if (value instanceof Marker) return value.name;
  if (typeof value === "object") return value.constructor.name;
  return String(value);
}

/** The text of a short ASCII string, written by Python 2 or 3; `null` for anything else. */
export function textOf(value: Value | undefined): string | null {
  const bytes = value instanceof Bytes ? value.raw : value instanceof Text ? value.utf8 : null;
  if (bytes === null || bytes.length > 64 || bytes.some((byte) => byte > 0x7f)) return null;
  return new TextDecoder().decode(bytes);
}

/** The value of `_codecs.encode(text, "latin1")`, which is how Python 3 writes bytes in protocol 2; `null` for other operands. */
export function encodeLatin1(items: readonly Value[]): Bytes | null {
  const [text, codec] = items;
  if (items.length !== 2 || !(text instanceof Text) || textOf(codec) !== "latin1") return null;
  return text.latin1;
}
