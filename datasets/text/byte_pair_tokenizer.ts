/** Tokens of the bytes that often come together. */
import { checkOptions, requireSizes } from "../../core/arguments.ts";
import type { FileSource, ReadOptions } from "../../core/io/read_file.ts";
import type { Tensor } from "../../core/tensor.ts";
import {
  readTokenizer,
  requireText,
  textsOf,
  type Tokenizer,
  tokenizerParts,
  tokensOf,
  writeTokenizer,
  wrongTokenizer,
} from "./tokenizer.ts";
import { BYTES, MAX_VOCAB, pairOf, tokensOfPair, trainMerges } from "./train_merges.ts";
import { MAX_WORD_BYTES, wordsOf } from "./words.ts";
import { decodeWtf8, encodeWtf8 } from "./wtf8.ts";

/** How a {@linkcode BytePairTokenizer} is trained. */
export interface BytePairTokenizerOptions {
  /**
   * How many tokens there are at most, from 256, those of single bytes.
   *
   * @default {1024}
   */
  vocabSize?: number;
  /**
   * How often a pair must come to become a token.
   *
   * @default {2}
   */
  minCount?: number;
}

/** How many words are remembered with their tokens; then they are forgotten, all at once. */
const REMEMBERED = 1 << 16;

/**
 * Byte-pair encoding over the bytes of UTF-8: the commonest pair of neighbouring tokens becomes a token, again and again, within words.
 * Any text in any script can be encoded, since each byte is a token, and comes back as it was: a surrogate without its other half, which
 * UTF-8 lacks, has three bytes as in WTF-8. Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016.
 *
 * @example
 * ```ts
 * import { BytePairTokenizer } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const tokenizer = BytePairTokenizer.train("low lower lowest", { vocabSize: 258 });
 * assertEquals([...tokenizer.encode("low")], [257]); // "lo" is 256, "low" is 257
 * assertEquals(tokenizer.decode(tokenizer.encode("slow 学")), "slow 学");
 * ```
 */
export class BytePairTokenizer implements Tokenizer {
  /** The pairs that become tokens: the first is token 256. */
  readonly merges: readonly (readonly [number, number])[];
  readonly #tokens: ReadonlyMap<number, number>; // by their pair
  readonly #bytes: readonly Uint8Array[];
  readonly #remembered = new Map<string, readonly number[]>();

  private constructor(pairs: readonly number[], bytes: readonly Uint8Array[]) {
    if (!Array.isArray(pairs) || !Array.isArray(bytes)) {
      throw new TypeError(
        "Cannot make a BytePairTokenizer with new: BytePairTokenizer.train(text), or await load(path)",
      );
    }
    this.merges = pairs.map(tokensOfPair);
    this.#tokens = new Map(pairs.map((pair, i) => [pair, BYTES + i]));
    this.#bytes = bytes;
  }

  /**
   * A tokenizer for texts like this one, or these. It has fewer tokens than were asked for where no further pair comes often enough.
   * A text of 1 MB takes about a second.
   *
   * @throws {RangeError} if `vocabSize` is not a whole number from 256 to 2²⁰, or `minCount` not one from 1
   */
  static train(text: string | Iterable<string>, options: BytePairTokenizerOptions = {}): BytePairTokenizer {
    checkOptions("train a tokenizer", options, ["vocabSize", "minCount"]);
    const { vocabSize = 1024, minCount = 2 } = options;
    requireSizes("train a tokenizer", { vocabSize, minCount });
    if (vocabSize < BYTES || vocabSize > MAX_VOCAB) {
      throw new RangeError(
        `Cannot train a tokenizer with vocabSize ${vocabSize}: give ${BYTES}, one for each byte, to ${MAX_VOCAB}`,
      );
    }
    if (minCount < 1) throw new RangeError("Cannot train a tokenizer with minCount 0: give a whole number from 1");
    const counts = new Map<string, number>();
    for (const one of textsOf(text)) {
      for (const word of wordsOf(one)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const pairs = trainMerges(counts, vocabSize - BYTES, minCount);
    return new BytePairTokenizer(pairs, bytesOf(pairs));
  }

  /** How many tokens there are. */
  get vocabSize(): number {
    return this.#bytes.length;
  }

  /** The tokens of `text`. */
  encode(text: string): Int32Array {
    requireText(text);
    let tokens = new Int32Array(text.length), count = 0;
    for (const word of wordsOf(text)) {
      const own = this.#encodeWord(word);
      if (count + own.length > tokens.length) {
        const longer = new Int32Array(2 * (count + own.length));
        longer.set(tokens.subarray(0, count));
        tokens = longer;
      }
      for (const token of own) tokens[count++] = token;
    }
    return tokens.slice(0, count);
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#remembered.get(word);
    if (known !== undefined) return known;
    const tokens = this.#merged([...encodeWtf8(word)]);
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    this.#remembered.set(word, tokens);
    return tokens;
  }

  /** The tokens after every merge that there is among them: the one learned first comes first, and of its places the leftmost. */
  #merged(tokens: number[]): number[] {
    const after = (i: number) => this.#tokens.get(pairOf(tokens[i], tokens[i + 1])) ?? Infinity;
    const merges = tokens.map((_, i) => i + 1 < tokens.length ? after(i) : Infinity);
    for (;;) {
      let at = 0;
      for (let i = 1; i < merges.length; i++) if (merges[i] < merges[at]) at = i;
      if (!(merges[at] < Infinity)) return tokens;
      tokens.splice(at, 2, merges[at]);
      merges.splice(at + 1, 1);
      merges[at] = at + 1 < tokens.length ? after(at) : Infinity;
      if (at > 0) merges[at - 1] = after(at - 1);
    }
  }

  /**
   * The text of `tokens`: for what `encode` gave, the same text. Bytes that are no text, as of tokens that a model has drawn, become U+FFFD.
   *
   * @throws {RangeError} if there is no such token, with its place
   */
  decode(tokens: ArrayLike<number> | Tensor): string {
    const list = tokensOf(tokens, this.vocabSize);
    let length = 0;
    for (let i = 0; i < list.length; i++) length += this.#bytes[list[i]].length;
    const bytes = new Uint8Array(length);
    for (let i = 0, at = 0; i < list.length; i++) {
      bytes.set(this.#bytes[list[i]], at);
      at += this.#bytes[list[i]].length;
    }
    return decodeWtf8(bytes);
  }

  /** What `JSON.stringify()` writes. */
  toJSON(): unknown {
    return { format: "gradus byte-pair tokenizer 1", merges: this.merges };
  }

  /**
   * The tokenizer that `JSON.stringify()` wrote, after `JSON.parse()`.
   *
   * @throws {SyntaxError} if it is none
   */
  static fromJSON(json: unknown): BytePairTokenizer {
    const { merges } = tokenizerParts(json, "gradus byte-pair tokenizer");
    if (!Array.isArray(merges)) throw wrongTokenizer("it has no merges");
    if (merges.length > MAX_VOCAB - BYTES) throw wrongTokenizer(`it has ${merges.length} merges`);
    const pairs = merges.map((merge, i) => pairIn(merge, i));
    if (new Set(pairs).size < pairs.length) throw wrongTokenizer("a merge comes twice in it");
    return new BytePairTokenizer(pairs, bytesOf(pairs));
  }

  /** Writes the tokenizer to the file `path` as JSON: all of it, or the old file stays as it was. */
  async save(path: string): Promise<void> {
    await writeTokenizer(path, this);
  }

  /**
   * The tokenizer that `save` wrote, from a file's path, or from its bytes, a `Blob` or a `Response`.
   *
   * @throws {SyntaxError} if the file holds none
   */
  static async load(source: FileSource, options: ReadOptions = {}): Promise<BytePairTokenizer> {
    return await readTokenizer(source, options, (json) => BytePairTokenizer.fromJSON(json));
  }
}

/** The pair of a merge, both of whose tokens are there before it. */
function pairIn(merge: unknown, i: number): number {
  const isPair = Array.isArray(merge) && merge.length === 2 &&
    merge.every((token) => Number.isInteger(token) && token >= 0 && token < BYTES + i);
  if (isPair) return pairOf(merge[0], merge[1]);
  throw wrongTokenizer(`merges[${i}] is no pair of tokens from 0 to ${BYTES + i - 1}`);
}

/** The bytes of each token: no more than a word has, however a file doubles them. */
function bytesOf(pairs: readonly number[]): Uint8Array[] {
  const bytes = Array.from({ length: BYTES }, (_, byte) => new Uint8Array([byte]));
  for (const pair of pairs) {
    const [a, b] = tokensOfPair(pair).map((token) => bytes[token]);
    if (a.length + b.length > MAX_WORD_BYTES) {
      throw wrongTokenizer(`merges[${bytes.length - BYTES}] has ${a.length + b.length} bytes, more than a word`);
    }
    const own = new Uint8Array(a.length + b.length);
    own.set(a);
    own.set(b, a.length);
    bytes.push(own);
  }
  return bytes;
}
