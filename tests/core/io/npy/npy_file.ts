/** An npy file by hand: any header text, any data. */
export function npyFile(header: string | Uint8Array, data: ArrayLike<number> = [], version = 1): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const from = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(from + text.length + data.length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(text, from);
  bytes.set(data, from + text.length);
  return bytes;
}

/** The header of an array in C order. */
export const header = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
