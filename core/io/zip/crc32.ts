/** The check sum of zip and gzip. */
import type { Steps } from "../../event_loop.ts";
import { pieces } from "../in_steps.ts";

/** One remainder for each byte, by the polynomial of IEEE 802.3, its bits reversed. */
const TABLE = new Int32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? byte >>> 1 ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** The CRC-32 of `bytes`, an integer of [0, 2³²). */
export function* crc32(bytes: Uint8Array): Steps<number> {
  let remainder = -1;
  for (const piece of pieces(bytes)) {
    remainder = divide(remainder, piece);
    yield;
  }
  return ~remainder >>> 0;
}

function divide(remainder: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) remainder = TABLE[(remainder ^ bytes[i]) & 0xff] ^ remainder >>> 8;
  return remainder;
}
