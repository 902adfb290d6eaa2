/**
 * Everything public is called wrongly: with an option that it does not know, and with what is no tensor. The tables have every export of
 * every entry point in deno.json; a new one that is neither in them nor said to take neither fails the first test.
 */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { describe as describeValue } from "../core/arguments.ts";
import config from "../deno.json" with { type: "json" };
import { nn } from "../mod.ts";
import { type Cases, type Found, NEITHER, type OptionCase, type TensorCase } from "./wrong_calls/cases.ts";
import { FUNCTIONAL, INIT, NN, OPTIM } from "./wrong_calls/layers.ts";
import { AUTOGRAD, DATA, MAIN, METRICS } from "./wrong_calls/main.ts";
import { STAGE_1, STAGE_2, STAGE_3, STAGE_4 } from "./wrong_calls/stages.ts";

/** Every export by entry point, or by namespace within one. */
const TABLE: Record<string, Record<string, Cases | typeof NEITHER>> = {
  ".": MAIN,
  "./nn": NN,
  "./optim": OPTIM,
  "./functional": STAGE_1,
  "./classes": STAGE_2,
  "./layer_function": STAGE_3,
  "./function": STAGE_4,
  "./data": DATA,
  "nn.functional": FUNCTIONAL,
  "nn.init": INIT,
  metrics: METRICS,
  autograd: AUTOGRAD,
};
/** The namespaces within the entry points. */
const NAMESPACES: Record<string, string> = {
  nn: "./nn",
  optim: "./optim",
  functional: "nn.functional",
  init: "nn.init",
};

const isNamespace = (value: unknown): value is object => Object.prototype.toString.call(value) === "[object Module]";

/** `place: name` for everything exported, each namespace in its own place. */
function exportsOf(module: object, place: string): string[] {
  return Object.entries(module).flatMap(([name, value]) =>
    isNamespace(value) ? exportsOf(value, NAMESPACES[name] ?? name) : [`${place}: ${name}`]
  );
}

const WRONG: Record<Found, unknown> = {
  array: [[1, 2], [3, 4]],
  number: 3,
  undefined: undefined,
  module: new nn.Linear(2, 2),
  text: "weights",
};

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Refused with the option's name and the one that is meant. */
async function refusesOption([written, nearest, call]: OptionCase): Promise<void> {
  const error = await errorOf(() => call({ [written]: 1 }));
  assertInstanceOf(error, TypeError, `${written}: ${error}`);
  assertStringIncludes(error.message, `"${written}"`);
  assertMatch(error.message, new RegExp(`(the nearest|the only one) is ${nearest}$`));
}

/** Refused with what was found and what to do. */
async function refusesOthers(tensorCase: TensorCase): Promise<void> {
  const [call, ...right] = Array.isArray(tensorCase) ? tensorCase : [tensorCase];
  for (const [kind, value] of Object.entries(WRONG)) {
    if ((right as string[]).includes(kind)) continue;
    const error = await errorOf(() => call(value));
    assertInstanceOf(error, TypeError, `${kind} in ${call}: ${error}`);
    assertStringIncludes(error.message, describeValue(value), `${call}`);
    assertMatch(error.message, /: .*(tensor\(\[…\]\)|give |expected )/, `${call}`);
  }
}

describe("wrong calls", () => {
  it("every export of every entry point is in the table", async () => {
    const modules = await Promise.all(
      Object.entries(config.exports).map(async ([entry, path]) =>
        exportsOf(await import(new URL(path, new URL("../", import.meta.url)).href), entry)
      ),
    );
    const there = Object.entries(TABLE).flatMap(([place, names]) =>
      Object.keys(names).map((name) => `${place}: ${name}`)
    );
    assertEquals(there.toSorted(), [...new Set(modules.flat())].toSorted());
  });
  for (const [place, names] of Object.entries(TABLE)) {
    for (const [name, cases] of Object.entries(names)) {
      if (cases === NEITHER) continue;
      const { options = [], tensors = [] } = cases;
      assert(options.length + tensors.length > 0, `${place}: ${name} has no cases`);
      if (options.length > 0) {
        it(`${name} (${place}) refuses an unknown option and says the nearest`, async () => {
          for (const option of options) await refusesOption(option);
        });
      }
      if (tensors.length > 0) {
        it(`${name} (${place}) refuses what is no tensor and says what it found`, async () => {
          for (const tensorCase of tensors) await refusesOthers(tensorCase);
        });
      }
    }
  }
});
