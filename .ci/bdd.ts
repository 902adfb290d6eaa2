/**
 * `@std/testing/bdd` as far as this project uses it, for when JSR does not answer. Whatever fails with the one fails with the
 * other: an outermost `describe` is one `Deno.test`, all in it are its steps, so that sanitizers watch the whole group as well.
 *
 * @module
 */

type Body = (t: Deno.TestContext) => void | Promise<void>;
type Hook = () => void | Promise<void>;
type Options = Partial<Omit<Deno.TestDefinition, "fn" | "name">>;

interface Case {
  readonly name: string;
  readonly options: Options;
  readonly fn: Body;
}

interface Suite {
  readonly name: string;
  readonly options: Options;
  readonly hooks: Record<"beforeAll" | "afterAll" | "beforeEach" | "afterEach", Hook[]>;
  readonly steps: (Suite | Case)[];
}

/** The group being described; of a file with hooks outside every group, the one that holds all others. */
let current: Suite | null = null;
/** Whether tests are registered, and whether they run. */
let [started, running] = [false, false];

function newSuite(name: string, options: Options): Suite {
  return { name, options, hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] }, steps: [] };
}

async function runAll(hooks: readonly Hook[]): Promise<void> {
  for (const hook of hooks) await hook();
}

/** Runs a test inside the hooks of its groups, outermost first; a group whose `beforeEach` throws is not cleaned up after. */
async function runCase(suites: readonly Suite[], body: Hook): Promise<void> {
  if (suites.length === 0) return await body();
  const [{ hooks }, ...inner] = suites;
  await runAll(hooks.beforeEach);
  try {
    await runCase(inner, body);
  } finally {
    await runAll(hooks.afterEach);
  }
}

async function runSuite(suites: readonly Suite[], t: Deno.TestContext): Promise<void> {
  const { hooks, steps } = suites.at(-1)!;
  await runAll(hooks.beforeAll);
  try {
    for (const step of chosen(steps)) {
      const { permissions, only: _, ...options } = step.options;
      const fn = (t: Deno.TestContext) => {
        if (permissions) throw new Error("Cannot use the option permissions inside a describe()");
        return "steps" in step ? runSuite([...suites, step], t) : runCase(suites, () => step.fn(t));
      };
      await t.step({ ...options, name: step.name, fn });
    }
  } finally {
    await runAll(hooks.afterAll);
  }
}

function hasOnly(step: Suite | Case): boolean {
  return step.options.only === true || ("steps" in step && step.steps.some(hasOnly));
}

function chosen(steps: readonly (Suite | Case)[]): readonly (Suite | Case)[] {
  return steps.some(hasOnly) ? steps.filter(hasOnly) : steps;
}

function register(name: string, options: Options, fn: Body): void {
  started = true;
  Deno.test({ ...options, name, fn: (t) => (running = true, fn(t)) });
}

function addTest(name: string, fn: Body, options: Options): void {
  if (running) throw new Error(`Cannot add it("${name}"): the tests are running`);
  started = true;
  if (current) current.steps.push({ name, options, fn });
  else register(name, options, fn);
}

function addSuite(name: string, fn: () => void, options: Options): void {
  if (options.ignore) return register(name, options, () => {});
  const [outer, suite] = [current, newSuite(name, options)];
  current = suite;
  try {
    const result: unknown = fn();
    if (result instanceof Promise) throw new TypeError(`Cannot use an asynchronous function in describe("${name}")`);
  } finally {
    current = outer;
  }
  if (outer) outer.steps.push(suite);
  else register(name, hasOnly(suite) ? { ...options, only: true } : options, (t) => runSuite([suite], t));
}

/** A function that takes `(name, fn)`, `(name, options, fn)` or one definition, with `.only`, `.skip` and `.ignore`. */
function withForms<F extends Body | (() => void)>(add: (name: string, fn: F, options: Options) => void) {
  type Definition = Options & { name: string; fn?: F };
  const form = (extra: Options) => (first: string | Definition, second?: Options | F, third?: F): void => {
    const definition = typeof first === "string" ? { name: first } : first;
    const between = typeof second === "function" ? { fn: second } : { ...second, ...(third && { fn: third }) };
    const { name, fn = (() => {}) as F, ...options } = { ...definition, ...between };
    add(name, fn, { ...options, ...extra });
  };
  return Object.assign(form({}), {
    only: form({ only: true }),
    skip: form({ ignore: true }),
    ignore: form({ ignore: true }),
  });
}

/** A named group of tests. */
export const describe = withForms<() => void>(addSuite);

/** One test. */
export const it = withForms<Body>(addTest);

/** The same as `it`. */
export const test = it;

function hook(kind: keyof Suite["hooks"]): (fn: Hook) => void {
  return (fn) => {
    if (!current) {
      if (started) throw new Error(`Cannot add ${kind}() outside every describe() after the first test`);
      const all = current = newSuite("global", {});
      register(all.name, {}, (t) => runSuite([all], t));
    }
    current.hooks[kind].push(fn);
  };
}

/** Runs before each test of the surrounding group. */
export const beforeEach = hook("beforeEach");

/** Runs after each test of the surrounding group, also when it failed. */
export const afterEach = hook("afterEach");

/** Runs once, before the surrounding group's first test. */
export const beforeAll = hook("beforeAll");

/** Runs once, after the surrounding group's last test. */
export const afterAll = hook("afterAll");
