import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { ClipGradients } from "@gradus/gradus/train";
import { parabola, weightOf } from "../parabola.ts";

describe("ClipGradients", () => {
  it("bounds the norm before the step", async () => {
    const clip = new ClipGradients({ maxNorm: 0.5 });
    const learner = parabola({ callbacks: [clip] });
    await learner.fit(1);
    assertAlmostEquals(weightOf(learner).item(), 0.95, 1e-6); // 1 − 0.1 · 0.5; the norm is clipped to 1e-6
    assertEquals(clip.norm, 2);
  });

  it("bounds each element", async () => {
    const learner = parabola({ callbacks: [new ClipGradients({ maxValue: 1 })] });
    await learner.fit(1);
    assertAlmostEquals(weightOf(learner).item(), 0.9, 1e-15);
  });

  it("refuses to do nothing", () => {
    assertThrows(() => new ClipGradients({}), RangeError, "give maxNorm or maxValue");
  });
});
