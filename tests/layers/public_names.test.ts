/** Nothing that is written in layers/ is forgotten on the way out: what a file holds of a kind stands in the room's entry point. */
import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import * as activations from "../../layers/nn/activation.ts";
import * as functions from "../../layers/nn/functional/activation.ts";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";

const LAYERS = new URL("../../layers/", import.meta.url);

/** The classes derived from `base` that the files of a folder export, by name. */
async function classesIn(folder: string, base: object): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name, isFile } of Deno.readDirSync(new URL(folder, LAYERS))) {
    if (!isFile) continue;
    const exports = Object.entries<object>(await import(new URL(folder + name, LAYERS).href));
    for (const [key, value] of exports) if (Object.prototype.isPrototypeOf.call(base, value)) found[key] = value;
  }
  return found;
}

function assertHolds(entry: object, classes: Record<string, unknown>): void {
  const missing = Object.keys(classes).filter((name) => Reflect.get(entry, name) !== classes[name]);
  assertEquals(missing, [], "not exported by the entry point");
}

describe("entry points of layers", () => {
  it("nn has every module of its folder", async () => assertHolds(nn, await classesIn("nn/", nn.Module)));
  it("optim has every optimiser of its folder", async () => {
    assertHolds(optim, await classesIn("optim/", optim.Optimizer));
  });
  it("optim has every schedule of its folder", async () => {
    assertHolds(optim, await classesIn("optim/schedules/", optim.Scheduler));
  });
  it("each activation is a function of nn.functional, and a module of the same name in other letters", () => {
    const names = (exports: object) => Object.keys(exports).map((name) => name.toLowerCase()).sort();
    assertEquals(names(activations), names(functions));
  });
});
