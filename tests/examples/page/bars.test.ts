import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { likeliest, percent } from "../../../examples/page/bars.ts";

/** With plain spaces: on the page number and sign stay together. */
const plain = (probability: number) => percent(probability).replace("\u00a0", " ");

describe("percent()", () => {
  it("has a digit after the point", () => {
    assertEquals([0.5, 0.1234, 0.0005, 0.9994].map(plain), ["50.0 %", "12.3 %", "0.1 %", "99.9 %"]);
  });
  it("calls nothing certain or impossible that is only nearly so", () => {
    assertEquals([0.9995, 0.99999, 1].map(plain), ["> 99.9 %", "> 99.9 %", "100.0 %"]);
    assertEquals([0.0004, 1e-12, 0].map(plain), ["< 0.1 %", "< 0.1 %", "0.0 %"]);
  });
});

describe("likeliest()", () => {
  it("is the number of the largest value, the first of equals", () => {
    assertEquals([likeliest([0.1, 0.7, 0.2]), likeliest([0.5, 0.5])], [1, 0]);
  });
});
