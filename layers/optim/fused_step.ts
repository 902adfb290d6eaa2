/** One step over all parameters of a group in a single call of the back end. */
import { UPDATE_SETTINGS, type UpdateKind, type UpdateSetting, type UpdateSlot } from "../../core/backend/backend.ts";
import { backend } from "../../core/backend/choose.ts";
import { newZeros, scalar } from "../../core/memory/allocate.ts";
import { peekGradient } from "../../core/gradient_slot.ts";
import { isRowMajor, sameShape, sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { ParameterState } from "./state_dict.ts";

/** An optimiser's step as the back end takes it. */
export interface FusedStep {
  /** The rule. */
  readonly kind: UpdateKind;
  /** The tensors that are kept for a parameter, by PyTorch's names, in the order of the rule. */
  readonly memory: readonly string[];
  /** Whether it also counts the steps of each parameter. */
  readonly counted: boolean;
  /** The settings of the rule; those that are left out are 0. */
  readonly settings: Partial<Record<UpdateSetting, number>>;
}

const settingsArray = new Float64Array(Object.keys(UPDATE_SETTINGS).length);

/**
 * Updates `parameters` as `step` says and returns `true`; or changes nothing and returns `false` where they have taken different
 * numbers of steps, or one is a view of part of its memory. Give the same array of `slots` at each
 * step: the back end keeps a table of addresses for it.
 */
export function fusedStep(
  parameters: readonly Tensor[],
  state: Map<Tensor, ParameterState>,
  step: FusedStep,
  slots: UpdateSlot[],
): boolean {
  const taken = stepsTaken(parameters, state, step);
  if (taken === null || !parameters.every((p) => isWhole(p) && fits(p, peekGradient(p)!))) return false;
  slots.length = parameters.length;
  parameters.forEach((p, i) => (slots[i] = slotOf(p, memoryOf(p, state, step), step)));
  settingsArray.fill(0);
  for (const [name, value] of Object.entries(step.settings)) {
    settingsArray[UPDATE_SETTINGS[name as UpdateSetting]] = value;
  }
  settingsArray[UPDATE_SETTINGS.step] = taken + 1;
  backend().update(step.kind, settingsArray, slots);
  for (const p of parameters) p.version.count++;
  return true;
}

/** How many steps the parameters have taken, or `null` where they differ. */
function stepsTaken(
  parameters: readonly Tensor[],
  state: ReadonlyMap<Tensor, ParameterState>,
  { memory, counted }: FusedStep,
): number | null {
  let common: number | null = null;
  for (const p of parameters) {
    const known = state.get(p);
    const started = known !== undefined && memory.every((name) => known[name] !== undefined && isWhole(known[name]));
    const taken = started ? (counted ? known.step.item() : 1) : 0;
    if (common !== null && taken !== common) return null;
    common = taken;
  }
  return common;
}

function memoryOf(p: Tensor, state: Map<Tensor, ParameterState>, { memory, counted }: FusedStep): ParameterState {
  const known = state.get(p) ?? {};
  if (counted) (known.step ??= scalar(0, "int32")).data[0]++;
  for (const name of memory) known[name] ??= newZeros(p.shape, p.dtype);
  if (memory.length > 0) state.set(p, known);
  return known;
}

function slotOf(p: Tensor, known: ParameterState, { memory: [m, v] }: FusedStep): UpdateSlot {
  return {
    p: p.data,
    g: peekGradient(p)!.data,
    m: m === undefined ? null : known[m].data,
    v: v === undefined ? null : known[v].data,
  };
}

function fits(p: Tensor, g: Tensor): boolean {
  return g.dtype === p.dtype && sameShape(g.shape, p.shape) && isWhole(g);
}

/** Whether the tensor is all of its memory, in row-major order. */
function isWhole(x: Tensor): boolean {
  return x.offset === 0 && x.data.length === sizeOf(x.shape) && isRowMajor(x.shape, x.strides);
}
