/** The opcodes that protocols 3 to 5 add for data and names; those that make objects are not among them. */
import { opcodesOf } from "./pickle_reader.ts";

/** For a dialect that reads protocols past 2. */
export const LATER_OPCODES = opcodesOf(
  ["B", "BINBYTES", (r) => r.push(r.bytes(r.int()))],
  ["C", "SHORT_BINBYTES", (r) => r.push(r.bytes(r.byte()))],
  ["\x8c", "SHORT_BINUNICODE", (r) => r.push(r.text(r.byte()))],
  ["\x8d", "BINUNICODE8", (r) => r.push(r.text(r.long()))],
  ["\x8e", "BINBYTES8", (r) => r.push(r.bytes(r.long()))],
  ["\x93", "STACK_GLOBAL", (r) => r.stackGlobal()],
  ["\x94", "MEMOIZE", (r) => r.memoize()],
  ["\x95", "FRAME", (r) => r.frame()],
  ["\x96", "BYTEARRAY8", (r) => r.push(r.bytes(r.long()))],
);
