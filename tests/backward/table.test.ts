/** The whole table of rules, one loop: every operation against finite differences, in every layout, and with nothing in it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { allclose, full, type Tensor, zeros } from "@gradus/gradus";
import { grad, gradcheck, gradgradcheck } from "@gradus/gradus/autograd";
import { notDifferentiable } from "../../backward/rules/rule.ts";
import { rules } from "../../backward/rules/table.ts";
import type { Sample } from "./sample.ts";
import { CHOICES, samples } from "./samples.ts";

interface Layout {
  /** A tensor of which `view` shows `x`. */
  store: (x: Tensor) => Tensor;
  view: (stored: Tensor, x: Tensor) => Tensor;
}

const reversed = (x: Tensor) => x.permute(...x.shape.map((_, d) => x.ndim - 1 - d));
const backwards = (x: Tensor) => (x.ndim === 0 ? x : x.slice(0, undefined, undefined, -1));

const LAYOUTS: Record<string, Layout> = {
  transposed: { store: (x) => reversed(x).clone(), view: reversed },
  "sliced with a step and an offset": {
    store: (x) => {
      const wide = full([...x.shape, 3], 9, { dtype: x.dtype });
      wide.select(-1, 1).copy_(x);
      return wide.flatten(Math.max(0, x.ndim - 1), -1);
    },
    view: (stored, x) => (x.ndim === 0 ? stored.select(0, 1) : stored.slice(-1, 1, undefined, 3)),
  },
  "read backwards": { store: (x) => backwards(x).clone(), view: backwards },
  "expanded from a single layer": {
    store: (x) => (x.numel() === 0 || x.ndim === 0 ? x : x.narrow(0, 0, 1)).clone(),
    view: (stored, x) => stored.expand(...x.shape),
  },
};

/** What arrives from above: out of order, or with a step of 0. */
const UPSTREAM: Record<string, (y: Tensor) => Tensor> = {
  transposed: reversed,
  expanded: (y) => y.sum(),
};

function check({ f, inputs, step }: Sample): void {
  gradcheck(f, inputs, step === undefined ? {} : { step });
}

/** The names of all the steps that `y` was made by. */
function stepsOf(y: Tensor): string[] {
  return y.node === null ? [] : [y.node.name, ...y.node.inputs.flatMap(stepsOf)];
}

/** Equal but for the order of sums, of some dozens of numbers that are about 1. */
function assertSame(a: Tensor | null, b: Tensor | null): void {
  if (a === null || b === null) return assertEquals(a, b);
  assertEquals(a.shape, b.shape);
  assert(allclose(a, b.detach(), { rtol: 1e-12, atol: 1e-12, equalNan: true }), `${a} is not ${b}`);
}

describe("rules", () => {
  for (const [op, cases] of Object.entries(samples)) {
    for (const [name, sample] of Object.entries(cases)) {
      const { f, inputs } = sample;
      const what = `${op} of ${name}`;

      it(`${what} is recorded as ${op}`, () => {
        const leaves = inputs.map((x) => x.clone().requiresGrad_());
        assert(stepsOf(f(...leaves)).includes(op));
      });

      it(`${what} agrees with finite differences to 1e-7`, () => check(sample));

      it(`${what} has gradients of its gradients that agree with finite differences to 1e-7`, () => {
        gradgradcheck(f, inputs, sample.step === undefined ? {} : { step: sample.step });
      });

      it(`${what} has the same gradients where they are recorded`, () => {
        const [plain, recorded] = [false, true].map((createGraph) => {
          const leaves = inputs.map((x) => x.clone().requiresGrad_()), y = f(...leaves);
          return grad(y, leaves, { gradOutputs: y.detach().cos(), createGraph, allowUnused: true });
        });
        plain.forEach((g, i) => assertSame(g, recorded[i]));
      });

      for (const [layout, { store, view }] of Object.entries(LAYOUTS)) {
        it(`${what}, ${layout}, agrees with finite differences to 1e-7`, () => {
          const g = (...stored: Tensor[]) => f(...stored.map((s, i) => view(s, inputs[i])));
          check({ ...sample, f: g, inputs: inputs.map(store) });
        });
      }

      for (const [layout, after] of Object.entries(UPSTREAM)) {
        it(`${what} agrees with finite differences to 1e-7 where what comes from above is ${layout}`, () => {
          check({ ...sample, f: (...x) => after(f(...x)) });
        });
      }

      const empty = sample.empty ?? inputs.map(({ shape }) => shape.map((n, d) => (d === 0 ? 0 : n)));
      if (empty.length === 0) continue;
      it(`${what} with nothing in it has gradients of 0 in the shapes of its inputs`, () => {
        const leaves = empty.map((shape) => zeros(shape, { dtype: "float64" }).requiresGrad_());
        f(...leaves).sum().backward();
        assertEquals(leaves.map((x) => x.g?.shape), leaves.map((x) => x.shape));
        assert(leaves.every((x) => x.g!.eq(0).all().item() === 1 || !empty.some((shape) => shape.includes(0))));
      });
    }
  }

  it("say of exactly those operations that choose that they have no derivative", () => {
    const none = Object.entries(rules).flatMap(([op, rule]) => (rule === notDifferentiable ? [op] : []));
    assertEquals(none.sort(), [...CHOICES].sort());
  });

  it("that are missing for an operation send no gradient through it", () => {
    const x = full([2, 3], 1).requiresGrad_();
    const chosen = [x.eq(1), x.argmax(1), x.gt(0).all()];
    assertEquals(chosen.map((y) => y.requiresGrad), [false, false, false]);
    assertThrows(() => x.eq(1).all().backward(), Error, "does not require a gradient");
  });
});
