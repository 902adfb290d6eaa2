import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Json, parseStrictJson } from "../../../../core/io/safetensors/strict_json.ts";

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
