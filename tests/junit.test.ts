import { assertEquals } from "@std/assert";
import { describe, it } from "./bdd.ts";
import { countRun, countTests, failedTests, summary } from "../.ci/junit.ts";

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

describe("failedTests()", () => {
  it("names file and test, and says what was said as it was written", () => {
    const failure = '<failure message="short">AssertionError: 1 &lt; 2\n    at &quot;x&quot;&#10;  end</failure>';
    const report = `<testcase name="a &gt; b" classname="./x.test.ts">${failure}</testcase>` +
      '<testcase name="a" classname="./x.test.ts"><failure message="1 test step failed"/></testcase>';
    assertEquals(failedTests(report), ['./x.test.ts => a > b\n  AssertionError: 1 < 2\n      at "x"\n  end']);
  });
  it("takes the message where nothing else was said, and is empty where nothing failed", () => {
    assertEquals(failedTests('<testcase name="a" classname="x"><error message="no"/></testcase>'), ["x => a\n  no"]);
    assertEquals(failedTests('<testcase name="a"></testcase>'), []);
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
