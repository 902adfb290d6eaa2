import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "../../bdd.ts";
import { tensor, zeros } from "@gradus/gradus";
import { BytePairTokenizer, CharacterTokenizer, type Tokenizer } from "@gradus/gradus/data";

/** Texts that are hard to cut or to write as bytes. */
const TEXTS: Record<string, string> = {
  empty: "",
  "one character": "x",
  Arabic: "مَرْحَبًا بِالعالَم، كيف الحال؟",
  Chinese: "学而时习之，不亦说乎？",
  Devanagari: "नमस्ते दुनिया",
  "an emoji with joiners": "a family: 👨‍👩‍👧‍👦, a flag: 🏴‍☠️",
  "a mark of byte order": "\uFEFFtext\uFEFF",
  "controls and blanks": "\0\t\r\n   \u00a0 \u2028 end  ",
  "halves of a pair of surrogates": "a\uD83Db\uDC00\uD800\uD800\uDC00\uDC00",
  "not well-formed beside bytes like it": "\uD7FF\uE000퟿\uDFFF\uFFFD",
  digits: "3.14159 and 2718281828",
};
const SAMPLE = "The quick brown fox doesn't jump; the lazy dog does. 学而时习之 " + Object.values(TEXTS).join("\n");

const trained: Record<string, () => Tokenizer> = {
  CharacterTokenizer: () => CharacterTokenizer.train(SAMPLE),
  BytePairTokenizer: () => BytePairTokenizer.train(SAMPLE, { vocabSize: 400 }),
};

for (const [name, make] of Object.entries(trained)) {
  describe(`${name} takes any text`, () => {
    const tokenizer = make();
    for (const [what, text] of Object.entries(TEXTS)) {
      it(`${name} gives back ${what}`, () => {
        const tokens = tokenizer.encode(text);
        assertEquals(tokenizer.decode(tokens), text);
        assertEquals(tokenizer.decode([...tokens]), text);
        assertEquals(tokenizer.decode(tensor(tokens)), text);
      });
    }
    it(`${name} refuses what is no text or no token`, () => {
      // deno-lint-ignore no-explicit-any
      const wrong = tokenizer as any, last = tokenizer.vocabSize - 1;
      assertThrows(() => wrong.encode(5), TypeError, "Cannot encode the number 5: give a text");
      assertThrows(() => wrong.decode("ab"), TypeError, 'Cannot decode the text "ab": give tokens');
      assertThrows(() => wrong.decode(3), TypeError, "give tokens");
      const range = `tokens go from 0 to ${last}`;
      for (const token of [-1, last + 1, 1.5, NaN]) {
        assertThrows(() => tokenizer.decode([0, token]), RangeError, `the token ${token} at position 1 of 2: ${range}`);
      }
      assertThrows(() => tokenizer.decode(zeros([2, 3])), RangeError, "Cannot decode tokens of shape [2, 3]");
    });
  });
}

describe("CharacterTokenizer", () => {
  it("numbers code points in their order, a pair of surrogates as one", () => {
    const tokenizer = CharacterTokenizer.train("b😀a😀é");
    assertEquals([tokenizer.characters, tokenizer.vocabSize], [["a", "b", "é", "😀"], 4]);
    assertEquals([...tokenizer.encode("😀ab")], [3, 0, 1]);
  });
  it("names a character that it has not seen, its code point and its place", () => {
    const message =
      'Cannot encode "é" (U+00E9) at position 3 of 4: it is none of the 3 characters of the training text';
    assertThrows(() => CharacterTokenizer.train("cab").encode("bacé"), RangeError, message);
    assertThrows(() => CharacterTokenizer.train("ab").encode("a😀"), RangeError, "(U+1F600) at position 1 of 3");
    assertThrows(
      () => CharacterTokenizer.train("ab").encode("\uD83D"),
      RangeError,
      '"\\ud83d" (U+D83D) at position 0 of 1',
    );
  });
  it("has one token for all of those where that is asked for", () => {
    const tokenizer = CharacterTokenizer.train(["ab", "bc"], { unknown: "<?>" });
    assertEquals([tokenizer.vocabSize, ...tokenizer.encode("aé😀c")], [4, 0, 3, 3, 2]);
    assertEquals(tokenizer.decode([0, 3, 2]), "a<?>c");
  });
  it("refuses to learn from nothing", () => {
    for (const nothing of ["", [], [""]]) {
      assertThrows(() => CharacterTokenizer.train(nothing), RangeError, "Cannot train a tokenizer on an empty text");
    }
    // deno-lint-ignore no-explicit-any
    const wrong = (text: unknown) => () => CharacterTokenizer.train(text as any);
    assertThrows(wrong(5), TypeError, "Cannot train a tokenizer on the number 5: give a text, or several");
    assertThrows(wrong(["a", 5]), TypeError, "Cannot train a tokenizer on the number 5");
  });
});

describe("BytePairTokenizer", () => {
  it("merges the commonest pair first, and of equal ones that of the smaller tokens", () => {
    // "ab" comes three times, "bc" and "b " would be next with two and one
    const tokenizer = BytePairTokenizer.train("abc abc ab", { vocabSize: 300 });
    const byte = (letter: string) => letter.charCodeAt(0);
    assertEquals(tokenizer.merges.slice(0, 2), [[byte("a"), byte("b")], [byte(" "), 256]]);
    assertEquals([...tokenizer.encode(" ab")], [257]);
  });
  it("learns what counting all pairs anew for each merge does", () => {
    const text = "she sells sea shells by the sea shore, aaaa aaaaaaa abababab mississippi ".repeat(2);
    const found = BytePairTokenizer.train(text, { vocabSize: 320 });
    assertEquals(found.merges, slowMerges(text.match(/ ?[a-z]+|,| $/g)!, 64));
  });
  it("has fewer tokens where no pair comes often enough", () => {
    assertEquals(BytePairTokenizer.train("abcdef").vocabSize, 256);
    assertEquals(BytePairTokenizer.train("").vocabSize, 256);
    assertEquals(BytePairTokenizer.train("abc", { minCount: 1 }).vocabSize, 258);
    assertEquals(BytePairTokenizer.train("ab ab ab", { minCount: 4 }).vocabSize, 256);
  });
  it("gives back random strings, those of lone surrogates too", () => {
    const tokenizer = BytePairTokenizer.train(SAMPLE, { vocabSize: 350 });
    const unit = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 }));
    fc.assert(fc.property(fc.array(unit, { maxLength: 40 }), (units) => {
      const text = String.fromCharCode(...units);
      assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    }));
  });
  it("writes plain UTF-8 wherever there is some", () => {
    const tokenizer = BytePairTokenizer.train("");
    assertEquals([...tokenizer.encode("é学😀")], [...new TextEncoder().encode("é学😀")]);
    assertEquals([...tokenizer.encode("\uD83D")], [0xed, 0xa0, 0xbd]); // as WTF-8 has it
  });
  it("makes U+FFFD of bytes that are no text, as of drawn tokens", () => {
    const tokenizer = BytePairTokenizer.train("");
    assertEquals(tokenizer.decode([0x61, 0xff, 0x62, 0xe5, 0xad]), "a\uFFFDb\uFFFD");
    assertEquals(tokenizer.decode([0xed]), "\uFFFD");
  });
  it("encodes a line of 10 MB in about the time of its length, without a space in it", () => {
    const tokenizer = BytePairTokenizer.train("学而时习之不亦说乎 aaaaaaaaaa");
    for (
      const [line, tokens] of [["a".repeat(10_000_000), 2_500_000], ["学而时".repeat(1_100_000), 3_300_000]] as const
    ) {
      const begin = performance.now(), found = tokenizer.encode(line);
      assert(performance.now() - begin < 10_000); // half a second here; pair after pair over the whole line would take hours
      assert(found.length <= 3 * tokens);
      assertEquals(tokenizer.decode(found) === line, true);
    }
  });
  it("refuses sizes that no vocabulary has", () => {
    for (const vocabSize of [255, 2 ** 20 + 1, 300.5, NaN]) {
      assertThrows(() => BytePairTokenizer.train("a", { vocabSize }), RangeError, `vocabSize ${vocabSize}`);
    }
    assertThrows(() => BytePairTokenizer.train("a", { minCount: 0 }), RangeError, "minCount 0");
  });
});

/** Merges by the definition: everything is counted again each time. */
function slowMerges(words: readonly string[], most: number): (readonly [number, number])[] {
  const lists = words.map((word) => [...new TextEncoder().encode(word)]);
  return Array.from({ length: most }, (_, k) => {
    const counts = new Map<string, number>();
    for (const list of lists) {
      for (let i = 1; i < list.length; i++) {
        const pair = `${list[i - 1]} ${list[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const all = Array.from(
      counts,
      ([pair, count]) => ({ pair: pair.split(" ").map(Number) as [number, number], count }),
    );
    all.sort((x, y) => y.count - x.count || x.pair[0] - y.pair[0] || x.pair[1] - y.pair[1]);
    if (all.length === 0 || all[0].count < 2) return null;
    const [a, b] = all[0].pair;
    for (const list of lists) {
      for (let i = 0; i < list.length; i++) if (list[i] === a && list[i + 1] === b) list.splice(i, 2, 256 + k);
    }
    return all[0].pair;
  }).filter((pair) => pair !== null);
}

describe("tokenizers as files", () => {
  const json = (value: unknown) => new Blob([JSON.stringify(value)]);

  it("come back as they were saved, whole", async () => {
    const folder = await Deno.makeTempDir();
    try {
      const text = "\uD800 lone, \uDC00 and a 😀, more and more", path = `${folder}/tokenizer.json`;
      const characters = CharacterTokenizer.train(text, { unknown: "\uFFFD" }), pairs = BytePairTokenizer.train(text);
      await characters.save(path);
      assertEquals((await CharacterTokenizer.load(path)).encode(text), characters.encode(text));
      await pairs.save(path);
      const loaded = await BytePairTokenizer.load(await Deno.readFile(path));
      assertEquals([loaded.merges, loaded.encode(text)], [pairs.merges, pairs.encode(text)]);
      assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["tokenizer.json"]);
      await assertRejects(
        () => CharacterTokenizer.load(path),
        SyntaxError,
        `from ${path}: it is another kind; use BytePair`,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
  const character = { format: "gradus character tokenizer 1", characters: ["a"], unknown: null };
  const pair = { format: "gradus byte-pair tokenizer 1", merges: [[97, 98]] };
  const doubled = Array.from({ length: 9 }, (_, i) => i === 0 ? [97, 97] : [255 + i, 255 + i]);
  const bad: [what: unknown, message: string, load?: typeof BytePairTokenizer.load][] = [
    [5, "it is no object"],
    [{}, "it has no format"],
    [{ ...character, format: "csv" }, 'its format is "csv"'],
    [{ ...character, format: "gradus character tokenizer 2" }, "its format is 2, and this version reads 1"],
    [pair, "it is another kind; use BytePairTokenizer"],
    [{ ...character, characters: [] }, "it has no characters"],
    [{ ...character, characters: ["a", "bc"] }, "characters[1] is not one character"],
    [{ ...character, characters: ["a", "a"] }, "a character comes twice"],
    [{ ...character, unknown: 5 }, "unknown is neither a text nor null"],
    [character, "it is another kind; use CharacterTokenizer", BytePairTokenizer.load],
    [{ ...pair, merges: 5 }, "it has no merges", BytePairTokenizer.load],
    [{ ...pair, merges: [[97, 256]] }, "merges[0] is no pair of tokens from 0 to 255", BytePairTokenizer.load],
    [{ ...pair, merges: [[97, 98], [97, 98]] }, "a merge comes twice", BytePairTokenizer.load],
    [{ ...pair, merges: doubled }, "merges[7] has 256 bytes, more than a word", BytePairTokenizer.load],
  ];
  for (const [value, message, load = CharacterTokenizer.load] of bad) {
    it(`are refused where ${message}`, async () => {
      await assertRejects(async () => void await load(json(value)), SyntaxError, message);
    });
  }
  it("are refused where they are no JSON, or cut off", async () => {
    const message = "Cannot read a tokenizer from the bytes: it is no JSON; give what save() wrote";
    await assertRejects(() => BytePairTokenizer.load(new Uint8Array([0xff])), SyntaxError, message);
    await assertRejects(() => BytePairTokenizer.load(new Blob(['{"format": "gra'])), SyntaxError, message);
    await assertRejects(() => BytePairTokenizer.load(json(pair), { maxBytes: 5 }), RangeError, "maxBytes allows 5");
  });
});
