/** The products that the ladder is measured on, each with the rungs that are fast enough for it. */
import { backendName, Generator, randn, type Tensor, useBackend } from "@gradus/gradus";
import { ladder, type Rung } from "@gradus/gradus/ladder";

/** A product of [m, k] by [k, n]. */
export interface LadderCase {
  /** Rows of the left operand. */
  readonly m: number;
  /** Columns of the left operand and rows of the right one. */
  readonly k: number;
  /** Columns of the right operand. */
  readonly n: number;
  /** The first rung that takes about a second; the ones before would take minutes. */
  readonly from: string;
}

/** The documents' layer on five pictures and on the validation set, then squares. */
export const ladderCases: readonly LadderCase[] = [
  { m: 5, k: 784, n: 10, from: "01_loops" },
  { m: 10_000, k: 784, n: 50, from: "04_einsum" },
  { m: 64, k: 64, n: 64, from: "02_row_dot" },
  { m: 256, k: 256, n: 256, from: "03_broadcast" },
  { m: 512, k: 512, n: 512, from: "04_einsum" },
  { m: 1024, k: 1024, n: 1024, from: "05_flat" },
];

/** `5×784 @ 784×10` */
export function caseName({ m, k, n }: LadderCase): string {
  return `${m}×${k} @ ${k}×${n}`;
}

/** A rung and its product, ready to be timed. */
export interface Climb {
  /** The rung. */
  readonly rung: Rung;
  /** Computes the product on the back end of the rung. */
  readonly multiply: () => Tensor;
}

/** A rung that does not run on this machine. */
export interface Missing {
  /** The rung. */
  readonly rung: Rung;
  /** Why, in a sentence. */
  readonly reason: string;
}

/**
 * The rungs of a case in order, each checked against the one before it.
 *
 * @throws {Error} If two rungs disagree: a wrong product is not worth timing.
 */
export function climb(shape: LadderCase): { climbs: Climb[]; missing: Missing[] } {
  const generator = new Generator(42);
  const [a, b] = [randn([shape.m, shape.k], { generator }), randn([shape.k, shape.n], { generator })];
  const bound = flat.multiply(a.abs(), b.abs()).mul(NEAR); // [m, n]
  const [climbs, missing]: [Climb[], Missing[]] = [[], []];
  let below: Tensor | undefined;
  for (const rung of ladder.filter(({ name }) => name >= shape.from)) {
    const reason = selectBackend(rung);
    if (reason !== null) {
      missing.push({ rung, reason });
      continue;
    }
    const product = rung.multiply(a, b);
    if (below && !within(product, below, bound)) {
      throw new Error(`Cannot time ${rung.name} on ${caseName(shape)}: its product differs from the rung below`);
    }
    below = product;
    climbs.push({ rung, multiply: () => (selectBackend(rung), rung.multiply(a, b)) });
  }
  return { climbs, missing };
}

const flat = ladder.find(({ name }) => name === "05_flat")!;

/** Two sums of products may each be off by 16·ε·Σ|a||b|, the ratio that netlib's tests of BLAS allow. */
const NEAR = 2 * 16 * 2 ** -23;

function within(x: Tensor, y: Tensor, bound: Tensor): boolean {
  const [p, q, limit] = [x, y, bound].map((tensor) => tensor.contiguous().data);
  return p.every((value: number, i: number) => Math.abs(value - q[i]) <= limit[i]);
}

/** Selects the back end of a rung; returns the reason if that is not possible. */
function selectBackend(rung: Rung): string | null {
  if (backendName() === rung.backend) return null;
  try {
    useBackend(rung.backend);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
