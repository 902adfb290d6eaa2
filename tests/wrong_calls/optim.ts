/** Wrong calls of `optim`. */
import { optim } from "@gradus/gradus";
import { type Cases, NEITHER, optimizer, sgd, y } from "./cases.ts";

export const OPTIM: Record<string, Cases | typeof NEITHER> = {
  ASGD: optimizer((p, o) => new optim.ASGD(p, o)),
  Adadelta: optimizer((p, o) => new optim.Adadelta(p, o)),
  Adagrad: optimizer((p, o) => new optim.Adagrad(p, o)),
  Adamax: optimizer((p, o) => new optim.Adamax(p, o)),
  LBFGS: {
    options: [["max_iter", "maxIter", (o) => new optim.LBFGS([y], o)]],
    tensors: [(p) => new optim.LBFGS([p]), (wrong) => new optim.LBFGS([y]).step(() => wrong)],
  },
  NAdam: optimizer((p, o) => new optim.NAdam(p, o)),
  RAdam: optimizer((p, o) => new optim.RAdam(p, o)),
  Rprop: {
    options: [["step_sizes", "stepSizes", (o) => new optim.Rprop([y], o)]],
    tensors: [(p) => new optim.Rprop([p]), (p) => new optim.Rprop([{ params: [p] }])],
  },
  Adam: optimizer((p, o) => new optim.Adam(p, o)),
  AdamW: optimizer((p, o) => new optim.AdamW(p, o)),
  Momentum: optimizer((p, o) => new optim.Momentum(p, o)),
  RMSprop: optimizer((p, o) => new optim.RMSprop(p, o)),
  SGD: optimizer((p, o) => new optim.SGD(p, o)),
  Optimizer: {
    options: [["learning_rate", "lr", (o) => sgd().addParamGroup({ params: [y], ...o })]],
    tensors: [(p) => sgd().addParamGroup({ params: [p] })],
  },
  ConstantLR: { options: [["total_iters", "totalIters", (o) => new optim.ConstantLR(sgd(), o)]] },
  CosineAnnealingWarmRestarts: {
    options: [["T_mult", "tMult", (o) => new optim.CosineAnnealingWarmRestarts(sgd(), { t0: 2, ...o })]],
  },
  CyclicLR: {
    options: [["step_size_up", "stepSizeUp", (o) => new optim.CyclicLR(sgd(), { baseLr: 1, maxLr: 2, ...o })]],
  },
  LambdaLR: { options: [["lr_lambda", "lrLambda", (o) => new optim.LambdaLR(sgd(), { lrLambda: () => 1, ...o })]] },
  MultiStepLR: {
    options: [["mile_stones", "milestones", (o) => new optim.MultiStepLR(sgd(), { milestones: [1], ...o })]],
  },
  PolynomialLR: { options: [["total_iters", "totalIters", (o) => new optim.PolynomialLR(sgd(), o)]] },
  ReduceLROnPlateau: { options: [["min_lr", "minLr", (o) => new optim.ReduceLROnPlateau(sgd(), o)]] },
  SequentialLR: {
    options: [[
      "mile_stones",
      "milestones",
      (o) => {
        const optimizer = sgd();
        return new optim.SequentialLR(optimizer, {
          schedulers: [new optim.ConstantLR(optimizer)],
          milestones: [],
          ...o,
        });
      },
    ]],
  },
  CosineAnnealingLR: { options: [["eta_min", "etaMin", (o) => new optim.CosineAnnealingLR(sgd(), { tMax: 2, ...o })]] },
  ExponentialLR: { options: [["Gamma", "gamma", (o) => new optim.ExponentialLR(sgd(), { gamma: 1, ...o })]] },
  LinearLR: { options: [["start_factor", "startFactor", (o) => new optim.LinearLR(sgd(), o)]] },
  OneCycleLR: {
    options: [["max_lr", "maxLr", (o) => new optim.OneCycleLR(sgd(), { maxLr: 1, totalSteps: 2, ...o })]],
  },
  StepLR: { options: [["step_size", "stepSize", (o) => new optim.StepLR(sgd(), { stepSize: 1, ...o })]] },
  Scheduler: NEITHER,
  clipGradNorm: {
    options: [["norm_type", "normType", (o) => optim.clipGradNorm([y], 1, o)]],
    tensors: [(p) => optim.clipGradNorm([p], 1)],
  },
  clipGradValue: { tensors: [(p) => optim.clipGradValue([p], 1)] },
};
