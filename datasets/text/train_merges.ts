/** Byte-pair encoding is learned: again and again the commonest pair of neighbours becomes one token. */
import { encodeWtf8 } from "./wtf8.ts";

/** The tokens of single bytes. */
export const BYTES = 256;

/** One more than the largest token that may be: two of them fit into one number. */
export const MAX_VOCAB = 2 ** 20;

/** A pair of tokens as one number. */
export function pairOf(a: number, b: number): number {
  return a * MAX_VOCAB + b;
}

/** The two tokens of a pair. */
export function tokensOfPair(pair: number): [a: number, b: number] {
  return [Math.floor(pair / MAX_VOCAB), pair % MAX_VOCAB];
}

/** A word of the text: what tokens it is made of so far, and how often it came. */
interface Word {
  readonly tokens: number[];
  readonly count: number;
}

/**
 * The pairs that are merged, in their order: at most `most` of them, each of which came at least `minCount` times when its turn was. Of
 * equally common ones the one with the smaller tokens comes first. Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with
 * Subword Units", 2016.
 */
export function trainMerges(counts: ReadonlyMap<string, number>, most: number, minCount: number): number[] {
  const words = Array.from(counts, ([word, count]): Word => ({ tokens: [...encodeWtf8(word)], count }));
  const pairs = new PairCounts(words);
  const merges: number[] = [];
  while (merges.length < most) {
    const pair = pairs.commonest(minCount);
    if (pair === null) break;
    pairs.merge(pair, BYTES + merges.length);
    merges.push(pair);
  }
  return merges;
}

/** How often each pair of neighbours comes, and in which words: a merge looks at the words that have its pair, and at no others. */
class PairCounts {
  readonly #words: readonly Word[];
  readonly #counts = new Map<number, number>();
  readonly #places = new Map<number, number[]>(); // words that had the pair; some have it no longer
  readonly #queue: CountQueue;

  constructor(words: readonly Word[]) {
    this.#words = words;
    words.forEach(({ tokens, count }, place) => {
      for (let i = 1; i < tokens.length; i++) this.#add(pairOf(tokens[i - 1], tokens[i]), count, place);
    });
    this.#queue = new CountQueue();
    for (const [pair, count] of this.#counts) this.#queue.push(pair, count);
  }

  #add(pair: number, count: number, place: number): void {
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + count);
    const places = this.#places.get(pair);
    if (places === undefined) this.#places.set(pair, [place]);
    else if (places[places.length - 1] !== place) places.push(place);
  }

  /** The commonest pair, `null` if none comes `minCount` times. */
  commonest(minCount: number): number | null {
    for (let top = this.#queue.pop(); top !== null; top = this.#queue.pop()) {
      const count = this.#counts.get(top.pair) ?? 0;
      if (count < minCount) continue;
      if (count === top.count) return top.pair;
      this.#queue.push(top.pair, count); // it has become rarer since it was put there
    }
    return null;
  }

  /** Makes `pair` the token `merged` wherever it stands. */
  merge(pair: number, merged: number): void {
    const fresh = new Set<number>();
    for (const place of this.#places.get(pair) ?? []) this.#mergeIn(place, pair, merged, fresh);
    this.#places.delete(pair);
    this.#counts.delete(pair);
    for (const one of fresh) this.#queue.push(one, this.#counts.get(one)!);
  }

  /** The same in one word, from left to right: only the pairs beside a merge change. */
  #mergeIn(place: number, pair: number, merged: number, fresh: Set<number>): void {
    const { tokens, count } = this.#words[place], [a, b] = tokensOfPair(pair);
    const replace = (old: number, by: number) => {
      this.#counts.set(old, this.#counts.get(old)! - count);
      this.#add(by, count, place);
      fresh.add(by);
    };
    let write = 0;
    for (let read = 0; read < tokens.length; read++) {
      if (tokens[read] !== a || tokens[read + 1] !== b) {
        tokens[write++] = tokens[read];
        continue;
      }
      const before = tokens[write - 1], after = tokens[++read + 1];
      if (before !== undefined) replace(pairOf(before, a), pairOf(before, merged));
      if (after !== undefined) replace(pairOf(b, after), pairOf(merged, after));
      tokens[write++] = merged;
    }
    tokens.length = write;
  }
}

/** Pairs with counts; the largest count comes out first, and the smaller pair of equal ones: a binary heap. */
class CountQueue {
  readonly #items: { pair: number; count: number }[] = [];

  push(pair: number, count: number): void {
    const items = this.#items, item = { pair, count };
    let i = items.push(item) - 1;
    for (let up = (i - 1) >> 1; i > 0 && isBefore(item, items[up]); up = (i - 1) >> 1) {
      items[i] = items[up];
      i = up;
    }
    items[i] = item;
  }

  pop(): { pair: number; count: number } | null {
    const items = this.#items, top = items[0], item = items.pop();
    if (item === undefined) return null;
    if (items.length > 0) this.#sink(item);
    return top;
  }

  /** Puts `item` at the top's place, or as deep as it must lie. */
  #sink(item: { pair: number; count: number }): void {
    const items = this.#items;
    let i = 0;
    for (let down = 1; down < items.length; down = 2 * i + 1) {
      if (down + 1 < items.length && isBefore(items[down + 1], items[down])) down++;
      if (!isBefore(items[down], item)) break;
      items[i] = items[down];
      i = down;
    }
    items[i] = item;
  }
}

function isBefore(a: { pair: number; count: number }, b: { pair: number; count: number }): boolean {
  return a.count > b.count || (a.count === b.count && a.pair < b.pair);
}
