import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { Cap } from "../../../../core/io/read_file.ts";
import { type Json, parseStrictJson, parseStrictMembers } from "../../../../core/io/safetensors/strict_json.ts";

const parse = (text: string): Json => parseStrictJson(text, "test.json");
function refuses(text: string, message: string): void {
  assertThrows(() => parse(text), SyntaxError, message);
}

describe("parseStrictJson()", () => {
  it("parseStrictJson() gives objects as maps in the order of their keys", () => {
    assertEquals(
      parse('{"b": [1, true, null], "a": {}}'),
      new Map<string, Json>([["b", [1, true, null]], ["a", new Map()]]),
    );
  });

  it("parseStrictJson() takes __proto__ as a name like any other", () => {
    assertEquals(parse('{"__proto__": 1}'), new Map([["__proto__", 1]]));
  });

  it("parseStrictJson() takes white space around every mark", () => {
    assertEquals(parse(' { "a" : [ 1 , 2 ] } \n'), new Map([["a", [1, 2]]]));
  });

  it("parseStrictJson() unescapes strings", () => {
    assertEquals(parse(String.raw`"\"\u00e9\n"`), '"é\n');
  });

  it("parseStrictJson() reads strings of any length, whatever stands in them", () => {
    for (const part of ["x", "\\\\", '\\"', "é", "\\u0041"]) {
      const value = parse(`["${part.repeat(9_000_000)}"]`) as string[];
      assertEquals(value[0].length, JSON.parse(`"${part}"`).length * 9_000_000);
    }
  });

  it("parseStrictJson() refuses a repeated key at any depth", () => {
    refuses('{"a": {"b": 1, "b": 2}}', 'found the key "b" a second time at byte 15');
  });

  it("parseStrictJson() sees that two spellings of a key are one", () => {
    refuses(String.raw`{"a": 1, "\u0061": 2}`, "a second time");
  });

  it("parseStrictJson() takes 2^53 - 1 and refuses 2^53", () => {
    assertEquals(parse("9007199254740991"), Number.MAX_SAFE_INTEGER);
    refuses("9007199254740992", "found an integer past 2^53 at byte 0");
  });

  it("parseStrictJson() counts bytes, not characters, from the base it is given", () => {
    assertThrows(() => parseStrictJson('["é" 1]', "test.json", 8), SyntaxError, 'found no "]" at byte 14');
  });

  it("parseStrictJson() refuses nesting that would exhaust the stack", () => {
    refuses("[".repeat(100_000), "nesting deeper than 64");
  });

  for (const text of ["-1", "1.5", "1e3", "01", ".5", "NaN", "tru", "", "'a'"]) {
    it(`parseStrictJson() refuses ${JSON.stringify(text)}`, () => refuses(text, "Cannot read JSON in test.json"));
  }

  for (const text of ['"a', '"\\x"', '"\n"', '"\\ud800"']) {
    it(`parseStrictJson() refuses the string ${JSON.stringify(text)}`, () => refuses(text, "no well-formed string"));
  }

  for (const text of ["[1,]", '{"a":1,}', '{"a" 1}', "{1:1}", "[1 2]", "{} x", "[1"]) {
    it(`parseStrictJson() refuses ${JSON.stringify(text)}`, () => refuses(text, "Cannot read JSON in test.json"));
  }
});

/** What is read from a text in parts: its members, or the error. */
function membersOf(parts: readonly string[]): unknown {
  try {
    return [...parseStrictMembers(parts, new Cap("test.json", {}, 1 << 20), 8)].filter((member) =>
      member !== undefined
    );
  } catch (error) {
    return (error as Error).message;
  }
}

describe("parseStrictMembers()", () => {
  const texts = [
    '{"a":{"dtype":"F32","shape":[12, 345]},"é":"\\"\\\\","😀":true, "b":null} ',
    '{"a":1,"é":2,"a":3}',
    '{"é":[1,2',
    '{"é":"abc',
    '{"é":123456789012345678}',
    "{}",
    '{"a":1}}',
  ];
  for (const text of texts) {
    it(`parseStrictMembers() reads ${text} alike however it is cut into parts`, () => {
      const whole = membersOf([text]), marks = [...text];
      assertEquals(membersOf(marks), whole);
      for (let at = 1; at <= marks.length; at++) {
        assertEquals(membersOf([marks.slice(0, at).join(""), "", marks.slice(at).join("")]), whole);
      }
    });
  }
  it("parseStrictMembers() joins no more than it reads at a time", () => {
    const text = JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`key ${i}`, [i, "é"]])));
    const parts = text.match(/.{1,700}/gs)!;
    assertEquals(membersOf(parts), Object.entries(JSON.parse(text)));
    const broken = parts.with(50, parts[50].replace("é", "\\x"));
    assertEquals(membersOf(broken), membersOf([broken.join("")]));
  });
});
