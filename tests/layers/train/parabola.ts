import { noGrad, type Tensor, tensor } from "@gradus/gradus";
import { Learner, type LearnerOptions } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";

/** The loss is w² for the one weight w, which begins at 1: each step of rate γ multiplies w by 1 − 2γ. */
export function parabola(options: Partial<LearnerOptions> = {}, lr = 0.1): Learner {
  const model = new nn.Linear(1, 1, { bias: false, dtype: "float64" });
  noGrad(() => model.weight.fill_(1));
  const one = tensor([[1]], { dtype: "float64" });
  return new Learner({
    model,
    optimizer: new optim.SGD(model.parameters(), { lr }),
    loss: (prediction) => prediction.mul(prediction).sum(),
    data: { train: [[one, one]] },
    ...options,
  });
}

/** The weight w. */
export const weightOf = ({ model }: Learner): Tensor => model.parameters()[0];
