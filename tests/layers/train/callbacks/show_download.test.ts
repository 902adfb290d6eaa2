import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { showDownload } from "@gradus/gradus/train";

/** What is drawn on a terminal, or elsewhere. */
function drawn(terminal: boolean): [told: ReturnType<typeof showDownload>, text: string[]] {
  const text: string[] = [];
  return [showDownload({ terminal, write: (part) => void text.push(part) }), text];
}

describe("showDownload()", () => {
  it("showDownload() draws a bar for each file on a terminal, and takes it away at its end", () => {
    const [tell, text] = drawn(true);
    tell({ name: "images", received: 2_500, total: 5_000 });
    tell({ name: "labels", received: 1_000, total: 1_000 });
    assertStringIncludes(text[0], "images, kB ");
    assertStringIncludes(text[0], " 40%"); // 2 of 5 whole kilobytes
    assertEquals([text[1].includes("labels, kB "), text.at(-1)], [true, "\r\x1b[K"]);
  });

  it("showDownload() draws nothing elsewhere, nor for a file of unknown length", () => {
    const [piped, nothing] = drawn(false);
    piped({ name: "images", received: 1, total: 2 });
    const [tell, none] = drawn(true);
    tell({ name: "images", received: 1, total: null });
    assertEquals([nothing, none], [[], []]);
  });
});
