/** What PyTorch answered for the course: `reference/course_reference.json`, whose `how` says how a case is read. */
import { assert, assertEquals } from "@std/assert";
import { it } from "./bdd.ts";
import { backendName, defaultGenerator, manualSeed, rand, type Tensor, useBackend } from "@gradus/gradus";
import type { AnyModule } from "@gradus/gradus/nn";
import { backendNamed } from "../core/backend/choose.ts";
import reference from "./reference/course_reference.json" with { type: "json" };

/** Numbers as JSON holds them: those that it lacks are texts. */
export type Numbers = number | "nan" | "inf" | "-inf" | Numbers[];

/** One case: a call, what is drawn for it, and what came of it. */
export interface CourseCase {
  /** The call in PyTorch's words. */
  call: string;
  seed: number;
  /** The shapes of the inputs. */
  draw: number[][];
  /** The result, or several; `null` where all of them are integers. */
  y: Numbers | null;
  /** Results that are integers. */
  integers?: Numbers;
  /** The gradient of each input. */
  grads?: (Numbers | null)[];
  /** The first values of each parameter's gradient, and of each parameter. */
  parameter_grads?: Record<string, Numbers>;
  weights?: Record<string, Numbers>;
  /** The buffers after the call. */
  buffers?: Record<string, Numbers>;
}

/** The sections whose cases are calls. */
export type CourseSection = "conv" | "pool" | "resize" | "norm" | "recurrent" | "attention" | "tensor_api";

/** The cases of a section. */
export function courseCases(section: CourseSection): CourseCase[] {
  return reference[section] as unknown as CourseCase[];
}

/** What is drawn: `manual_seed(0); Conv2d(1, 2, 3): [weight, bias]` and the like. */
export const courseRandom = reference.random as unknown as Readonly<Record<string, Numbers>>;

/** The runs: losses and accuracies by the name of each. */
export const courseRuns = reference.runs as unknown as Readonly<Record<string, Record<string, Numbers>>>;

/** The cases of gradients of gradients: `dx` is that of the first input, `d2` those of `Σ dx²` by all of them. */
export const courseSecondOrder = reference.second_order as unknown as readonly (Omit<CourseCase, "grads"> & {
  dx: Numbers;
  d2: (Numbers | null)[];
})[];

/** Jacobians, Hessians and their products, by their calls. */
export const courseFunctional = reference.functional as unknown as Readonly<Record<string, Numbers>>;

/** Five steps of each optimiser, and the learning rates of each schedule, by PyTorch's calls. */
export const courseOptim = reference.optim as unknown as Readonly<Record<string, Numbers | string>>;
export const courseSchedule = reference.schedule as unknown as Readonly<Record<string, Numbers | string>>;

/** A call of ours in the place of PyTorch's. */
export type CourseCall = (...inputs: Tensor[]) => Tensor | Tensor[];

/** A module of ours in the place of PyTorch's, in the dtype that it is asked for. */
export type CourseModule = (dtype: "float32" | "float64") => AnyModule;

/**
 * Ours for a case: a call, or how a module is made, which is then called with the inputs: all of them, unless `run` says how. Results may
 * stand in arrays.
 */
export type Translation = { call: CourseCall } | { make: CourseModule; run?: CourseRun };

/** How a module is called with the inputs of a case. */
export type CourseRun = (module: never, ...inputs: Tensor[]) => unknown;

/** Translations by the text of the call. */
export type Translations = Readonly<Record<string, Translation>>;

/** The back ends that can be had here: to run a case on each. */
export const BACKENDS = (["native", "wasm", "reference"] as const).filter((name) => {
  try {
    return backendNamed(name) !== undefined;
  } catch {
    return false;
  }
});

/** Runs `body` on a back end, and then goes back to the one before. */
export function onBackend<T>(name: typeof BACKENDS[number], body: () => T): T {
  const before = backendName();
  useBackend(name);
  try {
    return body();
  } finally {
    useBackend(before);
  }
}

/**
 * A test for each case of a section and each back end: ours is PyTorch's. A case without a translation fails, unless it is named in
 * `elsewhere` with the place where it is judged; a translation without a case fails too.
 */
export function testCourse(
  section: CourseSection,
  translations: Translations,
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  const cases = courseCases(section).filter(({ call }) => !(call in elsewhere));
  for (const entry of cases) {
    for (const name of BACKENDS) {
      it(`${entry.call} is PyTorch's (${name})`, () => {
        assert(entry.call in translations, `no translation for ${entry.call}`);
        onBackend(name, () => checkCase(entry, translations[entry.call]));
      });
    }
  }
  it(`every translation and every reason stands for a case of ${section}`, () => {
    const known = courseCases(section).map(({ call }) => call);
    assertEquals([...Object.keys(translations), ...Object.keys(elsewhere)].filter((call) => !known.includes(call)), []);
  });
}

// PyTorch's numbers are rounded to 7 digits: half of 1e-6, relatively. What cancels to 0 does so but for ε of float64.
const [RELATIVE, ABSOLUTE] = [1e-6, 1e-13];

/** Compares results, gradients, weights and buffers, in float64. */
export function checkCase(entry: CourseCase, translation: Translation): void {
  const { module, results, inputs } = runCase(entry, translation);
  const floats = results.filter(({ dtype }) => dtype.startsWith("float"));
  const rest = results.filter(({ dtype }) => !dtype.startsWith("float"));
  const found: Record<string, unknown> = {
    y: floats.length > 1 ? floats.map(numbersOf) : floats.length === 1 ? numbersOf(floats[0]) : null,
    ...(entry.integers === undefined ? {} : { integers: rest.map(numbersOf) }),
    ...(entry.grads === undefined ? {} : { grads: inputs.map(({ g }) => g && numbersOf(g)) }),
  };
  for (const [name, value] of Object.entries(found)) assertNumbers(value, entry[name as keyof CourseCase], name);
  if (module === null) return;
  const state = new Map<string, Tensor>(module.namedParameters());
  for (const [name, first] of Object.entries(entry.weights ?? {})) assertFirst(state.get(name), first, name);
  for (const [name, first] of Object.entries(entry.parameter_grads ?? {})) {
    assertFirst(state.get(name)?.g, first, `the gradient of ${name}`);
  }
  const buffers = new Map<string, Tensor>(module.namedBuffers());
  for (const [name, value] of Object.entries(entry.buffers ?? {})) {
    assertNumbers(numbersOf(buffers.get(name)!), value, name);
  }
}

/** A case that was run. */
export interface Ran {
  /** The module, or `null` for a call. */
  module: AnyModule | null;
  /** The inputs, whose gradients are there. */
  inputs: Tensor[];
  results: Tensor[];
}

/**
 * Runs a case forward and backward. All is drawn in float64, the module first, in float32, as PyTorch did; `change` is applied to what
 * was drawn: inputs, weights and what comes from above.
 */
export function runCase(
  { seed, draw }: CourseCase,
  translation: Translation,
  dtype: "float32" | "float64" = "float64",
  change: (x: Tensor) => Tensor = (x) => x,
): Ran {
  manualSeed(seed);
  const born = "make" in translation ? translation.make("float32") : null;
  const drawn = (shape: readonly number[]) => change(rand([...shape], { dtype: "float64" }).sub(0.5)).to(dtype);
  const inputs = draw.map((shape) => drawn(shape).requiresGrad_());
  const module = born && inDType(born, translation as { make: CourseModule }, dtype, change);
  const results = [resultsOf(translation, module, inputs)].flat(Infinity) as Tensor[];
  const sums = results.filter(({ requiresGrad }) => requiresGrad).map((y) => y.mul(drawn(y.shape)).sum());
  if (sums.length > 0) sums.reduce((a, b) => a.add(b)).backward();
  return { module, inputs, results };
}

function resultsOf(translation: Translation, module: AnyModule | null, inputs: Tensor[]): unknown {
  if ("call" in translation) return translation.call(...inputs);
  return translation.run === undefined ? module!.call(...inputs as never) : translation.run(module as never, ...inputs);
}

/** A module with the changed weights of another; what it draws when it is made is not taken from the stream. */
function inDType(
  born: AnyModule,
  { make }: { make: CourseModule },
  dtype: "float32" | "float64",
  change: (x: Tensor) => Tensor,
): AnyModule {
  const place = defaultGenerator.getState();
  const module = make(dtype);
  defaultGenerator.setState(place);
  module.loadStateDict(Object.fromEntries([...born.stateDict()].map(([name, x]) => [name, change(x)])));
  return module;
}

function numbersOf(x: Tensor): unknown {
  return x.toArray();
}

function assertFirst(x: Tensor | null | undefined, expected: Numbers, name: string): void {
  assert(x, `${name} is missing`);
  assertNumbers(
    Array.from(x.detach().flatten().toArray() as number[]).slice(0, (expected as Numbers[]).length),
    expected,
    name,
  );
}

/** Compares nested numbers with those of PyTorch, which end where one of their sizes is 0. */
export function assertNumbers(found: unknown, expected: unknown, name: string, absolute = ABSOLUTE): void {
  const [ours, theirs] = [found, expected].map((value) => [value].flat(Infinity as 1));
  assertEquals(shapeOf(found), shapeOf(expected), name);
  assertEquals(ours.length, theirs.length, name);
  theirs.forEach((value, i) => {
    const near = Object.is(ours[i], value === null ? null : Number(value)) ||
      Math.abs(Number(ours[i]) - Number(value)) <= absolute + RELATIVE * Math.abs(Number(value));
    assert(near, `${name}, element ${i}: ${ours[i]} is not ${value}`);
  });
}

function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...(value.length > 0 ? shapeOf(value[0]) : [])] : [];
}
