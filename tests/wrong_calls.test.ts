/**
 * Everything public is called wrongly: with an option that it does not know, and with what is not a tensor. The tables have every export of
 * every entry point in deno.json; a new one that is neither in them nor said to take neither fails the first test.
 */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "./bdd.ts";
import { describe as describeValue } from "../core/arguments.ts";
import config from "../deno.json" with { type: "json" };
import * as data from "@gradus/gradus/data";
import * as io from "@gradus/gradus/io";
import * as g from "@gradus/gradus";
import { type Cases, type Found, NEITHER, type OptionCase, type TensorCase, x } from "./wrong_calls/cases.ts";
import { DRAWN } from "./wrong_calls/display.ts";
import { FUNCTIONAL, INIT, NN } from "./wrong_calls/layers.ts";
import { OPTIM } from "./wrong_calls/optim.ts";
import { AUTOGRAD, AUTOGRAD_FUNCTIONAL, LADDER, MAIN } from "./wrong_calls/main.ts";
import { PARALLEL } from "./wrong_calls/parallel.ts";
import { DATA, DISPLAY, IO, METRICS, ONNX, TRAIN } from "./wrong_calls/rooms.ts";
import { STAGE_1, STAGE_2, STAGE_3, STAGE_4 } from "./wrong_calls/stages.ts";

const { nn, tensor } = g;

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
  "./io": IO,
  "./onnx": ONNX,
  "./parallel": PARALLEL,
  "./train": TRAIN,
  "./ladder": LADDER,
  "./metrics": METRICS,
  "./autograd": AUTOGRAD,
  "./display": { ...DISPLAY, ...DRAWN },
  "./cli": { COMMANDS: NEITHER, cli: NEITHER },
  "autograd.functional": AUTOGRAD_FUNCTIONAL,
  "nn.functional": FUNCTIONAL,
  "nn.init": INIT,
};
/** The namespaces within the entry points. */
const NAMESPACES: Record<string, string> = {
  nn: "./nn",
  optim: "./optim",
  autograd: "./autograd",
  metrics: "./metrics",
  functional: "nn.functional",
  "./autograd: functional": "autograd.functional",
  init: "nn.init",
};

const isNamespace = (value: unknown): value is object => Object.prototype.toString.call(value) === "[object Module]";

/** Everything exported, as `place: name`, each namespace in its own place. */
function exportsOf(module: object, place: string): [name: string, value: unknown][] {
  return Object.entries(module).flatMap(([name, value]): [string, unknown][] =>
    isNamespace(value)
      ? exportsOf(value, NAMESPACES[`${place}: ${name}`] ?? NAMESPACES[name] ?? name)
      : [[`${place}: ${name}`, value]]
  );
}

async function everything(): Promise<Map<string, unknown>> {
  const modules = Object.entries(config.exports).map(async ([entry, path]) =>
    exportsOf(await import(new URL(path, new URL("../", import.meta.url)).href), entry)
  );
  return new Map((await Promise.all(modules)).flat());
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

/** What an engine says where nobody looked at an argument. */
const FROM_INSIDE =
  /is not a function|Cannot read prop|not iterable|reading '|destructure|Cannot convert|Cannot use 'in'/;

/** Not called with any value there is. */
const LEFT_OUT: Record<string, RegExp> = {
  "they change what every other test relies on": /: (useBackend|setThreads|setPrintOptions|manualSeed)$/,
  "they go to the network, or draw thousands of digits": /: (loadMnist|fashionMnist|openml|digits)$/,
  "they write files": /: write/,
  "it serves a page until it is closed": /: watchRuns$/,
  "they are written for their own callers, who give them records and numbers": /: (describeEpoch|formatSeconds)$/,
  "they are abstract, so that nobody can call them": /: (Optimizer|Scheduler|Module|ChannelNorm|LayerFunction)$/,
};

const VALUES = [...Object.values(WRONG), null, { a: 1 }, () => 1, new Map(), true, new Float32Array(2), tensor([[1]])];

/** Errors from inside, of an export that is called with each of the values alone, and after a tensor or a number. */
async function errorsFromInside(name: string, value: (...args: unknown[]) => unknown): Promise<string[]> {
  const isClass = /^class\b/.test(`${value}`);
  const found: string[] = [];
  for (const before of [[], [tensor([[1, 2], [3, 4]])], [2]]) {
    for (const wrong of VALUES) {
      const args = [...before, wrong];
      const error = await errorOf(() => isClass ? Reflect.construct(value, args) : value(...args));
      const message = error instanceof Error ? error.message : "";
      if (FROM_INSIDE.test(message)) found.push(`${name}(${args.map(describeValue).join(", ")}): ${message}`);
    }
  }
  return found;
}

describe("wrong calls", () => {
  it("no export lets an argument that nobody looked at fail inside", async () => {
    const called = [...await everything()].filter(([name, value]) =>
      typeof value === "function" && !Object.values(LEFT_OUT).some((pattern) => pattern.test(name))
    ) as [string, (...args: unknown[]) => unknown][];
    const found: string[] = [];
    for (const [name, value] of called) found.push(...await errorsFromInside(name, value));
    assertEquals(found, []);
  });
  it("no method of a tensor does either, in its first, second or third place", () => {
    const prototypes = [g.Tensor.prototype, Object.getPrototypeOf(g.Tensor.prototype)];
    const methods = prototypes.flatMap((prototype) =>
      Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(([name, { value }]) =>
        typeof value === "function" && name !== "constructor"
      )
    );
    assert(methods.length > 150);
    const indices = tensor([[0, 1]], { dtype: "int32" });
    const found: string[] = [];
    for (const [name, { value }] of methods) {
      for (const before of [[], [0], [indices], [0, indices]]) {
        for (const wrong of VALUES) {
          try {
            value.apply(tensor([[1, 2], [3, 4]]), [...before, wrong]);
          } catch (error) {
            const { message } = error as Error;
            if (FROM_INSIDE.test(message)) found.push(`${name}(${[...before, wrong].map(describeValue)}): ${message}`);
          }
        }
      }
    }
    assertEquals(found, []);
  });
  it("readers and writers of files refuse what is no path, and write nothing", async () => {
    const memory = "an ArrayBuffer: give its path, a text; bytes come as a Uint8Array";
    const values: [unknown, string][] = [[undefined, "undefined: give"], [5, "the number 5: give its path, a text"]];
    const readers = [io.readNpy, data.readIdx, io.readSafetensors, io.readNpz, data.readMnistPickle];
    for (const [path, message] of [...values, [new ArrayBuffer(4), memory]] as [string, string][]) {
      for (const read of readers) {
        await assertRejects(async () => await read(path), TypeError, `Cannot read the file ${message}`);
      }
    }
    for (const read of readers) {
      await assertRejects(async () => await read(new Uint8Array(4)), Error, "Cannot read the bytes");
    }
    for (const [path, message] of values as [string, string][]) {
      const calls = [
        () => io.writeNpy(path, x),
        () => io.writeNpz(path, { x }),
        () => io.writeSafetensors(path, { x }),
        () => io.requireWritable(path),
      ];
      for (const write of calls) await assertRejects(write, TypeError, `Cannot write the file ${message}`);
    }
  });
  it("every export of every entry point is in the table", async () => {
    const there = Object.entries(TABLE).flatMap(([place, names]) =>
      Object.keys(names).map((name) => `${place}: ${name}`)
    );
    const exported = [...(await everything()).keys()];
    assertEquals(exported.filter((name) => !there.includes(name)), [], "these need a line in tests/wrong_calls/");
    assertEquals(there.filter((name) => !exported.includes(name)), [], "these are exported no longer");
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
