import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type Tensor, tensor } from "@gradus/gradus";
import * as optim from "@gradus/gradus/optim";
import { BACKENDS, onBackend } from "../../course_reference.ts";

const start = () => tensor([[-1.2], [1]], { dtype: "float64" }).requiresGrad_();

/** Rosenbrock's valley, whose minimum is 0, at (1, 1). */
function valley(optimizer: optim.LBFGS, p: Tensor): () => Tensor {
  return () => {
    optimizer.zeroGrad();
    const [a, b] = p.flatten().unbind();
    const loss = a.neg().add(1).square().add(b.sub(a.square()).square().mul(100));
    loss.backward();
    return loss;
  };
}

describe("LBFGS", () => {
  for (const name of BACKENDS) {
    it(`finds the end of Rosenbrock's valley with a line search (${name})`, () => {
      onBackend(name, () => {
        const p = start();
        const optimizer = new optim.LBFGS([p], { maxIter: 60, toleranceChange: 1e-14, lineSearchFn: "strong_wolfe" });
        const before = optimizer.step(valley(optimizer, p)).item();
        assertLess(Math.abs(before - 24.2), 1e-12);
        assertLess(p.sub(1).abs().max().item(), 1e-5);
      });
    });
  }

  it("goes on with the same bits from its state", () => {
    const options = { maxIter: 3, maxEval: 100, historySize: 2, lineSearchFn: "strong_wolfe" } as const;
    const p = start();
    const a = new optim.LBFGS([p], options);
    for (let step = 0; step < 3; step++) a.step(valley(a, p));
    const q = p.detach().clone().requiresGrad_();
    const b = new optim.LBFGS([q], options);
    b.loadStateDict(a.stateDict());
    a.step(valley(a, p));
    b.step(valley(b, q));
    assertEquals(q.toArray(), p.toArray());
    const { state } = a.stateDict();
    assertEquals([state[0].n_iter.item(), state[0].old_dirs.shape], [12, [2, 2]]);
    const names = [
      "H_diag",
      "d",
      "func_evals",
      "n_iter",
      "old_dirs",
      "old_stps",
      "prev_flat_grad",
      "prev_loss",
      "ro",
      "t",
    ];
    assertEquals(Object.keys(state[0]).sort(), names);
  });

  it("leaves the parameters alone where the gradient is 0", () => {
    const p = tensor([[1], [1]], { dtype: "float64" }).requiresGrad_();
    const optimizer = new optim.LBFGS([p]);
    optimizer.step(valley(optimizer, p));
    assertEquals([p.toArray(), optimizer.stateDict().state], [[[1], [1]], {}]);
  });

  it("refuses a step without a closure, several groups, and settings that it has not", () => {
    const optimizer = new optim.LBFGS([start()]);
    assertThrows(
      () => optimizer.step(),
      TypeError,
      "Cannot step with undefined: LBFGS measures the loss several times",
    );
    assertThrows(() => optimizer.addParamGroup({ params: [start()] }), RangeError, "LBFGS has one for all parameters");
    assertThrows(() => new optim.LBFGS([start()], { weightDecay: 0.1 } as never), TypeError, "weightDecay");
    assertThrows(() => new optim.LBFGS([start()], { lineSearchFn: "armijo" as never }), TypeError, "armijo");
    assertThrows(() => new optim.LBFGS([start()], { maxIter: 0 }), RangeError, "Cannot set maxIter to 0");
  });

  it("refuses the state of other parameters, and changes nothing", () => {
    const p = start();
    const a = new optim.LBFGS([p]);
    a.step(valley(a, p));
    const b = new optim.LBFGS([tensor([1]).requiresGrad_()], { lr: 0.5 });
    assertThrows(() => b.loadStateDict(a.stateDict()), RangeError, "is not that of 1 parameters");
    assertEquals([b.paramGroups[0].lr, b.stateDict().state], [0.5, {}]);
  });
});
