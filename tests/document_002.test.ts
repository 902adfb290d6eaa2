/** Document 002 computes in float64, which every back end leaves to the plain loops: all of its curves, on whichever is in use. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { replay002 } from "../examples/document_002.ts";
import { describe, it } from "./bdd.ts";
import { itOnMnist } from "./real_mnist.ts";
import documents from "./reference/documents_reference.json" with { type: "json" };

const CURVES = Object.entries(documents).filter(([key]) => key.startsWith("002:")) as [string, number[]][];

describe("the numbers of document 002", () => {
  it("are there, for two networks", () => assertEquals(CURVES.length, 2));

  for (const [name, curve] of CURVES) {
    const sizes = /\d+(-\d+)+/.exec(name)![0].split("-").map(Number);
    itOnMnist(`${name}: epochs 1 to ${curve.length}`, (data) => {
      const here = Array.from(replay002(data, sizes, curve.length));
      assertEquals(here.length, curve.length);
      here.forEach((count, i) => assertAlmostEquals(count, curve[i], 0.005 * curve[i], `epoch ${i + 1}`));
    });
  }
});
