/** A token for each character. */
import { checkOptions } from "../../core/arguments.ts";
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

/** How a {@linkcode CharacterTokenizer} is trained. */
export interface CharacterTokenizerOptions {
  /** What stands for characters that the text did not have, one last token more. Without it they are errors. */
  unknown?: string;
}

/**
 * A token for each character of a text, numbered in the order of their code points. A character is a code point, as it is in Python; a
 * surrogate without its other half is one by itself.
 *
 * @example
 * ```ts
 * import { CharacterTokenizer } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const tokenizer = CharacterTokenizer.train("hello", { unknown: "?" });
 * assertEquals(tokenizer.characters, ["e", "h", "l", "o"]);
 * assertEquals([...tokenizer.encode("hallo")], [1, 4, 2, 2, 3]);
 * assertEquals(tokenizer.decode([1, 4, 2, 2, 3]), "h?llo");
 * ```
 */
export class CharacterTokenizer implements Tokenizer {
  /** The characters that it knows, each at the place of its token. */
  readonly characters: readonly string[];
  /** What stands for all others, `null` where they are refused. */
  readonly unknown: string | null;
  readonly #tokens: ReadonlyMap<number, number>;

  private constructor(characters: readonly string[], unknown: string | null) {
    if (!Array.isArray(characters) || characters.some((character) => typeof character !== "string")) {
      throw new TypeError(
        "Cannot make a CharacterTokenizer with new: CharacterTokenizer.train(text), or await load(path)",
      );
    }
    this.characters = characters;
    this.unknown = unknown;
    this.#tokens = new Map(characters.map((character, token) => [character.codePointAt(0)!, token]));
  }

  /**
   * A tokenizer of the characters of a text, or of several.
   *
   * @throws {RangeError} if there is no character
   */
  static train(text: string | Iterable<string>, options: CharacterTokenizerOptions = {}): CharacterTokenizer {
    checkOptions("train a tokenizer", options, ["unknown"], { unknown: "string" });
    const found = new Set<string>();
    for (const one of textsOf(text)) for (const character of one) found.add(character);
    if (found.size === 0) throw new RangeError("Cannot train a tokenizer on an empty text: it would know no character");
    const characters = [...found].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    return new CharacterTokenizer(characters, options.unknown ?? null);
  }

  /** How many tokens there are. */
  get vocabSize(): number {
    return this.characters.length + (this.unknown === null ? 0 : 1);
  }

  /**
   * The tokens of `text`, one for each code point.
   *
   * @throws {RangeError} if it has a character that the tokenizer does not know, with its place, where nothing stands for those
   */
  encode(text: string): Int32Array {
    requireText(text);
    const tokens = new Int32Array(text.length), unknown = this.unknown === null ? undefined : this.characters.length;
    let count = 0;
    for (let i = 0; i < text.length;) {
      const code = text.codePointAt(i)!, token = this.#tokens.get(code) ?? unknown;
      if (token === undefined) throw this.#unknownCharacter(text, i);
      tokens[count++] = token;
      i += code > 0xffff ? 2 : 1;
    }
    return count === tokens.length ? tokens : tokens.slice(0, count);
  }

  #unknownCharacter(text: string, position: number): RangeError {
    const code = text.codePointAt(position)!, hex = code.toString(16).toUpperCase().padStart(4, "0");
    return new RangeError(
      `Cannot encode ${
        JSON.stringify(String.fromCodePoint(code))
      } (U+${hex}) at position ${position} of ${text.length}: ` +
        `it is none of the ${this.characters.length} characters of the training text, train with { unknown: "?" } to allow it`,
    );
  }

  /**
   * The text of `tokens`: for what `encode` gave, the same text.
   *
   * @throws {RangeError} if there is no such token, with its place
   */
  decode(tokens: ArrayLike<number> | Tensor): string {
    const list = tokensOf(tokens, this.vocabSize);
    let text = "";
    for (let i = 0; i < list.length; i++) text += this.characters[list[i]] ?? this.unknown;
    return text;
  }

  /** What `JSON.stringify()` writes. */
  toJSON(): unknown {
    return { format: "gradus character tokenizer 1", characters: this.characters, unknown: this.unknown };
  }

  /**
   * The tokenizer that `JSON.stringify()` wrote, after `JSON.parse()`.
   *
   * @throws {SyntaxError} if it is none
   */
  static fromJSON(json: unknown): CharacterTokenizer {
    const { characters, unknown } = tokenizerParts(json, "gradus character tokenizer");
    if (!Array.isArray(characters) || characters.length === 0) throw wrongTokenizer("it has no characters");
    const odd = characters.findIndex((character) => typeof character !== "string" || [...character].length !== 1);
    if (odd !== -1) throw wrongTokenizer(`characters[${odd}] is not one character`);
    if (new Set(characters).size < characters.length) throw wrongTokenizer("a character comes twice in it");
    if (unknown !== null && typeof unknown !== "string") throw wrongTokenizer("unknown is neither a text nor null");
    return new CharacterTokenizer([...characters], unknown);
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
  static async load(source: FileSource, options: ReadOptions = {}): Promise<CharacterTokenizer> {
    return await readTokenizer(source, options, (json) => CharacterTokenizer.fromJSON(json));
  }
}
