import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ShowProgress } from "../../../layers/train/show_progress.ts";
import { parabola } from "./parabola.ts";
import { smallLearner } from "./small_run.ts";

describe("ShowProgress", () => {
  it("prints a line an epoch where there is no terminal", async () => {
    const [lines, drawn] = [[] as string[], [] as string[]];
    const out = { terminal: false, write: (text: string) => void drawn.push(text) };
    await parabola({ callbacks: [new ShowProgress({ out, print: (line) => lines.push(line) })] }).fit(2);
    assertEquals(lines, ["epoch 1/2  loss 1.0000", "epoch 2/2  loss 0.6400"]);
    assertEquals(drawn, []);
  });

  it("draws a bar with rate, loss and remaining time on a terminal, and takes it away", async () => {
    const drawn: string[] = [];
    const out = { terminal: true, write: (text: string) => void drawn.push(text) };
    await parabola({ callbacks: [new ShowProgress({ out, print: () => {} })] }).fit(1);
    const bar = drawn.find((text) => text.includes("100%"))!;
    for (const part of ["epoch 1/1", "/s", "left", "loss 1.0000"]) assertStringIncludes(bar, part);
    assertEquals(drawn[drawn.length - 1], "\r\x1b[K");
  });

  it("names losses and metrics of one number", async () => {
    const lines: string[] = [];
    await smallLearner([new ShowProgress({ print: (line) => lines.push(line) })]).fit(1);
    assertEquals(lines[0].replace(/\d\.\d{4}/g, "#"), "epoch 1/1  loss #  valid #  accuracy #");
  });
});
