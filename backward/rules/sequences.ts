/** Attention and recurrent layers. */
import { CELL_GATES, type Recurrent } from "../../core/backend/sequences.ts";
import { newZeros } from "../../core/memory/allocate.ts";
import { attentionGradients, attentionWeights, keptWeights, type Packed, unpacked } from "../../core/ops/attention.ts";
import { cat, stack } from "../../core/ops/join.ts";
import { linear } from "../../core/ops/linalg.ts";
import { narrow } from "../../core/ops/movement.ts";
import { type CellWeights, recurrenceGradients, statesBefore } from "../../core/ops/recurrent.ts";
import type { AttentionSettings, OpSettings } from "../../core/record.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { BackwardStep, Rules } from "./rule.ts";

/** The same as operations, with a matrix of all weights. */
function attentionBackward(g: Tensor, inputs: Packed, mask: Tensor | null, settings: AttentionSettings): Tensor[] {
  const [q, k, v] = unpacked(inputs);
  const p = attentionWeights(q, k, mask, settings); // [..., L, S]
  const keep = settings.dropout === null ? null : keptWeights(p.shape, p.dtype, settings.dropout);
  const dp = g.matmul(v.transpose(-2, -1)), kept = keep === null ? dp : dp.mul(keep);
  const ds = p.mul(kept.sub(kept.mul(p).sum(-1, true))).mul(settings.scale);
  const dv = (keep === null ? p : p.mul(keep)).transpose(-2, -1).matmul(g);
  const gradients = [ds.matmul(k), ds.transpose(-2, -1).matmul(q), dv];
  return settings.packed ? [stack(gradients, 0)] : gradients;
}

/** The inputs of the step, and its mask. */
function attentionInputs(step: BackwardStep<AttentionSettings>): { inputs: Packed; mask: Tensor | null } {
  const count = step.settings.packed ? 1 : 3, hasMask = step.needsInputGrad.length > count;
  const inputs = Array.from({ length: count }, (_, i) => step.input(i)) as unknown as Packed;
  return { inputs, mask: hasMask ? step.input(count) : null };
}

/** The rule of attention. */
export const attentionRules: Rules<"attention"> = {
  // y = p v with p = softmax(s), s = scale · q kᵀ + mask: dv = pᵀ g, dp = g vᵀ, ds = p ⊙ (dp − Σ dp ⊙ p), dq = scale · ds k, dk = scale · dsᵀ q
  attention: (g, step) => {
    const { inputs, mask } = attentionInputs(step), { settings, isRecorded } = step;
    const gradients = isRecorded
      ? attentionBackward(g, inputs, mask, settings)
      : attentionGradients(inputs, mask, settings, step.y, g);
    return mask === null ? gradients : [...gradients, null];
  },
};

/** The gradients of the gates before their activations, [rows, gates · hidden] as the back end has them, and of the first states. */
interface StepGradients {
  readonly dgates: Tensor;
  readonly dfirst: readonly Tensor[];
}

/** The inputs of the operation, by name. */
interface Inputs extends CellWeights {
  readonly x: Tensor;
}

function recurrentInputs(step: BackwardStep<OpSettings["recurrence"]>): Inputs {
  const bias = 3 + (step.settings.cell === "lstm" ? 2 : 1), hasBias = step.needsInputGrad.length > bias;
  const [x, weightIh, weightHh] = [step.input(0), step.input(1), step.input(2)];
  const [biasIh, biasHh] = hasBias ? [step.input(bias), step.input(bias + 1)] : [null, null];
  return { x, weightIh, weightHh, biasIh, biasHh };
}

/** The parts of a state or its gradient: h, and for an LSTM c. */
function partsOf({ cell }: Recurrent, all: Tensor): Tensor[] {
  return cell === "lstm" ? [all.select(0, 0), all.select(0, 1)] : [all];
}

/** Back through one step: the gradients of its gates, and what goes to the state past the product and to the memory before the step. */
type CellBack = (
  gates: readonly Tensor[],
  dh: Tensor,
  dc: Tensor | null,
  h: Tensor,
  c: Tensor | null,
  cNext: Tensor | null,
) => { dgates: readonly Tensor[]; dh: Tensor | null; dc: Tensor | null };

/** `1 − y²` */
const tanhSlope = (y: Tensor) => y.square().neg().add(1);
/** `y(1 − y)` */
const sigmoidSlope = (y: Tensor) => y.mul(y.neg().add(1));

/** The derivative of each cell as operations. */
const CELLS_BACK: Readonly<Record<Recurrent["cell"], CellBack>> = {
  // h = tanh(a)
  tanh: ([y], dh) => ({ dgates: [dh.mul(tanhSlope(y))], dh: null, dc: null }),
  // h = max(a, 0)
  relu: ([y], dh) => ({ dgates: [dh.mul(y.gt(0).to(y.dtype))], dh: null, dc: null }),
  // c = f · c₀ + i · g, h = o · tanh(c)
  lstm: ([i, f, g, o], dh, dc, _, c, cNext) => {
    const t = cNext!.tanh(), d = dc!.add(dh.mul(o).mul(tanhSlope(t)));
    const dgates = [
      d.mul(g).mul(sigmoidSlope(i)),
      d.mul(c!).mul(sigmoidSlope(f)),
      d.mul(i).mul(tanhSlope(g)),
      dh.mul(t).mul(sigmoidSlope(o)),
    ];
    return { dgates, dh: null, dc: d.mul(f) };
  },
  // n = tanh(a + r · p), h = n + z · (h₀ − n) with p the product of the state
  gru: ([n, r, z, p], dh, _, h) => {
    const dn = dh.mul(z.neg().add(1)).mul(tanhSlope(n));
    const dgates = [dn, dn.mul(p).mul(sigmoidSlope(r)), dh.mul(h.sub(n)).mul(sigmoidSlope(z)), dn.mul(r)];
    return { dgates, dh: dh.mul(z), dc: null };
  },
};

/** The activated gates of all steps, as the back end keeps them, from the products a of the inputs and b of the states. */
function gatesOf({ cell }: Recurrent, a: Tensor, b: Tensor): Tensor[] {
  if (cell === "lstm") {
    const [i, f, g, o] = a.add(b).chunk(4, 1);
    return [i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()];
  }
  if (cell !== "gru") return [cell === "tanh" ? a.add(b).tanh() : a.add(b).relu()];
  const [[ar, az, an], [br, bz, bn]] = [a.chunk(3, 1), b.chunk(3, 1)];
  const r = ar.add(br).sigmoid();
  return [an.add(r.mul(bn)).tanh(), r, az.add(bz).sigmoid(), bn];
}

/** The twin of `recurrenceGradients` that can be differentiated: gates from the states there are, and step after step backwards. */
function recordedGradients(d: Recurrent, g: Tensor, inputs: Inputs, states: Tensor): StepGradients {
  const { x, weightIh, weightHh, biasIh, biasHh } = inputs;
  const { batchSizes, sequences, reverse } = d, rows = x.shape[0];
  const all = partsOf(d, states), before = all.map((part) => statesBefore(d, part));
  const at = reverse ? 0 : sequences; // where the states after the steps begin
  const after = all.map((part) => narrow(part, 0, at, rows)), arriving = partsOf(d, g);
  const gates = gatesOf(
    d,
    linear(x, weightIh, biasIh, { transposed: true }),
    linear(before[0], weightHh, biasHh, { transposed: true }),
  );
  let carried = all.map((part) => narrow(part, 0, 0, sequences).mul(0)); // by sequence
  const dgates: Tensor[] = [];
  let row = reverse ? 0 : rows;
  for (let i = 0; i < batchSizes.length; i++) {
    const n = batchSizes[reverse ? i : batchSizes.length - 1 - i];
    if (!reverse) row -= n;
    const here = (v: Tensor) => narrow(v, 0, row, n);
    const [dh, dc = null] = carried.map((v, part) => narrow(v, 0, 0, n).add(narrow(arriving[part], 0, at + row, n)));
    const [h, c = null] = before.map(here);
    const back = CELLS_BACK[d.cell](gates.map(here), dh, dc, h, c, after[1] === undefined ? null : here(after[1]));
    const made = cat(d.cell === "gru" ? back.dgates.slice(1) : [...back.dgates], 1).matmul(weightHh);
    const next = [back.dh === null ? made : made.add(back.dh), ...(back.dc === null ? [] : [back.dc])];
    carried = carried.map((v, part) =>
      n === sequences ? next[part] : cat([next[part], narrow(v, 0, n, sequences - n)])
    );
    dgates.push(cat([...back.dgates], 1));
    if (reverse) row += n;
  }
  if (!reverse) dgates.reverse();
  const first = reverse ? rows : 0;
  return {
    dgates: dgates.length === 0 ? newZeros([0, CELL_GATES[d.cell].kept * d.hidden], x.dtype) : cat(dgates),
    dfirst: carried.map((v, part) => v.add(narrow(arriving[part], 0, first, sequences))),
  };
}

/** The gradients of the products of the inputs and of the states: of a GRU's gates each lacks one. */
function sides({ cell, hidden }: Recurrent, dgates: Tensor): [ofInput: Tensor, ofState: Tensor] {
  if (cell !== "gru") return [dgates, dgates];
  const ofInput = cat([narrow(dgates, 1, hidden, 2 * hidden), narrow(dgates, 1, 0, hidden)], 1);
  return [ofInput, narrow(dgates, 1, hidden, 3 * hidden)];
}

/** The rules of recurrent layers. */
export const recurrentRules: Rules<"recurrence"> = {
  // gates = x @ wᵀ + b + h₀ @ vᵀ + c at each step: dx = dgates @ w, dw = dgatesᵀ @ x, dv = dgatesᵀ @ h₀ over all steps, db = dc = Σ dgates
  recurrence: (g, step) => {
    const { settings: d, needsInputGrad: needs, y } = step;
    const inputs = recurrentInputs(step);
    const { dgates, dfirst } = step.isRecorded
      ? recordedGradients(d, g, inputs, y)
      : recurrenceGradients(d, g, inputs.weightHh, y);
    const [ofInput, ofState] = sides(d, dgates);
    const before = statesBefore(d, partsOf(d, y)[0]);
    return [
      needs[0] ? ofInput.matmul(inputs.weightIh) : null,
      needs[1] ? ofInput.t().matmul(inputs.x) : null,
      needs[2] ? ofState.t().matmul(before) : null,
      ...dfirst,
      ...(inputs.biasIh === null ? [] : [ofInput.sum(0), ofState.sum(0)]),
    ];
  },
};
