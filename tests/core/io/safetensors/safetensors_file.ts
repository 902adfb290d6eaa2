/** A safetensors file by hand, with the header `json`, padded like a writer does, and `data`; `length` may lie. */
export function file(json: string | Uint8Array, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const header = typeof json === "string" ? new TextEncoder().encode(json) : json;
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

/** The header entry of a tensor. */
export const entry = (name: string, dtype: string, shape: number[], begin: number, end: number) =>
  `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`;
