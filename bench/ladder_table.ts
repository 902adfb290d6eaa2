/** The ladder as a table: seconds and GFLOP/s here, and the seconds that the documents report. */
import { Generator, randn, type Tensor, useBackend, zeros } from "@gradus/gradus";
import { lin, relu } from "@gradus/gradus/functional";
import reference from "../tests/reference/documents_reference.json" with { type: "json" };
import { caseName, type Climb, type LadderCase, type Missing } from "./ladder_cases.ts";
import { medianSeconds } from "./median_seconds.ts";

const [loops, rowDot, broadcast, einsum, pytorch, modelThere] = secondsIn("001");
const [loops4, pytorch4, rowDot4, broadcast4] = secondsIn("004");

/** The seconds that a document reports. */
function secondsIn(document: string): number[] {
  return Object.entries(reference).find(([key]) => key.startsWith(`${document}: seconds there`))![1] as number[];
}

/** Seconds in documents 001 and 004 for 5×784 @ 784×10; PyTorch's own product stands beside the highest rung. */
const THERE: Record<string, readonly number[]> = {
  "01_loops": [loops, loops4],
  "02_row_dot": [rowDot, rowDot4],
  "03_broadcast": [broadcast, broadcast4],
  "04_einsum": [einsum],
  "08_native": [pytorch, pytorch4],
};

/** The time of a rung on a case. */
export interface Measured {
  /** The name of the rung. */
  readonly name: string;
  /** Seconds of one product, the median. */
  readonly seconds: number;
  /** 10⁹ multiplications and additions a second: a product has 2·m·k·n. */
  readonly gflops: number;
}

/** Times the rungs of a case. */
export function measure({ m, k, n }: LadderCase, climbs: readonly Climb[]): Measured[] {
  return climbs.map(({ rung, multiply }) => {
    const seconds = medianSeconds(multiply);
    return { name: rung.name, seconds, gflops: 2 * m * k * n / seconds * 1e-9 };
  });
}

/** The table of one case. */
export function tableOf(shape: LadderCase, rows: readonly Measured[], missing: readonly Missing[]): string {
  const documents = shape.m === 5 ? "   documents 001, 004" : "";
  return [
    `${caseName(shape).padEnd(26)}       time    GFLOP/s${documents}`,
    ...rows.map(({ name, seconds, gflops }) => {
      const there = shape.m === 5 ? (THERE[name] ?? []).map(showSeconds).join(", ") : "";
      return `  ${name.padEnd(24)} ${showSeconds(seconds).padStart(10)} ${
        gflops.toPrecision(3).padStart(10)
      }   ${there}`
        .trimEnd();
    }),
    ...missing.map(({ rung, reason }) => `  ${rung.name.padEnd(24)} ${reason}`),
  ].join("\n");
}

/** A line with the time of document 001's `model(x_valid)`: linear, ReLU, linear on 10,000 pictures, on the fastest back end. */
export function modelLine(): string {
  const machine = useBackend("auto");
  const generator = new Generator(42);
  const [x, w1, w2] = [[10_000, 784], [784, 50], [50, 1]].map((shape) => randn(shape, { generator }));
  const [b1, b2] = [zeros([50]), zeros([1])];
  const model = (x: Tensor): Tensor => lin(relu(lin(x, w1, b1)), w2, b2);
  const here = showSeconds(medianSeconds(() => model(x)));
  return `model(x_valid), 10000×784-50-1, ${machine}: ${here}; document 001: ${showSeconds(modelThere)}`;
}

/** Three digits in the unit that fits: `1.35 µs`, `0.626 s`. */
export function showSeconds(seconds: number): string {
  const [scale, unit] = seconds < 1e-3 ? [1e6, "µs"] : seconds < 0.1 ? [1e3, "ms"] : [1, "s"];
  return `${(seconds * scale).toPrecision(3)} ${unit}`;
}
