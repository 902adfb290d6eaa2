import { runAtOnce } from "../../../../core/event_loop.ts";
import { crc32 } from "../../../../core/io/zip/unzip.ts";

/** A member of a zip archive by hand; every field may lie. */
export interface Member {
  name: string;
  content: Uint8Array;
  /** Bytes in the archive; the content when absent. */
  packed?: Uint8Array;
  method?: number;
  flags?: number;
  crc?: number;
  size?: number;
  packedSize?: number;
  offset?: number;
  /** What the local header calls it. */
  localName?: string;
  extra?: number[];
}

/** Fields of the end record that may lie. */
export interface End {
  count?: number;
  size?: number;
  offset?: number;
  disk?: number;
  comment?: string;
}

const little = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
const short = (value: number) => little(value, 2);
const int = (value: number) => little(value, 4);
const text = (value: string) => [...new TextEncoder().encode(value)];

/** A plain zip archive, without zip64. */
export function zipFile(members: Member[], end: End = {}): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [], directory: number[] = [];
  for (const m of members) {
    const { content, packed = content, method = 0, flags = 0x800, extra = [] } = m;
    const at = m.offset ?? bytes.length;
    const sizes = [
      ...int(m.crc ?? runAtOnce(crc32(content))),
      ...int(m.packedSize ?? packed.length),
      ...int(m.size ?? content.length),
    ];
    const local = text(m.localName ?? m.name), name = text(m.name);
    bytes.push(0x50, 0x4b, 3, 4, ...short(20), ...short(flags), ...short(method), ...int(0), ...sizes);
    bytes.push(...short(local.length), ...short(0), ...local);
    for (const byte of packed) bytes.push(byte);
    directory.push(
      0x50,
      0x4b,
      1,
      2,
      ...short(20),
      ...short(20),
      ...short(flags),
      ...short(method),
      ...int(0),
      ...sizes,
    );
    directory.push(...short(name.length), ...short(extra.length), ...short(0), ...short(0), ...short(0), ...int(0));
    directory.push(...int(at), ...name, ...extra);
  }
  const count = short(end.count ?? members.length), comment = text(end.comment ?? "");
  const { size = directory.length, offset = bytes.length, disk = 0 } = end;
  bytes.push(...directory, 0x50, 0x4b, 5, 6, ...short(disk), ...short(disk), ...count, ...count);
  bytes.push(...int(size), ...int(offset), ...short(comment.length), ...comment);
  return new Uint8Array(bytes);
}
