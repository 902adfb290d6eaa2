/** Stochastic gradient descent with PyTorch's momentum (SGD), fast.ai's (Momentum), or the average of its places (ASGD). */
import { scalar } from "../../core/memory/allocate.ts";
import type { Tensor } from "../../core/tensor.ts";
import { follow, type FusedStep, Optimizer, type Params, withPenalty, zerosLike } from "./optimizer.ts";
import { type GroupSettings, requireWithin } from "./settings.ts";
import type { ParameterState } from "./state_dict.ts";

/** The settings of {@linkcode SGD}. */
export interface SGDSettings extends GroupSettings {
  /** The momentum μ: the part of the last step that is repeated. */
  momentum: number;
  /** The dampening τ: the part of the gradient that is left out of the momentum buffer. */
  dampening: number;
  /** Whether to use Nesterov's momentum, which adds the gradient to the step once more. */
  nesterov: boolean;
}

const SGD_DEFAULTS: SGDSettings = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

/**
 * Stochastic gradient descent as in PyTorch: `g ← g + λθ`, `b ← μb + (1 − τ)g` (`b ← g` at first), `θ ← θ − γb`, and with
 * Nesterov's momentum `θ ← θ − γ(g + μb)`. Without momentum it is the documents' `p −= lr·g`.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([1, 2]).requiresGrad_();
 * const optimizer = new optim.SGD([w], { lr: 0.25 });
 * w.mul(w).sum().backward();
 * optimizer.step();
 * optimizer.zeroGrad();
 * assertEquals(w.toArray(), [0.5, 1]);
 * ```
 */
export class SGD extends Optimizer<SGDSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range, or Nesterov's momentum is wanted without momentum or with dampening.
   */
  constructor(params: Params<SGDSettings>, options: Partial<SGDSettings> = {}) {
    super(params, SGD_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<SGDSettings>): void {
    super.check(settings);
    requireWithin(settings, ["momentum"], 0);
    const { nesterov, momentum, dampening } = settings;
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError(
        `Cannot use Nesterov's momentum with momentum ${momentum} and dampening ${dampening}: ` +
          `it needs a momentum above 0 and no dampening`,
      );
    }
  }

  /** @internal */
  protected override fusedStep(settings: Readonly<SGDSettings>): FusedStep {
    const { lr, momentum, dampening, nesterov, weightDecay, maximize } = settings;
    return {
      kind: "sgd",
      memory: momentum === 0 ? [] : ["momentum_buffer"],
      counted: false,
      settings: { lr, momentum, dampening, nesterov: Number(nesterov), weightDecay, maximize: Number(maximize) },
    };
  }

  /** `θ ← θ − γb`, or `θ ← θ − γ(g + μb)` with Nesterov's momentum. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<SGDSettings>): void {
    const { lr, momentum, dampening, nesterov, weightDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    if (momentum !== 0) {
      const first = state.momentum_buffer === undefined;
      const b = state.momentum_buffer ??= g.clone();
      if (!first) b.mul_(momentum).add_(g.mul(1 - dampening));
      g = nesterov ? g.add(b.mul(momentum)) : b;
    }
    p.sub_(g.mul(lr));
  }
}

// fast.ai's momentum, which is an average of gradients and not a sum.

/** The settings of {@linkcode Momentum}. */
export interface MomentumSettings extends GroupSettings {
  /** The decay rate β of the average. */
  momentum: number;
}

const MOMENTUM_DEFAULTS: MomentumSettings = { lr: 1e-3, momentum: 0.9, weightDecay: 0, maximize: false };

/**
 * Momentum as fast.ai's miniai has it: an average of gradients that begins at 0, `a ← βa + (1 − β)g`, and `θ ← θ − γa`
 * after `θ ← θ(1 − γλ)`. PyTorch's momentum, in {@linkcode SGD}, sums instead: its steps are `1 / (1 − β)` times as long.
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([1]).requiresGrad_();
 * const optimizer = new optim.Momentum([w], { lr: 0.5, momentum: 0.5 });
 * w.mul(2).sum().backward();
 * optimizer.step();
 * assertEquals(w.toArray(), [0.5]); // 1 − 0.5 · (0.5 · 2)
 * ```
 */
export class Momentum extends Optimizer<MomentumSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<MomentumSettings>, options: Partial<MomentumSettings> = {}) {
    super(params, MOMENTUM_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<MomentumSettings>): void {
    super.check(settings);
    requireWithin(settings, ["momentum"], 0, 1);
  }

  /** `a ← βa + (1 − β)g`, `θ ← θ − γa`. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<MomentumSettings>): void {
    const { lr, momentum, weightDecay } = settings;
    if (weightDecay !== 0) p.mul_(1 - lr * weightDecay);
    const average = follow(state.grad_avg ??= zerosLike(p), g, momentum);
    p.sub_(average.mul(lr));
  }
}

// ASGD: plain steps, and beside them the average of where they led.

/** The settings of {@linkcode ASGD}. */
export interface ASGDSettings extends GroupSettings {
  /** The decay λ of the parameters, in units of the learning rate. */
  lambd: number;
  /** The power by which the learning rate falls. */
  alpha: number;
  /** The step from which the average counts all alike; until then it is the present parameter. */
  t0: number;
}

const ASGD_DEFAULTS: ASGDSettings = { lr: 0.01, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false };

/**
 * Averaged stochastic gradient descent: `g ← g + wθ` (`w` the weight decay), `θ ← θ(1 − λη) − ηg`, `η ← γ / (1 + λγt)^α`, and the
 * average `a ← a + (θ − a) / max(1, t − t₀)`, which is kept as `ax` in the state (Polyak & Juditsky, 1992).
 *
 * @example
 * ```ts
 * import { optim, tensor } from "@gradus/gradus";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = tensor([1], { dtype: "float64" }).requiresGrad_();
 * const optimizer = new optim.ASGD([w], { lr: 0.1, lambd: 0 });
 * w.mul(w).sum().backward();
 * optimizer.step();
 * assertAlmostEquals(w.item(), 0.8);
 * assertAlmostEquals(optimizer.stateDict().state[0].ax.item(), 0.8);
 * ```
 */
export class ASGD extends Optimizer<ASGDSettings> {
  /**
   * An optimiser of the given parameters.
   *
   * @throws {RangeError} If a setting is out of its range.
   */
  constructor(params: Params<ASGDSettings>, options: Partial<ASGDSettings> = {}) {
    super(params, ASGD_DEFAULTS, options);
  }

  /** Refuses settings out of their range. */
  protected override check(settings: Readonly<ASGDSettings>): void {
    super.check(settings);
    requireWithin(settings, ["lambd", "alpha", "t0"], 0);
  }

  /** `θ ← θ(1 − λη) − ηg`, and the average. */
  protected override update(p: Tensor, g: Tensor, state: ParameterState, settings: Readonly<ASGDSettings>): void {
    const { lr, lambd, alpha, t0, weightDecay } = settings;
    g = withPenalty(g, p, weightDecay);
    const t = (state.step ??= scalar(0, "int32")).add_(1).item();
    const eta = state.eta ??= scalar(lr, p.dtype);
    const mu = state.mu ??= scalar(1, p.dtype);
    p.mul_(1 - lambd * eta.item()).sub_(g.mul(eta.item()));
    const average = state.ax ??= zerosLike(p);
    average.add_(p.sub(average).mul_(mu.item()));
    eta.fill_(lr / (1 + lambd * lr * t) ** alpha);
    mu.fill_(1 / Math.max(1, t - t0));
  }
}
