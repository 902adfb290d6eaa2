/** What tokenizers have in common: what they are called with, and the JSON that they are kept as. */
import { describe, isPlainObject } from "../../core/arguments.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { type FileSource, quoted, readFile, type ReadOptions, sourceName } from "../../core/io/read_file.ts";
import { elements } from "../../core/ops/movement.ts";
import { Tensor } from "../../core/tensor.ts";

/** Turns text into numbers, its tokens, and back. */
export interface Tokenizer {
  /** How many tokens there are: they are the numbers from 0 up to this one. */
  readonly vocabSize: number;
  /** The tokens of `text`. */
  encode(text: string): Int32Array;
  /** The text of `tokens`. */
  decode(tokens: ArrayLike<number> | Tensor): string;
}

/** The texts to train on, checked. */
export function* textsOf(text: string | Iterable<string>): Iterable<string> {
  const cure = 'give a text, or several as in ["one", "two"]';
  if (typeof text !== "string" && typeof text?.[Symbol.iterator] !== "function") {
    throw new TypeError(`Cannot train a tokenizer on ${describe(text)}: ${cure}`);
  }
  for (const one of typeof text === "string" ? [text] : text) {
    if (typeof one !== "string") throw new TypeError(`Cannot train a tokenizer on ${describe(one)}: ${cure}`);
    yield one;
  }
}

/**
 * Checks that there is a text to encode.
 *
 * @throws {TypeError} With what was found, if it is none.
 */
export function requireText(text: string): void {
  if (typeof text === "string") return;
  throw new TypeError(`Cannot encode ${describe(text)}: give a text`);
}

/** The tokens to decode, each known to be one of `vocabSize`. */
export function tokensOf(tokens: ArrayLike<number> | Tensor, vocabSize: number): ArrayLike<number> {
  const list = tokens instanceof Tensor ? elementsOf(tokens) : tokens;
  if (typeof list !== "object" || typeof list?.length !== "number") {
    throw new TypeError(`Cannot decode ${describe(tokens)}: give tokens, as in [0, 1] or a tensor of them`);
  }
  for (let i = 0; i < list.length; i++) {
    const token = list[i];
    if (Number.isInteger(token) && token >= 0 && token < vocabSize) continue;
    const found = typeof token === "number" ? token : describe(token);
    throw new RangeError(
      `Cannot decode the token ${found} at position ${i} of ${list.length}: tokens go from 0 to ${vocabSize - 1}`,
    );
  }
  return list;
}

function elementsOf(tokens: Tensor): ArrayLike<number> {
  if (tokens.ndim < 2) return elements(tokens) as ArrayLike<number>;
  throw new RangeError(
    `Cannot decode tokens of shape [${tokens.shape.join(", ")}]: give one row, as tokens.select(0, 0)`,
  );
}

// Kept as JSON.

/** Writes a tokenizer as JSON: all of it, or the old file stays as it was. */
export async function writeTokenizer(path: string, tokenizer: { toJSON(): unknown }): Promise<void> {
  await writeAtomically(path, [new TextEncoder().encode(`${JSON.stringify(tokenizer)}\n`)]);
}

/**
 * What `make` makes of the JSON in a file.
 *
 * @throws {SyntaxError} With the file's name, if it holds no JSON, or `make` refuses it.
 */
export async function readTokenizer<T>(
  source: FileSource,
  options: ReadOptions,
  make: (json: unknown) => T,
): Promise<T> {
  const bytes = await readFile(source, options), name = sourceName(source);
  const refuse = (why: string, cause: unknown) =>
    new SyntaxError(`Cannot read a tokenizer from ${name}: ${why}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse("it is no JSON; give what save() wrote", cause);
  }
  try {
    return make(json);
  } catch (cause) {
    throw refuse((cause as Error).message.replace(/^Cannot read a tokenizer: /, ""), cause);
  }
}

/** Why a tokenizer cannot be read. */
export function wrongTokenizer(what: string): SyntaxError {
  return new SyntaxError(`Cannot read a tokenizer: ${what}; give what save() or JSON.stringify() wrote of one`);
}

/** The kinds of tokenizers by the format that they are kept in. */
const CLASSES = {
  "gradus character tokenizer": "CharacterTokenizer",
  "gradus byte-pair tokenizer": "BytePairTokenizer",
};

/**
 * The parts of a tokenizer of format 1 of a kind.
 *
 * @throws {SyntaxError} With the class that reads another kind, or that a later version wrote it.
 */
export function tokenizerParts(json: unknown, kind: keyof typeof CLASSES): Record<string, unknown> {
  if (!isPlainObject(json)) throw wrongTokenizer("it is no object");
  const { format } = json;
  if (format === `${kind} 1`) return json;
  const [, other, version] = /^(.*) (\d+)$/.exec(String(format)) ?? [];
  if (other === kind) {
    throw new SyntaxError(`Cannot read a tokenizer: its format is ${version}, and this version reads 1`);
  }
  if (other in CLASSES) {
    throw new SyntaxError(`Cannot read a tokenizer: it is another kind; use ${CLASSES[other as typeof kind]}`);
  }
  throw wrongTokenizer(format === undefined ? "it has no format" : `its format is ${quoted(String(format))}`);
}
