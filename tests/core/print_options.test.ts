import { assert, assertEquals, assertThrows } from "@std/assert";
import { afterEach, describe, it } from "../bdd.ts";
import { type PrintSettings, setPrintOptions } from "@gradus/gradus";
import { formatTensor } from "../../core/format.ts";
import { arange, int, lines, printable } from "./printable.ts";
import { unknownOption } from "../wording.ts";

afterEach(() => setPrintOptions({ profile: "default" }));

describe("setPrintOptions()", () => {
  it("setPrintOptions() sets the width of a line, which always holds one number", () => {
    setPrintOptions({ lineWidth: 40 });
    assertEquals(
      formatTensor(printable(arange(10).map((i) => i / 3))),
      lines(
        "tensor([0.0000, 0.3333, 0.6667, 1.0000,",
        "        1.3333, 1.6667, 2.0000, 2.3333,",
        "        2.6667, 3.0000])",
      ),
    );
    setPrintOptions({ lineWidth: 1 });
    assertEquals(formatTensor(int([0, 1])), lines("tensor([0,", "        1])"));
  });

  it("setPrintOptions() sets the threshold and the edge items", () => {
    setPrintOptions({ threshold: 4, edgeItems: 1 });
    assertEquals(formatTensor(int(arange(4))), "tensor([0, 1, 2, 3])");
    assertEquals(formatTensor(int(arange(8))), "tensor([0,  ..., 7])");
  });

  it("setPrintOptions() forces powers of ten, except where nothing but zeros and NaN stands", () => {
    setPrintOptions({ sciMode: true });
    assertEquals(formatTensor(printable([1.5, 2])), "tensor([1.5000e+00, 2.0000e+00])");
    assertEquals(formatTensor(printable([0, NaN])), "tensor([0., nan])");
  });

  it("setPrintOptions() forbids powers of ten, however large the number", () => {
    setPrintOptions({ sciMode: false });
    assertEquals(
      formatTensor(printable([1e-5, 1, 1e5])),
      "tensor([    0.0000,     1.0000, 100000.0000])",
    );
    assertEquals(formatTensor(printable([1e22], [1], "float64")), "tensor([10000000000000000000000.], dtype=float64)");
  });

  it("setPrintOptions() with null decides about powers of ten by size again", () => {
    setPrintOptions({ sciMode: true });
    setPrintOptions({ sciMode: null });
    assertEquals(formatTensor(printable([1.5])), "tensor([1.5000])");
  });

  it("setPrintOptions() knows the short profile", () => {
    setPrintOptions({ profile: "short" });
    assertEquals(
      formatTensor(printable(arange(1001).map((i) => i / 8))),
      "tensor([  0.00,   0.12,  ..., 124.88, 125.00])",
    );
  });

  it("setPrintOptions() knows the full profile, which leaves nothing out", () => {
    setPrintOptions({ profile: "full" });
    assert(!formatTensor(int(arange(5000))).includes("..."));
  });

  it("setPrintOptions() keeps what it does not name, and lets a name go before its profile", () => {
    setPrintOptions({ precision: 1 });
    setPrintOptions({ lineWidth: 100 });
    assertEquals(formatTensor(printable([0.5])), "tensor([0.5])");
    setPrintOptions({ profile: "short", precision: 3 });
    assertEquals(formatTensor(printable([0.5])), "tensor([0.500])");
  });

  const wrong: [PrintSettings, string][] = [
    [{ precision: -1 }, "precision -1"],
    [{ precision: 99 }, "precision 99"],
    [{ precision: 1.5 }, "precision 1.5"],
    [{ threshold: NaN }, "threshold NaN"],
    [{ edgeItems: 0 }, "edgeItems 0"],
    [{ lineWidth: 0 }, "lineWidth 0"],
  ];
  for (const [settings, found] of wrong) {
    it(`setPrintOptions() refuses ${found} and changes nothing`, () => {
      assertThrows(() => setPrintOptions({ sciMode: true, ...settings }), RangeError, `Cannot print with ${found}`);
      assertEquals(formatTensor(printable([0.5])), "tensor([0.5000])");
    });
  }

  it("setPrintOptions() refuses a name it does not know, and lists those it knows", () => {
    const known = ["precision", "threshold", "edgeItems", "lineWidth", "sciMode", "profile"];
    assertThrows(
      () => setPrintOptions({ precison: 1 } as PrintSettings),
      TypeError,
      unknownOption("precison", ...known),
    );
    const profile = "long" as "full";
    assertThrows(
      () => setPrintOptions({ profile }),
      TypeError,
      'profile "long": the profiles are default, short, full',
    );
  });

  it("setPrintOptions() takes the largest precision", () => {
    setPrintOptions({ precision: 98 });
    assertEquals(formatTensor(printable([0.5])), `tensor([0.5${"0".repeat(97)}])`);
  });
});
