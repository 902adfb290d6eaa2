/** The opcodes of pickle that are read, and how the literals after them are written. */
import type { PickleReader } from "./pickle_reader.ts";
import { Bytes, Mark, Marker, MARKERS, Tuple } from "./pickle_values.ts";

/** An opcode that is read. */
export interface Opcode {
  readonly name: string;
  run(reader: PickleReader): void;
}

/** The table of opcodes, by their byte. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map(
  ([
    ["\x80", "PROTO", (r) => r.protocol(r.byte())],
    ["(", "MARK", (r) => r.push(new Mark())],
    ["N", "NONE", (r) => r.push(null)],
    ["\x88", "NEWTRUE", (r) => r.push(true)],
    ["\x89", "NEWFALSE", (r) => r.push(false)],
    ["I", "INT", (r) => r.push(toInt(r, r.line()))],
    ["J", "BININT", (r) => r.push(r.int() | 0)],
    ["K", "BININT1", (r) => r.push(r.byte())],
    ["M", "BININT2", (r) => r.push(r.byte() + 256 * r.byte())],
    ["L", "LONG", (r) => r.push(toInt(r, r.line().replace(/L$/, "")))],
    ["\x8a", "LONG1", (r) => r.push(toLong(r, r.take(r.byte())))],
    ["S", "STRING", (r) => r.push(toBytes(r, r.line(Infinity)))],
    ["T", "BINSTRING", (r) => r.push(r.bytes(r.int()))],
    ["U", "SHORT_BINSTRING", (r) => r.push(r.bytes(r.byte()))],
    ["X", "BINUNICODE", (r) => r.push(r.text(r.int()))],
    [")", "EMPTY_TUPLE", (r) => r.push(new Tuple([]))],
    ["t", "TUPLE", (r) => r.push(new Tuple(r.popToMark()))],
    ["\x85", "TUPLE1", (r) => r.push(new Tuple(r.popSome(1)))],
    ["\x86", "TUPLE2", (r) => r.push(new Tuple(r.popSome(2)))],
    ["\x87", "TUPLE3", (r) => r.push(new Tuple(r.popSome(3)))],
    ["g", "GET", (r) => r.get(toInt(r, r.line()))],
    ["h", "BINGET", (r) => r.get(r.byte())],
    ["j", "LONG_BINGET", (r) => r.get(r.int())],
    ["p", "PUT", (r) => r.put(toInt(r, r.line()))],
    ["q", "BINPUT", (r) => r.put(r.byte())],
    ["r", "LONG_BINPUT", (r) => r.put(r.int())],
    ["c", "GLOBAL", (r) => r.push(toMarker(r, `${r.line()} ${r.line()}`))],
    ["R", "REDUCE", (r) => r.reduce()],
    ["b", "BUILD", (r) => r.build()],
    [".", "STOP", (r) => r.stop()],
  ] as [string, string, Opcode["run"]][]).map(([code, name, run]) => [code.charCodeAt(0), { name, run }]),
);

function toInt(reader: PickleReader, line: string): number {
  const value = Number(line);
  if (/^-?[0-9]+$/.test(line) && Number.isSafeInteger(value)) return value;
  throw reader.error("no whole number below 2^53");
}

/** A little-endian integer in two's complement. */
function toLong(reader: PickleReader, bytes: Uint8Array): number {
  if (bytes.length > 8) throw reader.error(`an integer of ${bytes.length} bytes`);
  const bits = bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
  const value = Number(BigInt.asIntN(8 * bytes.length, bits));
  if (Number.isSafeInteger(value)) return value;
  throw reader.error("an integer past 2^53");
}

function toMarker(reader: PickleReader, name: string): Marker {
  const known = MARKERS.find((marker) => marker === name);
  if (known === undefined) throw reader.error(`the name ${JSON.stringify(name)}, which is none of an array's`);
  return new Marker(known);
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|([\\'"nrtabfv]))|\\|[^\\]+/g;
const ESCAPED: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/** The bytes of a quoted string with Python's escapes: how protocol 0 writes a `str`. */
function toBytes(reader: PickleReader, line: string): Bytes {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote)) {
    throw reader.error("no quoted string");
  }
  const out = new Uint8Array(line.length - 2);
  let length = 0;
  for (const [token, hex, letter] of line.slice(1, -1).matchAll(ESCAPE)) {
    if (hex !== undefined) out[length++] = parseInt(hex, 16);
    else if (letter !== undefined) out[length++] = ESCAPED[letter];
    else if (token === "\\") throw reader.error("an escape that Python does not write");
    else for (let i = 0; i < token.length; i++) out[length++] = token.charCodeAt(i);
  }
  return new Bytes(out.subarray(0, length), reader.start);
}
