/** A text as samples for a language model. */
import { checkOptions, describe, requireSizes } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { elements } from "../../core/ops/movement.ts";
import { Tensor } from "../../core/tensor.ts";
import type { Dataset } from "../loader/dataset.ts";

/** How {@linkcode textWindows} cuts a text. */
export interface TextWindowsOptions {
  /** How many tokens a window has: what a model sees at once. */
  block: number;
  /**
   * How many tokens after the beginning of one window the next one begins: with that of `block` none comes twice.
   *
   * @default {1}
   */
  stride?: number;
}

/**
 * Windows over `tokens` for a model that says what comes next: sample i is x, the `block` tokens from `i · stride` on, and y, the tokens that
 * follow each of them, both int32 [block]; batches are [batch, block]. Windows are cut when they are asked for, so that the tokens are
 * in memory once.
 *
 * @throws {RangeError} if there are not `block + 1` tokens, or `block` or `stride` is no whole number from 1
 * @throws {TypeError} if the tokens are no whole numbers
 *
 * @example
 * ```ts
 * import { CharacterTokenizer, DataLoader, textWindows } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "to be or not to be", tokenizer = CharacterTokenizer.train(text);
 * const windows = textWindows(tokenizer.encode(text), { block: 5 });
 * const [x, y] = windows.get(0);
 * assertEquals([tokenizer.decode(x), tokenizer.decode(y)], ["to be", "o be "]);
 * for (const [x] of new DataLoader(windows, { batchSize: 13, shuffle: true })) assertEquals(x.shape, [13, 5]);
 * ```
 */
export function textWindows(
  tokens: ArrayLike<number> | Tensor,
  options: TextWindowsOptions,
): Dataset<readonly [x: Tensor, y: Tensor]> {
  checkOptions("make windows", options, ["block", "stride"]);
  const { block, stride = 1 } = options;
  requireSizes("make windows", { block, stride });
  if (block < 1 || stride < 1) {
    throw new RangeError(`Cannot make windows with block ${block} and stride ${stride}: give whole numbers from 1`);
  }
  const list = wholeNumbers(tokens), length = Math.floor((list.length - 1 - block) / stride) + 1;
  if (length < 1) {
    throw new RangeError(
      `Cannot make windows with block ${block} of ${list.length} tokens: ${block + 1} are needed, ` +
        "give a longer text or a smaller block",
    );
  }
  return new TextWindows(list, length, block, stride);
}

class TextWindows implements Dataset<readonly [x: Tensor, y: Tensor]> {
  constructor(
    readonly tokens: Int32Array,
    readonly length: number,
    readonly block: number,
    readonly stride: number,
  ) {}

  get(i: number): readonly [x: Tensor, y: Tensor] {
    const [x, y] = this.getBatch(Int32Array.of(i));
    return [x.select(0, 0), y.select(0, 0)];
  }

  getBatch(rows: Int32Array): readonly [x: Tensor, y: Tensor] {
    const { tokens, block, stride } = this, x = new Int32Array(rows.length * block), y = x.slice();
    rows.forEach((row, i) => {
      if (!(row >= 0 && row < this.length)) {
        throw new RangeError(`Cannot take window ${row} of ${this.length}: count from 0`);
      }
      const from = row * stride;
      x.set(tokens.subarray(from, from + block), i * block);
      y.set(tokens.subarray(from + 1, from + 1 + block), i * block);
    });
    const shape = [rows.length, block];
    return [fromData(x, shape), fromData(y, shape)];
  }
}

/** The tokens as int32, without a copy where they are. */
function wholeNumbers(tokens: ArrayLike<number> | Tensor): Int32Array {
  const list = tokens instanceof Tensor && tokens.ndim === 1 ? elements(tokens) as ArrayLike<number> : tokens;
  if (list instanceof Int32Array) return list;
  if (list instanceof Tensor || typeof list !== "object" || typeof list?.length !== "number") {
    const found = list instanceof Tensor ? `a tensor of shape [${list.shape.join(", ")}]` : describe(tokens);
    throw new TypeError(`Cannot make windows of ${found}: give tokens in a row, as tokenizer.encode(text)`);
  }
  const whole = Int32Array.from(list);
  const odd = whole.findIndex((token, i) => token !== list[i]);
  if (odd === -1) return whole;
  throw new TypeError(`Cannot make windows of tokens: ${String(list[odd])} at position ${odd} is no whole number`);
}
