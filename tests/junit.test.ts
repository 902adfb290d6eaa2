import { assertEquals } from "@std/assert";
import { describe, it } from "./bdd.ts";
import { countRun, countTests, summary } from "../.ci/junit.ts";

const REPORT = '<testcase name="a">\n</testcase><testcase name="b"><failure message="no">x</failure></testcase>' +
  '<testcase name="c"><skipped/></testcase>';

describe("countTests()", () => {
  it("tells passed, failed and skipped tests apart", () => {
    assertEquals(countTests(REPORT), { passed: 1, failed: 1, skipped: 1 });
  });
  const group = (step: string, all: string) =>
    `<testcase name="a &gt; b">${step}</testcase><testcase name="a &gt; c"></testcase><testcase name="a">${all}</testcase>`;
  it("counts the steps of a test, and not the test as well", () => {
    assertEquals(countTests(group("", "")), { passed: 2, failed: 0, skipped: 0 });
    assertEquals(countTests(group("<failure/>", "<failure/>")), { passed: 1, failed: 1, skipped: 0 });
  });
  it("counts a test that failed though none of its steps did", () => {
    assertEquals(countTests(group("", "<failure/>")), { passed: 2, failed: 1, skipped: 0 });
  });
});

describe("countRun()", () => {
  it("counts a crash without a report as one failure", () => {
    assertEquals(countRun(1, null), { passed: 0, failed: 1, skipped: 0 });
  });
  it("counts a non-zero exit without a failed test as one failure", () => {
    assertEquals(countRun(1, '<testcase name="a">\n</testcase>'), { passed: 1, failed: 1, skipped: 0 });
  });
  it("counts a run in which nothing ran as one failure", () => {
    assertEquals(countRun(0, "<testsuites></testsuites>"), { passed: 0, failed: 1, skipped: 0 });
  });
  it("adds nothing to a run whose failures were reported", () => {
    assertEquals(countRun(1, REPORT), { passed: 1, failed: 1, skipped: 1 });
  });
});

describe("summary()", () => {
  it("names skipped tests only where there are any", () => {
    assertEquals(summary({ passed: 2, failed: 0, skipped: 0 }), "2 passed, 0 failed");
    assertEquals(summary({ passed: 2, failed: 1, skipped: 3 }), "2 passed, 1 failed, 3 skipped");
  });
});
