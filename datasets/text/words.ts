/** The pieces of a text that pairs of bytes are merged within: merges never cross from one to the next. */

/**
 * Letters with their marks and a space or apostrophe before, up to three digits, other signs, and blanks but for the last one before a word.
 * No piece has more than 34 characters: in a text without spaces merging takes time in proportion to its length too.
 */
const WORD = / ?['’]?[\p{L}\p{M}]{1,32}| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]{1,32}|\s{1,32}(?!\S)|\s{1,32}/gu;

/** The most bytes that a word has: 34 characters of four each. */
export const MAX_WORD_BYTES = 136;

/** The words of `text`, which joined are the text. */
export function* wordsOf(text: string): Iterable<string> {
  const word = new RegExp(WORD);
  for (let found = word.exec(text); found !== null; found = word.exec(text)) yield found[0];
}
