import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { describeEpoch, formatSeconds, Progress, ShowProgress, standardError } from "@gradus/gradus/train";
import { parabola } from "../parabola.ts";
import { smallLearner } from "../small_run.ts";

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

describe("describeEpoch()", () => {
  const record = { epoch: 7, step: 70, trainLoss: 0.5, lr: 0.1, seconds: 3, metrics: {} };

  it("describeEpoch() writes the loss of an epoch without validation, its number as wide as the last one", () => {
    assertEquals(describeEpoch(record, 10), "epoch  7/10  loss 0.5000");
  });
  it("describeEpoch() adds the validation's loss and the metrics of one number", () => {
    const metrics = { accuracy: 0.75, confusion: [[1, 0], [0, 1]] };
    assertEquals(
      describeEpoch({ ...record, validLoss: 0.25, metrics }, 7),
      "epoch 7/7  loss 0.5000  valid 0.2500  accuracy 0.7500",
    );
  });
});

describe("formatSeconds()", () => {
  it("formatSeconds() gives tenths below a minute, then minutes and whole seconds", () => {
    assertEquals([4.25, 59.9, 60, 65.4, 3600].map(formatSeconds), ["4.3 s", "59.9 s", "1:00", "1:05", "60:00"]);
  });
});

describe("standardError()", () => {
  it("standardError() tells whether it is a terminal, and the columns of one: 80 elsewhere", () => {
    const { terminal, columns } = standardError();
    assertEquals([terminal, columns], [
      Deno.stderr.isTerminal(),
      Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
    ]);
  });
});

describe("Progress", () => {
  /** What a bar of this run draws on terminals of these widths. */
  function drawn(columns: number | undefined, done = 469): string {
    let text = "";
    const out = {
      terminal: true,
      ...(columns === undefined ? {} : { columns }),
      write: (part: string) => void (text = part),
    };
    new Progress("epoch 1/5", 938, out).update(done, "loss 0.3021");
    return text.replace("\r\x1b[K", "").replace(/ [\d.]+\/s, [\d.:]+( s)? left/, " 9/s, 1 s left");
  }
  it("refuses a total that is a text", () => {
    assertThrows(
      () => new Progress("epoch", "3" as never),
      TypeError,
      'Cannot show progress of the text "3": give a number',
    );
  });
  it("Progress stays on one line of 50, 40 and 10 columns, and keeps the last one free", () => {
    for (const columns of [120, 80, 50, 40, 10, 1]) {
      let raw = "";
      const out = { terminal: true, columns, write: (part: string) => void (raw = part) };
      new Progress("epoch 1/5", 938, out).update(469, "loss 0.3021");
      const line = raw.replace("\r\x1b[K", "");
      assert(line.length < columns, `${line.length} of ${columns}: ${line}`);
    }
  });
  it("Progress has a bar of 24 characters where there is room, and none where there is not", () => {
    assertEquals(drawn(120), `epoch 1/5 ${"█".repeat(12)}${"░".repeat(12)} 50% 9/s, 1 s left loss 0.3021`);
    assertMatch(drawn(40), /^epoch 1\/5 {2}50% /);
    assertMatch(drawn(undefined), /[█░]{10,}/); // 80 columns
  });
  it("Progress takes more steps than there were to be for all of them", () => {
    assertStringIncludes(drawn(120, 1000), `${"█".repeat(24)}100%`);
  });
});
