/**
 * `@std/testing/bdd` as far as this project uses it, for when JSR does not answer: every `it` becomes one `Deno.test`
 * called "describe it", so that sanitizers, permissions, filters and counts are the test runner's own.
 *
 * @module
 */

type Body = (t: Deno.TestContext) => void | Promise<void>;
type Hook = () => void | Promise<void>;
type Options = Partial<Omit<Deno.TestDefinition, "fn" | "name">>;

interface Suite {
  readonly name: string;
  readonly parent: Suite | null;
  readonly options: Options;
  readonly before: Hook[];
  readonly after: Hook[];
}

const newSuite = (name: string, parent: Suite | null, options: Options): Suite => ({
  name,
  parent,
  options,
  before: [],
  after: [],
});

let current: Suite = newSuite("", null, {});

/** Outermost first. */
function lineage(suite: Suite): Suite[] {
  return suite.parent ? [...lineage(suite.parent), suite] : [suite];
}

async function runInside(suites: readonly Suite[], body: Hook): Promise<void> {
  if (suites.length === 0) return await body();
  const [outer, ...inner] = suites;
  try {
    for (const hook of outer.before) await hook();
    await runInside(inner, body);
  } finally {
    for (const hook of outer.after) await hook();
  }
}

function addTest(name: string, fn: Body, own: Options): void {
  const suites = lineage(current);
  const options = Object.assign({}, ...suites.map((suite) => suite.options), own);
  const fullName = [...suites.map((suite) => suite.name), name].filter((part) => part !== "").join(" ");
  Deno.test({ ...options, name: fullName, fn: (t) => runInside(suites, () => fn(t)) });
}

function addSuite(name: string, fn: () => void, options: Options): void {
  const outer = current;
  current = newSuite(name, outer, options);
  try {
    const result: unknown = fn();
    if (result instanceof Promise) throw new TypeError(`Cannot use an asynchronous function in describe("${name}")`);
  } finally {
    current = outer;
  }
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

/** Runs before each test of the surrounding group. */
export function beforeEach(fn: Hook): void {
  current.before.push(fn);
}

/** Runs after each test of the surrounding group, also when it failed. */
export function afterEach(fn: Hook): void {
  current.after.push(fn);
}

/** Runs once, before the file's first test. */
export function beforeAll(fn: Hook): void {
  Deno.test.beforeAll(fn);
}

/** Runs once, after the file's last test. */
export function afterAll(fn: Hook): void {
  Deno.test.afterAll(fn);
}
