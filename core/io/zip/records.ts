/**
 * How zip lays out its records, by APPNOTE 6.3: signatures, lengths, and the values that send a reader to zip64.
 *
 * @see {@link https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT}
 */

/** The first four bytes of each record. */
export const SIGNATURE = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
} as const;

/** Bytes of each record before its name, extra field and comment. */
export const LENGTH = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 } as const;

/** The id of the extra field that holds 64-bit sizes. */
export const ZIP64_FIELD = 1;

/** A 32-bit field that says: see zip64. */
export const SEE_ZIP64 = 0xffffffff;

/** The same in 16 bits. */
export const SEE_ZIP64_SHORT = 0xffff;

/** Bits of a member's flags: encrypted (three ways), and a name in UTF-8. */
export const FLAG = { encrypted: 0x0001 | 0x0040 | 0x2000, utf8: 0x0800 } as const;

/** How a member is packed. */
export const METHOD = { stored: 0, deflated: 8 } as const;
