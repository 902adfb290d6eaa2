/** The state of an optimiser in PyTorch's layout: numbered parameters, their state, and the settings of each group. */
import { sameShape, show } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
import { LATER_SETTINGS, OPTIONAL_SETTINGS, strangeSetting, toCamelCase, toSnakeCase } from "./settings.ts";

/** What an optimiser keeps for one parameter, by PyTorch's names: `momentum_buffer`, `exp_avg`, `step`, … */
export type ParameterState = Record<string, Tensor>;

/** A saved group: its settings by PyTorch's names, and the numbers of its parameters. */
export type SavedGroup = Record<string, unknown> & {
  /** The numbers of its parameters, which are counted over all groups. */
  params: number[];
};

/** Everything that an optimiser needs to continue. */
export interface OptimizerStateDict {
  /** The state of each parameter, by its number; absent for a parameter that was never updated. */
  state: Record<number, ParameterState>;
  /** The settings of each group, and which parameters it has. */
  param_groups: SavedGroup[];
}

/** What is a single number, whatever the parameter's shape. */
const SINGLE = ["step", "mu_product", "eta", "mu"];

interface Group {
  params: Tensor[];
}

/** The state of the groups, the tensors shared. */
export function saveState<G extends Group>(
  groups: readonly G[],
  remembered: (p: Tensor, group: G) => ParameterState,
): OptimizerStateDict {
  const all = groups.flatMap((group) => group.params.map((p): [Tensor, G] => [p, group]));
  const numbers = new Map(all.map(([p], i) => [p, i]));
  const state = all.map(([p, group]) => ({ ...remembered(p, group) }));
  return {
    state: Object.fromEntries(state.flatMap((parts, i) => (Object.keys(parts).length > 0 ? [[i, parts]] : []))),
    param_groups: groups.map(({ params, ...settings }) => ({
      ...toSnakeCase(settings),
      params: params.map((p) => numbers.get(p)!),
    })),
  };
}

/** The settings of each group and the state of each parameter, checked and copied; changes nothing. */
export function loadState(
  saved: OptimizerStateDict,
  groups: readonly Group[],
): { settings: Record<string, unknown>[]; state: Map<Tensor, ParameterState> } {
  requireLayout(saved);
  if (saved.param_groups.length !== groups.length) {
    throw new RangeError(
      `Cannot load the state: it has ${saved.param_groups.length} parameter groups, the optimiser has ${groups.length}`,
    );
  }
  const state = new Map<Tensor, ParameterState>();
  const settings = saved.param_groups.map(({ params: numbers, ...own }, i) => {
    const { params, ...present } = groups[i];
    if (numbers.length !== params.length) {
      throw new RangeError(
        `Cannot load the state: its group ${i} has ${numbers.length} parameters, the optimiser's has ${params.length}`,
      );
    }
    params.forEach((p, j) => {
      const parts = saved.state[numbers[j]];
      if (parts !== undefined) state.set(p, copied(parts, p, numbers[j]));
    });
    return sameSettings(toCamelCase(own), present, i);
  });
  return { settings, state };
}

function requireLayout(saved: Partial<OptimizerStateDict>): void {
  if (!isRecord(saved) || !Array.isArray(saved.param_groups) || !isRecord(saved.state)) {
    const found = isRecord(saved) ? `an object with [${Object.keys(saved).join(", ")}]` : `${saved}`;
    throw new TypeError(
      `Cannot load the state: expected { state, param_groups }, as from an optimiser's stateDict(), found ${found}`,
    );
  }
  const group = saved.param_groups.findIndex((group) => !isRecord(group) || !isNumbered(group.params));
  if (group >= 0) throw new TypeError(`Cannot load the state: its group ${group} has no params, a list of numbers`);
  for (const [number, parts] of Object.entries(saved.state)) {
    if (isRecord(parts) && Object.values(parts).every((part) => part instanceof Tensor)) continue;
    throw new TypeError(
      `Cannot load the state of parameter ${number}: what is remembered of it must be tensors by name`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isNumbered(params: unknown): boolean {
  return Array.isArray(params) && params.every(Number.isInteger);
}

/** Missing and unknown settings are reported together. */
function sameSettings(own: Record<string, unknown>, present: object, group: number): Record<string, unknown> {
  const absent = (from: object) => (name: string) => !Object.hasOwn(from, name) && !OPTIONAL_SETTINGS.includes(name);
  const missing = Object.keys(present).filter(absent({ ...own, ...LATER_SETTINGS }));
  const unknown = Object.keys(own).filter(absent(present));
  if (missing.length + unknown.length === 0) {
    return sameKinds({ ...knownLater(present), ...own }, { initialLr: 0, ...present }, group);
  }
  throw new RangeError(
    `Cannot load the state of group ${group}: missing settings [${missing.join(", ")}], unknown settings [${
      unknown.join(", ")
    }]`,
  );
}

/** The settings that states of earlier versions lack, with the values by which those versions went. */
function knownLater(present: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(LATER_SETTINGS).filter(([name]) => Object.hasOwn(present, name)));
}

function sameKinds(
  own: Record<string, unknown>,
  present: Record<string, unknown>,
  group: number,
): Record<string, unknown> {
  const strange = strangeSetting(own, present);
  if (strange === undefined) return own;
  throw new TypeError(
    `Cannot load the state of group ${group}: ${strange} is ${JSON.stringify(own[strange])}, expected such as ${
      JSON.stringify(present[strange])
    }`,
  );
}

function copied(parts: ParameterState, p: Tensor, number: number): ParameterState {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => {
      const counts = SINGLE.includes(name);
      const fits = counts ? part.numel() === 1 : sameShape(part.shape, p.shape);
      if (fits) return [name, part.detach().to(counts ? part.dtype : p.dtype).clone()];
      throw new RangeError(
        `Cannot load the state of parameter ${number}: its ${name} has shape ${show(part.shape)}, ` +
          `${counts ? "expected a single number" : `the parameter has ${show(p.shape)}`}`,
      );
    }),
  );
}
