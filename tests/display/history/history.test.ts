import { describe, it } from "../../bdd.ts";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { historyCsv, historyLines, parseHistory, readHistory, writeHistory } from "@gradus/gradus/display";
import { Checkpoints, type EpochRecord } from "@gradus/gradus/train";
import { inFolder } from "../../core/io/in_folder.ts";
import { smallLearner } from "../../layers/train/small_run.ts";

const HISTORY: EpochRecord[] = [
  { epoch: 1, step: 4, seconds: 0.5, lr: 0.1, trainLoss: 2, validLoss: 3, metrics: { "top,1": 0.25 } },
  { epoch: 2, step: 8, seconds: 0.5, lr: 0.1, trainLoss: NaN, metrics: { confusion: [[1, 0], [2, 3]] } },
];

describe("historyCsv()", () => {
  it("has a column for each number, quotes what it must, and leaves empty what an epoch has not", () => {
    assertEquals(historyCsv(HISTORY).split("\r\n"), [
      'epoch,step,seconds,lr,trainLoss,validLoss,"top,1",confusion[0][0],confusion[0][1],confusion[1][0],confusion[1][1]',
      "1,4,0.5,0.1,2,3,0.25,,,,",
      "2,8,0.5,0.1,NaN,,,1,0,2,3",
      "",
    ]);
  });
});

describe("historyLines()", () => {
  it("are read back as they were, NaN too", () => {
    assertEquals(parseHistory(historyLines(HISTORY)), HISTORY);
  });
});

describe("parseHistory()", () => {
  it("leaves out a line that is being written, and refuses what is no record by its number", () => {
    const text = historyLines(HISTORY);
    assertEquals(parseHistory(text.slice(0, -3)).length, 1);
    assertEquals(parseHistory(""), []);
    for (const line of ["{}", "[", "null", "3", '{"epoch":"1","metrics":{}}']) {
      assertThrows(() => parseHistory(`${text}${line}\n`), SyntaxError, "Cannot read line 3 of a history");
    }
  });
});

describe("writeHistory()", () => {
  it("writes what the ending names, which readHistory() reads", () =>
    inFolder(async (folder) => {
      await writeHistory(HISTORY, `${folder}/a.jsonl`);
      await writeHistory(HISTORY, `${folder}/a.csv`);
      assertEquals(await readHistory(`${folder}/a.jsonl`), HISTORY);
      assertEquals(await Deno.readTextFile(`${folder}/a.csv`), historyCsv(HISTORY));
      await assertRejects(() => writeHistory(HISTORY, `${folder}/a.txt`), RangeError, "end the name in .csv or .jsonl");
    }));
});

describe("Checkpoints", () => {
  it("keep the history beside them: a line for each epoch, of a run that resumes from where its checkpoint is", () =>
    inFolder(async (folder) => {
      const path = `${folder}/history.jsonl`;
      const learner = smallLearner([new Checkpoints(folder)]);
      await learner.fit(2);
      assertEquals(await readHistory(path), learner.history);
      await Deno.writeTextFile(path, '{"epoch":3,"step":15', { append: true }); // killed while it wrote
      const resumed = smallLearner([new Checkpoints(folder)]);
      await resumed.fit(3, { resume: true });
      assertEquals((await readHistory(path)).map(({ epoch }) => epoch), [1, 2, 3]);
      assertEquals(await readHistory(path), resumed.history);
    }));
});
